//! What the user got wrong is said where it is wrong, with what to do, and nothing runs.

use super::support::{BEHAVE, Place, RUN, description};

/// Runs the scenario `text` and checks that it is refused.
fn check_scenario(text: &str, parts: &[&str]) {
    let place = Place::new("", "exit 0");
    place.write("one.toml", text);
    place.run().check(64, parts);
    // The same mistakes are found without running anything.
    place
        .cachestorm(&["check", "one.toml"])
        .check(64, parts)
        .check(64, &["1 checked, 1 with mistakes"]);
}

#[test]
fn mistakes_in_a_scenario_are_drawn_where_they_are() {
    check_scenario(
        "summary = 'x'\n[clients]\ncuont = 3\n",
        &["cuont", "did you mean `count`?", "one.toml:3:1"],
    );
    check_scenario("summary = 7\n", &["expected a string, found the integer 7", "one.toml:1:11"]);
    check_scenario("summary = 'x'\n[clients]\ndeadline = 3\n", &["deadline", "one.toml:3:12"]);
    check_scenario("[clients]\ncount = 3\n", &["summary"]);
    check_scenario("summary = ", &["one.toml:1:"]);
}

#[test]
fn mistakes_can_be_listed_a_line_each() {
    let place = Place::new("", BEHAVE);
    place.write("two.toml", "summary = 'x'\n[clients]\ncount = 0\nwaves = 0\n");
    let ended = place.cachestorm(&["check", "--short", "one.toml", "two.toml", "client.toml"]);
    ended.check(64, &["two.toml:3:9: ", "two.toml:4:9: ", "3 checked, 1 with mistakes"]);
    assert_eq!(ended.stdout.lines().count(), 2, "{}", ended.stdout);
}

#[test]
fn good_files_and_folders_of_them_pass_the_check() {
    let place = Place::new("", BEHAVE);
    place
        .cachestorm(&["check", "one.toml", "client.toml"])
        .check(0, &["2 checked, 0 with mistakes"]);
    place.write("scenarios/deep/two.toml", "summary = 'x'");
    place.write("scenarios/three.toml", "summary = 'x'");
    place.cachestorm(&["check", "scenarios"]).check(0, &["2 checked, 0 with mistakes"]);
    let good = place.read("client.toml");
    place.write("clients/good/client.toml", &good);
    place.cachestorm(&["check", "clients/good"]).check(0, &["1 checked, 0 with mistakes"]);
    place.write("clients/bad/client.toml", &good.replace("{catwalk_url}", "http://example.org"));
    let said = ["could never reach the mock server", "2 checked, 1 with mistakes"];
    place.cachestorm(&["check", "clients"]).check(64, &said);
    // A client beside scenarios is a client.
    place.cachestorm(&["check", "."]).check(64, &["6 checked, 1 with mistakes"]);
}

#[test]
fn a_check_of_nothing_is_a_mistake() {
    let place = Place::empty();
    place.write("empty/readme", "");
    place
        .cachestorm(&["check", "empty"])
        .check(64, &["empty holds no scenario (*.toml) and no client"]);
    place.cachestorm(&["check", "gone.toml"]).check(64, &["gone.toml", "the file cannot be read"]);
    place.cachestorm(&["check", "gone"]).check(64, &["gone", "the file cannot be read"]);
    place.cachestorm(&["check"]).check(64, &["required arguments were not provided"]);
}

#[test]
fn a_client_with_mistakes_is_drawn_too() {
    let place = Place::new("", BEHAVE);
    let good = place.read("client.toml");
    let check = |bad: String, parts: &[&str]| {
        place.write("client.toml", &bad);
        place.run().check(64, parts);
        place.cachestorm(&["check", "client.toml"]).check(64, parts);
    };
    check(good.replace("summary", "sumary"), &["sumary", "did you mean `summary`?"]);
    check(
        good.replace("{ttl}", "{ttk}"),
        &["`{ttk}` has no meaning here", "did you mean `{ttl}`?"],
    );
    check(good.replace("\"catalogue\"", "3"), &["client.toml:4:10"]);
}

