//! What happens at the system calls of a traced run: they are recorded, and may fire an injection that
//! fails, shortens or holds them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::act::{Cause, StandsAt};
use super::world::{Herd, Proc};
use crate::engine::{EngineError, RunSpec};
use crate::inject::disk::Disk;
use crate::inject::plan::{Occurrence, Plan};
use crate::model::call::Call;
use crate::model::record::{Effect, What};
use crate::model::scenario::{Action, Phase};
use crate::model::units::ClientId;
use crate::record::recorder::{EventRef, Recorder};
use crate::record::watch::Watcher;
use crate::trace::Tracer;
use crate::trace::terms::{Decision, Heard, Reach, Settings, Territory};

/// A run's tracer, and who stands still at a call.
#[derive(Debug)]
pub struct Traced {
    pub(super) tracer: Arc<Tracer>,
    heard: UnboundedReceiver<Heard>,
    held: Vec<HeldCall>,
    /// Who has been seen to wait for a lock in this wave.
    waiting: BTreeSet<ClientId>,
    /// How many have been, in all waves.
    lock_waits: u32,
    /// The last call of each thread that returned, which a gate behind it is about.
    returned: BTreeMap<u32, EventRef>,
}

/// A process that stands still at a call.
#[derive(Debug)]
struct HeldCall {
    tid: u32,
    client: ClientId,
    decision: Decision,
    until: Until,
}

/// What lets it go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    /// What the injection of this index waits for.
    Released(usize),
    /// That the process is continued.
    Continued,
}

/// What a process that stands at a call is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AtCall {
    /// How its call goes on.
    pub decision: Decision,
    /// After which time.
    pub delay: Option<Duration>,
    /// Only once this injection lets it.
    pub hold: Option<usize>,
    /// Only once it is continued.
    pub suspended: bool,
}

impl Default for AtCall {
    fn default() -> Self {
        Self { decision: Decision::Proceed, delay: None, hold: None, suspended: false }
    }
}

impl Traced {
    /// Starts the tracer of a run.
    ///
    /// # Errors
    /// When the system refuses, or a glob does not compile.
    pub fn start(spec: &RunSpec, disk: &Disk, watcher: &Watcher) -> Result<Self, EngineError> {
        let mut roots = vec![disk.surroundings.cache_dir.clone(), disk.dir.clone()];
        roots.dedup();
        let settings = Settings {
            territory: Territory { roots, roles: disk.roles.clone() },
            reach: Reach::Territory,
            gates: Plan::gates(&spec.scenario.inject)?,
            look: watcher.look(),
        };
        let (tell, heard) = unbounded_channel();
        let tracer = Tracer::start(settings, tell)
            .map_err(EngineError::system("start the tracer of client processes"))?;
        Ok(Self {
            tracer: Arc::new(tracer),
            heard,
            held: Vec::new(),
            waiting: BTreeSet::new(),
            lock_waits: 0,
            returned: BTreeMap::new(),
        })
    }

    /// A wave starts, and its clients have not been seen to wait.
    pub fn wave_starts(&mut self) {
        self.waiting.clear();
    }

    /// Whether a client stands still because an injection holds it.
    pub fn holds(&self, client: ClientId) -> bool {
        self.held.iter().any(|held| held.client == client)
    }

    /// Whether the call before which a thread stands can be cut to so many bytes.
    pub fn can_cut(&self, tid: u32, bytes: u64) -> bool {
        self.tracer.can_cut(tid, bytes)
    }

    fn answer(&self, tid: u32, decision: Decision, delay: Option<Duration>) {
        let tracer = Arc::clone(&self.tracer);
        match delay {
            None => tracer.answer(tid, decision),
            Some(delay) => {
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    tracer.answer(tid, decision);
                });
            }
        }
    }

    /// Lets those go on that `goes_on` says may, and returns whom.
    fn let_go(&mut self, mut goes_on: impl FnMut(&HeldCall) -> bool) -> Vec<HeldCall> {
        let (free, held) = std::mem::take(&mut self.held).into_iter().partition(|it| goes_on(it));
        self.held = held;
        let free: Vec<HeldCall> = free;
        for one in &free {
            self.answer(one.tid, one.decision, None);
        }
        free
    }
}

