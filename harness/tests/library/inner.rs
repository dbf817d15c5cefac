//! Tests that another test starts in a program of their own, to see from outside what they do to it.

use std::env;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use cachestorm::Suite;
use cachestorm::model::client::Client;

use super::suite;

/// The variable with the folder for runs.
pub const FOLDER: &str = "LIBRARY_TEST_FOLDER";

#[test]
#[ignore = "started by a_skip_is_told_even_by_a_test_that_passes_and_may_count"]
fn passes_with_a_skip() {
    let (suite, _base) = suite("reference", "ttl/fresh-hit");
    suite.only(["ttl/one-by-one"]).except("ttl/one-by-one", "the reason").run().assert_pass();
}

#[test]
#[ignore = "started by a_skip_is_told_even_by_a_test_that_passes_and_may_count"]
fn fails_for_a_skip_where_it_is_strict() {
    let (suite, _base) = suite("reference", "ttl/fresh-hit");
    let suite = suite.only(["ttl/one-by-one"]).except("ttl/one-by-one", "the reason");
    suite.strict().run().assert_pass();
}

/// A suite whose only client stays, with a child in its group and one outside.
fn staying() -> Suite {
    let script = "sleep 600 & setsid sleep 600 & : > \"$HOME/ready\"; exec sleep 600";
    let words = ["sh", "-c", script, "{catwalk_url}", "{cache_dir}", "{ttl}"];
    let folder = PathBuf::from(env::var_os(FOLDER).expect("the folder"));
    let scenario = folder.join("one.toml");
    std::fs::write(&scenario, "summary = 'x'").unwrap();
    Suite::of(scenario).client(Client::new("stays", words, "published")).output(folder)
}

#[test]
#[ignore = "started by the tests in hygiene.rs"]
fn stays() {
    let _ = staying().run();
}

#[test]
#[ignore = "started by the tests in hygiene.rs"]
fn panics_beside_a_suite_that_stays() {
    let suite = staying();
    thread::spawn(move || suite.run().exit_code());
    let go = PathBuf::from(env::var_os(FOLDER).expect("the folder")).join("panic");
    while !go.exists() {
        thread::sleep(Duration::from_millis(5));
    }
    panic!("while a client lives");
}
