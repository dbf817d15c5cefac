//! What a run is made of, from its beginning to its record.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::sync::mpsc;

use super::calls::Traced;
use super::errand::Errand;
use super::hand_out::{self, Handed};
use super::hold::Hold;
use super::places;
use super::service::Running;
use super::session::Sessions;
use crate::catwalk::observe::Observation;
use crate::catwalk::{Catwalk, Settings};
use crate::client::needs::{packages, printed};
use crate::client::prepare::{self, Surroundings};
use crate::client::process::{self, Launcher, Notice, barrier_kind};
use crate::client::{guardian, strays};
use crate::engine::{EngineError, Other, RunSpec};
use crate::inject::disk::Disk;
use crate::inject::plan::Plan;
use crate::model::client::{Client, PublishedForm};
use crate::model::record::{Part, RECORD_SCHEMA, Record};
use crate::model::scenario::ResolvedWave;
use crate::model::units::{ClientId, RequestId, Span};
use crate::record::recorder::Recorder;
use crate::record::watch::{FileNotice, Watched, Watcher};

/// The harness's own deadline for a scenario, as a multiple of a client's deadline for each wave: what
/// is longer than that is stuck, and the verdict is `inconclusive`.
const DEADLINES_PER_WAVE: u32 = 2;

/// A process of the run.
#[derive(Debug)]
pub struct Proc {
    /// Its process id, which is its group's too.
    pub pid: u32,
    /// What it was started for.
    pub errand: Errand,
    /// Not let go yet: the process is at the barrier.
    pub held: Option<process::Held>,
    /// It has ended.
    pub ended: bool,
    /// It has asked Catwalk for the catalogue.
    pub has_asked: bool,
    /// Signals that injections, or the deadline, have sent it.
    pub signals: Vec<i32>,
    /// One of them was an injection that kills.
    pub was_killed: bool,
}

impl Proc {
    /// A process at the barrier, or one that could not be started.
    pub fn new(pid: u32, errand: Errand, held: Option<process::Held>) -> Self {
        let ended = held.is_none();
        let signals = Vec::new();
        Self { pid, errand, held, ended, has_asked: false, signals, was_killed: false }
    }

    /// Why it runs.
    pub fn part(&self) -> Part {
        self.errand.part
    }

    /// Whether it belongs to a wave.
    pub fn is_in_wave(&self) -> bool {
        matches!(self.part(), Part::Wave(_))
    }

    /// It was let go and has not ended.
    pub fn lives(&self) -> bool {
        self.held.is_none() && !self.ended
    }
}

/// A fetch, as far as triggers and targets need it.
#[derive(Debug, Clone, Copy)]
pub struct Fetch {
    /// Its number among the fetches.
    pub number: u32,
    /// Its sender.
    pub client: Option<ClientId>,
    /// Its response was sent whole, or ended early.
    pub ended: bool,
}

/// A run under way.
pub struct Herd<'s> {
    pub(super) spec: &'s RunSpec,
    pub(super) recorder: Recorder,
    pub(super) plan: Plan,
    pub(super) disk: Disk,
    pub(super) catwalk: Catwalk,
    pub(super) watcher: Watcher,
    pub(super) server: mpsc::UnboundedReceiver<Observation>,
    pub(super) files: mpsc::UnboundedReceiver<FileNotice>,
    pub(super) notices: mpsc::UnboundedReceiver<Notice>,
    pub(super) tell: mpsc::UnboundedSender<Notice>,
    pub(super) processes: BTreeMap<ClientId, Proc>,
    /// Those that are asked again.
    pub(super) sessions: Sessions,
    /// How many of them live: are let go and have not ended.
    pub(super) living: usize,
    /// How many of these are yet to be let go, by threads that do nothing else.
    pub(super) releasing: usize,
    pub(super) fetches: BTreeMap<RequestId, Fetch>,
    pub(super) hold: Hold,
    /// The client's services that run.
    pub(super) services: BTreeMap<String, Running>,
    /// Processes of the waves that were let go, and that have ended.
    pub(super) started: u32,
    pub(super) exited: u32,
    /// Processes of the current wave that were started again.
    pub(super) restarted: u32,
    /// Processes that are to be started: again, or one more by an injection.
    pub(super) to_start: Vec<Errand>,
    /// The wave that is running, or ran last.
    pub(super) wave: Option<ResolvedWave>,
    /// The catalogue that its processes are told to publish.
    pub(super) handed: Option<Handed>,
    pub(super) deadline: Instant,
    pub(super) interrupted: bool,
    /// The choices that the seed fixes: in which order the processes of a wave are let go.
    pub(super) choices: StdRng,
    ttl: Span,
    /// What this run's processes are known by: `PID-N/`, of this harness process.
    tag: String,
    /// What is seen and done at system calls, where the run is traced.
    pub(super) traced: Option<Traced>,
    /// Last, because what it started dies with it.
    pub(super) launcher: Launcher,
}

