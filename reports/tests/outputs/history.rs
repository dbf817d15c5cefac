//! The history of one record.

use cachestorm_model::record::{ExitStatus, Record, Sighting};
use cachestorm_model::verdict::{Invariant, Outcome, Verdict};
use cachestorm_reports::show::show;
use cachestorm_reports::style::Options;

use crate::samples::{every_event, exited, failing, record, released, verdict};

fn plain(record: &Record, verdict: &Verdict, limit: usize) -> String {
    show(record, verdict, &Options::plain(), limit)
}

fn broken() -> Verdict {
    let mut verdict = failing(&[
        (
            Invariant::NoPartialFile,
            "At 0.054 s providers.json held 8192 of the 16384 bytes of catalogue 1, written by c01, which \
             an injection killed.",
            &[13, 17],
        ),
        (
            Invariant::TruthfulExit,
            "c03 failed with exit code 1, and no injected fault explains it.",
            &[17, 23],
        ),
    ]);
    verdict.invariants[Invariant::Freshness as usize].indeterminate = 2;
    verdict
}

#[test]
fn every_kind_of_event_in_plain_words() {
    insta::assert_snapshot!("show", plain(&every_event(), &broken(), usize::MAX));
}

#[test]
fn a_long_record_says_what_it_leaves_out() {
    let mut events: Vec<_> = (1..=200).map(released).collect();
    events
        .extend((1..=200).map(|client| exited(client, ExitStatus::Code(0), Sighting::Absent, "")));
    events[150] = exited(151, ExitStatus::Code(7), Sighting::Absent, "no such file");
    let verdict = failing(&[(Invariant::TruthfulExit, "c101 broke it.", &[300, 4_000])]);
    let text = plain(&record("Two hundred clients.", events), &verdict, 8);
    insta::assert_snapshot!("show-long", text);
}

#[test]
fn a_record_without_events_is_no_accident() {
    let mut verdict = verdict(Outcome::Inconclusive);
    verdict.reasons.push("The harness was interrupted before the first wave.".to_owned());
    let text = plain(&record("Nothing happens.", Vec::new()), &verdict, 10);
    assert!(text.contains("- The harness was interrupted before the first wave."), "{text}");
}

#[test]
fn styles_change_nothing_but_styles() {
    let styled = show(&every_event(), &broken(), &Options::default(), 20);
    let stripped = anstream::adapter::strip_str(&styled).to_string();
    assert_ne!(styled, stripped);
    assert_eq!(stripped, plain(&every_event(), &broken(), 20));
}
