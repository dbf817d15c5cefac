//! All the runs of a sweep, and what came of them.

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::both::Both;
use super::points::{self, Choice};
use super::receives;
use crate::model::run::{Run, RunResult};
use crate::model::scenario::{Injection, Scenario};
use crate::model::sweep::{Case, Deed, Point, SWEEP_SCHEMA, Sweep};
use crate::model::verdict::Verdict;
use crate::record::store::RunDir;
use crate::suite::{self, Entry, Options, Subject};

/// The last part of the name of the run in which nothing is done.
pub const UNDISTURBED: &str = "undisturbed";

/// What a sweep does.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// At every point.
    pub choice: Choice,
    /// How many pairs of failures are tried besides, drawn from all that there are.
    pub pairs: usize,
}

/// A scenario with the runs that a sweep makes of it.
#[derive(Debug, Clone)]
pub struct Prepared {
    scenario: String,
    points: Vec<Point>,
    left_out: Vec<String>,
    runs: Vec<(Entry, Vec<(usize, Deed)>)>,
    processes: u32,
}

/// Runs the scenario some times to number the calls of the client, and makes a scenario for each thing that can
/// go wrong. A call that only one of two runs has is left out: whether a run comes to it hangs on chance, as what
/// a client sees of others that run beside it. What hangs on how fast an answer comes is settled by
/// holding it at its first read, where that can be.
///
/// # Errors
/// What kept the runs from being made: the same as for any run of the scenario.
pub fn prepare(
    entry: &Entry,
    subject: &Subject,
    options: &Options,
    plan: Plan,
    dir: &RunDir,
) -> Result<Prepared, Box<RunResult>> {
    let record_of = |entry: &Entry| suite::record_once(entry, subject, options, dir);
    let plain = record_of(entry)?;
    let hold = receives::hold(&plain);
    let held = match &hold {
        Some(hold) => {
            let held = with_one(entry, hold);
            // Each has a folder by its name.
            let named =
                |which: &str| Entry { name: format!("{}/{which}", held.name), ..held.clone() };
            receives::recorded(hold, options.jobs > 1, |which| record_of(&named(which)))?
        }
        None => None,
    };
    let (hold, record, both) = match held {
        Some((record, again)) => {
            let both = Both::of(&record, &again);
            (hold, record, both)
        }
        None => {
            let again = record_of(entry)?;
            let both = Both::of(&plain, &again);
            (None, plain.clone(), Both { points: receives::without_later(both.points), ..both })
        }
    };
    let (points, left_out) = (receives::few(both.points), both.left_out);
    if points.is_empty() {
        // Nothing would be swept, and nothing broken by that.
        return Err(Box::new(RunResult::Skipped(
            "no call of the client on the cache directory or to the server was seen; does its description say \
             `{cache_dir}` and `{catwalk_url}` where it takes them from, and is it a 64-bit program?"
                .to_owned(),
        )));
    }
    let numbered = Numbered {
        entry,
        base: &plain.scenario,
        rendezvous: points::rendezvous(&record, &points),
        first_read: points.iter().position(receives::is_read),
        points,
        hold,
    };
    let processes = points::processes(&record);
    Ok(Prepared { processes, left_out, ..numbered.with_everything(plan, options.seed) })
}

/// A scenario with one injection more.
fn with_one(entry: &Entry, injection: &Injection) -> Entry {
    let scenario = entry.scenario.clone().map(|mut scenario| {
        scenario.inject.push(injection.clone());
        scenario
    });
    Entry { scenario, ..entry.clone() }
}

/// A scenario with the points of its client.
struct Numbered<'a> {
    entry: &'a Entry,
    base: &'a Scenario,
    points: Vec<Point>,
    /// What makes a herd wait for the client, and the index of the first point at which it does.
    rendezvous: Option<(Injection, usize)>,
    /// What keeps the client from reading an answer before all of it is there.
    hold: Option<Injection>,
    /// The index of the first point at which it reads.
    first_read: Option<usize>,
}

impl Numbered<'_> {
    /// A run for each thing that can go wrong.
    fn with_everything(self, plan: Plan, seed: u64) -> Prepared {
        let mut runs = vec![(self.with(UNDISTURBED, &[]), Vec::new())];
        let mut failures = Vec::new();
        for (index, point) in self.points.iter().enumerate() {
            for deed in points::deeds(point, plan.choice) {
                let deeds = vec![(index, deed)];
                let name = format!("{}/{}", point.id(), word(deed));
                runs.push((self.with(&name, &deeds), deeds));
                if !deed.kills() {
                    failures.push((index, deed));
                }
            }
        }
        for pair in pairs(&failures, plan.pairs, seed) {
            let name =
                pair.map(|(index, deed)| format!("{}/{}", self.points[index].id(), word(deed)));
            let name = format!("pairs/{}", name.join("+").replace('/', "-"));
            runs.push((self.with(&name, &pair), pair.to_vec()));
        }
        let scenario = self.entry.name.clone();
        let (left_out, processes) = (Vec::new(), 0);
        Prepared { scenario, points: self.points, left_out, runs, processes }
    }

    fn with(&self, name: &str, deeds: &[(usize, Deed)]) -> Entry {
        let mut scenario = self.base.clone();
        if let (Some((hold, first)), Some((index, _))) = (&self.rendezvous, deeds.first())
            && index >= first
        {
            scenario.inject.push(hold.clone());
        }
        // Where something is done by then, an answer may never come, or nobody be there to be let go.
        let reads = match (deeds.first(), self.first_read) {
            (Some((index, _)), Some(first)) => *index > first,
            _ => false,
        };
        scenario.inject.extend(self.hold.clone().filter(|_| reads));
        for (position, (index, deed)) in deeds.iter().enumerate() {
            let mut injection = self.points[*index].injection(*deed);
            injection.optional |= position > 0;
            scenario.inject.push(injection);
        }
        if !deeds.is_empty() {
            // What the undisturbed run proves, one that is disturbed early may never come to.
            scenario.expect.proves.clear();
            scenario.expect.contention = Some(0);
        }
        if let Some((index, deed)) = deeds.first() {
            let more = if deeds.len() > 1 { ", and one more" } else { "" };
            scenario.summary = format!("{deed}: {}{more}", self.points[*index].shown);
        }
        Entry { name: format!("{}/{name}", self.entry.name), file: None, scenario: Ok(scenario) }
    }
}

