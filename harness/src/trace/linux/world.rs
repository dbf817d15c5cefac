//! The loop of a tracer: every process of its clients, and what state each is in.

use std::collections::{HashMap, HashSet};
use std::sync::mpsc::{Receiver, Sender};
use std::time::Instant;

use tokio::sync::mpsc::UnboundedSender;

use super::behind::Behind;
use super::connections::Connections;
use super::descriptors::Descriptors;
use super::links::Links;
use super::steps::cut_of;
use super::sys::bell::Bell;
use super::sys::ptrace;
use super::sys::wait::{self, Change, Patience};
use super::task::{Pending, State, Task};
use super::telling::Telling;
use super::tracer::Command;
use super::turn::{Turns, sleeps};
use crate::client::process::{End, Scope, send, signal_number};
use crate::model::call::{Call, CallName, CallResult};
use crate::model::scenario::Phase;
use crate::model::units::Signal;
use crate::trace::terms::{Heard, Reach, Settings};

/// Everything that one tracer knows.
pub(super) struct World {
    pub settings: Settings,
    pub telling: Telling,
    pub tasks: HashMap<i32, Task>,
    /// Who hears of the ends of clients' own processes.
    pub ends: HashMap<i32, Sender<End>>,
    /// Threads that have begun before their parents told of them, and how they stand.
    early: HashMap<i32, Change>,
    /// What lies outside of the territory and belongs to it.
    pub links: Links,
    pub connections: Connections,
    /// What is open, so that it is known what is closed by other calls than `close`.
    pub descriptors: Descriptors,
    /// Processes whose end was told when they asked for it.
    pub told_ends: HashSet<i32>,
    /// Who changes the territory, and who is next.
    pub turns: Turns,
    /// Threads in a call that waits for a lock, and are not known to sleep yet.
    pub at_locks: Vec<i32>,
    /// What closing can lose, where an injection may make it fail.
    pub behind: Option<Behind>,
    /// Processes whose calls cannot be read.
    pub blind: HashSet<i32>,
}

impl World {
    pub fn new(settings: Settings, heard: UnboundedSender<Heard>) -> Self {
        let links = Links::of(&settings.territory);
        let fails_close = settings.gates.iter().any(|gate| gate.name == CallName::Close);
        Self {
            settings,
            behind: fails_close.then(Behind::default),
            telling: Telling::to(heard),
            tasks: HashMap::new(),
            ends: HashMap::new(),
            early: HashMap::new(),
            links,
            connections: Connections::default(),
            descriptors: Descriptors::default(),
            told_ends: HashSet::new(),
            turns: Turns::default(),
            at_locks: Vec::new(),
            blind: HashSet::new(),
        }
    }

    /// Runs until it is told to quit.
    pub fn run(mut self, commands: &Receiver<Command>, bell: &Bell) {
        loop {
            while let Ok(command) = commands.try_recv() {
                bell.answer();
                if !self.obey(command) {
                    return self.end_all();
                }
            }
            let must_look = !self.at_locks.is_empty() || self.turns.are_waited_for();
            let patience = if must_look { Patience::Look } else { Patience::Wait };
            match wait::next(None, patience) {
                Ok(Some((tid, change))) => self.on(tid, change),
                Ok(None) if must_look => {
                    self.look_at_locks();
                    self.look_at_turn();
                    wait::give_way();
                }
                Ok(None) => {}
                // Nobody is there to be waited for.
                Err(_) => match commands.recv() {
                    Ok(command) => {
                        bell.answer();
                        if !self.obey(command) {
                            return self.end_all();
                        }
                    }
                    Err(_) => return self.end_all(),
                },
            }
        }
    }

    fn obey(&mut self, command: Command) -> bool {
        match command {
            Command::Launch { client, invocation, attention, started } => {
                let launched = self.launch(client, &invocation, attention);
                // Nobody waits for it only where the run is over.
                let _ = started.send(launched);
            }
            Command::Answer { tid, decision } => self.decide(tid, decision),
            Command::CanCut { tid, bytes, can } => {
                let pending = match self.tasks.get(&tid).map(|task| &task.state) {
                    Some(State::Before(pending)) => Some(pending),
                    _ => None,
                };
                let taken = self.words_cut(tid);
                let cut = pending.and_then(|pending| cut_of(tid, pending, bytes, &taken));
                // Nobody waits for it only where the run is over.
                let _ = can.send(cut.is_some());
            }
            Command::Settle { settled } => {
                self.telling.all();
                // As above.
                let _ = settled.send(());
            }
            Command::Quit => return false,
        }
        true
    }

    fn on(&mut self, tid: i32, change: Change) {
        // A process that was killed is gone from under every call below, and its end is heard of next.
        match change {
            Change::Ended(end) => self.ended(tid, end),
            _ if !self.tasks.contains_key(&tid) => {
                self.early.insert(tid, change);
            }
            Change::Call => self.at_entry(tid),
            Change::CallOver => self.at_exit(tid),
            Change::Forked => self.forked(tid),
            Change::Exec => self.became(tid),
            Change::Suspended => {
                let _ = ptrace::listen(tid);
            }
            Change::Begun => {
                let _ = ptrace::resume(tid, 0);
            }
            Change::Signal(signal) => {
                let _ = ptrace::resume(tid, signal);
            }
        }
    }

