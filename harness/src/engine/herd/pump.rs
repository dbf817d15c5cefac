//! The loop: every observation is recorded, told to the plan, and acted upon, one at a time.

use std::time::{Duration, Instant};

use tokio::time::sleep_until;

use super::act::Cause;
use super::ended::micros;
use super::errand::Errand;
use super::hold::LOOK_EVERY;
use super::world::{Fetch, Herd};
use crate::catwalk::observe::{Directive, Observation};
use crate::client::process::{Ended, Notice, Scope, send};
use crate::inject::plan::Occurrence;
use crate::model::record::{Change, Part, Request, What};
use crate::model::scenario::Answer;
use crate::model::units::{ClientId, RequestId};
use crate::record::recorder::EventRef;
use crate::record::watch::FileNotice;

/// How long the ends of killed processes are waited for when a run is broken off.
const ENDING: Duration = Duration::from_secs(10);

impl Herd<'_> {
    /// Handles observations until no process lives.
    pub async fn pump_until_quiet(&mut self) {
        while !self.interrupted && self.living + self.releasing > 0 {
            self.pump_once(None).await;
        }
        if self.interrupted {
            self.end_all().await;
        }
    }

    /// Handles observations for a time.
    pub async fn pump_for(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while !self.interrupted && Instant::now() < until {
            self.pump_once(Some(until)).await;
        }
    }

    /// Handles one observation, or returns at `until` without one.
    pub(super) async fn pump_once(&mut self, until: Option<Instant>) {
        let wake = until.map_or(self.deadline, |until| until.min(self.deadline));
        // A herd that is still at the barrier only looks as if it were at rest.
        let looking = self.hold.is_active() && self.releasing == 0;
        let mut cancel = self.spec.cancel.clone();
        tokio::select! {
            biased;
            // A sender that is gone can cancel nothing any more.
            Ok(_) = cancel.wait_for(|cancelled| *cancelled) => self.interrupt("stopped by the user"),
            Some(notice) = self.files.recv() => self.on_file(notice).await,
            Some(heard) = Self::next_heard(&mut self.traced) => self.on_heard(heard).await,
            Some(observation) = self.server.recv() => self.on_server(observation).await,
            Some(notice) = self.notices.recv() => self.on_process(notice).await,
            () = tokio::time::sleep(LOOK_EVERY), if looking => self.look_at_herd().await,
            () = sleep_until(wake.into()) => {
                if Instant::now() >= self.deadline {
                    self.interrupt("the scenario ran into the harness's own deadline");
                }
            }
        }
        for errand in std::mem::take(&mut self.to_start) {
            if !self.interrupted {
                self.start_one(errand).await;
            }
        }
    }

    /// Breaks the run off, with the reason in the record.
    pub fn interrupt(&mut self, why: &str) {
        self.interrupt_at(Instant::now(), why);
    }

    /// The same with the time from which on what happened may be the harness's own doing.
    fn interrupt_at(&mut self, at: Instant, why: &str) {
        if !self.interrupted {
            self.interrupted = true;
            self.recorder.add(at, What::Interrupted { why: why.to_owned() });
        }
    }

    /// Kills whatever lives and waits for its end.
    pub async fn end_all(&mut self) {
        let live: Vec<ClientId> = self
            .processes
            .iter_mut()
            .filter_map(|(client, proc)| {
                // A process at the barrier is killed and reaped by being dropped.
                let was_held = proc.held.take().is_some();
                proc.ended |= was_held;
                (!proc.ended).then_some(*client)
            })
            .collect();
        for client in live {
            self.kill_group(client);
        }
        self.kill_idle_sessions();
        let until = Instant::now() + ENDING;
        while self.living + self.sessions.len() > 0 && Instant::now() < until {
            tokio::select! {
                biased;
                Some(heard) = Self::next_heard(&mut self.traced) => self.on_heard(heard).await,
                Some(notice) = self.notices.recv() => self.on_process(notice).await,
                Some(observation) = self.server.recv() => self.on_server(observation).await,
                () = sleep_until(until.into()) => {}
            }
        }
    }

    fn kill_group(&mut self, client: ClientId) {
        if let Some(proc) = self.processes.get_mut(&client) {
            proc.signals.push(libc::SIGKILL);
            // A group that is gone has ended by itself.
            let _ = send(proc.pid, libc::SIGKILL, Scope::Group);
        }
    }

    /// Returns when every change on disk so far is in the record.
    pub async fn settle(&mut self) {
        self.watcher.sync();
        self.drain_heard();
        while let Ok(notice) = self.files.try_recv() {
            self.on_file(notice).await;
        }
    }

    /// Records what is left in the queue, firing nothing.
    pub fn drain_files(&mut self) {
        while let Ok(notice) = self.files.try_recv() {
            self.record_file(&notice);
        }
    }

    async fn on_file(&mut self, notice: FileNotice) {
        let event = self.record_file(&notice);
        let FileNotice::Changed { change, path, role, .. } = notice else { return };
        let occurrence = match change {
            Change::Created => Occurrence::Created(role, &path),
            Change::Written => Occurrence::Written(role, &path),
            Change::Renamed { .. } => Occurrence::Renamed(role, &path),
            Change::Removed => Occurrence::Removed(role, &path),
            Change::Touched => return,
        };
        self.fire(occurrence, Cause { event: Some(event), ..Cause::default() }).await;
    }

    fn record_file(&mut self, notice: &FileNotice) -> EventRef {
        let (at, what) = match notice.clone() {
            FileNotice::Changed { at, change, path, role } => {
                let path = path.to_string_lossy().into_owned();
                (at, What::File { change, path, role })
            }
            FileNotice::Published { at, sighting, modified_ms, mode } => {
                (at, What::Published { sighting, modified_ms, mode })
            }
            FileNotice::Overflow => (Instant::now(), What::WatchLost),
            FileNotice::Blind { at, error } => {
                self.interrupt_at(
                    at,
                    &format!("the cache directory could not be looked at: {error}"),
                );
                let text = "what lay in the cache directory was not seen".to_owned();
                (at, What::Note { text })
            }
        };
        self.recorder.add(at, what)
    }

    async fn on_server(&mut self, observation: Observation) {
        let Observation { at, mut what, reply } = observation;
        self.look_at_server(at);
        if let What::Request(Request { client: Some(client), .. })
        | What::Faulted { client: Some(client), .. } = &mut what
        {
            *client = self.sessions.reading(*client);
        }
        let event = self.recorder.add(at, what.clone());
        let (occurrence, fetch) = match &what {
            What::Request(request) => match self.note_request(request) {
                Some(fetch) => (Occurrence::Request(fetch.number), fetch),
                None => return,
            },
            What::HeadSent { request, .. } => match self.fetches.get(request) {
                Some(fetch) => (Occurrence::HeadSent(fetch.number), *fetch),
                None => return,
            },
            What::HalfSent { request, .. } => match self.fetches.get(request) {
                Some(fetch) => (Occurrence::HalfSent(fetch.number), *fetch),
                None => return,
            },
            What::ResponseDone { request, .. } => match self.end_fetch(*request) {
                Some(fetch) => (Occurrence::ResponseDone(fetch.number), fetch),
                None => return,
            },
            What::ResponseAborted { request, .. } => {
                self.end_fetch(*request);
                return;
            }
            _ => return,
        };
        let cause = Cause {
            event: Some(event),
            client: fetch.client,
            response: reply.is_some(),
            ..Cause::default()
        };
        let directive = self.fire(occurrence, cause).await.directive;
        let Some(reply) = reply else { return };
        if let What::Request(request) = &what
            && self.is_held(directive)
        {
            self.hold.add(request.request, request.client, reply, directive);
            return;
        }
        // A client that has left meanwhile needs no answer.
        let _ = reply.send(directive);
    }

    /// Whether the response to a request that has just arrived is held until the herd waits. One that
    /// is broken anyway need not be held.
    fn is_held(&self, directive: Directive) -> bool {
        self.spec.scenario.catwalk.answer == Answer::WhenHerdWaits
            && !matches!(directive, Directive::Stall | Directive::Reset)
            && self.living + self.to_start.len() > 1
    }

    fn note_request(&mut self, request: &Request) -> Option<Fetch> {
        let number = request.fetch?;
        if let Some(proc) = request.client.and_then(|client| self.processes.get_mut(&client)) {
            proc.has_asked = true;
        }
        let fetch = Fetch { number, client: request.client, ended: false };
        self.fetches.insert(request.request, fetch);
        Some(fetch)
    }

    fn end_fetch(&mut self, request: RequestId) -> Option<Fetch> {
        let fetch = self.fetches.get_mut(&request)?;
        fetch.ended = true;
        Some(*fetch)
    }

    /// Breaks the run off where the server itself has failed, for want of descriptors say. It is stamped
    /// before what was seen at `at`: that may be the harness's own doing.
    fn look_at_server(&mut self, at: Instant) {
        if let Some(failure) = self.catwalk.failure() {
            let limit = limit_of_files();
            self.interrupt_at(at, &format!("Catwalk itself failed: {failure}; {limit}"));
        }
    }

    /// The same where a process that never came to ask may have been kept from it by the machine.
    fn look_at_way(&mut self, client: ClientId, at: Instant) {
        let asked = self.processes.get(&client).is_some_and(|proc| proc.has_asked);
        if !asked && let Err(shortage) = self.catwalk.check_reach() {
            self.interrupt_at(at, &format!("clients cannot connect to Catwalk: {shortage}"));
        }
    }

    pub async fn on_process(&mut self, notice: Notice) {
        match notice {
            Notice::Released { client, at } => self.on_released(client, at).await,
            Notice::Overdue { client, at, delayed } => {
                let client = self.sessions.reading(client);
                let mut reads = false;
                if let Some(proc) = self.processes.get_mut(&client) {
                    proc.signals.push(libc::SIGKILL);
                    reads = !proc.ended;
                }
                if !reads {
                    // A session that was told to end; its end says the rest.
                    return;
                }
                let deadline = self.spec.scenario.clients.deadline;
                let delayed_us = delayed.map(micros);
                self.recorder.add(at, What::Overdue { client, deadline, delayed_us });
            }
            Notice::Answered(answer) => {
                let ended = self.answered(*answer);
                self.on_ended(ended).await;
            }
            Notice::Garbled { client, at, problem } => {
                self.interrupt_at(at, &format!("the session of {client} said {problem}"));
            }
            Notice::Ended(ended) => {
                let at = ended.at;
                let (ended, session) = self.ended(*ended);
                if let Some(ended) = ended {
                    self.on_ended(ended).await;
                }
                if let Some(what) = session {
                    self.recorder.add(at, what);
                }
            }
            Notice::Lost { client, at, error } => {
                let client = self.sessions.lost(client);
                self.note_end(client);
                self.interrupt_at(at, &format!("how {client} ended could not be learned: {error}"));
            }
        }
    }

    /// A process that lived has ended. Returns why it ran.
    fn note_end(&mut self, client: ClientId) -> Option<Part> {
        let proc = self.processes.get_mut(&client)?;
        proc.ended = true;
        self.living = self.living.saturating_sub(1);
        Some(proc.part())
    }

    async fn on_ended(&mut self, mut ended: Ended) {
        let (client, at) = (ended.client, ended.at);
        let pids = std::mem::take(&mut ended.left_behind);
        self.look_at_server(at);
        self.look_at_way(client, at);
        let exited = self.describe(ended);
        let event = self.recorder.add(at, What::Exited(exited));
        if !pids.is_empty() {
            self.recorder.add(Instant::now(), What::LeftBehind { client, pids });
        }
        if !matches!(self.note_end(client), Some(Part::Wave(_))) {
            return;
        }
        self.exited += 1;
        let cause = Cause { event: Some(event), client: Some(client), ..Cause::default() };
        self.fire(Occurrence::Exited(self.exited), cause).await;
        self.note_killed(client);
    }

    /// A process of the current wave that an injection has killed is to be started again, as often as the
    /// scenario asks for.
    fn note_killed(&mut self, client: ClientId) {
        let Some(proc) = self.processes.get(&client).filter(|proc| proc.was_killed) else { return };
        if self.interrupted || self.restarted >= self.spec.scenario.clients.restarts {
            return;
        }
        // One that was asked again is started anew, and is one of those that it was one of.
        let errand = Errand { session: None, ..proc.errand.clone() };
        self.restarted += 1;
        let text = format!("{client} was killed, and is started again");
        self.recorder.add(Instant::now(), What::Note { text });
        self.to_start.push(errand);
    }
}

/// What most often keeps the harness from doing its own part, for a reader to judge.
fn limit_of_files() -> String {
    use rustix::process::{Resource, getrlimit};
    match getrlimit(Resource::Nofile).current {
        Some(limit) => format!("it may have {limit} files open, which `ulimit -n` raises"),
        None => "its open files are not limited".to_owned(),
    }
}
