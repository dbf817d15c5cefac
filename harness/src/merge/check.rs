//! Whether runs are the parts of one whole: the same plan, each part once, each trial once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::Source;
use crate::model::plan::{Plan, Shard};
use crate::shard::partition;

/// Why runs are not the parts of one whole.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is none.
    #[error("there is no run to join")]
    Nothing,
    /// A run without a plan.
    #[error("{} does not say what it was asked for; only runs of `cachestorm run` can be joined", dir.display())]
    NoPlan {
        /// Its folder.
        dir: PathBuf,
    },
    /// A run that was joined before.
    #[error("{} was joined from others already; name the runs that it was joined from", dir.display())]
    Joined {
        /// Its folder.
        dir: PathBuf,
    },
    /// Two runs that were asked for different things.
    #[error("{} and {} differ in {what}: {said}; {help}", first.display(), second.display())]
    Differ {
        /// In what.
        what: &'static str,
        /// One run's folder.
        first: PathBuf,
        /// The other's folder.
        second: PathBuf,
        /// What the one says and what the other says.
        said: String,
        /// What to do about it.
        help: &'static str,
    },
    /// The same part twice.
    #[error("shard {shard} is there twice, as {} and {}; leave one out", first.display(), second.display())]
    Double {
        /// Which.
        shard: Shard,
        /// One folder.
        first: PathBuf,
        /// The other folder.
        second: PathBuf,
    },
    /// Whole runs, of which each has every trial.
    #[error("{} and {} both ran everything; give each machine its part by `cachestorm run --shard K/N`", first.display(), second.display())]
    WholeTwice {
        /// One folder.
        first: PathBuf,
        /// The other folder.
        second: PathBuf,
    },
    /// Parts that are not there.
    #[error(
        "{} missing: {}; run what is missing with the same --seed {seed}, or see why its machine left nothing",
        are(missing),
        listed(missing)
    )]
    Gap {
        /// Which.
        missing: Vec<Shard>,
        /// The seed of the others.
        seed: u64,
    },
    /// A part without a trial of its own.
    #[error("{} lacks {trial}, which belongs to its shard {shard}; run that shard again", dir.display())]
    Lacks {
        /// Its folder.
        dir: PathBuf,
        /// The part that it is.
        shard: Shard,
        /// The trial.
        trial: String,
    },
    /// A part with a trial of another.
    #[error("{} holds {trial}, which does not belong to its shard {shard}; run that shard again", dir.display())]
    Strange {
        /// Its folder.
        dir: PathBuf,
        /// The part that it is.
        shard: Shard,
        /// The trial.
        trial: String,
    },
    /// A trial twice in one part.
    #[error("{} holds {trial} twice; run that shard again", dir.display())]
    TrialTwice {
        /// Its folder.
        dir: PathBuf,
        /// The trial.
        trial: String,
    },
    /// A record that is not there.
    #[error("the record of {trial} is not there: {}; bring the run's whole folder here", file.display())]
    NoRecord {
        /// The trial.
        trial: String,
        /// Where it should be.
        file: PathBuf,
    },
    /// A record of something else.
    #[error("{} should be the record of {trial} and is that of {found}; run that shard again", file.display())]
    OtherRecord {
        /// The trial.
        trial: String,
        /// The file.
        file: PathBuf,
        /// What it is the record of.
        found: String,
    },
}

fn are(missing: &[Shard]) -> &'static str {
    if missing.len() == 1 { "a shard is" } else { "shards are" }
}