/// Two failures of one run: the second at a later point than the first. After the first a client may never
/// come to it, and then the run is about the first alone.
fn pairs(failures: &[(usize, Deed)], most: usize, seed: u64) -> Vec<[(usize, Deed); 2]> {
    let mut choices = StdRng::seed_from_u64(seed);
    let mut pairs: Vec<[(usize, Deed); 2]> = Vec::new();
    // Draws that repeat a pair, or have no later point, are lost; twice as many as wanted are enough.
    for _ in 0..most * 2 {
        let (Some(first), Some(second)) =
            (failures.choose(&mut choices), failures.choose(&mut choices))
        else {
            break;
        };
        let pair = [*first, *second];
        if first.0 < second.0 && pairs.len() < most && !pairs.contains(&pair) {
            pairs.push(pair);
        }
    }
    pairs
}

/// One word for a name.
fn word(deed: Deed) -> String {
    match deed {
        Deed::Kill(phase) => format!("killed-{phase}"),
        Deed::KillAlone(phase) => format!("killed-alone-{phase}"),
        Deed::Orphan => "orphaned".to_owned(),
        Deed::Fail(errno) => errno.to_string(),
        Deed::Short(_) => "short".to_owned(),
    }
}

impl Prepared {
    /// The scenarios to be run, traced.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.runs.iter().map(|(entry, _)| entry)
    }

    /// What came of them.
    pub fn swept(self, run: &Run) -> Sweep {
        let cases = self.runs.into_iter().map(|(entry, deeds)| case(entry.name, deeds, run));
        Sweep {
            schema: SWEEP_SCHEMA.to_owned(),
            client: run.client.clone(),
            scenario: self.scenario,
            points: self.points,
            left_out: self.left_out,
            cases: cases.collect(),
            processes: Some(self.processes),
        }
    }
}

fn case(name: String, deeds: Vec<(usize, Deed)>, run: &Run) -> Case {
    let mut case = Case {
        deeds,
        name,
        reached: false,
        both: false,
        outcome: None,
        broken: Vec::new(),
        sentences: Vec::new(),
    };
    let result = run.results.iter().find(|result| result.scenario == case.name);
    match result.map(|result| &result.result) {
        Some(RunResult::Judged(verdict)) => {
            case.outcome = Some(verdict.outcome);
            let did = did(&case.deeds, verdict);
            case.reached = did.first().is_none_or(|did| *did);
            case.both = did.len() > 1 && did.iter().all(|did| *did);
            case.broken = verdict.broken();
            let violations = verdict.invariants.iter().flat_map(|it| &it.violations);
            case.sentences = violations.map(|it| it.sentence.clone()).collect();
            case.sentences.extend(verdict.reasons.iter().cloned());
        }
        Some(RunResult::Invalid(why) | RunResult::Skipped(why) | RunResult::HarnessFault(why)) => {
            case.sentences.push(why.clone());
        }
        None => case.sentences.push("it was not run".to_owned()),
    }
    case
}

/// Which of a run's deeds were done: their injections are those that the sweep added, which are the last of the
/// scenario.
fn did(deeds: &[(usize, Deed)], verdict: &Verdict) -> Vec<bool> {
    let injections = verdict.witnesses.iter().filter(|it| it.name.starts_with("injection "));
    let fired: Vec<bool> = injections.map(|witness| witness.observed > 0).collect();
    let first = fired.len().saturating_sub(deeds.len());
    let mut did = fired.get(first..).unwrap_or_default().to_vec();
    did.resize(deeds.len(), false);
    did
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::errno::Errno;

    #[test]
    fn pairs_are_drawn_once_each_and_in_order_up_to_a_bound() {
        let failures: Vec<_> = (0..5).map(|index| (index, Deed::Fail(Errno::Io))).collect();
        let drawn = pairs(&failures, 6, 1);
        assert_eq!(drawn, pairs(&failures, 6, 1));
        assert!(!drawn.is_empty() && drawn.len() <= 6);
        for (index, [first, second]) in drawn.iter().enumerate() {
            assert!(first.0 < second.0);
            assert!(!drawn[..index].contains(&[*first, *second]));
        }
        assert!(pairs(&[], 6, 1).is_empty());
    }
}
