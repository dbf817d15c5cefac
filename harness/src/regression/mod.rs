//! A run compared with a baseline: verdicts that changed, and figures that got worse.
//!
//! [`compare`] is pure. Each way of not passing is tested with Fisher's exact test, each figure with the rank-sum
//! test, a repetition being one observation: processes within one are not independent. A change is found where
//!
//! 1. its p-value, corrected for all the tests of the comparison, is at most `alpha`, so that a client compared
//!    with itself raises any alarm at all in a share of `alpha` of the comparisons at the most; and
//! 2. it is large enough to matter: [`LEAST_EFFECT`], and for times [`LEAST_TIME`] and a share of the baseline's.
//!
//! Too few repetitions to find anything are `cannot tell`, never `same`. Times hang on the machine too: on another
//! kind of machine they are not compared, and where the machine was slower at starting processes, which is no
//! doing of the client's, longer times are `cannot tell`: a negative control (Lipsitch et al., 2010). The way out
//! is to run the old client in turns with the new one.

mod figures;
pub mod store;
#[cfg(test)]
mod tests;
mod together;
mod verdicts;

use std::collections::BTreeSet;

use crate::model::baseline::{Baseline, Repetition};
use crate::model::comparison::{
    COMPARISON_SCHEMA, Comparison, FigureChange, Finding, ScenarioComparison, Side, Test,
};
use crate::model::run::Host;
use crate::model::verdict::Outcome;
use crate::statistics::several::corrected;
use crate::statistics::{Tail, needed};

/// Differences of a smaller effect size (Vargha and Delaney's A) are no finding, however certain: they call this
/// one small.
pub const LEAST_EFFECT: f64 = 0.56;

/// Times that grew by less are no finding, in milliseconds: the harness sees some things in steps of that size.
pub const LEAST_TIME: f64 = 5.0;

/// How a comparison is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// The chance that a client compared with itself raises an alarm, at the most.
    pub alpha: f64,
    /// Times that grew by a smaller share of the baseline's are no finding.
    pub least_change: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { alpha: 0.05, least_change: 0.1 }
    }
}

/// Both sides of one test.
#[derive(Debug, Clone, Copy)]
struct Sides {
    worse: Tail,
    better: Tail,
}

/// What the tests of a comparison came to together.
struct Family {
    settings: Settings,
    /// So many tests share the chance of a false alarm.
    tests: usize,
    /// Of which this much goes to those of single scenarios.
    share: f64,
}

/// Compares a run with a baseline. `beside` is a run of another client in turns with it, with which times are
/// compared in the baseline's place.
pub fn compare(
    before: &Baseline,
    now: &Baseline,
    beside: Option<&Baseline>,
    settings: Settings,
) -> Comparison {
    let times = times(before, now, beside);
    let names: BTreeSet<&String> = before.scenarios.keys().chain(now.scenarios.keys()).collect();
    let mut drafts: Vec<(ScenarioComparison, Vec<Sides>)> = names
        .into_iter()
        .map(|name| {
            let of = |baseline: &Baseline| baseline.scenarios.get(name).cloned();
            draft(name, of(before), of(now), times.baseline.and_then(of), &times)
        })
        .collect();

    let together = together::draft(before, now, &times);

    let of_all: Vec<Sides> = together.iter().map(|draft| draft.sides).collect();
    let of_each: Vec<Sides> = drafts.iter().flat_map(|(_, sides)| sides).copied().collect();
    // Half of the chance goes to the few tests over all scenarios, where there are any: among the many of single
    // ones they would be the weaker the more scenarios they are made of.
    let halves = if of_all.is_empty() { 1.0 } else { 2.0 };
    let both = |side: fn(&Sides) -> Tail| {
        let of = |family: &[Sides]| {
            let tails: Vec<Tail> = family.iter().map(side).collect();
            let found = corrected(&tails, settings.alpha / halves);
            found.into_iter().map(|p| p.map(|p| (p * halves).min(1.0))).collect::<Vec<_>>()
        };
        [of(&of_all), of(&of_each)].concat()
    };
    let mut worse = both(|it| it.worse).into_iter();
    let mut better = both(|it| it.better).into_iter();
    let found = worse.clone().flatten().count();
    // Where no test could find anything, those count that could with more repetitions.
    let all = of_all.iter().chain(&of_each);
    let moving = all.filter(|sides| sides.worse.least.min(sides.better.least) < 1.0).count();
    let tests = if found > 0 { found } else { moving.max(1) };
    let family = Family { settings, tests, share: settings.alpha / halves };

    let mut tests = |sides: &Sides| {
        let test = |tail: Tail, corrected: Option<f64>| Test { p: tail.p, corrected };
        [test(sides.worse, worse.next().flatten()), test(sides.better, better.next().flatten())]
    };
    let mut conclude_all = |draft: together::Draft| {
        let of_it = tests(&draft.sides);
        together::conclude(draft, of_it, &family)
    };
    let together: Vec<FigureChange> = together.into_iter().map(&mut conclude_all).collect();
    for (scenario, sides) in &mut drafts {
        let of_it: Vec<[Test; 2]> = sides.iter().map(&mut tests).collect();
        conclude(scenario, &of_it, &family);
    }
    let scenarios: Vec<ScenarioComparison> = drafts.into_iter().map(|(it, _)| it).collect();
    let findings = scenarios.iter().map(|it| it.finding);
    let gravest = findings.chain(together.iter().map(|it| it.finding)).max();
    Comparison {
        schema: COMPARISON_SCHEMA.to_owned(),
        finding: gravest.unwrap_or(Finding::NotCompared),
        baseline: Side::of(before),
        run: Side::of(now),
        beside: beside.map(Side::of),
        alpha: settings.alpha,
        least_change: settings.least_change,
        tests: family.tests,
        needed: needed::to_claim(family.tests, family.share),
        together,
        scenarios,
    }
}

