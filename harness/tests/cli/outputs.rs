//! The files and the text that a run leaves, and what shows them again.

use std::fs;

use predicates::prelude::*;
use predicates::str::contains;

use super::support::{BEHAVE, Place, RUN};

/// The escape character, with which every colour begins.
const ESCAPE: &str = "\u{1b}";

#[test]
fn the_scenarios_and_the_client_inside_the_program_run_in_an_empty_folder() {
    let place = Place::empty();
    let ended = place.cachestorm(&["run", "stampede/cold-herd", "ttl/fresh-hit"]);
    ended
        .assert()
        .code(0)
        .stdout(contains("cold-herd").and(contains("fresh-hit")).and(contains("2 passed")))
        .stdout(contains("The reports are in target/cachestorm/"))
        .stderr(contains("pass  stampede/cold-herd  14 clients, 1 request"));
    let run = place.summary();
    assert_eq!(run.client, "reference");
    let names: Vec<_> = run.results.iter().map(|result| result.scenario.as_str()).collect();
    assert_eq!(names, ["stampede/cold-herd", "ttl/fresh-hit"]);
    for result in &run.results {
        assert!(place.latest().join(result.record.as_ref().unwrap()).is_file());
    }
    let mut files: Vec<String> = fs::read_dir(place.latest())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let reports = ["junit.xml", "records", "report.html", "report.json"];
    assert_eq!(files, [&reports[..], &["run.json", "summary.md", "summary.txt"]].concat());
    let report: serde_json::Value =
        serde_json::from_str(&place.read("target/cachestorm/latest/report.json")).unwrap();
    assert!(report.is_object());
    assert!(contains("stampede/cold-herd").eval(&place.read("target/cachestorm/latest/junit.xml")));
    assert!(contains("fresh-hit").eval(&place.read("target/cachestorm/latest/summary.md")));

    let shown = place.cachestorm(&["show", "latest", "stampede/cold-herd"]);
    shown
        .check(0, &["held single-flight", "sent request #1 (GET /v2/providers)", "c14 was let go"]);
    place.cachestorm(&["show"]).check(0, &["cold-herd", "2 passed"]);
    place.cachestorm(&["show", &run.id]).check(0, &["cold-herd", "2 passed"]);
    place.cachestorm(&["show", "latest", "stampede/cold-herd", "--limit", "5"]).check(0, &["c01"]);
    place
        .cachestorm(&["show", "latest", "stampede/cold-herd", "--repetition", "2"])
        .check(64, &["has no such repetition of \"stampede/cold-herd\""]);
}

#[test]
fn reports_go_to_files_of_their_own_where_that_is_asked_for() {
    let place = Place::new("", BEHAVE);
    place.write(
        "junit.xml",
        "what was there before, and longer than what comes: <<<<<<<<<<<<<<<<<<<<",
    );
    let options = ["--junit", "junit.xml", "--markdown", "summary.md"];
    place.cachestorm(&[RUN, &options].concat()).check(0, &[]);
    for name in ["junit.xml", "summary.md"] {
        assert_eq!(place.read(name), place.read(&format!("target/cachestorm/latest/{name}")));
    }
    assert!(!place.read("junit.xml").contains("<<"));
}

#[test]
fn repetitions_are_run_side_by_side_and_told_apart() {
    let place = Place::new("", BEHAVE);
    let ended = place.cachestorm(&[RUN, &["--repeat", "3", "--jobs", "2", "--seed", "7"]].concat());
    ended.check(0, &["one 1/3", "one 2/3", "one 3/3", "seed 7"]);
    let run = place.summary();
    let repetitions: Vec<_> = run.results.iter().map(|result| result.repetition).collect();
    assert_eq!(repetitions, [1, 2, 3]);
    assert_eq!(run.seed, 7);
    for repetition in 1..=3 {
        assert!(place.latest().join(format!("records/one.{repetition}.json")).is_file());
    }
}

#[test]
fn nobody_gets_colours_through_a_pipe() {
    let place = Place::new("", "exit 0");
    place.write("bad.toml", "summary = 7");
    let args = ["run", "one.toml", "bad.toml", "--client", "client.toml"];
    for args in
        [&args[..], &["show"], &["list"], &["check", "bad.toml"], &["--help"], &["run", "--no"]]
    {
        let ended = place.cachestorm(args);
        assert!(!ended.stdout.contains(ESCAPE), "{args:?}: {}", ended.stdout);
        assert!(!ended.stderr.contains(ESCAPE), "{args:?}: {}", ended.stderr);
    }
}

#[test]
fn a_scenario_that_cannot_be_read_has_its_line_in_every_report() {
    let place = Place::new("", BEHAVE);
    place.write("bad.toml", "summary = 7");
    let ended = place.cachestorm(&["run", "bad.toml", "one.toml", "--client", "client.toml"]);
    ended.check(64, &["bad", "expected a string, found the integer 7", "1 passed"]);
    for report in ["junit.xml", "summary.md", "report.json"] {
        let text = place.read(&format!("target/cachestorm/latest/{report}"));
        assert!(text.contains("expected a string"), "{report}: {text}");
    }
}

