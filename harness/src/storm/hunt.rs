//! Storms one after another until the time is over; what fails is made small and kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::draw::{Storm, draw};
use super::{keep, shrink};
use crate::model::run::{RunResult, ScenarioResult};
use crate::model::scenario::Scenario;
use crate::model::verdict::{Invariant, Outcome};
use crate::record::store::RunDir;
use crate::suite::{Entry, Options, Subject, run_once};

/// How often a smaller scenario is run, and in how many of these runs it must fail to be taken: one that
/// fails by luck would not fail again.
const TRIES: u32 = 3;
const FAILURES: usize = 2;

/// How often what was kept is run again.
const AGAIN: u32 = 10;

/// The most runs that making one failure small may take, and for how long a new one is begun.
const BUDGET: u32 = 200;
const PATIENCE: Duration = Duration::from_secs(90);

/// When a hunt ends.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    /// No storm begins after this time. One that has begun is finished, and what it found made small.
    Time(Duration),
    /// After so many storms.
    Storms(u64),
}

/// What a hunt needs.
#[derive(Debug)]
pub struct Hunt<'a> {
    /// What seeds the plans.
    pub seed: u64,
    /// When it ends.
    pub until: Until,
    /// The client.
    pub subject: &'a Subject,
    /// How many storms at a time, and where Ctrl-C is heard.
    pub options: &'a Options,
    /// The folder for records.
    pub dir: &'a RunDir,
    /// The folder for the scenarios that failed.
    pub keep: PathBuf,
}

/// A way in which storms failed.
#[derive(Debug, Clone)]
pub struct Find {
    /// The storm that was made small.
    pub storm: Storm,
    /// What broke.
    pub broken: BTreeSet<Invariant>,
    /// How many storms broke just that.
    pub seen: u64,
    /// What remained.
    pub small: Scenario,
    /// How often it failed of how many times that it was run again.
    pub again: (u32, u32),
    /// The scenario's file.
    pub file: PathBuf,
}

/// What a hunt came to.
#[derive(Debug, Default)]
pub struct Catch {
    /// Every storm's result, in no order.
    pub results: Vec<ScenarioResult>,
    /// Each way in which storms failed.
    pub finds: Vec<Find>,
}

/// Whom a hunt tells how it goes.
pub trait Watch: Sync {
    /// A storm has ended.
    fn ended(&self, _result: &ScenarioResult) {}
    /// A failing storm is made small.
    fn shrinking(&self, _storm: &Storm, _broken: &BTreeSet<Invariant>) {}
}

impl Hunt<'_> {
    /// Hunts.
    ///
    /// # Errors
    /// When a scenario that failed cannot be written.
    pub fn run(&self, watch: &dyn Watch) -> std::io::Result<Catch> {
        let began = Instant::now();
        let numbers = AtomicU64::new(1);
        let found: Mutex<BTreeMap<BTreeSet<Invariant>, Option<Find>>> = Mutex::default();
        let catch = Mutex::new(Catch::default());
        let failed: Mutex<Option<std::io::Error>> = Mutex::default();
        crate::engine::raise_limits();
        let next = || {
            let number = numbers.fetch_add(1, Ordering::Relaxed);
            let goes_on = match self.until {
                Until::Time(time) => began.elapsed() < time,
                Until::Storms(storms) => number <= storms,
            };
            (goes_on && !self.options.cancel.is_cancelled()).then_some(number)
        };
        let work = || {
            while let Some(number) = next() {
                let storm = draw(self.seed, number, &self.subject.client);
                let name = storm.name(self.seed);
                let result = self.run_once(&name, &storm.scenario, 1);
                watch.ended(&result);
                let broken = broken(&result);
                lock(&catch).results.push(result);
                if broken.is_empty() {
                    continue;
                }
                let is_new = !lock(&found).contains_key(&broken);
                if is_new {
                    lock(&found).insert(broken.clone(), None);
                    watch.shrinking(&storm, &broken);
                    match self.make_small(storm, &broken) {
                        Ok(find) => {
                            lock(&found).insert(broken, Some(find));
                        }
                        Err(error) => *lock(&failed) = Some(error),
                    }
                }
            }
        };
        thread::scope(|scope| {
            for _ in 0..self.options.jobs.max(1) {
                scope.spawn(work);
            }
        });
        if let Some(error) = into_inner(failed) {
            return Err(error);
        }
        let mut catch = into_inner(catch);
        for mut find in into_inner(found).into_values().flatten() {
            let same = catch.results.iter().filter(|it| broken(it) == find.broken).count();
            find.seen = same as u64;
            catch.finds.push(find);
        }
        Ok(catch)
    }

    fn run_once(&self, name: &str, scenario: &Scenario, repetition: u32) -> ScenarioResult {
        let entry = Entry { name: name.to_owned(), file: None, scenario: Ok(scenario.clone()) };
        let mut result = run_once(&entry, repetition, self.subject, self.options, self.dir);
        let passed = matches!(&result.result, RunResult::Judged(it) if it.outcome == Outcome::Pass);
        if passed && let Some(record) = result.record.take() {
            // Thousands of records of what went well are only in the way.
            let _ = fs::remove_file(self.dir.path().join(record));
        }
        self.dir.tidy(name, repetition);
        result
    }

    /// Whether a run breaks any of these.
    fn breaks(&self, name: &str, it: &Scenario, run: u32, these: &BTreeSet<Invariant>) -> bool {
        !broken(&self.run_once(name, it, run)).is_disjoint(these)
    }

    /// Makes a failing storm small, writes it, and runs it again.
    fn make_small(&self, storm: Storm, broken: &BTreeSet<Invariant>) -> std::io::Result<Find> {
        let name = format!("{}-small", storm.name(self.seed));
        let mut small = storm.scenario.clone();
        let (mut runs, began) = (0, Instant::now());
        let mut fails = |scenario: &Scenario| {
            let failures = (0..TRIES).filter(|_| {
                runs += 1;
                runs <= BUDGET
                    && began.elapsed() < PATIENCE
                    && !self.options.cancel.is_cancelled()
                    && self.breaks(&name, scenario, runs, broken)
            });
            // As soon as it has failed often enough.
            failures.take(FAILURES).count() == FAILURES
        };
        while let Some(next) = shrink::smaller(&small).into_iter().find(&mut fails) {
            small = next;
        }
        let names: Vec<&str> = broken.iter().map(|it| it.as_str()).collect();
        let (clients, injections, _) = shrink::size(&storm.scenario);
        small.summary = format!("A storm that breaks {}.", names.join(", "));
        small.why = Some(format!(
            "Drawn as number {} of seed {} for the client {}, with {clients} clients and {injections} injections.",
            storm.number, self.seed, self.subject.client.name,
        ));
        let file =
            self.keep.join(format!("{}-{}-{}.toml", self.seed, storm.number, names.join("+")));
        fs::create_dir_all(&self.keep)?;
        fs::write(&file, keep::text(&small))?;
        let again =
            (0..AGAIN).filter(|run| self.breaks(&name, &small, runs + run + 1, broken)).count();
        let again = (u32::try_from(again).unwrap_or(AGAIN), AGAIN);
        Ok(Find { storm, broken: broken.clone(), seen: 0, small, again, file })
    }
}

/// What a run broke; empty unless it failed.
fn broken(result: &ScenarioResult) -> BTreeSet<Invariant> {
    match &result.result {
        RunResult::Judged(verdict) if verdict.outcome == Outcome::Fail => {
            verdict.invariants.iter().filter(|it| it.broken()).map(|it| it.invariant).collect()
        }
        _ => BTreeSet::new(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn into_inner<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}
