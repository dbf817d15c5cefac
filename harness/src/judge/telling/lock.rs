//! Whether the lock was held, and by whom.

use super::{Held, Life};
use crate::judge::history::{History, Process};
use crate::model::client::LockKind;
use crate::model::tells::Fact;

/// Holds `true` or `false` against who held the lock. It was held where another's fetch was under way for all of the
/// teller's life, since whoever describes a lock fetches with it; and free where nobody else lived who could hold it.
pub(super) fn hold(history: &History<'_>, teller: &Process<'_>, life: Life, text: &str) -> Held {
    let told = match text {
        "true" => true,
        "false" => false,
        _ => {
            return Held::Lie(
                None,
                format!("told \"{text}\" of the lock, which is neither true nor false"),
            );
        }
    };
    let holder = holder(history, teller, life);
    match (holder, told) {
        (Some(_), true) => Held::True(Fact::Locked),
        (Some((_, said)), false) => {
            Held::Lie(Some(Fact::Locked), format!("told that nobody held the lock, and {said}"))
        }
        (None, _) if !is_free(history, teller, life) => Held::Unknown,
        (None, false) => Held::True(Fact::Unlocked),
        (None, true) => Held::Lie(
            Some(Fact::Unlocked),
            "told that the lock was held, and nobody else lived who could hold it".to_owned(),
        ),
    }
}

/// Holds the number of a process, or that there was none, against who held the lock.
pub(super) fn hold_holder(
    history: &History<'_>,
    teller: &Process<'_>,
    life: Life,
    text: Option<&str>,
) -> Held {
    let told = text.map_or_else(|| "nobody".to_owned(), |pid| format!("process {pid}"));
    match holder(history, teller, life) {
        Some((holder, _)) if text == Some(&holder.pid.to_string()) => Held::True(Fact::Holder),
        // A script has it held by a process that it starts, of which the record knows nothing.
        Some(_) if text.is_some_and(|pid| is_of_a_stranger(history, pid)) => Held::Unknown,
        Some((holder, said)) => {
            let pid = holder.pid;
            let lie = format!("told that {told} held the lock, and {said}, as process {pid}");
            Held::Lie(Some(Fact::Holder), lie)
        }
        None if !is_free(history, teller, life) => Held::Unknown,
        None if text.is_none() => Held::True(Fact::Unlocked),
        None => Held::Lie(
            Some(Fact::Unlocked),
            format!("told that {told} held the lock, and nobody else lived who could hold it"),
        ),
    }
}

/// Whether it is the number of a process that the harness did not start.
fn is_of_a_stranger(history: &History<'_>, pid: &str) -> bool {
    pid.parse().is_ok_and(|pid: u32| history.processes.iter().all(|process| process.pid != pid))
}

/// Who held it, with how that is known as half a sentence.
fn holder<'h, 'a>(
    history: &'h History<'a>,
    teller: &Process<'_>,
    life: Life,
) -> Option<(&'h Process<'a>, String)> {
    let (from, to) = (life.released.index, life.ended.index);
    let faults = &history.faults;
    let impossible = history.record.client.files.lock_kind == LockKind::None
        || faults.closed.overlap(0, to)
        || faults.disk.overlap(0, to)
        || faults.lock_touched(0, to);
    if impossible {
        return None;
    }
    let mut fetches = history.fetches().filter(|fetch| {
        fetch.arrived.index < from && fetch.over.is_none_or(|over| over.index > to)
    });
    fetches.find_map(|fetch| {
        let sender = history.sender(fetch)?;
        let locks = sender.client != teller.client
            && sender.with.is_none()
            && sender.broken_calls.is_empty();
        let since = fetch.arrived;
        locks.then(|| {
            let number = fetch.request.request;
            let client = sender.client;
            (sender, format!("{client} was asking Catwalk under it ({number}, since {since})"))
        })
    })
}

/// Whether no other process lived in the life of the teller, and none has left anything behind that could hold it.
fn is_free(history: &History<'_>, teller: &Process<'_>, life: Life) -> bool {
    let (from, to) = (life.released.index, life.ended.index);
    let advisory = history.record.client.files.lock_kind == LockKind::Advisory;
    let mut others = history.processes.iter().filter(|other| other.client != teller.client);
    advisory
        && others.all(|other| {
            let apart = other.life().is_none_or(|(first, last)| last < from || to < first);
            apart && other.left_behind.is_none()
        })
}
