//! Both sides: a client compared with itself raises no more alarms than promised, and one that got worse is found.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

use super::{Settings, compare};
use crate::model::baseline::{BASELINE_SCHEMA, Baseline, Figures, Repetition};
use crate::model::comparison::{Comparison, Figure, Finding, ScenarioComparison};
use crate::model::run::Host;
use crate::model::verdict::{Invariant, Outcome, Waits};

/// Figures that were measured: forty repetitions of fifteen scenarios by the reference client.
const MEASURED: &str = include_str!("../../../reports/baselines/reference.json");

/// How many comparisons the shares below are of.
const COMPARISONS: usize = 200;

fn measured() -> Baseline {
    serde_json::from_str(MEASURED).unwrap()
}

/// Two runs of `n` repetitions each out of the measured ones, none in both, as two runs of one client would be.
fn two_runs(of: &Baseline, n: usize, rng: &mut impl Rng) -> [Baseline; 2] {
    let mut sides = [of.clone(), of.clone()];
    for (name, repetitions) in &of.scenarios {
        let mut dealt = repetitions.clone();
        dealt.shuffle(rng);
        for (side, drawn) in sides.iter_mut().zip(dealt.chunks(n)) {
            side.scenarios.insert(name.clone(), drawn.to_vec());
        }
    }
    sides
}

fn slower_to_recover(run: &mut Baseline, percent: u64) {
    for repetition in run.scenarios.values_mut().flatten() {
        if let Some(recovery) = repetition.figures.as_mut().and_then(|it| it.recovery_ms.as_mut()) {
            *recovery = *recovery * percent / 100;
        }
    }
}

fn is_recovery_worse(comparison: &Comparison) -> bool {
    let of_each = comparison.scenarios.iter().flat_map(|scenario| &scenario.figures);
    let all = of_each.chain(&comparison.together);
    all.into_iter().any(|it| it.figure == Figure::Recovery && it.finding == Finding::Worse)
}

#[test]
fn a_client_compared_with_itself_raises_no_more_false_alarms_than_stated() {
    let measured = measured();
    let mut rng = StdRng::seed_from_u64(1);
    let settings = Settings::default();
    let alarms = (0..COMPARISONS)
        .filter(|_| {
            let [before, now] = two_runs(&measured, 10, &mut rng);
            compare(&before, &now, None, settings).findings().any(|it| it == Finding::Worse)
        })
        .count();
    println!("{alarms} false alarms in {COMPARISONS} comparisons");
    // 5 % of 200.
    assert!(alarms <= 10, "{alarms} false alarms in {COMPARISONS} comparisons");
}

#[test]
fn a_client_that_takes_thirty_percent_longer_to_recover_is_found() {
    let measured = measured();
    let mut rng = StdRng::seed_from_u64(2);
    let (mut found, mut other) = (0, 0);
    for _ in 0..COMPARISONS {
        let [before, mut now] = two_runs(&measured, 20, &mut rng);
        slower_to_recover(&mut now, 130);
        let comparison = compare(&before, &now, None, Settings::default());
        found += usize::from(is_recovery_worse(&comparison));
        let others = comparison.scenarios.iter().flat_map(|it| &it.figures);
        let others = others.filter(|it| it.figure != Figure::Recovery);
        other += others.filter(|it| it.finding == Finding::Worse).count();
    }
    println!("found in {found} of {COMPARISONS}, {other} others called worse");
    assert!(found >= 180, "found in {found} of {COMPARISONS} comparisons");
    assert!(other <= 10, "{other} figures that nobody changed were called worse");
}

fn repetition(recovery_ms: Option<u64>) -> Repetition {
    let figures = Figures {
        requests: 2,
        windows: 2,
        failed: 0,
        residue: 0,
        recovery_ms,
        waits: Waits::of(vec![100_000, 200_000]),
        start_us: Some(1_000),
    };
    Repetition { outcome: Outcome::Pass, broken: Vec::new(), figures: Some(figures) }
}

fn failing(invariant: Invariant) -> Repetition {
    Repetition { outcome: Outcome::Fail, broken: vec![invariant], ..repetition(Some(100)) }
}

/// A run of one scenario.
fn run(repetitions: Vec<Repetition>) -> Baseline {
    Baseline {
        schema: BASELINE_SCHEMA.to_owned(),
        name: "one".to_owned(),
        version: "0.1.0".to_owned(),
        client: "toy".to_owned(),
        run: "1".to_owned(),
        started: "2026-11-23T06:45:12Z".to_owned(),
        seed: 1,
        host: Host { cores: 2, ..Host::default() },
        scenarios: BTreeMap::from([("crash/one".to_owned(), repetitions)]),
    }
}

/// A run whose recoveries take so long and a little more each time.
fn recovering(n: u64, from: u64) -> Baseline {
    run((0..n).map(|it| repetition(Some(from + it))).collect())
}

fn one(before: &Baseline, now: &Baseline) -> (Comparison, ScenarioComparison) {
    let comparison = compare(before, now, None, Settings::default());
    let scenario = comparison.scenarios[0].clone();
    (comparison, scenario)
}

