//! The arguments of every subcommand.

use std::path::PathBuf;

use clap::{Args, Parser, ValueEnum};
use clap_complete::Shell;

use crate::model::fault::Fault;
use crate::model::scenario::EtagMode;
use crate::model::units::{ByteSize, Span};
use crate::regression::store::FOLDER;
use crate::shard::engines::Asked;

mod regression;

pub use regression::{BaselineAction, BaselineArgs, CompareArgs, CompareFormat};

/// A chaos and race-testing harness for caches that several processes share on disk.
///
/// Exit codes: 0 everything held, 1 an invariant was violated, 2 inconclusive, 3 vacuous (what a
/// scenario is about never happened), 4 skipped with --strict, 64 a mistake in the command line, a
/// scenario or a client description, 70 a fault of the harness or the machine.
///
/// Ctrl-C stops a run in order: its clients are ended, its reports written, and what it did not come
/// to is inconclusive. A second one ends the program at once, with 128 and the signal's number.
#[derive(Debug, Parser)]
#[command(name = "cachestorm", version, max_term_width = 100)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Subcommand,
}

/// What is to be done.
#[derive(Debug, clap::Subcommand)]
pub enum Subcommand {
    /// Run scenarios against a client and judge what happened
    Run(RunArgs),
    /// Join the runs that several machines made with --shard into one
    Merge(MergeArgs),
    /// List the scenarios and the clients that the program holds
    List(ListArgs),
    /// Show a run again, or the history of one of its scenarios
    Show(ShowArgs),
    /// Write a run as one HTML file with timelines: report.html in the run's folder
    Report(ReportArgs),
    /// Keep what a run came to, for later runs to be compared with
    Baseline(BaselineArgs),
    /// Compare a run, or a client that is run for it, with a baseline
    ///
    /// Exit codes: 0 nothing got worse, 1 something got worse and would be found again, 2 it cannot be told, such as
    /// with too few repetitions.
    Compare(CompareArgs),
    /// Check scenario files and client descriptions without running anything
    Check(CheckArgs),
    /// Run the claims of the status report against its clients, and print what was measured
    Claims(ClaimsArgs),
    /// Run the clients whose bugs are known, and print which scenario and invariant catches which bug
    Matrix(MatrixArgs),
    /// Kill a client at every call of its protocol, fail every call, and judge what is left
    Crash(CrashArgs),
    /// Draw random scenarios over all the faults, run them, and make small what fails
    Storm(StormArgs),
    /// Run the mock Catwalk server alone, to point a client at by hand
    Serve(ServeArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Be one of the cache clients that the program holds (`client --list` names them)
    #[command(disable_help_flag = true)]
    Client {
        /// The client's name and its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
}

/// The arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Names (`crash/holder-killed`), folders of names (`crash`), globs (`crash/*`) or paths of
    /// .toml files; all scenarios by default
    pub scenarios: Vec<String>,
    /// A client by name, or the path of a client.toml or of the folder that holds one
    #[arg(short, long, default_value = "reference")]
    pub client: String,
    /// How often each scenario is run
    #[arg(short = 'n', long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub repeat: u32,
    /// How many scenarios are run at a time [default: half of the processors]
    #[arg(short, long, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
    /// What seeds the choices that the harness makes; it fixes the plan, not the system's schedule
    /// [default: a random one; 0 with --shard, so that all shards have the same]
    #[arg(short, long)]
    pub seed: Option<u64>,
    /// Run only part K of N parts of the plan: `K/N`; `auto` takes both from the engine that started this job
    /// (GitLab, Slurm and others), `auto/N` where it tells the number alone (Kubernetes). Without it, what the
    /// variable CACHESTORM_SHARD says. `cachestorm merge` joins the parts
    #[arg(long, value_name = "K/N")]
    pub shard: Option<Asked>,
    /// The folder in which each run makes its own
    #[arg(short, long, default_value = "target/cachestorm")]
    pub out: PathBuf,
    #[command(flatten)]
    pub wanted: Wanted,
}

/// The arguments of `merge`.
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// The runs: their names, the paths of their folders, or of folders that hold them
    #[arg(required = true)]
    pub runs: Vec<String>,
    /// The folder in which runs are looked for, and in which the joined run makes its own
    #[arg(short, long, default_value = "target/cachestorm")]
    pub out: PathBuf,
    #[command(flatten)]
    pub wanted: Wanted,
}

