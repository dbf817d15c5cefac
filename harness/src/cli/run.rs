//! `cachestorm run`: scenarios against a client, a report at the end.

use std::env;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use cachestorm_reports::{annotations, junit, markdown, terminal};
use tempfile::TempDir;

use super::args::RunArgs;
use super::progress::Live;
use super::{Failure, Outcome, output};
use crate::client::strays;
use crate::model::run::{Run, RunOutcome};
use crate::record::store::RunDir;
use crate::scenario::{builtin, resolve};
use crate::suite::reports::write_reports;
use crate::suite::{self, Options, Progress, Subject};

pub use crate::suite::default_jobs;

/// Runs the subcommand.
pub fn run(args: &RunArgs) -> Outcome {
    let entries =
        resolve::scenarios(&args.scenarios, builtin::scenarios()).map_err(Failure::usage)?;
    let (subject, _helpers) = subject(&args.client)?;
    for file in [&args.junit, &args.markdown].into_iter().flatten() {
        can_be_written(file).map_err(Failure::usage)?;
    }
    let mut options = Options::new(&args.out);
    options.repeat = args.repeat;
    options.jobs = args.jobs.map_or_else(default_jobs, usize::from);
    options.seed = args.seed.unwrap_or_else(rand::random);
    options.cancel.on_signals().map_err(Failure::harness)?;
    let total = entries.len() as u64 * u64::from(args.repeat);
    let live = Live::new(total, args.repeat);
    let childless = strays::is_childless();
    let (run, dir) = suite::run(&entries, &subject, &options, &live as &dyn Progress)
        // The folder is the user's to choose.
        .map_err(|error| Failure::usage(anyhow::Error::new(error).context("no run was begun")))?;
    live.end();
    if childless {
        end_unmarked();
    }
    let outcome = run.outcome(args.strict);
    match report(&run, &dir, args) {
        // A violation wins over everything, also over a report that cannot be written.
        Err(error) if outcome == RunOutcome::Violation => output::error(&error),
        reported => reported.map_err(Failure::usage)?,
    }
    Ok(ExitCode::from(outcome.exit_code()))
}

/// Ends what clients have left behind in an environment of their own, which the engine cannot find.
pub fn end_unmarked() {
    let pids = strays::end_unmarked();
    if !pids.is_empty() {
        output::note(&format!(
            "Clients left processes behind whose environment does not tell whose they were; killed: {}.",
            pids.len()
        ));
    }
}

/// A client with its helper files; these live as long as the folder that is returned with it.
pub fn subject(client: &str) -> Result<(Subject, TempDir), Failure> {
    let chosen = resolve::client(client).map_err(Failure::usage)?;
    let helpers = tempfile::tempdir().map_err(Failure::harness)?;
    let dir = chosen.materialise(helpers.path()).map_err(Failure::harness)?;
    let cache_client = cache_client().map_err(Failure::harness)?;
    Ok((Subject { client: chosen.client, dir, cache_client }, helpers))
}

/// The clients that this program holds itself are this program, called in another way.
fn cache_client() -> anyhow::Result<Vec<OsString>> {
    let program = env::current_exe().context("find the program itself")?;
    Ok(vec![program.into_os_string(), "client".into()])
}

fn report(run: &Run, dir: &RunDir, args: &RunArgs) -> anyhow::Result<()> {
    super::report::tell(write_reports(run, &dir.path(), args.strict)?);
    output::print(&terminal::render(run, &output::options(args.strict)));
    output::print(&format!("\nThe reports are in {}.", dir.path().display()));
    if let Some(file) = &args.junit {
        write(file, &junit::render(run)?)?;
    }
    if let Some(file) = &args.markdown {
        write(file, &markdown::render(run, args.strict)?)?;
    }
    on_github(run, args.strict)
}

/// Whoever asks for a report must not learn after an hour that it has no place.
fn can_be_written(file: &Path) -> anyhow::Result<()> {
    // Opening a pipe waits for its reader, and closing it tells the reader that all was said.
    if file.metadata().is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
        return Ok(());
    }
    let opened = OpenOptions::new().append(true).create(true).open(file);
    opened.map(drop).with_context(|| format!("cannot write {}", file.display()))
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

/// Under GitHub Actions, annotations and the step's summary come without being asked for.
fn on_github(run: &Run, strict: bool) -> anyhow::Result<()> {
    if env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
        let annotations = annotations::render(run);
        if !annotations.is_empty() {
            output::print(&annotations);
        }
    }
    let Some(file) = env::var_os("GITHUB_STEP_SUMMARY").filter(|file| !file.is_empty()) else {
        return Ok(());
    };
    let text = markdown::render(run, strict)?;
    let file = Path::new(&file);
    let opened = OpenOptions::new().append(true).create(true).open(file);
    opened
        .and_then(|mut summary| summary.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write the step's summary to {}", file.display()))
}
