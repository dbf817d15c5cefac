//! However a run ends, no client outlives it, and what was recorded is kept.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::process::{CommandExt, ExitStatusExt};

use cachestorm::model::record::What;
use rustix::process::Signal;

use super::support::{BEHAVE, Place, RUN, Running, marked, until};

/// A client that has a child in its group and one outside, says so, and stays.
const FAMILY: &str = "sleep 600 &\nsetsid sleep 600 &\n: > \"$HOME/ready\"\nexec sleep 600";

/// A run whose client stays, at the moment when it does.
fn staying(place: &Place) -> Running<'_> {
    let running = place.start(place.command(RUN));
    until("the client is ready", || place.client_made("ready"));
    assert!(running.clients().len() >= 2, "{:?}", running.clients());
    running
}

#[test]
fn the_first_interrupt_ends_the_run_in_order() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let place = Place::new("", FAMILY);
        let running = staying(&place);
        running.signal(signal);
        let ended = running.end();
        ended.check(2, &["inconclusive", "the harness stopped at", "stopped by the user"]);
        assert_eq!(place.summary().results.len(), 1);
        assert!(place.events().iter().any(|event| matches!(event, What::Interrupted { .. })));
        for report in ["report.json", "junit.xml", "summary.md"] {
            assert!(!fs::read(place.latest().join(report)).unwrap().is_empty(), "{report}");
        }
    }
}

#[test]
fn what_had_not_begun_when_it_was_stopped_is_told_and_is_no_pass() {
    let place = Place::new("", FAMILY);
    place.write("two.toml", "summary = \"Another.\"");
    let args = ["run", "one.toml", "two.toml", "--client", "client.toml", "--jobs", "1"];
    let running = place.start(place.command(&args));
    until("the client is ready", || place.client_made("ready"));
    running.signal(Signal::INT);
    running.end().check(2, &["the run was stopped before this began", "2 inconclusive"]);
}

#[test]
fn the_second_interrupt_ends_the_program_at_once() {
    let place = Place::new("", BEHAVE);
    // The summary of the step goes into a pipe that nobody reads, so that the program hangs there.
    place.start(place.command_after("mkfifo pipe", &["--version"])).end().check(0, &[]);
    let mut command = place.command(RUN);
    command.env("GITHUB_STEP_SUMMARY", place.file("pipe"));
    let mut running = place.start(command);
    until("the reports are written", || running.stdout().contains("The reports are in"));
    running.signal(Signal::INT);
    // Sent before the first was heard, a second would be one with it; so it is sent until it is heard.
    until("the program ends", || {
        running.signal(Signal::INT);
        running.has_ended()
    });
    let ended = running.end_anyhow();
    assert_eq!(ended.status.code(), Some(130), "{}", ended.said());
}

#[test]
fn two_interrupts_in_a_row_leave_no_client() {
    let place = Place::new("", FAMILY);
    let running = staying(&place);
    running.signal(Signal::INT);
    running.signal(Signal::INT);
    // Which of the two finds the program still there is chance; that nothing is left is not.
    let pid = running.pid();
    let ended = running.end_anyhow();
    assert!(matches!(ended.status.code(), Some(2 | 130)), "{}", ended.said());
    until("every client is dead", || marked(pid).is_empty());
}

#[test]
fn a_harness_that_is_killed_takes_its_clients_and_theirs_with_it() {
    let place = Place::new("[clients]\ncount = 3\n", FAMILY);
    let running = staying(&place);
    until("each of the three has its children", || running.clients().len() == 9);
    running.signal(Signal::KILL);
    running.until_no_client_is_left();
    assert_eq!(running.end_anyhow().status.signal(), Some(9));
}

#[test]
fn a_client_at_the_barrier_dies_with_the_harness() {
    // A stopped process cannot end itself; the second of a stagger is never reached meanwhile.
    let place = Place::new("", &format!("kill -STOP $$\n{FAMILY}"));
    let running = place.start(place.command(RUN));
    until("the client exists", || !running.clients().is_empty());
    running.signal(Signal::KILL);
    running.until_no_client_is_left();
    assert_eq!(running.end_anyhow().status.signal(), Some(9));
}

/// A traced run whose client has its family about it and is held at its rename, at the moment when it is.
#[cfg(target_arch = "x86_64")]
fn held_at_a_call(place: &Place) -> Running<'_> {
    use super::support::processes;
    let running = place.start(place.command(RUN));
    until("a process is held at its rename", || {
        processes(running.pid()).iter().any(|(folder, command)| {
            let stat = fs::read_to_string(folder.join("stat")).unwrap_or_default();
            command.starts_with("mv ") && stat.contains(") t ")
        })
    });
    assert!(running.clients().len() >= 4, "{:?}", running.clients());
    running
}

