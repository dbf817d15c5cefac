//! The tracer on real programs.

mod control;
mod cuts;
mod endings;
mod links;
mod numbers;
mod programs;
mod turns;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::Tracer;
use super::terms::{Attention, Decision, Gate, Heard, Reach, Settings, Territory};
use crate::client::prepare::Invocation;
use crate::client::process::{Confinement, Held, Scope, send};
use crate::model::call::{Call, CallName};
use crate::model::client::{Files, LockKind, PublishedForm};
use crate::model::scenario::Phase;
use crate::model::units::ClientId;
use crate::record::roles::{Pattern, Roles};
use crate::suite::skip;

/// How long a test waits for what must come, before it fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// A directory with a tracer of whatever is started in it.
struct Bench {
    dir: TempDir,
    root: PathBuf,
    tracer: Tracer,
    heard: UnboundedReceiver<Heard>,
    /// What could not be seen.
    blind: Vec<String>,
    /// What else was told, as sentences.
    notes: Vec<String>,
}

/// A process that was started.
struct Running {
    pid: u32,
    held: Option<Held>,
}

impl Bench {
    fn new(gates: Vec<Gate>) -> Self {
        Self::with(gates, Reach::Territory, Box::new(|| {}))
    }

    fn with(gates: Vec<Gate>, reach: Reach, look: Box<dyn FnMut() + Send>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let files = Files {
            published: "list.json".into(),
            form: PublishedForm::Catalogue,
            locks: vec!["*.lock".into()],
            lock_kind: LockKind::Advisory,
            temporaries: vec!["*.tmp".into()],
            sidecars: Vec::new(),
            embedded: None,
        };
        let territory = Territory { roots: vec![root.clone()], roles: Roles::new(&files).unwrap() };
        let (tell, heard) = unbounded_channel();
        let tracer = Tracer::start(Settings { territory, reach, gates, look }, tell).unwrap();
        Self { dir, root, tracer, heard, blind: Vec::new(), notes: Vec::new() }
    }

    /// One with what each look finds under the published name; nothing where there is no such file.
    fn looking() -> (Self, Arc<Mutex<Vec<String>>>) {
        let place = Arc::new(Mutex::new(PathBuf::new()));
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let (path, all) = (Arc::clone(&place), Arc::clone(&seen));
        let look = move || {
            let found = std::fs::read_to_string(path.lock().unwrap().join("list.json"));
            all.lock().unwrap().push(found.unwrap_or_default());
        };
        let bench = Self::with(Vec::new(), Reach::Territory, Box::new(look));
        place.lock().unwrap().clone_from(&bench.root);
        (bench, seen)
    }

    /// Starts a program in the directory, which waits to be let go.
    fn start(&self, client: u32, program: &Path, args: &[&str]) -> Running {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let invocation = Invocation {
            program: program.to_owned(),
            args: args.iter().map(OsString::from).collect(),
            env: BTreeMap::from([("PATH".into(), path), ("LC_ALL".into(), "C".into())]),
            dir: self.root.clone(),
            confinement: Confinement::default(),
            asked: false,
        };
        let held = self.tracer.launch(ClientId(client), invocation, Attention::All).unwrap();
        Running { pid: held.pid(), held: Some(held) }
    }

    fn start_shell(&self, client: u32, script: &str) -> Running {
        self.start(client, Path::new("/bin/sh"), &["-c", script])
    }

    /// Lets processes go and returns what is heard until all have ended; `at_gate` answers for gates.
    fn run(
        &mut self,
        running: Vec<Running>,
        at_gate: impl FnMut(&Call, Phase) -> Decision,
    ) -> Vec<Call> {
        running.iter().for_each(Running::let_go);
        self.hear_out(running, at_gate)
    }

    /// The same for processes that were let go.
    fn hear_out(
        &mut self,
        mut running: Vec<Running>,
        mut at_gate: impl FnMut(&Call, Phase) -> Decision,
    ) -> Vec<Call> {
        let until = Instant::now() + PATIENCE;
        let mut calls = Vec::new();
        loop {
            running.retain(Running::lives);
            if running.is_empty() {
                self.tracer.settle();
            }
            while let Ok(heard) = self.heard.try_recv() {
                match heard {
                    Heard::Call { call, .. } => calls.push(call),
                    Heard::Gate { call, phase, .. } => {
                        let decision = at_gate(&call, phase);
                        self.tracer.answer(call.tid, decision);
                    }
                    Heard::Blind { text, .. } => self.blind.push(text),
                    Heard::Note { text, .. } => self.notes.push(text),
                    Heard::LockWaited { .. } | Heard::Lost { .. } => {}
                }
            }
            if running.is_empty() {
                return calls;
            }
            assert!(Instant::now() < until, "still running; heard so far: {calls:#?}");
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    fn run_alone(&mut self, running: Running) -> Vec<Call> {
        self.run(vec![running], |_, _| Decision::Proceed)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

impl Running {
    fn let_go(&self) {
        send(self.pid, libc::SIGCONT, Scope::Process).unwrap();
    }

    /// Whether it or another of its group is still there.
    fn lives(&self) -> bool {
        send(self.pid, 0, Scope::Group).is_ok()
    }

    /// How it ended: its exit code, or the signal.
    fn end(mut self) -> Result<i32, i32> {
        self.held.take().unwrap().end().unwrap().status
    }
}

fn gate(name: CallName, path: &str, phase: Phase) -> Gate {
    Gate { name, path: Some(Pattern::new(path).unwrap()), phase }
}

/// The calls as they are printed, without those that leave no trace.
fn printed(calls: &[Call]) -> Vec<String> {
    let steps = calls.iter().filter(|call| call.is_step() || call.name == CallName::Exit);
    steps.map(ToString::to_string).collect()
}
