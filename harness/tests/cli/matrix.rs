//! `cachestorm matrix`, on few clients and scenarios.

use super::support::Place;

const WRONG: [&str; 2] = ["--clients", "no-stale"];

#[test]
fn a_wrong_client_that_is_caught_and_a_right_one_that_is_not_make_a_matrix() {
    let place = Place::empty();
    let clients = "no-stale,reference";
    let scenarios = ["staleness/server-down", "stampede/cold-herd", "ttl/fresh-hit"];
    let args = [&["matrix", "--clients", clients, "--write", "kept"][..], &scenarios].concat();
    place.cachestorm(&args).check(
        0,
        &[
            "caught no-stale stale-if-error 1/1; by staleness/server-down",
            "right reference nothing, in 3 runs of 3 scenarios",
            "1 of 1 wrong clients are caught (100 %)",
            "0 false alarms in 3 runs of 1 right client",
        ],
    );
    let before = place.read("kept/matrix.json");
    assert!(place.read("kept/matrix.md").contains("| no-stale |"));
    assert!(place.read("kept/matrix.html").contains("<td>no-stale</td>"));

    // Who is run again gets a new row, and the others keep theirs.
    let again = ["matrix", "--clients", "reference", "--write", "kept", "ttl/fresh-hit"];
    place.cachestorm(&again).check(0, &["nothing, in 1 run of 1 scenario"]);
    let after = place.read("kept/matrix.json");
    assert_ne!(before, after);
    assert!(after.contains("staleness/server-down") && after.contains("no-stale"));

    place.write("kept/matrix.json", "{}");
    place.cachestorm(&again).check(64, &["is no matrix; remove it"]);
}

#[test]
fn a_wrong_client_that_nothing_catches_is_a_violation() {
    let place = Place::empty();
    let harmless = [&["matrix"][..], &WRONG, &["stampede/cold-herd"]].concat();
    place.cachestorm(&harmless).check(1, &["missed no-stale", "1 MISSED"]);
    // Its expectations say nothing of this one.
    let other = [&["matrix"][..], &WRONG, &["ttl/one-by-one"]].concat();
    place.cachestorm(&other).check(1, &["nothing, in 0 runs of 0 scenarios"]);
    let all = [&["matrix", "--all"][..], &WRONG, &["ttl/one-by-one"]].concat();
    place.cachestorm(&all).check(1, &["nothing, in 1 run of 1 scenario"]);
}

#[test]
fn a_client_on_disk_without_expectations_is_taken_for_right() {
    let place = Place::new("", "exit 0");
    let args = ["matrix", "--clients", "client.toml", "--format", "markdown", "ttl/fresh-hit"];
    place.cachestorm(&args).check(1, &["**false alarm**"]);
}
