//! What came of a suite, for a test to look at.

use std::io::Write;
use std::path::{Path, PathBuf};

use cachestorm_reports::counts::{Counts, Status};
use cachestorm_reports::style::Options as Style;
use cachestorm_reports::summary::Summary;
use cachestorm_reports::terminal;

use crate::model::run::{Run, RunOutcome, ScenarioResult};

/// Sentences for each invariant of each scenario; the rest is counted.
const SENTENCES: usize = 3;

/// What came of a suite. Nothing is decided by dropping it: ask it, or call [`Report::assert_pass`].
#[derive(Debug, Clone)]
#[must_use = "a report that nobody looks at lets everything pass; call `assert_pass`"]
pub struct Report {
    run: Run,
    folder: PathBuf,
    strict: bool,
}

impl Report {
    pub(super) fn new(run: Run, folder: PathBuf, strict: bool) -> Self {
        Self { run, folder, strict }
    }

    /// The judged run: each scenario and repetition with its verdict.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// The run's folder: `report.html`, `run.json`, `junit.xml`, `summary.md`, `records/`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The repetitions of one scenario, by its name.
    pub fn of<'a>(&'a self, scenario: &'a str) -> impl Iterator<Item = &'a ScenarioResult> {
        self.run.results.iter().filter(move |result| result.scenario == scenario)
    }

    /// How many repetitions came out how.
    pub fn counts(&self) -> Counts {
        Counts::of(&self.run.results)
    }

    /// How the run ended. It is `pass` only where something was judged, nothing was violated, and nothing is
    /// vacuous, inconclusive, unreadable or a fault of the harness; and, in a strict suite, nothing skipped.
    pub fn outcome(&self) -> RunOutcome {
        self.run.outcome(self.strict)
    }

    /// The exit code that `cachestorm run` would end with.
    pub fn exit_code(&self) -> u8 {
        self.outcome().exit_code()
    }

    /// Panics unless the run passed. Where it did and something was skipped, says on standard error how much
    /// and why, also where the test's output is captured.
    ///
    /// # Panics
    /// Where the run did not pass: with the sentence of each violation, or the reason, and the way to the
    /// report and the records.
    #[track_caller]
    pub fn assert_pass(&self) {
        if self.outcome() != RunOutcome::Pass {
            // By hand, so that the panic is said to be where the caller is.
            panic!("{}", self.failure());
        }
        if self.counts().get(Status::Skipped) > 0 {
            // Not by a macro: what these print is shown of failing tests only.
            let _ = std::io::stderr().write_all(self.skips().as_bytes());
        }
    }

    /// What did not pass and why, and where to look: the text with which [`Report::assert_pass`] panics.
    pub fn failure(&self) -> String {
        let folder = self.folder.display();
        format!(
            "{}\n\n{}\nReport   {folder}/report.html\nHistory  cachestorm show {folder} {}\nSeed     {}",
            self.headline(),
            self.details(),
            self.worst().unwrap_or("NAME"),
            self.run.seed,
        )
    }

    /// How much was skipped and why.
    fn skips(&self) -> String {
        format!("{}\n{}", self.headline(), self.details())
    }

    /// `my-cache: 2 passed, 1 failed of 3 scenarios; exit code 1: an invariant was violated`.
    fn headline(&self) -> String {
        let summary = Summary::of(&self.run, self.strict);
        let counted: Vec<String> = summary.counts.phrases().map(|(_, phrase)| phrase).collect();
        format!(
            "{}: {} of {}; exit code {}: {}.",
            self.run.client,
            counted.join(", "),
            summary.size(),
            summary.exit_code,
            summary.meaning
        )
    }

    fn details(&self) -> String {
        terminal::details(&self.run, &Style { limit: SENTENCES, ..Style::plain() })
    }

    /// A scenario that did not pass, the worst first, among those that have a record.
    fn worst(&self) -> Option<&str> {
        let with_record = self.run.results.iter().filter(|result| result.record.is_some());
        with_record.max_by_key(|result| Status::of(result)).map(|result| result.scenario.as_str())
    }
}
