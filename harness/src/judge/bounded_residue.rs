//! `bounded-residue`: temporaries that killed writers leave do not grow in number.
//!
//! A process that dies between making a temporary and renaming it must leave it: one each is no fault.
//! That later processes never sweep them up is. So what may remain depends on how many writers died:
//!
//! - none died: no temporary, or one for each fetch that a fault of the server or the disk broke;
//! - fewer than three died within a fetch: one for each process that died;
//! - three or more did: `expect.residue`, however many they were.

use super::findings::{Findings, counted};
use super::history::{History, Moment, Process};
use crate::model::record::Role;
use crate::model::verdict::{Invariant, InvariantReport};

/// From this number of killed writers on, what remains must not depend on the number.
const ENOUGH: u32 = 3;

/// Evaluates the invariant.
pub(super) fn evaluate(history: &History<'_>) -> InvariantReport {
    let mut findings = Findings::of(Invariant::BoundedResidue);
    let deaths = Deaths::of(history);
    if history.interrupted.is_some() {
        // Whoever the harness ended when it broke off had no time to remove anything.
        findings.indeterminate();
    } else if let Some((moment, left)) = left(history) {
        let allowed = deaths.allowed(history);
        findings.evaluated();
        let count = u32::try_from(left.len()).unwrap_or(u32::MAX);
        if count > allowed {
            findings.violated(&[moment], || {
                let listed: Vec<&str> = left.iter().take(3).copied().collect();
                let more = if left.len() > listed.len() { ", ..." } else { "" };
                format!(
                    "{} remained at {moment} ({}{more}), after {}: {allowed} may",
                    counted(count, "temporary", "temporaries"),
                    listed.join(", "),
                    deaths.sentence(),
                )
            });
        }
    }
    findings.conclude("what remained in the cache directory was never listed", |_| {
        format!("the directory at the end, after {}", deaths.sentence())
    })
}

/// The temporaries at the end, without those that the harness planted.
fn left<'a>(history: &History<'a>) -> Option<(Moment, Vec<&'a str>)> {
    let (moment, files) = history.residue?;
    let planted = history.planted_paths();
    let temps = files.iter().filter(|(_, role)| *role == Role::Temp);
    let paths = temps.map(|(path, _)| path.as_str()).filter(|path| !planted.contains(*path));
    Some((moment, paths.collect()))
}

/// The number of temporaries at the end, as the measures report it.
pub(super) fn count(history: &History<'_>) -> u32 {
    left(history).map_or(0, |(_, left)| u32::try_from(left.len()).unwrap_or(u32::MAX))
}

struct Deaths {
    /// Processes that the harness ended, for whatever reason.
    all: u32,
    /// Of these, those that injections killed within a fetch, or between it and its publish.
    writers: u32,
    /// Fetches that an injected fault broke.
    broken: u32,
}

impl Deaths {
    fn of(history: &History<'_>) -> Self {
        let count = |filter: &dyn Fn(&Process<'_>) -> bool| {
            let matching = history.processes.iter().filter(|process| filter(process)).count();
            u32::try_from(matching).unwrap_or(u32::MAX)
        };
        let broken = history.fetches().filter(|fetch| fetch.explained.is_some()).count();
        Self {
            all: count(&|process| process.killed().is_some() || process.overdue.is_some()),
            writers: count(&|process| was_writing(history, process)),
            broken: u32::try_from(broken).unwrap_or(u32::MAX),
        }
    }

    fn allowed(&self, history: &History<'_>) -> u32 {
        let bound = history.record.scenario.expect.residue;
        match (self.all, self.writers, self.broken) {
            (0, _, 0) => 0,
            (0, _, broken) => bound.max(broken),
            (_, ENOUGH.., _) => bound,
            (all, ..) => bound.max(all),
        }
    }

    fn sentence(&self) -> String {
        format!(
            "{} ended by the harness, {} of them within a fetch, and {} broken by a fault",
            counted(self.all, "process was", "processes were"),
            self.writers,
            counted(self.broken, "fetch", "fetches"),
        )
    }
}

