//! Figures of one record.

use std::time::Duration;

use super::bounded_residue;
use super::contention;
use super::history::{Exchange, History, Injected, Moment, Process};
use crate::model::record::{Event, Part, What};
use crate::model::scenario::Action;
use crate::model::units::{ClientId, Nanos};
use crate::model::verdict::{Measures, Waits};

/// Takes all the figures.
pub(super) fn measure(history: &History<'_>) -> Measures {
    let wave = || history.processes.iter().filter(|process| process.is_in_wave());
    let fetches = || history.fetches();
    let from_wave = |fetch: &&Exchange<'_>| {
        history.sender(fetch).is_some_and(|sender| matches!(sender.part, Part::Wave(_)))
    };
    let status = |status: u16| {
        move |fetch: &&Exchange<'_>| fetch.head.is_some_and(|head| head.status == status)
    };
    // Who tells something of the cache reads nothing through it.
    let hit = |process: &&Process<'_>| {
        let read = process.succeeded().is_some_and(|(_, exited)| exited.told.is_none());
        read && process.exchanges.is_empty()
    };
    let failed = |process: &&Process<'_>| {
        process.kills.is_empty()
            && (process.overdue.is_some() || process.failed_by_itself() == Some(true))
    };
    let lives = wave().filter(|process| process.kills.is_empty());
    let lives = lives.filter_map(|process| Some(process.ended()?.since(process.released?)));
    let lives: Vec<Duration> = lives.collect();
    let recovered = Recovery::of(history);
    let first = history.moments.first();
    let duration = first.zip(history.moments.last()).map(|(first, last)| last.since(*first));
    Measures {
        clients: count(wave()),
        killed: count(wave().filter(|process| !process.kills.is_empty())),
        failed: count(wave().filter(failed)),
        requests: count(fetches()),
        herd_requests: count(fetches().filter(from_wave)),
        answered_200: count(fetches().filter(status(200)).filter(|it| it.whole().is_some())),
        answered_304: count(fetches().filter(status(304))),
        aborted: count(fetches().filter(|fetch| fetch.is_aborted())),
        hits: count(wave().filter(hit)),
        contention: contention::most(history),
        observations: count(history.sightings.iter()),
        recovery_ms: recovered.and_then(|it| Some(millis(it.success?.1.since(it.from)))),
        wait_ms_max: lives.iter().max().copied().map(millis),
        windows: count(history.windows.all.iter().filter(|window| !window.extends)),
        waits: Waits::of(lives.into_iter().map(micros).collect()),
        start_us: start(history).map(micros),
        residue: bounded_residue::count(history),
        duration_ms: duration.map_or(0, millis),
    }
}

fn count(items: impl Iterator) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// How long it took to start a process of a wave, at the median: processes that are started in a row share the
/// time since the event before.
fn start(history: &History<'_>) -> Option<Duration> {
    // Notes say something to a reader, and nothing to a verdict.
    let events = history.record.events.iter().zip(&history.moments);
    let events = events.filter(|(event, _)| !matches!(event.what, What::Note { .. }));
    let is_start = |event: &Event| matches!(event.what, What::Spawned { part: Part::Wave(_), .. });
    let mut shares = Vec::new();
    let mut since = Nanos(0);
    let mut row = 0;
    let mut events = events.peekable();
    while let Some((event, now)) = events.next() {
        if !is_start(event) {
            since = now.at;
            row = 0;
            continue;
        }
        row += 1;
        if !events.peek().is_some_and(|(next, _)| is_start(next)) {
            shares.push(now.at.since(since) / row);
        }
    }
    shares.sort_unstable();
    shares.get(shares.len() / 2).copied()
}

/// The way back from the last fault.
pub(super) struct Recovery {
    /// When the last fault landed; where it lasts (Catwalk down, a standing fault, a disk that takes nothing, a delay
    /// at a call), when it ended.
    pub(super) from: Moment,
    /// The first client to succeed after that, and when.
    pub(super) success: Option<(ClientId, Moment)>,
}

impl Recovery {
    /// `None` where no fault landed.
    pub(super) fn of(history: &History<'_>) -> Option<Self> {
        let is_fault = |injected: &&Injected<'_>| injected.landed() && injected.action.is_fault();
        let last = history.injected.iter().rfind(is_fault)?;
        let period = match last.action {
            Action::CatwalkDown => Some(&history.faults.down),
            Action::ReadOnly | Action::Fill(_) | Action::Chmod(_) => Some(&history.faults.disk),
            Action::Fault(_) => Some(&history.faults.standing),
            _ => None,
        };
        let landed = last.moment;
        let mut stops = history.processes.iter().flat_map(|process| &process.stops);
        let delayed = stops.find(|(from, _)| from.index == landed.index);
        let from = match (period, last.action, delayed) {
            (Some(period), ..) => period.end_of(landed.index).unwrap_or(landed),
            (None, Action::Delay(_), Some((_, Some(over)))) => *over,
            _ => landed,
        };
        let successes = history.processes.iter().filter_map(|process| {
            let (moment, _) = process.succeeded()?;
            (moment.index > from.index).then_some((process.client, moment))
        });
        Some(Self { from, success: successes.min_by_key(|(_, moment)| moment.index) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::testing::{herd, story};
    use crate::model::record::{AbortedBy, Role};

    #[test]
    fn a_herd_is_counted() {
        let expected = Measures {
            clients: 3,
            requests: 1,
            herd_requests: 1,
            answered_200: 1,
            hits: 2,
            contention: 3,
            observations: 1,
            wait_ms_max: Some(90),
            windows: 1,
            waits: Waits::of(vec![70_000, 80_000, 90_000]),
            start_us: Some(10_000),
            duration_ms: 130,
            ..Measures::default()
        };
        assert_eq!(herd().verdict().measures, expected);
    }

    #[test]
    fn faults_and_probes_are_counted_apart() {
        let told = story().start(9, Part::Setup, "get").fetch(9, 1).publish(1).exit(9, 1).age();
        let told = told.wave(&[1, 2, 3, 4]).ask(1).abort(2, AbortedBy::Client).kill(1);
        let told = told.revalidate(2, 1).confirm(3, 1).exit(2, 1).fail(3).at(30_000).overdue(4);
        let told = told.healed().start(91, Part::ProbeNow, "get").exit(91, 1);
        let told = told.residue(&[("a.tmp.1", Role::Temp), ("a.lock", Role::Lock)]);
        let expected = Measures {
            clients: 4,
            killed: 1,
            failed: 2,
            requests: 3,
            herd_requests: 2,
            answered_200: 1,
            answered_304: 1,
            aborted: 1,
            hits: 0,
            contention: 3,
            observations: 1,
            recovery_ms: Some(50),
            wait_ms_max: Some(29_840),
            windows: 2,
            waits: Waits::of(vec![110_000, 120_000, 29_840_000]),
            start_us: Some(10_000),
            residue: 1,
            duration_ms: 30_060,
        };
        assert_eq!(told.verdict().measures, expected);
    }

    #[test]
    fn recovery_from_a_lasting_fault_begins_with_its_end() {
        let told = story().inject(Action::CatwalkDown, &[]).wave(&[1]).fail(1).at(5_000);
        let told = told.inject(Action::CatwalkUp, &[]).wave(&[2]).fetch(2, 1).publish(1);
        assert_eq!(told.exit(2, 1).verdict().measures.recovery_ms, Some(80));
        assert_eq!(herd().verdict().measures.recovery_ms, None);
    }
}
