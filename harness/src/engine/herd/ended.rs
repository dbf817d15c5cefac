//! The end of a process, as it stands in the record: what it printed, and what that turns out to be.

use std::time::Duration;

use serde_json::Value;

use super::world::Herd;
use crate::client::process::Ended;
use crate::model::client::{Client, Stdout};
use crate::model::record::{Excerpt, ExitStatus, Exited, Sighting};
use crate::model::tells::{Tells, Told};

/// How much of a stream stands in the record.
const EXCERPT_MAX: usize = 2048;

impl Herd<'_> {
    /// The beginning of a stream. The cache directory, whose path is long and different in each run,
    /// stands there by its placeholder.
    pub(super) fn excerpt(&self, kept: &[u8], bytes: u64) -> Excerpt {
        let text = String::from_utf8_lossy(&kept[..kept.len().min(EXCERPT_MAX)]);
        let dir = self.disk.surroundings.cache_dir.to_string_lossy();
        Excerpt { bytes, text: text.replace(dir.as_ref(), "{cache_dir}") }
    }

    /// What stands in the record of a process's end.
    pub(super) fn describe(&self, ended: Ended) -> Exited {
        let proc = self.processes.get(&ended.client);
        let signals = proc.map_or(&[][..], |proc| &proc.signals);
        let status = match ended.status {
            Ok(code) => ExitStatus::Code(code),
            Err(number) => ExitStatus::Signal { number, ours: signals.contains(&number) },
        };
        let description = proc.map_or(&self.spec.client, |proc| self.cast(&proc.errand).0);
        let tells = proc.and_then(|proc| description.tells.get(&proc.errand.command));
        // Who tells of the cache shows no catalogue, and what it says of one is about no other.
        let got = match tells {
            Some(_) => Sighting::NotShown,
            None => self.shown(description, &ended),
        };
        let said_stale = tells.is_none() && says_stale(description, &ended);
        Exited {
            client: ended.client,
            status,
            user_us: micros(ended.user),
            system_us: micros(ended.system),
            max_rss_kib: ended.max_rss_kib,
            delayed_us: ended.delayed.map(micros),
            got,
            stdout: self.excerpt(&ended.stdout.kept, ended.stdout.bytes),
            stderr: self.excerpt(&ended.stderr.kept, ended.stderr.bytes),
            said_stale,
            told: tells.map(|tells| told(tells, status, &ended.stdout.kept)),
        }
    }

    /// The catalogue that standard output shows.
    fn shown(&self, description: &Client, ended: &Ended) -> Sighting {
        let library = self.catwalk.library();
        match &description.stdout {
            Stdout::Nothing => Sighting::NotShown,
            _ if ended.stdout.bytes == 0 => Sighting::Absent,
            Stdout::Catalogue => library.identify(&ended.stdout.kept),
            Stdout::Sha256(pointer) => sha256_at(&ended.stdout.kept, pointer).map_or_else(
                || Sighting::Damaged {
                    bytes: ended.stdout.bytes,
                    how: format!("no JSON with a SHA-256 at {pointer}"),
                },
                |sha256| library.identify_sha256(&sha256),
            ),
        }
    }
}

fn says_stale(description: &Client, ended: &Ended) -> bool {
    description.claims.stale_if_error.as_deref().is_some_and(|word| {
        let on_stdout =
            description.stdout != Stdout::Catalogue && contains(&ended.stdout.kept, word);
        on_stdout || contains(&ended.stderr.kept, word)
    })
}

/// What a process told, by its exit code and on its standard output.
fn told(tells: &Tells, status: ExitStatus, stdout: &[u8]) -> Told {
    let exit = match status {
        ExitStatus::Code(code) if !tells.exit.is_empty() => Some(tells.states_of(code)),
        _ => None,
    };
    let json: Option<Value> = serde_json::from_slice(stdout).ok();
    let held = |pointer: &String| match json.as_ref()?.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        value => Some(value.to_string()),
    };
    let output = tells.output.iter().map(|(subject, pointer)| (*subject, held(pointer)));
    Told { exit, output: output.collect() }
}

fn sha256_at(stdout: &[u8], pointer: &str) -> Option<String> {
    let value: Value = serde_json::from_slice(stdout).ok()?;
    value.pointer(pointer)?.as_str().map(str::to_owned)
}

fn contains(bytes: &[u8], word: &str) -> bool {
    !word.is_empty() && bytes.windows(word.len()).any(|window| window == word.as_bytes())
}

/// Whole microseconds, as records hold them.
pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::tells::{State, Subject};

    #[test]
    fn what_is_told_is_read_as_the_description_says() {
        let exit = BTreeMap::from([(State::Fresh, 0), (State::Absent, 2)]);
        let pointers =
            [(Subject::State, "/is"), (Subject::Fetches, "/all/n"), (Subject::Locked, "/l")];
        let output = pointers.map(|(subject, pointer)| (subject, pointer.to_owned())).into();
        let tells = Tells { exit, output };
        let told = |code, stdout: &str| told(&tells, ExitStatus::Code(code), stdout.as_bytes());
        let all = told(2, r#"{"is":"absent","all":{"n":3},"l":false}"#);
        assert_eq!(all.exit, Some(vec![State::Absent]));
        let words: Vec<_> = all.output.values().map(|it| it.as_deref().unwrap_or("")).collect();
        assert_eq!(words, ["absent", "false", "3"]);
        assert_eq!(told(9, "no JSON").exit, Some(Vec::new()));
        assert!(told(9, "no JSON").output.values().all(Option::is_none));
        let silent = Tells::default();
        assert_eq!(super::told(&silent, ExitStatus::Code(0), b"{}"), Told::default());
    }
}
