//! A run seen from further away: scenarios with their repetitions, themes, the sum of it all.
//!
//! Every format draws from here, so that no two of them can disagree.

use std::collections::BTreeMap;

use cachestorm_model::plan::Plan;
use cachestorm_model::run::{Run, RunOutcome, RunResult, ScenarioResult};
use cachestorm_model::verdict::{Measures, Verdict};
use serde::Serialize;

use crate::counts::{Counts, Status};
use crate::text;

/// The theme of a scenario whose name has no `/`.
const NO_THEME: &str = "scenarios";

/// What a whole run came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// How the run ended.
    pub outcome: RunOutcome,
    /// The exit code that stands for it.
    pub exit_code: u8,
    /// What the exit code means, in words.
    pub meaning: &'static str,
    /// Scenarios, however often each was repeated.
    pub scenarios: u32,
    /// Repetitions of all scenarios.
    pub repetitions: u32,
    /// Repetitions by what became of them.
    pub counts: Counts,
    /// How long the run took, in milliseconds.
    pub duration_ms: u64,
    /// Where the run is a part of a larger one, or was joined from parts: which, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<String>,
}

impl Summary {
    /// Sums a run up. `strict` makes a skip count against it.
    pub fn of(run: &Run, strict: bool) -> Self {
        let outcome = run.outcome(strict);
        let counts = Counts::of(&run.results);
        let scenarios = themes(run).iter().map(|theme| theme.scenarios.len()).sum::<usize>();
        Self {
            outcome,
            exit_code: outcome.exit_code(),
            meaning: meaning(outcome, &counts),
            scenarios: u32::try_from(scenarios).unwrap_or(u32::MAX),
            repetitions: counts.total(),
            counts,
            duration_ms: run.duration_ms,
            share: run.plan.as_ref().and_then(share),
        }
    }

    /// `7 scenarios`, or `7 scenarios, 112 repetitions` where some were repeated, and `(shard 2 of 3)` of a part.
    pub fn size(&self) -> String {
        let mut size = text::counted(self.scenarios, "scenario");
        if self.repetitions != self.scenarios {
            size.push_str(&format!(", {}", text::counted(self.repetitions, "repetition")));
        }
        if let Some(share) = &self.share {
            size.push_str(&format!(" ({share})"));
        }
        size
    }
}

/// `shard 2 of 3`, or `joined from 3 runs`.
fn share(plan: &Plan) -> Option<String> {
    let parts = u32::try_from(plan.parts.len()).unwrap_or(u32::MAX);
    match (parts, plan.shard) {
        (0, whole) if whole.is_whole() => None,
        (0, shard) => Some(format!("shard {} of {}", shard.index(), shard.of())),
        (parts, _) => Some(format!("joined from {}", text::counted(parts, "run"))),
    }
}

fn meaning(outcome: RunOutcome, counts: &Counts) -> &'static str {
    match outcome {
        RunOutcome::Pass => "every invariant that was judged held",
        RunOutcome::Violation => "an invariant was violated",
        RunOutcome::Inconclusive => "the harness could not tell",
        RunOutcome::Vacuous => "what a scenario is about never happened, so it proves nothing",
        RunOutcome::Skipped if counts.get(Status::Pass) == 0 => "nothing was judged",
        RunOutcome::Skipped => "something was skipped, and skips count in a strict run",
        RunOutcome::Usage if counts.total() == 0 => "no scenario was run",
        RunOutcome::Usage => "a scenario could not be read",
        RunOutcome::HarnessFault => "the harness failed",
    }
}

/// The scenarios whose names start with the same word before the `/`.
#[derive(Debug, Clone)]
pub struct Theme<'a> {
    /// That word.
    pub name: &'a str,
    /// Its scenarios, in order of their names.
    pub scenarios: Vec<Scenario<'a>>,
}

/// One scenario with all its repetitions.
#[derive(Debug, Clone)]
pub struct Scenario<'a> {
    /// Its full name.
    pub name: &'a str,
    /// Its repetitions, in order; never empty.
    pub results: Vec<&'a ScenarioResult>,
    /// Repetitions by what became of them.
    pub counts: Counts,
}

/// A run's scenarios by theme, both in order of their names.
pub fn themes(run: &Run) -> Vec<Theme<'_>> {
    let mut by_name: BTreeMap<(&str, &str), Vec<&ScenarioResult>> = BTreeMap::new();
    for result in &run.results {
        by_name.entry((theme_of(&result.scenario), &result.scenario)).or_default().push(result);
    }
    let mut themes: Vec<Theme<'_>> = Vec::new();
    for ((theme, name), mut results) in by_name {
        results.sort_by_key(|result| result.repetition);
        let counts = Counts::of(results.iter().copied());
        let scenario = Scenario { name, results, counts };
        match themes.last_mut() {
            Some(last) if last.name == theme => last.scenarios.push(scenario),
            _ => themes.push(Theme { name: theme, scenarios: vec![scenario] }),
        }
    }
    themes
}

