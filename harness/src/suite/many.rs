//! A queue of scenarios and repetitions over some threads.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Instant, SystemTime};

use super::one::{file_of, summary_of};
use super::{Entry, Options, Subject, run_once, sort};
use crate::model::plan::{Plan, Shard};
use crate::model::run::{Host, RUN_SCHEMA, Run, RunResult, ScenarioResult};
use crate::model::verdict::{Invariant, InvariantReport, Measures, Outcome, Verdict};
use crate::record::store::{RunDir, StoreError};
use crate::shard;

/// What is told while a suite runs.
pub trait Progress: Sync {
    /// A repetition begins.
    fn started(&self, _entry: &Entry, _repetition: u32) {}

    /// A repetition has ended.
    fn finished(&self, _result: &ScenarioResult) {}
}

/// Tells nobody.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Progress for Silent {}

/// Runs every entry as often as asked and returns the judged run with its folder. After a
/// cancellation, what had not begun is reported as such.
///
/// # Errors
/// When the run's folder cannot be written.
pub fn run(
    entries: &[Entry],
    subject: &Subject,
    options: &Options,
    progress: &dyn Progress,
) -> Result<(Run, RunDir), StoreError> {
    let mut runs = run_in_turns(entries, &[subject], options, progress)?;
    Ok(runs.remove(0))
}

/// The same with several clients in turns, so that a machine that is slow for a while is slow to all of them: each
/// repetition of each scenario is run against one after the other, and every other time in the opposite order. A
/// run and a folder for each.
///
/// # Errors
/// When a run's folder cannot be written.
pub fn run_in_turns(
    entries: &[Entry],
    subjects: &[&Subject],
    options: &Options,
    progress: &dyn Progress,
) -> Result<Vec<(Run, RunDir)>, StoreError> {
    let (began, started) = (Instant::now(), SystemTime::now());
    let id = new_id(started);
    // Parts that begin in the same moment on several machines may share a disk.
    let id = match options.shard.unwrap_or(Shard::WHOLE) {
        whole if whole.is_whole() => id,
        part => format!("{id}-shard-{}-of-{}", part.index(), part.of()),
    };
    // The first is made last, so that `latest` leads to it.
    let name = |turn: usize| if turn == 0 { id.clone() } else { format!("{id}-beside-{turn}") };
    let dirs = (0..subjects.len()).rev().map(|turn| RunDir::create(&options.base, &name(turn)));
    let mut dirs = dirs.collect::<Result<Vec<_>, _>>()?;
    dirs.reverse();
    let mut of_turn: Vec<Vec<ScenarioResult>> = vec![Vec::new(); subjects.len()];
    let places: Vec<&RunDir> = dirs.iter().collect();
    for (turn, result) in run_all(entries, subjects, options, &places, progress) {
        dirs[turn].tidy(&result.scenario, result.repetition);
        of_turn[turn].push(result);
    }
    let runs = dirs.into_iter().zip(subjects).zip(of_turn).map(|((dir, subject), results)| {
        let mut run = new_run(&dir, &subject.client.name, options, (began, started), results);
        run.plan = Some(shard::plan(entries, subject, options));
        (run, dir)
    });
    Ok(runs.collect())
}

