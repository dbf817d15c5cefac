//! `freshness`: no client returns a catalogue older than the TTL and a grace.
//!
//! A catalogue is as old as the last time that Catwalk vouched for it: a 200 with it that was sent whole,
//! or a 304 that confirmed it, or a client that was told to publish it from a file or as the one that is built in. For each client that exits with code 0 the catalogue must have been vouched
//! for at its release minus the TTL minus `expect.grace`, in cache time, or later. A catalogue that the
//! harness planted counts as vouched for when it was planted with a present or future time; bytes that
//! were there already do only if their time was made the present, since a time in the future is
//! something that a client can notice. Where a clock was set back, a file is as much longer fresh by all
//! that a client can know, and this is added to the grace.
//!
//! Excused is a client in whose life an injected fault kept someone from the server: whether it was
//! right to fall back on the old catalogue is the matter of `stale-if-error`. A call of its own that an injection
//! made fail is such a fault where it cut the client off; after any other, such as that of a rename, the client
//! knows that what it returns is old, and is excused if it says so. So is one that had waited as
//! long as it was told to for clients that were killed, and says that what it returns is old; and a session that reads
//! again, unless its memory is promised to follow the file, whose age is not that of what it keeps.

use std::collections::HashMap;

use super::explain;
use super::findings::{Findings, counted};
use super::history::{History, Moment, Process, WATCH_LAG};
use crate::model::scenario::{Action, Content, Mtime, Plant};
use crate::model::units::{Nanos, Serial, Span};
use crate::model::verdict::{Invariant, InvariantReport};

/// Evaluates the invariant.
pub(super) fn evaluate(history: &History<'_>) -> InvariantReport {
    let mut findings = Findings::of(Invariant::Freshness);
    let vouched = Vouched::of(history);
    for process in &history.processes {
        if let (Some(released), Some((ended, serial))) = (process.released, process.returned()) {
            judge(history, &vouched, process, (released, ended, serial), &mut findings);
        }
    }
    findings.conclude("no client showed what catalogue it got", |evaluations| {
        format!("{} returned", counted(evaluations, "catalogue", "catalogues"))
    })
}

fn judge(
    history: &History<'_>,
    vouched: &Vouched,
    process: &Process<'_>,
    (released, ended, serial): (Moment, Moment, Serial),
    findings: &mut Findings,
) {
    let grace = history.record.scenario.expect.grace;
    let allowed =
        history.ttl.saturating_add(grace.nanos()).saturating_add(vouched.set_back_before(ended));
    let last = vouched.before(serial, ended.index);
    let fresh = |moment: Moment| moment.cache_time.saturating_add(allowed) >= released.cache_time;
    if last.is_some_and(fresh) {
        findings.evaluated();
        return;
    }
    if explain::age_explained(history, process)
        || history.may_remember(process, serial)
        || held_up(history, serial, ended, &fresh)
        || is_out_of_patience(history, process, released, ended)
    {
        findings.indeterminate();
        return;
    }
    findings.evaluated();
    let mut events = vec![released, ended];
    events.extend(last);
    findings.violated(&events, || {
        let client = process.client;
        let Some(last) = last else {
            return format!(
                "{client}, let go at {released}, returned {serial} at {ended}, which Catwalk had never sent whole"
            );
        };
        let age = released.cache_time.saturating_sub(last.cache_time);
        let aged = age.saturating_sub(released.at.0.saturating_sub(last.at.0)) > 0;
        format!(
            "{client}, let go at {released}, returned {serial}, which Catwalk had last vouched for at {last}: {}{} earlier, and the TTL ({}) with the grace ({grace}) allows {}",
            Nanos(age),
            if aged { " of cache time" } else { "" },
            history.record.ttl,
            Span(std::time::Duration::from_nanos(allowed)),
        )
    });
}

/// Whether the catalogue was published late because an injection had held its fetcher up, so that its
/// window began later than Catwalk's word.
fn held_up(
    history: &History<'_>,
    serial: Serial,
    ended: Moment,
    fresh: &dyn Fn(Moment) -> bool,
) -> bool {
    let Some(last) = history.windows.before(ended.index) else { return false };
    let window = &history.windows.all[last];
    let Some(fetch) = window.fetch.map(|index| &history.exchanges[index]) else { return false };
    let stopped = history.sender(fetch).is_some_and(|sender| !sender.stops.is_empty());
    window.serial == serial && fresh(window.opened) && (stopped || fetch.is_faulted())
}

/// Whether a client that says that its catalogue is old had waited as long as it is told to wait, and one
/// after another of those that it waited for was killed or suspended: it may not wait for ever.
fn is_out_of_patience(
    history: &History<'_>,
    process: &Process<'_>,
    released: Moment,
    ended: Moment,
) -> bool {
    let patience = history.record.scenario.clients.patience.0;
    let within = |moment: &Moment| released.index < moment.index && moment.index < ended.index;
    let hit = |other: &Process<'_>| {
        let stops = other.stops.iter().map(|(from, _)| from);
        other.client != process.client
            && history.fetches_of(other).any(|fetch| within(&fetch.arrived))
            && other.kills.iter().map(|(moment, _)| moment).chain(stops).any(within)
    };
    let says_so = process.exited.is_some_and(|(_, exited)| exited.said_stale);
    says_so && ended.since(released) >= patience && history.processes.iter().any(hit)
}

