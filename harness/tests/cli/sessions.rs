//! Clients that live on and are asked again: those that behave, and those that do not.

use cachestorm::model::record::{ExitStatus, Exited, Sighting, What};
use cachestorm::model::units::ClientId;
use rustix::process::Signal;

use super::support::{Place, RUN, description, until};

/// Two processes that are asked, and then asked again.
const TWICE: &str = "[clients]\ncount = 2\ncommand = \"session\"\ndeadline = \"2s\"\n[[wave]]\n[[wave]]\nagain = 1\n\
    [expect]\ncontention = 0\n";

/// Begins a script: whoever is no session becomes the reference client.
const SESSION: &str = "[ \"$1\" = session ] || exec \"$CACHESTORM\" client reference\n";

/// Answers a question by a process of the reference client, whose exit code and output it passes on.
const ANSWER: &str = "answer() {\n  \"$CACHESTORM\" client reference > \"$HOME/$$\"\n  \
    echo \"$? $(wc -c < \"$HOME/$$\") $1\"; cat \"$HOME/$$\"\n}\n";

/// A place whose client is a session that goes on with `script`.
fn place(scenario: &str, script: &str) -> Place {
    let place = Place::new(scenario, &format!("{SESSION}{ANSWER}{script}"));
    let description = description("[\"sh\", \"{client_dir}/client.sh\"]");
    let session = "stdout = \"catalogue\"\nsessions = [\"session\"]\n\
                   commands.session = [\"sh\", \"{client_dir}/client.sh\", \"session\"]\n";
    place.write("client.toml", &description.replace("stdout = \"catalogue\"\n", session));
    place
}

fn check(script: &str, code: i32, parts: &[&str]) -> Place {
    let place = place(TWICE, script);
    place.run().check(code, parts);
    place
}

/// How a reading ended.
fn exit(place: &Place, client: u32) -> Exited {
    let exits = place.events().into_iter().find_map(|event| match event {
        What::Exited(exited) if exited.client == ClientId(client) => Some(exited),
        _ => None,
    });
    exits.unwrap()
}

#[test]
fn each_reading_is_a_client_of_one_process() {
    let place = check("while read -r question; do answer; done", 0, &["1 scenario: 1 passed"]);
    let mut pids = Vec::new();
    for event in place.events() {
        if let What::Spawned { client, pid, session: Some(session), command, .. } = event {
            assert_eq!(command, "get");
            pids.push((client.0, session.0, pid));
        }
    }
    let [(1, 1, first), (2, 2, second), (3, one, again), (4, two, last)] = pids[..] else {
        panic!("{pids:?}");
    };
    assert_eq!((one, two), (1, 2));
    assert_eq!((again, last), (first, second));
    assert!(matches!(exit(&place, 4).got, Sighting::Whole { .. }));
    let ends = place.events().into_iter().filter(|event| {
        let status = ExitStatus::Code(0);
        matches!(event, What::SessionEnded { status: it, told: true, .. } if *it == status)
    });
    assert_eq!(ends.count(), 2);
}

#[test]
fn what_is_no_answer_makes_the_run_inconclusive() {
    let said = ["inconclusive", "the session of c0", "said \"fresh\"", "CODE BYTES WORDS"];
    check("read -r question; echo fresh; read -r question", 2, &said);
    let unasked = ["inconclusive", "had been asked nothing"];
    // In one piece, so that it has not been asked again in between.
    let more = "read -r question; answer > \"$HOME/$$.2\"; echo >> \"$HOME/$$.2\"\n\
                dd if=\"$HOME/$$.2\" bs=64k status=none; read -r question";
    check(more, 2, &unasked);
}

#[test]
fn a_failure_is_told_in_words() {
    let script = "while read -r question; do echo '1 0 error: no such thing'; done";
    let said = ["truthful-exit", "c03 ended with exit code 1", "error: no such thing"];
    let place = check(script, 1, &said);
    assert_eq!(exit(&place, 3).stderr.text, "error: no such thing");
}

#[test]
fn an_answer_that_does_not_come_breaks_the_bound() {
    let said = ["bounded-wait", "c03 outlived its deadline of 2s"];
    let place = check("read -r question; answer; read -r question; exec sleep 600", 1, &said);
    assert_eq!(exit(&place, 3).status, ExitStatus::Signal { number: 9, ours: true });
    // Of one that was begun, what there is of it is what it had printed.
    let begun = "read -r question; answer; read -r question; printf '0 9\\nhalf'; exec sleep 600";
    let place = check(begun, 1, &said);
    assert_eq!(exit(&place, 3).stdout.text, "half");
}

#[test]
fn a_session_that_does_not_wait_for_its_end_is_told_of() {
    // One may end while it is asked again, which is an exit with nothing; that it was not to is said in any case.
    check("read -r question; answer", 1, &["truthful-exit", "with code 0"]);
    check("read -r question; answer; kill -TERM $$", 2, &["inconclusive"]);
}

#[test]
fn half_an_answer_and_an_end_are_no_reading() {
    let script =
        "while read -r question; do echo '0 99999'; exec \"$CACHESTORM\" client reference; done";
    let said = ["truthful-exit", "ended with exit code 0", "although its standard input was open"];
    check(script, 1, &said);
}

#[test]
fn whom_an_injection_kills_is_started_again_and_asked_again() {
    let scenario = TWICE.replace("command", "restarts = 1\ncommand");
    let kill = "[[inject]]\non = { request = 1 }\ndo = { kill = \"KILL\" }\n";
    let place = place(&format!("{scenario}{kill}"), "while read -r question; do answer; done");
    place.run().check(0, &["1 scenario: 1 passed"]);
    let again = place.events().into_iter().filter(|event| {
        matches!(event, What::Spawned { client, session: Some(first), .. } if client != first)
    });
    assert_eq!(again.count(), 2);
}

#[test]
fn a_session_that_does_not_end_is_killed_by_its_deadline() {
    let script = "while read -r question; do answer; done; exec sleep 600";
    let said = ["truthful-exit", "it had not ended by its deadline"];
    check(script, 1, &said);
}

#[test]
fn a_session_that_nobody_asks_dies_with_the_run() {
    let scenario = format!("{TWICE}[[inject]]\non = {{ all-exited = 1 }}\ndo = \"bump\"\n");
    // The wave between is what the run waits in while the session is idle.
    let scenario = scenario
        .replace("[[wave]]\nagain", "[[wave]]\ncount = 1\ncommand = \"get\"\n[[wave]]\nagain");
    let script = "while read -r question; do answer; : > \"$HOME/ready\"; done";
    let place = place(&scenario, script);
    let stays = "[ \"$1\" = session ] || [ ! -e \"$HOME/ready\" ] || exec sleep 600\n";
    let client = place.read("client.sh");
    place.write("client.sh", &format!("{stays}{client}"));
    for signal in [Signal::INT, Signal::KILL] {
        let running = place.start(place.command(RUN));
        until("another client runs beside two sessions", || {
            let clients = running.clients();
            clients.len() == 3 && clients.iter().any(|it| it.contains("sleep 600"))
        });
        running.signal(signal);
        running.until_no_client_is_left();
        running.end_anyhow();
    }
}
