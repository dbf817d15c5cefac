//! The crash table: what sweeps of many clients came to, a few lines for each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::sweep::Sweep;
use crate::verdict::Invariant;

/// The version of the format; a reader refuses any other.
pub const CRASH_SCHEMA: &str = "cachestorm-crash/1";

/// What sweeps of many clients came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrashTable {
    /// [`CRASH_SCHEMA`].
    pub schema: String,
    /// One for each client, by name.
    pub rows: Vec<CrashRow>,
}

/// What the sweeps of one client came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrashRow {
    /// The client.
    pub client: String,
    /// Its bug; `None` for a right client, where anything that is broken is a false alarm.
    pub bug: Option<String>,
    /// Why it was not swept at all on the machine that made the table.
    pub skipped: Option<String>,
    /// The scenarios that it cannot be swept with, and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left_out: BTreeMap<String, String>,
    /// One for each other scenario.
    pub sweeps: Vec<CrashSummary>,
}

/// One sweep in figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrashSummary {
    /// The scenario.
    pub scenario: String,
    /// Calls at which something was done.
    pub calls: u32,
    /// Runs.
    pub runs: u32,
    /// Of these, those that did not come to their call.
    pub not_reached: u32,
    /// Of these, those in which the harness could not tell.
    pub untold: u32,
    /// For each invariant that was broken, the runs in which it was: `rename-published-1/killed-before`.
    pub broken: BTreeMap<Invariant, Vec<String>>,
}

impl CrashSummary {
    /// The figures of a sweep.
    pub fn of(sweep: &Sweep) -> Self {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let mut broken: BTreeMap<Invariant, Vec<String>> = BTreeMap::new();
        for case in sweep.failed() {
            let short = case.name.strip_prefix(&sweep.scenario).unwrap_or(&case.name);
            for invariant in &case.broken {
                broken
                    .entry(*invariant)
                    .or_default()
                    .push(short.trim_start_matches('/').to_owned());
            }
        }
        let failed = sweep.failed().count();
        let reached = sweep.cases.iter().filter(|case| case.reached).count();
        let told = sweep.cases.iter().filter(|case| case.holds()).count() + failed;
        Self {
            scenario: sweep.scenario.clone(),
            calls: count(sweep.points.len()),
            runs: count(sweep.cases.len()),
            not_reached: count(sweep.cases.len() - reached),
            untold: count(reached.saturating_sub(told)),
            broken,
        }
    }
}

impl CrashRow {
    /// Whether any sweep broke anything.
    pub fn is_caught(&self) -> bool {
        self.sweeps.iter().any(|sweep| !sweep.broken.is_empty())
    }
}

impl CrashTable {
    /// The table with the rows of `newer` in place of its own of the same clients.
    #[must_use]
    pub fn updated(self, newer: Self) -> Self {
        let mut rows: BTreeMap<String, CrashRow> =
            self.rows.into_iter().map(|row| (row.client.clone(), row)).collect();
        rows.extend(newer.rows.into_iter().map(|row| (row.client.clone(), row)));
        Self { rows: rows.into_values().collect(), ..newer }
    }

    /// The right clients in which something was broken.
    pub fn false_alarms(&self) -> impl Iterator<Item = &CrashRow> {
        self.rows.iter().filter(|row| row.bug.is_none() && row.is_caught())
    }
}
