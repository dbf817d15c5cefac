//! `cachestorm run --shard` and `cachestorm merge`: parts of a run, and the run that they become.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use cachestorm::model::run::Run;
use cachestorm::record::store::read_run;

use super::support::{BEHAVE, Ended, Place};

/// A plan of six trials: one scenario that holds and one that the client breaks, three of each.
const PLAN: [&str; 8] =
    ["run", "one.toml", "two.toml", "--client", "client.toml", "--repeat", "3", "--seed=7"];

/// A client that breaks the scenario in which two of it run, and no other.
const BREAKS_TWO: &str =
    "[ \"$CRUSH_CACHE_TTL\" = 2h ] && exit 3\nexec \"$CACHESTORM\" client reference\n";

fn place() -> Place {
    let place = Place::new("[clients]\ncount = 2\n", BREAKS_TWO);
    place.write("two.toml", "summary = 'Another.'\n[cache]\nttl = '2h'\n[clients]\ncount = 2\n");
    place
}

/// Runs the shard `index` of 3, with other arguments after the plan's, into the folder `shards/<index>`.
fn shard(place: &Place, index: u32, more: &[&str]) -> Ended {
    let (shard, out) = (format!("{index}/3"), format!("shards/{index}"));
    let own = ["--shard", &shard, "--out", &out];
    place.cachestorm(&[&PLAN[..], &own, more].concat())
}

/// What became of each trial, by name.
fn verdicts(run: &Run) -> BTreeMap<(String, u32), String> {
    let told = |it: &cachestorm::model::run::ScenarioResult| {
        ((it.scenario.clone(), it.repetition), format!("{:?}", it.outcome()))
    };
    run.results.iter().map(told).collect()
}

/// A run below a folder.
fn run_in(folder: &Path) -> Run {
    read_run(&folder.join("latest")).unwrap()
}

#[test]
fn three_shards_become_the_run_that_one_machine_would_have_made() {
    let place = place();
    place.cachestorm(&PLAN).check(1, &["2 scenarios, 6 repetitions", "3 passed, 3 failed"]);
    let whole = place.summary();

    let mut seen = 0;
    for index in 1..=3 {
        let ended = shard(&place, index, &[]);
        ended.check(
            ended.status.code().unwrap(),
            &[
                &format!("Shard {index}/3: 2 of 6 trials, seed 7."),
                &format!("(shard {index} of 3)"),
            ],
        );
        let run = run_in(&place.file(&format!("shards/{index}")));
        assert_eq!(run.results.len(), 2);
        assert!(run.id.ends_with(&format!("-shard-{index}-of-3")), "{}", run.id);
        seen += run.results.len();
    }
    assert_eq!(seen, whole.results.len());

    // The folder that holds all of them, as a download of artifacts leaves it.
    let joined = ["merge", "shards", "--out", "merged", "--junit", "junit.xml"];
    let said = ["3 passed, 3 failed", "(joined from 3 runs)", "The reports are in merged/"];
    place.cachestorm(&joined).check(1, &said);
    let merged = run_in(&place.file("merged"));
    assert_eq!(verdicts(&merged), verdicts(&whole));
    assert_eq!((merged.seed, merged.client.as_str()), (7, "toy"));
    let parts: Vec<String> =
        merged.plan.as_ref().unwrap().parts.iter().map(|part| part.shard.to_string()).collect();
    assert_eq!(parts, ["1/3", "2/3", "3/3"]);
    for result in &merged.results {
        assert!(place.file("merged/latest").join(result.record.as_ref().unwrap()).is_file());
    }
    for report in ["report.html", "report.json", "junit.xml", "summary.md", "summary.txt"] {
        assert!(place.read(&format!("merged/latest/{report}")).contains("one"), "{report}");
    }
    // Each case of JUnit once, and the history of what failed.
    let junit = place.read("junit.xml");
    assert_eq!(junit.matches("<testcase ").count(), 6);
    assert!(junit.matches("ended with exit code 3").count() > 3, "{junit}");
    let show = ["show", "latest", "two", "--out", "merged"];
    place.cachestorm(&show).check(0, &["truthful-exit"]);

    // Joined again, it would be counted twice.
    let again = ["merge", "merged/latest", "--out", "again"];
    place.cachestorm(&again).check(64, &["was joined from others already"]);
    assert!(!place.file("again").exists(), "nothing is written where something is refused");
}

