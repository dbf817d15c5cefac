//! `cachestorm crash`: what a sweep finds, every time. These need Linux on x86-64, and elsewhere the command
//! says so.

use std::collections::BTreeMap;

use cachestorm::model::sweep::Sweep;
use cachestorm::model::verdict::Invariant;

use super::support::Place;

/// The invariants that each run of a sweep broke, by the run's name.
fn swept(place: &Place) -> BTreeMap<String, Vec<Invariant>> {
    let sweeps: Vec<Sweep> =
        serde_json::from_str(&place.read("target/cachestorm/latest/sweep.json")).unwrap();
    let cases = sweeps.into_iter().flat_map(|sweep| sweep.cases);
    cases.map(|case| (case.name, case.broken)).collect()
}

fn can_trace(place: &Place) -> bool {
    match cachestorm::trace::lacks() {
        None => true,
        Some(why) => {
            place.cachestorm(&["crash"]).check(4, &["skipped"]);
            cachestorm::suite::skip(why);
            false
        }
    }
}

#[test]
fn a_lock_that_is_a_file_blocks_everybody_wherever_its_holder_is_killed() {
    let place = Place::empty();
    if !can_trace(&place) {
        return;
    }
    let args = ["crash", "--client", "status-report", "--scenario", "sweep/cold", "--kills-only"];
    place.cachestorm(&args).check(1, &["status-report at every call of sweep/cold"]);
    let first = swept(&place);
    let blocks = |name: &str| first[name].contains(&Invariant::NoBlockingLeftover);
    assert!(first["sweep/cold/undisturbed"].is_empty());
    for blocked in [
        "sweep/cold/open-lock-1/killed-after",
        "sweep/cold/write-temp-1/killed-before",
        "sweep/cold/rename-published-1/killed-before",
        "sweep/cold/rename-published-1/killed-after",
        "sweep/cold/unlink-lock-1/killed-before",
    ] {
        assert!(blocks(blocked), "{blocked}: {first:?}");
    }
    for free in ["sweep/cold/open-lock-1/killed-before", "sweep/cold/unlink-lock-1/killed-after"] {
        assert!(!blocks(free), "{free}: {first:?}");
    }
    // A sweep finds the same each time.
    place.cachestorm(&args).check(1, &[]);
    assert_eq!(swept(&place), first);
}

#[test]
fn a_write_error_that_nobody_looks_at_is_found_by_failing_that_write() {
    let place = Place::empty();
    if !can_trace(&place) {
        return;
    }
    let args = ["crash", "--client", "write-error-ignored", "--scenario", "sweep/cold"];
    let args = [&args[..], &["--failures-only", "--pairs", "4", "--write", "kept"]].concat();
    place.cachestorm(&args).check(1, &["no-partial-file"]);
    let swept = swept(&place);
    for error in ["ENOSPC", "EDQUOT", "EIO"] {
        let broken = &swept[&format!("sweep/cold/write-temp-1/{error}")];
        assert_eq!(*broken, [Invariant::NoPartialFile], "{error}");
    }
    assert!(swept.keys().any(|name| name.starts_with("sweep/cold/pairs/")));
    assert!(place.read("kept/crash.md").contains("no-partial-file at write-temp-1/ENOSPC"));
}

#[test]
fn what_closing_could_not_keep_is_published_by_who_does_not_look() {
    let place = Place::empty();
    if !can_trace(&place) {
        return;
    }
    let args = ["crash", "--client", "close-error-ignored", "--scenario", "sweep/cold"];
    let args = [&args[..], &["--failures-only", "--pairs", "0"]].concat();
    place.cachestorm(&args).check(1, &["the published path held 0 bytes", "had failed to be closed at"]);
    let broken: Vec<_> =
        swept(&place).into_iter().filter(|(_, broken)| !broken.is_empty()).collect();
    let partial =
        |error: &str| (format!("sweep/cold/close-temp-1/{error}"), vec![Invariant::NoPartialFile]);
    // Not at EINTR, which loses nothing.
    assert_eq!(broken, [partial("EDQUOT"), partial("EIO")]);
    let show = ["show", "latest", "sweep/cold/close-temp-1/EIO"];
    place.cachestorm(&show).check(0, &["bytes that were not synced"]);
}

#[test]
fn what_killed_writers_leave_piles_up_where_every_round_is_killed_alike() {
    let place = Place::empty();
    if !can_trace(&place) {
        return;
    }
    let args = ["crash", "--client", "temp-leak", "--scenario", "sweep/rounds", "--kills-only"];
    place.cachestorm(&args).check(1, &["bounded-residue"]);
    let swept = swept(&place);
    let broken = &swept["sweep/rounds/rename-published-1/killed-before"];
    assert_eq!(*broken, [Invariant::BoundedResidue]);
}

