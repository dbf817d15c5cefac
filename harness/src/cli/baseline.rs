//! `cachestorm baseline`: what a run came to, kept for later runs to be compared with.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use cachestorm_reports::text::counted;

use super::args::{BaselineAction, BaselineArgs};
use super::show::find;
use super::{Failure, Outcome, output};
use crate::judge::judge;
use crate::model::baseline::{Baseline, faults};
use crate::model::run::{Run, RunResult};
use crate::model::verdict;
use crate::record::store::{read_record, read_run};
use crate::regression::store;

/// Runs the subcommand.
pub fn run(args: &BaselineArgs) -> Outcome {
    match &args.action {
        BaselineAction::Save { name, run, force, out } => {
            save(name, &find(run, out)?, *force, &args.dir)
        }
        BaselineAction::List => list(&args.dir),
    }
}

fn save(name: &str, run_dir: &Path, force: bool, folder: &Path) -> Outcome {
    if !store::is_name(name) {
        return Err(Failure::usage(anyhow!(
            "\"{name}\" is no name for a baseline: write letters, digits, \".\", \"_\" and \"-\", such as \"main\""
        )));
    }
    let file = store::file(folder, name);
    if file.exists() && !force {
        return Err(Failure::usage(anyhow!(
            "{} is there already; --force replaces it",
            file.display()
        )));
    }
    let baseline = of_run(run_dir, name)?;
    let file = store::write(folder, &baseline).map_err(Failure::usage)?;
    output::print(&file.display().to_string());
    output::note(&format!(
        "{} of {}, client {}, run {}.",
        counted(baseline.repetitions() as u64, "repetition"),
        counted(baseline.scenarios.len() as u64, "scenario"),
        baseline.client,
        baseline.run
    ));
    let unproven: usize = [verdict::Outcome::Vacuous, verdict::Outcome::Inconclusive]
        .map(|outcome| count(&baseline, outcome))
        .iter()
        .sum();
    let failed = count(&baseline, verdict::Outcome::Fail);
    let skipped = count(&baseline, verdict::Outcome::Skipped);
    if failed + unproven + skipped > 0 {
        output::note(&format!(
            "In it, {failed} failed, {unproven} proved nothing and {skipped} were skipped: a later run is held to no more."
        ));
    }
    let fewest = baseline.scenarios.values().map(Vec::len).min().unwrap_or(0);
    if fewest < 3 {
        output::note(
            "A scenario was run less than three times, which no comparison can use: `run -n 10` repeats.",
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn count(baseline: &Baseline, outcome: verdict::Outcome) -> usize {
    let repetitions = baseline.scenarios.values().flatten();
    repetitions.filter(|it| it.outcome == outcome).count()
}

/// The baseline of a run that has ended, judged anew from its records, as far as they are there: a verdict is a
/// function of its record, and both sides of a comparison are to be judged alike.
pub fn of_run(dir: &Path, name: &str) -> Result<Baseline, Failure> {
    let mut run = read_run(dir).map_err(Failure::usage)?;
    for result in &mut run.results {
        let Some(record) = &result.record else { continue };
        if let Ok(record) = read_record(&dir.join(record)) {
            result.result = RunResult::Judged(judge(&record));
        }
    }
    of(&run, name).map_err(Failure::usage)
}

/// The baseline of a run that is at hand.
pub fn of(run: &Run, name: &str) -> anyhow::Result<Baseline> {
    if let Some((first, more)) = faults(run).split_first() {
        let more =
            if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
        return Err(anyhow!(
            "{first}{more} in run {} could not be read or run, so there is nothing to compare; `cachestorm show {}` says why",
            run.id,
            run.id
        ));
    }
    let baseline = Baseline::of(run, name);
    if baseline.scenarios.is_empty() {
        return Err(anyhow!("run {} has no results", run.id));
    }
    Ok(baseline)
}

/// The baseline that is asked for: a file, the folder of a run, or a name.
pub fn named(argument: &str, folder: &Path) -> Result<Baseline, Failure> {
    let path = Path::new(argument);
    if path.join("run.json").is_file() {
        let name =
            path.canonicalize().ok().and_then(|it| Some(it.file_name()?.to_str()?.to_owned()));
        return of_run(path, &name.unwrap_or_else(|| argument.to_owned()));
    }
    if path.is_file() {
        return store::read(path).map_err(Failure::usage);
    }
    let file = store::file(folder, argument);
    if store::is_name(argument) && file.is_file() {
        return store::read(&file).map_err(Failure::usage);
    }
    let known = names(folder);
    let known = match known.is_empty() {
        true => "`cachestorm baseline save NAME` makes one of a run".to_owned(),
        false => format!("there are: {}", known.join(", ")),
    };
    Err(Failure::usage(anyhow!(
        "there is no baseline \"{argument}\" in {}, and no such file or run; {known}",
        folder.display()
    )))
}

fn names(folder: &Path) -> Vec<String> {
    let files = store::files(folder).unwrap_or_default();
    files.iter().filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned())).collect()
}

fn list(folder: &Path) -> Outcome {
    let files: Vec<PathBuf> =
        store::files(folder).context("list the baselines").map_err(Failure::usage)?;
    if files.is_empty() {
        output::note(&format!("There is no baseline in {}.", folder.display()));
    }
    for file in files {
        match store::read(&file) {
            Ok(it) => output::print(&format!(
                "{}  {} on {} {}, {} cores; {}, {}; {}",
                it.name,
                it.client,
                it.host.os,
                it.host.arch,
                it.host.cores,
                counted(it.scenarios.len() as u64, "scenario"),
                counted(it.repetitions() as u64, "repetition"),
                it.started
            )),
            Err(error) => output::note(&error.to_string()),
        }
    }
    Ok(ExitCode::SUCCESS)
}