#[test]
fn a_program_that_is_not_there_is_named_with_what_to_do() {
    let check = |command: &str, said: &str| {
        let place = Place::new("", "exit 0");
        place.write("client.toml", &description(command));
        let said = format!("{said}; check the commands in its client.toml");
        place.run().check(64, &["client \"toy\": program ", &said]);
        assert!(!place.latest().join("records/one.1.json").exists(), "nothing has run");
    };
    check("[\"no-such-program\"]", "\"no-such-program\" is not on the PATH");
    check("[\"./gone\"]", "\"./gone\" does not exist");
    check("[\"./client.toml\"]", "\"./client.toml\" is not executable");
    check("[\"{client_dir}\"]", "is not a file");
}

#[test]
fn names_that_are_nobody_s_come_with_suggestions() {
    let check = |args: &[&str], said: &str| {
        Place::empty().cachestorm(args).check(64, &[said]);
    };
    check(
        &["run", "ttl/fresh-hti"],
        "no scenario is called \"ttl/fresh-hti\"; did you mean \"ttl/fresh-hit\"?",
    );
    check(
        &["run", "xyzzy"],
        "no scenario is called \"xyzzy\"; `cachestorm list` shows every scenario",
    );
    check(&["run", "crash/["], "is no glob");
    check(&["run", "./gone.toml"], "\"./gone.toml\" cannot be read: No such file or directory");
    check(
        &["run", "--client", "refrence"],
        "no client is called \"refrence\"; did you mean \"reference\"?",
    );
    check(&["run", "--client", "./gone"], "\"./gone\" cannot be read");
    check(&["claims", "--clients", "refrence"], "did you mean \"reference\"?");
    check(&["matrix", "--clients", "refrence"], "did you mean \"reference\"?");
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let check = |args: &[&str], said: &str| {
        Place::empty().cachestorm(args).check(64, &[said]);
    };
    check(&[], "Usage: cachestorm <COMMAND>");
    check(&["rum"], "unrecognized subcommand 'rum'");
    check(&["run", "--repeat", "0"], "0 is not in 1..");
    check(&["run", "--jobs", "many"], "invalid value 'many'");
    check(&["run", "--job", "2"], "a similar argument exists: '--jobs'");
    check(&["completions", "tcsh"], "invalid value 'tcsh'");
    check(&["show", "latest", "x", "--limit", "-1"], "unexpected argument '-1'");
}

#[test]
fn a_name_that_is_no_text_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let odd = std::ffi::OsStr::from_bytes(b"\xff");
    for subcommand in ["run", "client"] {
        let place = Place::empty();
        let mut command = place.command(&[subcommand]);
        command.arg(odd);
        let ended = place.start(command).end();
        ended.check(64, &["error: "]);
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    }
}

#[test]
fn a_run_that_is_not_there_is_no_riddle() {
    let place = Place::empty();
    let none = "there is no run \"latest\" in target/cachestorm; `cachestorm run` makes one";
    place.cachestorm(&["show"]).check(64, &[none]);
    place.write("target/cachestorm/half/records/x", "");
    place
        .cachestorm(&["show", "half"])
        .check(64, &["has no run.json: that run is under way still"]);
    place
        .cachestorm(&["show", "--out", "elsewhere", "x"])
        .check(64, &["there is no run \"x\" in elsewhere"]);
}

#[test]
fn files_of_another_version_are_refused() {
    let place = Place::new("", BEHAVE);
    place.cachestorm(RUN).check(0, &[]);
    let replace = |name: &str, from: &str, to: &str| {
        let text = place.read(name);
        assert!(text.contains(from), "{text}");
        place.write(name, &text.replace(from, to));
    };
    let record = "target/cachestorm/latest/records/one.1.json";
    replace(record, "cachestorm-record/1", "cachestorm-record/2\",\"news\":\"");
    let said =
        "it is of version \"cachestorm-record/2\", and this program reads \"cachestorm-record/1\"";
    place.cachestorm(&["show", "latest", "one"]).check(64, &[said]);
    replace("target/cachestorm/latest/run.json", "cachestorm-run/1", "cachestorm-run/0");
    let said = "it is of version \"cachestorm-run/0\", and this program reads \"cachestorm-run/1\"";
    place.cachestorm(&["show"]).check(64, &[said]);
    place.write("target/cachestorm/latest/run.json", "{");
    place.cachestorm(&["show"]).check(64, &["is no file of cachestorm's: EOF while parsing"]);
}
