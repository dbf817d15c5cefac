//! `cachestorm baseline` and `cachestorm compare`.

use super::support::{BEHAVE, Place};

/// Who asks first is killed, and a fresh client recovers.
const SCENARIO: &str = "[catwalk]\nanswer = \"when-herd-waits\"\n\n[clients]\ncount = 1\n\n[[inject]]\non = { request = 1 }\ndo = { kill = \"KILL\" }\n";

/// A client that does all that is right after a while. It hangs on no machine: the wait is far longer than the rest.
fn slow(seconds: &str) -> String {
    format!("sleep {seconds}\n{BEHAVE}")
}

/// Runs `one.toml` so many times against `client.toml`.
fn run<'a>(times: &'a str, jobs: &'a str) -> [&'a str; 8] {
    ["run", "one.toml", "--client", "client.toml", "-n", times, "-j", jobs]
}

#[test]
fn a_baseline_is_kept_listed_and_compared_with() {
    let place = Place::new(SCENARIO, BEHAVE);
    place
        .cachestorm(&["baseline", "list"])
        .check(0, &["There is no baseline in .cachestorm/baselines."]);
    place
        .cachestorm(&["compare", "main"])
        .check(64, &["there is no baseline \"main\"", "baseline save NAME"]);
    place.cachestorm(&run("3", "3")).check(0, &[]);
    place
        .cachestorm(&["baseline", "save", "main"])
        .check(0, &[".cachestorm/baselines/main.json", "3 repetitions of 1 scenario, client toy"]);
    place.cachestorm(&["baseline", "save", "main"]).check(64, &["is there already; --force"]);
    place.cachestorm(&["baseline", "save", "../main"]).check(64, &["is no name for a baseline"]);
    place.cachestorm(&["baseline", "list"]).check(0, &["main toy on", "1 scenario, 3 repetitions"]);
    // The run with itself.
    place
        .cachestorm(&["compare", "main"])
        .check(0, &["1 scenario: 1 same", "Exit 0", "ran at another time"]);
    let json = place.cachestorm(&["compare", "main", "latest", "--format", "json"]);
    json.check(0, &["\"cachestorm-comparison/1\"", "\"finding\": \"same\""]);
    let markdown = ["compare", "main", "--format", "markdown", "--markdown", "kept.md"];
    place.cachestorm(&markdown).check(0, &["## Regression: same"]);
    assert!(place.read("kept.md").contains("## Regression: same"));
    // One repetition is no ground for anything, whatever it shows.
    place.cachestorm(&run("1", "1")).check(0, &[]);
    let few = "can show nothing; 3 of each are needed";
    place.cachestorm(&["compare", "main"]).check(2, &["cannot tell", few, "Exit 2"]);
    // Beside it in the HTML report.
    place.cachestorm(&["report", "--baseline", "main"]).check(0, &["report.html"]);
    let html = place.read("target/cachestorm/latest/report.html");
    assert!(html.contains("Beside baseline main") && html.contains("class=\"before\""));
    place.write(".cachestorm/baselines/old.json", "{\"schema\": \"cachestorm-baseline/0\"}");
    place
        .cachestorm(&["compare", "old"])
        .check(64, &["it is of version \"cachestorm-baseline/0\""]);
}

#[test]
fn a_client_whose_every_verdict_flips_is_found() {
    let place = Place::new(SCENARIO, BEHAVE);
    place.cachestorm(&run("4", "4")).check(0, &[]);
    place.cachestorm(&["baseline", "save", "main"]).check(0, &[]);
    place.write("client.sh", "exit 0");
    place.cachestorm(&run("4", "4")).check(1, &[]);
    let worse = "one truthful-exit broken: 0 of 4, now 4 of 4";
    place.cachestorm(&["compare", "main"]).check(1, &["worse", worse, "Exit 1"]);
    // A known failure is held against nobody.
    place.cachestorm(&["baseline", "save", "broken"]).check(0, &["4 failed"]);
    place.cachestorm(&["compare", "broken"]).check(0, &["1 same"]);
}

#[test]
fn a_client_that_takes_thirty_percent_longer_to_recover_is_found_in_turns_with_the_old_one() {
    let place = Place::new(SCENARIO, &slow("1.3"));
    place.write("old/client.sh", &slow("1.0"));
    place.write("old/client.toml", &place.read("client.toml"));
    let old = ["run", "one.toml", "--client", "old", "-n", "6", "-j", "6"];
    place.cachestorm(&old).check(0, &[]);
    place.cachestorm(&["baseline", "save", "main"]).check(0, &[]);
    let compare = [
        "compare",
        "main",
        "--client",
        "client.toml",
        "--beside",
        "old",
        "--scenario",
        "one.toml",
        "-n",
        "8",
        "-j",
        "6",
    ];
    place
        .cachestorm(&compare)
        .check(1, &["worse one recovery: 1.", "times with the client beside"]);
    assert!(place.latest().join("run.json").is_file(), "the run is kept for a look");
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let place = Place::new(SCENARIO, BEHAVE);
    place.cachestorm(&run("1", "1")).check(0, &[]);
    place.cachestorm(&["baseline", "save", "main"]).check(0, &["less than three times"]);
    // The scenario is a file of the user's own, which the program does not hold.
    let compare = ["compare", "main", "--client", "client.toml"];
    place.cachestorm(&compare).check(64, &["scenario \"one\" is none that this program holds"]);
    place.cachestorm(&["compare", "main", "--alpha", "2"]).check(64, &["between 0 and 1"]);
    place.cachestorm(&["compare", "main", "--beside", "old"]).check(64, &["--client"]);
    place.write("broken.toml", "sumary = 1");
    place.cachestorm(&["run", "broken.toml"]).check(64, &[]);
    place.cachestorm(&["baseline", "save", "bad"]).check(64, &["could not be read or run"]);
}
