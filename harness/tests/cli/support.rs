//! A folder to run the program in, with a scenario and a client whose program is a shell script.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::assert::{Assert, OutputAssertExt};
use cachestorm::model::record::{Record, What};
use cachestorm::model::run::Run;
use cachestorm::record::store::{read_record, read_run};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// The bound of every wait: only a fault reaches it.
const PATIENCE: Duration = Duration::from_secs(120);

/// The variables by which a CI system could tell the program under test which shard it is.
const SHARDS: [&str; 7] = [
    "CACHESTORM_SHARD",
    "CI_NODE_INDEX",
    "JOB_COMPLETION_INDEX",
    "SLURM_ARRAY_TASK_ID",
    "CIRCLE_NODE_INDEX",
    "BUILDKITE_PARALLEL_JOB",
    "BITBUCKET_PARALLEL_STEP",
];

/// Begins a script: the first process of a run goes on, and every later one becomes the reference client.
pub const FIRST_ONLY: &str =
    "[ -e \"$HOME/been\" ] && exec \"$CACHESTORM\" client reference\n: > \"$HOME/been\"\n";

/// Becomes the reference client.
pub const BEHAVE: &str = "exec \"$CACHESTORM\" client reference\n";

/// Waits until something is so.
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !so() {
        assert!(since.elapsed() < PATIENCE, "it never happened: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A folder of its own to run the program in.
pub struct Place {
    dir: TempDir,
}

impl Place {
    /// An empty folder, and beside it one for temporaries.
    pub fn empty() -> Self {
        let place = Self { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(place.path("here")).unwrap();
        fs::create_dir(place.path("tmp")).unwrap();
        place
    }

    /// A folder with `one.toml`, which is `scenario` with a summary before it, and `client.toml`, whose
    /// program is the shell script `script`.
    pub fn new(scenario: &str, script: &str) -> Self {
        let place = Self::empty();
        place.write("one.toml", &format!("summary = \"A scenario of the tests.\"\n{scenario}"));
        place.write("client.toml", &description("[\"sh\", \"{client_dir}/client.sh\"]"));
        place.write("client.sh", script);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The path of a file in the working folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path("here").join(name)
    }

    /// Writes a file in the working folder.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.file(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The text of a file in the working folder.
    pub fn read(&self, name: &str) -> String {
        let path = self.file(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The program with some arguments, to be started in the working folder.
    pub fn command(&self, args: &[&str]) -> Command {
        self.around(Command::new(env!("CARGO_BIN_EXE_cachestorm")), args)
    }

    /// The program with some arguments, started by a shell after it has done `setup`.
    pub fn command_after(&self, setup: &str, args: &[&str]) -> Command {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{setup}; exec \"$0\" \"$@\"")]);
        shell.arg(env!("CARGO_BIN_EXE_cachestorm"));
        self.around(shell, args)
    }

    /// The program with some arguments, run by a user who owns no more than this place: by whoever runs the
    /// tests, where that is not root.
    pub fn command_of_nobody(&self, args: &[&str]) -> Command {
        use std::os::unix::fs::{PermissionsExt as _, chown};
        use std::os::unix::process::CommandExt as _;
        const NOBODY: u32 = 65_534;
        if !rustix::process::geteuid().is_root() {
            return self.command(args);
        }
        // Where the program was built, nobody else may look.
        let program = self.path("cachestorm");
        fs::copy(env!("CARGO_BIN_EXE_cachestorm"), &program).unwrap();
        for path in [self.dir.path().to_owned(), self.path("here"), self.path("tmp"), program] {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let mut command = self.around(Command::new(self.path("cachestorm")), args);
        command.uid(NOBODY).gid(NOBODY).env("HOME", self.path("tmp"));
        command
    }

    fn around(&self, mut command: Command, args: &[&str]) -> Command {
        command.args(args).current_dir(self.path("here")).env("TMPDIR", self.path("tmp"));
        // Wide, so that few sentences are wrapped; and as on nobody's CI.
        command.env("COLUMNS", "200");
        for name in [
            "GITHUB_ACTIONS",
            "GITHUB_WORKSPACE",
            "GITHUB_STEP_SUMMARY",
            "CLICOLOR_FORCE",
            "NO_COLOR",
        ]
        .iter()
        .chain(&SHARDS)
        {
            command.env_remove(name);
        }
        command.stdin(Stdio::null());
        command
    }

    /// Starts a command.
    pub fn start(&self, mut command: Command) -> Running<'_> {
        let [stdout, stderr] = ["stdout", "stderr"].map(|name| self.path(name));
        command.stdout(File::create(&stdout).unwrap()).stderr(File::create(&stderr).unwrap());
        let child = command.spawn().unwrap();
        Running { place: self, child, peak_kib: 0, stdout, stderr }
    }

    /// Runs the program to its end.
    pub fn cachestorm(&self, args: &[&str]) -> Ended {
        self.start(self.command(args)).end()
    }

    /// Runs `one.toml` against `client.toml`.
    pub fn run(&self) -> Ended {
        self.cachestorm(RUN)
    }

    /// The folder of the latest run.
    pub fn latest(&self) -> PathBuf {
        self.file("target/cachestorm/latest")
    }

    /// What the latest run came to.
    pub fn summary(&self) -> Run {
        read_run(&self.latest()).unwrap()
    }

    /// The record of the scenario `one` in the latest run.
    pub fn record(&self) -> Record {
        read_record(&self.latest().join("records/one.1.json")).unwrap()
    }

    /// The events of that record.
    pub fn events(&self) -> Vec<What> {
        self.record().events.into_iter().map(|event| event.what).collect()
    }

    /// Whether a client of a run under way has made the file `name` in its home.
    pub fn client_made(&self, name: &str) -> bool {
        let work = self.latest().join("work");
        let mut folders = vec![work];
        while let Some(folder) = folders.pop() {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            for path in entries.map(|entry| entry.path()) {
                if path.ends_with(Path::new("home").join(name)) {
                    return true;
                }
                if path.is_dir() {
                    folders.push(path);
                }
            }
        }
        false
    }
}

/// The arguments that run `one.toml` against `client.toml`.
pub const RUN: &[&str] = &["run", "one.toml", "--client", "client.toml"];

/// A client description whose command is `command`, a TOML array.
pub fn description(command: &str) -> String {
    format!(
        r#"name = "toy"
summary = "A client of the tests."
command = {command}
stdout = "catalogue"

[env]
CATWALK_URL = "{{catwalk_url}}"
XDG_DATA_HOME = "{{cache_dir}}"
CRUSH_CACHE_TTL = "{{ttl}}"
CACHESTORM = '{}'

[files]
published = "crush/providers.json"
locks = ["crush/providers.json.lock"]
lock-kind = "advisory"
temporaries = ["crush/.providers.json.*.tmp"]
sidecars = ["crush/providers.json.etag"]
"#,
        env!("CARGO_BIN_EXE_cachestorm")
    )
}

/// The program under way. Dropping it kills it.
pub struct Running<'p> {
    place: &'p Place,
    child: Child,
    peak_kib: u64,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Running<'_> {
    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// What it has printed so far.
    pub fn stdout(&self) -> String {
        fs::read_to_string(&self.stdout).unwrap()
    }

    /// What it has said beside so far.
    pub fn stderr(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap()
    }

    /// The living processes that it started as clients, and theirs.
    pub fn clients(&self) -> Vec<String> {
        marked(self.child.id())
    }

    /// Waits until none of them is left.
    pub fn until_no_client_is_left(&self) {
        until("every client is dead", || self.clients().is_empty());
    }

    /// Waits for its end, which must leave neither processes nor temporaries behind.
    pub fn end(self) -> Ended {
        let ended = self.end_anyhow();
        ended.assert_left_nothing();
        ended
    }

    /// Waits for its end.
    pub fn end_anyhow(mut self) -> Ended {
        let since = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(since.elapsed() < PATIENCE, "it does not end: {}", self.stderr());
            self.peak_kib = self.peak_kib.max(peak_kib(self.child.id()));
            std::thread::sleep(Duration::from_millis(5));
        };
        Ended {
            status,
            pid: self.child.id(),
            stdout: self.stdout(),
            stderr: self.stderr(),
            peak_kib: self.peak_kib,
            tmp: self.place.path("tmp"),
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // Both fail only where it has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program after its end.
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
    /// The largest resident set that was seen, in KiB.
    pub peak_kib: u64,
    pid: u32,
    tmp: PathBuf,
}

impl Ended {
    /// Checks the exit code, and that each of `parts` was said somewhere, whatever the line breaks.
    pub fn check(&self, code: i32, parts: &[&str]) -> &Self {
        let said = self.said();
        assert_eq!(self.status.code(), Some(code), "{said}");
        for part in parts {
            assert!(said.contains(part), "\"{part}\" was not said: {said}");
        }
        self
    }

    /// Everything that was said, with every run of white space as one space.
    pub fn said(&self) -> String {
        let said = format!("{}\n{}", self.stdout, self.stderr);
        said.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The same for the predicates of `assert_cmd`.
    pub fn assert(&self) -> Assert {
        let output = Output {
            status: self.status,
            stdout: self.stdout.clone().into_bytes(),
            stderr: self.stderr.clone().into_bytes(),
        };
        output.assert()
    }

    fn assert_left_nothing(&self) {
        assert_eq!(marked(self.pid), [] as [String; 0], "processes were left: {}", self.said());
        let left: Vec<_> =
            fs::read_dir(&self.tmp).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(left.is_empty(), "temporaries were left: {left:?}");
    }
}

/// The living processes whose marker says that the harness `harness` started them, with their commands.
#[cfg(target_os = "linux")]
pub fn marked(harness: u32) -> Vec<String> {
    processes(harness).into_iter().map(|(_, command)| command).collect()
}

/// The same with their folders in `/proc`.
#[cfg(target_os = "linux")]
pub fn processes(harness: u32) -> Vec<(PathBuf, String)> {
    let marker = format!("CACHESTORM_CLIENT={harness}-");
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| {
            // A process that ends meanwhile, or is somebody else's, is none of ours.
            let environ = fs::read(entry.path().join("environ")).ok()?;
            let is_ours =
                environ.split(|byte| *byte == 0).any(|it| it.starts_with(marker.as_bytes()));
            let command = fs::read(entry.path().join("cmdline")).ok()?;
            let command = String::from_utf8_lossy(&command).replace('\0', " ");
            is_ours.then(|| (entry.path(), command))
        })
        .collect()
}

/// Elsewhere the processes cannot be told apart, and the tests that need it do not exist.
#[cfg(not(target_os = "linux"))]
pub fn marked(_: u32) -> Vec<String> {
    Vec::new()
}

/// The largest resident set so far, where the system tells.
fn peak_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}
