//! `cachestorm storm`: the same seed draws the same plans, and what fails is kept and fails again.

use std::fs;

use super::support::{Ended, Place};

fn storm(place: &Place, args: &[&str]) -> Ended {
    place.cachestorm(&[&["storm"], args].concat())
}

#[test]
fn a_seed_fixes_the_plans() {
    let place = Place::empty();
    let plans = |seed: &str| {
        let ended = storm(&place, &["--plan", "--storms", "5", "--seed", seed]);
        ended.assert().code(0);
        ended.stdout
    };
    assert_eq!(plans("7"), plans("7"));
    assert_ne!(plans("7"), plans("8"));
    assert_eq!(plans("7").matches("# storm ").count(), 5);
}

#[test]
fn what_fails_is_made_small_and_fails_again() {
    let place = Place::empty();
    let ended = storm(
        &place,
        &["--client", "no-recheck", "--storms", "3", "--seed", "3", "--keep", "kept"],
    );
    ended.assert().code(1);
    assert!(ended.stdout.contains("draws the same plans again"), "{}", ended.stdout);
    let kept = fs::read_dir(place.file("kept")).unwrap().flatten().map(|entry| entry.path());
    let file = kept
        .map(|file| file.to_string_lossy().into_owned())
        .find(|it| it.contains("single-flight"));
    let file = file.expect("a scenario that breaks single-flight");
    place.cachestorm(&["check", &file]).assert().code(0);
    let again = place.cachestorm(&["run", &file, "--client", "no-recheck", "--repeat", "10"]);
    again.assert().code(1);
    assert!(again.stdout.contains("single-flight"), "{}", again.stdout);
    place.cachestorm(&["run", &file]).assert().code(0);
}

#[test]
fn a_right_client_comes_through() {
    let place = Place::empty();
    let ended = storm(&place, &["--storms", "4", "--seed", "1"]);
    ended.assert().code(0);
    assert!(ended.stdout.contains("4 storms of seed 1 against reference"), "{}", ended.stdout);
    assert!(ended.stdout.contains(": 0 failed"), "{}", ended.stdout);
    assert!(ended.stdout.contains(" drawn injections took effect; "), "{}", ended.stdout);
}
