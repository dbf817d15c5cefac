//! Clients that misbehave, and what is said of them.

use std::os::unix::fs::PermissionsExt;

use cachestorm::model::record::{Effect, ExitStatus, Exited, What};

use super::support::{BEHAVE, FIRST_ONLY, Place, description};

/// One client that may live for long.
const ALONE: &str = "";

/// One client that is expected to outlive its deadline.
const SHORT: &str = "[clients]\ndeadline = \"2s\"\n";

/// Runs `scenario` against the shell script `script` and checks the exit code and what is said.
fn check(scenario: &str, script: &str, code: i32, parts: &[&str]) -> Place {
    let place = Place::new(scenario, script);
    place.run().check(code, parts);
    place
}

/// How the first client ended.
fn first_exit(place: &Place) -> Exited {
    let exits = place.events().into_iter().find_map(|event| match event {
        What::Exited(exited) if exited.client.0 == 1 => Some(exited),
        _ => None,
    });
    exits.unwrap()
}

#[test]
fn one_that_behaves_passes() {
    check(ALONE, BEHAVE, 0, &["1 scenario: 1 passed"]);
}

#[test]
fn one_that_prints_nothing_is_not_truthful() {
    let said = ["truthful-exit", "c01 exited with code 0", "returned no catalogue"];
    check(ALONE, "exit 0", 1, &said);
}

#[test]
fn one_that_closes_its_streams_is_not_truthful() {
    check(ALONE, "exec >&- 2>&-; exit 0", 1, &["returned no catalogue"]);
    let lost = format!("{FIRST_ONLY}exec >&-\n{BEHAVE}");
    check(ALONE, &lost, 1, &["truthful-exit", "c01 exited with code 0", "returned no catalogue"]);
}

#[test]
fn one_that_closes_its_streams_and_stays_is_ended() {
    let script = format!("{FIRST_ONLY}exec >&- 2>&-; exec sleep 600");
    check(SHORT, &script, 1, &["bounded-wait", "c01 outlived its deadline of 2s"]);
}

#[test]
fn garbage_is_no_catalogue_and_harms_no_report() {
    // A NUL, a line that takes the cursor away, a beginning of a CDATA section's end, half a character.
    let script = r"printf '\000\033[2J]]>\303' ; printf 'no\033[1m good \000]]>\303' >&2";
    let place = check(ALONE, script, 1, &["bytes that are no whole served catalogue"]);
    let ended = place.cachestorm(&["show", "latest", "one"]);
    ended.check(0, &["truthful-exit"]);
    for text in [&ended.stdout, &place.read("target/cachestorm/latest/summary.txt")] {
        assert!(!text.contains('\u{1b}'), "{text}");
    }
    let junit = place.read("target/cachestorm/latest/junit.xml");
    assert!(!junit.contains(['\0', '\u{1b}']), "{junit}");
}

#[test]
fn endless_output_is_counted_and_thrown_away() {
    let place = Place::new(SHORT, &format!("{FIRST_ONLY}exec yes 'endless output'"));
    let ended = place.run();
    ended.check(1, &["bounded-wait", "c01 outlived its deadline of 2s"]);
    // Twice what is kept of a stream, and room for the program itself.
    assert!(ended.peak_kib < 200 << 10, "{} KiB", ended.peak_kib);
    let exited = first_exit(&place);
    assert!(exited.stdout.bytes > 64 << 10, "more than a pipe holds: {}", exited.stdout.bytes);
    assert!(exited.stdout.text.len() <= 4096, "{}", exited.stdout.text.len());
}

#[test]
fn one_that_outlives_its_deadline_is_killed() {
    let script = format!("{FIRST_ONLY}exec sleep 600");
    let place = check(SHORT, &script, 1, &["bounded-wait", "c01 outlived its deadline of 2s"]);
    assert_eq!(first_exit(&place).status, ExitStatus::Signal { number: 9, ours: true });
}

