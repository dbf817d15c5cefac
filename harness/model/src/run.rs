//! Many judged records: what a report is made of.

use serde::{Deserialize, Serialize};

use crate::plan::Plan;
use crate::verdict::{Outcome, Verdict};

/// The version of the format of `run.json`; a reader refuses any other.
pub const RUN_SCHEMA: &str = "cachestorm-run/1";

/// One run of the harness: some scenarios, some times, against one client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// [`RUN_SCHEMA`].
    pub schema: String,
    /// The run's name, which is its folder's below `target/cachestorm`.
    pub id: String,
    /// The client's name.
    pub client: String,
    /// When it began, in RFC 3339.
    pub started: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// What seeded the choices that the harness made. It fixes the plan, not the system's schedule.
    pub seed: u64,
    /// The machine.
    pub host: Host,
    /// What was asked for, and which part of it this is; absent where that is no list of scenarios.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
    /// One entry for each scenario and repetition, in order of their names.
    pub results: Vec<ScenarioResult>,
}

/// The machine that a run was made on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// `linux`, `macos` ...
    pub os: String,
    /// The kernel's release, where it can be had.
    pub kernel: Option<String>,
    /// `x86_64`, `aarch64` ...
    pub arch: String,
    /// Processors that the harness may use.
    pub cores: u32,
}

/// One repetition of one scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioResult {
    /// The scenario's name, such as `crash/holder-killed`.
    pub scenario: String,
    /// Its `summary`; empty where the file could not be read.
    pub summary: String,
    /// The scenario's file, where it came from one, for annotations.
    pub file: Option<String>,
    /// The line of that file that tells most about the result, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Counted from 1.
    pub repetition: u32,
    /// What became of it.
    pub result: RunResult,
    /// The record's file, relative to the run's folder.
    pub record: Option<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// What became of one repetition of one scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunResult {
    /// It ran and was judged.
    Judged(Verdict),
    /// It could not run on this machine or with this client, for this reason.
    Skipped(String),
    /// It could not be read, with the diagnostic: nothing ran.
    Invalid(String),
    /// The harness failed, with what it said.
    HarnessFault(String),
}

/// How a whole run ended, which is its exit code. A violation wins over everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunOutcome {
    /// 0.
    Pass,
    /// 1: an invariant was violated.
    Violation,
    /// 2: the harness could not tell.
    Inconclusive,
    /// 3: what a scenario is about never happened.
    Vacuous,
    /// 4: something was skipped, and that was asked to count (`--strict`), or all of it was.
    Skipped,
    /// 64: a scenario, a client or an option is wrong.
    Usage,
    /// 70: the harness failed.
    HarnessFault,
}

impl RunOutcome {
    /// Every outcome, in the order of their exit codes.
    pub const ALL: [Self; 7] = [
        Self::Pass,
        Self::Violation,
        Self::Inconclusive,
        Self::Vacuous,
        Self::Skipped,
        Self::Usage,
        Self::HarnessFault,
    ];

    /// The process's exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Violation => 1,
            Self::Inconclusive => 2,
            Self::Vacuous => 3,
            Self::Skipped => 4,
            Self::Usage => 64,
            Self::HarnessFault => 70,
        }
    }
}

impl ScenarioResult {
    /// The verdict's word; `None` where there is no verdict because the file or the harness was at fault.
    pub fn outcome(&self) -> Option<Outcome> {
        match &self.result {
            RunResult::Judged(verdict) => Some(verdict.outcome),
            RunResult::Skipped(_) => Some(Outcome::Skipped),
            RunResult::Invalid(_) | RunResult::HarnessFault(_) => None,
        }
    }
}

impl Run {
    /// How the run ended. `strict` makes a skip count; a run that judged nothing never passes.
    pub fn outcome(&self, strict: bool) -> RunOutcome {
        let any = |outcome| self.results.iter().any(|result| result.outcome() == Some(outcome));
        let fault = |result: &ScenarioResult| matches!(result.result, RunResult::HarnessFault(_));
        let invalid = |result: &ScenarioResult| matches!(result.result, RunResult::Invalid(_));
        if any(Outcome::Fail) {
            RunOutcome::Violation
        } else if self.results.iter().any(fault) {
            RunOutcome::HarnessFault
        } else if self.results.iter().any(invalid) || self.results.is_empty() {
            RunOutcome::Usage
        } else if any(Outcome::Vacuous) {
            RunOutcome::Vacuous
        } else if any(Outcome::Inconclusive) {
            RunOutcome::Inconclusive
        } else if !any(Outcome::Pass) || (strict && any(Outcome::Skipped)) {
            RunOutcome::Skipped
        } else {
            RunOutcome::Pass
        }
    }
}
