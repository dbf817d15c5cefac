//! Every mistake as people see it: bad inputs and what is drawn for them, kept as snapshots.

use super::parse;

/// Draws what is wrong with each text. A scenario's summary is added, so that the texts are short.
fn check(name: &str, texts: &[&str]) {
    let drawn: Vec<_> = texts
        .iter()
        .map(|text| match parse("x.toml", &format!("summary = \"x\"\n{text}\n")) {
            Ok(_) => panic!("nothing is wrong with this:\n{text}"),
            Err(diagnostics) => diagnostics.plain(),
        })
        .collect();
    insta::assert_snapshot!(name, drawn.join("\n\n--------\n\n"));
}

#[test]
fn syntax() {
    check(
        "syntax",
        &[
            "[cache]\nttl = 1h",
            "[cache\nttl = \"1h\"",
            "[clients]\ncount = 3\ncount = 4",
            "[clients]\ncount =",
            "why = \"one line\nand another\"",
            "just words",
        ],
    );
}

#[test]
fn types() {
    check(
        "types",
        &[
            "[clients]\ncuont = 3",
            "[cach]\nttl = \"1h\"",
            "[catwalk]\nlatency = 300",
            "[catwalk]\nlatency = \"300\"",
            "[catwalk]\nbody = \"4KB\"",
            "[catwalk]\netag = \"none\"",
            "[clients]\ncount = -1",
            "[clients]\ncount = \"14\"",
            "[clients]\nstart = \"stagger\"",
            "[wave]\ncount = 3",
            "[[inject]]\non = { request = 1 }",
            "[[inject]]\non = \"request\"\ndo = \"bump\"",
            "[[inject]]\non = { requests = 1 }\ndo = { kil = \"KILL\" }",
            "[[inject]]\non = { request = 1, begin = {} }\ndo = \"bump\"",
            "[[inject]]\non = {}\ndo = { stop = true }",
            "[[inject]]\non = { request = 1 }\ndo = { kill = \"SIGKILL\" }",
            "[[inject]]\non = \"begin\"\ndo = { plant = { path = \"published\" } }",
            "[[inject]]\non = { request = 1 }\ndo = { answer = 99999 }",
            "[expect]\nproves = [\"single-fligth\"]",
        ],
    );
}

#[test]
fn values() {
    check(
        "values",
        &[
            "why = \" \"",
            "[catwalk]\nbody = \"3MiB\"\ncache-control = \"a\\nb\"\nlatency = \"20s\"",
            "[cache]\nttl = \"0s\"",
            "[clients]\ncount = 0\nwaves = 0\ncommand = \"\"\ndeadline = \"0s\"\nstart = { stagger = \"0ms\" }",
            "[clients]\npatience = \"20s\"",
            "[clients]\ncount = 14\nwaves = 4000000000",
            "[clients]\ncount = 4\nwaves = 2\n[[wave]]\n[[wave]]\ncount = 0\nbefore = [\"stop\"]",
            "[[wave]]\ncount = 2\nreaders = 2\ncommand = \"update\"",
            "[clients]\nbetween = [\"age\"]",
            "[clients]\nwaves = 2\nbetween = [{ kill = \"KILL\" }, \"stall\", { remove = \"../x\" }]",
            "[expect]\nfetches-per-window = 0\nrecovery = \"0s\"\nwait = \"1m\"\ncontention = 2",
            "[expect]\nproves = [\"freshness\", \"single-flight\", \"freshness\"]",
        ],
    );
}

#[test]
fn triggers() {
    check(
        "triggers",
        &[
            "[[inject]]\non = { request = 0 }\ndo = \"bump\"",
            "[clients]\nwaves = 2\n[[inject]]\non = { all-exited = 3 }\ndo = \"bump\"",
            "[clients]\ncount = 14\n[[inject]]\non = { started = 15 }\ndo = \"bump\"",
            "[clients]\ncount = 2\nwaves = 3\n[[inject]]\non = { exited = 3 }\neach-wave = true\ndo = \"bump\"",
            "[[inject]]\non = { request = 1 }\nnth = 3\ndo = \"bump\"",
            "[[inject]]\non = \"begin\"\nnth = 0\neach-wave = true\ndo = \"bump\"",
            "[[inject]]\non = { created = \"locks\" }\ndo = \"bump\"",
            "[[inject]]\non = { written = \"/tmp/[a\" }\ndo = \"bump\"",
            "[[inject]]\non = { renamed = \"{a\" }\ndo = \"bump\"",
            "[[inject]]\non = { herd-waits = 1 }\ndo = \"bump\"",
            "[catwalk]\nanswer = \"when-herd-waits\"\n[[inject]]\non = { herd-waits = 1 }\ndo = \"bump\"",
        ],
    );
}

