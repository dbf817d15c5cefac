//! `cachestorm crash`: clients killed at every call of their protocol, and every call failed.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::thread;

use anyhow::{Context, anyhow};
use cachestorm_reports::{crash as table, sweep as report};

use super::args::{CrashArgs, CrashFormat};
use super::matrix::expectations;
use super::progress::Live;
use super::run::subject;
use super::{Failure, Outcome, kept, output};
use crate::catwalk::Backend;
use crate::engine::crash::points::Choice;
use crate::engine::crash::sweep::{Plan, Prepared, UNDISTURBED, prepare};
use crate::model::crash::{CRASH_SCHEMA, CrashRow, CrashSummary, CrashTable};
use crate::model::run::{RunOutcome, RunResult};
use crate::model::sweep::Sweep;
use crate::record::store::RunDir;
use crate::scenario::{builtin, resolve};
use crate::suite::reports::write_reports;
use crate::suite::{self, Entry, Options, Subject};

/// The names of the files that `--write` keeps, without their ending.
const FILE: &str = "crash";

/// Runs the subcommand. Anything that is broken at any call is a violation.
pub fn run(args: &CrashArgs) -> Outcome {
    let entries =
        resolve::scenarios(&args.scenarios, builtin::scenarios()).map_err(Failure::usage)?;
    let before = args.write.as_deref().map(|folder| kept::read(folder, FILE, CRASH_SCHEMA));
    let before: Option<CrashTable> = before.transpose().map_err(Failure::usage)?.flatten();
    let names = match args.client.as_slice() {
        [all] if all == "all" => builtin::client_names(),
        names => names.to_vec(),
    };
    let mut options = Options::new(&args.out);
    options.jobs = args.jobs.map_or_else(default_jobs, usize::from);
    options.seed = args.seed;
    options.traced = true;
    // A sweep asks about files; what answers behind the front makes no difference to it but in time.
    options.backend = Backend::Direct;
    options.cancel.on_signals().map_err(Failure::harness)?;
    let mut rows = Vec::new();
    let mut outcomes = Vec::new();
    for name in names {
        let (subject, _helpers) = subject(&name)?;
        let bug = expectations(&subject.dir).map_err(Failure::usage)?.map(|it| it.bug);
        let swept = sweep(&entries, &subject, &options, args)?;
        for (scenario, why) in &swept.left_out {
            output::note(&format!("{scenario} is skipped for {name}: {why}"));
        }
        // What keeps a client from all of them is the machine, mostly, and said once.
        let skipped = swept.left_out.values().next().filter(|_| swept.sweeps.is_empty()).cloned();
        let left_out = if skipped.is_some() { BTreeMap::new() } else { swept.left_out };
        let sweeps = swept.sweeps.iter().map(CrashSummary::of).collect();
        let row = CrashRow { client: name.clone(), bug, skipped, left_out, sweeps };
        outcomes.push(swept.outcome);
        rows.push(row);
        if options.cancel.is_cancelled() {
            break;
        }
    }
    if let Some(folder) = &args.write {
        let newer = CrashTable { schema: CRASH_SCHEMA.to_owned(), rows };
        let whole = match before {
            Some(before) => before.updated(newer),
            None => newer,
        };
        keep(&whole, folder).map_err(Failure::usage)?;
        output::note(&format!("The crash table is in {}.", folder.display()));
    }
    let worst = worst(&outcomes);
    Ok(ExitCode::from(worst.exit_code()))
}

/// A violation wins, then what could not be told, then what was skipped, where all of it was.
fn worst(outcomes: &[RunOutcome]) -> RunOutcome {
    let order = [
        RunOutcome::Violation,
        RunOutcome::HarnessFault,
        RunOutcome::Usage,
        RunOutcome::Inconclusive,
        RunOutcome::Vacuous,
    ];
    let found = order.into_iter().find(|outcome| outcomes.contains(outcome));
    let all_skipped = outcomes.iter().all(|outcome| *outcome == RunOutcome::Skipped);
    found.unwrap_or(if all_skipped { RunOutcome::Skipped } else { RunOutcome::Pass })
}

/// What came of one client.
struct Swept {
    sweeps: Vec<Sweep>,
    /// The scenarios that it cannot be swept with, and why.
    left_out: BTreeMap<String, String>,
    outcome: RunOutcome,
}

/// All the sweeps of one client, in a run of their own.
fn sweep(
    entries: &[Entry],
    subject: &Subject,
    options: &Options,
    args: &CrashArgs,
) -> Result<Swept, Failure> {
    let choice = Choice { kills: !args.failures_only, failures: !args.kills_only };
    let plan = Plan { choice, pairs: if choice.failures { args.pairs } else { 0 } };
    let (prepared, left_out) =
        number(entries, |entry, dir| prepare(entry, subject, options, plan, dir))?;
    if prepared.is_empty() {
        return Ok(Swept { sweeps: Vec::new(), left_out, outcome: RunOutcome::Skipped });
    }
    let runs: Vec<Entry> = prepared.iter().flat_map(Prepared::entries).cloned().collect();
    let live = Live::new(runs.len() as u64, 1);
    let (run, dir) = suite::run(&runs, subject, options, &live).map_err(Failure::usage)?;
    live.end();
    let sweeps: Vec<Sweep> = prepared.into_iter().map(|it| it.swept(&run)).collect();
    // Hundreds of timelines of runs in which nothing happened are more than anybody reads; the table has them all.
    let drawn = |scenario: &str| scenario.ends_with(UNDISTURBED);
    let gone = write_reports(&run, &dir.path(), false, drawn).map_err(Failure::usage)?;
    super::report::tell(gone);
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
    Ok(Swept { sweeps, left_out, outcome })
}

/// Numbers the calls of each scenario, in a folder that is thrown away, or says why that cannot be.
fn number(
    entries: &[Entry],
    prepare: impl Fn(&Entry, &RunDir) -> Result<Prepared, Box<RunResult>>,
) -> Result<(Vec<Prepared>, BTreeMap<String, String>), Failure> {
    let scratch = tempfile::tempdir().map_err(Failure::harness)?;
    let dir = RunDir::create(scratch.path(), "numbering").map_err(Failure::harness)?;
    let (mut prepared, mut left_out) = (Vec::new(), BTreeMap::new());
    for entry in entries {
        match prepare(entry, &dir).map_err(|result| *result) {
            Ok(one) => prepared.push(one),
            Err(RunResult::Skipped(why)) => {
                left_out.insert(entry.name.clone(), why);
            }
            Err(RunResult::Invalid(why)) => return Err(Failure::usage(anyhow!(why))),
            Err(RunResult::HarnessFault(why)) => return Err(Failure::harness(anyhow!(why))),
            Err(RunResult::Judged(_)) => {
                return Err(Failure::harness(anyhow!("a run was judged that was only recorded")));
            }
        }
    }
    Ok((prepared, left_out))
}

fn write(sweeps: &[Sweep], dir: &RunDir) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(sweeps).context("the sweep is no JSON")?;
    dir.write("sweep.json", &text)?;
    let pages = sweeps.iter().map(report::markdown).collect::<Result<Vec<_>, _>>()?;
    dir.write("sweep.md", &pages.join("\n"))?;
    Ok(())
}

fn keep(whole: &CrashTable, folder: &Path) -> anyhow::Result<()> {
    kept::write(folder, FILE, &[("json", table::json(whole)?), ("md", table::markdown(whole)?)])
}

/// Each run has its processes on one processor, and waits as long as it computes.
fn default_jobs() -> usize {
    thread::available_parallelism().map_or(1, usize::from) * 3
}
