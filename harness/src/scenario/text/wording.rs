//! What the TOML library and serde say, in the words of the other messages.
//!
//! serde hands its errors on as sentences of its own; these sentences are taken apart here. A sentence
//! that is not known is shown as it is, so that a new version of serde makes a message worse, not wrong.

use std::ops::Range;

use super::diagnostic::Problem;
use super::nearest::nearest;

/// How to write the words that take a value.
const EXAMPLES: [(&str, &str); 34] = [
    ("request", "{ request = 1 }"),
    ("head-sent", "{ head-sent = 1 }"),
    ("half-sent", "{ half-sent = 1 }"),
    ("response-done", "{ response-done = 1 }"),
    ("created", "{ created = \"published\" }"),
    ("written", "{ written = \"published\" }"),
    ("renamed", "{ renamed = \"published\" }"),
    ("removed", "{ removed = \"published\" }"),
    ("started", "{ started = 1 }"),
    ("exited", "{ exited = 1 }"),
    ("all-exited", "{ all-exited = 1 }"),
    ("herd-waits", "{ herd-waits = 1 }"),
    ("client", "{ client = 1 }"),
    ("kill", "{ kill = \"KILL\" }"),
    ("kill-group", "{ kill-group = \"KILL\" }"),
    ("delay", "{ delay = \"300ms\" }"),
    ("answer", "{ answer = 503 }"),
    ("fault", "{ fault = \"garbage\" }"),
    ("accept-delay", "{ accept-delay = \"300ms\" }"),
    ("reset-after", "{ reset-after = \"1000B\" }"),
    ("truncate", "{ truncate = { framing = \"close\" } }"),
    ("drip", "{ drip = { bytes = \"64B\", every = \"20ms\" } }"),
    ("bandwidth", "{ bandwidth = \"64KiB\" }"),
    ("slicer", "{ slicer = \"7B\" }"),
    ("latency", "{ latency = { base = \"50ms\", jitter = \"100ms\" } }"),
    ("status", "{ status = { code = 503, retry-after = \"2s\" } }"),
    ("wrong-length", "{ wrong-length = \"longer\" }"),
    ("huge-body", "{ huge-body = \"80MiB\" }"),
    ("plant", "{ plant = { path = \"published\", content = \"empty\" } }"),
    ("remove", "{ remove = \"published\" }"),
    ("stagger", "{ stagger = \"20ms\" }"),
    ("inside", "{ inside = \"/providers\" }"),
    ("sha256", "{ sha256 = \"/sha256\" }"),
    ("command", "{ command = [\"touch\", \"-d\", \"-{seconds} seconds\", \"{cache_dir}/file\"] }"),
];

/// How to write the keys that may not be left out.
const REQUIRED: [(&str, &str); 9] = [
    ("summary", "summary = \"One sentence that says what happens and what must come of it.\""),
    ("on", "on = { request = 1 }"),
    ("do", "do = { kill = \"KILL\" }"),
    ("path", "path = \"published\""),
    ("content", "content = \"empty\""),
    ("name", "name = \"crush\""),
    ("command", "command = [\"crush\", \"update-providers\"]"),
    ("files", "[files]` with the key `published"),
    ("published", "published = \"crush/providers.json\""),
];

/// What serde calls a type, and what people do.
const TYPES: [(&str, &str); 7] = [
    ("u32", "a whole number from 0 on"),
    ("u16", "a whole number from 0 to 65535"),
    ("a boolean", "true or false"),
    ("a string", "a string"),
    ("a sequence", "a list"),
    ("a map", "a table"),
    ("struct Plant", "a table with `path` and `content`"),
];

/// A mistake of syntax.
pub(super) fn syntax(error: &toml::de::Error) -> Problem {
    let span = error.span().unwrap_or(0..0);
    let message = error.message();
    if message == "duplicate key" {
        return Problem::at(span, "the same key is written twice").help("keep one of the two");
    }
    let (what, expected) = message.split_once(", expected ").unwrap_or((message, ""));
    let problem = Problem::at(span, what).label("this is not TOML");
    match expected {
        "" => problem,
        "literal string" if problem.span.is_empty() => {
            Problem { message: "there is no value".to_owned(), ..problem }
                .help("write one, or leave the key out")
        }
        "literal string" => problem.help("put the value in quotes"),
        expected => problem.note(format!("expected {expected}")),
    }
}

/// A mistake of type at `span` of `text`; `key` is the key of the entry that it was found in.
pub(super) fn types(
    error: &toml::de::Error,
    text: &str,
    span: Range<usize>,
    key: Option<&str>,
) -> Problem {
    let message = error.message();
    let word = text[span.clone()].trim_matches(['"', '\'']);
    let known = unknown_name(message, &span)
        .or_else(|| missing(message, &span))
        .or_else(|| payload(message, &span, word, key))
        .or_else(|| wrong_type(message, &span, word, key));
    known.unwrap_or_else(|| {
        // Errors of our own types: what is wrong, then what to write.
        let (what, help) = message.split_once("; ").unwrap_or((message, ""));
        let problem = Problem::at(span, what);
        if help.is_empty() { problem } else { problem.help(help) }
    })
}

