//! Which injections an occurrence fires.
//!
//! The plan counts. It knows nothing of processes, files or the server, and so can be tested by
//! telling it what occurs.

use std::collections::HashMap;
use std::path::Path;

use crate::model::call::{Call, CallName};
use crate::model::record::Role;
use crate::model::scenario::{Action, Injection, Phase, Trigger};
use crate::model::units::ClientId;
use crate::record::roles::{BadGlob, Pattern};
use crate::trace::terms::{Gate, about};

/// Something that occurred and that a trigger may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occurrence<'a> {
    /// The scenario begins.
    Begin,
    /// The n-th fetch arrived.
    Request(u32),
    /// The head of the answer to the n-th fetch was sent.
    HeadSent(u32),
    /// Half of the body of the answer to the n-th fetch was sent.
    HalfSent(u32),
    /// The answer to the n-th fetch was sent whole.
    ResponseDone(u32),
    /// A file appeared.
    Created(Role, &'a Path),
    /// A file was written.
    Written(Role, &'a Path),
    /// A file got its name by a rename.
    Renamed(Role, &'a Path),
    /// A file was removed.
    Removed(Role, &'a Path),
    /// The n-th process of the waves was let go.
    Started(u32),
    /// The n-th process of the waves to end has ended.
    Exited(u32),
    /// Every process of the n-th wave has ended.
    AllExited(u32),
    /// The herd came to rest for the n-th time.
    HerdWaits(u32),
    /// A client that runs this command stands before or behind a system call.
    Call(&'a Call, Phase, &'a str),
    /// The n-th client waits for a lock.
    LockWaited(u32),
}

/// What an injection waits for.
#[derive(Debug)]
enum Awaited {
    Begin,
    Request(u32),
    HeadSent(u32),
    HalfSent(u32),
    ResponseDone(u32),
    Created(Pattern),
    Written(Pattern),
    Renamed(Pattern),
    Removed(Pattern),
    Started(u32),
    Exited(u32),
    AllExited(u32),
    HerdWaits(u32),
    Call(CallName, Option<Pattern>, Phase, Option<String>),
    LockWaited(u32),
}

impl Awaited {
    fn new(trigger: &Trigger) -> Result<Self, BadGlob> {
        Ok(match trigger {
            Trigger::Begin => Self::Begin,
            Trigger::Request(n) => Self::Request(*n),
            Trigger::HeadSent(n) => Self::HeadSent(*n),
            Trigger::HalfSent(n) => Self::HalfSent(*n),
            Trigger::ResponseDone(n) => Self::ResponseDone(*n),
            Trigger::Created(text) => Self::Created(Pattern::new(text)?),
            Trigger::Written(text) => Self::Written(Pattern::new(text)?),
            Trigger::Renamed(text) => Self::Renamed(Pattern::new(text)?),
            Trigger::Removed(text) => Self::Removed(Pattern::new(text)?),
            Trigger::Started(n) => Self::Started(*n),
            Trigger::Exited(n) => Self::Exited(*n),
            Trigger::AllExited(n) => Self::AllExited(*n),
            Trigger::HerdWaits(n) => Self::HerdWaits(*n),
            Trigger::Syscall(on) => {
                let path = on.path.as_deref().map(Pattern::new).transpose()?;
                Self::Call(on.call, path, on.phase, on.by.clone())
            }
            Trigger::LockWaited(n) => Self::LockWaited(*n),
        })
    }
}

/// How often things had occurred when the current wave started, for triggers that count in each wave.
#[derive(Debug, Clone, Copy, Default)]
struct Base {
    fetches: u32,
    started: u32,
    exited: u32,
    herd_waits: u32,
    lock_waited: u32,
}

/// One injection and what it has counted.
#[derive(Debug)]
struct Armed {
    awaited: Awaited,
    each_wave: bool,
    nth: u32,
    /// How many events in a row fire it.
    times: u32,
    /// Matching files seen; since the wave's start where it counts in each wave.
    files: u32,
    /// Matching calls of each client; since the wave's start where it counts in each wave.
    calls: HashMap<ClientId, u32>,
    /// How often it has fired.
    fired: u32,
}

impl Armed {
    fn new(trigger: &Trigger, injection: &Injection) -> Result<Self, BadGlob> {
        Ok(Self {
            awaited: Awaited::new(trigger)?,
            each_wave: injection.each_wave,
            nth: injection.nth.unwrap_or(1),
            times: injection.times.unwrap_or(1),
            files: 0,
            calls: HashMap::new(),
            fired: 0,
        })
    }

    fn wave_starts(&mut self) {
        if self.each_wave {
            self.files = 0;
            self.calls.clear();
            self.fired = 0;
        }
    }
}

/// The injections of a scenario, waiting.
#[derive(Debug)]
pub struct Plan {
    armed: Vec<Armed>,
    /// What the injections that hold a process wait for before they let it go, by their index.
    releases: Vec<(usize, Armed)>,
    base: Base,
    seen: Base,
    over: bool,
}

impl Plan {
    /// Arms the injections of a scenario.
    ///
    /// # Errors
    /// Names a glob that does not compile.
    pub fn new(injections: &[Injection]) -> Result<Self, BadGlob> {
        let armed = injections.iter().map(|it| Armed::new(&it.on, it)).collect::<Result<_, _>>()?;
        let releases = injections.iter().enumerate().filter_map(|(index, it)| match &it.action {
            Action::HoldUntil(trigger) => {
                // The ordinal beside the trigger is that of the call which is held.
                let plain = Injection { nth: None, times: None, ..it.clone() };
                Some(Armed::new(trigger, &plain).map(|armed| (index, armed)))
            }
            _ => None,
        });
        let releases = releases.collect::<Result<_, _>>()?;
        Ok(Self { armed, releases, base: Base::default(), seen: Base::default(), over: false })
    }

    /// The calls at which processes must stand still, so that injections can act on them.
    ///
    /// # Errors
    /// Names a glob that does not compile.
    pub fn gates(injections: &[Injection]) -> Result<Vec<Gate>, BadGlob> {
        let held = injections.iter().filter_map(|it| match &it.action {
            Action::HoldUntil(trigger) => Some(trigger.as_ref()),
            _ => None,
        });
        let triggers = injections.iter().map(|it| &it.on).chain(held);
        let calls = triggers.filter_map(|trigger| match Awaited::new(trigger) {
            Ok(Awaited::Call(name, path, phase, _)) => Some(Ok(Gate { name, path, phase })),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        });
        calls.collect()
    }

    /// A wave starts: injections that count in each wave count anew, and may fire again.
    pub fn wave_starts(&mut self) {
        self.base = self.seen;
        let releases = self.releases.iter_mut().map(|(_, armed)| armed);
        self.armed.iter_mut().chain(releases).for_each(Armed::wave_starts);
    }

    /// The faults are over: nothing fires any more.
    pub fn end(&mut self) {
        self.over = true;
    }

    /// The injections that this occurrence fires, as indices into the scenario's list, in its order.
    pub fn occurs(&mut self, occurrence: Occurrence) -> Vec<usize> {
        self.count(occurrence);
        if self.over {
            return Vec::new();
        }
        let base = self.base;
        for (_, armed) in &mut self.releases {
            let base = if armed.each_wave { base } else { Base::default() };
            armed.fired += u32::from(armed.is_awaited(occurrence, base));
        }
        let mut fired = Vec::new();
        for (index, armed) in self.armed.iter_mut().enumerate() {
            let base = if armed.each_wave { base } else { Base::default() };
            if armed.is_awaited(occurrence, base) && armed.fired < armed.times {
                armed.fired += 1;
                fired.push(index);
            }
        }
        fired
    }

    /// Whether what an injection that holds a process waits for has happened, be it before it held one.
    pub fn is_released(&self, index: usize) -> bool {
        let release = self.releases.iter().find(|(it, _)| *it == index);
        self.over || release.is_none_or(|(_, armed)| armed.fired > 0)
    }

    fn count(&mut self, occurrence: Occurrence) {
        let seen = &mut self.seen;
        match occurrence {
            Occurrence::Request(n) => seen.fetches = seen.fetches.max(n),
            Occurrence::Started(n) => seen.started = seen.started.max(n),
            Occurrence::Exited(n) => seen.exited = seen.exited.max(n),
            Occurrence::HerdWaits(n) => seen.herd_waits = seen.herd_waits.max(n),
            Occurrence::LockWaited(n) => seen.lock_waited = seen.lock_waited.max(n),
            _ => {}
        }
    }
}

impl Armed {
    fn is_awaited(&mut self, occurrence: Occurrence, base: Base) -> bool {
        // Whether the n-th event is the awaited one, or one of those after it that fire too.
        let times = self.times;
        let is_due = |base: u32, wanted: u32, n: u32| {
            let first = base.checked_add(wanted);
            first.is_some_and(|first| n >= first && n - first < times)
        };
        match (&self.awaited, occurrence) {
            (Awaited::Begin, Occurrence::Begin) => true,
            (Awaited::Request(wanted), Occurrence::Request(n))
            | (Awaited::HeadSent(wanted), Occurrence::HeadSent(n))
            | (Awaited::HalfSent(wanted), Occurrence::HalfSent(n))
            | (Awaited::ResponseDone(wanted), Occurrence::ResponseDone(n)) => {
                is_due(base.fetches, *wanted, n)
            }
            (Awaited::Started(wanted), Occurrence::Started(n)) => is_due(base.started, *wanted, n),
            (Awaited::Exited(wanted), Occurrence::Exited(n)) => is_due(base.exited, *wanted, n),
            (Awaited::HerdWaits(wanted), Occurrence::HerdWaits(n)) => {
                is_due(base.herd_waits, *wanted, n)
            }
            (Awaited::AllExited(wanted), Occurrence::AllExited(n)) => is_due(0, *wanted, n),
            (Awaited::Created(pattern), Occurrence::Created(role, path))
            | (Awaited::Written(pattern), Occurrence::Written(role, path))
            | (Awaited::Renamed(pattern), Occurrence::Renamed(role, path))
            | (Awaited::Removed(pattern), Occurrence::Removed(role, path)) => {
                if !pattern.matches(role, path) {
                    return false;
                }
                self.files += 1;
                is_due(0, self.nth, self.files)
            }
            (Awaited::LockWaited(wanted), Occurrence::LockWaited(n)) => {
                is_due(base.lock_waited, *wanted, n)
            }
            (Awaited::Call(name, path, phase, by), Occurrence::Call(call, at, command)) => {
                let is_such = *phase == at && *name == call.name && about(path.as_ref(), call);
                if !is_such || by.as_ref().is_some_and(|by| by != command) {
                    return false;
                }
                let calls = self.calls.entry(call.client).or_default();
                *calls += 1;
                is_due(0, self.nth, *calls)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