/// Runs every entry of the part that is asked for, as often as asked, in the folder of a run. Returns the results
/// in any order.
pub(super) fn run_in(
    entries: &[Entry],
    subject: &Subject,
    options: &Options,
    dir: &RunDir,
    progress: &dyn Progress,
) -> Vec<ScenarioResult> {
    let results = run_all(entries, &[subject], options, &[dir], progress);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Everything that is to be run, over some threads; the results with whose turn each was.
fn run_all(
    entries: &[Entry],
    subjects: &[&Subject],
    options: &Options,
    dirs: &[&RunDir],
    progress: &dyn Progress,
) -> Vec<(usize, ScenarioResult)> {
    crate::engine::raise_limits();
    let turns = |repetition: u32| -> Vec<usize> {
        let forwards = 0..subjects.len();
        if repetition % 2 == 1 { forwards.collect() } else { forwards.rev().collect() }
    };
    let plan = subjects.first().map(|subject| shard::plan(entries, subject, options));
    let queue: VecDeque<(&Entry, u32, usize)> = plan
        .iter()
        .flat_map(|plan| queue(entries, plan))
        .flat_map(|(entry, repetition)| {
            turns(repetition).into_iter().map(move |turn| (entry, repetition, turn))
        })
        .collect();
    let queue = Mutex::new(queue);
    let results = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..options.jobs.max(1) {
            scope.spawn(|| {
                // A binding of its own, because a guard in the loop's head would be held in its body.
                let next = || lock(&queue).pop_front();
                while let Some((entry, repetition, turn)) = next() {
                    let result = if options.cancel.is_cancelled() {
                        not_begun(entry, repetition)
                    } else {
                        progress.started(entry, repetition);
                        run_once(entry, repetition, subjects[turn], options, dirs[turn])
                    };
                    progress.finished(&result);
                    lock(&results).push((turn, result));
                }
            });
        }
    });
    results.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// What is run here, in its order: repetitions of one scenario are spread over the run, so that a machine
/// that is slow for a while does not hit one scenario alone.
fn queue<'e>(entries: &'e [Entry], plan: &Plan) -> VecDeque<(&'e Entry, u32)> {
    let own = shard::partition(plan, plan.shard);
    let all = (1..=plan.repeat)
        .flat_map(|repetition| entries.iter().map(move |entry| (entry, repetition)));
    all.filter(|(entry, repetition)| own.contains(&(entry.name.as_str(), *repetition))).collect()
}

/// The summary of a run that began at the given moments, with its results in order.
pub fn new_run(
    dir: &RunDir,
    client: &str,
    options: &Options,
    (began, started): (Instant, SystemTime),
    mut results: Vec<ScenarioResult>,
) -> Run {
    sort(&mut results);
    Run {
        schema: RUN_SCHEMA.to_owned(),
        id: dir.id().to_owned(),
        client: client.to_owned(),
        started: humantime::format_rfc3339_seconds(started).to_string(),
        duration_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        seed: options.seed,
        host: host(),
        plan: None,
        results,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What was asked for and not done is no skip, which would leave a stopped run to pass.
fn not_begun(entry: &Entry, repetition: u32) -> ScenarioResult {
    let why = "the run was stopped before this began";
    let invariants = Invariant::ALL.map(|invariant| InvariantReport {
        not_evaluated: Some(why.to_owned()),
        ..InvariantReport::new(invariant)
    });
    let verdict = Verdict {
        outcome: Outcome::Inconclusive,
        reasons: vec![why.to_owned()],
        invariants: invariants.into(),
        witnesses: Vec::new(),
        measures: Measures::default(),
    };
    ScenarioResult {
        scenario: entry.name.clone(),
        summary: summary_of(entry),
        file: file_of(entry),
        line: None,
        repetition,
        result: RunResult::Judged(verdict),
        record: None,
        duration_ms: 0,
    }
}

/// A name for a run that sorts by time: `20261123T064512123Z-4711`, and `20261123T064512123Z-4711-2` for the
/// second of one program, since the tests of one may begin at once.
pub fn new_id(now: SystemTime) -> String {
    static RUNS: AtomicU32 = AtomicU32::new(1);
    let stamp = humantime::format_rfc3339_millis(now).to_string();
    let digits: String = stamp.chars().filter(char::is_ascii_alphanumeric).collect();
    let id = format!("{digits}-{}", std::process::id());
    match RUNS.fetch_add(1, Ordering::Relaxed) {
        1 => id,
        number => format!("{id}-{number}"),
    }
}

/// The machine that this program runs on.
fn host() -> Host {
    Host {
        os: std::env::consts::OS.to_owned(),
        kernel: Some(rustix::system::uname().release().to_string_lossy().into_owned()),
        arch: std::env::consts::ARCH.to_owned(),
        cores: thread::available_parallelism()
            .map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX)),
    }
}

#[cfg(test)]
#[path = "many_tests.rs"]
mod tests;
