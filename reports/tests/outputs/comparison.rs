//! A run beside its baseline, as text.

use cachestorm_reports::comparison::{json, markdown, terminal};
use cachestorm_reports::style::Options;

use crate::compared::comparison;

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
