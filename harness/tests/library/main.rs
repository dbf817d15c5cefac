//! The crate as somebody else's tests use it, under libtest and without a `main` of its own.
//!
//! What a suite leaves behind when its test program ends badly is seen from outside: a test starts this
//! program again with one of the tests in [`inner`] alone.

#[cfg(target_os = "linux")]
mod hygiene;
mod inner;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Output};

use cachestorm::Suite;
use cachestorm::model::run::RunOutcome;
use tempfile::TempDir;

/// What holds the clients that come with cachestorm.
const HOLDER: [&str; 2] = [env!("CARGO_BIN_EXE_cachestorm"), "client"];

/// A suite against a client that comes with cachestorm, in a folder of its own.
fn suite(client: &str, scenario: &str) -> (Suite, TempDir) {
    let base = tempfile::tempdir().unwrap();
    let suite = Suite::builtin().client(client).cache_client(HOLDER).only([scenario]);
    (suite.output(base.path()), base)
}

/// The text of the panic of `assert_pass`.
fn panic_of(suite: Suite) -> String {
    let report = suite.run();
    let panic = catch_unwind(AssertUnwindSafe(|| report.assert_pass())).unwrap_err();
    panic.downcast_ref::<String>().expect("a text").clone()
}

/// This program again, with one test of [`inner`] alone.
fn again(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", &format!("inner::{test}")]);
    command
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn a_right_client_passes_and_leaves_its_reports() {
    let (suite, _base) = suite("reference", "ttl/fresh-hit");
    let report = suite.repeat(2).seed(5).run();
    report.assert_pass();
    assert_eq!((report.outcome(), report.exit_code()), (RunOutcome::Pass, 0));
    assert_eq!(report.of("ttl/fresh-hit").count(), 2);
    assert_eq!(report.run().seed, 5);
    for file in ["run.json", "report.html", "junit.xml", "records/ttl/fresh-hit.2.json"] {
        assert!(report.folder().join(file).is_file(), "{file}");
    }
}

#[test]
fn a_violation_is_told_with_its_sentences_and_the_way_to_the_record() {
    let (suite, base) = suite("refreshes-every-time", "ttl/fresh-hit");
    let text = panic_of(suite.seed(42));
    let folder = base.path().display().to_string();
    for part in [
        "refreshes-every-time: 0 passed, 1 failed of 1 scenario; exit code 1: an invariant was violated.",
        "single-flight\n",
        "fetched catalogue",
        &format!("Report   {folder}/"),
        "/report.html\n",
        &format!("History  cachestorm show {folder}/"),
        " ttl/fresh-hit\n",
        "Seed     42",
    ] {
        assert!(text.contains(part), "\"{part}\" is not in:\n{text}");
    }
}

#[test]
fn what_proves_nothing_does_not_pass() {
    let base = tempfile::tempdir().unwrap();
    let file = base.path().join("never.toml");
    let text = "summary = 'x'\n[[inject]]\non = { removed = 'published' }\ndo = 'bump'";
    std::fs::write(&file, text).unwrap();
    let suite = Suite::of(file).client("reference").cache_client(HOLDER);
    let text = panic_of(suite.output(base.path().join("runs")));
    for part in ["1 vacuous", "exit code 3", "injection 1 (bump the catalogue) never fired"] {
        assert!(text.contains(part), "\"{part}\" is not in:\n{text}");
    }
}

#[test]
fn a_skip_is_told_even_by_a_test_that_passes_and_may_count() {
    let output = again("passes_with_a_skip").output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        told.contains("1 passed, 1 skipped") && told.contains("left out: the reason"),
        "{told}"
    );
    let output = again("fails_for_a_skip_where_it_is_strict").output().unwrap();
    assert_eq!(output.status.code(), Some(101), "{}", said(&output));
    assert!(said(&output).contains("skips count in a strict run"), "{}", said(&output));
}

#[test]
fn suites_that_begin_at_once_have_folders_of_their_own() {
    let base = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        let run = || {
            let (suite, _) = suite("reference", "ttl/fresh-hit");
            suite.output(base.path()).run().folder().to_owned()
        };
        let runs = [scope.spawn(run), scope.spawn(run), scope.spawn(run)];
        let mut folders: Vec<_> = runs.into_iter().map(|run| run.join().unwrap()).collect();
        folders.sort();
        folders.dedup();
        assert_eq!(folders.len(), 3);
    });
}