fn unknown_name(message: &str, span: &Range<usize>) -> Option<Problem> {
    let key = message.strip_prefix("unknown field `");
    let word = message.strip_prefix("unknown variant `");
    let (written, allowed) = key.or(word)?.split_once('`')?;
    let allowed = quoted(allowed);
    let what = match key {
        Some(_) => format!("unknown key `{written}`"),
        None => format!("`{written}` is none of the words allowed here"),
    };
    let mut problem = Problem::at(span.clone(), what);
    problem = match allowed.as_slice() {
        [] => problem.note("nothing may be written here"),
        _ => problem.note(format!("allowed here: {}", allowed.join(", "))),
    };
    Some(match nearest(written, &allowed) {
        Some(meant) => {
            let example = look_up(&EXAMPLES, meant).filter(|_| word.is_some());
            problem.label(format!("did you mean `{}`?", example.unwrap_or(meant)))
        }
        None => problem,
    })
}

fn missing(message: &str, span: &Range<usize>) -> Option<Problem> {
    let key = message.strip_prefix("missing field `")?.strip_suffix('`')?;
    let problem = Problem::at(span.clone(), format!("the key `{key}` is missing"));
    Some(match look_up(&REQUIRED, key) {
        Some(example) => problem.help(format!("write `{example}`")),
        None => problem,
    })
}

/// Words that take a value and have none, or the other way round.
fn payload(message: &str, span: &Range<usize>, word: &str, key: Option<&str>) -> Option<Problem> {
    let problem = |what: &str| Problem::at(span.clone(), what);
    if message == "invalid type: unit variant, expected newtype variant" {
        let problem = problem(&format!("`{word}` needs a value"));
        let example = look_up(&EXAMPLES, word).unwrap_or("{ word = value }");
        return Some(problem.help(format!("write it as a table, such as `{example}`")));
    }
    if message.starts_with("wanted exactly 1 element, ") {
        let what = if message.ends_with("found 0 elements") {
            "nothing is written here"
        } else {
            "only one thing can be written here"
        };
        return Some(
            problem(what).help("one event, one action: write another `[[inject]]` for another"),
        );
    }
    let takes_nothing = message.starts_with("expected table, found ")
        || matches!(message, "expected empty table" | "expected empty array");
    let word = key.filter(|_| takes_nothing)?;
    Some(
        problem(&format!("`{word}` takes no value"))
            .help(format!("write the word alone: \"{word}\"")),
    )
}

fn wrong_type(
    message: &str,
    span: &Range<usize>,
    word: &str,
    key: Option<&str>,
) -> Option<Problem> {
    if message == "wanted string or table" {
        return Some(Problem::at(span.clone(), "expected a word or a table, found something else"));
    }
    let rest = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))?;
    let (found, expected) = rest.split_once(", expected ")?;
    let struct_name = expected.starts_with("struct ").then_some("a table");
    let expected = look_up(&TYPES, expected).or(struct_name).unwrap_or(expected);
    let problem =
        Problem::at(span.clone(), format!("expected {expected}, found {}", article(found)));
    Some(match (expected, found) {
        ("a list", "map") => {
            let key = key.unwrap_or("inject");
            problem.help(format!("a table that may be repeated has two brackets: `[[{key}]]`"))
        }
        (_, string) if expected.starts_with("a whole number") && string.starts_with("string") => {
            problem.help(format!("write the number without quotes: {word}"))
        }
        ("a string", number) if number.starts_with("integer") => problem
            .help("durations and sizes are strings with a unit, such as \"300ms\" or \"64KiB\""),
        _ => problem,
    })
}

/// `integer `3`` becomes `the integer 3`.
fn article(found: &str) -> String {
    match found {
        "map" => "a table".to_owned(),
        "sequence" => "a list".to_owned(),
        _ => format!("the {}", found.replace('`', "")),
    }
}

fn look_up(table: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    table.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// The words between backquotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[cfg(test)]
mod tests {
    use cachestorm_model::client::{Age, PublishedForm, Stdout};
    use cachestorm_model::fault::Fault;
    use cachestorm_model::scenario::{Action, Start, Target, Trigger};
    use serde::Deserialize;
    use serde::de::DeserializeOwned;

    use super::*;

    #[derive(Deserialize)]
    struct Holder<T> {
        #[serde(rename = "value")]
        _value: T,
    }

    fn parses<T: DeserializeOwned>(example: &str) -> bool {
        toml::from_str::<Holder<T>>(&format!("value = {example}")).is_ok()
    }

    #[test]
    fn every_example_can_be_read() {
        for (word, example) in EXAMPLES.iter().filter(|(_, example)| example.starts_with('{')) {
            let read = parses::<Trigger>(example)
                || parses::<Action>(example)
                || parses::<Fault>(example)
                || parses::<Start>(example)
                || parses::<Target>(example)
                || parses::<PublishedForm>(example)
                || parses::<Stdout>(example)
                || parses::<Age>(example);
            assert!(read, "{word}: {example}");
        }
    }
}
