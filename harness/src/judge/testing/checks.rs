//! What the tests of the judge check a story for.

use super::Story;
use crate::model::verdict::{Invariant, Verdict};

/// A verdict in a line: the outcome, and the invariants that were broken.
pub(in crate::judge) fn summary(verdict: &Verdict) -> String {
    let broken = verdict.invariants.iter().filter(|report| report.broken());
    let words: Vec<&str> = std::iter::once(verdict.outcome.as_str())
        .chain(broken.map(|report| report.invariant.as_str()))
        .collect();
    words.join(" ")
}

/// Checks the outcome and the broken invariants, such as `fail single-flight` or `pass`.
#[track_caller]
pub(in crate::judge) fn check(story: Story, expected: &str) {
    let verdict = story.verdict();
    let sentences: Vec<&str> = verdict
        .invariants
        .iter()
        .flat_map(|report| report.violations.iter().map(|it| it.sentence.as_str()))
        .chain(verdict.reasons.iter().map(String::as_str))
        .collect();
    assert_eq!(summary(&verdict), expected, "{sentences:#?}");
}

/// Checks the sentences of one invariant's violations, one a line.
#[track_caller]
pub(in crate::judge) fn check_sentences(story: Story, invariant: Invariant, expected: &[&str]) {
    let violations = story.report(invariant).violations;
    let sentences: Vec<&str> = violations.iter().map(|it| it.sentence.as_str()).collect();
    assert_eq!(sentences, expected);
}

/// Checks how often one invariant was evaluated, and how often it could not be.
#[track_caller]
pub(in crate::judge) fn check_counts(story: Story, invariant: Invariant, expected: (u32, u32)) {
    let report = story.report(invariant);
    assert_eq!((report.evaluations, report.indeterminate), expected);
}