#[test]
fn calls() {
    let on =
        |rest: &str| format!("[[inject]]\non = {{ syscall = {{ call = \"rename\"{rest} }} }}\n");
    check(
        "calls",
        &[
            &format!("{}do = {{ short = \"1B\" }}", on("")),
            &format!("{}do = {{ errno = \"EIO\" }}", on(", phase = \"after\"")),
            &format!("{}do = {{ errno = \"ENOSPACE\" }}", on("")),
            &format!("{}do = {{ hold-until = {{ lock-waited = 1 }} }}", on("")),
            &format!("[clients]\ncount = 2\n{}do = {{ hold-until = \"begin\" }}", on("")),
            &format!("{}do = \"bump\"", on(", path = \"locks\"")),
            &format!("{}do = \"bump\"", on(", by = \"rollbak\"")),
            "[[wave]]\nswept = true\n[[wave]]",
            "[[wave]]\nswept = true\n[[wave]]\ncommand = \"update\"\nswept = true",
            "[[inject]]\non = { request = 1 }\ndo = { errno = \"EIO\" }",
            "[[inject]]\non = { lock-waited = 2 }\ndo = \"bump\"",
            "[[inject]]\non = { syscall = { call = \"moves\" } }\ndo = \"bump\"",
        ],
    );
}

#[test]
fn sessions() {
    check(
        "sessions",
        &[
            "[[wave]]\nagain = 1",
            "[[wave]]\ncommand = \"s\"\n[[wave]]\nagain = 2",
            "[[wave]]\ncommand = \"s\"\n[[wave]]\nagain = 1\n[[wave]]\nagain = 2",
            "[[wave]]\n[[wave]]\nagain = 1",
            "[[wave]]\ncommand = \"s\"\ncount = 3\nreaders = 1\n[[wave]]\nagain = 1",
            "[[wave]]\ncommand = \"s\"\n[[wave]]\nagain = 1\ncount = 2\ncommand = \"s\"\nswept = true",
            "[[clients.also]]\nwith = \"a\"\ncount = 1\n[[wave]]\ncount = 2\ncommand = \"s\"\n[[wave]]\nagain = 1",
        ],
    );
}

#[test]
fn actions() {
    check(
        "actions",
        &[
            "[[inject]]\non = { request = 1 }\ntarget = \"fetcher\"\ndo = \"bump\"",
            "[[inject]]\non = { created = \"lock\" }\ndo = { kill = \"KILL\" }",
            "[[inject]]\non = { exited = 1 }\ndo = \"stop\"",
            "[[inject]]\non = \"begin\"\ntarget = \"everyone\"\ndo = { kill-group = \"KILL\" }",
            "[[inject]]\non = { request = 1 }\ntarget = { client = 0 }\ndo = \"stop\"",
            "[[inject]]\non = { request = 1 }\ntarget = { client = 2 }\ndo = \"stop\"",
            "[[inject]]\non = { head-sent = 1 }\ndo = { answer = 503 }",
            "[[inject]]\non = { request = 1 }\ndo = { answer = 100 }",
            "[[inject]]\non = { response-done = 1 }\ndo = \"stall\"",
            "[[inject]]\non = { created = \"temp\" }\ndo = \"reset\"",
            "[[inject]]\non = { request = 1 }\ndo = { delay = \"0s\" }",
            "[[inject]]\non = \"begin\"\ndo = \"age\"",
            "[[inject]]\non = { request = 1 }\ndo = { plant = { path = \"*.json\", content = \"unchanged\" } }",
            "[[inject]]\non = { request = 1 }\ndo = { plant = { path = \"published\", content = \"previous\" } }",
            "[[inject]]\non = { request = 1 }\ndo = { remove = \"publish\" }",
        ],
    );
}

#[test]
fn conditions() {
    check(
        "conditions",
        &[
            "[clients]\nunder = { umask = 0o1000, open-files = 3, user = \"other\" }",
            "[[wave]]\nunder = { user = \"ordinary\" }",
            "[clients]\ncount = 3\n[[clients.also]]\nwith = \"python-flok\"\ncount = 0\n[[clients.also]]\nwith = \"reference\"\ncount = 3",
            "[clients]\nrestarts = 2",
            "[[inject]]\non = { request = 1 }\ntimes = 0\ndo = \"bump\"",
            "[[inject]]\non = \"begin\"\ntimes = 2\ndo = { fork-storm = 3000 }",
            "[[inject]]\non = { all-exited = 1 }\ndo = { run = \" \" }",
            "[[wave]]\nbefore = [{ run = \"health\" }]\n[expect]\ntold = [\"stale\", \"stale\"]",
        ],
    );
}

