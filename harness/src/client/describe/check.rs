//! What a description that parses may still have wrong. The gravest are those that would make every
//! verdict wrong without a word: a client that cannot reach the mock server, that uses the user's real
//! cache, or that does not know the TTL by which it is judged.

use cachestorm_model::client::{
    Age, Client, LockKind, PublishedForm, Stdout, UPDATE_EMBEDDED, is_of_kind,
};

use super::placeholder::{
    self, CACHE_CLIENT, CATALOGUE_FILE, EVERYWHERE, OF_A_CHECK, PORT, SECONDS,
};
use super::{sessions, tells};
use crate::scenario::text::nearest::nearest;
use crate::scenario::text::{Node, Problem, paths};

/// Appends everything that is wrong with the meaning of a description.
pub fn check(client: &Client, root: &Node<'_>, problems: &mut Vec<Problem>) {
    for (key, value) in [("name", &client.name), ("summary", &client.summary)] {
        if value.trim().is_empty() {
            let problem = Problem::at(root.get(key).span(), format!("the {key} is empty"));
            problems.push(problem.help("write what a report should show"));
        }
    }
    commands(client, root, problems);
    environment(client, root, problems);
    ttl(client, root, problems);
    for (index, program) in client.requires.iter().enumerate() {
        if program.trim().is_empty() {
            let node = root.get("requires").at(index);
            problems.push(Problem::at(node.span(), "a program without a name"));
        }
    }
    for (name, need) in &client.needs {
        command(&need.check, &root.get("needs").get(name).get("check"), &OF_A_CHECK, problems);
    }
    files(client, &root.get("files"), problems);
    stdout(client, &root.get("stdout"), problems);
    tells::check(client, root, problems);
    sessions::check(client, root, problems);
    if client.claims.stale_if_error.as_deref().is_some_and(|word| word.trim().is_empty()) {
        let node = root.get("claims").get("stale-if-error");
        problems.push(Problem::at(node.span(), "every output holds an empty text").help(
            "write the word by which the client tells that a catalogue is old, such as \"stale\"",
        ));
    }
    if client.claims.stale_bound.is_some() && client.claims.stale_if_error.is_none() {
        let node = root.get("claims").get("stale-bound");
        problems.push(Problem::at(node.span(), "a bound for what is never served").help(
            "add `stale-if-error`, with the word by which the client tells that a catalogue is old",
        ));
    }
}

/// Every command of a description, with its place.
fn all_commands<'a, 'n>(client: &'a Client, root: &Node<'n>) -> Vec<(&'a [String], Node<'n>)> {
    let further = root.get("commands");
    let further = client.commands.iter().map(|(name, words)| (words.as_slice(), further.get(name)));
    std::iter::once((client.command.as_slice(), root.get("command"))).chain(further).collect()
}

fn commands(client: &Client, root: &Node<'_>, problems: &mut Vec<Problem>) {
    let built_in = client.commands.keys().filter(|name| is_of_kind(name, UPDATE_EMBEDDED));
    for name in built_in.filter(|_| client.files.embedded.is_none()) {
        let built_in = root.get("commands").get(name);
        problems.push(
            Problem::at(built_in.key_span(), "what this publishes is not known")
                .note("nothing of it was ever served, so that it would be taken for damage")
                .help(
                    "add `embedded = \"embedded.json\"` to [files], with that file beside this one",
                ),
        );
    }
    let names = placeholder_names(client);
    let everywhere: Vec<&str> = names.iter().map(String::as_str).collect();
    let further: Vec<&str> = everywhere.iter().copied().chain([CATALOGUE_FILE]).collect();
    for (words, node) in all_commands(client, root) {
        // Who reads through the cache is told no file.
        let is_get = std::ptr::eq(words, client.command.as_slice());
        command(words, &node, if is_get { &everywhere } else { &further }, problems);
        reaches_the_harness(words, client, &node, problems);
    }
    let get = root.get("commands").get("get");
    if get.is_written() {
        let problem = Problem::at(get.key_span(), "`get` is the key `command` itself");
        problems.push(problem.help("leave it out here"));
    }
    if let Age::Command(words) = &client.age {
        let allowed: Vec<_> = everywhere.iter().copied().chain([SECONDS]).collect();
        command(words, &root.get("age").payload(), &allowed, problems);
    }
    services(client, &root.get("services"), problems);
}

