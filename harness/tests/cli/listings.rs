//! The subcommands that only tell something.

use predicates::prelude::*;
use predicates::str::{contains, starts_with};

use super::support::Place;

fn check(args: &[&str], stdout: impl Predicate<str>) {
    let ended = Place::empty().cachestorm(args);
    ended.assert().code(0);
    assert!(stdout.eval(&ended.stdout), "{args:?}: {}", ended.stdout);
}

#[test]
fn scenarios_are_listed_with_their_summaries() {
    check(
        &["list"],
        contains("stampede/cold-herd ").and(contains("Fourteen clients start at once")),
    );
    let names = Place::empty().cachestorm(&["list", "--names"]).stdout;
    assert!(names.lines().any(|line| line == "ttl/fresh-hit"), "{names}");
    assert!(names.lines().is_sorted(), "{names}");
}

#[test]
fn clients_are_listed_with_their_summaries() {
    check(&["list", "--clients"], contains("reference ").and(contains("The reference cache")));
    let names = Place::empty().cachestorm(&["list", "--clients", "--names"]).stdout;
    assert!(names.lines().any(|line| line == "status-report"), "{names}");
    check(&["client", "--list"], contains("status-report").and(contains("no-recheck")));
}

#[test]
fn network_faults_are_listed_with_what_can_detect_them() {
    check(
        &["list", "--faults"],
        contains("garbage")
            .and(contains("truncate=close,1000B"))
            .and(contains("content    200 with []"))
            .and(contains("none       no ETag")),
    );
    let names = Place::empty().cachestorm(&["list", "--faults", "--names"]).stdout;
    assert!(names.lines().any(|line| line == "reset-after=1000B"), "{names}");
}

#[test]
fn completions_are_there_for_every_shell() {
    check(&["completions", "bash"], contains("_cachestorm() {"));
    check(&["completions", "zsh"], starts_with("#compdef cachestorm"));
    check(&["completions", "fish"], contains("complete -c cachestorm"));
}

#[test]
fn help_and_version_are_no_mistakes() {
    check(
        &["--help"],
        contains("Exit codes: 0 everything held").and(contains("Ctrl-C stops a run")),
    );
    check(&["--version"], starts_with("cachestorm "));
    check(&["run", "--help"], contains("--junit <FILE>"));
}

#[test]
fn a_reader_who_leaves_early_is_no_fault() {
    let place = Place::empty();
    for subcommand in ["list", "completions zsh", "--help"] {
        // The pipe is closed before anything is written.
        let mut shell = std::process::Command::new("sh");
        let program = env!("CARGO_BIN_EXE_cachestorm");
        let script = format!("exec 3>&1; {{ '{program}' {subcommand}; echo $? >&3; }} | :");
        shell.args(["-c", &script]).current_dir(place.file(""));
        let output = shell.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "0", "{subcommand}: {said}");
        assert!(!said.contains("panicked"), "{subcommand}: {said}");
    }
}

#[test]
fn a_client_inside_the_program_runs_by_itself() {
    let place = Place::empty();
    place.cachestorm(&["client"]).check(64, &["no strategy is given"]);
    place.cachestorm(&["client", "no-such"]).check(64, &["there is no strategy \"no-such\""]);
}