/// A run of one trial a shard that holds, for what is refused without a look at a verdict.
fn three_shards() -> Place {
    let place = Place::new("", BEHAVE);
    for index in 1..=3 {
        let (shard, out) = (format!("{index}/3"), format!("shards/{index}"));
        let args = ["run", "one.toml", "--client", "client.toml", "-n", "3", "--shard", &shard];
        // All have the same seed where none is given.
        place.cachestorm(&[&args[..], &["--out", &out]].concat()).check(0, &["seed 0."]);
    }
    place.cachestorm(&["merge", "shards", "--out", "merged"]).check(0, &["3 passed"]);
    place
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let place = three_shards();
    let run_json = |index: u32| {
        let latest = fs::canonicalize(place.file(&format!("shards/{index}/latest"))).unwrap();
        latest.join("run.json")
    };
    let refused = |args: &[&str], said: &str| {
        place.cachestorm(&[&["merge", "--out", "refused"], args].concat()).check(64, &[said]);
        assert!(!place.file("refused").exists(), "{said}: something was written");
    };
    refused(&["shards/1", "shards/3"], "a shard is missing: 2/3");
    refused(&["shards/2"], "shards are missing: 1/3, 3/3");
    refused(&["shards", "shards/2"], "shard 2/3 is there twice");
    refused(&["nowhere"], "there is no run \"nowhere\" in refused");
    place.write("empty/readme", "");
    refused(&["empty"], "empty holds no run");

    // One thing is made otherwise at a time.
    let with = |index: u32, from: &str, to: &str, said: &str| {
        let file = run_json(index);
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        fs::write(&file, text.replace(from, to)).unwrap();
        refused(&["shards"], said);
        fs::write(&file, text).unwrap();
    };
    let version = env!("CARGO_PKG_VERSION");
    let other = |version: &str| format!("\"version\": \"{version}\"");
    with(2, &other(version), &other("0.0.9"), "differ in the version of cachestorm");
    with(2, "cachestorm-run/1", "cachestorm-run/0", "it is of version \"cachestorm-run/0\"");
    with(3, "\"client\": \"toy\"", "\"client\": \"other\"", "differ in the client: toy and other");
    with(
        3,
        "\"seed\": 0",
        "\"seed\": 1",
        "differ in the seed: 0 and 1; give each machine the same --seed",
    );
    with(2, "\"repeat\": 3", "\"repeat\": 4", "differ in the repetitions: 3 and 4");
    with(2, "\"shard\": \"2/3\"", "\"shard\": \"2/4\"", "differ in the number of shards: 3 and 4");
    with(2, "\"one\": \"", "\"one\": \"0", "differ in the scenarios: one as");
    with(2, "\"shard\": \"2/3\"", "\"shard\": \"1/3\"", "shard 1/3 is there twice");
    with(2, "\"shard\": \"2/3\"", "\"shard\": \"5/3\"", "\"5/3\" is no shard");
    with(2, "\"record\": \"records/", "\"record\": \"gone/", "is not there");
    with(2, "\"record\": \"records/", "\"record\": \"../", "is not there");

    // A trial of another shard, and with it the own one missing.
    let own = read_run(run_json(1).parent().unwrap()).unwrap().results[0].repetition;
    let others = (1..=3).find(|repetition| *repetition != own).unwrap();
    let repetition = |number: u32| format!("\"repetition\": {number}");
    with(1, &repetition(own), &repetition(others), "does not belong to its shard 1/3");
    place.cachestorm(&["merge", "shards", "--out", "merged"]).check(0, &["3 passed"]);

    // A record that is another's, as a copy of one folder over another leaves it.
    let record = |index: u32, repetition: u32| {
        run_json(index).parent().unwrap().join(format!("records/one.{repetition}.json"))
    };
    let second = read_run(run_json(2).parent().unwrap()).unwrap().results[0].repetition;
    fs::copy(record(2, second), record(1, own)).unwrap();
    refused(&["shards"], "should be the record of one");
}

