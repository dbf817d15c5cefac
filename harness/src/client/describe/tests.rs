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
        ],
    );
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
age = { command = ["touch", "-d", "-{seconds} seconds", "{cache_dir}/crush/providers.json"] }

[commands]
update = ["crush", "update-providers", "{catwalk_url}"]

[files]
published = "crush/providers.json"
form = { inside = "/providers" }
locks = ["crush/*.lock"]
lock-kind = "existence"
temporaries = ["crush/.providers-*"]
sidecars = ["crush/*.etag"]

[claims]
stale-if-error = "stale"
"#;
    if let Err(diagnostics) = parse("client.toml", text) {
        panic!("{diagnostics}");
    }
}