#[test]
fn what_runs_out_of_time_is_in_every_report() {
    // The command that ages the cache is bounded by the client's deadline, and so many of them take longer
    // than the whole scenario may, whatever the machine: no client is even started.
    let ages = ["\"age\""; 12].join(", ");
    let scenario = format!("[clients]\ndeadline = \"200ms\"\n[[wave]]\nbefore = [{ages}]\n");
    let place = Place::new(&scenario, BEHAVE);
    let client = place.read("client.toml");
    let age = "age = { command = [\"sleep\", \"{seconds}\"] }\n[env]";
    place.write("client.toml", &client.replace("[env]", age));
    // This one's client is what takes too long.
    let slow = "summary = \"x\"\n[clients]\ndeadline = \"1s\"\ncommand = \"stay\"\n";
    place.write("slow.toml", slow);
    let stay = "commands.stay = [\"sh\", \"-c\", \"exec sleep 600\", \"{catwalk_url}\"]\nstdout = ";
    place.write("client.toml", &place.read("client.toml").replace("stdout = ", stay));
    let ended = place.cachestorm(&["run", "one.toml", "slow.toml", "--client", "client.toml"]);
    let deadline = "the scenario ran into the harness's own deadline";
    ended.check(1, &["1 failed, 1 inconclusive", deadline, "outlived its deadline of 1s"]);
    let junit = place.read("target/cachestorm/latest/junit.xml");
    let case = |name: &str| {
        let case = junit.split("<testcase").find(|case| case.contains(&format!("name=\"{name}\"")));
        case.unwrap_or_else(|| panic!("{name} is missing: {junit}")).replace("&apos;", "'")
    };
    assert!(case("one").contains("type=\"inconclusive\"") && case("one").contains(deadline));
    assert!(case("slow").contains("<failure") && case("slow").contains("outlived its deadline"));
    for report in ["summary.md", "report.json"] {
        let text = place.read(&format!("target/cachestorm/latest/{report}"));
        assert!(text.contains("own deadline") && text.contains("bounded-wait"), "{report}: {text}");
    }
}

#[test]
fn under_github_actions_annotations_and_a_summary_come_by_themselves() {
    let place = Place::new("", "exit 0");
    place.write("summary", "what an earlier step wrote\n");
    let mut command = place.command(RUN);
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", place.file("summary"));
    let ended = place.start(command).end();
    ended.assert().code(1).stdout(contains("::error file=one.toml,line=1,title=one%3A fail::"));
    let summary = place.read("summary");
    assert!(summary.starts_with("what an earlier step wrote\n"), "{summary}");
    assert!(summary.contains("truthful-exit"), "{summary}");
}

#[test]
fn elsewhere_there_are_neither() {
    let place = Place::new("", "exit 0");
    let mut command = place.command(RUN);
    command.env("GITHUB_ACTIONS", "false").env("GITHUB_STEP_SUMMARY", "");
    let ended = place.start(command).end();
    ended.assert().code(1).stdout(contains("::error").not()).stderr(contains("summary").not());
}

#[test]
fn skips_count_where_that_is_asked_for() {
    let place = Place::new("", BEHAVE);
    let needs_a_lock = "summary = \"x\"\n[clients]\ncommand = \"polish\"\n";
    place.write("two.toml", needs_a_lock);
    let args = ["run", "one.toml", "two.toml", "--client", "client.toml"];
    let why = "the scenario runs the command `polish`, which `toy` does not describe";
    place.cachestorm(&args).check(0, &[why, "1 passed, 1 skipped"]);
    place.cachestorm(&[&args[..], &["--strict"]].concat()).check(4, &[why]);
    place.cachestorm(&["run", "two.toml", "--client", "client.toml"]).check(4, &[why]);
}

#[test]
fn a_client_whose_helpers_are_not_installed_is_skipped() {
    let place = Place::new("", BEHAVE);
    let client = place.read("client.toml");
    place.write(
        "client.toml",
        &client.replace("[env]", "requires = [\"sh\", \"no-such-helper\"]\n[env]"),
    );
    place.run().check(4, &["not installed on this machine: no-such-helper"]);
}

#[test]
fn the_html_report_is_written_again_where_it_is_asked_for_and_opened() {
    let place = Place::new("", BEHAVE);
    place.run().check(0, &["1 passed"]);
    let written = place.read("target/cachestorm/latest/report.html");
    assert!(written.contains("<h1") && written.contains("data-0"), "{written}");

    fs::remove_file(place.latest().join("report.html")).unwrap();
    place.cachestorm(&["report"]).check(0, &["target/cachestorm/latest/report.html"]);
    assert_eq!(place.read("target/cachestorm/latest/report.html"), written);
    place.cachestorm(&["report", &place.summary().id, "--html", "x.html"]).check(0, &["x.html"]);
    assert_eq!(place.read("x.html"), written);

    let open = |browser: &str| {
        let mut command = place.command(&["report", "latest", "--html", "x.html", "--open"]);
        command.env("BROWSER", browser);
        place.start(command).end()
    };
    // A browser that is given a file and can read it.
    open("cat").check(0, &["x.html"]);
    open("false").check(64, &["false did not open the report: exit status: 1"]);
    open("no-such-browser").check(64, &["cannot open the report with no-such-browser", "BROWSER"]);
}

#[test]
fn the_html_report_does_without_a_record_that_is_gone() {
    let place = Place::new("", BEHAVE);
    place.run().check(0, &["1 passed"]);
    fs::remove_file(place.latest().join("records/one.1.json")).unwrap();
    place.cachestorm(&["report"]).check(0, &["left out of the HTML report", "one.1.json"]);
    let html = place.read("target/cachestorm/latest/report.html");
    assert!(html.contains("1 further record"), "{html}");
    place.cachestorm(&["report", "x"]).check(64, &["there is no run \"x\""]);
}