#[test]
fn machines_that_all_ran_everything_are_told_so() {
    let place = Place::new("", BEHAVE);
    for _ in 0..2 {
        let args = ["run", "one.toml", "--client", "client.toml", "--seed", "1"];
        place.cachestorm(&args).check(0, &[]);
    }
    place
        .cachestorm(&["merge", "target/cachestorm"])
        .check(64, &["both ran everything", "`cachestorm run --shard K/N`"]);
    // One that ran everything is a whole by itself.
    place.cachestorm(&["merge", "latest"]).check(0, &["(joined from 1 run)"]);
}

#[test]
fn a_shard_is_named_by_the_argument_the_variable_or_the_engine() {
    let place = Place::new("", BEHAVE);
    let run = |args: &[&str], variables: &[(&str, &str)]| {
        let own = ["run", "one.toml", "--client", "client.toml", "-n", "4"];
        let mut command = place.command(&[&own, args].concat());
        command.envs(variables.iter().copied());
        place.start(command).end()
    };
    let ours = [("CACHESTORM_SHARD", "2/2")];
    run(&[], &ours)
        .check(0, &["CACHESTORM_SHARD asks for a part: 2/2.", "Shard 2/2: 2 of 4 trials"]);
    run(&["--shard", "1/4"], &ours).check(0, &["Shard 1/4: 1 of 4 trials"]);
    run(&[], &[("CACHESTORM_SHARD", "2of2")])
        .check(64, &["CACHESTORM_SHARD: \"2of2\" is no shard"]);
    run(&[], &[("CACHESTORM_SHARD", "")]).check(0, &["4 passed"]);
    // An engine's variables are heard where that is asked for, and only there.
    let gitlab = [("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "2")];
    run(&[], &gitlab).check(0, &["4 passed"]);
    run(&["--shard", "auto"], &gitlab)
        .check(0, &["GitLab says that this is shard 1/2.", "Shard 1/2: 2 of 4 trials"]);
    let kubernetes = [("JOB_COMPLETION_INDEX", "3")];
    run(&["--shard", "auto/4"], &kubernetes).check(0, &["Kubernetes says that this is shard 4/4."]);
    run(&["--shard", "auto"], &kubernetes).check(64, &["write --shard auto/N"]);
    run(&["--shard", "auto"], &[]).check(64, &["none of the variables", "write --shard K/N"]);
    run(&["--shard", "0/4"], &[]).check(64, &["\"0/4\" is no shard; write K/N"]);
    run(&["--shard", "1/5"], &[]).check(64, &["there are only 4 trials", "with N up to 4"]);
}

#[test]
fn on_github_the_joined_run_speaks_and_its_shards_do_not() {
    let place = Place::new("", "exit 0");
    place.write("summary", "");
    let github = |args: &[&str]| {
        let mut command = place.command(args);
        command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", place.file("summary"));
        command.env("GITHUB_WORKSPACE", place.file(".."));
        place.start(command).end()
    };
    for index in ["1/2", "2/2"] {
        let args = ["run", "one.toml", "--client", "client.toml", "-n", "2", "--shard", index];
        let ended = github(&[&args[..], &["--out", "shards"]].concat());
        ended.check(1, &["left to `cachestorm merge`"]);
        assert!(!ended.stdout.contains("::error"), "{}", ended.stdout);
    }
    assert_eq!(place.read("summary"), "");
    let ended = github(&["merge", "shards", "--out", "merged"]);
    // Named from the root of the checkout, which is the folder above.
    ended.check(
        1,
        &["::error file=here/one.toml,line=1,title=one%3A fail (2/2)::no-blocking-leftover"],
    );
    assert!(place.read("summary").contains("joined from 2 runs"));
}