#[test]
#[cfg(target_arch = "x86_64")]
fn a_harness_that_is_killed_takes_those_with_it_that_it_holds_at_a_call() {
    if let Some(reason) = cachestorm::trace::lacks() {
        cachestorm::suite::skip(reason);
        return;
    }
    const HELD: &str = "[clients]\ncount = 2\n[[inject]]\non = { syscall = { call = \"rename\", path = \"published\" } }\n\
        do = { hold-until = { lock-waited = 1 } }\n";
    // The other stays where it is, for a second rename is held by nobody and publishes.
    let script = "sleep 600 &\nsetsid sleep 600 &\nmkdir -p \"$XDG_DATA_HOME/crush\"\n\
        cd \"$XDG_DATA_HOME/crush\"\nset -C\ntrue > next.json || exec sleep 600\n\
        mv next.json providers.json\n";
    let place = Place::new(HELD, script);
    let running = held_at_a_call(&place);
    running.signal(Signal::KILL);
    running.until_no_client_is_left();
    assert_eq!(running.end_anyhow().status.signal(), Some(9));

    let place = Place::new(HELD, script);
    let running = held_at_a_call(&place);
    running.signal(Signal::INT);
    running.end().check(2, &["inconclusive", "stopped by the user"]);
}

#[test]
fn a_command_that_ages_the_cache_for_ever_is_bounded_and_heard_through() {
    let age = |script: &str| {
        let place =
            Place::new("[cache]\ninitial = \"expired\"\n[clients]\ndeadline = \"20s\"\n", BEHAVE);
        place.write("age.sh", script);
        let client = place.read("client.toml");
        place.write(
            "client.toml",
            &client.replace(
                "[env]",
                "age = { command = [\"sh\", \"{client_dir}/age.sh\", \"{seconds}\"] }\n[env]",
            ),
        );
        place
    };
    let place = age(FAMILY);
    let running = staying(&place);
    running.signal(Signal::INT);
    running.end().check(2, &["stopped by the user"]);

    // It is run as a client is: with nothing of this program's own environment.
    let place = age(
        "[ -z \"$TMPDIR_OF_THE_TEST\" ] && [ \"$1\" = 3601 ] && touch -d '2 hours ago' \"$XDG_DATA_HOME/crush/\"*.json*",
    );
    let mut command = place.command(RUN);
    command.env("TMPDIR_OF_THE_TEST", "x");
    place.start(command).end().check(0, &["1 scenario: 1 passed"]);

    let place = age("echo cannot >&2; exit 7");
    place.run();
    place
        .cachestorm(&["show", "latest", "one"])
        .check(0, &["`age` command ended with exit code 7: it said \"cannot\""]);
}

#[test]
#[allow(unsafe_code)]
fn exits_are_learned_where_the_ends_of_children_were_ignored() {
    let place = Place::new("", "exit 3");
    let mut command = place.command(RUN);
    // SAFETY: between fork and exec only signal is called, which is a plain system call.
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGCHLD, libc::SIG_IGN);
            Ok(())
        });
    }
    place.start(command).end().check(1, &["c01 ended with exit code 3"]);
}

#[test]
fn the_link_to_the_latest_run_is_replaced_whatever_it_led_to() {
    let place = Place::new("", BEHAVE);
    fs::create_dir_all(place.file("target/cachestorm")).unwrap();
    symlink("no-such-run", place.latest()).unwrap();
    let mut ids = Vec::new();
    for _ in 0..2 {
        place.run().check(0, &[]);
        let id = fs::read_link(place.latest()).unwrap().into_os_string().into_string().unwrap();
        assert_eq!(place.summary().id, id);
        ids.push(id);
    }
    assert!(ids[0] < ids[1], "names sort by time: {ids:?}");
    let mut left: Vec<String> = fs::read_dir(place.file("target/cachestorm"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    ids.push("latest".to_owned());
    assert_eq!(left, ids);
}

#[test]
fn a_run_that_held_keeps_its_records_and_no_working_folder() {
    let place = Place::new("", BEHAVE);
    place.run().check(0, &[]);
    assert!(place.latest().join("records/one.1.json").exists());
    assert!(!place.latest().join("work").exists());
    let place = Place::new("", "exit 0");
    place.run().check(1, &[]);
    assert!(place.latest().join("work/one.1/cache").is_dir(), "kept for a look");
}
