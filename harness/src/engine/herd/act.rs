//! The actions: on processes, on the server, on files.

use std::sync::Arc;
use std::time::Instant;

use super::calls::{self, AtCall};
use super::errand::Errand;
use super::world::{Herd, Proc};
use crate::catwalk::catalogue::Catalogue;
use crate::catwalk::observe::Directive;
use crate::client::process::{Scope, group_of, send, signal_number};
use crate::inject::disk::DiskError;
use crate::inject::holder;
use crate::inject::plan::Occurrence;
use crate::model::call::CallName;
use crate::model::client::LockKind;
use crate::model::record::{Effect, Role, What};
use crate::model::scenario::{Action, Content, Phase, Target};
use crate::model::units::{ClientId, Signal};
use crate::record::recorder::{EventRef, Recorder};

/// What fires an injection.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cause {
    /// The event in the record.
    pub event: Option<EventRef>,
    /// The process behind it.
    pub client: Option<ClientId>,
    /// The server waits for what to do with a response.
    pub response: bool,
    /// The process stands at this call, and waits for how it goes on.
    pub call: Option<StandsAt>,
}

/// A call that a process stands at.
#[derive(Debug, Clone, Copy)]
pub struct StandsAt {
    /// The process, which may be one that the client has started.
    pub pid: u32,
    /// The thread of it.
    pub tid: u32,
    /// The call.
    pub name: CallName,
    /// On which side of it.
    pub phase: Phase,
    /// The number of bytes that it asks for, if it does.
    pub asked: Option<u64>,
}

/// What whoever waits for an answer is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The server, with a response.
    pub directive: Directive,
    /// A process, at a call.
    pub at_call: AtCall,
}

impl Default for Answer {
    fn default() -> Self {
        Self { directive: Directive::Proceed, at_call: AtCall::default() }
    }
}

