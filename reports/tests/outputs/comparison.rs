//! A run beside its baseline, as text.

use cachestorm_reports::comparison::{json, markdown, terminal};
use cachestorm_reports::html::{Beside, render, render_beside};
use cachestorm_reports::style::Options;

use crate::compared::{baseline, comparison};
use crate::samples::every_outcome;

#[test]
fn every_finding_is_told() {
    insta::assert_snapshot!("comparison", terminal(&comparison(), false, &Options::plain()));
    insta::assert_snapshot!("comparison-markdown", markdown(&comparison(), false).unwrap());
}

#[test]
fn json_reads_back() {
    let text = json(&comparison()).unwrap();
    let read: cachestorm_model::comparison::Comparison = serde_json::from_str(&text).unwrap();
    assert_eq!(read, comparison());
}

#[test]
fn the_html_report_holds_a_baseline_only_where_there_is_one() {
    let (baseline, comparison) = (baseline(), comparison());
    let beside = Beside { baseline: &baseline, comparison: &comparison };
    let html = render_beside(&every_outcome(), false, &[], Some(beside)).unwrap();
    assert!(html.contains("Beside baseline main"));
    assert!(html.contains("41 repetitions of each would show such a share"));
    assert!(!render(&every_outcome(), false, &[]).unwrap().contains("beside-title"));
}
