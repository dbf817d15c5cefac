//! `stale-if-error`: with the server away, an old catalogue is served and the caller is told, if the
//! client's description promises that.
//!
//! Applies to a client that was let go when a whole catalogue lay there past its TTL, and that could not
//! get another: Catwalk was down for all of its life, or refused its connections or let them hang, or each
//! of its own fetches met an injected fault, or an injection made one of its calls of the network fail and no
//! answer came after it.
//! It must exit with code 0, return that catalogue, and say that it is stale. Where a peer published
//! or renewed it meanwhile the client may well have returned that one, so it need not say anything.
//!
//! A catalogue that clients themselves have removed before one could replace it lay there all the same: the
//! promise is to have it when it is needed. Commands other than `get` and `update` may be there to remove it.
//!
//! Where the description states a bound, nothing older is demanded, and whoever returns it breaks the invariant
//! (`bound`).

pub(super) mod bound;

use super::explain;
use super::findings::{Findings, counted};
use super::history::{Exchange, History, Moment, Process};
use super::windows::Phase;
use crate::model::record::{Exited, Sighting};
use crate::model::scenario::Action;
use crate::model::units::Serial;
use crate::model::verdict::{Invariant, InvariantReport};

use bound::Reached;

/// Evaluates the invariant.
pub(super) fn evaluate(history: &History<'_>) -> InvariantReport {
    let mut findings = Findings::of(Invariant::StaleIfError);
    if history.record.client.claims.stale_if_error.is_none() {
        return findings
            .conclude("the client's description does not promise it", |_| String::new());
    }
    for process in &history.processes {
        let subject = process.is_in_wave()
            && process.kills.is_empty()
            && process.stops.is_empty()
            && process.overdue.is_none();
        let (Some(released), Some((ended, exited))) = (process.released, process.exited) else {
            continue;
        };
        if !subject {
            continue;
        }
        let by_call = explain::is_cut_off_by_call(history, process);
        if !by_call && !was_cut_off(history, process, released, ended) {
            if process.is_get() {
                judge_alarm(history, process, exited, (released, ended), &mut findings);
            }
            continue;
        }
        let Some(old) = Old::at(history, released) else { continue };
        match bound::reached(history, released, ended) {
            Reached::No if process.is_get() => {
                judge(history, (process, by_call), exited, ended, &old, &mut findings);
            }
            Reached::Yes(bound) if bound::binds(process) => {
                let undecided = is_open(history, process, ended)
                    || is_replaced(history, (process, by_call), ended, &old);
                bound::judge(process, (ended, exited), (&old, bound), undecided, &mut findings);
            }
            Reached::Perhaps if process.is_get() => findings.indeterminate(),
            _ => {}
        }
    }
    findings.conclude(
        "no client was cut off from the server while an old catalogue lay there",
        |evaluations| {
            let clients = counted(evaluations, "client", "clients");
            format!("{clients} cut off from the server with an old catalogue there")
        },
    )
}

/// Whether the process could not have got a catalogue from the server.
fn was_cut_off(
    history: &History<'_>,
    process: &Process<'_>,
    released: Moment,
    ended: Moment,
) -> bool {
    let mut fetches = history.fetches_of(process).peekable();
    let failed = |fetch: &Exchange<'_>| fetch.is_faulted() && fetch.vouched().is_none();
    let own = fetches.peek().is_some() && fetches.all(failed);
    let (first, last) = (released.index, ended.index);
    own || history.faults.down.cover(first, last)
        || history.faults.cut_off.cover(process.started_as(), first, last)
}

/// A client that calls stale what lay there within its TTL when it was let go cries wolf: nobody will
/// believe it when it matters.
fn judge_alarm(
    history: &History<'_>,
    process: &Process<'_>,
    exited: &Exited,
    (released, ended): (Moment, Moment),
    findings: &mut Findings,
) {
    let last = history.windows.before(released.index).map(|last| &history.windows.all[last]);
    let open = last.filter(|window| window.phase(released, history.ttl) == Phase::Open);
    let Some(window) = open.filter(|window| exited.got.serial() == Some(window.serial)) else {
        return;
    };
    if !exited.said_stale || explain::server_failed_during(history, process) {
        return;
    }
    findings.evaluated();
    findings.violated(&[window.opened, released, ended], || {
        format!(
            "{}, let go at {released}, called {} stale at {ended}, although it had been published or renewed at {} and its window was open",
            process.client, window.serial, window.opened
        )
    });
}

/// A catalogue that lay there past its TTL.
struct Old {
    serial: Serial,
    seen: Moment,
    /// When a client had removed it.
    removed: Option<Moment>,
}

