//! `bounded-wait`: no client outlives its bound, and after the last fault somebody succeeds in time.
//!
//! The bound is the deadline, which the harness enforces, and `expect.wait` where the scenario gives it.
//! Time for which an injection had suspended a client is not its own, and a client that was never woken
//! again cannot end. Where a process was suspended for half of its deadline, what was left of that says nothing, nor
//! where it had no processor for half of the bound: the machine was too busy to tell.
//! Probes are the matter of `no-blocking-leftover`.

use super::findings::{Findings, counted};
use super::history::{Exchange, History, Moment, Process};
use super::measures::Recovery;
use crate::model::units::{Nanos, Span};
use crate::model::verdict::{Invariant, InvariantReport};

/// Evaluates the invariant.
pub(super) fn evaluate(history: &History<'_>) -> InvariantReport {
    let mut findings = Findings::of(Invariant::BoundedWait);
    for process in history.processes.iter().filter(|process| !process.is_probe()) {
        judge(history, process, &mut findings);
    }
    if let Some(bound) = history.record.scenario.expect.recovery {
        judge_recovery(history, bound, &mut findings);
    }
    findings.conclude("no client ended by itself or by its deadline", |evaluations| {
        format!("{} and recoveries", counted(evaluations, "life", "lives"))
    })
}

fn judge(history: &History<'_>, process: &Process<'_>, findings: &mut Findings) {
    let Some(released) = process.released else { return };
    if let Some((moment, deadline)) = process.overdue {
        let was_suspended = process.time_suspended() > deadline.0 / 2;
        if process.is_stopped_for_good() || was_suspended || history.is_starved(process, deadline) {
            findings.indeterminate();
            return;
        }
        findings.evaluated();
        findings.violated(&[released, moment], || {
            format!(
                "{} outlived its deadline of {deadline}: let go at {released}, it still ran at {moment}, {}{}",
                process.client,
                busy_with(history, process),
                history.locks_clause(moment.index),
            )
        });
        return;
    }
    let (Some((moment, _)), Some(run)) = (process.exited, process.time_run()) else { return };
    if !process.kills.is_empty() {
        return;
    }
    let bound = history.record.scenario.expect.wait.filter(|bound| run > bound.0);
    if bound.is_some_and(|bound| history.is_starved(process, bound)) {
        findings.indeterminate();
        return;
    }
    findings.evaluated();
    if let Some(bound) = bound {
        findings.violated(&[released, moment], || {
            let nanos = Nanos(u64::try_from(run.as_nanos()).unwrap_or(u64::MAX));
            format!(
                "{} ran for {nanos} from {released} to {moment} where {bound} are allowed",
                process.client
            )
        });
    }
}

/// What a client that did not end was doing, as far as its requests show.
fn busy_with(history: &History<'_>, process: &Process<'_>) -> String {
    let last: Option<&Exchange<'_>> = history.fetches_of(process).last();
    let Some(fetch) = last else {
        return match process.met.last() {
            Some((since, fault)) => {
                format!("with a connection that met the fault {fault} at {since}")
            }
            None => "without a fetch of its own".to_owned(),
        };
    };
    let number = fetch.request.request;
    match fetch.end {
        Some((end, None)) => format!("though its fetch ({number}) had been answered at {end}"),
        Some((end, Some(_))) => format!("though its fetch ({number}) had broken off at {end}"),
        None => format!("with its fetch ({number}, since {}) unanswered", fetch.arrived),
    }
}