fn listed(missing: &[Shard]) -> String {
    missing.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Checks that the runs are all parts of one plan, each once, and returns that plan.
///
/// # Errors
/// What keeps them from being that.
pub fn check(sources: &[Source]) -> Result<Plan, Refusal> {
    let mut plans = Vec::new();
    for source in sources {
        let dir = || source.dir.clone();
        let plan = source.run.plan.as_ref().ok_or_else(|| Refusal::NoPlan { dir: dir() })?;
        if !plan.parts.is_empty() {
            return Err(Refusal::Joined { dir: dir() });
        }
        plans.push((source, plan));
    }
    let Some((first, plan)) = plans.first() else { return Err(Refusal::Nothing) };
    for (source, other) in &plans {
        same(first, plan, source, other)?;
    }
    let mut parts: BTreeMap<Shard, &Path> = BTreeMap::new();
    for (source, plan) in &plans {
        let Some(known) = parts.insert(plan.shard, &source.dir) else { continue };
        let (first, second) = (known.to_owned(), source.dir.clone());
        return Err(match plan.shard {
            whole if whole.is_whole() => Refusal::WholeTwice { first, second },
            shard => Refusal::Double { shard, first, second },
        });
    }
    let of = plan.shard.of();
    let all = (1..=of).filter_map(|index| Shard::new(index, of));
    let missing: Vec<Shard> = all.filter(|shard| !parts.contains_key(shard)).collect();
    if !missing.is_empty() {
        return Err(Refusal::Gap { missing, seed: first.run.seed });
    }
    for (source, plan) in &plans {
        trials(source, plan)?;
    }
    Ok((*plan).clone())
}

/// Checks that two runs were asked for the same.
fn same(first: &Source, plan: &Plan, second: &Source, other: &Plan) -> Result<(), Refusal> {
    let differ = |what, one: String, another: String, help| {
        if one == another {
            return Ok(());
        }
        let (first, second) = (first.dir.clone(), second.dir.clone());
        let said = format!("{one} and {another}");
        Err(Refusal::Differ { what, first, second, said, help })
    };
    let (one, two) = (&first.run, &second.run);
    let help = "use the same program on each machine";
    differ("the version of cachestorm", plan.version.clone(), other.version.clone(), help)?;
    let help = "each shard is of one client; join each client's runs by themselves";
    differ("the client", one.client.clone(), two.client.clone(), help)?;
    let help = "use the same client.toml on each machine";
    differ("what client.toml says", plan.client.clone(), other.client.clone(), help)?;
    let help = "give each machine the same --seed";
    differ("the seed", one.seed.to_string(), two.seed.to_string(), help)?;
    let help = "give each machine the same --repeat";
    differ("the repetitions", plan.repeat.to_string(), other.repeat.to_string(), help)?;
    let help = "give each machine the same N of --shard K/N";
    differ(
        "the number of shards",
        plan.shard.of().to_string(),
        other.shard.of().to_string(),
        help,
    )?;
    if let Some(name) = odd_scenario(plan, other) {
        let said = |plan: &Plan| match plan.scenarios.get(name) {
            Some(fingerprint) => format!("{name} as {fingerprint}"),
            None => format!("no {name}"),
        };
        let help = "give each machine the same scenarios, from the same files";
        differ("the scenarios", said(plan), said(other), help)?;
    }
    Ok(())
}

/// A scenario that one plan has and the other has not, or in which they differ.
fn odd_scenario<'p>(one: &'p Plan, other: &'p Plan) -> Option<&'p String> {
    let names = one.scenarios.keys().chain(other.scenarios.keys());
    names.into_iter().find(|name| one.scenarios.get(*name) != other.scenarios.get(*name))
}

/// Checks that a run holds the trials of its part, each once, and no other.
fn trials(source: &Source, plan: &Plan) -> Result<(), Refusal> {
    let own = partition(plan, plan.shard);
    let (dir, shard) = (|| source.dir.clone(), plan.shard);
    let named =
        |(scenario, repetition): (&str, u32)| format!("{scenario}, repetition {repetition}");
    let mut seen = BTreeSet::new();
    for result in &source.run.results {
        let trial = (result.scenario.as_str(), result.repetition);
        if !own.contains(&trial) {
            return Err(Refusal::Strange { dir: dir(), shard, trial: named(trial) });
        }
        if !seen.insert(trial) {
            return Err(Refusal::TrialTwice { dir: dir(), trial: named(trial) });
        }
    }
    match own.difference(&seen).next() {
        Some(trial) => Err(Refusal::Lacks { dir: dir(), shard, trial: named(*trial) }),
        None => Ok(()),
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