#[test]
fn a_file_that_is_removed_before_its_successor_has_the_name_is_lost_between_the_two() {
    let place = Place::empty();
    if !can_trace(&place) {
        return;
    }
    let args = ["crash", "--client", "replaces-in-two-steps", "--kills-only"];
    let args = [&args[..], &["--scenario", "sweep/server-lost"]].concat();
    place.cachestorm(&args).check(1, &["until a client removed it"]);
    let broken: Vec<_> =
        swept(&place).into_iter().filter(|(_, broken)| !broken.is_empty()).collect();
    let lost = |name: &str| (format!("sweep/server-lost/{name}"), vec![Invariant::StaleIfError]);
    assert_eq!(
        broken,
        [lost("rename-published-1/killed-before"), lost("unlink-published-1/killed-after")]
    );
}

#[test]
fn who_says_nothing_of_an_old_catalogue_is_found_by_failing_its_calls_of_the_network() {
    let place = Place::empty();
    if !can_trace(&place) {
        return;
    }
    let args = ["crash", "--client", "silent-stale", "--scenario", "sweep/expired"];
    let args = [&args[..], &["--failures-only", "--pairs", "0"]].concat();
    place.cachestorm(&args).check(1, &["without a word that what it returned is stale"]);
    let swept = swept(&place);
    for call in ["connect-network-1/ECONNREFUSED", "connect-network-1/ETIMEDOUT"]
        .into_iter()
        .chain(["send-network-1/ECONNRESET", "recv-network-1/ECONNRESET"])
    {
        let broken = &swept[&format!("sweep/expired/{call}")];
        assert_eq!(*broken, [Invariant::StaleIfError], "{call}");
    }
}

#[test]
fn a_scenario_that_a_client_cannot_be_swept_with_is_told_and_leaves_the_others() {
    let place = Place::empty();
    if !can_trace(&place) {
        return;
    }
    let args = ["crash", "--client", "before-fix", "--kills-only", "--write", "kept"];
    let args =
        [&args[..], &["--scenario", "sweep/cold", "--scenario", "sweep/server-lost"]].concat();
    place.cachestorm(&args).check(1, &["sweep/server-lost is skipped for before-fix: "]);
    let page = place.read("kept/crash.md");
    assert!(page.contains("in all; 1 skipped") && page.contains("| sweep/server-lost |"), "{page}");
}

#[test]
fn in_a_herd_the_victim_dies_while_another_waits_for_it() {
    let place = Place::empty();
    if !can_trace(&place) {
        return;
    }
    let args = ["crash", "--scenario", "sweep/herd", "--kills-only"];
    place.cachestorm(&args).check(0, &["nothing was broken"]);
    // From the first call under the lock on, the server's answer far behind.
    for point in ["connect-network-1/killed-before", "rename-published-1/killed-after"] {
        let shown = place.cachestorm(&["show", "latest", &format!("sweep/herd/{point}")]).said();
        let at = |word: &str| shown.find(word).unwrap_or_else(|| panic!("{word}: {shown}"));
        assert!(at("waits for the lock") < at("SIGKILL to the process group"), "{shown}");
    }
}

#[test]
fn a_client_of_which_nothing_is_seen_is_skipped_and_not_held() {
    let place = Place::new("", "exit 0");
    if !can_trace(&place) {
        return;
    }
    let args = ["crash", "--client", "client.toml", "--scenario", "one.toml"];
    place.cachestorm(&args).check(4, &["one is skipped", "no call of the client"]);
}

#[test]
fn an_ordinary_user_may_sweep_too() {
    let place = Place::empty();
    if !can_trace(&place) {
        return;
    }
    let args = ["crash", "--scenario", "sweep/cold", "--kills-only"];
    let ended = place.start(place.command_of_nobody(&args)).end();
    ended.check(0, &["nothing was broken"]);
}

#[test]
fn the_reference_holds_at_every_call() {
    let place = Place::empty();
    if !can_trace(&place) {
        return;
    }
    let args = ["crash", "--scenario", "sweep/expired", "--pairs", "8", "--format", "markdown"];
    place.cachestorm(&args).check(0, &["nothing was broken", "| call | killed before |"]);
    // Every run of the sweep has its record, to be shown like any other.
    let show = ["show", "latest", "sweep/expired/rename-published-1/killed-before"];
    place.cachestorm(&show).check(0, &["stands before rename(", "SIGKILL to the process group"]);
}
