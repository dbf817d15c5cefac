//! The plot of a scenario: setup, waves, healing, probes, residue.

use std::collections::BTreeMap;
use std::time::Instant;

use rand::seq::SliceRandom;

use super::errand::Errand;
use super::world::Herd;
use crate::client::strays;
use crate::inject::plan::Occurrence;
use crate::model::record::{Part, What};
use crate::model::scenario::{Action, Initial, ResolvedWave, Start};
use crate::model::units::ClientId;

impl Herd<'_> {
    /// Plays the whole scenario. Every process has ended when it returns.
    pub async fn play(&mut self) {
        self.services_up().await;
        self.bring_into_initial_state().await;
        if let Some(fault) = self.spec.scenario.catwalk.fault {
            self.step(&Action::Fault(fault)).await;
        }
        self.occurs(Occurrence::Begin).await;
        for wave in self.spec.scenario.resolved_waves() {
            if self.interrupted {
                break;
            }
            for action in &wave.before {
                self.step(action).await;
            }
            if self.interrupted {
                break;
            }
            self.play_wave(&wave).await;
        }
        if !self.interrupted {
            self.heal().await;
            self.run_apart(Part::ProbeNow).await;
            self.step(&Action::Age).await;
            self.run_apart(Part::ProbeNextWindow).await;
        }
        self.end_all().await;
        self.end_services().await;
        if self.interrupted {
            // Nothing was healed, and a folder that nobody may write to cannot be removed either.
            let _ = self.disk.heal();
        }
        self.look_for_strays();
        self.settle().await;
        self.record_residue();
    }

    async fn bring_into_initial_state(&mut self) {
        let initial = self.spec.scenario.cache.initial;
        if initial == Initial::Empty || self.interrupted {
            return;
        }
        self.run_apart(Part::Setup).await;
        if initial == Initial::Expired {
            self.step(&Action::Age).await;
        }
    }

    async fn play_wave(&mut self, wave: &ResolvedWave) {
        self.plan.wave_starts();
        if let Some(traced) = &mut self.traced {
            traced.wave_starts();
        }
        self.hold.wave_starts();
        self.restarted = 0;
        self.wave = Some(wave.clone());
        let errands = match wave.again {
            Some(first) => self.errands_again(first, wave.number),
            None => Errand::of_wave(&self.spec.scenario, wave),
        };
        match wave.start {
            Start::Together => {
                let clients = self.spawn(errands);
                self.wave_started(wave.number, clients.clone());
                let mut order = clients;
                order.shuffle(&mut self.choices);
                self.release(&order).await;
            }
            Start::OneByOne => {
                self.wave_started(wave.number, Vec::new());
                for errand in errands {
                    self.run_one(errand).await;
                }
            }
            Start::Stagger(gap) => {
                self.wave_started(wave.number, Vec::new());
                for (index, errand) in errands.into_iter().enumerate() {
                    if index > 0 {
                        self.pump_for(gap.0).await;
                    }
                    if self.interrupted {
                        break;
                    }
                    self.start_one(errand).await;
                }
            }
        }
        self.pump_until_quiet().await;
        self.end_sessions(wave.number).await;
        self.settle().await;
        let at = Instant::now();
        self.recorder.add(at, What::WaveEnded { wave: wave.number });
        self.occurs(Occurrence::AllExited(wave.number)).await;
    }

    fn wave_started(&mut self, wave: u32, clients: Vec<ClientId>) {
        self.recorder.add(Instant::now(), What::WaveStarted { wave, clients });
    }

    /// Runs one process of a wave to its end.
    async fn run_one(&mut self, errand: Errand) {
        if self.interrupted {
            return;
        }
        self.start_one(errand).await;
        self.pump_until_quiet().await;
        self.settle().await;
    }

    /// Starts one process of a wave and lets it go at once.
    pub async fn start_one(&mut self, errand: Errand) {
        let client = self.spawn(vec![errand]);
        self.release(&client).await;
    }

    /// Runs one process that belongs to no wave, and so needs no barrier, to its end.
    async fn run_apart(&mut self, part: Part) {
        if self.interrupted {
            return;
        }
        self.spawn_free(Errand::apart(&self.spec.scenario, part)).await;
        self.pump_until_quiet().await;
        self.settle().await;
    }

    /// Ends the faults: what they took away is given back.
    async fn heal(&mut self) {
        self.plan.end();
        self.release_all();
        if let Err(error) = self.catwalk.mend().and_then(|()| self.catwalk.up()) {
            self.interrupt(&format!("Catwalk could not be brought up again: {error}"));
            return;
        }
        if let Err(error) = self.disk.heal() {
            self.interrupt(&format!("the disk could not be healed: {error}"));
            return;
        }
        self.services_up().await;
        self.settle().await;
        self.recorder.add(Instant::now(), What::Healed);
    }

    /// Whatever its client's group was, a process of this run that is left is found and ended. The
    /// children of one that is killed become ours in turn, so the search is repeated.
    fn look_for_strays(&mut self) {
        let tag = self.tag().to_owned();
        let mut by_client: BTreeMap<ClientId, Vec<u32>> = BTreeMap::new();
        for _ in 0..strays::SEARCHES {
            let strays = strays::find(&tag, &|pid| self.owns(pid));
            if strays.is_empty() {
                break;
            }
            for stray in &strays {
                strays::kill(stray);
                let number = stray.marker[tag.len()..].trim_start_matches('c').parse().unwrap_or(0);
                by_client.entry(ClientId(number)).or_default().push(stray.pid);
            }
        }
        for (client, pids) in by_client {
            self.recorder.add(Instant::now(), What::LeftBehind { client, pids });
        }
    }

    fn record_residue(&mut self) {
        let files = match self.disk.files() {
            Ok(files) => files,
            Err(error) => {
                self.interrupt(&format!("the cache directory could not be looked at: {error}"));
                return;
            }
        };
        let mut counts = BTreeMap::new();
        for (_, role) in &files {
            *counts.entry(*role).or_insert(0) += 1;
        }
        let files = files
            .into_iter()
            .map(|(path, role)| (path.to_string_lossy().into_owned(), role))
            .collect();
        self.recorder.add(Instant::now(), What::Residue { files, counts });
    }
}
