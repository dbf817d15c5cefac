//! `cachestorm crash`: what a sweep finds, every time. These need Linux on x86-64, and elsewhere the command
//! says so.

use std::collections::BTreeMap;

use cachestorm::model::sweep::{Point, Sweep};
use cachestorm::model::verdict::Invariant;

use super::support::{Ended, Place};

/// The sweeps that were made last.
fn sweeps(place: &Place) -> Vec<Sweep> {
    serde_json::from_str(&place.read("target/cachestorm/latest/sweep.json")).unwrap()
}

/// The invariants that each run of a sweep broke, by the run's name.
pub(super) fn swept(place: &Place) -> BTreeMap<String, Vec<Invariant>> {
    let cases = sweeps(place).into_iter().flat_map(|sweep| sweep.cases);
    cases.map(|case| (case.name, case.broken)).collect()
}

/// A place to sweep in; `None`, with the reason told, where nothing can be traced.
fn place() -> Option<Place> {
    able(Place::empty())
}

/// The same for clients that need these programs.
pub(super) fn place_with(programs: &[&str]) -> Option<Place> {
    let dirs = std::env::var_os("PATH").unwrap_or_default();
    let lacks = |it: &&&str| !std::env::split_paths(&dirs).any(|dir| dir.join(it).is_file());
    if let Some(missing) = programs.iter().find(lacks) {
        cachestorm::suite::skip(&format!("{missing} is not installed"));
        return None;
    }
    place()
}

fn able(place: Place) -> Option<Place> {
    let Some(why) = cachestorm::trace::lacks() else { return Some(place) };
    place.cachestorm(&["crash"]).check(4, &["skipped"]);
    cachestorm::suite::skip(why);
    None
}

/// Sweeps a client with a scenario.
pub(super) fn sweep(place: &Place, client: &str, scenario: &str, more: &[&str]) -> Ended {
    let args = ["crash", "--client", client, "--scenario", scenario];
    place.cachestorm(&[&args[..], more].concat())
}

/// The runs of the last sweep in which something was broken.
pub(super) fn broken(place: &Place) -> Vec<(String, Vec<Invariant>)> {
    swept(place).into_iter().filter(|(_, broken)| !broken.is_empty()).collect()
}

#[test]
fn a_lock_that_is_a_file_blocks_everybody_wherever_its_holder_is_killed() {
    let Some(place) = place() else { return };
    let kill = || sweep(&place, "status-report", "sweep/cold", &["--kills-only"]);
    kill().check(1, &["status-report at every call of sweep/cold"]);
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
    kill().check(1, &[]);
    assert_eq!(swept(&place), first);
}

#[test]
fn a_write_error_that_nobody_looks_at_is_found_by_failing_that_write() {
    let Some(place) = place() else { return };
    let more = ["--failures-only", "--pairs", "4", "--write", "kept"];
    sweep(&place, "write-error-ignored", "sweep/cold", &more).check(1, &["no-partial-file"]);
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
    let Some(place) = place() else { return };
    let more = ["--failures-only", "--pairs", "0"];
    let told = ["the published path held 0 bytes", "had failed to be closed at"];
    sweep(&place, "close-error-ignored", "sweep/cold", &more).check(1, &told);
    let partial =
        |error: &str| (format!("sweep/cold/close-temp-1/{error}"), vec![Invariant::NoPartialFile]);
    // Not at EINTR, which loses nothing.
    assert_eq!(broken(&place), [partial("EDQUOT"), partial("EIO")]);
    let show = ["show", "latest", "sweep/cold/close-temp-1/EIO"];
    place.cachestorm(&show).check(0, &["bytes that were not synced"]);
}

#[test]
fn what_killed_writers_leave_piles_up_where_every_round_is_killed_alike() {
    let Some(place) = place() else { return };
    sweep(&place, "temp-leak", "sweep/rounds", &["--kills-only"]).check(1, &["bounded-residue"]);
    let swept = swept(&place);
    let broken = &swept["sweep/rounds/rename-published-1/killed-before"];
    assert_eq!(*broken, [Invariant::BoundedResidue]);
}

