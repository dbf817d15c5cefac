//! The pass over the record that fills a [`History`].

mod responses;

use std::collections::{HashMap, HashSet};

use super::causes;
use super::faults::{DiskFault, DiskFaults, Reach, hides_published};
use super::{
    Exchange, Faults, FileChange, History, Injected, InsertNew, Loss, Moment, Periods, Process,
    Seen, SessionEnd,
};
use crate::judge::{explain, windows::Windows};
use crate::model::fault::{Fault, Harm};
use crate::model::record::{Effect, Event, Record, What};
use crate::model::scenario::{Action, User};
use crate::model::units::{ClientId, RequestId, Serial};

/// A landed `age` makes the cache older by its TTL and this much, in nanoseconds.
const BEYOND_TTL: u64 = 1_000_000_000;

/// Folds `record`.
pub(super) fn fold(record: &Record) -> History<'_> {
    let history = History {
        record,
        ttl: record.ttl.nanos(),
        moments: Vec::with_capacity(record.events.len()),
        processes: Vec::new(),
        exchanges: Vec::new(),
        sightings: Vec::new(),
        modes: Vec::new(),
        files: Vec::new(),
        losses: Vec::new(),
        injected: Vec::new(),
        faults: Faults::default(),
        met: Vec::new(),
        troubled: Periods::default(),
        windows: Windows::default(),
        residue: None,
        spawn_failures: Vec::new(),
        session_ends: Vec::new(),
        interrupted: None,
        by_client: HashMap::new(),
        by_request: HashMap::new(),
    };
    let waves = record.scenario.resolved_waves();
    let foreign_waves = waves.iter().filter(|wave| wave.under.user == Some(User::Other));
    let mut fold = Fold {
        history,
        aged: 0,
        reach: Reach::new(&record.client.files),
        disk: DiskFaults::default(),
        closed: Vec::new(),
        lies: HashMap::new(),
        foreign_waves: foreign_waves.map(|wave| wave.number).collect(),
    };
    for event in &record.events {
        fold.take(event);
    }
    fold.finish()
}

struct Fold<'a> {
    history: History<'a>,
    /// How much older than the harness's clock the cache is, in nanoseconds.
    aged: u64,
    reach: Reach<'a>,
    /// Why clients can store nothing at the moment.
    disk: DiskFaults,
    /// The roles and globs of files that injections have closed to their owner.
    closed: Vec<&'a str>,
    /// The waves whose clients run as somebody whom the cache does not belong to.
    foreign_waves: HashSet<u32>,
    /// ETags that came with another catalogue than their own, and with which. Nothing tells, so what a
    /// 304 to one of them confirms is what it came with.
    lies: HashMap<&'a str, Serial>,
}

