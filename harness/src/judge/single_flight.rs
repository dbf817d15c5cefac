//! `single-flight`: exactly one fetch per TTL window.
//!
//! A fetch is a `GET /v2/providers`, whatever it is answered; a 304 counts. While a window is open
//! nobody may fetch. While none is, one client may, and a further one only where every earlier fetch is
//! known to have come to nothing by an injected fault. Commands other than `get` bypass the TTL, so their
//! requests are not counted, though what they publish opens windows, be it from a file and with no fetch at all.
//!
//! Where the scenario says how many `attempts` a client has, more requests of one client break it too, however
//! well each is explained: who asks a server in trouble again and again, without a pause, is a part of its trouble.
//!
//! Nearer to the end of a window than a hundredth of the TTL (at most a second) a request is
//! indeterminate, and so is one whose sender the harness does not know or had
//! ended before, and one in a window whose published file an injection closed to the sender, or after one by
//! which a call of its sender's failed, or of a sender that may have given up on one for which the machine had no
//! processor.

use std::collections::{HashSet, VecDeque};

use super::explain;
use super::findings::{Findings, counted};
use super::history::{Exchange, History, Moment, Process, near};
use super::windows::{Boundary, Phase, Window};
use crate::model::record::Sighting;
use crate::model::units::{ClientId, Nanos};
use crate::model::verdict::{Invariant, InvariantReport};

/// Evaluates the invariant.
pub(super) fn evaluate(history: &History<'_>) -> InvariantReport {
    let budget = history.record.scenario.expect.fetches_per_window.max(1) as usize;
    let mut sweep = Sweep {
        history,
        budget,
        attempts: VecDeque::new(),
        used: HashSet::new(),
        findings: Findings::of(Invariant::SingleFlight),
    };
    for (index, exchange) in history.exchanges.iter().enumerate() {
        if exchange.is_fetch() {
            sweep.take(index, exchange);
        }
    }
    if let Some(allowed) = history.record.scenario.expect.attempts {
        sweep.count_attempts(allowed);
    }
    let quiet = sweep.quiet_windows();
    for _ in 0..quiet {
        sweep.findings.evaluated();
    }
    let windows = u32::try_from(history.windows.all.len()).unwrap_or(u32::MAX);
    sweep.findings.conclude("no client read through the cache and fetched or hit", |evaluations| {
        format!(
            "{} by clients that read through the cache, and {} in which all of them hit; {} opened",
            counted(evaluations - quiet, "fetch", "fetches"),
            counted(quiet, "window", "windows"),
            counted(windows, "window", "windows"),
        )
    })
}

struct Sweep<'h, 'a> {
    history: &'h History<'a>,
    budget: usize,
    /// Earlier fetches that may still count against the next one, in order of arrival.
    attempts: VecDeque<usize>,
    /// Windows in which a fetch arrived.
    used: HashSet<usize>,
    findings: Findings,
}

impl<'h, 'a> Sweep<'h, 'a> {
    fn take(&mut self, index: usize, fetch: &'h Exchange<'a>) {
        let history = self.history;
        let sender = history.sender(fetch).filter(|it| !explain::is_posthumous(fetch, it));
        let Some(sender) = sender else {
            self.findings.indeterminate();
            return;
        };
        if !sender.is_get() {
            return;
        }
        let now = fetch.arrived;
        let client = sender.client;
        let last = history.windows.before(now.index);
        let window = last.map(|last| &history.windows.all[last]);
        match window.map(|window| (window, window.phase(now, history.ttl))) {
            Some((window, Phase::Open)) => {
                self.used.extend(last);
                if self.could_not_read(sender, now) {
                    self.findings.indeterminate();
                } else if near(now, window.opened) && !window.extends {
                    self.race(fetch, client, window.since, true);
                } else {
                    self.in_window(fetch, client, window);
                }
            }
            Some((_, Phase::NearEnd)) => {
                self.used.extend(last);
                self.findings.indeterminate();
            }
            Some((window, Phase::Over)) => {
                self.race(fetch, client, window.boundary(now, history.ttl), false);
            }
            None => self.race(fetch, client, Boundary::default(), false),
        }
        self.attempts.push_back(index);
    }

    /// Whether the published file was closed to a process at some time in its life, or an injection had made
    /// one of its calls fail by now.
    fn could_not_read(&self, process: &Process<'_>, now: Moment) -> bool {
        let unreadable = &self.history.faults.unreadable;
        process.life().is_some_and(|(first, last)| unreadable.overlap(first, last))
            || process.had_broken_call(now)
    }

    /// A fetch while a window was open.
    fn in_window(&mut self, fetch: &Exchange<'_>, client: ClientId, window: &Window) {
        self.findings.evaluated();
        let spent = self.unexplained(fetch.arrived, window.since).len().max(1);
        if spent < self.budget {
            return;
        }
        let history = self.history;
        let source = window.fetch.map(|index| &history.exchanges[index]);
        let mut events = vec![window.opened, fetch.arrived];
        events.extend(source.map(|source| source.arrived));
        self.findings.violated(&events, || {
            let by = source.and_then(|source| history.sender(source)).map(|it| it.client);
            let verb = if window.renewed { "renewed" } else { "published" };
            let opened = match by {
                Some(by) => format!("{by} had {verb} it at {}", window.opened),
                None => format!("{} had been {verb} at {}", window.serial, window.opened),
            };
            let end = Nanos(window.opened.at.0.saturating_add(history.ttl));
            let cause = match by {
                _ if was_removed(history, window, fetch) => "a client had removed it",
                _ if window.by_hand => "what was published by hand did not make the cache fresh",
                Some(by) if by == client => "its own publish did not make the cache fresh",
                _ if window.renewed => "the 304 did not renew the TTL, or freshness is not checked",
                _ => "a missing re-check after the lock, or none of the freshness",
            };
            format!(
                "{client} {} at {} although {opened} and the window was open until {end}: {cause}",
                fetch.deed(),
                fetch.arrived
            )
        });
    }

