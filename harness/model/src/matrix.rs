//! The kill matrix: which client was caught by which scenario, by which invariant, in how many runs.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::verdict::{Invariant, Outcome};

/// The version of the format of `matrix.json`; a reader refuses any other.
pub const MATRIX_SCHEMA: &str = "cachestorm-matrix/1";

/// Clients as rows, scenarios as columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matrix {
    /// [`MATRIX_SCHEMA`].
    pub schema: String,
    /// One for each client, by name.
    pub rows: Vec<Row>,
}

/// What came of one client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The client's name.
    pub client: String,
    /// What is wrong with it, in a sentence; `None` for a client that is right, as far as is known.
    pub bug: Option<String>,
    /// Why nothing catches it yet, where its expectations say so.
    pub not_caught: Option<String>,
    /// One for each scenario that was run against it, by name.
    pub cells: Vec<Cell>,
}

/// What came of one scenario against one client.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// The scenario's name.
    pub scenario: String,
    /// Runs that were judged.
    pub runs: u32,
    /// Of these, those in which any invariant was broken.
    pub caught: u32,
    /// In how many runs each invariant was broken.
    pub broke: BTreeMap<Invariant, u32>,
    /// How many runs ended in each other way that proves nothing: skipped, inconclusive, vacuous.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unproven: BTreeMap<Outcome, u32>,
    /// What went wrong in runs that have no verdict at all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
}

/// The figures of a matrix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Score {
    /// Wrong clients.
    pub wrong: u32,
    /// Of these, those that were caught at least once.
    pub caught: u32,
    /// Of these, those of which it is known that nothing catches them yet, and why.
    pub not_caught_yet: u32,
    /// Right clients.
    pub right: u32,
    /// Judged runs of right clients.
    pub right_runs: u32,
    /// Of these, those in which an invariant was broken: each is a false alarm.
    pub false_alarms: u32,
}

impl Matrix {
    /// A matrix of these rows, sorted.
    pub fn new(mut rows: Vec<Row>) -> Self {
        for row in &mut rows {
            row.cells.sort_by(|a, b| a.scenario.cmp(&b.scenario));
        }
        rows.sort_by(|a, b| a.client.cmp(&b.client));
        Self { schema: MATRIX_SCHEMA.to_owned(), rows }
    }

    /// This matrix with the rows of `newer` in the place of its own of the same clients.
    #[must_use]
    pub fn updated(self, newer: Self) -> Self {
        let known: BTreeSet<String> = newer.rows.iter().map(|row| row.client.clone()).collect();
        let kept = self.rows.into_iter().filter(|row| !known.contains(&row.client));
        Self::new(kept.chain(newer.rows).collect())
    }

    /// Rows of wrong clients.
    pub fn wrong(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.bug.is_some())
    }

    /// Rows of right clients.
    pub fn right(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.bug.is_none())
    }

    /// The figures.
    pub fn score(&self) -> Score {
        let caught = |row: &&Row| row.is_caught();
        let known = |row: &&Row| !row.is_caught() && row.not_caught.is_some();
        let cells = || self.right().flat_map(|row| &row.cells);
        Score {
            wrong: count(self.wrong()),
            caught: count(self.wrong().filter(caught)),
            not_caught_yet: count(self.wrong().filter(known)),
            right: count(self.right()),
            right_runs: cells().map(|cell| cell.runs).sum(),
            false_alarms: cells().map(|cell| cell.caught).sum(),
        }
    }

    /// Of each invariant, how many wrong clients broke it.
    pub fn bugs_by_invariant(&self) -> BTreeMap<Invariant, u32> {
        let bugs = |invariant| count(self.wrong().filter(|row| row.broke(invariant).0 > 0));
        Invariant::ALL.into_iter().map(|invariant| (invariant, bugs(invariant))).collect()
    }

    /// Of each scenario that was run against a wrong client, how many of them it caught.
    pub fn bugs_by_scenario(&self) -> BTreeMap<&str, u32> {
        let mut bugs = BTreeMap::new();
        for cell in self.wrong().flat_map(|row| &row.cells) {
            *bugs.entry(cell.scenario.as_str()).or_default() += u32::from(cell.caught > 0);
        }
        bugs
    }
}

