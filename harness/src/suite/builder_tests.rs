//! Suites that run no process.

use super::*;
use crate::model::run::RunOutcome;

/// A description that meets every check.
fn described() -> Client {
    Client::new("own", ["own", "{catwalk_url}", "{cache_dir}", "{ttl}"], "own/data.json")
}

fn suite() -> Suite {
    Suite::builtin().client(described())
}

#[track_caller]
fn fails(suite: Suite, parts: &[&str]) {
    let error = suite.prepare().unwrap_err().to_string();
    for part in parts {
        assert!(error.contains(part), "\"{part}\" is not in: {error}");
    }
}

#[test]
fn mistakes_are_told_before_anything_runs() {
    fails(Suite::builtin(), &["`Suite::client`"]);
    fails(
        Suite::builtin().client("refrence"),
        &["no client is called \"refrence\"", "did you mean"],
    );
    fails(Suite::of("/no/such/folder").client(described()), &["cannot be read"]);
    fails(suite().only(["ttl/fresh-hti"]), &["did you mean \"ttl/fresh-hit\"?"]);
    fails(suite().only(["ttl"]).except("crash", "why"), &["no scenario is called \"crash\""]);
    let deaf = Client::new("deaf", ["deaf", "{cache_dir}"], "data.json");
    fails(
        suite().client(deaf),
        &["the client made in code", "the client could never reach the mock server"],
    );
}

#[test]
fn scenarios_are_chosen_as_on_the_command_line_and_left_out_for_a_reason() {
    let suite = suite().only(["ttl", "crash/holder-*"]).except("ttl/fresh-hit", "it is too easy");
    let prepared = suite.prepare().unwrap();
    let names: Vec<_> = prepared.entries().iter().map(|entry| entry.name.as_str()).collect();
    assert!(
        names.contains(&"crash/holder-killed") && names.contains(&"ttl/one-by-one"),
        "{names:?}"
    );
    assert!(!names.contains(&"ttl/fresh-hit"), "{names:?}");
    assert_eq!(prepared.excluded.len(), 1);
}

#[test]
fn the_program_stands_for_the_word_that_the_description_calls_it_by() {
    let mut client = described();
    client.commands.insert("update".to_owned(), vec!["own".to_owned(), "up".to_owned()]);
    client.commands.insert("other".to_owned(), vec!["sh".to_owned(), "own".to_owned()]);
    with_program(&mut client, "/built/own");
    assert_eq!(client.command[0], "/built/own");
    assert_eq!(client.commands["update"], ["/built/own", "up"]);
    assert_eq!(client.commands["other"], ["sh", "own"]);
}

#[test]
fn what_was_left_out_is_counted_and_alone_is_no_pass() {
    let base = tempfile::tempdir().unwrap();
    let all_left_out = suite().only(["ttl/fresh-hit"]).except("ttl/fresh-hit", "no server here");
    let report = all_left_out.output(base.path()).run();
    assert_eq!(report.outcome(), RunOutcome::Skipped);
    assert!(report.failure().contains("left out: no server here"), "{}", report.failure());
    assert!(report.folder().join("report.html").is_file());
}

#[test]
#[should_panic(expected = "the suite could not be run: no scenario is called \"nothing\"")]
fn a_suite_that_cannot_be_run_panics() {
    let _ = suite().only(["nothing"]).run();
}

#[test]
#[should_panic(expected = "exit code 64: no scenario was run")]
fn a_suite_of_nothing_does_not_pass() {
    let base = tempfile::tempdir().unwrap();
    let nothing = Suite::empty().client(described()).output(base.path());
    nothing.run().assert_pass();
}
