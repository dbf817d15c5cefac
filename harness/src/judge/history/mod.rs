//! One pass over a record, into the views that the invariants share.

mod causes;
mod exchange;
mod faults;
mod fold;
mod moment;
mod process;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;

pub(super) use exchange::{Exchange, Head};
pub(super) use faults::{Faults, Periods, names_published};
pub(super) use moment::{Moment, SKEW, WATCH_LAG, near};
pub(super) use process::Process;

use crate::model::fault::Fault;
use crate::model::record::{Change, Effect, Excerpt, ExitStatus, Record, Role, Sighting, What};
use crate::model::scenario::Action;
use crate::model::units::{ClientId, RequestId, Serial, Span};

use super::windows::Windows;

/// A record, folded.
pub(super) struct History<'a> {
    /// The record itself.
    pub(super) record: &'a Record,
    /// The TTL in force, in nanoseconds.
    pub(super) ttl: u64,
    /// When each event happened.
    pub(super) moments: Vec<Moment>,
    /// Every process, in the order in which they were spawned.
    pub(super) processes: Vec<Process<'a>>,
    /// Every request with its response, in the order of arrival.
    pub(super) exchanges: Vec<Exchange<'a>>,
    /// What the published path was seen to hold, in order.
    pub(super) sightings: Vec<Seen<'a>>,
    /// The permission bits of the published file at every sighting of it, and whenever they alone had changed.
    pub(super) modes: Vec<(Moment, u32)>,
    /// Every change in the cache directory, in order.
    pub(super) files: Vec<FileChange<'a>>,
    /// What closing a file that failed has lost, in order.
    pub(super) losses: Vec<Loss<'a>>,
    /// Every injection that fired, landed or missed, in order.
    pub(super) injected: Vec<Injected<'a>>,
    /// The injected faults that last.
    pub(super) faults: Faults,
    /// Every fault of the network that went on the wire, in order.
    pub(super) met: Vec<(Moment, Fault)>,
    /// Exchanges with an injected fault, as spans of events, for overlap with a client's life.
    pub(super) troubled: Periods,
    /// The TTL windows.
    pub(super) windows: Windows,
    /// What lay in the cache directory the last time that it was listed.
    pub(super) residue: Option<(Moment, &'a [(String, Role)])>,
    /// Processes that could not be started, with what the system said.
    pub(super) spawn_failures: Vec<(Moment, ClientId, &'a str)>,
    /// The ends of the processes of sessions, in order.
    pub(super) session_ends: Vec<SessionEnd<'a>>,
    /// Why the harness stopped early, where it did.
    pub(super) interrupted: Option<(Moment, &'a str)>,
    by_client: HashMap<ClientId, usize>,
    by_request: HashMap<RequestId, usize>,
}

/// What the published path was seen to hold.
pub(super) struct Seen<'a> {
    /// When.
    pub(super) moment: Moment,
    /// What.
    pub(super) sighting: &'a Sighting,
    /// The modification time, in milliseconds after the Unix epoch.
    pub(super) modified_ms: Option<i64>,
}

/// A change in the cache directory.
pub(super) struct FileChange<'a> {
    /// When.
    pub(super) moment: Moment,
    /// What became of the file.
    pub(super) change: &'a Change,
    /// Its path, relative to the cache directory.
    pub(super) path: &'a str,
    /// What the client's description says that it is.
    pub(super) role: Role,
}

/// The end of a session's process.
pub(super) struct SessionEnd<'a> {
    /// The first reading of the session.
    pub(super) session: ClientId,
    /// When.
    pub(super) moment: Moment,
    /// How.
    pub(super) status: ExitStatus,
    /// It had been told to end.
    pub(super) told: bool,
    /// The beginning of what it printed on standard error.
    pub(super) stderr: &'a Excerpt,
}

/// Bytes that were written to a file and lost where it was closed.
pub(super) struct Loss<'a> {
    /// When.
    pub(super) moment: Moment,
    /// The file, relative to the cache directory.
    pub(super) path: &'a str,
    /// How many.
    pub(super) bytes: u64,
}