impl Row {
    /// Whether any run broke any invariant.
    pub fn is_caught(&self) -> bool {
        self.cells.iter().any(|cell| cell.caught > 0)
    }

    /// The judged runs.
    pub fn runs(&self) -> u32 {
        self.cells.iter().map(|cell| cell.runs).sum()
    }

    /// In how many runs an invariant was broken, of how many of the scenarios that ever broke it.
    pub fn broke(&self, invariant: Invariant) -> (u32, u32) {
        let breaking =
            self.cells.iter().filter_map(|cell| Some((cell.broke.get(&invariant)?, cell)));
        breaking.fold((0, 0), |(broke, runs), (times, cell)| (broke + times, runs + cell.runs))
    }

    /// The scenarios that caught it, the most certain first.
    pub fn caught_by(&self) -> Vec<&Cell> {
        let mut cells: Vec<&Cell> = self.cells.iter().filter(|cell| cell.caught > 0).collect();
        // a/b > c/d where a*d > c*b; the order by name is kept among equals.
        let share = |a: &Cell, b: &Cell| u64::from(a.caught) * u64::from(b.runs);
        cells.sort_by(|a, b| share(b, a).cmp(&share(a, b)));
        cells
    }
}

impl Cell {
    /// Whether nothing came of it but skips.
    pub fn is_skipped(&self) -> bool {
        let skipped = self.unproven.keys().eq([&Outcome::Skipped]);
        self.runs == 0 && self.faults.is_empty() && skipped
    }
}

fn count(items: impl Iterator) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(scenario: &str, runs: u32, broke: &[(Invariant, u32)]) -> Cell {
        let caught = broke.iter().map(|(_, times)| *times).max().unwrap_or(0);
        let broke = broke.iter().copied().collect();
        Cell { scenario: scenario.to_owned(), runs, caught, broke, ..Cell::default() }
    }

    fn row(client: &str, bug: Option<&str>, cells: Vec<Cell>) -> Row {
        Row { client: client.to_owned(), bug: bug.map(str::to_owned), not_caught: None, cells }
    }

    fn matrix() -> Matrix {
        let mut late = row("late", Some("it is late"), vec![cell("ttl/one", 3, &[])]);
        late.not_caught = Some("needs a clock".to_owned());
        Matrix::new(vec![
            row("right", None, vec![cell("ttl/one", 5, &[]), cell("crash/one", 5, &[])]),
            row(
                "racy",
                Some("it races"),
                vec![
                    cell("ttl/one", 3, &[(Invariant::Freshness, 1)]),
                    cell(
                        "crash/one",
                        3,
                        &[(Invariant::Freshness, 3), (Invariant::SingleFlight, 2)],
                    ),
                    cell("crash/two", 3, &[]),
                ],
            ),
            late,
        ])
    }

    #[test]
    fn the_score_counts_clients_and_false_alarms() {
        let score = matrix().score();
        let expected = Score {
            wrong: 2,
            caught: 1,
            not_caught_yet: 1,
            right: 1,
            right_runs: 10,
            false_alarms: 0,
        };
        assert_eq!(score, expected);
        let wolf = row("right", None, vec![cell("ttl/one", 5, &[(Invariant::Freshness, 1)])]);
        let updated = matrix().updated(Matrix::new(vec![wolf]));
        assert_eq!(updated.rows.len(), 3);
        assert_eq!((updated.score().right_runs, updated.score().false_alarms), (5, 1));
    }

    #[test]
    fn what_caught_a_client_is_told_with_its_share() {
        let matrix = matrix();
        let racy = matrix.rows.iter().find(|row| row.client == "racy").unwrap();
        assert_eq!(racy.broke(Invariant::Freshness), (4, 6));
        assert_eq!(racy.broke(Invariant::SingleFlight), (2, 3));
        assert_eq!(racy.broke(Invariant::TruthfulExit), (0, 0));
        let names: Vec<&str> = racy.caught_by().iter().map(|cell| &*cell.scenario).collect();
        assert_eq!(names, ["crash/one", "ttl/one"]);
        assert_eq!(matrix.bugs_by_invariant()[&Invariant::Freshness], 1);
        assert_eq!(matrix.bugs_by_scenario()["crash/two"], 0);
    }
}