/// What times are compared with.
struct Times<'a> {
    baseline: Option<&'a Baseline>,
    /// Why times say nothing at all.
    void: Option<String>,
    /// Both sides ran in turns, so that the machine was the same to both.
    in_turns: bool,
}

fn times<'a>(before: &'a Baseline, now: &Baseline, beside: Option<&'a Baseline>) -> Times<'a> {
    if let Some(beside) = beside {
        return Times { baseline: Some(beside), void: None, in_turns: true };
    }
    let machine = |host: &Host| format!("{} {}, {} cores", host.os, host.arch, host.cores);
    let (then, here) = (machine(&before.host), machine(&now.host));
    let void = (then != here).then(|| {
        format!("times of another machine ({then}; here {here}); --beside runs the old client here")
    });
    Times { baseline: Some(before), void, in_turns: false }
}

/// The repetitions that were judged.
fn judged(repetitions: Option<Vec<Repetition>>) -> Option<Vec<Repetition>> {
    let mut repetitions = repetitions?;
    repetitions.retain(|it| it.outcome != Outcome::Skipped);
    Some(repetitions)
}

/// A scenario with the tests that are to be made of it: of its verdicts and then of its figures.
fn draft(
    name: &str,
    before: Option<Vec<Repetition>>,
    now: Option<Vec<Repetition>>,
    timed: Option<Vec<Repetition>>,
    times: &Times<'_>,
) -> (ScenarioComparison, Vec<Sides>) {
    let (before, now, timed) = (judged(before), judged(now), judged(timed));
    let count = |side: &Option<Vec<Repetition>>| side.as_ref().map_or(0, Vec::len);
    let mut scenario = ScenarioComparison {
        scenario: name.to_owned(),
        finding: Finding::Same,
        repetitions: [count(&before), count(&now)],
        note: None,
        verdicts: Vec::new(),
        figures: Vec::new(),
    };
    let (finding, note) = match (&before, &now) {
        (None, _) => (Finding::NotCompared, "the baseline does not have it"),
        (Some(then), None) if then.is_empty() => {
            (Finding::NotCompared, "skipped then, and not run now")
        }
        (Some(_), None) => (Finding::CannotTell, "it was not run"),
        (Some(then), Some(now)) if then.is_empty() && now.is_empty() => {
            (Finding::NotCompared, "skipped then and now")
        }
        (Some(then), Some(_)) if then.is_empty() => {
            (Finding::NotCompared, "skipped in the baseline")
        }
        (Some(_), Some(now)) if now.is_empty() => (Finding::CannotTell, "it was skipped now"),
        (Some(then), Some(now)) => {
            let mut sides = Vec::new();
            verdicts::draft(then, now, &mut scenario.verdicts, &mut sides);
            let timed = timed.as_deref().unwrap_or_default();
            figures::draft(then, now, timed, times, &mut scenario.figures, &mut sides);
            return (scenario, sides);
        }
    };
    scenario.finding = finding;
    scenario.note = Some(note.to_owned());
    (scenario, Vec::new())
}

/// Says what each test of a scenario means, now that all of the comparison are known.
fn conclude(scenario: &mut ScenarioComparison, tests: &[[Test; 2]], family: &Family) {
    if scenario.note.is_some() {
        return;
    }
    let [then, now] = scenario.repetitions;
    #[allow(clippy::cast_precision_loss, reason = "tests are few")]
    let bound = family.share / family.tests as f64;
    let too_few = needed::least(now, then) > bound;
    let (of_verdicts, of_figures) = tests.split_at(scenario.verdicts.len());
    for (change, tests) in scenario.verdicts.iter_mut().zip(of_verdicts) {
        verdicts::conclude(change, *tests, family);
    }
    for (change, tests) in scenario.figures.iter_mut().zip(of_figures) {
        figures::conclude(change, *tests, family);
    }
    if too_few {
        let verdicts = scenario.verdicts.iter_mut().map(|it| &mut it.finding);
        let figures = scenario.figures.iter_mut().map(|it| &mut it.finding);
        for finding in verdicts.chain(figures) {
            if *finding == Finding::Same {
                *finding = Finding::CannotTell;
            }
        }
        let needed = needed::to_claim(family.tests, family.share);
        scenario.finding = Finding::CannotTell;
        scenario.note = Some(format!(
            "{now} repetitions against {then} can show nothing; {needed} of each are needed"
        ));
    }
    let verdicts = scenario.verdicts.iter().map(|it| it.finding);
    let figures = scenario.figures.iter().map(|it| it.finding);
    scenario.finding = verdicts.chain(figures).fold(scenario.finding, Ord::max);
}
