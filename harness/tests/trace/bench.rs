//! Programs under the tracer, in a directory of their own.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use cachestorm::client::prepare::Invocation;
use cachestorm::client::process::{Confinement, Held, Scope, send};
use cachestorm::model::call::Call;
use cachestorm::model::client::{Files, LockKind, PublishedForm};
use cachestorm::model::units::ClientId;
use cachestorm::record::roles::Roles;
use cachestorm::trace::Tracer;
use cachestorm::trace::terms::{Attention, Gate, Heard, Reach, Settings, Territory};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// How long a test waits for what must come, before it fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(120);

/// A command, the same for every way to run it.
pub struct Line {
    pub program: PathBuf,
    pub args: Vec<String>,
    pub env: Vec<(&'static str, String)>,
    pub confinement: Confinement,
}

impl Line {
    /// A program that is found along `PATH`.
    pub fn new<const N: usize>(program: &str, args: [&str; N]) -> Self {
        Self {
            program: find(program).unwrap_or_else(|| program.into()),
            args: args.map(str::to_owned).into(),
            env: Vec::new(),
            confinement: Confinement::default(),
        }
    }

    pub fn sh(script: &str) -> Self {
        Self::new("sh", ["-c", script])
    }

    /// Python itself: what is on the `PATH` may be a script that looks for it.
    pub fn python(script: &str) -> Self {
        static PYTHON: LazyLock<PathBuf> = LazyLock::new(|| {
            let ask = ["-c", "import sys; print(sys.executable)"];
            let output = Command::new("python3").args(ask).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().into()
        });
        Self { program: PYTHON.clone(), ..Self::new("python3", ["-c", script]) }
    }

    /// The whole environment of the command in a directory, which is its home too.
    pub fn environment(&self, dir: &Path) -> BTreeMap<OsString, OsString> {
        let mut env = BTreeMap::from([
            ("PATH".into(), std::env::var_os("PATH").unwrap_or_default()),
            ("LC_ALL".into(), "C".into()),
            ("HOME".into(), dir.into()),
        ]);
        env.extend(self.env.iter().map(|(name, value)| (name.into(), value.into())));
        env
    }
}

/// A program along `PATH`.
pub fn find(program: &str) -> Option<PathBuf> {
    let dirs = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&dirs).map(|dir| dir.join(program)).find(|path| path.is_file())
}

/// An empty directory, by its true path.
pub fn directory() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    (dir, root)
}

/// A tracer of whatever is started in a directory.
pub struct Bench {
    root: PathBuf,
    pub tracer: Tracer,
    heard: UnboundedReceiver<Heard>,
    pub calls: Vec<Call>,
    pub gated: Vec<Call>,
    running: Vec<Held>,
}

impl Bench {
    pub fn new(root: &Path, gates: Vec<Gate>) -> Self {
        let files = Files {
            published: "list.json".into(),
            form: PublishedForm::Catalogue,
            locks: vec!["*.lock".into()],
            lock_kind: LockKind::Advisory,
            temporaries: vec!["*.tmp".into()],
            sidecars: Vec::new(),
            embedded: None,
        };
        let roles = Roles::new(&files).unwrap();
        let territory = Territory { roots: vec![root.to_owned()], roles };
        let reach = Reach::Territory;
        let settings = Settings { territory, reach, gates, look: Box::new(|| {}) };
        let (tell, heard) = unbounded_channel();
        let tracer = Tracer::start(settings, tell).unwrap();
        let (calls, gated, running) = Default::default();
        Self { root: root.to_owned(), tracer, heard, calls, gated, running }
    }

    /// Starts a command and lets it go.
    pub fn start(&mut self, client: u32, line: &Line) -> u32 {
        let invocation = Invocation {
            program: line.program.clone(),
            args: line.args.iter().map(OsString::from).collect(),
            env: line.environment(&self.root),
            dir: self.root.clone(),
            confinement: line.confinement.clone(),
            asked: false,
        };
        let held = self.tracer.launch(ClientId(client), invocation, Attention::All).unwrap();
        let pid = held.pid();
        send(pid, libc::SIGCONT, Scope::Process).unwrap();
        self.running.push(held);
        pid
    }

    /// Listens until something is so.
    pub fn until(&mut self, what: &str, mut so: impl FnMut(&Self) -> bool) {
        let since = Instant::now();
        loop {
            let is_so = so(self);
            // What was told before it became so is in the channel by now.
            while let Ok(heard) = self.heard.try_recv() {
                match heard {
                    Heard::Call { call, .. } => self.calls.push(call),
                    Heard::Gate { call, .. } => self.gated.push(call),
                    Heard::LockWaited { .. }
                    | Heard::Lost { .. }
                    | Heard::Blind { .. }
                    | Heard::Note { .. } => {}
                }
            }
            if is_so {
                return;
            }
            assert!(since.elapsed() < PATIENCE, "{what} never happened; heard: {:#?}", self.calls);
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Listens until every process has ended that was started.
    pub fn finish(&mut self) {
        self.until("the end of all", |bench| !bench.lives());
        self.running.clear();
    }

    /// Whether any of them has not ended.
    pub fn lives(&self) -> bool {
        self.running.iter().any(|held| exists(held.pid()))
    }

    /// Runs a command to its end, and returns its calls as they are printed.
    pub fn run(&mut self, line: &Line) -> Vec<String> {
        self.start(1, line);
        self.finish();
        self.calls.iter().map(ToString::to_string).collect()
    }
}

/// Whether there is such a process, dead or alive.
pub fn exists(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}