fn services(client: &Client, root: &Node<'_>, problems: &mut Vec<Problem>) {
    let allowed: Vec<_> = EVERYWHERE.into_iter().chain([PORT]).collect();
    for (name, service) in &client.services {
        let node = root.get(name);
        // It is part of a placeholder.
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_lowercase() || c == '-') {
            let what = format!("\"{name}\" cannot be the name of a service");
            let help = "write lower-case letters and hyphens, such as `[services.redis]`";
            problems.push(Problem::at(node.key_span(), what).help(help));
        }
        let place = node.get("command");
        command(&service.command, &place, &allowed, problems);
        if !service.command.iter().any(|word| placeholder::holds(word, &[PORT])) {
            problems.push(
                Problem::at(place.span(), "the service does not know where to listen")
                    .note("its command does not hold {port}")
                    .help("pass it, such as [\"redis-server\", \"--port\", \"{port}\"]"),
            );
        }
    }
}

/// What the client's own commands and its environment may hold.
fn placeholder_names(client: &Client) -> Vec<String> {
    let ports = client.services.keys().map(|name| placeholder::port_of(name));
    let needs = client.needs.keys().map(|name| placeholder::need_of(name));
    EVERYWHERE.into_iter().map(str::to_owned).chain(ports).chain(needs).collect()
}

fn command(words: &[String], node: &Node<'_>, allowed: &[&str], problems: &mut Vec<Problem>) {
    if words.first().is_none_or(|program| program.trim().is_empty()) {
        problems.push(Problem::at(node.span(), "a command needs a program").help(
            "write the program and its arguments, such as [\"crush\", \"update-providers\"]",
        ));
    }
    for (index, word) in words.iter().enumerate() {
        let place = node.at(index);
        let whole = word.strip_prefix('{').and_then(|word| word.strip_suffix('}'));
        if index == 0 && whole == Some(CACHE_CLIENT) {
            continue;
        }
        placeholders(word, allowed, &place, problems);
    }
}

fn placeholders(text: &str, allowed: &[&str], node: &Node<'_>, problems: &mut Vec<Problem>) {
    for (name, _) in placeholder::find(text).filter(|(name, _)| !allowed.contains(name)) {
        let problem = Problem::at(node.span(), format!("`{{{name}}}` has no meaning here"));
        problems.push(match name {
            CACHE_CLIENT => {
                problem.note("it is the fixture binary: the whole first word of a command")
            }
            SECONDS => problem.note("it belongs to the command of `age`"),
            CATALOGUE_FILE => problem
                .note("it is a file to publish, for further commands")
                .help("write a command of its own under [commands], such as `update-file`"),
            _ => {
                let listed: Vec<_> = allowed.iter().map(|name| format!("{{{name}}}")).collect();
                let problem = problem.note(format!("allowed here: {}", listed.join(", ")));
                match nearest(name, allowed) {
                    Some(meant) => problem.label(format!("did you mean `{{{meant}}}`?")),
                    None => problem.help("put words in braces that are none of ours into a script"),
                }
            }
        });
    }
}

fn reaches_the_harness(
    words: &[String],
    client: &Client,
    node: &Node<'_>,
    problems: &mut Vec<Problem>,
) {
    let holds = |names: &[&str]| {
        words.iter().chain(client.env.values()).any(|text| placeholder::holds(text, names))
    };
    if !holds(&["catwalk_url"]) {
        problems.push(
            Problem::at(node.span(), "the client could never reach the mock server")
                .note("neither this command nor `env` holds {catwalk_url}")
                .help("pass it, such as `env = { CATWALK_URL = \"{catwalk_url}\" }`"),
        );
    }
    if !holds(&["cache_dir", "home"]) {
        problems.push(
            Problem::at(node.span(), "every run would share the client's real cache")
                .note("neither this command nor `env` holds {cache_dir} or {home}")
                .help("pass one, such as `env = { XDG_DATA_HOME = \"{cache_dir}\" }`"),
        );
    }
}

