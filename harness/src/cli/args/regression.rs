//! The command line of `cachestorm baseline` and `cachestorm compare`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::regression::store::FOLDER;

/// The arguments of `baseline`.
#[derive(Debug, Args)]
pub struct BaselineArgs {
    #[command(subcommand)]
    pub action: BaselineAction,
    /// The folder of the baselines, to be committed with the project
    #[arg(long, value_name = "FOLDER", default_value = FOLDER, global = true)]
    pub dir: PathBuf,
}

/// What is done with baselines.
#[derive(Debug, clap::Subcommand)]
pub enum BaselineAction {
    /// Keep the verdicts and figures of a run
    Save {
        /// The baseline's name, such as `main`
        name: String,
        /// A run: its name, the path of its folder, or `latest`
        #[arg(default_value = "latest")]
        run: String,
        /// Replace the one that is there
        #[arg(long)]
        force: bool,
        /// The folder in which runs are looked for
        #[arg(short, long, default_value = "target/cachestorm")]
        out: PathBuf,
    },
    /// List what is kept
    List,
}

/// The arguments of `compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// A baseline: its name, its file, or the folder of another run
    pub baseline: String,
    /// A run: its name, the path of its folder, or `latest`, which is the default
    #[arg(conflicts_with = "client")]
    pub run: Option<String>,
    /// Run this client now, against the baseline's scenarios, and compare that
    #[arg(short, long)]
    pub client: Option<String>,
    /// Run this client, the old one, in turns with --client, and compare times with it in place of the baseline's:
    /// so the machine is the same to both
    #[arg(long, value_name = "CLIENT", requires = "client")]
    pub beside: Option<String>,
    /// How often each scenario is run [default: as often as in the baseline]
    #[arg(short = 'n', long, requires = "client", value_parser = clap::value_parser!(u32).range(1..))]
    pub repeat: Option<u32>,
    /// Only these scenarios, as `run` takes them
    #[arg(long = "scenario", value_name = "SCENARIO", value_delimiter = ',')]
    pub scenarios: Vec<String>,
    /// The chance of a false alarm in the whole comparison, where nothing has changed
    #[arg(long, default_value_t = 0.05, value_parser = probability)]
    pub alpha: f64,
    /// Times that grew by less than this are no finding, in percent of the baseline's
    #[arg(long, value_name = "PERCENT", default_value_t = 10.0, value_parser = percentage)]
    pub least_change: f64,
    /// What could not be compared counts as what cannot be told: exit code 2
    #[arg(long)]
    pub strict: bool,
    /// How the comparison is printed
    #[arg(long, value_enum, default_value_t = CompareFormat::Terminal)]
    pub format: CompareFormat,
    /// Also write it as Markdown to this file
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
    /// How many scenarios are run at a time [default: half of the processors]
    #[arg(short, long, requires = "client", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
    /// What seeds the choices that the harness makes; it fixes the plan, not the system's schedule
    #[arg(short, long, requires = "client")]
    pub seed: Option<u64>,
    /// The folder in which baselines are looked for
    #[arg(long, value_name = "FOLDER", default_value = FOLDER)]
    pub dir: PathBuf,
    /// The folder in which runs are looked for, and in which each makes its own
    #[arg(short, long, default_value = "target/cachestorm")]
    pub out: PathBuf,
}

/// How a comparison is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CompareFormat {
    /// For reading
    Terminal,
    /// For a comment on a change
    Markdown,
    /// For programs
    Json,
}

fn probability(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "write a number such as 0.05".to_owned())?;
    let sound = value > 0.0 && value < 1.0;
    if sound { Ok(value) } else { Err("write a number between 0 and 1, such as 0.05".to_owned()) }
}

fn percentage(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "write a number such as 10".to_owned())?;
    let sound = value >= 0.0 && value.is_finite();
    if sound { Ok(value) } else { Err("write a number from 0 on, such as 10".to_owned()) }
}