impl Herd<'_> {
    /// Tells the plan of something that has no event, process or response of its own.
    pub async fn occurs(&mut self, occurrence: Occurrence<'_>) {
        self.fire(occurrence, Cause::default()).await;
    }

    /// Tells the plan what occurred, does what that fires, and returns what whoever waits for it is told.
    pub async fn fire(&mut self, occurrence: Occurrence<'_>, cause: Cause) -> Answer {
        let mut answer = Answer::default();
        for index in self.plan.occurs(occurrence) {
            let injection = &self.spec.scenario.inject[index];
            let (action, target) = (injection.action.clone(), injection.target);
            let index = u32::try_from(index).ok();
            self.act(index, &action, target, cause, &mut answer).await;
        }
        if cause.call.is_none() {
            self.release_held(cause.event);
        }
        answer
    }

    /// Does what the plot asks for between waves.
    pub async fn step(&mut self, action: &Action) {
        if !self.interrupted {
            self.act(None, action, None, Cause::default(), &mut Answer::default()).await;
            self.settle().await;
        }
    }

    /// Does one action and records it with the time before it, so that its effects come after it.
    async fn act(
        &mut self,
        injection: Option<u32>,
        action: &Action,
        target: Option<Target>,
        cause: Cause,
        answer: &mut Answer,
    ) {
        let at = Instant::now();
        let mut targets = Vec::new();
        let done = if let Action::Fault(fault) = action {
            let done = self.fault(*fault, target, cause, &mut targets).await;
            done.map(|said| set(&mut answer.directive, said))
        } else if let Action::KillAlone(signal) = action {
            targets.extend(cause.client);
            self.kill_caller(*signal, cause)
        } else if let Some(call) = cause.call
            && (action.is_about_call() || matches!(action, Action::Delay(_)))
        {
            targets.extend(cause.client);
            let traced = self.traced.as_ref();
            let can_cut = |bytes| traced.is_some_and(|it| it.can_cut(call.tid, bytes));
            calls::on_call(action, injection, call, can_cut, &mut answer.at_call)
        } else if action.is_about_process() {
            match self.targets(target, cause) {
                Ok(found) => {
                    targets = found;
                    let done = self.act_on_processes(action, &mut targets);
                    if let Action::KillGroup(signal) = action
                        && done.is_ok()
                    {
                        self.kill_elsewhere(*signal, cause, &targets);
                    }
                    // A process that is suspended at a call is to stop there, not behind it.
                    answer.at_call.suspended |= *action == Action::Stop
                        && done.is_ok()
                        && cause.call.is_some()
                        && cause.client.is_some_and(|client| targets.contains(&client));
                    if *action == Action::Continue {
                        self.continue_calls(&targets);
                    }
                    done
                }
                Err(why) => Err(why),
            }
        } else if action.is_about_response() {
            targets.extend(cause.client);
            set(&mut answer.directive, directive_of(action));
            if cause.response { Ok(()) } else { Err("no response is under way".to_owned()) }
        } else {
            self.act_on_world(action).await.map_err(|error| error.to_string())
        };
        let effect = match done {
            Ok(()) => Effect::Landed,
            Err(why) => Effect::Missed(why),
        };
        let because = cause.event.map(Recorder::number);
        let action = action.clone();
        self.recorder.add(at, What::Injected { injection, action, targets, because, effect });
    }

    /// Whom an action on processes hits.
    pub(super) fn targets(
        &mut self,
        target: Option<Target>,
        cause: Cause,
    ) -> Result<Vec<ClientId>, String> {
        let live = |client: &ClientId| self.processes.get(client).is_some_and(Proc::lives);
        Ok(match target {
            None => cause.client.into_iter().collect(),
            Some(Target::Client(number)) => vec![ClientId(number)],
            Some(Target::Everyone) => self.processes.keys().copied().filter(live).collect(),
            Some(Target::Fetcher) => {
                let latest = self.fetches.values().rev();
                let under_way = latest.clone().find(|fetch| !fetch.ended);
                let fetch = under_way.or_else(|| latest.clone().next());
                fetch.and_then(|fetch| fetch.client).into_iter().collect()
            }
            Some(Target::Holder) => vec![self.holder()?],
            Some(Target::Waiter) => self
                .processes
                .iter()
                .find(|(_, proc)| proc.lives() && !proc.has_asked)
                .map(|(client, _)| *client)
                .into_iter()
                .collect(),
        })
    }

    /// Who holds the lock; how that is known goes into the record.
    fn holder(&mut self) -> Result<ClientId, String> {
        let live: Vec<holder::Live> = self
            .processes
            .iter()
            .filter(|(_, proc)| proc.lives())
            .map(|(client, proc)| (*client, proc.pid))
            .collect();
        let files = self.disk.files().map_err(|error| error.to_string())?;
        let locks: Vec<_> = files
            .into_iter()
            .filter(|(_, role)| *role == Role::Lock)
            .map(|(path, _)| path)
            .collect();
        let dir = &self.disk.dir;
        let (client, text) = holder::holder(dir, &locks, &live).or_else(|why| {
            // A lock that is a file, and an empty one: whoever alone asks under it is taken for its holder.
            let is_file = self.spec.client.files.lock_kind == LockKind::Existence;
            let mut asking: Vec<ClientId> =
                self.fetches.values().filter(|it| !it.ended).filter_map(|it| it.client).collect();
            asking.retain(live_client(&live));
            asking.dedup();
            match asking.as_slice() {
                [client] if is_file && !locks.is_empty() => {
                    let text =
                        format!("{client} is taken for the holder: it alone asks, and {why}");
                    Ok((*client, text))
                }
                _ => Err(why),
            }
        })?;
        self.recorder.add(Instant::now(), What::Note { text });
        Ok(client)
    }

    /// Signals the process that stands at a call, which may be one that its client has started.
    fn kill_caller(&mut self, signal: Signal, cause: Cause) -> Result<(), String> {
        let (Some(call), Some(client)) = (cause.call, cause.client) else {
            return Err("no process stands at a call".to_owned());
        };
        let number = signal_number(signal);
        send(call.pid, number, Scope::Process)
            .map_err(|_| "the process had ended by itself".to_owned())?;
        if let Some(proc) = self.processes.get_mut(&client).filter(|proc| proc.pid == call.pid) {
            proc.signals.push(number);
            proc.was_killed = true;
        }
        Ok(())
    }

    /// Signals the process that stands at a call, and its group, where its client has put it into another than its
    /// own: it would make the call before which it was to die.
    fn kill_elsewhere(&self, signal: Signal, cause: Cause, targets: &[ClientId]) {
        let (Some(call), Some(client)) = (cause.call, cause.client) else { return };
        let group = group_of(call.pid);
        let own = self.processes.get(&client).map(|proc| proc.pid);
        if targets.contains(&client) && group != own {
            let number = signal_number(signal);
            // One that is gone is what is wanted.
            let _ = group.map(|group| send(group, number, Scope::Group));
            let _ = send(call.pid, number, Scope::Process);
        }
    }

    /// Signals the targets that live; only these stay in the list.
    fn act_on_processes(
        &mut self,
        action: &Action,
        targets: &mut Vec<ClientId>,
    ) -> Result<(), String> {
        let (number, scope) = match action {
            Action::Kill(signal) => (signal_number(*signal), Scope::Process),
            Action::KillGroup(signal) => (signal_number(*signal), Scope::Group),
            Action::Stop => (libc::SIGSTOP, Scope::Group),
            Action::Continue => (libc::SIGCONT, Scope::Group),
            _ => return Err("this is no action on a process".to_owned()),
        };
        if targets.is_empty() {
            return Err("there is no such process".to_owned());
        }
        let kills = matches!(action, Action::Kill(_) | Action::KillGroup(_));
        let named = targets.clone();
        targets.retain(|client| {
            self.processes.get_mut(client).is_some_and(|proc| {
                let hit = proc.lives() && send(proc.pid, number, scope).is_ok();
                if hit {
                    proc.signals.push(number);
                    proc.was_killed |= kills;
                }
                hit
            })
        });
        if targets.is_empty() {
            *targets = named;
            return Err("the process had ended by itself".to_owned());
        }
        Ok(())
    }

    /// The catalogue that a file is planted with, or that is cut for it.
    fn catalogue_to_plant(&self, content: Content) -> Result<Arc<Catalogue>, DiskError> {
        let library = self.catwalk.library();
        if content != Content::Previous {
            return Ok(library.current());
        }
        library.previous().ok_or_else(|| {
            let why =
                "Catwalk has served no catalogue before the current one; write `bump` before it";
            DiskError::Nothing(why.to_owned())
        })
    }

    async fn act_on_world(&mut self, action: &Action) -> Result<(), DiskError> {
        match action {
            Action::CatwalkDown => self.catwalk.down().await,
            Action::CatwalkUp => {
                self.catwalk.up().map_err(|error| DiskError::Nothing(error.to_string()))?;
            }
            Action::Mend => {
                self.catwalk.mend().map_err(|error| DiskError::Nothing(error.to_string()))?;
            }
            Action::Bump => {
                self.catwalk.bump();
            }
            Action::Plant(plant) => {
                let catalogue = self.catalogue_to_plant(plant.content)?;
                self.disk.plant(plant, catalogue.body())?;
            }
            Action::Run(command) => match &self.wave {
                // The loop starts it once what fired this is dealt with.
                Some(wave) => self.to_start.push(Errand::one_more(wave, command)),
                None => return Err(DiskError::Nothing("no wave is running".to_owned())),
            },
            Action::Remove(pattern) => self.disk.remove(pattern)?,
            Action::ForkStorm(count) => self.fork_storm(*count)?,
            Action::Age => self.age(self.disk.age_by()).await?,
            Action::AgeBy(span) => self.age(span.0).await?,
            Action::AgePastBound => self.age_past_bound().await?,
            Action::ClockBack(span) => self.disk.clock_back(span.0)?,
            Action::CoarseTimes(span) => self.disk.coarse_times(span.0)?,
            Action::Chmod(chmod) => self.disk.chmod(chmod)?,
            Action::Wipe => self.disk.wipe()?,
            Action::Fill(left) => self.disk.fill(left.0)?,
            Action::Free => self.disk.free()?,
            Action::ReadOnly => self.disk.set_writable(false)?,
            Action::Writable => self.disk.set_writable(true)?,
            Action::ServiceDown(name) => {
                self.service_down(name).await.map_err(DiskError::Nothing)?;
            }
            Action::ServiceHang(name) => self.service_hang(name).map_err(DiskError::Nothing)?,
            Action::ServiceUp(name) => self.service_up(name).await.map_err(DiskError::Nothing)?,
            _ => {}
        }
        Ok(())
    }
}

/// The last of several injections that say something of one response has its way.
fn set(directive: &mut Directive, said: Directive) {
    if said != Directive::Proceed {
        *directive = said;
    }
}

fn live_client(live: &[holder::Live]) -> impl Fn(&ClientId) -> bool + '_ {
    |client| live.iter().any(|(it, _)| it == client)
}

/// What the server is told to do.
fn directive_of(action: &Action) -> Directive {
    match action {
        Action::Delay(span) => Directive::Delay(span.0),
        Action::Stall => Directive::Stall,
        Action::Answer(status) => Directive::Answer(*status),
        Action::Reset => Directive::Reset,
        _ => Directive::Proceed,
    }
}