fn judge_recovery(history: &History<'_>, bound: Span, findings: &mut Findings) {
    let Some(recovery) = Recovery::of(history) else { return };
    let from = recovery.from;
    let Some((client, success)) = recovery.success else {
        judge_no_recovery(history, from, findings);
        return;
    };
    findings.evaluated();
    let took = success.since(from);
    if took > bound.0 {
        findings.violated(&[from, success], || {
            let nanos = Nanos(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
            format!(
                "recovery took {nanos} where {bound} are allowed: the last fault ended at {from}, and {client} was the first to succeed after it, at {success}"
            )
        });
    }
}

/// Nobody succeeded after the last fault; that says something only where somebody tried to the end.
fn judge_no_recovery(history: &History<'_>, from: Moment, findings: &mut Findings) {
    let tried = history.processes.iter().filter(|process| process.kills.is_empty());
    let ends = tried.filter_map(Process::ended);
    let last = ends.filter(|ended| ended.index > from.index).max_by_key(|ended| ended.index);
    let Some(last) = last.filter(|_| history.interrupted.is_none()) else {
        findings.indeterminate();
        return;
    };
    findings.evaluated();
    findings.violated(&[from, last], || {
        format!("there was no recovery: nobody succeeded after the last fault, which ended at {from}, until the last client ended at {last}")
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::testing::{Story, check, check_counts, check_sentences, herd, story};
    use crate::model::call::CallName;
    use crate::model::record::{Change, Role};
    use crate::model::scenario::Action;
    use crate::model::units::Signal;

    fn waiting(told: Story, seconds: u64) -> Story {
        told.scenario(|it| it.expect.wait = Some(Span::from_secs(seconds)))
    }

    fn recovering(told: Story, seconds: u64) -> Story {
        told.scenario(|it| it.expect.recovery = Some(Span::from_secs(seconds)))
    }

    #[test]
    fn who_was_suspended_for_half_of_the_deadline_had_not_all_of_it() {
        let woken = |at| {
            let told = herd().wave(&[4]).inject(Action::Stop, &[4]);
            told.at(at).inject(Action::Continue, &[4]).at(20_170).overdue(4)
        };
        check_counts(woken(15_000), Invariant::BoundedWait, (3, 1));
        check(woken(5_000), "fail bounded-wait");
    }

    #[test]
    fn a_machine_without_a_processor_for_it_says_nothing_about_a_client() {
        let late = herd().wave(&[4, 5]).at(20_170).overdue(4).exit(5, 1);
        check(late.clone().delayed(4, 10_000), "fail bounded-wait");
        check_counts(late.clone().delayed(4, 10_001), Invariant::BoundedWait, (4, 1));
        // It may have waited for the other.
        check_counts(late.delayed(5, 10_001), Invariant::BoundedWait, (4, 1));
        let slow = waiting(herd().wave(&[4]).at(6_000).exit(4, 1), 2);
        check(slow.clone(), "fail bounded-wait");
        check(slow.clone().delayed(3, 1_001), "fail bounded-wait"); // it had ended before
        check_counts(slow.delayed(4, 1_001), Invariant::BoundedWait, (3, 1));
    }

    #[test]
    fn a_client_that_outlives_its_deadline_breaks_it() {
        check_counts(herd(), Invariant::BoundedWait, (3, 0));
        let told = herd().wave(&[4]).file(Change::Created, "providers.json.lock", Role::Lock);
        let told = told.at(20_170).overdue(4);
        check(told.clone(), "fail bounded-wait");
        check_sentences(
            told,
            Invariant::BoundedWait,
            &[
                "c04 outlived its deadline of 20s: let go at 0.160 s, it still ran at 20.170 s, without a fetch of its own; providers.json.lock lay there as a lock, created at 0.170 s",
            ],
        );
        let stalled = story().wave(&[1]).ask(1).inject(Action::Stall, &[1]).at(20_020).overdue(1);
        check_sentences(
            stalled,
            Invariant::BoundedWait,
            &[
                "c01 outlived its deadline of 20s: let go at 0.020 s, it still ran at 20.020 s, with its fetch (#1, since 0.030 s) unanswered",
            ],
        );
    }

    #[test]
    fn a_client_that_an_injection_suspended_is_not_to_blame() {
        let stopped = || herd().wave(&[4]).inject(Action::Stop, &[4]);
        check(stopped().overdue(4), "pass");
        check_counts(stopped().overdue(4), Invariant::BoundedWait, (3, 1));
        check(stopped().inject(Action::Continue, &[4]).overdue(4), "fail bounded-wait");
        let late = || stopped().at(5_000).inject(Action::Continue, &[4]).exit(4, 1);
        check(waiting(late(), 1), "pass");
    }

    #[test]
    fn a_delay_at_a_call_is_not_the_clients_own_time() {
        let delay = |seconds| Action::Delay(Span::from_secs(seconds));
        let told = |seconds| {
            let told = herd().wave(&[4]).call(4, CallName::Rename).inject(delay(seconds), &[4]);
            waiting(told.at(5_000).exit(4, 1), 2)
        };
        check(told(4), "pass");
        check_counts(told(4), Invariant::BoundedWait, (4, 0));
        check(told(1), "fail bounded-wait");
        // It ends with the client at the latest.
        check(told(60), "pass");
        // That of a response is the client's to bound.
        let slow = herd().age().wave(&[4]).ask(4).inject(delay(4), &[4]).at(5_000);
        check(waiting(slow.head(2, 1).done(2).publish(1).exit(4, 1), 2), "fail bounded-wait");
    }

    #[test]
    fn recovery_from_a_delay_at_a_call_counts_from_its_end() {
        let delay = Action::Delay(Span::from_secs(4));
        let told = |at| {
            let told = story().wave(&[1]).fetch(1, 1).call(1, CallName::Rename);
            recovering(told.inject(delay.clone(), &[1]).at(at).publish(1).exit(1, 1), 2)
        };
        check(told(5_000), "pass");
        check(told(9_000), "fail bounded-wait");
    }

    #[test]
    fn a_wait_that_the_scenario_bounds_is_measured() {
        let slow = || herd().wave(&[4]).at(3_000).exit(4, 1);
        check(waiting(slow(), 4), "pass");
        check(waiting(slow(), 2), "fail bounded-wait");
        check_sentences(
            waiting(slow(), 2),
            Invariant::BoundedWait,
            &["c04 ran for 2.840 s from 0.160 s to 3.000 s where 2s are allowed"],
        );
        check(waiting(herd().wave(&[4]).at(3_000).kill(4), 2), "pass");
    }

    #[test]
    fn recovery_counts_from_the_last_fault_to_the_next_success() {
        let killed =
            |at| story().wave(&[1, 2]).ask(1).kill(1).at(at).fetch(2, 1).publish(1).exit(2, 1);
        check(recovering(killed(1_000), 2), "pass");
        check(recovering(killed(4_000), 2), "fail bounded-wait");
        check_sentences(
            recovering(killed(4_000), 2),
            Invariant::BoundedWait,
            &[
                "recovery took 3.980 s where 2s are allowed: the last fault ended at 0.060 s, and c02 was the first to succeed after it, at 4.040 s",
            ],
        );
        let down = herd().age().inject(Action::CatwalkDown, &[]).wave(&[4]).fail(4).at(9_000);
        let up = down.inject(Action::CatwalkUp, &[]).wave(&[5]).fetch(5, 1).publish(1).exit(5, 1);
        check(recovering(up, 2), "pass");
        check_counts(recovering(herd(), 2), Invariant::BoundedWait, (3, 0));
    }

    #[test]
    fn no_recovery_at_all_is_a_breach_only_if_someone_tried() {
        let down = herd().age().inject(Action::CatwalkDown, &[]).wave(&[4]).fail(4);
        check(recovering(down, 2), "fail bounded-wait");
        let term = Action::Kill(Signal::Kill);
        let all_dead = story().wave(&[1]).ask(1).inject(term, &[1]).die(1);
        check(recovering(all_dead, 2), "pass");
    }
}
