//! `cachestorm crash`: a client killed at every call of its protocol, and every call failed.

use std::process::ExitCode;
use std::thread;

use anyhow::{Context, anyhow};
use cachestorm_reports::{sweep as report, write_all};

use super::args::{CrashArgs, CrashFormat};
use super::progress::Live;
use super::run::subject;
use super::{Failure, Outcome, output};
use crate::engine::crash::points::Choice;
use crate::engine::crash::sweep::{Plan, Prepared, prepare};
use crate::model::run::{RunOutcome, RunResult};
use crate::model::sweep::Sweep;
use crate::record::store::RunDir;
use crate::scenario::{builtin, resolve};
use crate::suite::{self, Entry, Options};

/// Runs the subcommand. Anything that is broken at any call is a violation.
pub fn run(args: &CrashArgs) -> Outcome {
    let entries =
        resolve::scenarios(&args.scenarios, builtin::scenarios()).map_err(Failure::usage)?;
    let (subject, _helpers) = subject(&args.client)?;
    let mut options = Options::new(&args.out);
    options.jobs = args.jobs.map_or_else(default_jobs, usize::from);
    options.seed = args.seed;
    options.traced = true;
    options.cancel.on_signals().map_err(Failure::harness)?;
    let choice = Choice { kills: !args.failures_only, failures: !args.kills_only };
    let plan = Plan { choice, pairs: if choice.failures { args.pairs } else { 0 } };
    let prepared = match number(&entries, |entry, dir| prepare(entry, &subject, &options, plan, dir))
    {
        Ok(prepared) => prepared,
        Err(Unmade::Skipped(why)) => {
            output::note(&format!("skipped: {why}"));
            return Ok(ExitCode::from(RunOutcome::Skipped.exit_code()));
        }
        Err(Unmade::Failed(failure)) => return Err(failure),
    };
    let runs: Vec<Entry> = prepared.iter().flat_map(Prepared::entries).cloned().collect();
    let live = Live::new(runs.len() as u64, 1);
    let (run, dir) = suite::run(&runs, &subject, &options, &live).map_err(Failure::usage)?;
    live.end();
    let sweeps: Vec<Sweep> = prepared.into_iter().map(|it| it.swept(&run)).collect();
    dir.write("run.json", &serde_json::to_string_pretty(&run).map_err(Failure::harness)?)
        .map_err(Failure::harness)?;
    write_all(&run, false, &dir.path()).map_err(Failure::usage)?;
    super::report::write_beside(&run, &dir.path(), false).map_err(Failure::harness)?;
    write(&sweeps, &dir).map_err(Failure::usage)?;
    for sweep in &sweeps {
        output::print(&match args.format {
            CrashFormat::Terminal => report::terminal(sweep, &output::options(false)),
            CrashFormat::Markdown => report::markdown(sweep).map_err(Failure::harness)?,
            CrashFormat::Json => report::json(sweep).map_err(Failure::harness)?,
        });
    }
    output::note(&format!("The sweep and its records are in {}.", dir.path().display()));
    let outcome = run.outcome(false);
    Ok(ExitCode::from(outcome.exit_code()))
}

/// Why no sweep was made.
enum Unmade {
    Skipped(String),
    Failed(Failure),
}

/// Numbers the calls of each scenario, in a folder that is thrown away.
fn number(
    entries: &[Entry],
    prepare: impl Fn(&Entry, &RunDir) -> Result<Prepared, RunResult>,
) -> Result<Vec<Prepared>, Unmade> {
    let harness = |error: anyhow::Error| Unmade::Failed(Failure::harness(error));
    let scratch = tempfile::tempdir().map_err(|error| harness(error.into()))?;
    let dir = RunDir::create(scratch.path(), "numbering").map_err(|error| harness(error.into()))?;
    let one = |entry: &Entry| {
        prepare(entry, &dir).map_err(|result| match result {
            RunResult::Skipped(why) => Unmade::Skipped(why),
            RunResult::Invalid(why) => Unmade::Failed(Failure::usage(anyhow!(why))),
            RunResult::HarnessFault(why) => harness(anyhow!(why)),
            RunResult::Judged(_) => harness(anyhow!("a run was judged that was only recorded")),
        })
    };
    entries.iter().map(one).collect()
}

fn write(sweeps: &[Sweep], dir: &RunDir) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(sweeps).context("the sweep is no JSON")?;
    dir.write("sweep.json", &text)?;
    let pages = sweeps.iter().map(report::markdown).collect::<Result<Vec<_>, _>>()?;
    dir.write("sweep.md", &pages.join("\n"))?;
    Ok(())
}

/// Each run has its processes on one processor, so that each processor can have a run.
fn default_jobs() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}