impl Old {
    /// The one that a client which was let go then must serve for want of another.
    fn at(history: &History<'_>, released: Moment) -> Option<Self> {
        let last = history.published_before(released.index)?;
        if let Some(serial) = last.sighting.serial() {
            let old = Self { serial, seen: last.moment, removed: None };
            return is_past_its_ttl(history, released).then_some(old);
        }
        let before = history.published_before(last.moment.index)?;
        let (serial, seen) = (before.sighting.serial()?, before.moment);
        let faults = &history.faults;
        let (from, to) = (seen.index, released.index);
        let by_injection = faults.published_touched(from, to) || faults.was_wiped(from, to);
        let on_purpose = history.processes.iter().any(|process| {
            let ran = process.released.is_some_and(|it| it.index < to)
                && process.ended().is_none_or(|it| it.index > from);
            ran && !matches!(process.command, "get" | "update")
        });
        let lost = *last.sighting == Sighting::Absent && !by_injection && !on_purpose;
        let old = Self { serial, seen, removed: Some(last.moment) };
        (lost && is_past_its_ttl(history, released)).then_some(old)
    }

    /// What makes it worse than a failure for want of a server.
    fn there(&self) -> String {
        let Self { serial, seen, removed } = self;
        match removed {
            None => {
                format!("although {serial} lay there since {seen} and Catwalk was out of reach")
            }
            Some(removed) => format!(
                "although {serial} lay there since {seen}, until a client removed it at {removed}, and Catwalk was out of reach"
            ),
        }
    }
}

/// Whether the last window before a moment was over by then, by all that a client can know.
fn is_past_its_ttl(history: &History<'_>, released: Moment) -> bool {
    let Some(last) = history.windows.before(released.index) else { return false };
    let window = &history.windows.all[last];
    // Then its window goes on.
    let set_back = history.injected.iter().any(|it| {
        let since = window.opened.index..released.index;
        matches!(it.action, Action::ClockBack(_)) && it.landed() && since.contains(&it.moment.index)
    });
    !set_back && window.phase(released, history.ttl) == Phase::Over
}

/// What a peer may have done meanwhile, so that what lies there is no longer the old catalogue.
fn is_replaced(
    history: &History<'_>,
    (process, by_call): (&Process<'_>, bool),
    ended: Moment,
    old: &Old,
) -> bool {
    let (client, seen) = (process.client, old.seen);
    // A peer that has only removed it is no excuse.
    let replaced = history
        .published_before(ended.index)
        .is_some_and(|last| last.moment.index > seen.index && *last.sighting != Sighting::Absent);
    let touched = history.faults.published_touched(seen.index, ended.index);
    // What a peer was told by the server it may have published or renewed before the watch saw it. One that
    // has lost the old catalogue and ended did not.
    let told = |fetch: &Exchange<'_>| {
        let since = seen.index..ended.index;
        let sender = || history.sender(fetch).and_then(Process::ended);
        let lives =
            || sender().is_none_or(|end| process.released.is_none_or(|it| end.index > it.index));
        fetch.vouched().is_some_and(|told| since.contains(&told.index))
            && (old.removed.is_none() || lives())
    };
    // What the server had sent to itself before the call failed never came to it.
    let own =
        |fetch: &Exchange<'_>| history.sender(fetch).is_some_and(|sender| sender.client == client);
    let mut answers = history.fetches().filter(|fetch| !(by_call && own(fetch)));
    replaced || touched || answers.any(told)
}

/// Whether the record does not say by whose doing a process ended as it did.
fn is_open(history: &History<'_>, process: &Process<'_>, ended: Moment) -> bool {
    let cut_short = history.interrupted.is_some_and(|(at, _)| at.index < ended.index);
    cut_short || process.failed_by_itself().is_none()
}

fn judge(
    history: &History<'_>,
    (process, by_call): (&Process<'_>, bool),
    exited: &Exited,
    ended: Moment,
    old: &Old,
    findings: &mut Findings,
) {
    let (client, seen) = (process.client, old.seen);
    // Another call that failed may have been the one that reads what lay there.
    let call_failed = by_call && process.broken_calls.len() > process.lost_calls.len();
    let closed = || {
        let since = process.released.map_or(0, |released| released.index);
        history.faults.hidden.overlap(since, ended.index)
    };
    let unreadable = !exited.status.success() && (call_failed || closed());
    let peer_published = is_replaced(history, (process, by_call), ended, old);
    if unreadable || is_open(history, process, ended) || (peer_published && !exited.said_stale) {
        findings.indeterminate();
        return;
    }
    findings.evaluated();
    let there = old.there();
    if !exited.status.success() {
        findings.violated(&[seen, ended], || {
            format!("{client} ended with {} at {ended} {there}", exited.status)
        });
    } else if !process.output_is_whole(&exited.got) {
        findings.violated(&[seen, ended], || {
            format!("{client} exited with code 0 at {ended} and returned no catalogue {there}")
        });
    } else if !exited.said_stale {
        findings.violated(&[seen, ended], || {
            format!("{client} exited with code 0 at {ended} without a word that what it returned is stale, {there}")
        });
    }
}

#[cfg(test)]
mod tests;
