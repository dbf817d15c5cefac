//! The claims of the status report, measured by the program itself.

use serde_json::Value;

use super::support::Place;

const BEFORE: &str = "before-fix";
const REPORT: &str = "status-report";
const FETCH: &str = "status-report-fetch";
const REFERENCE: &str = "reference";

/// What must come out on a machine of any speed: a part of the claim, the client, the verdict (`None` where
/// nothing can be shown), and what is said with it. What hangs on the schedule is not here, such as whether
/// a kill between two system calls landed, and whether all get a lock within a second.
const CERTAIN: &[(&str, &str, Option<bool>, &str)] = &[
    ("14:1", BEFORE, Some(false), "14 requests"),
    ("14:1", REPORT, Some(false), "14 requests"),
    ("14:1", REFERENCE, Some(true), "1 request, 0 of 14 failed"),
    ("3 simultaneous", REFERENCE, Some(true), "3 of 3 succeed, file whole"),
    ("no partial writes", BEFORE, Some(false), "damaged sightings"),
    ("no partial writes", REPORT, Some(true), "0 damaged sightings"),
    ("no partial writes", FETCH, Some(true), "0 damaged sightings"),
    ("no partial writes", REFERENCE, Some(true), "0 damaged sightings"),
    ("a corrupted cache", REFERENCE, Some(true), "14 of 14 succeed"),
    ("no dangling lock", BEFORE, None, "the description of `before-fix` names none"),
    ("fetcher killed", BEFORE, Some(true), "the next process succeeds"),
    ("fetcher killed", REPORT, Some(true), "the next process succeeds"),
    ("fetcher killed", FETCH, Some(false), "the next process fails"),
    ("fetcher killed", REFERENCE, Some(true), "the next process succeeds"),
    ("graceful failure", BEFORE, None, "the description of `before-fix` names none"),
    ("graceful failure", REPORT, Some(false), "0 of 3 succeed"),
    ("graceful failure", FETCH, Some(false), "0 of 3 succeed"),
    ("error recovery", FETCH, Some(true), "the next process succeeds"),
    ("error recovery", BEFORE, Some(true), "the next process succeeds"),
    ("error recovery", REPORT, Some(true), "the next process succeeds"),
    ("error recovery", REFERENCE, Some(true), "the next process succeeds"),
    ("a stale cache", REFERENCE, Some(true), "14 of 14 get it, by 1 request"),
    ("a fresh cache", BEFORE, Some(false), "14 requests, file rewritten"),
    ("a fresh cache", REPORT, Some(true), "0 requests, file unchanged"),
    ("a fresh cache", FETCH, Some(true), "0 requests, file unchanged"),
    ("a fresh cache", REFERENCE, Some(true), "0 requests, file unchanged"),
    ("hit rate", BEFORE, Some(false), "0 % of 100 processes"),
    ("hit rate", REPORT, Some(false), "0 % of 100 processes"),
    ("hit rate", FETCH, Some(false), "0 % of 100 processes"),
    ("hit rate", REFERENCE, Some(true), "95 % of 100 processes"),
];

/// Measures one client and holds what is certain of it against the table in the README.
fn check(client: &str) {
    let place = Place::empty();
    let ended = place.cachestorm(&["claims", "--clients", client, "--format", "json"]);
    ended.check(0, &[]);
    let table: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(table["clients"], serde_json::json!([client]));
    let rows = table["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 11);
    let readme = include_str!("../../../README.md");
    let header = readme.lines().find(|line| line.starts_with("| claim |")).unwrap();
    let column = header.split(" | ").position(|it| it.trim_matches(['|', ' ']) == client).unwrap();
    for (claim, _, holds, said) in CERTAIN.iter().filter(|certain| certain.1 == client) {
        let row = rows.iter().find(|row| row["claim"].as_str().unwrap().contains(claim)).unwrap();
        let cell = &row["cells"][0];
        assert_eq!(cell["holds"].as_bool(), *holds, "{claim}: {cell}");
        assert!(cell.to_string().contains(said), "{claim}: {cell}");

        let word = holds.map_or("not shown", |holds| if holds { "holds" } else { "refuted" });
        let row = format!("| {} |", row["claim"].as_str().unwrap());
        let row = readme.lines().find(|line| line.starts_with(&row)).unwrap();
        let shown = row.split(" | ").nth(column).unwrap();
        assert!(shown.contains(&format!("**{word}**")), "{claim}: {shown}");
    }
    // What the figures were read off is kept.
    place.cachestorm(&["show", "latest", "claims/hit-rate"]).check(0, &["c100", "single-flight"]);
}

#[test]
fn what_the_program_before_the_fix_comes_to_stands_in_the_readme() {
    check(BEFORE);
}

#[test]
fn what_the_fix_to_the_letter_comes_to_stands_in_the_readme() {
    check(REPORT);
}

#[test]
fn what_the_fix_with_the_fetch_under_the_lock_comes_to_stands_in_the_readme() {
    check(FETCH);
}

#[test]
fn what_the_reference_comes_to_stands_in_the_readme() {
    check(REFERENCE);
}