/// An injection that fired.
pub(super) struct Injected<'a> {
    /// When.
    pub(super) moment: Moment,
    /// Its index in the scenario's list.
    pub(super) injection: Option<u32>,
    /// What was done.
    pub(super) action: &'a Action,
    /// What came of it.
    pub(super) effect: &'a Effect,
}

impl Injected<'_> {
    /// Whether it lets go whom an injection of the list had held.
    pub(super) fn is_second_half(&self, history: &History<'_>) -> bool {
        let listed = self.injection.and_then(|it| history.record.scenario.inject.get(it as usize));
        *self.action == Action::Continue
            && listed.is_some_and(|it| matches!(it.action, Action::HoldUntil(_)))
    }

    /// Whether it took effect.
    pub(super) fn landed(&self) -> bool {
        *self.effect == Effect::Landed
    }
}

impl<'a> History<'a> {
    /// Folds `record`.
    pub(super) fn of(record: &'a Record) -> Self {
        fold::fold(record)
    }

    /// The age from which on nothing is served in place of an error, in nanoseconds, where the client promises one.
    pub(super) fn stale_bound(&self) -> Option<u64> {
        let record = self.record;
        record.client.effective_stale_bound(record.ttl).map(Span::nanos)
    }

    /// The process of `client`, if it was spawned.
    pub(super) fn process(&self, client: ClientId) -> Option<&Process<'a>> {
        self.by_client.get(&client).map(|&index| &self.processes[index])
    }

    /// Whether the machine gave no processor for half of `bound` to `process`, or to one that lived beside it and
    /// that it may have waited for. How long it took then says nothing about the program.
    pub(super) fn is_starved(&self, process: &Process<'_>, bound: Span) -> bool {
        let Some((first, last)) = process.life() else { return false };
        let beside = |other: &&Process<'_>| {
            other.life().is_some_and(|(start, end)| start <= last && first <= end)
        };
        self.processes.iter().filter(beside).any(|other| other.delayed > bound.0 / 2)
    }

    /// Whether a process may have given up on one that the machine starved: by a moment of its life it had waited for
    /// half of the clients' patience, and it or one beside it had no processor for as long.
    pub(super) fn may_have_given_up(&self, process: &Process<'_>, by: Moment) -> bool {
        let patience = self.record.scenario.clients.patience;
        let waited = process.released.map(|released| by.since(released));
        waited.is_some_and(|waited| waited > patience.0 / 2) && self.is_starved(process, patience)
    }

    /// Whether a process may return this out of its memory, whatever lies there now: it is what its session returned
    /// last, it asked nobody, and its description does not promise that its memory follows the file.
    pub(super) fn may_remember(&self, process: &Process<'_>, serial: Serial) -> bool {
        let earlier = |it: &&Process<'_>| {
            it.session == process.session && it.spawned.index < process.spawned.index
        };
        let last = || self.processes.iter().rev().filter(earlier).find_map(Process::returned);
        process.reads_again()
            && !self.record.client.claims.coherent_memory
            && self.fetches_of(process).next().is_none()
            && last().is_some_and(|(_, last)| last == serial)
    }

    /// The exchange of `request`, if it arrived.
    pub(super) fn exchange(&self, request: RequestId) -> Option<&Exchange<'a>> {
        self.by_request.get(&request).map(|&index| &self.exchanges[index])
    }

    /// The process that sent `exchange`, if the harness had started it.
    pub(super) fn sender(&self, exchange: &Exchange<'_>) -> Option<&Process<'a>> {
        exchange.sender.map(|index| &self.processes[index])
    }

    /// The fetches (`GET /v2/providers`), in the order of arrival.
    pub(super) fn fetches(&self) -> impl Iterator<Item = &Exchange<'a>> {
        self.exchanges.iter().filter(|exchange| exchange.is_fetch())
    }

    /// The fetches of one process.
    pub(super) fn fetches_of(&self, process: &Process<'_>) -> impl Iterator<Item = &Exchange<'a>> {
        let own = process.exchanges.iter().map(|&index| &self.exchanges[index]);
        own.filter(|exchange| exchange.is_fetch())
    }

    /// What the published path was last seen to hold before an event.
    pub(super) fn published_before(&self, event: usize) -> Option<&Seen<'a>> {
        let count = self.sightings.partition_point(|seen| seen.moment.index < event);
        count.checked_sub(1).map(|last| &self.sightings[last])
    }

    /// When the harness first let a process go that was to publish this catalogue, which is not the server's word.
    pub(super) fn handed_out(&self, serial: Serial) -> Option<Moment> {
        let mut told = self.processes.iter().filter(|process| process.publishes == Some(serial));
        told.find_map(|process| process.released)
    }

    /// The first event after the end of a process that is no more of the same step: its wave's end, or the next
    /// process.
    pub(super) fn end_of_step(&self, ended: usize) -> usize {
        self.next_from(ended, |what| {
            matches!(what, What::WaveEnded { .. } | What::WaveStarted { .. } | What::Spawned { .. })
        })
    }

    /// The end of the wave that an event is of. By then everything that had changed on disk has been seen.
    pub(super) fn end_of_wave(&self, event: usize) -> usize {
        self.next_from(event, |what| matches!(what, What::WaveEnded { .. }))
    }

    /// The first event of a kind, from one on; the end of the record where there is none.
    fn next_from(&self, first: usize, is_such: fn(&What) -> bool) -> usize {
        let mut rest = self.record.events.iter().enumerate().skip(first);
        rest.find(|(_, event)| is_such(&event.what)).map_or(self.record.events.len(), |(at, _)| at)
    }

    /// The paths of all the files that injections planted, as the scenario names them.
    pub(super) fn planted_paths(&self) -> HashSet<String> {
        let landed = self.injected.iter().filter(|injected| injected.landed());
        landed
            .filter_map(|injected| match injected.action {
                Action::Plant(plant) if plant.path == "temp" => {
                    self.record.client.files.planted_temporary()
                }
                Action::Plant(plant) => Some(plant.path.clone()),
                _ => None,
            })
            .collect()
    }

    /// The locks that lay in the cache directory at an event, each with the moment that it appeared.
    pub(super) fn locks_at(&self, event: usize) -> Vec<(&'a str, Moment)> {
        let mut locks: Vec<(&str, Moment)> = Vec::new();
        let earlier = self.files.iter().take_while(|file| file.moment.index <= event);
        for file in earlier.filter(|file| file.role == Role::Lock) {
            match file.change {
                Change::Created | Change::Renamed { .. } => {
                    locks.retain(|(path, _)| *path != file.path);
                    locks.push((file.path, file.moment));
                }
                Change::Removed => locks.retain(|(path, _)| *path != file.path),
                Change::Written | Change::Touched => {}
            }
        }
        locks
    }

    /// A clause that names the locks that lay about at an event; empty where there were none.
    pub(super) fn locks_clause(&self, event: usize) -> String {
        let locks = self.locks_at(event);
        let Some((path, since)) = locks.first() else { return String::new() };
        let more = match locks.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        format!("; {path}{more} lay there as a lock, created at {since}")
    }
}

/// The first of two entries with one key stays: a record that repeats an identity is nonsense, and the
/// judge must only not be confused by it.
trait InsertNew<K> {
    fn try_insert_new(&mut self, key: K, index: usize) -> bool;
}

impl<K: Eq + Hash> InsertNew<K> for HashMap<K, usize> {
    fn try_insert_new(&mut self, key: K, index: usize) -> bool {
        match self.entry(key) {
            Entry::Occupied(_) => false,
            Entry::Vacant(entry) => {
                entry.insert(index);
                true
            }
        }
    }
}