/// Checks what a comparison comes to, its exit code, and what is said of the scenario and its figures.
fn check(before: &Baseline, now: &Baseline, finding: Finding, code: u8, said: &str) {
    let (comparison, scenario) = one(before, now);
    assert_eq!(comparison.finding, finding, "{scenario:#?}");
    assert_eq!(comparison.exit_code(false), code);
    let notes = scenario.verdicts.iter().map(|it| &it.note).chain([&scenario.note]);
    let notes = notes.chain(scenario.figures.iter().map(|it| &it.note)).flatten();
    let all = notes.cloned().collect::<Vec<_>>().join("; ");
    assert!(all.contains(said), "\"{said}\" is not in \"{all}\"");
}

#[test]
fn what_is_longer_each_time_is_worse_and_what_is_shorter_is_better() {
    let (before, now) = (recovering(8, 100), recovering(8, 130));
    check(&before, &now, Finding::Worse, 1, "");
    check(&now, &before, Finding::Better, 0, "");
    check(&before, &before, Finding::Same, 0, "");
    // Certain, but too small to matter: four in a hundred.
    check(&recovering(8, 1_000), &recovering(8, 1_040), Finding::Same, 0, "");
}

#[test]
fn too_few_repetitions_cannot_tell() {
    let said = "2 repetitions against 2 can show nothing; 3 of each are needed";
    check(&recovering(2, 100), &recovering(2, 900), Finding::CannotTell, 2, said);
    check(&recovering(1, 100), &recovering(1, 100), Finding::CannotTell, 2, "3 of each");
    // Many of one side do not make up for few of the other.
    check(&recovering(8, 100), &recovering(1, 900), Finding::CannotTell, 2, "are needed");
}

#[test]
fn a_verdict_that_flips_once_is_no_alarm_and_one_that_flips_always_is() {
    let before = recovering(10, 100);
    let mut now = before.clone();
    let repetitions = now.scenarios.get_mut("crash/one").unwrap();
    repetitions[3] = failing(Invariant::Freshness);
    let said = "41 repetitions of each would show such a share";
    check(&before, &now, Finding::CannotTell, 2, said);
    check(&now, &before, Finding::Same, 0, "");
    let broken = run((0..10).map(|_| failing(Invariant::Freshness)).collect());
    check(&before, &broken, Finding::Worse, 1, "");
    check(&broken, &before, Finding::Better, 0, "");
    check(&broken, &broken, Finding::Same, 0, "");
    // Another invariant that breaks beside one that always did is a change too.
    let mut both = broken.clone();
    for repetition in both.scenarios.get_mut("crash/one").unwrap() {
        repetition.broken.push(Invariant::BoundedWait);
    }
    check(&broken, &both, Finding::Worse, 1, "");
    let proves_nothing = |it: u64| Repetition { outcome: Outcome::Vacuous, ..repetition(Some(it)) };
    let vacuous = run((0..10).map(proves_nothing).collect());
    check(&before, &vacuous, Finding::Worse, 1, "");
}

#[test]
fn what_never_recovers_is_worse_than_what_takes_long() {
    let before = recovering(8, 100);
    let never = run((0..8).map(|it| repetition((it == 0).then_some(100))).collect());
    check(&before, &never, Finding::Worse, 1, "");
    let (_, scenario) = one(&before, &never);
    let recovery = scenario.figures.iter().find(|it| it.figure == Figure::Recovery).unwrap();
    assert_eq!((recovery.now.median, recovery.shift), (None, None));
}

#[test]
fn a_busier_or_another_machine_takes_no_blame_to_the_client() {
    let (before, mut now) = (recovering(8, 100), recovering(8, 200));
    for repetition in now.scenarios.values_mut().flatten() {
        repetition.figures.as_mut().unwrap().start_us = Some(2_000);
    }
    check(&before, &now, Finding::CannotTell, 2, "the machine was busier");
    // The old client in turns with it settles that.
    let beside = compare(&before, &now, Some(&recovering(8, 198)), Settings::default());
    assert_eq!(beside.finding, Finding::Same);
    let beside = compare(&before, &now, Some(&recovering(8, 100)), Settings::default());
    assert_eq!(beside.finding, Finding::Worse);
    // Counts are the client's alone.
    for repetition in now.scenarios.values_mut().flatten() {
        repetition.figures.as_mut().unwrap().requests = 9;
    }
    check(&before, &now, Finding::Worse, 1, "the machine was busier");

    let mut now = recovering(8, 200);
    now.host.cores = 64;
    check(&before, &now, Finding::Same, 0, "times of another machine");
    assert_eq!(one(&before, &now).0.exit_code(true), 2, "in a strict comparison that counts");
}

#[test]
fn what_was_not_run_is_not_passed() {
    let mut before = recovering(8, 100);
    let now = before.clone();
    let more = before.scenarios["crash/one"].clone();
    before.scenarios.insert("ttl/two".to_owned(), more);
    let comparison = compare(&before, &now, None, Settings::default());
    assert_eq!((comparison.finding, comparison.exit_code(false)), (Finding::CannotTell, 2));
    let comparison = compare(&now, &before, None, Settings::default());
    assert_eq!((comparison.finding, comparison.exit_code(false)), (Finding::Same, 0));
    assert_eq!(comparison.count(Finding::NotCompared), 1);
    let skipped = Repetition { outcome: Outcome::Skipped, broken: Vec::new(), figures: None };
    let skipped = run(vec![skipped; 8]);
    check(&now, &skipped, Finding::CannotTell, 2, "it was skipped now");
    check(&skipped, &skipped, Finding::NotCompared, 2, "skipped then and now");
}