#[test]
fn disks_and_clocks() {
    check(
        "disks-and-clocks",
        &[
            "[disk]\nsize = \"1B\"",
            "[disk]\nsize = \"64KiB\"\n[clients]\nwaves = 2\nbetween = [{ fill = \"64KiB\" }]",
            "[[wave]]\nbefore = [{ fill = \"0B\" }, \"free\"]",
            "[[inject]]\non = { request = 1 }\ndo = { chmod = { path = \"locks\", mode = 0o7777 } }",
            "[[inject]]\non = { request = 1 }\ndo = { clock-back = \"0s\" }",
            "[[inject]]\non = { request = 1 }\ndo = { coarse-times = \"0s\" }",
            "[[inject]]\non = \"begin\"\ndo = { age-by = \"0s\" }",
            "[[inject]]\non = \"begin\"\ndo = \"wipe\"",
            "[[inject]]\non = \"begin\"\ndo = { plant = { path = \"published\", content = \"link\", mtime = \"future\" } }",
        ],
    );
}

#[test]
fn a_scenario_without_a_summary() {
    let blank = parse("x.toml", "summary = \" \"\n").unwrap_err();
    let none = parse("x.toml", "#:schema ../scenario.schema.json\n").unwrap_err();
    insta::assert_snapshot!("summary", format!("{blank}\n\n--------\n\n{none}"));
}

#[test]
fn all_that_can_be_right_is_right() {
    let text = r#"
summary = "Everything at once."
why = "To see that no check forbids what is meant to be written."

[disk]
size = "2MiB"
linked = true

[catwalk]
latency = "50ms"
answer = "when-herd-waits"
body = "2MiB"
etag = "indented"
cache-control = "max-age=60"

[cache]
ttl = "90s"
initial = "expired"

[clients]
count = 14
deadline = "30s"
restarts = 2
under = { umask = 0o077, open-files = 64, user = "ordinary" }

[[clients.also]]
with = "python-flock"
count = 3

[[wave]]

[[wave]]
count = 3
start = { stagger = "20ms" }
command = "update"
under = { user = "other" }
before = ["bump", "age", { plant = { path = "published", content = "unchanged", mtime = "future" } }, { fill = "8KiB" }, { age-by = "89s" }]

[[inject]]
on = { request = 2 }
do = { answer = 503 }

[[inject]]
on = { herd-waits = 1 }
times = 3
target = "holder"
do = { kill = "KILL" }

[[inject]]
on = { started = 3 }
do = { fork-storm = 100 }

[[inject]]
on = { created = "lock" }
nth = 2
each-wave = true
target = { client = 17 }
do = "stop"
optional = true

[[inject]]
on = { exited = 18 }
do = { remove = "*.tmp" }

[[inject]]
on = { all-exited = 1 }
do = "catwalk-down"

[expect]
contention = 14
wait = "30s"
recovery = "5s"
proves = ["single-flight", "freshness"]
"#;
    if let Err(diagnostics) = parse("x.toml", text) {
        panic!("{diagnostics}");
    }
}

#[test]
fn network_faults() {
    let inject =
        |does: &str| format!("[[inject]]\non = {{ request = 1 }}\ndo = {{ fault = {does} }}");
    let texts = [
        "[catwalk]\nfault = \"gargabe\"".to_owned(),
        "[catwalk]\nfault = { slicer = \"0B\" }".to_owned(),
        inject("\"drip\""),
        inject("{ drip = { bytes = \"0B\", every = \"0ms\" } }"),
        inject("{ status = { code = 302 } }"),
        inject("{ truncate = { framing = \"chunk\" } }"),
        inject("{ reset-after = 1000 }"),
        inject("{ reset-after = \"16KiB\" }"),
        "[[inject]]\non = \"begin\"\ntarget = { client = 9 }\ndo = { fault = \"refuse\" }"
            .to_owned(),
        "[[inject]]\non = \"begin\"\ntarget = { client = 1 }\ndo = \"mend\"".to_owned(),
    ];
    check("network_faults", &texts.each_ref().map(String::as_str));
}
