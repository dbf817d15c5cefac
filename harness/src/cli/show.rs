//! `cachestorm show`: a run again, or the history of one of its scenarios.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use cachestorm_reports::{show, terminal};

use super::args::ShowArgs;
use super::{Failure, output};
use crate::judge::judge;
use crate::model::run::{Run, RunResult, ScenarioResult};
use crate::model::verdict::Outcome;
use crate::record::store::{read_record, read_run};

/// Runs the subcommand.
pub fn run(args: &ShowArgs) -> super::Outcome {
    let dir = find(&args.run, &args.out)?;
    let run = read_run(&dir).map_err(Failure::usage)?;
    match &args.scenario {
        None => output::print(&terminal::render(&run, &output::options(false))),
        Some(scenario) => output::print(&history(args, scenario, &run, &dir)?),
    }
    Ok(ExitCode::SUCCESS)
}

/// The folder of the run that is asked for, which must have ended in order.
pub fn find(run: &str, out: &Path) -> Result<PathBuf, Failure> {
    let path = Path::new(run);
    let dir = if path.is_dir() { path.to_path_buf() } else { out.join(path) };
    let problem = if !dir.is_dir() {
        format!(
            "there is no run \"{}\" in {}; `cachestorm run` makes one, and --out says where runs are",
            run,
            out.display()
        )
    } else if !dir.join("run.json").exists() {
        format!(
            "{} has no run.json: that run is under way still, or was ended by force",
            dir.display()
        )
    } else {
        return Ok(dir);
    };
    Err(Failure::usage(anyhow::anyhow!(problem)))
}

/// The history of one scenario, judged anew: a verdict is a function of its record.
fn history(args: &ShowArgs, scenario: &str, run: &Run, dir: &Path) -> Result<String, Failure> {
    let wanted = |result: &&ScenarioResult| {
        result.scenario == scenario && args.repetition.is_none_or(|n| result.repetition == n)
    };
    // Of several repetitions, the one that went wrong is the one that is asked for.
    let went_wrong = |result: &&ScenarioResult| result.outcome() != Some(Outcome::Pass);
    let mut repetitions = run.results.iter().filter(wanted);
    let first = repetitions.clone().next();
    let result = repetitions.find(went_wrong).or(first).ok_or_else(|| {
        Failure::usage(anyhow::anyhow!(
            "run {} has no such repetition of \"{scenario}\"; `cachestorm show {}` lists what it has",
            run.id,
            args.run
        ))
    })?;
    let Some(file) = &result.record else {
        return Ok(match &result.result {
            RunResult::Skipped(text) | RunResult::Invalid(text) | RunResult::HarnessFault(text) => {
                format!("{scenario} has no record: {text}")
            }
            RunResult::Judged(_) => format!("the record of {scenario} was not kept"),
        });
    };
    let record = read_record(&dir.join(file)).map_err(Failure::usage)?;
    Ok(show::show(&record, &judge(&record), &output::options(false), args.limit))
}
