//! The run as JUnit XML, the format that CI systems read.
//!
//! A test suite is a theme, a test case is one repetition of one scenario. Every result becomes a test
//! case, whatever became of it: a scenario that could not be read is an error and not an absence.
//! What proved nothing is a failure of type `vacuous`, because JUnit has no word for it and a pass
//! would be a lie.
//!
//! There is no one format. What is written here is what its readers have in common, and what each of them needs:
//!
//! - elements stand in the order of the schema of Jenkins's xUnit plugin (`junit-10.xsd`): properties, result,
//!   output;
//! - Jenkins files a case under the package and the class that stand before and after the last dot of its
//!   class name: these are the client and the theme, so that several clients in one build stay apart;
//! - GitLab knows a case again by its suite's, its class's and its own name, shows the text of `failure`, `error`
//!   and `skipped` (never their attributes) with `system-out` below it, and links to `file`, a path from the
//!   root of the repository;
//! - `line` is what the annotating readers of GitHub take beside `file`.
//!
//! Sources: that schema; Jenkins's junit plugin, `CaseResult` and `SuiteResult`; GitLab,
//! `lib/gitlab/ci/parsers/test/junit.rb`.

use std::cell::Cell;
use std::time::Duration;

use cachestorm_model::record::Record;
use cachestorm_model::run::{Run, ScenarioResult};
use cachestorm_model::verdict::Outcome;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::ReportError;
use crate::counts::Status;
use crate::show::show;
use crate::statement::{Statement, statements, witness_line};
use crate::style::Options;
use crate::summary::{Scenario, Theme, figures, short_name, themes, verdict};
use crate::text;

/// The most events of one history.
const EVENTS: usize = 80;

/// The most histories in one report: CI systems refuse files of some tens of megabytes.
const HISTORIES: usize = 200;

/// The report without the histories of what failed, with its XML declaration.
///
/// # Errors
/// None that the data can cause; the serialiser's are passed on.
pub fn render(run: &Run) -> Result<String, ReportError> {
    render_with(run, &|_| None)
}

/// The report with the history of each repetition that was judged and did not pass. `record` reads a record by its
/// path in the run's folder; without it the history is left out, and its place is named.
///
/// # Errors
/// As [`render`].
pub fn render_with(
    run: &Run,
    record: &dyn Fn(&str) -> Option<Record>,
) -> Result<String, ReportError> {
    let histories = Histories { record, left: Cell::new(HISTORIES) };
    let mut report = Report::new("cachestorm");
    report.set_time(Duration::from_millis(run.duration_ms));
    report.add_test_suites(themes(run).iter().map(|theme| suite(run, theme, &histories)));
    Ok(report.to_string()?)
}

/// The histories of what did not pass, as many as a report takes.
struct Histories<'a> {
    record: &'a dyn Fn(&str) -> Option<Record>,
    left: Cell<usize>,
}

impl Histories<'_> {
    /// What happened, event by event, of a repetition that was judged and did not pass.
    fn of(&self, result: &ScenarioResult) -> Option<String> {
        let verdict = verdict(result).filter(|verdict| verdict.outcome != Outcome::Pass)?;
        let path = result.record.as_deref()?;
        let left_out = || Some(format!("The history is in {path}.\n"));
        if self.left.get() == 0 {
            return left_out();
        }
        let Some(record) = (self.record)(path) else { return left_out() };
        self.left.set(self.left.get() - 1);
        Some(show(&record, verdict, &Options::plain(), EVENTS))
    }
}

fn suite(run: &Run, theme: &Theme<'_>, histories: &Histories<'_>) -> TestSuite {
    let mut suite = TestSuite::new(theme.name);
    let time = theme.scenarios.iter().map(Scenario::duration_ms).sum();
    suite.set_time(Duration::from_millis(time));
    suite.extra.insert("timestamp".into(), run.started.as_str().into());
    let mut properties = vec![("run", run.id.clone()), ("client", run.client.clone())];
    properties.push(("seed", run.seed.to_string()));
    if let Some(plan) = &run.plan {
        properties.push(("version", plan.version.clone()));
        properties.push(("shard", plan.shard.to_string()));
        properties.extend(plan.parts.iter().map(|part| ("joined", part.id.clone())));
    }
    for (name, value) in properties {
        suite.add_property((name, value.as_str()));
    }
    for scenario in &theme.scenarios {
        suite.add_test_cases(
            scenario.results.iter().map(|it| case(run, theme.name, scenario, it, histories)),
        );
    }
    suite
}

fn case(
    run: &Run,
    theme: &str,
    scenario: &Scenario<'_>,
    result: &ScenarioResult,
    histories: &Histories<'_>,
) -> TestCase {
    let name = match scenario.repetitions() {
        1 => short_name(scenario.name).to_owned(),
        _ => format!("{} (repetition {})", short_name(scenario.name), result.repetition),
    };
    let mut case = TestCase::new(name, status(result));
    case.set_classname(format!("{}.{theme}", run.client));
    case.set_time(Duration::from_millis(result.duration_ms));
    if let Some(file) = &result.file {
        case.extra.insert("file".into(), file.as_str().into());
        if let Some(line) = result.line {
            case.extra.insert("line".into(), line.to_string().into());
        }
    }
    for (name, value) in properties(run, result) {
        case.add_property((name, value));
    }
    let mut output = output(result);
    if let Some(history) = histories.of(result) {
        output.push('\n');
        output.push_str(&history);
    }
    if !output.is_empty() {
        case.set_system_out(output);
    }
    case
}

fn status(result: &ScenarioResult) -> TestCaseStatus {
    let told = statements(result);
    let status = Status::of(result);
    let mut case = match status {
        Status::Pass => return TestCaseStatus::success(),
        Status::Skipped => TestCaseStatus::skipped(),
        Status::Fail | Status::Vacuous => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Status::Inconclusive | Status::Invalid | Status::HarnessFault => {
            TestCaseStatus::non_success(NonSuccessKind::Error)
        }
    };
    case.set_type(status.as_str());
    case.set_message(told.first().map(Statement::line).unwrap_or_default());
    case.set_description(told.iter().map(|told| told.paragraph() + "\n").collect::<String>());
    case
}

fn properties(run: &Run, result: &ScenarioResult) -> Vec<(String, String)> {
    let mut properties = vec![
        ("seed".to_owned(), run.seed.to_string()),
        ("client".to_owned(), run.client.clone()),
        ("repetition".to_owned(), result.repetition.to_string()),
    ];
    if let Some(record) = &result.record {
        properties.push(("record".to_owned(), record.clone()));
    }
    if let Some(verdict) = verdict(result) {
        let measures = figures(&verdict.measures);
        properties.extend(
            measures.iter().map(|(name, value)| (format!("measure.{name}"), value.to_string())),
        );
    }
    properties
}

/// What the scenario is about, why its verdict is what it is, and what it was judged on.
fn output(result: &ScenarioResult) -> String {
    let mut lines = vec![result.summary.clone()];
    if let Some(verdict) = verdict(result) {
        lines.extend(verdict.reasons.iter().cloned());
        lines.extend(verdict.witnesses.iter().map(|w| format!("witness {}", witness_line(w))));
        for report in &verdict.invariants {
            let evaluations = text::counted(report.evaluations, "evaluation");
            let why = report.not_evaluated.as_ref().or(report.witness.as_ref());
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            lines.push(format!("{}: {evaluations}{why}", report.invariant));
        }
    }
    let lines = lines.iter().filter(|line| !line.is_empty());
    lines.map(|line| text::one_line(&text::clean(line)) + "\n").collect()
}