impl Herd<'_> {
    /// The next that the tracer tells; never, where there is none.
    pub async fn next_heard(traced: &mut Option<Traced>) -> Option<Heard> {
        match traced {
            Some(traced) => traced.heard.recv().await,
            None => std::future::pending().await,
        }
    }

    /// Takes all that the tracer has to tell so far, firing nothing.
    pub fn drain_heard(&mut self) {
        if let Some(traced) = &self.traced {
            traced.tracer.settle();
        }
        while let Some(Ok(heard)) = self.traced.as_mut().map(|traced| traced.heard.try_recv()) {
            match self.of_reading(heard) {
                Heard::Call { at, call } => {
                    self.recorder.add(at, What::Call(call));
                }
                Heard::Gate { call, .. } => self.answer_call(&call, AtCall::default()),
                Heard::Blind { at, text } => self.note_blind(at, text),
                Heard::Note { at, text } => self.note(at, What::Note { text }),
                Heard::Lost { at, client, path, bytes } => {
                    self.note(at, What::Lost { client, path, bytes });
                }
                Heard::LockWaited { .. } => {}
            }
        }
    }

    /// What a process of a session did is the doing of its reading.
    fn of_reading(&self, mut heard: Heard) -> Heard {
        match &mut heard {
            Heard::Call { call, .. } | Heard::Gate { call, .. } => {
                call.client = self.sessions.reading(call.client);
            }
            Heard::LockWaited { client, .. } | Heard::Lost { client, .. } => {
                *client = self.sessions.reading(*client);
            }
            Heard::Blind { .. } | Heard::Note { .. } => {}
        }
        heard
    }

    /// Takes what the tracer tells.
    pub async fn on_heard(&mut self, heard: Heard) {
        match self.of_reading(heard) {
            Heard::Call { at, call } => {
                let tid = call.tid;
                let event = self.recorder.add(at, What::Call(call));
                if let Some(traced) = &mut self.traced {
                    traced.returned.insert(tid, event);
                }
            }
            Heard::Gate { at, call, phase } => self.on_gate(at, &call, phase).await,
            Heard::LockWaited { at, client, path } => self.on_lock_waited(at, client, path).await,
            Heard::Blind { at, text } => self.note_blind(at, text),
            Heard::Note { at, text } => self.note(at, What::Note { text }),
            Heard::Lost { at, client, path, bytes } => {
                self.note(at, What::Lost { client, path, bytes });
            }
        }
    }

    /// Something that fires nothing goes into the record.
    fn note(&mut self, at: Instant, what: What) {
        self.recorder.add(at, what);
    }

    /// What a process does is not seen, and a traced run has no other eyes.
    fn note_blind(&mut self, at: Instant, text: String) {
        self.recorder.add(at, What::Note { text });
        self.recorder.add(at, What::WatchLost);
    }

    async fn on_gate(&mut self, at: Instant, call: &Call, phase: Phase) {
        // What fills the cache beforehand, and the probes, meet no fault.
        let proc = self.processes.get(&call.client).filter(|proc| proc.is_in_wave());
        let command = proc.map(|proc| proc.errand.command.clone());
        let event = match phase {
            Phase::Before => Some(self.recorder.add(at, What::Call(call.clone()))),
            Phase::After => self.traced.as_ref().and_then(|it| it.returned.get(&call.tid).copied()),
        };
        let Some(command) = command else {
            return self.answer_call(call, AtCall::default());
        };
        let cause = Cause {
            event,
            client: Some(call.client),
            call: Some(StandsAt {
                pid: call.pid,
                tid: call.tid,
                name: call.name,
                phase,
                asked: call.bytes,
            }),
            ..Cause::default()
        };
        let answer = self.fire(Occurrence::Call(call, phase, &command), cause).await.at_call;
        self.answer_call(call, answer);
        self.release_held(event);
    }

    /// Tells a process that stands at a call how it goes on, or keeps it there.
    fn answer_call(&mut self, call: &Call, answer: AtCall) {
        let AtCall { decision, delay, hold, suspended } = answer;
        let released = hold.is_none_or(|index| self.plan.is_released(index));
        let Some(traced) = &mut self.traced else { return };
        let (tid, client) = (call.tid, call.client);
        let until = match hold {
            _ if suspended => Until::Continued,
            Some(index) if !released => Until::Released(index),
            _ => {
                traced.answer(tid, decision, delay);
                // What it was to wait for had happened before it came here.
                if let Some(index) = hold {
                    self.note_released(client, index, None, Instant::now());
                }
                return;
            }
        };
        traced.held.push(HeldCall { tid, client, decision, until });
    }

    /// A process that an injection of the list held goes on: the other half of that injection.
    fn note_released(
        &mut self,
        client: ClientId,
        index: usize,
        event: Option<EventRef>,
        at: Instant,
    ) {
        let what = What::Injected {
            injection: u32::try_from(index).ok(),
            action: Action::Continue,
            targets: vec![client],
            because: event.map(Recorder::number),
            effect: Effect::Landed,
        };
        self.recorder.add(at, what);
    }

    async fn on_lock_waited(&mut self, at: Instant, client: ClientId, path: String) {
        let is_in_wave = self.processes.get(&client).is_some_and(Proc::is_in_wave);
        let Some(traced) = &mut self.traced else { return };
        if !is_in_wave || !traced.waiting.insert(client) {
            return;
        }
        traced.lock_waits += 1;
        let number = traced.lock_waits;
        let event = Some(self.recorder.add(at, What::LockWaited { client, path }));
        let cause = Cause { event, client: Some(client), ..Cause::default() };
        self.fire(Occurrence::LockWaited(number), cause).await;
    }

    /// Lets those go on whose injection waits for something that has happened by now, which `event` may be.
    pub fn release_held(&mut self, event: Option<EventRef>) {
        let plan = &self.plan;
        let Some(traced) = &mut self.traced else { return };
        if traced.held.is_empty() {
            return;
        }
        let at = Instant::now();
        let free = traced.let_go(|held| match held.until {
            Until::Released(index) => plan.is_released(index),
            Until::Continued => false,
        });
        for HeldCall { client, until, .. } in free {
            if let Until::Released(index) = until {
                self.note_released(client, index, event, at);
            }
        }
    }

    /// Lets those go on at their calls that are continued.
    pub fn continue_calls(&mut self, clients: &[ClientId]) {
        if let Some(traced) = &mut self.traced {
            traced.let_go(|held| held.until == Until::Continued && clients.contains(&held.client));
        }
    }

    /// Lets everyone go on.
    pub fn release_all(&mut self) {
        if let Some(traced) = &mut self.traced {
            traced.let_go(|_| true);
        }
    }
}