/// When Catwalk, or the harness in its place, vouched for each catalogue.
struct Vouched {
    /// By the event from which on a client can know, in order.
    moments: HashMap<Serial, Vec<(usize, Moment)>>,
    /// When a clock was set back, and by how many nanoseconds.
    set_back: Vec<(Moment, u64)>,
}

impl Vouched {
    fn of(history: &History<'_>) -> Self {
        let mut all: Vec<(Serial, usize, Moment)> = Vec::new();
        for fetch in history.fetches() {
            if let (Some((head, serial)), Some(moment)) = (fetch.answer(), fetch.vouched()) {
                all.push((serial, head.moment.index, moment));
            }
        }
        all.extend(by_hand(history));
        let mut current = Serial(1);
        let mut last = current;
        let mut handed = history.processes.iter().peekable();
        let mut set_back = Vec::new();
        for injected in history.injected.iter().filter(|injected| injected.landed()) {
            let moment = injected.moment;
            match injected.action {
                Action::ClockBack(span) => set_back.push((moment, span.nanos())),
                Action::Bump => {
                    // What was handed out in a file has a number of its own.
                    while let Some(process) = handed.next_if(|it| it.spawned.index < moment.index) {
                        last = last.max(process.publishes.unwrap_or(last));
                    }
                    last = Serial(last.0.saturating_add(1));
                    current = last;
                }
                Action::Plant(plant) => {
                    let serial = planted(history, plant, moment, current);
                    all.extend(serial.map(|serial| (serial, moment.index, moment)));
                }
                _ => {}
            }
        }
        all.sort_by_key(|(_, event, _)| *event);
        let mut moments: HashMap<Serial, Vec<(usize, Moment)>> = HashMap::new();
        for (serial, event, moment) in all {
            moments.entry(serial).or_default().push((event, moment));
        }
        Self { moments, set_back }
    }

    /// By how much a clock had been set back before a moment, in nanoseconds.
    fn set_back_before(&self, moment: Moment) -> u64 {
        let before = self.set_back.iter().filter(|(at, _)| at.index < moment.index);
        before.map(|(_, by)| by).fold(0, |sum, by| sum.saturating_add(*by))
    }

    /// The last time before an event that a catalogue was vouched for.
    fn before(&self, serial: Serial, event: usize) -> Option<Moment> {
        let moments = self.moments.get(&serial)?;
        let count = moments.partition_point(|(known, _)| *known < event);
        count.checked_sub(1).map(|last| moments[last].1)
    }
}

/// When clients vouched for what they were told to publish, or to go back to: as they were let go, and as it was seen
/// published.
fn by_hand(history: &History<'_>) -> impl Iterator<Item = (Serial, usize, Moment)> {
    let told = history.processes.iter().filter_map(|it| Some((it.publishes?, it.released?)));
    let windows = history.windows.all.iter().filter(|window| window.by_hand);
    let published = told.chain(windows.map(|window| (window.serial, window.opened)));
    let all = published.chain(gone_back_to(history));
    all.map(|(serial, moment)| (serial, moment.index, moment))
}

/// What clients that were told to go back went back to: what they returned and did not call stale, and, since one may
/// have been killed behind its rename, what was seen published in the lives of those that returned nothing.
fn gone_back_to(history: &History<'_>) -> impl Iterator<Item = (Serial, Moment)> {
    let told = history.processes.iter().filter(|process| process.goes_back());
    told.filter_map(|process| Some((process, process.released?))).flat_map(|(process, released)| {
        let returned = process.returned();
        let silent = returned.is_none();
        let seen = history.sightings.iter().filter(move |seen| {
            // The watch may have seen it some time after the end.
            let killed = !process.kills.is_empty();
            let lately = |ended: Moment| killed && seen.moment.since(ended) < WATCH_LAG;
            silent
                && released.index < seen.moment.index
                && process
                    .ended()
                    .is_none_or(|ended| seen.moment.index < ended.index || lately(ended))
        });
        let seen = seen.filter_map(|seen| Some((seen.sighting.serial()?, seen.moment)));
        // Who calls it stale vouches for nothing.
        let vouches = process.exited.is_some_and(|(_, exited)| !exited.said_stale);
        seen.chain(returned.filter(|_| vouches).map(|(_, serial)| (serial, released)))
    })
}

/// The catalogue that a planted file passes off as fresh, if any.
fn planted(
    history: &History<'_>,
    plant: &Plant,
    moment: Moment,
    current: Serial,
) -> Option<Serial> {
    match (plant.content, plant.mtime) {
        (Content::Catalogue, Mtime::Now | Mtime::Future | Mtime::Ahead(_)) => Some(current),
        (Content::Unchanged, Mtime::Now) => {
            history.published_before(moment.index).and_then(|seen| seen.sighting.serial())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
