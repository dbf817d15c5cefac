//! `cachestorm storm`: random scenarios against a client for a time, and what fails made small.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use super::args::StormArgs;
use super::progress::Live;
use super::run::{default_jobs, end_unmarked, subject};
use super::{Failure, Outcome, output};
use crate::client::strays;
use crate::model::run::{RunResult, ScenarioResult};
use crate::model::verdict::{Invariant, Outcome as Judged};
use crate::record::store::RunDir;
use crate::storm::draw::{Storm, draw};
use crate::storm::hunt::{Catch, Find, Hunt, Until, Watch};
use crate::storm::{keep, shrink};
use crate::suite::reports::{EVERY, write_reports};
use crate::suite::{Options, Progress, new_id, new_run};

/// How many storms `--plan` prints where nothing else is said.
const PLANS: u64 = 1;

/// Runs the subcommand.
pub fn run(args: &StormArgs) -> Outcome {
    let (subject, _helpers) = subject(&args.client)?;
    let seed = args.seed.unwrap_or_else(rand::random);
    if args.plan {
        for number in 1..=args.storms.unwrap_or(PLANS) {
            let storm = draw(seed, number, &subject.client);
            output::print(&format!(
                "# storm {number} of seed {seed}\n{}",
                keep::text(&storm.scenario)
            ));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut options = Options::new(&args.out);
    options.jobs = args.jobs.map_or_else(default_jobs, usize::from);
    options.seed = seed;
    options.cancel.on_signals().map_err(Failure::harness)?;
    let began = (Instant::now(), SystemTime::now());
    let dir = RunDir::create(&args.out, &new_id(began.1)).map_err(Failure::usage)?;
    let hunt = Hunt {
        seed,
        until: args.storms.map_or(Until::Time(args.time.0), Until::Storms),
        subject: &subject,
        options: &options,
        dir: &dir,
        keep: args.keep.clone().unwrap_or_else(|| dir.path().join("storms")),
    };
    let told = Told { live: Live::new(args.storms.unwrap_or(0), 1) };
    let childless = strays::is_childless();
    let catch = hunt.run(&told).map_err(|error| {
        Failure::usage(anyhow::Error::new(error).context(format!(
            "a scenario that failed cannot be written to {}",
            hunt.keep.display()
        )))
    })?;
    told.live.end();
    if childless {
        end_unmarked();
    }
    let run = new_run(&dir, &subject.client.name, &options, began, catch.results.clone());
    super::report::tell(write_reports(&run, &dir.path(), false, EVERY).map_err(Failure::usage)?);
    output::print(&summary(&catch, &hunt, &args.client, began.0.elapsed()));
    output::print(&format!("\nThe reports are in {}.", dir.path().display()));
    Ok(ExitCode::from(run.outcome(false).exit_code()))
}

/// Tells how a hunt goes.
struct Told {
    live: Live,
}

impl Watch for Told {
    fn ended(&self, result: &ScenarioResult) {
        match &result.result {
            RunResult::Judged(it) if it.outcome == Judged::Pass => {
                self.live.count(&result.scenario);
            }
            _ => self.live.finished(result),
        }
    }

    fn shrinking(&self, storm: &Storm, broken: &BTreeSet<Invariant>) {
        let text = format!("storm {} broke {}: it is made small", storm.number, names(broken));
        self.live.say(&text);
    }
}

fn names(broken: &BTreeSet<Invariant>) -> String {
    broken.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(", ")
}

fn summary(catch: &Catch, hunt: &Hunt<'_>, client: &str, took: Duration) -> String {
    let storms = catch.results.len();
    let failed: u64 = catch.finds.iter().map(|find| find.seen).sum();
    let mut text = format!(
        "{} of seed {} against {client} in {:.0} s: {failed} failed{}.\n",
        many(storms, "storm"),
        hunt.seed,
        took.as_secs_f64(),
        if failed > 0 { format!(", in {}", many(catch.finds.len(), "way")) } else { String::new() },
    );
    text.push_str(&landed(&catch.results));
    for find in &catch.finds {
        text.push_str(&described(find, client));
    }
    text.push_str(&format!(
        "\n`--seed {}` draws the same plans again. The order in which the system runs the processes is not fixed by it,\n\
         so a plan that failed may pass the next time.\n",
        hunt.seed
    ));
    text
}

/// How much of what was drawn went wrong. An injection may come too late or never, and a storm in which nothing went
/// wrong says no more than a herd.
fn landed(results: &[ScenarioResult]) -> String {
    let (mut drawn, mut came, mut quiet) = (0, 0, 0_u64);
    for result in results {
        let RunResult::Judged(verdict) = &result.result else { continue };
        let injections = || verdict.witnesses.iter().filter(|it| it.name.starts_with("injection "));
        let fired = injections().filter(|it| it.observed > 0).count();
        drawn += injections().count();
        came += fired;
        quiet += u64::from(fired == 0);
    }
    let skipped = results.iter().filter(|it| matches!(it.result, RunResult::Skipped(_))).count();
    let mut text = format!(
        "  {came} of {} took effect; {} had none that did",
        many(drawn, "drawn injection"),
        many(quiet, "storm")
    );
    if skipped > 0 {
        text.push_str(&format!("; {} skipped", many(skipped, "storm")));
    }
    text + "\n"
}

fn many(number: impl TryInto<u64>, word: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    if number == 1 { format!("1 {word}") } else { format!("{number} {word}s") }
}

fn described(find: &Find, client: &str) -> String {
    let (clients, injections, _) = shrink::size(&find.storm.scenario);
    let (fewer, less, _) = shrink::size(&find.small);
    let (failed, of) = find.again;
    format!(
        "\n  {}: {}, first number {}\n    made small: {} and {} became {fewer} and {less}\n    \
         run again: failed {failed} of {of} times\n    cachestorm run {} --client {client}\n",
        names(&find.broken),
        many(find.seen, "storm"),
        find.storm.number,
        many(clients, "client"),
        many(injections, "injection"),
        find.file.display(),
    )
}
