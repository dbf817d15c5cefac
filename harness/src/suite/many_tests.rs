//! Suites that run no process.

use std::sync::Mutex;

use super::*;
use crate::client::describe;
use crate::model::run::RunOutcome;

/// Writes down what is told.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Progress for Told {
    fn started(&self, entry: &Entry, repetition: u32) {
        lock(&self.0).push(format!("{} {repetition} begins", entry.name));
    }

    fn finished(&self, result: &ScenarioResult) {
        lock(&self.0).push(format!("{} {} ends", result.scenario, result.repetition));
    }
}

fn entry(name: &str, text: &str) -> Entry {
    let file = format!("{name}.toml");
    let scenario = crate::scenario::parse(&file, text);
    Entry { name: name.to_owned(), file: Some(file.into()), scenario }
}

/// A client whose program does not exist.
fn subject() -> Subject {
    let text = "name = 'gone'\nsummary = 'x'\nfiles = { published = 'p' }\n\
                command = ['/no/such/program', '{catwalk_url}', '{cache_dir}', '{ttl}']";
    let client = describe::parse("client.toml", text).unwrap();
    Subject { client, dir: "/".into(), cache_client: Vec::new() }
}

fn entries() -> [Entry; 2] {
    [entry("one", "summary = 'x'\n[clients]\ncount = 0"), entry("broken", "summary = 7")]
}

#[test]
fn broken_entries_are_results_among_the_others() {
    let base = tempfile::tempdir().unwrap();
    let options = Options { repeat: 2, jobs: 2, seed: 5, ..Options::new(base.path()) };
    let entries = [entry("one", "summary = 'x'"), entry("broken", "summary = 7")];
    let told = Told::default();
    let (run, dir) = run(&entries, &subject(), &options, &told).unwrap();
    let seen: Vec<_> = run
        .results
        .iter()
        .map(|result| match &result.result {
            RunResult::Invalid(why) => (result.scenario.as_str(), result.repetition, why.as_str()),
            other => panic!("{other:?}"),
        })
        .collect();
    let names: Vec<_> = seen.iter().map(|(name, repetition, _)| (*name, *repetition)).collect();
    assert_eq!(names, [("broken", 1), ("broken", 2), ("one", 1), ("one", 2)]);
    assert!(seen[0].2.contains("expected a string, found the integer 7"), "{}", seen[0].2);
    assert!(seen[2].2.contains("\"/no/such/program\" does not exist"), "{}", seen[2].2);
    assert_eq!((run.seed, run.client.as_str()), (5, "gone"));
    assert_eq!(run.outcome(false), RunOutcome::Usage);
    assert_eq!(told.0.into_inner().unwrap().len(), 8);
    assert!(dir.path().join("records").is_dir());
}

#[test]
fn a_suite_that_was_stopped_beforehand_runs_nothing_and_does_not_pass() {
    let base = tempfile::tempdir().unwrap();
    let options = Options::new(base.path());
    options.cancel.cancel();
    let told = Told::default();
    let (run, _) = run(&entries(), &subject(), &options, &told).unwrap();
    assert_eq!(run.outcome(false), RunOutcome::Inconclusive);
    for result in &run.results {
        let RunResult::Judged(verdict) = &result.result else { panic!("{result:?}") };
        assert_eq!(verdict.reasons, ["the run was stopped before this began"]);
        assert!(verdict.invariants.iter().all(|report| report.not_evaluated.is_some()));
    }
    assert_eq!(told.0.into_inner().unwrap(), ["one 1 ends", "broken 1 ends"]);
}

#[test]
fn a_suite_of_nothing_does_not_pass() {
    let base = tempfile::tempdir().unwrap();
    let (run, _) = run(&[], &subject(), &Options::new(base.path()), &Silent).unwrap();
    assert_eq!(run.outcome(false), RunOutcome::Usage);
}
