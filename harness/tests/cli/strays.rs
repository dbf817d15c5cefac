//! What clients leave behind is found, told and ended, wherever it has gone.
#![cfg(target_os = "linux")]

use std::path::Path;

use cachestorm::model::record::What;
use rustix::process::{Pid, Signal, kill_process};

use super::support::{BEHAVE, FIRST_ONLY, Place, RUN};

/// Runs a client that leaves a process behind, and checks that it was told.
fn check(script: &str) -> Place {
    let place = Place::new("", &format!("{FIRST_ONLY}{script}\n{BEHAVE}"));
    let said = ["truthful-exit", "c01 exited while 1 process that it had started still ran"];
    place.run().check(1, &said);
    place
}

/// The processes that the first client left, as the record tells them.
fn left(place: &Place) -> Vec<u32> {
    let left = place.events().into_iter().filter_map(|event| match event {
        What::LeftBehind { client, pids } if client.0 == 1 => Some(pids),
        _ => None,
    });
    left.flatten().collect()
}

#[test]
fn a_child_in_the_group_is_found_and_ended() {
    assert_eq!(left(&check("sleep 600 &")).len(), 1);
}

#[test]
fn a_child_in_a_session_of_its_own_is_found_and_ended() {
    assert_eq!(left(&check("setsid sleep 600 > /dev/null 2>&1 &")).len(), 1);
}

#[test]
fn a_child_that_keeps_the_streams_open_delays_nothing() {
    // The catalogue was printed by the client itself, so it must be read whole all the same.
    assert_eq!(left(&check("setsid sleep 600 &")).len(), 1);
}

#[test]
fn a_whole_family_in_another_session_is_ended() {
    let family = "setsid sh -c 'sleep 600 & sleep 600 & wait' > /dev/null 2>&1 &";
    let place = Place::new("", &format!("{FIRST_ONLY}{family}\n{BEHAVE}"));
    place.run().check(1, &["c01 exited while", "that it had started still ran"]);
    assert!(!left(&place).is_empty());
}

#[test]
fn a_child_that_hides_its_descent_is_ended_with_the_run() {
    // It writes its number before the client ends, as nothing else would lead to it.
    let hidden = "setsid env -i sh -c 'echo $$ > \"$0\"; exec sleep 600' \"$PLACE/pid\" > /dev/null 2>&1 &\n\
                  until [ -s \"$PLACE/pid\" ]; do :; done";
    let place = Place::new("", &format!("{FIRST_ONLY}{hidden}\n{BEHAVE}"));
    let env = format!("PLACE = '{}'\n[files]", place.file("").display());
    place.write("client.toml", &place.read("client.toml").replace("[files]", &env));
    place.run().check(0, &["whose environment does not tell whose they were; killed: 1"]);
    let pid = place.read("pid");
    assert!(!Path::new("/proc").join(pid.trim()).exists(), "{pid} lives");
}

#[test]
fn the_jobs_of_the_shell_that_started_the_run_are_left_alone() {
    let place = Place::new("", BEHAVE);
    let ended = place.start(place.command_after("sleep 600 & echo $! > job", RUN)).end();
    ended.check(0, &["1 scenario: 1 passed"]);
    let job = place.read("job").trim().parse().unwrap();
    kill_process(Pid::from_raw(job).unwrap(), Signal::KILL).expect("it lives until now");
}
