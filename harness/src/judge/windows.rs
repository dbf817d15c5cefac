//! TTL windows: when a cache was fresh, so that nobody had a reason to fetch.
//!
//! A window opens when the published path is seen to hold a catalogue that some client put there, or
//! when a 304 renewed the one that lies there, and lasts for the TTL in cache time. It closes early when
//! the path is seen to hold something that is no whole catalogue, or when an injection plants over it or
//! removes it. A client that removes it closes nothing, unless it was told to `clear` the cache: whoever
//! has to fetch again because of that fetches a second time in one window.
//!
//! Not every sighting of a whole catalogue is a publish. The harness moves modification times to age a
//! cache, and a client may touch the file to put off its next attempt after a failed one; neither makes
//! the bytes any fresher. So a sighting opens a window only if Catwalk had answered with that
//! catalogue, or a client was let go to publish it by hand, and this answer, or these bytes, are news.

mod find;

use super::history::{History, Moment, Process, SKEW};
use crate::model::record::{Change, Role, What};
use crate::model::units::{Nanos, Serial};
use crate::model::verdict::TtlWindow;

use find::Finder;

/// How near the end of a window a request is indeterminate, at the most, in nanoseconds.
const EDGE_MAX: u64 = 1_000_000_000;

/// A time in which the cache was fresh.
pub(super) struct Window {
    /// When the publish or renewal was observed.
    pub(super) opened: Moment,
    /// The catalogue.
    pub(super) serial: Serial,
    /// The exchange that brought it, where only one can have.
    pub(super) fetch: Option<usize>,
    /// Whether a client was told to publish it, and no fetch brought it.
    pub(super) by_hand: bool,
    /// Whether a 304 opened it.
    pub(super) renewed: bool,
    /// Whether the window before was still open.
    pub(super) extends: bool,
    /// When it was closed before its time.
    pub(super) closed: Option<Moment>,
    /// What had ended by here belongs to an earlier window.
    pub(super) since: Boundary,
    /// The earliest cache time from which its client may count the TTL: the request's arrival.
    dated: u64,
}

/// Where a time without an open window begins.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Boundary {
    /// The event that closed the window before; 0 where time closed it.
    pub(super) index: usize,
    /// The cache time at which the window before ended; 0 where an event closed it.
    pub(super) cache_time: u64,
}

impl Boundary {
    /// Whether something that ended at `moment` lies before.
    pub(super) fn is_after(self, moment: Moment) -> bool {
        moment.index < self.index || moment.cache_time < self.cache_time
    }
}

/// How a moment lies to a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Surely within.
    Open,
    /// Too near its end to tell.
    NearEnd,
    /// After it.
    Over,
}

impl Window {
    /// The cache time at which the TTL is over.
    fn end(&self, ttl: u64) -> u64 {
        self.opened.cache_time.saturating_add(ttl)
    }

    /// How a moment after its opening lies to the window.
    pub(super) fn phase(&self, now: Moment, ttl: u64) -> Phase {
        match (self.closed, self.phase_by_time(now, ttl)) {
            (Some(closed), _) if closed.index < now.index => Phase::Over,
            (Some(closed), Phase::Open) if closed.at.0 < now.at.0.saturating_add(SKEW) => {
                Phase::NearEnd
            }
            (_, by_time) => by_time,
        }
    }

    /// How it would lie if nothing closed the window before its time.
    pub(super) fn phase_by_time(&self, now: Moment, ttl: u64) -> Phase {
        let edge = (ttl / 100).min(EDGE_MAX);
        if now.cache_time >= self.end(ttl) {
            Phase::Over
        } else if now.cache_time.saturating_add(edge) >= self.dated.saturating_add(ttl) {
            Phase::NearEnd
        } else {
            Phase::Open
        }
    }

    /// Where the time without a window begins that follows this one.
    pub(super) fn boundary(&self, now: Moment, ttl: u64) -> Boundary {
        match self.closed.filter(|closed| closed.index < now.index) {
            Some(closed) => Boundary { index: closed.index, cache_time: 0 },
            None => Boundary { index: 0, cache_time: self.end(ttl) },
        }
    }
}

/// All the windows of a record.
#[derive(Default)]
pub(super) struct Windows {
    /// In the order in which they opened.
    pub(super) all: Vec<Window>,
}

impl Windows {
    /// The index of the last window that opened before an event.
    pub(super) fn before(&self, event: usize) -> Option<usize> {
        self.all.partition_point(|window| window.opened.index < event).checked_sub(1)
    }

    /// Finds the windows of a history that is otherwise complete.
    pub(super) fn of(history: &History<'_>) -> Self {
        let mut finder = Finder::new(history);
        let mut sightings = history.sightings.iter().peekable();
        for (event, &now) in history.record.events.iter().zip(&history.moments) {
            match &event.what {
                What::Released { client } => finder.release(now, *client),
                What::Overdue { client, .. } => finder.end(now, *client),
                What::Exited(exited) => {
                    finder.end(now, exited.client);
                    let process = history.process(exited.client);
                    // One that calls what it serves stale has not taken the answer.
                    let took = !exited.said_stale;
                    // One that could store nothing has renewed nothing.
                    let stored = |it: &&Process<'_>| {
                        let disk = &history.faults.disk;
                        !it.life().is_some_and(|(first, last)| disk.overlap(first, last))
                    };
                    let process = process.filter(|it| took && it.succeeded().is_some());
                    if let Some(process) = process.filter(stored) {
                        finder.renew(now, history.fetches_of(process).last());
                    }
                }
                What::HeadSent { request, .. } => {
                    finder.answer(history.exchange(*request), now);
                }
                What::Injected { action, .. } => {
                    finder.act(now, action);
                }
                What::Published { .. } => {
                    // Where the permissions alone have changed, there is none.
                    if let Some(seen) = sightings.next_if(|seen| seen.moment == now) {
                        finder.see(seen);
                    }
                }
                What::WaveEnded { .. } => finder.settled = true,
                What::File { change: Change::Touched, role: Role::Published, .. } => {
                    finder.touch(now);
                }
                _ => {}
            }
        }
        Self { all: finder.windows }
    }
}

impl History<'_> {
    /// The windows as data, for readers of the record who are not the judge.
    pub(super) fn ttl_windows(&self) -> Vec<TtlWindow> {
        let data = |window: &Window| TtlWindow {
            opened: window.opened.event(),
            until: self.end_of(window),
            serial: window.serial,
            request: window.fetch.map(|index| self.exchanges[index].request.request),
            renewed: window.renewed,
            extends: window.extends,
        };
        self.windows.all.iter().map(data).collect()
    }

    /// When a window was over on the harness's clock. An ageing makes the cache clock leap right after
    /// its moment; apart from that both clocks run alike.
    fn end_of(&self, window: &Window) -> Option<Nanos> {
        let end = window.end(self.ttl);
        let after = self.moments.partition_point(|moment| moment.cache_time < end);
        let by_time = self.moments.get(after).map(|next| {
            let last = after.checked_sub(1).map_or(window.opened, |index| self.moments[index]);
            let passed = next.at.0.saturating_sub(last.at.0);
            let leap = next.cache_time.saturating_sub(last.cache_time).saturating_sub(passed);
            let left = end.saturating_sub(last.cache_time);
            Nanos(last.at.0.saturating_add(left.saturating_sub(leap)))
        });
        let closed = window.closed.map(|closed| closed.at);
        closed.into_iter().chain(by_time).min()
    }
}

#[cfg(test)]
mod tests;
