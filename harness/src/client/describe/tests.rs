//! Every mistake as people see it: bad descriptions and what is drawn for them, kept as a snapshot.

use super::parse;

const RIGHT: [(&str, &str); 6] = [
    ("name", "name = \"c\""),
    ("summary", "summary = \"x\""),
    ("command", "command = [\"c\", \"{catwalk_url}\", \"{cache_dir}\", \"{ttl}\"]"),
    ("env", ""),
    ("ttl", ""),
    ("files", "[files]\npublished = \"p.json\""),
];

/// A right description with these keys replaced. A table must come last, and `files` is one.
fn description(changes: &[(&str, &str)]) -> String {
    let line = |(key, right): &(&str, &str)| {
        let change = changes.iter().find(|(changed, _)| changed == key);
        change.map_or(*right, |(_, text)| text).to_owned()
    };
    let further = changes.iter().filter(|(key, _)| RIGHT.iter().all(|(right, _)| right != key));
    let lines: Vec<_> =
        RIGHT.iter().map(line).chain(further.map(|(_, text)| (*text).to_owned())).collect();
    lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

fn check(name: &str, cases: &[&[(&str, &str)]]) {
    let drawn: Vec<_> = cases
        .iter()
        .map(|changes| match parse("client.toml", &description(changes)) {
            Ok(_) => panic!("nothing is wrong with this:\n{}", description(changes)),
            Err(diagnostics) => diagnostics.plain(),
        })
        .collect();
    insta::assert_snapshot!(name, drawn.join("\n\n--------\n\n"));
}

#[test]
fn commands() {
    check(
        "commands",
        &[
            &[("name", "name = \"\""), ("summary", "summary = \" \"")],
            &[("command", "command = []")],
            &[(
                "command",
                "command = [\"c\", \"{catwalk_url}\", \"{cachedir}\", \"{ttl}\", \"{print}\"]",
            )],
            &[
                ("command", "command = [\"sh\", \"{cache-client}\", \"{seconds}\"]"),
                ("env", "env = { U = \"{catwalk_url}\", D = \"{home}\", T = \"{ttl_seconds}\" }"),
            ],
            &[("command", "command = [\"c\"]")],
            &[("env", "env = { \"A=B\" = \"{nope}\" }")],
            &[("env", "env = { DB = \"{port-db}\" }")],
            &[("env", "env = { PY = \"{need-python}\" }")],
            &[("services", "[services.DB]\ncommand = [\"db\", \"{cachedir}\"]")],
            &[("services", "[services.db]\ncommand = []")],
            &[("ttl", "ttl = \"1h\"")],
            &[("ttl", "ttl = \"0s\"")],
            &[("env", "requires = [\"\"]")],
            &[(
                "commands",
                "[commands]\nget = [\"c\", \"{catwalk_url}\", \"{home}\"]\nupdate = [\"c\", \"-u\"]",
            )],
            &[("age", "[age]\ncommand = [\"touch\", \"{cache-client}\"]")],
        ],
    );
}

#[test]
fn files() {
    check(
        "files",
        &[
            &[("files", "[files]\npublished = \"/home/me/p.json\"")],
            &[(
                "files",
                "[files]\npublished = \"*.json\"\nlocks = [\"../x\"]\ntemporaries = [\"[a\"]\nlock-kind = \"advisory\"",
            )],
            &[("files", "[files]\npublished = \"p\"\nlocks = [\"p.lock\"]")],
            &[("files", "[files]\npublished = \"p\"\nlock-kind = \"existence\"")],
            &[("files", "[files]\npublished = \"p\"\nform = { inside = \"data.providers\" }")],
            &[("files", "[files]\npublish = \"p\"")],
            &[("ttl", "stdout = { sha256 = \"sha256\" }")],
            &[("ttl", "stdout = \"sha256\"")],
            &[("claims", "[claims]\nstale-if-error = \"\"")],
            &[("files", "[files]\npublished = \"p\"\nembedded = \"/etc/catalogue.json\"")],
        ],
    );
}

#[test]
fn what_commands_tell_and_publish() {
    let commands = |more: &str| {
        format!("[commands]\nhealth = [\"c\", \"{{catwalk_url}}\", \"{{home}}\"]\n{more}")
    };
    let cases = [
        ("", "[tells.heath]\nexit = { fresh = 0 }"),
        ("", "[tells.get]\nexit = { fresh = 0 }"),
        ("", "[tells.health]"),
        ("", "[tells.health]\nexit = { fresh = 256, old = 1 }"),
        ("", "[tells.health]\nexit = { fresh = 256, stale = -1 }"),
        ("", "[tells.health]\nexit = { fresh = 0, stale = 0, absent = 0, corrupt = 0 }"),
        ("", "[tells.health]\noutput = { state = \"status\", locked = \"/locked\" }"),
        ("update-embedded = [\"c\", \"{catwalk_url}\", \"{home}\"]", ""),
    ];
    let texts = cases.map(|(more, tells)| (commands(more), tells));
    let changes: Vec<Vec<(&str, &str)>> = texts
        .iter()
        .map(|(text, tells)| vec![("commands", text.as_str()), ("tells", *tells)])
        .collect();
    let misplaced = [("env", "env = { FILE = \"{catalogue-file}\" }")];
    let all: Vec<&[(&str, &str)]> =
        changes.iter().map(Vec::as_slice).chain([&misplaced[..]]).collect();
    check("tells", &all);
}

#[test]
fn sessions() {
    let commands = ["session", "publish"].map(|name| {
        let file = if name == "publish" { "{catalogue-file}" } else { "" };
        format!("{name} = [\"c\", \"{{catwalk_url}}\", \"{{cache_dir}}\", \"{file}\"]")
    });
    let commands = format!("[commands]\n{}", commands.join("\n"));
    let case = |env, tells| [("env", env), ("commands", commands.as_str()), ("tells", tells)];
    let tells = "[tells.session]\nexit = { fresh = 0 }";
    let cases = [
        case("stdout = \"catalogue\"\nsessions = [\"sesion\", \"get\"]", ""),
        case("stdout = \"catalogue\"\nsessions = [\"session\", \"session\", \"publish\"]", ""),
        case("stdout = \"catalogue\"\nsessions = [\"session\"]", tells),
        case("sessions = [\"session\"]", ""),
    ];
    check("sessions", &cases.each_ref().map(|case| &case[..]));
}

#[test]
fn all_that_can_be_right_is_right() {
    let text = r#"
name = "crush"
summary = "The real program."
command = ["{cache-client}", "--url", "{catwalk_url}", "get"]
env = { XDG_DATA_HOME = "{cache_dir}", KEEP = "${HOME} {}" }
ttl = "1h"
requires = ["crush"]
stdout = { sha256 = "/sha256" }
sessions = ["session"]
age = { command = ["touch", "-d", "-{seconds} seconds", "{cache_dir}/crush/providers.json"] }

[commands]
update = ["crush", "update-providers", "{catwalk_url}"]
update-file = ["crush", "update-providers", "{catalogue-file}", "{catwalk_url}"]
update-embedded = ["crush", "update-providers", "embedded", "{catwalk_url}"]
health = ["crush", "health", "{catwalk_url}"]
session = ["crush", "session", "{catwalk_url}"]

[tells.health]
exit = { fresh = 0, stale = 1, absent = 2, corrupt = 2 }
output = { state = "/status", locked = "/locked", fetches = "/all/0" }

[files]
published = "crush/providers.json"
form = { inside = "/providers" }
locks = ["crush/*.lock"]
lock-kind = "existence"
temporaries = ["crush/.providers-*"]
sidecars = ["crush/*.etag"]
embedded = "embedded.json"

[claims]
stale-if-error = "stale"
"#;
    if let Err(diagnostics) = parse("client.toml", text) {
        panic!("{diagnostics}");
    }
}