#[test]
fn a_file_that_is_removed_before_its_successor_has_the_name_is_lost_between_the_two() {
    let Some(place) = place() else { return };
    sweep(&place, "replaces-in-two-steps", "sweep/server-lost", &["--kills-only"])
        .check(1, &["until a client removed it"]);
    let lost = |name: &str| (format!("sweep/server-lost/{name}"), vec![Invariant::StaleIfError]);
    assert_eq!(
        broken(&place),
        [lost("rename-published-1/killed-before"), lost("unlink-published-1/killed-after")]
    );
}

#[test]
fn who_says_nothing_of_an_old_catalogue_is_found_by_failing_its_calls_of_the_network() {
    let Some(place) = place() else { return };
    sweep(&place, "silent-stale", "sweep/expired", &["--failures-only", "--pairs", "0"])
        .check(1, &["without a word that what it returned is stale"]);
    let swept = swept(&place);
    for call in ["connect-network-1/ECONNREFUSED", "connect-network-1/ETIMEDOUT"]
        .into_iter()
        .chain(["socket-network-1/EMFILE", "send-network-1/ECONNRESET"])
        .chain(["recv-network-1/ECONNRESET"])
    {
        let broken = &swept[&format!("sweep/expired/{call}")];
        assert_eq!(*broken, [Invariant::StaleIfError], "{call}");
    }
}

#[test]
fn a_scenario_that_a_client_cannot_be_swept_with_is_told_and_leaves_the_others() {
    let Some(place) = place() else { return };
    let more = ["--scenario", "sweep/server-lost", "--kills-only", "--write", "kept"];
    sweep(&place, "before-fix", "sweep/cold", &more)
        .check(1, &["sweep/server-lost is skipped for before-fix: "]);
    let page = place.read("kept/crash.md");
    assert!(page.contains("in all; 1 skipped") && page.contains("| sweep/server-lost |"), "{page}");
}

#[test]
fn in_a_herd_the_victim_dies_while_another_waits_for_it() {
    let Some(place) = place() else { return };
    sweep(&place, "reference", "sweep/herd", &["--kills-only"]).check(0, &["nothing was broken"]);
    // From the first call under the lock on, the server's answer far behind.
    for point in ["connect-network-1/killed-before", "rename-published-1/killed-after"] {
        let shown = place.cachestorm(&["show", "latest", &format!("sweep/herd/{point}")]).said();
        let at = |word: &str| shown.find(word).unwrap_or_else(|| panic!("{word}: {shown}"));
        assert!(at("waits for the lock") < at("SIGKILL to the process group"), "{shown}");
    }
}

#[test]
fn a_client_of_which_nothing_is_seen_is_skipped_and_not_held() {
    let Some(place) = able(Place::new("", "exit 0")) else { return };
    sweep(&place, "client.toml", "one.toml", &[])
        .check(4, &["one is skipped", "no call of the client"]);
}

#[test]
fn an_ordinary_user_may_sweep_too() {
    let Some(place) = place() else { return };
    let args = ["crash", "--scenario", "sweep/cold", "--kills-only"];
    let ended = place.start(place.command_of_nobody(&args)).end();
    ended.check(0, &["nothing was broken"]);
}

#[test]
fn a_wave_that_is_swept_is_swept_and_no_other() {
    let Some(place) = place() else { return };
    sweep(&place, "reference", "sweep/rollback", &["--kills-only"])
        .check(0, &["nothing was broken"]);
    let swept = swept(&place);
    // The update before it publishes too, and a rollback asks no server.
    assert!(swept.contains_key("sweep/rollback/rename-published-1/killed-after"), "{swept:?}");
    assert!(!swept.keys().any(|name| name.contains("network")), "{swept:?}");
    let show = ["show", "latest", "sweep/rollback/rename-published-1/killed-after"];
    place.cachestorm(&show).check(0, &["SIGKILL to the process group (c03)"]);
}

