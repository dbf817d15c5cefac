//! Processes started and judged per second, beside a bare loop over `posix_spawn` in the same run.
//!
//! Both start the same client, the reference cache inside this very program, on a cold cache and
//! against a mock Catwalk that answers at once:
//!
//! - **bare** starts N processes in groups of their own, and waits for all of them. It uses
//!   `std::process::Command` with nothing between fork and exec, which is `posix_spawn` on Linux.
//!   Standard output goes to a pipe that is read when all have been started.
//! - **herd** runs a scenario with N clients and judges the record: barrier, watch, record and all. It
//!   runs two probes on top, so N + 2 processes count.
//!
//! First the raw figures of either, then their ratio from pairs that alternate within one run, so that
//! what the machine does meanwhile hits both (`-- ratio` for these alone). The caches are on a tmpfs
//! where there is one, because `fsync` on a disk is not what is measured. Run with
//! `cargo bench -p cachestorm --bench herd`.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use cachestorm::catwalk::{Backend, Catwalk, Settings};
use cachestorm::engine::{RunSpec, herd, raise_limits};
use cachestorm::judge::judge;
use cachestorm::model::client::Client;
use cachestorm::model::scenario::Scenario;
use cachestorm::model::units::Span;
use cachestorm::model::verdict::Outcome;
use cachestorm::scenario::builtin;
use criterion::{BenchmarkId, Criterion, Throughput};
use tempfile::TempDir;
use tokio::sync::{oneshot, watch};

/// Clients in one scenario, and the pairs of which the ratio is the median.
const SIZES: [(u32, usize); 3] = [(14, 101), (200, 25), (1000, 9)];

/// Processes that the herd runs after the wave.
const PROBES: u32 = 2;

/// The argument that leaves out the raw figures: no benchmark has this in its name.
const RATIO: &str = "ratio";

/// The unit of CPU times in `/proc`, the same on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

const PROGRAM: &str = env!("CARGO_BIN_EXE_cachestorm");
const ARGUMENTS: [&str; 2] = ["client", "reference"];

/// The mock server of the bare loop, on a thread of its own until this is dropped.
struct Server {
    url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Server {
    fn start() -> Self {
        let (address, told) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let settings = Settings { backend: Backend::Direct, ..Settings::default() };
            let until = async { drop(stopped.await) };
            let ready = |catwalk: &Catwalk| address.send(catwalk.addr()).expect("the bench waits");
            let served = cachestorm::catwalk::serve_until(settings, 0, None, until, ready, |_| {});
            runtime.expect("a runtime").block_on(served).expect("the server runs");
        });
        let address = told.recv().expect("the server starts");
        Self { url: format!("http://{address}"), stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server ends in order");
        }
    }
}

/// What both sides run, and where.
struct Bench {
    server: Server,
    client: Client,
    scenario: Scenario,
    base: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let client = builtin::client("reference").and_then(Result::ok).expect("the reference");
        let memory = PathBuf::from("/dev/shm");
        let base = if memory.is_dir() { memory } else { env::temp_dir() };
        Self { server: Server::start(), client, scenario: scenario(), base }
    }

    fn directory(&self) -> TempDir {
        tempfile::tempdir_in(&self.base).expect("a directory")
    }

    /// The time of a bare loop over `count` processes.
    fn bare(&self, count: u32) -> Duration {
        let dir = self.directory();
        let began = Instant::now();
        let children: Vec<Child> = (1..=count).map(|index| self.spawn(index, dir.path())).collect();
        let mut output = Vec::new();
        for mut child in children {
            output.clear();
            let stdout = child.stdout.as_mut().expect("a pipe");
            stdout.read_to_end(&mut output).expect("the pipe is read");
            assert!(child.wait().expect("the client ends").success(), "a client failed");
            assert!(!output.is_empty(), "a client showed nothing");
        }
        began.elapsed()
    }

    fn spawn(&self, index: u32, dir: &Path) -> Child {
        Command::new(PROGRAM)
            .args(ARGUMENTS)
            .env_clear()
            .env("CATWALK_URL", format!("{}/c/{index:02}", self.server.url))
            .env("XDG_DATA_HOME", dir)
            .env("CRUSH_CACHE_TTL", "1h")
            .env("CRUSH_FETCH_TIMEOUT", "6s")
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("the client starts")
    }

    /// The time of a scenario with `count` clients, judged.
    fn herd(&self, count: u32) -> Duration {
        let dir = self.directory();
        let spec = self.spec(count, dir.path());
        let began = Instant::now();
        let record = herd::run(&spec).expect("the scenario runs");
        let verdict = judge(&record);
        let time = began.elapsed();
        assert_eq!(verdict.measures.clients, count);
        // Without latency a herd need not contend, which makes a pass vacuous.
        let fine = matches!(verdict.outcome, Outcome::Pass | Outcome::Vacuous);
        assert!(fine, "{:?} {:?}", verdict.reasons, verdict.invariants);
        time
    }

    fn spec(&self, count: u32, work: &Path) -> RunSpec {
        let mut scenario = self.scenario.clone();
        scenario.clients.count = count;
        let (_, cancel) = watch::channel(false);
        RunSpec {
            others: Vec::new(),
            name: "bench/herd".into(),
            scenario,
            client: self.client.clone(),
            client_dir: work.to_owned(),
            cache_client: [PROGRAM, ARGUMENTS[0]].map(OsString::from).into(),
            repetition: 1,
            seed: 0,
            work: work.to_owned(),
            traced: false,
            backend: Backend::Direct,
            cancel,
        }
    }
}