/// What an action that acts on a call makes of it. `can_cut` says whether the call can be cut to so many bytes.
///
/// # Errors
/// Why it cannot, as half a sentence.
pub fn on_call(
    action: &Action,
    injection: Option<u32>,
    call: StandsAt,
    can_cut: impl FnOnce(u64) -> bool,
    answer: &mut AtCall,
) -> Result<(), String> {
    let StandsAt { name, phase, asked, .. } = call;
    match action {
        Action::HoldUntil(_) => answer.hold = injection.and_then(|it| usize::try_from(it).ok()),
        Action::Delay(span) => answer.delay = Some(span.0),
        _ if phase == Phase::After => return Err("the call has been made".to_owned()),
        Action::Errno(errno) => answer.decision = Decision::Fail(errno.number()),
        Action::Short(bytes) => match asked.filter(|_| name.may_be_short()) {
            None => return Err(format!("this {name} asks for no bytes that may go in parts")),
            Some(asked) if asked <= bytes.0 => {
                return Err(format!("this {name} asks for {asked} bytes, and no more"));
            }
            Some(_) if !can_cut(bytes.0) => {
                return Err(format!("nothing of what this {name} asks for could be cut"));
            }
            Some(_) => answer.decision = Decision::Short(bytes.0),
        },
        _ => return Err("this is no action on a call".to_owned()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::call::CallName;
    use crate::model::units::ByteSize;

    #[test]
    fn a_call_is_cut_only_where_something_can_be() {
        let check = |name, asked, can_cut, expected: Result<(), &str>| {
            let (pid, tid, phase) = (1, 1, Phase::Before);
            let call = StandsAt { pid, tid, name, phase, asked };
            let mut answer = AtCall::default();
            let done = on_call(&Action::Short(ByteSize(3)), None, call, |_| can_cut, &mut answer);
            assert_eq!(done, expected.map_err(str::to_owned));
            assert_eq!(answer.decision == Decision::Short(3), done.is_ok());
        };
        check(CallName::Write, Some(4), true, Ok(()));
        check(CallName::Write, Some(3), true, Err("this write asks for 3 bytes, and no more"));
        let nothing = "nothing of what this write asks for could be cut";
        check(CallName::Write, Some(4), false, Err(nothing));
        // As a datagram.
        check(CallName::Send, None, true, Err("this send asks for no bytes that may go in parts"));
        let fsync = "this fsync asks for no bytes that may go in parts";
        check(CallName::Fsync, None, true, Err(fsync));
    }
}