#[test]
fn the_reference_holds_at_every_call() {
    let Some(place) = place() else { return };
    let one = "it is one process, and was not killed in parts";
    sweep(&place, "reference", "sweep/expired", &["--pairs", "8", "--format", "markdown"])
        .check(0, &["nothing was broken", "| call | killed before |", one]);
    // Nothing but a power cut shows that a sync is missing: the bytes are synced before they have the name, and the
    // directory after it.
    let calls: Vec<String> = sweeps(&place)[0].points.iter().map(Point::id).collect();
    let rename = calls.iter().position(|id| id == "rename-published-1").unwrap();
    let of_bytes = |id: &&String| id.starts_with("write-temp-") || id.starts_with("fsync-temp-");
    let last = calls[..rename].iter().rfind(of_bytes).unwrap();
    assert!(last.starts_with("fsync-temp-"), "{calls:?}");
    assert!(calls[rename..].iter().any(|id| id == "fsync-crush-1"), "{calls:?}");
    // Every run of the sweep has its record, to be shown like any other.
    let show = ["show", "latest", "sweep/expired/rename-published-1/killed-before"];
    place.cachestorm(&show).check(0, &["stands before rename(", "SIGKILL to the process group"]);
}

#[test]
fn who_takes_a_child_that_a_signal_ended_for_one_that_succeeded_is_found_by_killing_it_alone() {
    let Some(place) = place_with(&["dd"]) else { return };
    sweep(&place, "signal-is-success", "sweep/cold", &["--kills-only"])
        .check(1, &["no-partial-file", "in parts"]);
    // Killing all of it shows nothing.
    let broken = broken(&place);
    assert!(broken.iter().all(|(name, _)| name.contains("/killed-alone-")), "{broken:?}");
    let run = "sweep/cold/write-temp-2/killed-alone-before";
    assert!(broken.contains(&(run.to_owned(), vec![Invariant::NoPartialFile])), "{broken:?}");
    let show = ["show", "latest", run];
    place.cachestorm(&show).check(0, &["SIGKILL to the calling process alone", "exit(signal 9)"]);
}

#[test]
fn a_shell_and_what_it_starts_hold_whichever_of_them_dies() {
    let Some(place) = place_with(&["curl", "flock"]) else { return };
    sweep(&place, "shell-flock", "sweep/cold", &["--kills-only"]).check(0, &["nothing was broken"]);
    let swept = swept(&place);
    for run in ["rename-published-1/killed-alone-before", "rename-published-1/orphaned"]
        .into_iter()
        .chain(["recv-network-1/orphaned", "flock-lock-1/killed-alone-after"])
    {
        assert!(swept.contains_key(&format!("sweep/cold/{run}")), "{run}: {:?}", swept.keys());
    }
}

#[test]
fn a_body_that_is_cut_off_is_found_by_failing_a_later_read_of_it() {
    let Some(place) = place() else { return };
    sweep(&place, "caches-partial", "sweep/cold", &["--failures-only", "--pairs", "0"])
        .check(1, &["no whole served catalogue (cut off after"]);
    let swept = swept(&place);
    let reset = |name: &str| name.contains("/recv-network-") && name.ends_with("/ECONNRESET");
    let reads: Vec<_> = swept.iter().filter(|(name, _)| reset(name)).collect();
    // Of more reads, the first two, the middle one and the last; the middle one alone is in the body.
    assert_eq!(reads.len(), 4, "{reads:?}");
    let both = vec![Invariant::NoPartialFile, Invariant::TruthfulExit];
    assert_eq!(reads.iter().filter(|(_, broken)| **broken == both).count(), 1, "{reads:?}");
}
