//! Two lists of what a program did, made alike and compared.
//!
//! Process ids differ from run to run, and so which thread is which is told by what it did: the lists of all
//! threads, each in its order, must be the same lists. Where a runtime spreads its work over threads as it
//! likes (Node's pool, Go's scheduler), the calls of all threads are compared without their order.

use std::collections::BTreeMap;

use cachestorm::model::call::{Call, CallName, CallResult};
use cachestorm::model::errno::Errno;

/// The words of flags that the tracer tells of; strace prints more.
const WORDS: [&str; 29] = [
    "O_RDONLY",
    "O_WRONLY",
    "O_RDWR",
    "O_CREAT",
    "O_EXCL",
    "O_TRUNC",
    "O_APPEND",
    "O_DIRECTORY",
    "O_NOFOLLOW",
    "O_SYNC",
    "O_TMPFILE",
    "LOCK_SH",
    "LOCK_EX",
    "LOCK_UN",
    "LOCK_NB",
    "F_SETLK",
    "F_SETLKW",
    "F_OFD_SETLK",
    "F_OFD_SETLKW",
    "F_RDLCK",
    "F_WRLCK",
    "F_UNLCK",
    "RENAME_NOREPLACE",
    "AF_INET",
    "AF_INET6",
    "SOCK_STREAM",
    "SOCK_DGRAM",
    "MS_SYNC",
    "MS_ASYNC",
];

/// Something that a thread did.
#[derive(Debug, Clone)]
pub struct Event {
    pub thread: u32,
    /// The call and what came of it: `open(a O_RDONLY) = ok`.
    pub text: String,
}

impl Event {
    /// Of what a call returned, only the bytes that it transferred are the same each time.
    pub fn new(thread: u32, family: CallName, call: &str, result: &str) -> Self {
        let counts = family.may_be_short();
        let is_number = result.starts_with(|it: char| it.is_ascii_digit());
        let result = if is_number && !counts { "ok" } else { result };
        Self { thread, text: format!("{call} = {result}") }
    }

    /// A call that the tracer has told of; `None` where strace says nothing of it, as of what `exec` closes.
    pub fn of(call: &Call) -> Option<Self> {
        if call.is_implied() && !["by dup2", "by dup3"].contains(&call.flags.as_str()) {
            return None;
        }
        let result = match call.result {
            CallResult::Returned(value) => value.to_string(),
            CallResult::Failed(number) => {
                Errno::of(number).map_or(number.to_string(), |it| it.to_string())
            }
            CallResult::Never => "never".to_owned(),
            CallResult::Pending => "pending".to_owned(),
        };
        let places: Vec<&str> =
            [&call.path, &call.to].into_iter().flatten().map(|it| it.path.as_str()).collect();
        let flags = match call.name {
            CallName::Exit => call.flags.clone(),
            CallName::Close if call.is_implied() => format!(" {}", call.flags),
            _ => known_words(&call.flags),
        };
        let text = format!("{}({}{flags})", call.name, places.join(" -> "));
        Some(Self::new(call.tid, call.name, &text, &result))
    }
}

/// The words of flags that both know, each after a space.
pub fn known_words(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|it: char| !it.is_ascii_alphanumeric() && it != '_').collect();
    WORDS.iter().filter(|word| words.contains(word)).map(|word| format!(" {word}")).collect()
}

/// How two lists are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Each thread in its order.
    Thread,
    /// All calls, without their order.
    Program,
}

/// The lists of a run in a form that is equal for equal runs. `masks` are the beginnings of file names whose
/// last six letters or more are drawn at random.
pub fn canonical(events: &[Event], by: By, masks: &[&str]) -> Vec<Vec<String>> {
    let mut threads: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for event in events {
        let thread = if by == By::Program { 0 } else { event.thread };
        threads.entry(thread).or_default().push(masked(&event.text, masks));
    }
    let mut lists: Vec<Vec<String>> = threads.into_values().collect();
    if by == By::Program {
        lists.iter_mut().for_each(|list| list.sort());
    }
    lists.sort();
    lists
}

fn masked(text: &str, masks: &[&str]) -> String {
    let mut masked = text.to_owned();
    for mask in masks {
        let mut from = 0;
        while let Some(at) = masked[from..].find(mask).map(|at| from + at) {
            let begin = at + mask.len();
            let random = |it: &char| it.is_ascii_alphanumeric() || *it == '_';
            let length = masked[begin..].chars().take_while(random).count();
            if length >= 6 {
                masked.replace_range(begin..begin + length, "*");
            }
            from = begin;
        }
    }
    masked
}

/// Fails where the two differ, with the place where each pair of lists begins to.
pub fn check(name: &str, ours: &[Vec<String>], theirs: &[Vec<String>]) {
    if ours == theirs {
        return;
    }
    let only = |these: &[Vec<String>], those: &[Vec<String>]| -> Vec<Vec<String>> {
        these.iter().filter(|list| !those.contains(list)).cloned().collect()
    };
    let (ours, theirs) = (only(ours, theirs), only(theirs, ours));
    let mut told = format!(
        "{name}: {} lists of the tracer's differ, {} of strace's",
        ours.len(),
        theirs.len()
    );
    let none = Vec::new();
    for at in 0..ours.len().max(theirs.len()) {
        let [ours, theirs] = [&ours, &theirs].map(|lists| lists.get(at).unwrap_or(&none));
        let same = ours.iter().zip(theirs).take_while(|(ours, theirs)| ours == theirs).count();
        for (who, list) in [("the tracer", ours), ("strace", theirs)] {
            let part = &list[same.saturating_sub(3).min(list.len())..(same + 4).min(list.len())];
            told +=
                &format!("\n{who}, {} calls, from {same} on:\n  {}", list.len(), part.join("\n  "));
        }
    }
    panic!("{told}");
}