impl<'s> Herd<'s> {
    /// Makes the directories, starts the server and the watch. No client runs yet.
    pub async fn new(spec: &'s RunSpec) -> Result<Self, EngineError> {
        static RUNS: AtomicU32 = AtomicU32::new(0);
        guardian::start().map_err(EngineError::system("start the guardian of client processes"))?;
        strays::adopt_orphans();
        process::keep_ends_of_children();

        let began = Instant::now();
        let ttl = spec.client.effective_ttl(spec.scenario.cache.ttl);
        let disk = places::make(spec, ttl)?;
        check_commands(spec, &disk.surroundings)?;
        let (observer, server) = mpsc::unbounded_channel();
        let built_in = hand_out::built_in(&spec.client, &spec.client_dir)?;
        let settings = Settings {
            built_in: built_in.map(Into::into),
            backend: spec.backend,
            listeners: spec.scenario.listeners(),
            seed: spec.seed.wrapping_add(u64::from(spec.repetition)),
            ..Settings::from(&spec.scenario.catwalk)
        };
        let catwalk = Catwalk::start(settings, observer).await?;
        let is_traced = spec.traced || spec.scenario.needs_tracer();
        let (watcher, files) = watch(spec, &disk, &catwalk, is_traced)?;
        let traced = if is_traced { Some(Traced::start(spec, &disk, &watcher)?) } else { None };
        let (tell, notices) = mpsc::unbounded_channel();
        let waves = u32::try_from(spec.scenario.resolved_waves().len()).unwrap_or(u32::MAX);
        let patience = spec
            .scenario
            .clients
            .deadline
            .0
            .saturating_mul(DEADLINES_PER_WAVE.saturating_mul(waves.saturating_add(3)));
        Ok(Self {
            spec,
            recorder: Recorder::new(began),
            plan: Plan::new(&spec.scenario.inject)?,
            disk,
            catwalk,
            watcher,
            server,
            files,
            notices,
            tell,
            processes: BTreeMap::new(),
            sessions: Sessions::default(),
            living: 0,
            releasing: 0,
            fetches: BTreeMap::new(),
            hold: Hold::default(),
            services: BTreeMap::new(),
            started: 0,
            exited: 0,
            restarted: 0,
            to_start: Vec::new(),
            wave: None,
            handed: None,
            // A day stands for "never" where the sum would overflow.
            deadline: began.checked_add(patience).unwrap_or(began + Duration::from_secs(86_400)),
            interrupted: false,
            choices: StdRng::seed_from_u64(spec.seed.wrapping_add(u64::from(spec.repetition))),
            ttl,
            tag: format!("{}-{}/", std::process::id(), RUNS.fetch_add(1, Ordering::Relaxed)),
            traced,
            launcher: Launcher::new(barrier_kind()),
        })
    }

    /// The description of the client that a process runs, and the surroundings that it runs in.
    pub fn cast(&self, errand: &Errand) -> (&Client, Surroundings) {
        let surroundings = self.disk.surroundings.clone();
        match errand.with.and_then(|index| self.spec.others.get(index)) {
            Some(other) => (&other.client, surroundings_of(other, surroundings)),
            None => (&self.spec.client, surroundings),
        }
    }

