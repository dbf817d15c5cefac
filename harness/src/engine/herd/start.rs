//! Processes are started and let go.

use std::io;
use std::path::Path;
use std::time::Instant;

use super::errand::Errand;
use super::world::{Herd, Proc};
use crate::client::prepare::{self, Invocation};
use crate::client::process::{Confinement, Held, NOBODY, Notice, explain, release};
use crate::client::volume::Volume;
use crate::inject::plan::Occurrence;
use crate::model::record::{Part, What};
use crate::model::scenario::Conditions;
use crate::model::units::{ClientId, Serial};
use crate::trace::terms::Attention;

impl Herd<'_> {
    /// Starts a process for each errand and holds them at the barrier. Returns those that exist; a
    /// refusal is recorded.
    pub fn spawn(&mut self, errands: Vec<Errand>) -> Vec<ClientId> {
        let named: Vec<(ClientId, Errand)> = self.next_clients().zip(errands).collect();
        if named.iter().any(|(_, errand)| errand.session.is_some()) {
            let readings = named.into_iter();
            return readings.filter_map(|(client, it)| self.note_reading(client, it)).collect();
        }
        let publish: Vec<_> = named.iter().map(|(_, errand)| self.hand_out(errand)).collect();
        let invocations: Result<Vec<_>, _> =
            named.iter().map(|(client, errand)| self.invocation(*client, errand)).collect();
        let held = match invocations {
            Ok(invocations) if self.traced.is_some() => {
                let started = named.iter().zip(invocations);
                started
                    .map(|((client, errand), it)| self.launch_traced(*client, errand.part, it))
                    .collect()
            }
            Ok(invocations) => self.launcher.launch(invocations),
            // What one command line lacks, all of them lack.
            Err(error) => vec![error; named.len()].into_iter().map(Err).collect(),
        };
        let started = named.into_iter().zip(held).zip(publish);
        started
            .filter_map(|(((client, errand), held), publish)| {
                let held = publish.and_then(|publish| Ok((held?, publish)));
                self.note_spawned(client, held, errand)
            })
            .collect()
    }

    /// Starts the next process at no barrier, and watches it. A refusal is recorded.
    pub async fn spawn_free(&mut self, errand: Errand) {
        let Some(client) = self.next_clients().next() else { return };
        let held = self.invocation(client, &errand).and_then(|invocation| {
            if self.traced.is_some() {
                return self.launch_traced(client, errand.part, invocation);
            }
            Held::start_free(&invocation).map_err(|error| explain(&error, &invocation.program))
        });
        let held = held.map(|held| (held, None));
        if self.note_spawned(client, held, errand).is_some() {
            self.release(&[client]).await;
        }
    }

    fn launch_traced(
        &self,
        client: ClientId,
        part: Part,
        invocation: Invocation,
    ) -> Result<Held, String> {
        let Some(traced) = &self.traced else { return Err("the run is not traced".to_owned()) };
        let program = invocation.program.clone();
        // In a sweep, what only prepares or probes is nobody's crash point, and there are two of it in every run.
        let apart = self.spec.traced && !matches!(part, Part::Wave(_));
        let attention = if apart { Attention::Changes } else { Attention::All };
        traced
            .tracer
            .launch(client, invocation, attention)
            .map_err(|error| explain(&error, &program))
    }

    fn next_clients(&self) -> impl Iterator<Item = ClientId> + use<> {
        let first = u32::try_from(self.processes.len()).unwrap_or(u32::MAX).saturating_add(1);
        (first..).map(ClientId)
    }

    fn note_spawned(
        &mut self,
        client: ClientId,
        held: Result<(Held, Option<Serial>), String>,
        errand: Errand,
    ) -> Option<ClientId> {
        let (proc, at, what) = match held {
            Ok((held, publishes)) => {
                let (pid, at) = (held.pid(), held.at);
                let part = errand.part;
                let is_session = self.is_session(&errand);
                let (command, session) = match is_session {
                    true => ("get".to_owned(), Some(client)),
                    false => (errand.command.clone(), None),
                };
                if is_session {
                    self.note_session(client);
                }
                let with =
                    errand.with.map(|index| self.spec.scenario.clients.also[index].with.clone());
                let what = What::Spawned { client, pid, part, command, with, publishes, session };
                (Proc::new(pid, errand, Some(held)), at, what)
            }
            Err(error) => {
                (Proc::new(0, errand, None), Instant::now(), What::SpawnFailed { client, error })
            }
        };
        let exists = !proc.ended;
        self.processes.insert(client, proc);
        self.recorder.add(at, what);
        exists.then_some(client)
    }

    fn invocation(&self, client: ClientId, errand: &Errand) -> Result<Invocation, String> {
        let base_url = self.catwalk.base_url(client);
        let marker = format!("{}{client}", self.tag());
        let (description, surroundings) = self.cast(errand);
        let invocation =
            prepare::invocation(description, &errand.command, &surroundings, &base_url, &marker)
                .map_err(|error| error.to_string())?;
        Ok(Invocation { confinement: self.confinement(errand.under), ..invocation })
    }

    /// What a process is confined to that runs under such conditions.
    pub fn confinement(&self, under: Conditions) -> Confinement {
        let is_root = rustix::process::geteuid().is_root();
        Confinement {
            umask: under.umask,
            open_files: under.open_files,
            // Where the harness is no root, everybody is ordinary, and nobody can be made another.
            user: under.user.filter(|_| is_root).map(|_| NOBODY),
            namespace: self.disk.volume.as_ref().map(Volume::namespace),
        }
    }

    /// Watches processes and lets them go, one right after the other. A refusal is recorded.
    pub async fn release(&mut self, clients: &[ClientId]) {
        let mut gates = Vec::with_capacity(clients.len());
        for client in clients {
            if self.ask(*client) {
                continue;
            }
            let held = self.processes.get_mut(client).and_then(|proc| proc.held.take());
            match held.map(Held::ready) {
                Some(Ok(ready)) => {
                    gates.push((*client, ready.gate()));
                    let deadline = self.spec.scenario.clients.deadline.0;
                    let asker = ready.watch(*client, deadline, self.tell.clone());
                    self.living += 1;
                    if let Some(asker) = asker {
                        self.begin_session(*client, asker);
                    }
                }
                Some(Err(error)) => self.give_up(*client, &error),
                None => {}
            }
        }
        self.releasing += gates.len();
        let tell = self.tell.clone();
        release(gates, move |client, at| {
            // An engine that is gone has killed the process by other means.
            let _ = tell.send(Notice::Released { client, at });
        });
        // A small herd has been let go by now, and what that fires comes before anything that it does. Of
        // a large one the engine hears while it answers those who run already.
        while let Ok(notice) = self.notices.try_recv() {
            self.on_process(notice).await;
        }
    }

    /// A process was let go, or has ended at the barrier.
    pub async fn on_released(&mut self, client: ClientId, at: io::Result<Instant>) {
        self.releasing = self.releasing.saturating_sub(1);
        let what = match &at {
            Ok(_) => What::Released { client },
            // Its end is heard of, too, and recorded then.
            Err(error) => What::Note { text: format!("{client} could not be let go: {error}") },
        };
        self.recorder.add(at.unwrap_or_else(|_| Instant::now()), what);
        if matches!(self.processes.get(&client).map(Proc::part), Some(Part::Wave(_))) {
            self.started += 1;
            self.occurs(Occurrence::Started(self.started)).await;
        }
    }

    fn give_up(&mut self, client: ClientId, error: &io::Error) {
        let error = explain(error, Path::new("the process"));
        self.recorder.add(Instant::now(), What::SpawnFailed { client, error });
        self.sessions.lost(client);
        if let Some(proc) = self.processes.get_mut(&client) {
            proc.ended = true;
        }
    }
}