fn environment(client: &Client, root: &Node<'_>, problems: &mut Vec<Problem>) {
    for (name, value) in &client.env {
        let node = root.get("env").get(name);
        if name.is_empty() || name.contains(['=', '\0']) {
            let what = format!("\"{name}\" cannot be the name of a variable");
            problems.push(Problem::at(node.key_span(), what));
        }
        let names = placeholder_names(client);
        let allowed: Vec<&str> = names.iter().map(String::as_str).collect();
        placeholders(value, &allowed, &node, problems);
    }
}

/// A client must know the TTL by which it is judged: it is told, or has one of its own.
fn ttl(client: &Client, root: &Node<'_>, problems: &mut Vec<Problem>) {
    let node = root.get("ttl");
    let told = all_commands(client, root)
        .into_iter()
        .flat_map(|(words, _)| words)
        .chain(client.env.values())
        .any(|text| placeholder::holds(text, &["ttl", "ttl_seconds"]));
    match client.ttl {
        Some(ttl) if ttl.is_zero() => problems.push(
            Problem::at(node.span(), "a TTL of no length at all")
                .help("write the client's own TTL, such as \"1h\""),
        ),
        Some(_) if told => problems.push(
            Problem::at(node.key_span(), "the client has a TTL of its own and is told another")
                .help("leave `ttl` out where {ttl} or {ttl_seconds} is passed"),
        ),
        None if !told => problems.push(
            Problem::at(
                root.get("command").span(),
                "the client does not know the TTL by which it is judged",
            )
            .note("no command and no `env` holds {ttl} or {ttl_seconds}")
            .help("pass one of them, or write the client's own TTL, such as `ttl = \"1h\"`"),
        ),
        _ => {}
    }
}

fn files(client: &Client, node: &Node<'_>, problems: &mut Vec<Problem>) {
    let files = &client.files;
    let relative = "a path is relative to the cache directory, such as \"crush/providers.json\"";
    if let Some(fault) = paths::path_fault(&files.published) {
        problems.push(Problem::at(node.get("published").span(), fault).note(relative));
    }
    for (key, globs) in [
        ("locks", &files.locks),
        ("temporaries", &files.temporaries),
        ("sidecars", &files.sidecars),
    ] {
        for (index, glob) in globs.iter().enumerate() {
            if let Some(fault) = paths::glob_fault(glob) {
                problems.push(Problem::at(node.get(key).at(index).span(), fault).note(relative));
            }
        }
    }
    if let PublishedForm::Inside(pointer) = &files.form {
        json_pointer(pointer, &node.get("form").payload(), problems);
    }
    embedded(client, node, problems);
    lock_kind(client, node, problems);
}

fn embedded(client: &Client, node: &Node<'_>, problems: &mut Vec<Problem>) {
    let place = node.get("embedded");
    if let Some(fault) = client.files.embedded.as_deref().and_then(paths::path_fault) {
        let problem = Problem::at(place.span(), fault);
        problems.push(problem.note("it is a file in the folder of this description"));
    }
}

fn lock_kind(client: &Client, node: &Node<'_>, problems: &mut Vec<Problem>) {
    let (kind, locks) = (node.get("lock-kind"), node.get("locks"));
    match (client.files.lock_kind, client.files.locks.is_empty()) {
        (LockKind::None, false) => problems.push(
            Problem::at(locks.key_span(), "there are lock files, and `lock-kind` says there is no lock").help(
                "write `lock-kind = \"advisory\"` for flock or fcntl, \"existence\" where the file is the lock",
            ),
        ),
        (LockKind::Advisory | LockKind::Existence, true) => problems.push(
            Problem::at(kind.span(), "there is a lock, and no file of it")
                .help("write `locks = [\"*.lock\"]`, or leave `lock-kind` out"),
        ),
        _ => {}
    }
}

fn stdout(client: &Client, node: &Node<'_>, problems: &mut Vec<Problem>) {
    if let Stdout::Sha256(pointer) = &client.stdout {
        json_pointer(pointer, &node.payload(), problems);
    }
}

/// A JSON pointer as in RFC 6901, to a member: the whole document will not do.
pub(super) fn json_pointer(pointer: &str, node: &Node<'_>, problems: &mut Vec<Problem>) {
    if !pointer.starts_with('/') {
        let what = format!("\"{pointer}\" is no JSON pointer to a member");
        let help =
            format!("write a slash before each name, such as \"/{}\"", pointer.replace('.', "/"));
        problems.push(Problem::at(node.span(), what).help(help));
    }
}
