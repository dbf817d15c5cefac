//! One test for each scenario, for a test target without libtest (`harness = false`).

use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use super::builder::Suite;
use super::prepared::{Prepared, left_out};
use super::{Entry, SuiteError};
use crate::model::run::{RunResult, ScenarioResult};
use crate::model::verdict::{Outcome, Verdict};

/// The exit codes that are not libtest's (sysexits.h): a mistake of the user's, and a fault elsewhere.
const USAGE: u8 = 64;
const SOFTWARE: u8 = 70;

impl Suite {
    /// The whole `main` of a test target with one test for each scenario, by the scenario's name. It takes
    /// the arguments of any test program: a filter, `--exact`, `--skip`, `--list`, `--test-threads`.
    ///
    /// ```no_run
    /// // tests/scenarios.rs, with `harness = false` in Cargo.toml
    /// fn main() -> std::process::ExitCode {
    ///     cachestorm::Suite::builtin().client("tests/client.toml").main()
    /// }
    /// ```
    pub fn main(self) -> ExitCode {
        let mut arguments = Arguments::from_args();
        match self.prepare() {
            Ok(prepared) => {
                let prepared = Arc::new(prepared);
                run_trials(&mut arguments, &[Arc::clone(&prepared)], prepared.trials())
            }
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::from(USAGE)
            }
        }
    }
}

/// Runs trials as a test program does, and writes the report of each suite that they belong to. Where the
/// arguments do not say how many run at a time, it is twice as many as there are processors, or what
/// [`Suite::jobs`] says: much of a trial is waiting.
pub fn run_trials(
    arguments: &mut Arguments,
    suites: &[Arc<Prepared>],
    trials: Vec<Trial>,
) -> ExitCode {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let jobs = suites.iter().find_map(|suite| suite.jobs);
    arguments.test_threads.get_or_insert(jobs.unwrap_or(2 * cores));
    let conclusion = libtest_mimic::run(arguments, trials);
    for suite in suites.iter().filter(|suite| suite.has_results()) {
        match suite.report() {
            // Only a failure is worth a word: whoever looks for a cause needs the way.
            Ok(report) if conclusion.has_failed() => {
                eprintln!(
                    "The reports of {} are in {}.",
                    suite.client().name,
                    report.folder().display()
                );
            }
            Ok(_) => {}
            Err(error) => {
                eprintln!("error: the reports could not be written: {error}");
                return ExitCode::from(SOFTWARE);
            }
        }
    }
    conclusion.exit_code()
}

impl Prepared {
    /// One trial for each scenario, by its name with `::` for `/`. It fails unless every repetition passes:
    /// what proved nothing has not. One that is skipped is ignored, with the reason, and fails where the
    /// suite is strict.
    pub fn trials(self: &Arc<Self>) -> Vec<Trial> {
        let run = self.entries.iter().map(|entry| {
            let passes = |_: &str, verdict: &Verdict| match verdict.outcome {
                Outcome::Pass => Ok(()),
                outcome => Err(format!("is {outcome}")),
            };
            self.trial("", entry, passes)
        });
        let left_out = self.excluded.iter().map(|(entry, reason)| {
            let (suite, entry, reason) = (Arc::clone(self), entry.clone(), reason.clone());
            Trial::ignorable_test(name(&entry), move || {
                let result = left_out(&entry, &reason);
                suite.add(result.clone());
                suite.completion(&result)
            })
        });
        run.chain(left_out).collect()
    }

    /// The trial of one scenario, whose verdicts `check` judges: it gets the scenario's name, and says what is wrong.
    /// `prefix` is put before the name.
    pub fn trial(
        self: &Arc<Self>,
        prefix: &str,
        entry: &Entry,
        check: impl Fn(&str, &Verdict) -> Result<(), String> + Send + Sync + 'static,
    ) -> Trial {
        let (suite, entry) = (Arc::clone(self), entry.clone());
        Trial::ignorable_test(format!("{prefix}{}", name(&entry)), move || {
            let mut completion = Completion::Completed;
            for repetition in 1..=suite.options.repeat {
                let result = suite
                    .run_once(&entry, repetition)
                    .map_err(|error: SuiteError| Failed::from(error.to_string()))?;
                let wrong = match &result.result {
                    RunResult::Skipped(_) => {
                        completion = suite.completion(&result)?;
                        continue;
                    }
                    RunResult::Invalid(text) | RunResult::HarnessFault(text) => Err(text.clone()),
                    RunResult::Judged(verdict) => check(&entry.name, verdict),
                };
                wrong.map_err(|why| Failed::from(suite.explain(&result, &why)))?;
            }
            Ok(completion)
        })
    }

    /// What a trial comes to whose scenario was skipped.
    fn completion(&self, result: &ScenarioResult) -> Result<Completion, Failed> {
        let RunResult::Skipped(reason) = &result.result else { return Ok(Completion::Completed) };
        if self.strict {
            return Err(format!("skipped, and skips count in a strict suite: {reason}").into());
        }
        Ok(Completion::ignored_with(reason))
    }
}

fn name(entry: &Entry) -> String {
    entry.name.replace('/', "::")
}
