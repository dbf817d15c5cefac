//! The line of a scenario file that tells most about a result, for whoever puts the result beside the file.

use std::path::Path;

use super::text::read::parse_document;
use super::text::{Node, Source};
use crate::model::run::RunResult;
use crate::model::verdict::{Invariant, Outcome, Verdict, Witness};
use crate::scenario::load::Entry;

/// The line, counted from 1; `None` where the entry has no file, or the file cannot be read any more.
pub fn line_of(entry: &Entry, result: &RunResult) -> Option<u32> {
    let file = entry.file.as_deref()?;
    match &entry.scenario {
        Err(diagnostics) => {
            let first = diagnostics.problems().first()?;
            line_at(diagnostics.source(), first.span.start)
        }
        Ok(_) => line_in(file, result),
    }
}

fn line_in(file: &Path, result: &RunResult) -> Option<u32> {
    let source = Source::read(file).ok()?;
    let (document, problems) = parse_document(&source.text);
    if !problems.is_empty() {
        return None;
    }
    let root = Node::root(&document);
    let place = match result {
        RunResult::Judged(verdict) if verdict.outcome == Outcome::Fail => broken(&root, verdict),
        RunResult::Judged(verdict) if verdict.outcome == Outcome::Vacuous => {
            lacking(&root, verdict)
        }
        _ => None,
    };
    let place = place.unwrap_or_else(|| root.get("summary"));
    line_at(&source, place.span().start)
}

/// The word of the first broken invariant among those that the scenario is to prove, else what it expects.
fn broken<'a>(root: &Node<'a>, verdict: &Verdict) -> Option<Node<'a>> {
    let proves = proven(root);
    let of = |invariant: &Invariant| {
        let word = invariant.as_str();
        proves.iter().find(|(proved, _)| proved == word).map(|(_, place)| place.clone())
    };
    verdict.broken().iter().find_map(of).or_else(|| written(root.get("expect")))
}

/// What never happened: the injection that did not fire, the herd that did not contend, the invariant that was
/// not evaluated.
fn lacking<'a>(root: &Node<'a>, verdict: &Verdict) -> Option<Node<'a>> {
    let short = verdict.witnesses.iter().find(|witness| witness.observed < witness.required)?;
    if let Some(number) = injection(short) {
        return written(root.get("inject").at(number.checked_sub(1)?));
    }
    if let Some(invariant) = short.name.strip_suffix(" evaluated") {
        let place = proven(root).into_iter().find(|(proved, _)| proved == invariant);
        return place.map(|(_, place)| place);
    }
    written(root.get("clients"))
}

/// The number of the injection that a witness speaks of, counted from 1.
fn injection(witness: &Witness) -> Option<usize> {
    witness.name.strip_prefix("injection ")?.strip_suffix(" fired")?.parse().ok()
}

/// The words of `[expect] proves`, each with its place.
fn proven<'a>(root: &Node<'a>) -> Vec<(String, Node<'a>)> {
    let proves = root.get("expect").get("proves");
    let places = (0..).map(|index| proves.at(index)).take_while(Node::is_written);
    places.filter_map(|place| Some((place.text()?.to_owned(), place))).collect()
}

fn written(place: Node<'_>) -> Option<Node<'_>> {
    place.is_written().then_some(place)
}

fn line_at(source: &Source, offset: usize) -> Option<u32> {
    u32::try_from(source.position(offset).line).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::verdict::{InvariantReport, Measures, Violation};

    const TEXT: &str = "\
# A comment first.
summary = 'x'

[clients]
count = 3

[[inject]]
on = { request = 1 }
do = { kill = 'KILL' }

[[inject]]
on = { request = 2 }
do = { kill = 'KILL' }

[expect]
proves = [
    'single-flight',
    'freshness',
]
";

    fn verdict(outcome: Outcome, broken: &[Invariant], short: &[&str]) -> RunResult {
        let violation = Violation { sentence: "x".to_owned(), events: Vec::new() };
        let report = |invariant: Invariant| InvariantReport {
            violations: broken
                .iter()
                .filter(|it| **it == invariant)
                .map(|_| violation.clone())
                .collect(),
            ..InvariantReport::new(invariant)
        };
        let witness = |name: &&str| Witness { name: (*name).to_owned(), observed: 0, required: 1 };
        let enough = Witness { name: "clients ran".to_owned(), observed: 3, required: 1 };
        RunResult::Judged(Verdict {
            outcome,
            reasons: Vec::new(),
            invariants: Invariant::ALL.map(report).into(),
            witnesses: [enough].into_iter().chain(short.iter().map(witness)).collect(),
            measures: Measures::default(),
        })
    }

    /// Checks that a result of the scenario `text` points at the line that begins with `expected`.
    fn check(text: &str, result: &RunResult, expected: &str) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.toml");
        std::fs::write(&file, text).unwrap();
        let line = line_of(&Entry::read("x", &file), result).unwrap() as usize;
        let found = text.lines().nth(line - 1).unwrap().trim();
        assert!(found.starts_with(expected), "line {line}: {found}");
    }

    #[test]
    fn a_violation_points_at_the_invariant_that_was_to_be_proved() {
        let fail = |broken: &[Invariant]| verdict(Outcome::Fail, broken, &[]);
        check(TEXT, &fail(&[Invariant::Freshness]), "'freshness'");
        check(TEXT, &fail(&[Invariant::BoundedWait, Invariant::Freshness]), "'freshness'");
        check(TEXT, &fail(&[Invariant::BoundedWait]), "[expect]");
        check("\nsummary = 'x'", &fail(&[Invariant::BoundedWait]), "summary");
    }

    #[test]
    fn what_never_happened_is_pointed_at() {
        let vacuous = |short: &str| verdict(Outcome::Vacuous, &[], &[short]);
        check(
            &TEXT.replace("request = 2", "request = 22"),
            &vacuous("injection 2 fired"),
            "[[inject]]",
        );
        check(TEXT, &vacuous("contention"), "[clients]");
        check(TEXT, &vacuous("single-flight evaluated"), "'single-flight'");
        check("\nsummary = 'x'", &vacuous("contention"), "summary");
    }

    #[test]
    fn the_second_injection_is_not_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.toml");
        std::fs::write(&file, TEXT).unwrap();
        let line =
            |short| line_of(&Entry::read("x", &file), &verdict(Outcome::Vacuous, &[], &[short]));
        assert_eq!(line("injection 1 fired"), Some(7));
        assert_eq!(line("injection 2 fired"), Some(11));
    }

    #[test]
    fn everything_else_points_at_the_summary_and_a_mistake_at_itself() {
        check(TEXT, &verdict(Outcome::Inconclusive, &[], &[]), "summary");
        check(TEXT, &RunResult::HarnessFault("x".to_owned()), "summary");
        let invalid = RunResult::Invalid("x".to_owned());
        check(&TEXT.replace("count = 3", "cuont = 3"), &invalid, "cuont");
    }

    #[test]
    fn what_has_no_file_has_no_line() {
        let entry =
            Entry { name: "x".to_owned(), file: None, scenario: super::super::parse("x", TEXT) };
        assert_eq!(line_of(&entry, &verdict(Outcome::Fail, &[], &[])), None);
    }
}
