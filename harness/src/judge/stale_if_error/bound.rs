//! The part of `stale-if-error` that is about the bound: how old a catalogue may be that is served in place of an error.
//!
//! Past it nothing is demanded. Whoever was cut off from the server and returns it all the same, said or not, serves
//! what its description calls too old to be of use. The catalogue that is built in may have come from the program
//! itself, however long the same one has lain there.

use super::Old;
use crate::judge::findings::Findings;
use crate::judge::history::{History, Moment, Process};
use crate::judge::windows::Phase;
use crate::model::record::Exited;
use crate::model::units::{Serial, Span};

/// Whether what lay there was too old to be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::judge) enum Reached {
    /// It was not, or the description states no bound.
    No,
    /// It was, when the client was let go: the bound.
    Yes(Span),
    /// It was about that old, or its age is not known.
    Perhaps,
}

/// Whether the last catalogue that was published or renewed before a client was let go was too old for it.
pub(in crate::judge) fn reached(history: &History<'_>, released: Moment, ended: Moment) -> Reached {
    let record = history.record;
    let Some(bound) = record.client.effective_stale_bound(record.ttl) else { return Reached::No };
    let Some(last) = history.windows.before(released.index) else { return Reached::No };
    let window = &history.windows.all[last];
    let nanos = bound.nanos();
    // What an event has closed lies there with an age of its own.
    if window.closed.is_some_and(|closed| closed.index < ended.index) {
        return Reached::Perhaps;
    }
    match (window.phase_by_time(released, nanos), window.phase_by_time(ended, nanos)) {
        (Phase::Over, _) => Reached::Yes(bound),
        (_, Phase::Open) => Reached::No,
        _ => Reached::Perhaps,
    }
}

/// Whether a process is one that the bound binds: it reads or asks, by the description that states the bound.
pub(super) fn binds(process: &Process<'_>) -> bool {
    let by_hand = process.goes_back() || process.publishes.is_some();
    let tells = process.exited.is_some_and(|(_, exited)| exited.told.is_some());
    process.with.is_none() && !by_hand && !tells && process.command != "clear"
}

/// Judges one that was cut off from the server.
pub(super) fn judge(
    process: &Process<'_>,
    (ended, exited): (Moment, &Exited),
    (old, bound): (&Old, Span),
    undecided: bool,
    findings: &mut Findings,
) {
    let served = exited.status.success() && exited.got.serial() == Some(old.serial);
    // What is built in has the bytes of what lay there, and no bound.
    if undecided || (served && old.serial == Serial::EMBEDDED) {
        findings.indeterminate();
        return;
    }
    findings.evaluated();
    let (client, serial, seen) = (process.client, old.serial, old.seen);
    if served {
        findings.violated(&[seen, ended], || {
            format!(
                "{client} exited with code 0 at {ended} and returned {serial}, which lay there since {seen} and was older than the {bound} that are its bound"
            )
        });
    }
}
