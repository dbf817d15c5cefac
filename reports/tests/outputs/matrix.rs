//! The kill matrix.

use std::collections::BTreeMap;

use cachestorm_model::matrix::{Cell, Matrix, Row};
use cachestorm_model::verdict::{Invariant, Outcome};
use cachestorm_reports::matrix::{html, json, markdown, terminal};
use cachestorm_reports::style::Options;

fn cell(scenario: &str, runs: u32, broke: &[(Invariant, u32)]) -> Cell {
    let caught = broke.iter().map(|(_, times)| *times).max().unwrap_or(0);
    let broke = broke.iter().copied().collect();
    Cell { scenario: scenario.to_owned(), runs, caught, broke, ..Cell::default() }
}

fn row(client: &str, bug: Option<&str>, cells: Vec<Cell>) -> Row {
    Row { client: client.to_owned(), bug: bug.map(str::to_owned), not_caught: None, cells }
}

/// Every kind of row: caught, not caught yet, missed, right, and a right client that was accused.
fn matrix() -> Matrix {
    use Invariant::{MutualExclusion, NoPartialFile, SingleFlight};
    let herd = &[(SingleFlight, 3), (MutualExclusion, 3)][..];
    let scenarios =
        ["stampede/cold-herd", "ttl/five-windows", "crash/all-killed", "cache/a", "cache/b"];
    let everywhere = scenarios.map(|name| cell(name, 3, herd)).to_vec();
    let torn = vec![
        cell("crash/fetcher-killed", 3, &[(NoPartialFile, 1)]),
        cell("network/stalled-body", 3, &[(NoPartialFile, 3)]),
    ];
    let mut later = row("no-fsync", Some("it does not | sync"), vec![cell("ttl/one", 1, &[])]);
    later.not_caught = Some("needs the power engine".to_owned());
    let mut unsure = cell("ttl/one", 2, &[]);
    unsure.unproven = BTreeMap::from([(Outcome::Vacuous, 1), (Outcome::Skipped, 1)]);
    unsure.faults = vec!["the harness panicked: no reason".to_owned()];
    let mut skipped = cell("cache/watchers", 0, &[]);
    skipped.unproven = BTreeMap::from([(Outcome::Skipped, 5)]);
    Matrix::new(vec![
        row("lock-elsewhere", Some("each process has a lock of its own"), everywhere),
        row("in-place", Some("the published file is written <in place>"), torn),
        later,
        row("well-hidden", Some("nobody knows"), vec![unsure]),
        row("reference", None, vec![cell("ttl/one", 500, &[]), cell("ttl/two", 500, &[]), skipped]),
        row("accused", None, vec![cell("ttl/one", 5, &[(SingleFlight, 1)])]),
    ])
}

#[test]
fn for_a_terminal() {
    insta::assert_snapshot!("matrix", terminal(&matrix(), &Options::plain()));
}

#[test]
fn as_markdown() {
    insta::assert_snapshot!("matrix-markdown", markdown(&matrix()).unwrap());
}

#[test]
fn as_html() {
    insta::assert_snapshot!("matrix-html", html(&matrix()).unwrap());
}

#[test]
fn json_is_read_again_as_what_it_was() {
    let text = json(&matrix()).unwrap();
    assert_eq!(serde_json::from_str::<Matrix>(&text).unwrap(), matrix());
}