    /// A fetch while no window was open. Where a publish was observed so near before that it may have
    /// come after, `unsure` is set, and only a breach by either order counts.
    fn race(&mut self, fetch: &Exchange<'_>, client: ClientId, since: Boundary, unsure: bool) {
        let history = self.history;
        let earlier = self.unexplained(fetch.arrived, since);
        // Whose call failed may have had no lock to take, or none that another would wait for.
        let others = earlier.iter().map(|index| &history.exchanges[*index]);
        let mut senders = others.chain([fetch]).filter_map(|it| history.sender(it));
        let unlocked = senders.any(|sender| sender.had_broken_call(fetch.arrived));
        let gave_up = history
            .sender(fetch)
            .is_some_and(|sender| history.may_have_given_up(sender, fetch.arrived));
        if earlier.len() < self.budget || unlocked || gave_up {
            if unsure || earlier.len() >= self.budget {
                self.findings.indeterminate();
            } else {
                self.findings.evaluated();
            }
            return;
        }
        self.findings.evaluated();
        let earlier = &history.exchanges[earlier[0]];
        self.findings.violated(&[earlier.arrived, fetch.arrived], || {
            format!(
                "{client} {} at {} {}",
                fetch.deed(),
                fetch.arrived,
                although(history, earlier, fetch.arrived, client, unsure)
            )
        });
    }

    /// Holds each client of a wave against the number of requests that it may send.
    fn count_attempts(&mut self, allowed: u32) {
        let history = self.history;
        for process in history.processes.iter().filter(|it| it.is_in_wave()) {
            let arrivals: Vec<Moment> = history.fetches_of(process).map(|it| it.arrived).collect();
            let sent = u32::try_from(arrivals.len()).unwrap_or(u32::MAX);
            if sent <= allowed {
                continue;
            }
            self.findings.violated(&arrivals, || {
                format!(
                    "{} asked {sent} times between {} and {} where {allowed} {} allowed: it does not leave a server in trouble alone",
                    process.client,
                    arrivals[0],
                    arrivals[arrivals.len() - 1],
                    if allowed == 1 { "is" } else { "are" },
                )
            });
        }
    }

    /// The first earlier fetches, no more than the budget, that no fault explains and that belong to
    /// the present window. What is found not to count now will never count again.
    fn unexplained(&mut self, now: Moment, since: Boundary) -> Vec<usize> {
        let (history, budget) = (self.history, self.budget);
        let mut found = Vec::new();
        let mut place = 0;
        while found.len() < budget && place < self.attempts.len() {
            let index = self.attempts[place];
            let attempt = &history.exchanges[index];
            let explained = attempt.explained.is_some_and(|it| it.may_precede(now));
            let ended = attempt.over.filter(|over| over.index < now.index);
            let past = ended.is_some_and(|ended| {
                let age = now.cache_time.saturating_sub(ended.cache_time);
                since.is_after(ended) || age > history.ttl
            });
            if explained || past {
                self.attempts.remove(place);
            } else {
                found.push(index);
                place += 1;
            }
        }
        found
    }

    /// Windows in which clients that read through the cache were let go, and nobody fetched.
    fn quiet_windows(&self) -> u32 {
        let history = self.history;
        let readers = history.processes.iter().filter(|it| it.is_get() && it.succeeded().is_some());
        let hit: HashSet<usize> = readers
            .filter_map(|process| {
                let released = process.released?;
                let last = history.windows.before(released.index)?;
                let open = history.windows.all[last].phase(released, history.ttl) == Phase::Open;
                open.then_some(last)
            })
            .filter(|window| !self.used.contains(window))
            .collect();
        u32::try_from(hit.len()).unwrap_or(u32::MAX)
    }
}

/// Whether the published file was last seen to be gone; an injection would have closed the window.
fn was_removed(history: &History<'_>, window: &Window, fetch: &Exchange<'_>) -> bool {
    history.published_before(fetch.arrived.index).is_some_and(|seen| {
        seen.moment.index > window.opened.index && *seen.sighting == Sighting::Absent
    })
}

/// What had become of the earlier fetch when the further one arrived.
fn although(
    history: &History<'_>,
    earlier: &Exchange<'_>,
    now: Moment,
    client: ClientId,
    unsure: bool,
) -> String {
    let sender = history.sender(earlier);
    let by = match sender.map(|it| it.client) {
        Some(by) if by == client => "it".to_owned(),
        Some(by) => by.to_string(),
        None => "a stranger".to_owned(),
    };
    let number = earlier.request.request;
    let over = earlier.over.filter(|over| over.index < now.index);
    let ended = sender.and_then(Process::ended).filter(|ended| ended.index < now.index);
    match (over, ended) {
        (None, _) => format!(
            "while the fetch of {by} ({number}, since {}) was under way: nothing keeps the two apart",
            earlier.arrived
        ),
        (Some(over), _) if earlier.is_aborted() => format!(
            "although {by} had given up its fetch ({number}) at {over}, for which no injected fault is the reason"
        ),
        (Some(over), Some(ended)) => format!(
            "although the fetch of {by} ({number}) had ended at {over}: it was not seen published before {by} ended at {ended}"
        ),
        (Some(over), None) => {
            let publish = if unsure { "was just publishing it" } else { "was yet to publish it" };
            format!(
                "although the fetch of {by} ({number}) had ended at {over} and {by} {publish}: the two are kept apart during the request only, or not at all"
            )
        }
    }
}

#[cfg(test)]
mod tests;