/// Every way in which repetitions of a scenario did not pass and were not merely skipped, the worst
/// first.
pub fn troubles<'t, 'a>(themes: &'t [Theme<'a>]) -> Vec<(Status, &'t Scenario<'a>)> {
    let quiet = [Status::Pass, Status::Skipped];
    let statuses = Status::ALL.into_iter().rev().filter(|status| !quiet.contains(status));
    statuses
        .flat_map(|status| {
            let scenarios = themes.iter().flat_map(|theme| &theme.scenarios);
            scenarios
                .filter(move |scenario| scenario.counts.get(status) > 0)
                .map(move |scenario| (status, scenario))
        })
        .collect()
}

fn theme_of(name: &str) -> &str {
    name.split_once('/').map_or(NO_THEME, |(theme, _)| theme)
}

/// A scenario's name without its theme.
pub fn short_name(name: &str) -> &str {
    name.split_once('/').map_or(name, |(_, rest)| rest)
}

impl<'a> Scenario<'a> {
    /// The worst that became of a repetition.
    pub fn status(&self) -> Status {
        self.counts.worst().unwrap_or(Status::Pass)
    }

    /// How many repetitions there are.
    pub fn repetitions(&self) -> u32 {
        self.counts.total()
    }

    /// Where a scenario was repeated, how many repetitions had its status: `3/50`.
    pub fn ratio(&self) -> Option<String> {
        let repetitions = self.repetitions();
        (repetitions > 1).then(|| format!("{}/{repetitions}", self.counts.get(self.status())))
    }

    /// The repetitions of one status.
    pub fn with(&self, status: Status) -> impl Iterator<Item = &'a ScenarioResult> {
        self.results.iter().copied().filter(move |result| Status::of(result) == status)
    }

    /// The sentence that says what the scenario is about; empty where no file could be read.
    pub fn summary(&self) -> &'a str {
        self.results.first().map_or("", |result| &result.summary)
    }

    /// The scenario's file.
    pub fn file(&self) -> Option<&'a str> {
        self.results.first().and_then(|result| result.file.as_deref())
    }

    /// One figure over all repetitions that were judged: `1`, `1-3`, or `-` where none was.
    pub fn figure(&self, figure: impl Fn(&Measures) -> u32) -> String {
        let values = || {
            self.results.iter().filter_map(|result| verdict(result)).map(|v| figure(&v.measures))
        };
        match (values().min(), values().max()) {
            (Some(least), Some(most)) if least == most => least.to_string(),
            (Some(least), Some(most)) => format!("{least}-{most}"),
            _ => "-".to_owned(),
        }
    }

    /// How long all repetitions took together, in milliseconds.
    pub fn duration_ms(&self) -> u64 {
        self.results.iter().map(|result| result.duration_ms).sum()
    }
}

/// The verdict on a repetition that was judged.
pub fn verdict(result: &ScenarioResult) -> Option<&Verdict> {
    match &result.result {
        RunResult::Judged(verdict) => Some(verdict),
        RunResult::Skipped(_) | RunResult::Invalid(_) | RunResult::HarnessFault(_) => None,
    }
}

/// Every figure of a record with its name, in the order of the fields; those that were not measured
/// are left out.
pub fn figures(measures: &Measures) -> Vec<(&'static str, u64)> {
    // Taken apart without `..`, so that a new field cannot be forgotten here.
    let Measures {
        clients,
        killed,
        failed,
        requests,
        herd_requests,
        answered_200,
        answered_304,
        aborted,
        hits,
        contention,
        observations,
        recovery_ms,
        wait_ms_max,
        windows,
        waits,
        start_us,
        residue,
        duration_ms,
    } = measures;
    let figures = [
        ("clients", Some(u64::from(*clients))),
        ("killed", Some(u64::from(*killed))),
        ("failed", Some(u64::from(*failed))),
        ("requests", Some(u64::from(*requests))),
        ("herd_requests", Some(u64::from(*herd_requests))),
        ("answered_200", Some(u64::from(*answered_200))),
        ("answered_304", Some(u64::from(*answered_304))),
        ("aborted", Some(u64::from(*aborted))),
        ("hits", Some(u64::from(*hits))),
        ("contention", Some(u64::from(*contention))),
        ("observations", Some(u64::from(*observations))),
        ("recovery_ms", *recovery_ms),
        ("wait_us_median", waits.at(50.0)),
        ("wait_ms_max", *wait_ms_max),
        ("windows", Some(u64::from(*windows))),
        ("start_us", *start_us),
        ("residue", Some(u64::from(*residue))),
        ("duration_ms", Some(*duration_ms)),
    ];
    figures.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