/// What is made of a run at its end, and what counts against it.
#[derive(Debug, Args)]
pub struct Wanted {
    /// Exit with 4 when anything was skipped
    #[arg(long)]
    pub strict: bool,
    /// Also write the JUnit XML report to this file
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Also write the Markdown summary to this file
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
}

/// The arguments of `storm`.
///
/// A seed fixes the plans, not the order in which the system runs the processes.
#[derive(Debug, Args)]
pub struct StormArgs {
    /// A client by name, or the path of a client.toml or of the folder that holds one
    #[arg(short, long, default_value = "reference")]
    pub client: String,
    /// How long storms are begun for; what fails then is still made small
    #[arg(short, long, default_value = "60s", value_parser = from_text::<Span>)]
    pub time: Span,
    /// How many storms, in place of a time
    #[arg(long, conflicts_with = "time", value_parser = clap::value_parser!(u64).range(1..))]
    pub storms: Option<u64>,
    /// What seeds the plans [default: a random one, which is printed]
    #[arg(short, long)]
    pub seed: Option<u64>,
    /// How many storms are run at a time [default: half of the processors]
    #[arg(short, long, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
    /// Print the plans and run nothing
    #[arg(long)]
    pub plan: bool,
    /// The folder for the scenarios that fail [default: `storms` in the run's own]
    #[arg(long, value_name = "FOLDER")]
    pub keep: Option<PathBuf>,
    /// The folder in which each run makes its own
    #[arg(short, long, default_value = "target/cachestorm")]
    pub out: PathBuf,
}

/// The arguments of `crash`.
///
/// Each scenario is run once to number the calls of its client, and then once for everything that can go wrong
/// at each of them. Needs Linux on x86-64.
#[derive(Debug, Args)]
pub struct CrashArgs {
    /// Clients by name, or by the path of a client.toml or of the folder that holds one; `all` is all that the
    /// program holds
    #[arg(short, long, value_delimiter = ',', default_value = "reference")]
    pub client: Vec<String>,
    /// The scenarios, as `run` takes them
    #[arg(long = "scenario", value_name = "SCENARIO", default_values_t = ["sweep/cold".to_owned(), "sweep/expired".to_owned()])]
    pub scenarios: Vec<String>,
    /// Kill only, and fail no call
    #[arg(long)]
    pub kills_only: bool,
    /// Fail calls only, and kill nobody
    #[arg(long, conflicts_with = "kills_only")]
    pub failures_only: bool,
    /// How many pairs of failures in one run are tried besides
    #[arg(long, default_value_t = 32, value_name = "N")]
    pub pairs: usize,
    /// How many runs are made at a time [default: three for each processor]
    #[arg(short, long, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
    /// What seeds the choices that the harness makes, such as which pairs are tried
    #[arg(short, long, default_value_t = 0)]
    pub seed: u64,
    /// Keep crash.json and crash.md in this folder, a few lines for each client; the rows of clients that were
    /// not swept stay as they are there
    #[arg(long, value_name = "FOLDER")]
    pub write: Option<PathBuf>,
    /// How the table is printed
    #[arg(long, value_enum, default_value_t = CrashFormat::Terminal)]
    pub format: CrashFormat,
    /// The folder in which each run makes its own
    #[arg(short, long, default_value = "target/cachestorm")]
    pub out: PathBuf,
}

/// How a sweep is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CrashFormat {
    /// For reading
    Terminal,
    /// For a page in a repository
    Markdown,
    /// For programs
    Json,
}

/// The arguments of `list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// List the clients instead of the scenarios
    #[arg(long)]
    pub clients: bool,
    /// List the faults of the network instead: their names, what can detect each, what the wire carries
    #[arg(long, conflicts_with = "clients")]
    pub faults: bool,
    /// Print names only, one a line
    #[arg(long)]
    pub names: bool,
}

/// The arguments of `show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// A run: its name, the path of its folder, or `latest`
    #[arg(default_value = "latest")]
    pub run: String,
    /// A scenario of the run, whose whole history is shown
    pub scenario: Option<String>,
    /// Which repetition of the scenario; by default the first that did not pass, else the first
    #[arg(long)]
    pub repetition: Option<u32>,
    /// The most events to show
    #[arg(long, default_value_t = 200)]
    pub limit: usize,
    /// The folder in which runs are looked for
    #[arg(short, long, default_value = "target/cachestorm")]
    pub out: PathBuf,
}

