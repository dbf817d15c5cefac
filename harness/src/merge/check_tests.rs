//! Parts that belong together, and each way in which they do not.

use super::*;
use crate::model::run::{Host, RUN_SCHEMA, Run, RunResult, ScenarioResult};

/// The three parts of a plan of three scenarios, each twice.
fn parts() -> Vec<Source> {
    (1..=3).map(|index| part(Shard::new(index, 3).unwrap())).collect()
}

fn part(shard: Shard) -> Source {
    let plan = Plan {
        version: "1.0.0".to_owned(),
        client: "c0ffee".to_owned(),
        scenarios: ["a/one", "a/two", "b/three"]
            .map(|it| (it.to_owned(), "f00d".to_owned()))
            .into(),
        repeat: 2,
        shard,
        parts: Vec::new(),
    };
    let result = |(scenario, repetition): (&str, u32)| ScenarioResult {
        scenario: scenario.to_owned(),
        summary: String::new(),
        file: None,
        line: None,
        repetition,
        result: RunResult::Skipped("x".to_owned()),
        record: None,
        duration_ms: 1,
    };
    let results = partition(&plan, shard).into_iter().map(result).collect();
    let run = Run {
        schema: RUN_SCHEMA.to_owned(),
        id: "x".to_owned(),
        client: "reference".to_owned(),
        started: "2026-11-25T10:00:00Z".to_owned(),
        duration_ms: 1,
        seed: 7,
        host: Host::default(),
        plan: Some(plan),
        results,
    };
    Source { dir: format!("part-{}", shard.index()).into(), run }
}

fn plan(source: &mut Source) -> &mut Plan {
    source.run.plan.as_mut().unwrap()
}

/// Checks that the three parts are refused after `harm` was done to them, with these words.
fn refused(harm: impl FnOnce(&mut Vec<Source>), expected: &str) {
    let mut sources = parts();
    harm(&mut sources);
    assert_eq!(check(&sources).unwrap_err().to_string(), expected);
}

#[test]
fn the_parts_of_a_whole_belong_together_in_any_order() {
    let mut sources = parts();
    sources.rotate_left(1);
    assert_eq!(check(&sources).unwrap().scenarios.len(), 3);
    assert!(check(&[part(Shard::WHOLE)]).is_ok());
}

#[test]
fn a_gap_is_refused() {
    let help = "run what is missing with the same --seed 7, or see why its machine left nothing";
    refused(|it| drop(it.remove(1)), &format!("a shard is missing: 2/3; {help}"));
    refused(|it| it.truncate(1), &format!("shards are missing: 2/3, 3/3; {help}"));
    refused(Vec::clear, "there is no run to join");
}

#[test]
fn a_double_is_refused() {
    let again = |it: &mut Vec<Source>| it.push(Source { dir: "again".into(), ..it[1].clone() });
    refused(again, "shard 2/3 is there twice, as part-2 and again; leave one out");
    refused(
        |it| *it = vec![part(Shard::WHOLE), part(Shard::WHOLE)],
        "part-1 and part-1 both ran everything; give each machine its part by `cachestorm run --shard K/N`",
    );
}

#[test]
fn trials_that_are_not_the_part_s_own_are_refused() {
    let sources = parts();
    let trial = |index: usize, at: usize| {
        let result = &sources[index].run.results[at];
        format!("{}, repetition {}", result.scenario, result.repetition)
    };
    refused(
        |it| drop(it[0].run.results.pop()),
        &format!(
            "part-1 lacks {}, which belongs to its shard 1/3; run that shard again",
            trial(0, 1)
        ),
    );
    refused(
        |it| {
            let other = it[1].run.results[0].clone();
            it[0].run.results.push(other);
        },
        &format!(
            "part-1 holds {}, which does not belong to its shard 1/3; run that shard again",
            trial(1, 0)
        ),
    );
    refused(
        |it| {
            let own = it[2].run.results[0].clone();
            it[2].run.results.push(own);
        },
        &format!("part-3 holds {} twice; run that shard again", trial(2, 0)),
    );
}

#[test]
fn runs_that_were_asked_for_different_things_are_refused() {
    refused(
        |it| plan(&mut it[1]).version = "1.0.1".to_owned(),
        "part-1 and part-2 differ in the version of cachestorm: 1.0.0 and 1.0.1; use the same program on each machine",
    );
    refused(
        |it| it[2].run.client = "other".to_owned(),
        "part-1 and part-3 differ in the client: reference and other; each shard is of one client; join each client's runs by themselves",
    );
    refused(
        |it| plan(&mut it[1]).client = "decaf".to_owned(),
        "part-1 and part-2 differ in what client.toml says: c0ffee and decaf; use the same client.toml on each machine",
    );
    refused(
        |it| it[1].run.seed = 8,
        "part-1 and part-2 differ in the seed: 7 and 8; give each machine the same --seed",
    );
    refused(
        |it| plan(&mut it[1]).repeat = 3,
        "part-1 and part-2 differ in the repetitions: 2 and 3; give each machine the same --repeat",
    );
    refused(
        |it| it[1] = part(Shard::new(2, 4).unwrap()),
        "part-1 and part-2 differ in the number of shards: 3 and 4; give each machine the same N of --shard K/N",
    );
    let help = "give each machine the same scenarios, from the same files";
    refused(
        |it| drop(plan(&mut it[1]).scenarios.remove("a/two")),
        &format!("part-1 and part-2 differ in the scenarios: a/two as f00d and no a/two; {help}"),
    );
    refused(
        |it| drop(plan(&mut it[1]).scenarios.insert("a/two".to_owned(), "bad".to_owned())),
        &format!(
            "part-1 and part-2 differ in the scenarios: a/two as f00d and a/two as bad; {help}"
        ),
    );
}

#[test]
fn runs_of_another_kind_are_refused() {
    refused(
        |it| it[1].run.plan = None,
        "part-2 does not say what it was asked for; only runs of `cachestorm run` can be joined",
    );
    let joined = |it: &mut Vec<Source>| {
        let part = crate::model::plan::Part {
            id: "x".to_owned(),
            shard: Shard::WHOLE,
            started: String::new(),
            duration_ms: 0,
            host: Host::default(),
        };
        plan(&mut it[0]).parts.push(part);
    };
    refused(joined, "part-1 was joined from others already; name the runs that it was joined from");
}