/// What one side of a pair came to, for each process.
#[derive(Clone, Copy)]
struct Cost {
    seconds: f64,
    /// CPU time of the harness and of its clients.
    cpu_seconds: f64,
}

impl Cost {
    fn of(processes: u32, run: impl FnOnce() -> Duration) -> Self {
        let before = cpu_ticks();
        let time = run();
        let ticks = cpu_ticks() - before;
        let processes = f64::from(processes);
        Self {
            seconds: time.as_secs_f64() / processes,
            cpu_seconds: ticks as f64 / TICKS_PER_SECOND / processes,
        }
    }
}

/// The CPU time of this process and of its children that were reaped (proc_pid_stat(5)); 0 where there
/// is no `/proc`.
fn cpu_ticks() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    after_name
        .split_whitespace()
        .skip(11)
        .take(4)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum()
}

/// A cold herd with a server that answers at once.
fn scenario() -> Scenario {
    let entry = builtin::scenarios().into_iter().find(|it| it.name == "stampede/cold-herd");
    let mut scenario = entry.and_then(|entry| entry.scenario.ok()).expect("a scenario");
    scenario.catwalk = Default::default();
    scenario.clients.deadline = Span::from_secs(300);
    scenario
}

fn figures(bench: &Bench, criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("processes");
    group.sample_size(10);
    for (count, _) in SIZES {
        group.throughput(Throughput::Elements(count.into()));
        group.bench_function(BenchmarkId::new("bare", count), |bencher| {
            bencher.iter_custom(|times| (0..times).map(|_| bench.bare(count)).sum());
        });
        group.throughput(Throughput::Elements((count + PROBES).into()));
        group.bench_function(BenchmarkId::new("herd", count), |bencher| {
            bencher.iter_custom(|times| (0..times).map(|_| bench.herd(count)).sum());
        });
    }
    group.finish();
}

fn ratios(bench: &Bench) {
    println!("herd beside bare, median of alternating pairs (quartiles in parentheses):");
    for (count, number) in SIZES {
        let pairs: Vec<(Cost, Cost)> = (0..number)
            .map(|_| {
                let bare = Cost::of(count, || bench.bare(count));
                (bare, Cost::of(count + PROBES, || bench.herd(count)))
            })
            .collect();
        let mut ratios: Vec<f64> =
            pairs.iter().map(|(bare, herd)| bare.seconds / herd.seconds).collect();
        ratios.sort_by(f64::total_cmp);
        let [low, median, high] = [number / 4, number / 2, number - 1 - number / 4]
            .map(|index| format!("{:.0} %", ratios[index] * 100.0));
        let cpu = |side: fn(&(Cost, Cost)) -> Cost| {
            let sum: f64 = pairs.iter().map(|pair| side(pair).cpu_seconds).sum();
            format!("{:.2} ms", sum / number as f64 * 1000.0)
        };
        println!(
            "{count:>5} clients: {median} of the processes per second ({low}, {high}); CPU time of one: \
             bare {}, herd {}",
            cpu(|pair| pair.0),
            cpu(|pair| pair.1),
        );
    }
}

fn main() {
    raise_limits();
    let bench = Bench::new();
    let mut criterion = Criterion::default().configure_from_args();
    figures(&bench, &mut criterion);
    criterion.final_summary();
    // With any argument but cargo's own, somebody looks at something else; without that, cargo tests
    // whether the benchmark runs at all.
    let arguments: Vec<String> = env::args().skip(1).collect();
    let measures = arguments.iter().any(|argument| argument == "--bench");
    if measures && arguments.iter().all(|argument| argument == "--bench" || argument == RATIO) {
        ratios(&bench);
    }
}
