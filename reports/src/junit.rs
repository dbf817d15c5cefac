//! The run as JUnit XML, the format that CI systems read.
//!
//! A test suite is a theme, a test case is one repetition of one scenario. Every result becomes a test
//! case, whatever became of it: a scenario that could not be read is an error and not an absence.
//! What proved nothing is a failure of type `vacuous`, because JUnit has no word for it and a pass
//! would be a lie.

use std::time::Duration;

use cachestorm_model::run::{Run, ScenarioResult};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::ReportError;
use crate::counts::Status;
use crate::statement::{Statement, statements, witness_line};
use crate::summary::{Scenario, Theme, figures, short_name, themes, verdict};
use crate::text;

/// The report, with its XML declaration.
///
/// # Errors
/// None that the data can cause; the serialiser's are passed on.
pub fn render(run: &Run) -> Result<String, ReportError> {
    let mut report = Report::new("cachestorm");
    report.set_time(Duration::from_millis(run.duration_ms));
    report.add_test_suites(themes(run).iter().map(|theme| suite(run, theme)));
    Ok(report.to_string()?)
}

fn suite(run: &Run, theme: &Theme<'_>) -> TestSuite {
    let mut suite = TestSuite::new(theme.name);
    let time = theme.scenarios.iter().map(Scenario::duration_ms).sum();
    suite.set_time(Duration::from_millis(time));
    for (name, value) in [("run", &run.id), ("started", &run.started), ("client", &run.client)] {
        suite.add_property((name, value.as_str()));
    }
    for scenario in &theme.scenarios {
        suite.add_test_cases(
            scenario.results.iter().map(|result| case(run, theme.name, scenario, result)),
        );
    }
    suite
}

fn case(run: &Run, theme: &str, scenario: &Scenario<'_>, result: &ScenarioResult) -> TestCase {
    let name = match scenario.repetitions() {
        1 => short_name(scenario.name).to_owned(),
        _ => format!("{} (repetition {})", short_name(scenario.name), result.repetition),
    };
    let mut case = TestCase::new(name, status(result));
    case.set_classname(theme);
    case.set_time(Duration::from_millis(result.duration_ms));
    if let Some(file) = &result.file {
        case.extra.insert("file".into(), file.as_str().into());
    }
    for (name, value) in properties(run, result) {
        case.add_property((name, value));
    }
    let output = output(result);
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
    if status != Status::Skipped {
        case.set_description(told.iter().map(|told| told.paragraph() + "\n").collect::<String>());
    }
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
