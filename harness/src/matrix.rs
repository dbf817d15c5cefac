//! The kill matrix: clients whose bugs are known are run, and what caught them is counted.
//!
//! A harness is worth what it catches. A wrong client is run against the scenarios that its expectations
//! name, or against all; a client without expectations is right, and run against all, where whatever is
//! caught is a false alarm.

use std::collections::BTreeMap;

use crate::model::expected::Expectations;
use crate::model::matrix::{Cell, Matrix, Row};
use crate::model::run::{Run, RunResult, ScenarioResult};
use crate::model::scenario::Scenario;
use crate::model::verdict::Outcome;
use crate::record::store::StoreError;
use crate::suite::{self, Entry, Options, Progress, Subject};

/// A client of the matrix.
#[derive(Debug)]
pub struct Contender {
    /// The client with what is needed to run it.
    pub subject: Subject,
    /// What it is expected to break; `None` for a right client.
    pub expectations: Option<Expectations>,
}

/// How a matrix is made.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Runs of each scenario against a wrong client.
    pub repeat: u32,
    /// Runs of each scenario against a right client.
    pub repeat_right: u32,
    /// Every scenario is run against wrong clients too, not only those that their expectations name.
    pub all: bool,
}

impl Plan {
    /// The scenarios that are run against a client.
    pub fn entries(&self, contender: &Contender, known: &[Entry]) -> Vec<Entry> {
        let concerned = |entry: &&Entry| match &contender.expectations {
            Some(expectations) if !self.all => expectations.scenario.contains_key(&entry.name),
            // A service beside a client may answer in place of Catwalk: only what is about it counts.
            None if !contender.subject.client.services.is_empty() => {
                entry.scenario.as_ref().is_ok_and(Scenario::is_about_service)
            }
            _ => true,
        };
        known.iter().filter(concerned).cloned().collect()
    }

    /// How often each of them is.
    pub fn repeat_of(&self, contender: &Contender) -> u32 {
        if contender.expectations.is_some() { self.repeat } else { self.repeat_right }
    }
}

/// Runs the matrix, one client after another. After a cancellation, the clients that had not been run
/// to the end are left out.
///
/// # Errors
/// When a run's folder cannot be written.
pub fn run(
    contenders: &[Contender],
    known: &[Entry],
    plan: &Plan,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Matrix, StoreError> {
    let mut rows = Vec::new();
    for contender in contenders {
        let entries = plan.entries(contender, known);
        let options = Options { repeat: plan.repeat_of(contender), ..options.clone() };
        let (run, _) = suite::run(&entries, &contender.subject, &options, progress)?;
        if options.cancel.is_cancelled() {
            break;
        }
        rows.push(row(&run, contender.expectations.as_ref()));
    }
    Ok(Matrix::new(rows))
}

/// The row of one client's run.
fn row(run: &Run, expectations: Option<&Expectations>) -> Row {
    let mut cells: BTreeMap<&str, Cell> = BTreeMap::new();
    for result in &run.results {
        let new = || Cell { scenario: result.scenario.clone(), ..Cell::default() };
        add(cells.entry(&result.scenario).or_insert_with(new), result);
    }
    Row {
        client: run.client.clone(),
        bug: expectations.map(|it| it.bug.clone()),
        not_caught: expectations.and_then(|it| it.not_caught.clone()),
        cells: cells.into_values().collect(),
    }
}

fn add(cell: &mut Cell, result: &ScenarioResult) {
    match &result.result {
        RunResult::Judged(verdict) => {
            cell.runs += 1;
            cell.caught += u32::from(verdict.outcome == Outcome::Fail);
            for invariant in verdict.broken() {
                *cell.broke.entry(invariant).or_default() += 1;
            }
            if !matches!(verdict.outcome, Outcome::Pass | Outcome::Fail) {
                *cell.unproven.entry(verdict.outcome).or_default() += 1;
            }
        }
        RunResult::Skipped(_) => *cell.unproven.entry(Outcome::Skipped).or_default() += 1,
        RunResult::Invalid(why) | RunResult::HarnessFault(why) => cell.faults.push(why.clone()),
    }
}