impl<'a> Fold<'a> {
    fn take(&mut self, event: &'a Event) {
        let index = self.history.moments.len();
        let now = Moment { index, at: event.at, cache_time: event.at.0.saturating_add(self.aged) };
        self.history.moments.push(now);
        match &event.what {
            What::Spawned { client, part, command, with, publishes, pid, session } => {
                let index = self.history.processes.len();
                if self.history.by_client.try_insert_new(*client, index) {
                    let with = with.as_deref();
                    let process = Process::new(*client, *pid, *part, command, now);
                    let (publishes, session) = (*publishes, *session);
                    // What was sent to its process before may end it now.
                    let first = session.and_then(|first| self.history.by_client.get(&first));
                    let kills = first.map_or_else(Vec::new, |&first| {
                        let all = self.history.processes[first..].iter();
                        let same = all.filter(|it| it.session == session);
                        same.flat_map(|it| it.kills.iter().copied()).collect()
                    });
                    let process = Process { with, publishes, session, kills, ..process };
                    self.history.processes.push(process);
                }
            }
            What::Released { client } => {
                self.with(*client, |it| it.released = it.released.or(Some(now)));
            }
            What::Exited(exited) => {
                self.with(exited.client, |it| {
                    it.exited = it.exited.or(Some((now, exited)));
                    it.was_delayed(exited.delayed_us);
                });
            }
            What::Overdue { client, deadline, delayed_us } => {
                self.with(*client, |it| {
                    it.overdue = it.overdue.or(Some((now, *deadline)));
                    it.was_delayed(*delayed_us);
                });
            }
            What::LeftBehind { client, pids } => {
                self.with(*client, |it| it.left_behind = Some((now, pids)));
            }
            What::SessionEnded { session, status, told, stderr } => {
                let (session, status, told) = (*session, *status, *told);
                let end = SessionEnd { session, moment: now, status, told, stderr };
                self.history.session_ends.push(end);
            }
            What::SpawnFailed { client, error } => {
                self.history.spawn_failures.push((now, *client, error));
            }
            What::Call(call) if causes::takes_a_lock(call) => {
                self.with(call.client, |it| it.locked = it.locked.or(Some(now)));
            }
            What::Published { sighting, modified_ms, mode } => {
                let seen = Seen { moment: now, sighting, modified_ms: *modified_ms };
                self.history.modes.extend(mode.map(|mode| (now, mode)));
                // Who changes nothing but the permissions publishes nothing.
                let same = |last: &Seen<'_>| {
                    let then = (last.sighting, last.modified_ms);
                    modified_ms.is_some() && then == (sighting, *modified_ms)
                };
                if !self.history.sightings.last().is_some_and(same) {
                    self.history.sightings.push(seen);
                }
            }
            What::File { change, path, role } => {
                self.history.files.push(FileChange { moment: now, change, path, role: *role });
            }
            What::Lost { path, bytes, .. } => {
                self.history.losses.push(Loss { moment: now, path, bytes: *bytes });
            }
            What::Injected { injection, action, targets, because, effect } => {
                let (injection, landed) = (*injection, *effect == Effect::Landed);
                self.history.injected.push(Injected { moment: now, injection, action, effect });
                if landed {
                    self.inject(now, action, targets, *because);
                    if let Action::Fault(fault) = action
                        && !self.hits_one_answer(*fault, injection, *because)
                    {
                        self.stand(now, *fault, targets);
                    }
                }
            }
            What::Faulted { request, client, fault } => {
                self.history.met.push((now, *fault));
                if let Some(client) = client.filter(|_| request.is_none()) {
                    self.with(client, |it| it.met.push((now, *fault)));
                }
                if let Some(request) = request {
                    self.with_exchange(*request, |it| it.hit_by(now, *fault));
                }
            }
            // The harness held the answer for a herd that never came to rest, as on a machine that is too busy to run
            // it: a delay of its own making, like one that it injects.
            What::HerdWaits { request, gave_up: true, .. } => {
                self.with_exchange(*request, |it| it.hits.push((now, Harm::Slows)));
            }
            What::Healed => {
                self.mend(now);
                self.history.faults.down.end(now);
                self.closed.clear();
                self.disk.heal(&mut self.history.faults, now);
            }
            What::WaveStarted { wave, .. } if self.foreign_waves.contains(wave) => {
                self.disk.begin(DiskFault::Foreign, &mut self.history.faults, now);
            }
            What::WaveEnded { .. } => {
                self.disk.end(DiskFault::Foreign, &mut self.history.faults, now);
            }
            What::Residue { files, .. } => self.history.residue = Some((now, files)),
            What::Interrupted { why } => {
                let first = self.history.interrupted;
                self.history.interrupted = first.or(Some((now, why)));
            }
            response => self.respond(now, response),
        }
    }

    fn inject(
        &mut self,
        now: Moment,
        action: &'a Action,
        targets: &[ClientId],
        because: Option<u32>,
    ) {
        match action {
            Action::Kill(signal) | Action::KillGroup(signal) => {
                self.with_living(targets, |it| it.kills.push((now, *signal)));
            }
            Action::KillAlone(signal) => {
                let call = causes::call(self.history.record, because);
                let lost = call.is_some_and(|it| it.name.is_network());
                self.with_living(targets, |it| {
                    // Of a client of which another process died, that is a call that came to nothing.
                    if call.is_none_or(|call| call.pid == it.pid) {
                        it.kills.push((now, *signal));
                    } else {
                        it.breaks(now, lost);
                    }
                });
            }
            Action::Errno(_) | Action::Short(_) => {
                let fails = matches!(action, Action::Errno(_));
                let lost = fails
                    && causes::call(self.history.record, because)
                        .is_some_and(|it| it.name.is_network());
                self.with_living(targets, |it| it.breaks(now, lost));
            }
            Action::HoldUntil(until)
                if causes::waits_for_own_answer(self.history.record, until, because) => {}
            Action::Stop | Action::HoldUntil(_) => self.with_living(targets, |it| {
                if !it.is_stopped_for_good() {
                    it.stops.push((now, None));
                }
            }),
            Action::Continue => self.with_living(targets, |it| {
                if let Some((_, to @ None)) = it.stops.last_mut() {
                    *to = Some(now);
                }
            }),
            Action::Delay(span) if causes::call(self.history.record, because).is_some() => {
                self.with_living(targets, |it| it.held_up.push((now, *span)));
            }
            Action::Delay(_) | Action::Stall | Action::Answer(_) | Action::Reset => {
                if let Some(index) = self.exchange_hit(targets, because) {
                    let slows = matches!(action, Action::Delay(_));
                    let harm = if slows { Harm::Slows } else { Harm::Denies };
                    self.history.exchanges[index].hits.push((now, harm));
                }
            }
            // What went on the wire, the server tells.
            Action::Fault(_) => {}
            Action::Mend => self.mend(now),
            Action::CatwalkDown => self.history.faults.down.begin(now),
            Action::CatwalkUp => self.history.faults.down.end(now),
            Action::ReadOnly => {
                self.disk.begin(DiskFault::ReadOnly, &mut self.history.faults, now);
            }
            Action::Writable => self.disk.end(DiskFault::ReadOnly, &mut self.history.faults, now),
            Action::Fill(_) => self.disk.begin(DiskFault::Full, &mut self.history.faults, now),
            Action::Free => self.disk.end(DiskFault::Full, &mut self.history.faults, now),
            Action::Chmod(chmod) => {
                // Whose bits let their owner read and write is not closed, or no longer.
                let open = chmod.leaves_owner();
                self.closed.retain(|path| path != &chmod.path.as_str());
                if !open {
                    self.closed.push(&chmod.path);
                }
                let files = &self.history.record.client.files;
                let is_hidden = self.closed.iter().any(|path| hides_published(path, files));
                let faults = &mut self.history.faults;
                for (fault, holds) in
                    [(DiskFault::Closed, !self.closed.is_empty()), (DiskFault::Hidden, is_hidden)]
                {
                    if holds {
                        self.disk.begin(fault, faults, now);
                    } else {
                        self.disk.end(fault, faults, now);
                    }
                }
            }
            Action::Wipe => self.history.faults.wiped.push(now),
            Action::Age => {
                let older = self.history.ttl.saturating_add(BEYOND_TTL);
                self.aged = self.aged.saturating_add(older);
            }
            Action::AgeBy(span) => self.aged = self.aged.saturating_add(span.nanos()),
            Action::AgePastBound => {
                let older = self.history.stale_bound().unwrap_or(self.history.ttl);
                self.aged = self.aged.saturating_add(older).saturating_add(BEYOND_TTL);
            }
            // After a step back nobody can tell how fresh the cache is, so that its window is over.
            Action::ClockBack(_) => self.history.faults.on_published.push(now),
            Action::CoarseTimes(_) => {}
            // The loss of a service excuses nobody: a cache is to do without it.
            Action::ServiceDown(_) | Action::ServiceHang(_) | Action::ServiceUp(_) => {}
            Action::Plant(_) | Action::Remove(_) | Action::Bump | Action::ForkStorm(_) => {}
            Action::Run(_) => {}
        }
        if let Some(touch) = self.reach.of(action) {
            if touch.published {
                self.history.faults.on_published.push(now);
            }
            if touch.lock {
                self.history.faults.on_lock.push(now);
            }
        }
    }

    /// Whether a fault was for the answer whose request fired it, rather than to stand.
    fn hits_one_answer(&self, fault: Fault, injection: Option<u32>, because: Option<u32>) -> bool {
        let by_request = matches!(causes::of(self.history.record, because), Some(What::Request(_)));
        let listed = injection.and_then(|it| self.history.record.scenario.inject.get(it as usize));
        by_request && !fault.is_at_door() && listed.is_none_or(|listed| listed.target.is_none())
    }

    fn stand(&mut self, now: Moment, fault: Fault, targets: &[ClientId]) {
        let history = &self.history;
        let started_as =
            |client: &ClientId| history.process(*client).map_or(*client, Process::started_as);
        let targets: Vec<ClientId> = targets.iter().map(started_as).collect();
        let faults = &mut self.history.faults;
        faults.standing.begin(now);
        match fault.facts().harm {
            _ if !fault.is_at_door() => {}
            Harm::Slows => faults.slowed.begin(now, &targets),
            _ => faults.cut_off.begin(now, &targets),
        }
    }

    fn mend(&mut self, now: Moment) {
        let faults = &mut self.history.faults;
        faults.standing.end(now);
        faults.slowed.end(now);
        faults.cut_off.end(now);
    }

    /// The exchange that an injection on a response hit: the one whose progress fired it, else the
    /// latest one of its target.
    fn exchange_hit(&self, targets: &[ClientId], because: Option<u32>) -> Option<usize> {
        if let Some(request) = causes::request(self.history.record, because) {
            return self.history.by_request.get(&request).copied();
        }
        let process = targets.first().and_then(|client| self.history.process(*client));
        process.and_then(|process| process.exchanges.last().copied())
    }

    fn with(&mut self, client: ClientId, change: impl FnOnce(&mut Process<'a>)) {
        if let Some(&index) = self.history.by_client.get(&client) {
            change(&mut self.history.processes[index]);
        }
    }

    fn with_living(&mut self, clients: &[ClientId], mut change: impl FnMut(&mut Process<'a>)) {
        for client in clients {
            self.with(*client, |process| {
                if process.ended().is_none() {
                    change(process);
                }
            });
        }
    }

    fn with_exchange(&mut self, request: RequestId, change: impl FnOnce(&mut Exchange<'a>)) {
        if let Some(&index) = self.history.by_request.get(&request) {
            change(&mut self.history.exchanges[index]);
        }
    }

    fn finish(self) -> History<'a> {
        let mut history = self.history;
        for process in &mut history.processes {
            process.fold_delays(&history.moments);
        }
        for index in 0..history.exchanges.len() {
            let exchange = &history.exchanges[index];
            let sender = history.sender(exchange);
            let over = explain::over(exchange, sender);
            let explained = explain::failure(exchange, sender, &history.faults);
            history.exchanges[index].over = over;
            history.exchanges[index].explained = explained;
        }
        history.troubled = Periods::from_spans(explain::troubled(&history));
        history.windows = Windows::of(&history);
        history
    }
}
