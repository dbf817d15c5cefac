//! What all processes have counted.

use super::{Held, Life};
use crate::judge::history::{Exchange, History, Moment, Process};
use crate::model::tells::{Fact, Subject};

/// Holds a number against what Catwalk has answered by then. Every answer may have been counted; one has to be where
/// it came whole and its receiver ended by itself before. Who was killed may have died before it counted.
pub(super) fn hold(history: &History<'_>, life: Life, subject: Subject, text: &str) -> Held {
    let fact = match subject {
        Subject::Revalidations => Fact::Revalidations,
        _ => Fact::Fetches,
    };
    let told = match number(subject, text) {
        Ok(told) => told,
        Err(lie) => return lie,
    };
    let (least, most) = range(history, life, fact);
    if (least..=most).contains(&told) {
        return Held::True(fact);
    }
    let answers = match fact {
        Fact::Revalidations => "confirmed what its clients had",
        _ => "sent them a catalogue",
    };
    let times = match (least, most) {
        (1, 1) => "once".to_owned(),
        (least, most) if least == most => format!("{most} times"),
        (least, most) => {
            format!("{most} times, of which {least} came to whoever lived to count them")
        }
    };
    Held::Lie(Some(fact), format!("told {told} {subject}, and Catwalk had {answers} {times}"))
}

/// A number as it was told.
pub(super) fn number(subject: Subject, text: &str) -> Result<u64, Held> {
    let no_number =
        |_: std::num::ParseIntError| format!("told \"{text}\" {subject}, which is no whole number");
    text.parse().map_err(|error| Held::Lie(None, no_number(error)))
}

/// The least and the most that may have been counted.
fn range(history: &History<'_>, life: Life, fact: Fact) -> (u64, u64) {
    let status = if fact == Fact::Revalidations { 304 } else { 200 };
    let answers = history.fetches().filter_map(|fetch| Some((fetch, fetch.answer()?.0)));
    let answers =
        answers.filter(|(_, head)| head.status == status && head.moment.index < life.ended.index);
    let lost = is_lost(history, life);
    answers.fold((0, 0), |(least, most), (fetch, _)| {
        let counted = !lost && is_counted(history, life, fetch);
        (least + u64::from(counted), most + 1)
    })
}

/// Whether an answer came whole to a process that ended by itself before the teller was let go, and nothing kept it
/// from counting.
fn is_counted(history: &History<'_>, life: Life, fetch: &Exchange<'_>) -> bool {
    let whole = fetch.vouched().is_some() && !fetch.is_faulted() && fetch.faults.is_empty();
    let counts = |sender: &Process<'_>| has_counted(history, life, sender);
    whole && history.sender(fetch).is_some_and(counts)
}

/// Whether a process had ended by itself before the teller was let go, and nothing kept it from counting. One that lives
/// on may count when it ends.
pub(super) fn has_counted(history: &History<'_>, life: Life, process: &Process<'_>) -> bool {
    let before = |moment: Moment| moment.index < life.released.index;
    let is_over = |session| {
        let mut ends = history.session_ends.iter().filter(|end| end.session == session);
        ends.any(|end| before(end.moment) && end.status.success())
    };
    let ended = process.succeeded().is_some_and(|(ended, _)| before(ended))
        && process.session.is_none_or(is_over);
    let undisturbed = process.kills.is_empty() && process.broken_calls.is_empty();
    ended && undisturbed && process.with.is_none()
}

/// Whether something has kept processes from counting, or removed what they had counted.
pub(super) fn is_lost(history: &History<'_>, life: Life) -> bool {
    let until = life.ended.index;
    let faults = &history.faults;
    let mut clears = history.processes.iter().filter(|process| process.command == "clear");
    faults.disk.overlap(0, until)
        || faults.unreadable.overlap(0, until)
        || faults.was_wiped(0, until)
        || clears.any(|clear| clear.released.is_some_and(|released| released.index < until))
}
