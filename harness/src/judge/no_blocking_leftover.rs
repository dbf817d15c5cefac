//! `no-blocking-leftover`: after the faults have ended, a fresh client succeeds within its bound.
//!
//! Judged by the probes, one on the cache as the faults left it and one after its TTL. What a probe does
//! wrong is reported here and nowhere else. A lock file that stays is no fault where it is only what an
//! advisory lock is taken on; where the file *is* the lock, none may remain when all have ended.
//! What is published shuts nobody out whom the file before did not (`permissions`).

pub(super) mod permissions;

use super::embedded;
use super::findings::{Findings, counted};
use super::history::{History, Process};
use crate::model::client::LockKind;
use crate::model::record::{Part, Role, Sighting};
use crate::model::units::Nanos;
use crate::model::verdict::{Invariant, InvariantReport};

/// Evaluates the invariant.
pub(super) fn evaluate(history: &History<'_>) -> InvariantReport {
    let mut findings = Findings::of(Invariant::NoBlockingLeftover);
    for probe in history.processes.iter().filter(|process| process.is_probe()) {
        judge_probe(history, probe, &mut findings);
    }
    if history.record.client.files.lock_kind == LockKind::Existence {
        judge_locks(history, &mut findings);
    }
    permissions::evaluate(history, &mut findings);
    findings.conclude("no probe ran after the faults had ended", |evaluations| {
        format!("{} on what the probes met or left", counted(evaluations, "check", "checks"))
    })
}

fn judge_probe(history: &History<'_>, probe: &Process<'_>, findings: &mut Findings) {
    let Some(ended) = probe.ended() else {
        findings.indeterminate();
        return;
    };
    let cut_short = history.interrupted.is_some_and(|(moment, _)| moment.index < ended.index);
    if probe.released.is_none() || cut_short || probe.foreign_signal().is_some() {
        findings.indeterminate();
        return;
    }
    if is_late_by_starvation(history, probe) {
        findings.indeterminate();
        return;
    }
    findings.evaluated();
    let Some(complaint) = complaint(history, probe) else { return };
    let released = probe.released.unwrap_or(ended);
    findings.violated(&[released, ended], || {
        let which = match probe.part {
            Part::ProbeNextWindow => "a fresh client on the cache past its TTL",
            _ => "a fresh client on the cache as the faults had left it",
        };
        let locks = history.locks_clause(ended.index);
        format!("{}, {which}, let go at {released}, {complaint}{locks}", probe.client)
    });
}

/// Whether a probe took longer than it may, and the machine had no processor for it.
fn is_late_by_starvation(history: &History<'_>, probe: &Process<'_>) -> bool {
    let wait = history.record.scenario.expect.wait;
    let late = wait.filter(|bound| probe.time_run().is_some_and(|run| run > bound.0));
    let bound = probe.overdue.map(|(_, deadline)| deadline).or(late);
    bound.is_some_and(|bound| history.is_starved(probe, bound))
}

/// What a probe did wrong, if anything.
fn complaint(history: &History<'_>, probe: &Process<'_>) -> Option<String> {
    if let Some((moment, deadline)) = probe.overdue {
        return Some(format!("was still running at {moment}, after its deadline of {deadline}"));
    }
    let (moment, exited) = probe.exited?;
    if !exited.status.success() {
        return Some(format!("failed with {} at {moment}", exited.status));
    }
    if !probe.output_is_whole(&exited.got) {
        let shown = match &exited.got {
            Sighting::Damaged { how, .. } => format!("what is no whole served catalogue ({how})"),
            Sighting::Planted => "what the harness had planted".to_owned(),
            _ => "no catalogue".to_owned(),
        };
        return Some(format!("exited with code 0 at {moment} and returned {shown}"));
    }
    if let Some(complaint) = embedded::complaint(history, probe) {
        return Some(format!("exited with code 0 at {moment} and {complaint}"));
    }
    let bound = history.record.scenario.expect.wait?;
    let run = probe.time_run()?;
    let nanos = Nanos(u64::try_from(run.as_nanos()).unwrap_or(u64::MAX));
    (run > bound.0).then(|| format!("took {nanos} where {bound} are allowed"))
}

