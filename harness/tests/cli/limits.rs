//! Where the system gives less than a run needs, that is said, and no client is blamed.

use super::support::{BEHAVE, Place, RUN};

const HERD: &str = "[catwalk]\nanswer = \"when-herd-waits\"\n[clients]\ncount = 10\n";

#[test]
fn too_few_open_files_are_the_harness_s_own_trouble() {
    let mut codes = Vec::new();
    for limit in [8, 11, 14, 18, 24, 30, 36, 40, 44, 48] {
        let place = Place::new(HERD, BEHAVE);
        // Both limits, because the soft one is raised to the hard one.
        let running = place.start(place.command_after(&format!("ulimit -n {limit}"), RUN));
        let ended = running.end();
        let code = ended.status.code().unwrap();
        assert!(matches!(code, 0 | 2 | 70), "{limit}: {}", ended.said());
        if code != 0 {
            let said = ended.said().to_lowercase();
            assert!(said.contains("open files") || said.contains("files open"), "{limit}: {said}");
        }
        codes.push(code);
    }
    // The least leaves no server, a little more no clients.
    assert_eq!(codes[0], 70, "{codes:?}");
    assert!(codes.contains(&2), "{codes:?}");
}

#[test]
fn the_soft_limit_is_raised_to_the_hard_one_for_the_harness_alone() {
    let place = Place::new(HERD, &format!("[ \"$(ulimit -n)\" = 16 ] || exit 9\n{BEHAVE}"));
    let running = place.start(place.command_after("ulimit -S -n 16", RUN));
    running.end().check(0, &["1 passed"]);
}

#[test]
fn an_output_folder_that_cannot_be_made_is_named_before_anything_runs() {
    let place = Place::new("", "exit 0");
    place.write("in-the-way", "");
    let args = ["run", "one.toml", "--client", "client.toml", "--out", "in-the-way/runs"];
    let ended = place.cachestorm(&args);
    ended.check(64, &["no run was begun", "cannot create in-the-way/runs/", "Not a directory"]);
    assert_eq!(ended.said().matches("Not a directory").count(), 1, "{}", ended.said());
    assert!(!ended.said().contains("1 scenario"), "{}", ended.said());

    place.write("runs/latest/x", "");
    let args = ["run", "one.toml", "--client", "client.toml", "--out", "runs"];
    place.cachestorm(&args).check(64, &["no run was begun", "cannot replace runs/latest"]);
}

#[test]
fn a_report_without_a_place_is_named_before_anything_runs() {
    for option in ["--junit", "--markdown"] {
        let place = Place::new("", "exit 0");
        let ended = place.cachestorm(&[RUN, &[option, "no/such/folder/report"]].concat());
        ended.check(64, &["cannot write no/such/folder/report", "No such file or directory"]);
        assert!(!place.file("target").exists(), "{}", ended.said());
    }
}

#[test]
fn a_violation_wins_over_a_report_that_cannot_be_written() {
    let place = Place::new("", "exit 0");
    let mut command = place.command(RUN);
    command.env("GITHUB_STEP_SUMMARY", "no/such/folder/summary");
    let said = ["cannot write the step's summary to no/such/folder/summary", "1 failed"];
    place.start(command).end().check(1, &said);

    let place = Place::new("", BEHAVE);
    let mut command = place.command(RUN);
    command.env("GITHUB_STEP_SUMMARY", "no/such/folder/summary");
    place.start(command).end().check(64, &["cannot write the step's summary", "1 passed"]);
}