/// The arguments of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// A run: its name, the path of its folder, or `latest`
    #[arg(default_value = "latest")]
    pub run: String,
    /// Open it in a browser
    #[arg(long)]
    pub open: bool,
    /// Write it to this file instead
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Show it beside a baseline: its name, its file, or the folder of another run
    #[arg(long)]
    pub baseline: Option<String>,
    /// The folder in which baselines are looked for
    #[arg(long, value_name = "FOLDER", default_value = FOLDER)]
    pub dir: PathBuf,
    /// The folder in which runs are looked for
    #[arg(short, long, default_value = "target/cachestorm")]
    pub out: PathBuf,
}

/// The arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Scenario files, client.toml files, or folders of either
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// One line for each mistake: FILE:LINE:COLUMN: MESSAGE
    #[arg(long)]
    pub short: bool,
}

/// The arguments of `claims`.
#[derive(Debug, Args)]
pub struct ClaimsArgs {
    /// The clients to compare
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "before-fix,status-report,status-report-fetch,reference"
    )]
    pub clients: Vec<String>,
    /// How the table is printed
    #[arg(long, value_enum, default_value_t = ClaimsFormat::Terminal)]
    pub format: ClaimsFormat,
    /// The folder in which each run makes its own
    #[arg(short, long, default_value = "target/cachestorm")]
    pub out: PathBuf,
}

/// How the table of claims is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ClaimsFormat {
    /// For reading
    Terminal,
    /// For a README
    Markdown,
    /// For programs
    Json,
}

/// The arguments of `matrix`.
#[derive(Debug, Args)]
pub struct MatrixArgs {
    /// The scenarios to choose from, as `run` takes them; all by default. A wrong client is run against
    /// those of them that its expected.toml names, a right one against each
    pub scenarios: Vec<String>,
    /// The clients, by name or path; all that the program holds by default
    #[arg(long, value_delimiter = ',')]
    pub clients: Vec<String>,
    /// Run each scenario against wrong clients too, whatever their expected.toml names
    #[arg(long)]
    pub all: bool,
    /// How often each scenario is run against a wrong client
    #[arg(short = 'n', long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub repeat: u32,
    /// The same for a right client, where what is caught is a false alarm [default: as --repeat]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub repeat_right: Option<u32>,
    /// How many scenarios are run at a time [default: half of the processors]
    #[arg(short, long, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
    /// What seeds the choices that the harness makes; it fixes the plan, not the system's schedule
    #[arg(short, long)]
    pub seed: Option<u64>,
    /// How the matrix is printed
    #[arg(long, value_enum, default_value_t = MatrixFormat::Terminal)]
    pub format: MatrixFormat,
    /// Keep matrix.json, matrix.md and matrix.html in this folder; the rows of clients that were not run
    /// stay as they are there
    #[arg(long, value_name = "FOLDER")]
    pub write: Option<PathBuf>,
    /// The folder in which each run makes its own
    #[arg(short, long, default_value = "target/cachestorm")]
    pub out: PathBuf,
}

/// How the matrix is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MatrixFormat {
    /// For reading
    Terminal,
    /// For a page in a repository
    Markdown,
    /// For a browser
    Html,
    /// For programs
    Json,
}

/// The arguments of `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The port to listen on; any free one by default
    #[arg(short, long, default_value_t = 0)]
    pub port: u16,
    /// The size of a catalogue, from 4KiB to 2MiB
    #[arg(long, default_value = "16KiB", value_parser = from_text::<ByteSize>)]
    pub body: ByteSize,
    /// How long each response waits before its head is sent
    #[arg(long, default_value = "0ms", value_parser = from_text::<Span>)]
    pub latency: Span,
    /// Over which bytes the ETag is computed: served, indented, or absent
    #[arg(long, default_value = "served", value_parser = from_text::<EtagMode>)]
    pub etag: EtagMode,
    /// A fault of the network that every client meets, such as garbage, reset-after=1000B or
    /// truncate=chunked,1000B; `cachestorm list --faults` shows them all
    #[arg(long)]
    pub fault: Option<Fault>,
    /// Only this client meets the fault: the one whose base URL ends in its number
    #[arg(long, value_name = "N", requires = "fault", value_parser = clap::value_parser!(u32).range(1..))]
    pub fault_client: Option<u32>,
    /// Only these fetches meet the fault, counted from 1
    #[arg(long, value_name = "N,...", requires = "fault", value_delimiter = ',')]
    pub fault_fetches: Vec<u32>,
    /// What fixes everything that a fault draws by lot
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

/// Reads a value as scenario files write it, so that both take and refuse the same.
fn from_text<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(text.into()).map_err(|error| error.to_string())
}