/// Judges the locks that remain when all have ended, probes included.
fn judge_locks(history: &History<'_>, findings: &mut Findings) {
    let probes = || history.processes.iter().filter(|process| process.is_probe());
    let last_end = probes().filter_map(Process::ended).map(|ended| ended.index).max();
    let Some((last_end, (moment, files))) = last_end.zip(history.residue) else { return };
    if moment.index < last_end {
        return;
    }
    let locks: Vec<&str> = files
        .iter()
        .filter(|(_, role)| *role == Role::Lock)
        .map(|(path, _)| path.as_str())
        .collect();
    // A planted lock that nobody needed to take, because the window was open, proves nothing.
    let needed = probes().any(|probe| probe.part == Part::ProbeNextWindow);
    if !locks.is_empty() && !history.faults.on_lock.is_empty() && !needed {
        findings.indeterminate();
        return;
    }
    findings.evaluated();
    if locks.is_empty() {
        return;
    }
    findings.violated(&[moment], || {
        let count = u32::try_from(locks.len()).unwrap_or(u32::MAX);
        format!(
            "{} remained after every process had ended ({}), and for this client the file is the lock",
            counted(count, "lock", "locks"),
            locks.join(", ")
        )
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::testing::{
        Story, check, check_counts, check_sentences, damaged, herd, plant, story, whole,
    };
    use crate::model::record::{Change, ExitStatus, Sighting};
    use crate::model::scenario::{Content, Mtime};
    use crate::model::units::Span;

    fn probed(told: Story) -> Story {
        told.healed().start(91, Part::ProbeNow, "get")
    }

    fn with_existence_lock(told: Story) -> Story {
        told.client(|it| it.files.lock_kind = LockKind::Existence)
    }

    #[test]
    fn probes_that_succeed_hold() {
        let told = probed(herd()).exit(91, 1).age().start(92, Part::ProbeNextWindow, "get");
        let told = told.fetch(92, 1).publish(1).exit(92, 1);
        check(told.clone(), "pass");
        check_counts(told, Invariant::NoBlockingLeftover, (2, 0));
        let silent = probed(herd()).end(91, ExitStatus::Code(0), Sighting::NotShown);
        check(silent, "pass");
        check_counts(herd(), Invariant::NoBlockingLeftover, (0, 0));
    }

    #[test]
    fn a_probe_that_fails_breaks_this_and_nothing_else() {
        let dead_lock = story().wave(&[1]).file(Change::Created, "providers.json.lock", Role::Lock);
        let dead_lock = || dead_lock.clone().ask(1).kill(1);
        check(probed(dead_lock()).overdue(91), "fail no-blocking-leftover");
        // Where the machine was too busy, nobody can tell.
        let starved = probed(dead_lock()).overdue(91).delayed(91, 10_001);
        check_counts(starved, Invariant::NoBlockingLeftover, (0, 1));
        check_sentences(
            probed(dead_lock()).overdue(91),
            Invariant::NoBlockingLeftover,
            &[
                "c91, a fresh client on the cache as the faults had left it, let go at 0.090 s, was still running at 0.100 s, after its deadline of 20s; providers.json.lock lay there as a lock, created at 0.030 s",
            ],
        );
        check(probed(dead_lock()).fail(91), "fail no-blocking-leftover");
        check(probed(herd()).end(91, ExitStatus::Code(0), damaged()), "fail no-blocking-leftover");
        check(
            probed(herd()).end(91, ExitStatus::Code(0), Sighting::Absent),
            "fail no-blocking-leftover",
        );
        let crash = ExitStatus::Signal { number: 11, ours: false };
        check(probed(herd()).end(91, crash, Sighting::Absent), "fail no-blocking-leftover");
    }

    #[test]
    fn a_probe_is_bound_by_the_wait_that_is_asked_for() {
        let slow = |wait| {
            let told = herd().scenario(|it| it.expect.wait = Some(Span::from_secs(wait)));
            probed(told).at(5000).exit(91, 1)
        };
        check(slow(6), "pass");
        check(slow(2), "fail no-blocking-leftover");
    }

    #[test]
    fn a_probe_that_was_cut_short_is_indeterminate() {
        let stopped = crate::model::record::What::Interrupted { why: "Ctrl-C".to_owned() };
        let told = probed(herd()).push(stopped).die(91);
        check(told.clone(), "inconclusive");
        check_counts(told, Invariant::NoBlockingLeftover, (0, 1));
        let foreign = ExitStatus::Signal { number: 9, ours: false };
        check(probed(herd()).end(91, foreign, Sighting::Absent), "inconclusive");
    }

    #[test]
    fn a_lock_that_is_its_file_may_not_remain() {
        let lock = [("providers.json.lock", Role::Lock), ("providers.json", Role::Published)];
        let told = || probed(with_existence_lock(herd())).exit(91, 1);
        check(told().residue(&lock[1..]), "pass");
        check(told().residue(&lock), "fail no-blocking-leftover");
        check(probed(herd()).exit(91, 1).residue(&lock), "pass");
        check(with_existence_lock(herd()).residue(&lock), "pass");
        let before_probe = probed(with_existence_lock(herd()).residue(&lock)).exit(91, 1);
        check(before_probe, "pass");
        check_sentences(
            told().residue(&lock),
            Invariant::NoBlockingLeftover,
            &[
                "1 lock remained after every process had ended (providers.json.lock), and for this client the file is the lock",
            ],
        );
    }

    #[test]
    fn a_planted_lock_counts_only_once_someone_needed_it() {
        let lock = [("providers.json.lock", Role::Lock)];
        let stale = plant("lock", Content::DeadPid, Mtime::Expired);
        let told = || probed(with_existence_lock(herd()).inject(stale.clone(), &[])).exit(91, 1);
        check(told().residue(&lock), "pass");
        let next = told().age().start(92, Part::ProbeNextWindow, "get").fetch(92, 1);
        let next = next.publish(1).end(92, ExitStatus::Code(0), whole(1));
        check(next.residue(&lock), "fail no-blocking-leftover");
    }
}