/// Whether an injection killed a process after it had asked for a catalogue and before it had
/// published one.
fn was_writing(history: &History<'_>, process: &Process<'_>) -> bool {
    let Some(killed) = process.killed() else { return false };
    let Some(fetch) =
        history.fetches_of(process).take_while(|it| it.arrived.index < killed.index).last()
    else {
        return false;
    };
    let opened = history.windows.before(killed.index).map(|last| &history.windows.all[last]);
    let own = opened.and_then(|window| window.fetch).map(|index| &history.exchanges[index]);
    !own.is_some_and(|own| own.arrived == fetch.arrived)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::testing::{Story, check, check_counts, check_sentences, herd, plant, story};
    use crate::model::scenario::{Action, Content, Mtime};

    const TEMPS: [(&str, Role); 4] = [
        ("providers.json.tmp.1", Role::Temp),
        ("providers.json.tmp.2", Role::Temp),
        ("providers.json.tmp.3", Role::Temp),
        ("providers.json.tmp.4", Role::Temp),
    ];

    /// Writers that are killed within their fetch, and one that succeeds.
    fn killed(count: u32) -> Story {
        let clients: Vec<u32> = (1..=count + 1).collect();
        let told = story().wave(&clients);
        let told = (1..=count).fold(told, |told, client| told.ask(client).kill(client));
        told.fetch(count + 1, 1).publish(1).exit(count + 1, 1)
    }

    #[test]
    fn without_a_death_nothing_may_remain() {
        check(herd().residue(&[]), "pass");
        check(herd().residue(&TEMPS[..1]), "fail bounded-residue");
        check_counts(herd(), Invariant::BoundedResidue, (0, 0));
        check_sentences(
            herd().residue(&TEMPS),
            Invariant::BoundedResidue,
            &[
                "4 temporaries remained at 0.140 s (providers.json.tmp.1, providers.json.tmp.2, providers.json.tmp.3, ...), after 0 processes were ended by the harness, 0 of them within a fetch, and 0 fetches broken by a fault: 0 may",
            ],
        );
    }

    #[test]
    fn one_for_each_death_may_remain_until_there_are_three() {
        check(killed(1).residue(&TEMPS[..1]), "pass");
        check(killed(1).residue(&TEMPS[..2]), "fail bounded-residue");
        check(killed(2).residue(&TEMPS[..2]), "pass");
        check(killed(3).residue(&TEMPS[..1]), "pass");
        check(killed(3).residue(&TEMPS[..2]), "fail bounded-residue");
        let allowed = killed(3).scenario(|it| it.expect.residue = 2);
        check(allowed.residue(&TEMPS[..2]), "pass");
    }

    #[test]
    fn one_for_each_fetch_that_a_fault_broke_may_remain() {
        let reset =
            |told: Story, client| told.ask(client).inject(Action::Reset, &[client]).fail(client);
        let told = (1..=4).fold(story().wave(&[1, 2, 3, 4]), reset);
        check(told.clone().residue(&TEMPS), "pass");
        let bound = reset(story().wave(&[1]), 1).scenario(|it| it.expect.residue = 2);
        check(bound.residue(&TEMPS[..2]), "pass");
        check(
            told.residue(&[&TEMPS[..], &[("x.tmp.9", Role::Temp)]].concat()),
            "fail bounded-residue",
        );
    }

    #[test]
    fn killed_waiters_are_no_writers_and_planted_files_no_residue() {
        let waiters = story().wave(&[1, 2, 3, 4]).kill(1).kill(2).kill(3);
        let waiters = waiters.fetch(4, 1).publish(1).exit(4, 1);
        check(waiters.residue(&TEMPS[..3]), "pass");
        let published = story().wave(&[1, 2, 3]);
        let published = (1..=3)
            .fold(published, |told, client| told.fetch(client, 1).publish(1).kill(client).age());
        check(published.residue(&TEMPS[..3]), "pass");
        let planted = plant("providers.json.tmp.1", Content::Garbage, Mtime::Now);
        check(herd().inject(planted, &[]).residue(&TEMPS[..1]), "pass");
    }
}