    fn forked(&mut self, tid: i32) {
        let child = ptrace::message(tid).ok().and_then(|child| i32::try_from(child).ok());
        // One that has no process any more was killed and reaped before its parent could tell of it.
        if let (Some(child), Some(parent)) = (child, self.tasks.get(&tid))
            && let Some(pid) = process_of(child)
        {
            // A thread shares what its process has open.
            if pid == child {
                self.descriptors.forked(parent.pid, child);
            }
            self.tasks.insert(child, Task::new(parent.client, pid));
            if let Some(change) = self.early.remove(&child) {
                self.on(child, change);
            }
        }
        let _ = ptrace::resume(tid, 0);
    }

    /// A process has become another program: whichever thread did it goes on under the process's number,
    /// and all others are gone.
    fn became(&mut self, tid: i32) {
        if let Some(client) = self.tasks.get(&tid).map(|task| task.client) {
            // The first thread too: where another became the program, it was ended within whatever it was at.
            let gone: Vec<i32> =
                self.tasks.iter().filter(|(_, it)| it.pid == tid).map(|(tid, _)| *tid).collect();
            for gone in gone {
                self.forget(gone);
            }
            self.blind.remove(&tid);
            let program = std::fs::read_link(format!("/proc/{tid}/exe")).ok();
            let call = Call {
                client,
                pid: tid.cast_unsigned(),
                tid: tid.cast_unsigned(),
                name: CallName::Exec,
                path: program.map(|program| self.settings.territory.place(&program)),
                to: None,
                flags: String::new(),
                bytes: None,
                result: CallResult::Returned(0),
            };
            if self.settings.reach == Reach::Everything {
                self.tell(Heard::Call { at: Instant::now(), call });
            }
            self.tasks.insert(tid, Task::new(client, tid));
            self.closed_by_exec(tid);
        }
        let _ = ptrace::resume(tid, 0);
    }

    fn ended(&mut self, tid: i32, end: End) {
        self.early.remove(&tid);
        let process = self.tasks.get(&tid).filter(|task| task.pid == tid).map(|task| task.client);
        self.forget(tid);
        if let Some(client) = process {
            self.has_ended(client, tid, end);
        }
        self.telling.all();
        if let Some(ended) = self.ends.remove(&tid) {
            // Nobody asks for it only where the run is over.
            let _ = ended.send(end);
        }
    }

    /// A thread is no more. The call that it was in never returned, and may have changed something.
    fn forget(&mut self, tid: i32) {
        let Some(task) = self.tasks.remove(&tid) else { return };
        self.turns.forget(tid);
        self.at_locks.retain(|waiting| *waiting != tid);
        let mut open: Vec<Pending> = task.interrupted.into_iter().map(|it| it.pending).collect();
        if let State::Before(pending) | State::Within(pending) = task.state
            && pending.call.name != CallName::Exit
        {
            open.push(*pending);
        }
        for pending in open {
            let call = Call { result: CallResult::Never, ..pending.call };
            self.tell(Heard::Call { at: Instant::now(), call });
        }
        self.end_turn(tid);
    }

    fn look_at_locks(&mut self) {
        for tid in std::mem::take(&mut self.at_locks) {
            let Some(Task { client, state: State::Within(pending), .. }) = self.tasks.get(&tid)
            else {
                continue;
            };
            if sleeps(tid) {
                let path = pending.call.subject().map(|place| place.path.clone());
                let (client, path) = (*client, path.unwrap_or_default());
                self.tell(Heard::LockWaited { at: Instant::now(), client, path });
            } else {
                self.at_locks.push(tid);
            }
        }
    }

    pub fn tell(&mut self, heard: Heard) {
        self.telling.tell(heard);
    }

    /// Whether a thread stands at a gate on this side of a call; tells so if it does.
    pub fn stands_at_gate(&mut self, call: &Call, phase: Phase) -> bool {
        let stands = self.settings.gates.iter().any(|gate| gate.matches(call, phase));
        if stands {
            self.tell(Heard::Gate { at: Instant::now(), call: call.clone(), phase });
        }
        stands
    }

    fn end_all(mut self) {
        let mut pids: Vec<i32> = self.tasks.values().map(|task| task.pid).collect();
        pids.extend(self.early.keys());
        for pid in pids {
            kill(pid);
        }
        // Until this thread has nobody to wait for any more: all are dead then, and those are reaped that are
        // its own.
        loop {
            match wait::next(None, Patience::Wait) {
                Ok(Some((tid, Change::Ended(end)))) => self.ended(tid, end),
                // One that had not been heard of yet, or that makes another stop on its way.
                Ok(Some((tid, _))) => {
                    kill(tid);
                    let _ = ptrace::resume(tid, 0);
                }
                Ok(None) => {}
                Err(_) => return,
            }
        }
    }
}

/// Kills a process. One that is gone is what is wanted.
fn kill(pid: i32) {
    let _ = send(pid.cast_unsigned(), signal_number(Signal::Kill), Scope::Process);
}

/// The process of a thread.
fn process_of(tid: i32) -> Option<i32> {
    let status = std::fs::read_to_string(format!("/proc/{tid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("Tgid:"))?;
    line.trim().parse().ok()
}
