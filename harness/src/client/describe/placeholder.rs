//! The words in braces that a description may hold, such as `{cache_dir}`.
//!
//! A placeholder is a brace, lower-case letters, `_` or `-`, and a brace. Everything else in braces
//! stays as it is, so that `${HOME}` and JSON in an argument need no escape.

use std::ops::Range;

/// The placeholders of `command`, `commands` and `env`.
pub const EVERYWHERE: [&str; 9] = [
    "catwalk_url",
    "cache_dir",
    "home",
    "ttl",
    "ttl_seconds",
    "patience",
    "client_dir",
    "packages",
    "published-checksum",
];

/// A file with a catalogue to publish: in the further commands, and nowhere else.
pub const CATALOGUE_FILE: &str = "catalogue-file";

/// The placeholders of a check for what a client needs.
pub const OF_A_CHECK: [&str; 2] = ["client_dir", "packages"];

/// The fixture binary: the whole first word of a command, and nowhere else.
pub const CACHE_CLIENT: &str = "cache-client";

/// The seconds by which a command of `age` makes the cache older, and nowhere else.
pub const SECONDS: &str = "seconds";

/// The port that a service is told to listen on, in its own command and nowhere else.
pub const PORT: &str = "port";

/// The placeholder of the port of the service called `name`, for the client's commands.
pub fn port_of(name: &str) -> String {
    format!("port-{name}")
}

/// The placeholder of what the check of the need called `name` prints, for the client's commands.
pub fn need_of(name: &str) -> String {
    format!("need-{name}")
}

/// The placeholders in a text: their names and their bytes, braces included.
pub fn find(text: &str) -> impl Iterator<Item = (&str, Range<usize>)> {
    text.match_indices('{').filter_map(|(start, _)| {
        let rest = &text[start + 1..];
        let length = rest.find(|c: char| !(c.is_ascii_lowercase() || c == '_' || c == '-'))?;
        let is_placeholder = length > 0 && rest[length..].starts_with('}');
        is_placeholder.then(|| (&rest[..length], start..start + length + 2))
    })
}

/// Whether a text holds one of these placeholders.
pub fn holds(text: &str, names: &[&str]) -> bool {
    find(text).any(|(name, _)| names.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let found: Vec<_> = find(text).collect();
        assert_eq!(found.iter().map(|(name, _)| *name).collect::<Vec<_>>(), expected);
        for (name, bytes) in found {
            assert_eq!(text[bytes], format!("{{{name}}}"));
        }
    }

    #[test]
    fn only_lower_case_words_are_placeholders() {
        check("{cache_dir}/{ttl}", &["cache_dir", "ttl"]);
        check("{cache-client}", &["cache-client"]);
        check("${HOME} {} {\"a\":1} {x", &[]);
        check("{{home}}", &["home"]);
    }
}
