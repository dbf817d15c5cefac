//! `cachestorm compare`: a run, or a client that is run for it, against a baseline.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use cachestorm_reports::comparison::{json, markdown, terminal};

use super::args::{CompareArgs, CompareFormat};
use super::baseline::{named, of, of_run};
use super::progress::Live;
use super::run::{default_jobs, subject};
use super::show::find;
use super::{Failure, Outcome, output};
use crate::model::baseline::Baseline;
use crate::model::run::RunOutcome;
use crate::regression::{Settings, compare};
use crate::scenario::{builtin, resolve};
use crate::suite::{self, Entry, Options};

/// Runs the subcommand.
pub fn run(args: &CompareArgs) -> Outcome {
    let mut baseline = named(&args.baseline, &args.dir)?;
    let (now, beside) = match &args.client {
        None => {
            let run = args.run.as_deref().unwrap_or("latest");
            let mut now = of_run(&find(run, &args.out)?, run)?;
            now.name = now.run.clone();
            (now, None)
        }
        Some(client) => match anew(client, args, &baseline)? {
            Some(both) => both,
            None => {
                output::note("Nothing is compared: the run was stopped.");
                return Ok(ExitCode::from(RunOutcome::Inconclusive.exit_code()));
            }
        },
    };
    let mut now = now;
    if !args.scenarios.is_empty() {
        let chosen = entries(args, &baseline).map_err(Failure::usage)?;
        for side in [&mut baseline, &mut now] {
            side.scenarios.retain(|name, _| chosen.iter().any(|entry| entry.name == *name));
        }
    }
    let settings = Settings { alpha: args.alpha, least_change: args.least_change / 100.0 };
    let comparison = compare(&baseline, &now, beside.as_ref(), settings);
    output::print(&match args.format {
        CompareFormat::Terminal => terminal(&comparison, args.strict, &output::options(false)),
        CompareFormat::Markdown => markdown(&comparison, args.strict).map_err(Failure::harness)?,
        CompareFormat::Json => json(&comparison).map_err(Failure::harness)?,
    });
    if let Some(file) = &args.markdown {
        let text = markdown(&comparison, args.strict).map_err(Failure::harness)?;
        let written = fs::write(file, text);
        written.with_context(|| format!("write {}", file.display())).map_err(Failure::usage)?;
    }
    Ok(ExitCode::from(comparison.exit_code(args.strict)))
}

/// The scenarios of the baseline, or those of them that were asked for.
fn entries(args: &CompareArgs, baseline: &Baseline) -> anyhow::Result<Vec<Entry>> {
    let mut entries = resolve::scenarios(&args.scenarios, builtin::scenarios())?;
    if args.scenarios.is_empty() {
        let known = |name: &String| entries.iter().any(|entry| entry.name == *name);
        if let Some(gone) = baseline.scenarios.keys().find(|name| !known(name)) {
            return Err(anyhow!(
                "the baseline's scenario \"{gone}\" is none that this program holds; name the files with --scenario"
            ));
        }
    }
    entries.retain(|entry| baseline.scenarios.contains_key(&entry.name));
    anyhow::ensure!(!entries.is_empty(), "the baseline has none of these scenarios");
    Ok(entries)
}

/// Runs the client now, and in turns with it the one beside. `None` where that was stopped.
fn anew(
    client: &str,
    args: &CompareArgs,
    baseline: &Baseline,
) -> Result<Option<(Baseline, Option<Baseline>)>, Failure> {
    let entries = entries(args, baseline).map_err(Failure::usage)?;
    let (new, _helpers) = subject(client)?;
    let old = args.beside.as_deref().map(subject).transpose()?;
    let mut subjects = vec![&new];
    subjects.extend(old.iter().map(|(subject, _)| subject));
    let mut options = Options::new(&args.out);
    // As often as the baseline's, so that neither side is the weaker one.
    let most = baseline.scenarios.values().map(Vec::len).max().unwrap_or(1);
    options.repeat = args.repeat.unwrap_or_else(|| u32::try_from(most).unwrap_or(u32::MAX));
    options.jobs = args.jobs.map_or_else(default_jobs, usize::from);
    options.seed = args.seed.unwrap_or_else(rand::random);
    options.cancel.on_signals().map_err(Failure::harness)?;
    let total = entries.len() as u64 * u64::from(options.repeat) * subjects.len() as u64;
    let live = Live::new(total, options.repeat);
    let runs = suite::run_in_turns(&entries, &subjects, &options, &live).map_err(Failure::usage)?;
    live.end();
    for (run, dir) in &runs {
        let text = serde_json::to_string_pretty(run).map_err(Failure::harness)?;
        dir.write("run.json", &text).map_err(Failure::usage)?;
    }
    if options.cancel.is_cancelled() {
        return Ok(None);
    }
    let mut sides = Vec::new();
    for (run, _) in &runs {
        sides.push(of(run, &run.id).map_err(Failure::usage)?);
    }
    let mut sides = sides.into_iter();
    Ok(sides.next().map(|now| (now, sides.next())))
}