#[test]
fn one_that_stops_itself_is_killed() {
    let script = format!("{FIRST_ONLY}kill -STOP $$\n{BEHAVE}");
    check(SHORT, &script, 1, &["bounded-wait", "c01 outlived its deadline of 2s"]);
}

#[test]
fn one_that_ignores_sigterm_is_killed_by_its_deadline() {
    let script = format!(
        "{FIRST_ONLY}trap '' TERM\nmkdir -p \"$XDG_DATA_HOME\"\n: > \"$XDG_DATA_HOME/ready\"\n\
         while :; do sleep 600; done"
    );
    let scenario = "[clients]\ndeadline = \"5s\"\n[[inject]]\non = { created = \"ready\" }\n\
                    target = { client = 1 }\ndo = { kill = \"TERM\" }\n";
    let place = check(scenario, &script, 1, &["bounded-wait", "c01 outlived its deadline of 5s"]);
    let landed = |event: &What| {
        matches!(event, What::Injected { injection: Some(0), effect: Effect::Landed, .. })
    };
    assert!(place.events().iter().any(landed), "SIGTERM was sent");
    assert_eq!(first_exit(&place).status, ExitStatus::Signal { number: 9, ours: true });
}

#[test]
fn a_signal_from_elsewhere_tells_nothing() {
    for (name, number) in [("KILL", 9), ("TERM", 15)] {
        let script = format!("{FIRST_ONLY}kill -{name} $$");
        let said =
            ["inconclusive", "c01 was ended at", &format!("by signal {number}, which neither")];
        let place = check(ALONE, &script, 2, &said);
        assert_eq!(first_exit(&place).status, ExitStatus::Signal { number, ours: false });
    }
}

#[test]
fn a_signal_that_a_program_earns_itself_is_its_failure() {
    let script = format!("{FIRST_ONLY}kill -SEGV $$");
    check(ALONE, &script, 1, &["truthful-exit", "c01 ended with signal 11"]);
}

#[test]
fn one_that_cannot_be_executed_leaves_the_harness_without_an_answer() {
    let place = program("#!/no/such/interpreter\n");
    let said =
        ["inconclusive", "c01 could not be started", "the interpreter that its first line names"];
    place.run().check(2, &said);
}

#[test]
fn one_of_another_machine_never_passes() {
    // Some C libraries hand such a file to a shell, which cannot make sense of it either.
    let place = program("\u{7f}ELF\u{1}\u{1}\u{1}no machine has this header");
    let ended = place.run();
    assert!(matches!(ended.status.code(), Some(1 | 2)), "{}", ended.said());
    assert!(ended.said().contains("c01"), "{}", ended.said());
}

/// A client that is the executable file `text`.
fn program(text: &str) -> Place {
    let place = Place::new(ALONE, "");
    place.write("program", text);
    let mut mode = place.file("program").metadata().unwrap().permissions();
    mode.set_mode(0o755);
    std::fs::set_permissions(place.file("program"), mode).unwrap();
    place.write("client.toml", &description("[\"{client_dir}/program\"]"));
    place
}

#[test]
fn a_herd_that_never_asks_proves_nothing() {
    let place = Place::new("[clients]\ncount = 3\n", "exit 0");
    let silent =
        description("[\"sh\", \"{client_dir}/client.sh\"]").replace("stdout = ", "# stdout = ");
    place.write("client.toml", &silent);
    place.run().check(3, &["vacuous", "0 clients waited or raced", "the scenario needs 2"]);
}

#[test]
fn a_lock_that_is_a_folder_may_not_stay() {
    let place = Place::new(ALONE, &format!("mkdir -p \"$XDG_DATA_HOME/lock.d\"\n{BEHAVE}"));
    let client = place.read("client.toml");
    let locks = "locks = [\"crush/providers.json.lock\"]\nlock-kind = \"advisory\"";
    assert!(client.contains(locks));
    let existence = "locks = [\"lock.d\"]\nlock-kind = \"existence\"";
    place.write("client.toml", &client.replace(locks, existence));
    place.run().check(1, &["no-blocking-leftover", "lock.d"]);
}