    /// Whether a process of this run has this process id.
    pub fn owns(&self, pid: u32) -> bool {
        self.processes.values().any(|proc| proc.pid == pid && !proc.ended)
    }

    /// The marker that this run's processes carry begins with this.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The base URL for whoever is no client of a wave, such as a command that ages the cache.
    pub fn own_base_url(&self) -> String {
        self.catwalk.base_url(ClientId(0))
    }

    /// Ends the server and the watch, and makes the record.
    pub async fn finish(mut self) -> Record {
        self.watcher.sync();
        self.drain_files();
        self.drain_heard();
        drop(self.watcher);
        self.catwalk.shutdown().await;
        Record {
            schema: RECORD_SCHEMA.to_owned(),
            name: self.spec.name.clone(),
            scenario: self.spec.scenario.clone(),
            client: self.spec.client.clone(),
            ttl: self.ttl,
            repetition: self.spec.repetition,
            seed: self.spec.seed,
            barrier: self.launcher.barrier(),
            events: self.recorder.finish(),
        }
    }
}

/// Every command of the scenario must lead to a program before any process starts.
fn check_commands(spec: &RunSpec, surroundings: &Surroundings) -> Result<(), EngineError> {
    for command in spec.scenario.commands().iter().map(String::as_str).chain(["get"]) {
        prepare::invocation(&spec.client, command, surroundings, "", "")?;
    }
    let waves = spec.scenario.resolved_waves();
    for other in &spec.others {
        let surroundings = surroundings_of(other, surroundings.clone());
        for wave in &waves {
            prepare::invocation(&other.client, &wave.command, &surroundings, "", "")?;
        }
    }
    Ok(())
}

/// The surroundings of a client beside the one under test.
fn surroundings_of(other: &Other, surroundings: Surroundings) -> Surroundings {
    Surroundings {
        client_dir: other.dir.clone(),
        packages: packages(&other.client.name),
        needs: printed(&other.client, &other.dir),
        ..surroundings
    }
}

fn watch(
    spec: &RunSpec,
    disk: &Disk,
    catwalk: &Catwalk,
    is_traced: bool,
) -> Result<(Watcher, mpsc::UnboundedReceiver<FileNotice>), EngineError> {
    let library = catwalk.library().clone();
    let form = spec.client.files.form.clone();
    let watched = Watched {
        dir: disk.dir.clone(),
        roles: disk.roles.clone(),
        identify: Arc::new(move |bytes| match &form {
            PublishedForm::Catalogue => library.identify(bytes),
            PublishedForm::Inside(pointer) => library.identify_at(bytes, pointer),
        }),
        planted: disk.planted.clone(),
    };
    let (sender, files) = mpsc::unbounded_channel();
    let watcher =
        if is_traced { Watcher::led(watched, sender) } else { Watcher::start(watched, sender) };
    let watcher = watcher.map_err(EngineError::system("watch the cache directory"))?;
    Ok((watcher, files))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::catwalk::Backend;
    use crate::client::describe;
    use crate::scenario;

    #[test]
    fn what_an_earlier_run_of_the_same_name_left_is_gone() {
        let work = tempfile::tempdir().unwrap();
        fs::create_dir(work.path().join("cache")).unwrap();
        fs::write(work.path().join("cache/p"), "an old catalogue").unwrap();
        let description = "name = 'x'\nsummary = 'x'\nfiles = { published = 'p' }\n\
                           command = ['sh', '{catwalk_url}', '{cache_dir}', '{ttl}']";
        let (_cancel, cancelled) = tokio::sync::watch::channel(false);
        let spec = RunSpec {
            name: "x".into(),
            scenario: scenario::parse("x.toml", "summary = 'x'").unwrap(),
            client: describe::parse("client.toml", description).unwrap(),
            client_dir: "/".into(),
            others: Vec::new(),
            cache_client: Vec::new(),
            repetition: 1,
            seed: 0,
            work: work.path().to_path_buf(),
            traced: false,
            backend: Backend::Direct,
            cancel: cancelled,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let herd = Herd::new(&spec).await.unwrap();
            assert_eq!(herd.disk.files().unwrap(), []);
        });
    }
}
