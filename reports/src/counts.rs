//! How many repetitions came out how.

use cachestorm_model::run::{RunResult, ScenarioResult};
use cachestorm_model::verdict::Outcome;
use serde::{Serialize, Serializer};

/// What became of a repetition, in one word: the five verdicts, and the two ways of having none.
///
/// The order is from good to bad, as [`cachestorm_model::run::Run::outcome`] ranks them: of the
/// repetitions of a scenario, the greatest speaks for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Every invariant that applies held.
    Pass,
    /// The machine or the client's description lacks something.
    Skipped,
    /// The harness could not tell.
    Inconclusive,
    /// What the scenario is about never happened.
    Vacuous,
    /// The scenario's file could not be read.
    Invalid,
    /// The harness failed.
    HarnessFault,
    /// An invariant was violated.
    Fail,
}

impl Status {
    /// Every status, in the order of the enum.
    pub const ALL: [Self; 7] = [
        Self::Pass,
        Self::Skipped,
        Self::Inconclusive,
        Self::Vacuous,
        Self::Invalid,
        Self::HarnessFault,
        Self::Fail,
    ];

    /// The status of one repetition.
    pub fn of(result: &ScenarioResult) -> Self {
        match &result.result {
            RunResult::Judged(verdict) => Self::of_outcome(verdict.outcome),
            RunResult::Skipped(_) => Self::Skipped,
            RunResult::Invalid(_) => Self::Invalid,
            RunResult::HarnessFault(_) => Self::HarnessFault,
        }
    }

    /// The status that a verdict's word stands for.
    pub fn of_outcome(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Pass => Self::Pass,
            Outcome::Skipped => Self::Skipped,
            Outcome::Inconclusive => Self::Inconclusive,
            Outcome::Vacuous => Self::Vacuous,
            Outcome::Fail => Self::Fail,
        }
    }

    /// The word as reports print it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Skipped => "skipped",
            Self::Inconclusive => "inconclusive",
            Self::Vacuous => "vacuous",
            Self::Invalid => "invalid",
            Self::HarnessFault => "fault",
            Self::Fail => "fail",
        }
    }

    /// `3 failed`, `1 vacuous`, `2 harness faults`.
    pub fn phrase(self, number: u32) -> String {
        match self {
            Self::Pass => format!("{number} passed"),
            Self::Fail => format!("{number} failed"),
            Self::HarnessFault => crate::text::counted(number, "harness fault"),
            Self::Skipped | Self::Inconclusive | Self::Vacuous | Self::Invalid => {
                format!("{number} {}", self.as_str())
            }
        }
    }
}

/// Repetitions of each status. In JSON an object with every word, also those that count 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts([u32; Status::ALL.len()]);

impl Counts {
    /// Counts results.
    pub fn of<'a>(results: impl IntoIterator<Item = &'a ScenarioResult>) -> Self {
        let mut counts = Self::default();
        for result in results {
            counts.0[Status::of(result) as usize] += 1;
        }
        counts
    }

    /// Repetitions of this status.
    pub fn get(&self, status: Status) -> u32 {
        self.0[status as usize]
    }

    /// All repetitions.
    pub fn total(&self) -> u32 {
        self.0.iter().sum()
    }

    /// The worst status that occurred; `None` where nothing ran.
    pub fn worst(&self) -> Option<Status> {
        Status::ALL.into_iter().rev().find(|status| self.get(*status) > 0)
    }

    /// The word of the worst status, for a headline.
    pub fn worst_word(&self) -> &'static str {
        self.worst().map_or("nothing ran", Status::as_str)
    }

    /// The statuses worth a word in a summary: what passed, even if nothing did, and then whatever
    /// else occurred, the worst first.
    pub fn phrases(&self) -> impl Iterator<Item = (Status, String)> {
        let others = Status::ALL.into_iter().rev().filter(|status| *status != Status::Pass);
        std::iter::once(Status::Pass)
            .chain(others.filter(|status| self.get(*status) > 0))
            .map(|status| (status, status.phrase(self.get(status))))
    }
}

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(Status::ALL.map(|status| (status.as_str(), self.get(status))))
    }
}
