//! `truthful-exit`: exit code 0 means a whole catalogue that was served, and no client fails without an
//! injected fault that explains it. One that may have given up on a client for which the machine had no processor is
//! indeterminate.
//!
//! A command that tells something of the cache tells what is so: how it is, by its exit code or on standard
//! output, and what was counted (`telling`). One that is told what to publish has published it (`by_hand`), and the
//! catalogue that is built into a client is returned as a last resort only (`embedded`).
//!
//! A session ends when it is told to, not before, and then without a failure (`sessions`).
//!
//! Also broken by a client that exits while processes that it started still run: whoever waits for it
//! believes that the work is done. Probes are the matter of `no-blocking-leftover`, deadlines that of
//! `bounded-wait`, and a death by a signal from elsewhere makes the record inconclusive instead.

mod by_hand;
pub(super) mod sessions;

use super::embedded;
use super::explain;
use super::findings::{Findings, counted};
use super::history::{History, Moment, Process};
use super::telling::{self, Held};
use crate::model::record::{Excerpt, Exited, Sighting};
use crate::model::verdict::{Invariant, InvariantReport};

/// The longest part of standard error that a sentence quotes, in characters.
const QUOTED: usize = 120;

/// Evaluates the invariant.
pub(super) fn evaluate(history: &History<'_>) -> InvariantReport {
    let mut findings = Findings::of(Invariant::TruthfulExit);
    let mut failures = Vec::new();
    for process in &history.processes {
        let cut_short =
            |moment: Moment| history.interrupted.is_some_and(|(at, _)| at.index < moment.index);
        match process.left_behind {
            Some((moment, _)) if cut_short(moment) => findings.indeterminate(),
            Some((moment, pids)) => judge_left_behind(process, moment, pids, &mut findings),
            None => {}
        }
        if process.is_probe() || process.overdue.is_some() {
            continue;
        }
        let Some((moment, exited)) = process.exited else { continue };
        match process.failed_by_itself() {
            _ if cut_short(moment) => findings.indeterminate(),
            None => findings.indeterminate(),
            Some(false) if exited.status.success() => {
                judge_success(history, process, moment, exited, &mut findings);
            }
            Some(true) if explain::exit_explained(history, process) => findings.evaluated(),
            // It gives up in the end, and that is all that a wait with a bound promises.
            Some(true) if history.may_have_given_up(process, moment) => findings.indeterminate(),
            Some(true) => {
                findings.evaluated();
                failures.push((process, moment, exited));
            }
            Some(false) => findings.evaluated(),
        }
    }
    by_hand::evaluate(history, &mut findings);
    sessions::evaluate(history, &mut findings);
    judge_tellings(history, &mut findings);
    let allowed = history.record.scenario.expect.failed_clients;
    let unexplained = u32::try_from(failures.len()).unwrap_or(u32::MAX);
    if unexplained > allowed {
        for (process, moment, exited) in failures {
            findings.violated(&[moment], || failure(process, moment, exited));
        }
    }
    findings.conclude("no client ended by itself", |evaluations| {
        let failed = counted(unexplained, "failure", "failures");
        format!("{}, {failed} unexplained", counted(evaluations, "exit", "exits"))
    })
}

fn judge_success(
    history: &History<'_>,
    process: &Process<'_>,
    moment: Moment,
    exited: &Exited,
    findings: &mut Findings,
) {
    findings.evaluated();
    if let Some(complaint) = embedded::complaint(history, process) {
        findings.violated(&[moment], || {
            format!("{} exited with code 0 at {moment} but {complaint}", process.client)
        });
    }
    if process.output_is_whole(&exited.got) {
        return;
    }
    findings.violated(&[moment], || {
        let returned = match &exited.got {
            Sighting::Damaged { bytes, how } => {
                format!("{bytes} bytes that are no whole served catalogue ({how})")
            }
            Sighting::Planted => "what the harness had planted".to_owned(),
            _ => "no catalogue".to_owned(),
        };
        let bait = explain::bait(history, moment.index);
        format!("{} exited with code 0 at {moment} but returned {returned}{bait}", process.client)
    });
}

fn judge_tellings(history: &History<'_>, findings: &mut Findings) {
    for telling in telling::of(history) {
        match telling.held {
            Held::True(_) => findings.evaluated(),
            Held::Unknown => findings.indeterminate(),
            Held::Lie(_, lie) => {
                findings.evaluated();
                let released = telling.teller.released.unwrap_or(telling.moment);
                findings.violated(&[released, telling.moment], || {
                    let client = telling.teller.client;
                    format!("{client}, let go at {released} and ended at {}, {lie}", telling.moment)
                });
            }
        }
    }
}

fn judge_left_behind(process: &Process<'_>, moment: Moment, pids: &[u32], findings: &mut Findings) {
    findings.evaluated();
    if !process.kills.is_empty() || process.overdue.is_some() || pids.is_empty() {
        return;
    }
    findings.violated(&[moment], || {
        let count = u32::try_from(pids.len()).unwrap_or(u32::MAX);
        let children =
            counted(count, "process that it had started", "processes that it had started");
        format!("{} exited while {children} still ran at {moment}", process.client)
    });
}

fn failure(process: &Process<'_>, moment: Moment, exited: &Exited) -> String {
    format!(
        "{} ended with {} at {moment}, and no injected fault explains it{}",
        process.client,
        exited.status,
        said(&exited.stderr)
    )
}

/// What a process that failed said, as the end of a sentence.
fn said(stderr: &Excerpt) -> String {
    let quote = first_line(stderr);
    if quote.is_empty() { String::new() } else { format!(": it said \"{quote}\"") }
}

/// The beginning of the first line that is not empty.
fn first_line(stderr: &Excerpt) -> String {
    let line = stderr.text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let quoted: String = line.chars().take(QUOTED).collect();
    if quoted.len() < line.len() { format!("{quoted}...") } else { quoted }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::testing::{
        Story, check, check_counts, check_sentences, damaged, herd, story,
    };
    use crate::model::call::CallName;
    use crate::model::record::{AbortedBy, ExitStatus, What};
    use crate::model::scenario::{Action, Trigger};
    use crate::model::units::{ByteSize, ClientId, Signal, Span};

    fn one_more(end: impl FnOnce(Story) -> Story) -> Story {
        end(herd().wave(&[4]))
    }

    #[test]
    fn success_needs_a_whole_catalogue() {
        let returns = |got: Sighting| one_more(|it| it.end(4, ExitStatus::Code(0), got));
        check_counts(herd(), Invariant::TruthfulExit, (3, 0));
        check(returns(Sighting::NotShown), "pass");
        check(returns(Sighting::Absent), "fail truthful-exit");
        check(returns(Sighting::Planted), "fail truthful-exit");
        check_sentences(
            returns(damaged()),
            Invariant::TruthfulExit,
            &[
                "c04 exited with code 0 at 0.170 s but returned 4096 bytes that are no whole served catalogue (cut off after 4096 of 16384 bytes)",
            ],
        );
        let update = herd().wave_of("update", &[4]).end(4, ExitStatus::Code(0), Sighting::Absent);
        check(update, "pass");
    }

    #[test]
    fn a_failure_needs_an_injected_fault() {
        check(one_more(|it| it.fail(4)), "fail truthful-exit");
        check_sentences(
            one_more(|it| it.fail(4)),
            Invariant::TruthfulExit,
            &[
                "c04 ended with exit code 1 at 0.170 s, and no injected fault explains it: it said \"told: no luck\"",
            ],
        );
        for number in [6, 11, 13] {
            let crash = ExitStatus::Signal { number, ours: false };
            check(one_more(|it| it.end(4, crash, Sighting::Absent)), "fail truthful-exit");
        }
        let expired = |end: fn(Story) -> Story| end(herd().age().wave(&[4]).ask(4));
        check(expired(|it| it.inject(Action::Answer(500), &[4]).done(2).fail(4)), "pass");
        check(expired(|it| it.inject(Action::Stall, &[4]).fail(4)), "pass");
        check(expired(|it| it.abort(2, AbortedBy::Injection).fail(4)), "pass");
        check(expired(|it| it.abort(2, AbortedBy::Client).fail(4)), "fail truthful-exit");
        let kill = Action::Kill(Signal::Int);
        check(one_more(|it| it.inject(kill, &[4]).fail(4)), "pass");
        let stopped = |it: Story| it.inject(Action::Stop, &[4]).inject(Action::Continue, &[4]);
        check(one_more(|it| stopped(it).fail(4)), "pass");
        check(herd().age().wave(&[4]).inject(Action::CatwalkDown, &[]).fail(4), "pass");
        check(one_more(|it| it.inject(Action::ReadOnly, &[]).fail(4)), "pass");
        check(one_more(|it| it.inject(Action::Fill(ByteSize(0)), &[]).fail(4)), "pass");
        check(one_more(|it| it.inject(Action::Wipe, &[]).fail(4)), "pass");
        let chmod = |path: &str, mode| {
            Action::Chmod(crate::model::scenario::Chmod { path: path.to_owned(), mode })
        };
        let closed = || herd().inject(chmod("lock", 0), &[]);
        check(closed().wave(&[4]).fail(4), "pass");
        check(closed().inject(chmod("lock", 0o644), &[]).wave(&[4]).fail(4), "fail truthful-exit");
        check(closed().inject(chmod("published", 0o644), &[]).wave(&[4]).fail(4), "pass");
        check(herd().inject(chmod("lock", 0o600), &[]).wave(&[4]).fail(4), "fail truthful-exit");
        let lies = |it: Story| it.inject(Action::Fill(ByteSize(0)), &[]);
        let lies = one_more(|it| lies(it).end(4, ExitStatus::Code(0), damaged()));
        check(lies, "fail truthful-exit");
        let freed = herd().inject(Action::Fill(ByteSize(0)), &[]).inject(Action::Free, &[]);
        check(freed.wave(&[4]).fail(4), "fail truthful-exit");
        let wiped = herd().inject(Action::Wipe, &[]);
        check(wiped.wave(&[4]).fail(4), "fail truthful-exit");
        let up_again = herd().inject(Action::CatwalkDown, &[]).inject(Action::CatwalkUp, &[]);
        check(up_again.wave(&[4]).fail(4), "fail truthful-exit");
        let healed = herd().inject(Action::ReadOnly, &[]).healed();
        check(healed.wave(&[4]).fail(4), "fail truthful-exit");
    }

    #[test]
    fn a_peer_whose_fetch_was_faulted_explains_nothing() {
        let told = story().wave(&[1, 2]).ask(1).inject(Action::Delay(Span::from_secs(9)), &[1]);
        let told = told.fail(2).head(1, 1).done(1).publish(1).exit(1, 1);
        check(told, "fail truthful-exit");
    }

    #[test]
    fn whom_a_suspended_holder_kept_waiting_may_fail_where_there_is_nothing_to_serve() {
        let held = |told: Story| told.ask(1).inject(Action::Stop, &[1]).fail(2);
        let empty = || held(story().wave(&[1, 2]));
        check(empty().overdue(1), "pass");
        check(story().wave(&[1, 2]).inject(Action::Stop, &[1]).fail(2), "fail truthful-exit");
        let delay = |seconds| Action::Delay(Span::from_secs(seconds));
        let delayed = |seconds| {
            let told = story().wave(&[1, 2]).ask(1).call(1, CallName::Recv);
            let told = told.inject(delay(seconds), &[1]).at(5_000).fail(2).at(9_000);
            told.head(1, 1).done(1).publish(1).exit(1, 1)
        };
        check(delayed(7), "pass");
        check(delayed(2), "fail truthful-exit");
        let locked = |told: Story| {
            let told = told.call(1, CallName::Connect).inject(delay(7), &[1]).fail(2).at(9_000);
            told.fetch(1, 1).publish(1).exit(1, 1)
        };
        check(locked(story().wave(&[1, 2]).lock(1)), "pass");
        check(locked(story().wave(&[1, 2])), "fail truthful-exit");
        let woken = story().wave(&[1, 2]).ask(1).inject(Action::Stop, &[1]);
        let woken = woken.inject(Action::Continue, &[1]).fail(2);
        check(woken.head(1, 1).done(1).publish(1).exit(1, 1), "fail truthful-exit");
        let old = herd().age().wave(&[4, 5]).ask(4).inject(Action::Stop, &[4]).fail(5);
        check(old.overdue(4), "fail truthful-exit");
    }

    #[test]
    fn of_a_client_that_lost_a_child_no_more_is_demanded_than_not_to_lie() {
        let kill = Action::KillAlone(Signal::Kill);
        let lost = |name| story().wave(&[1]).ask(1).child_call(1, name).inject(kill.clone(), &[1]);
        check(lost(CallName::Recv).fail(1), "pass");
        check(lost(CallName::Write).head(1, 1).done(1).publish(1).exit(1, 1), "pass");
        check(lost(CallName::Write).end(1, ExitStatus::Code(0), damaged()), "fail truthful-exit");
        // What it has lost explains no failure of others.
        let two = story().wave(&[1, 2]).ask(1).child_call(1, CallName::Write);
        check(two.inject(kill.clone(), &[1]).fail(1).fail(2), "fail truthful-exit");
        // Its own process is the client.
        let own = story().wave(&[1]).ask(1).call(1, CallName::Write);
        check(own.inject(kill, &[1]).die(1), "pass");
    }

    #[test]
    fn whom_a_starved_machine_kept_waiting_may_fail() {
        let after = |millis| story().wave(&[1, 2]).ask(1).at(millis).fail(2);
        let ends = |told: Story| told.head(1, 1).done(1).publish(1).exit(1, 1);
        check(ends(after(5_000)).delayed(1, 3_100), "pass");
        check_counts(ends(after(5_000)).delayed(1, 3_100), Invariant::TruthfulExit, (1, 1));
        check(ends(after(5_000).delayed(2, 3_100)), "pass");
        check(ends(after(5_000)).delayed(1, 2_900), "fail truthful-exit");
        check(ends(after(2_900)).delayed(1, 3_100), "fail truthful-exit");
    }

    #[test]
    fn who_is_held_for_its_own_answer_is_not_suspended() {
        let held = |name, number| {
            let until = Action::HoldUntil(Box::new(Trigger::ResponseDone(number)));
            let told = story().wave(&[1]).ask(1).call(1, name).inject(until, &[1]);
            told.head(1, 1).done(1).inject(Action::Continue, &[1]).fail(1)
        };
        check(held(CallName::Recv, 1), "fail truthful-exit");
        check(held(CallName::Rename, 1), "pass");
        check(held(CallName::Recv, 2), "pass");
    }

    #[test]
    fn as_many_may_fail_as_the_scenario_allows() {
        let failing = |allowed| {
            let told = herd().wave(&[4, 5]).fail(4).fail(5);
            told.scenario(|it| it.expect.failed_clients = allowed)
        };
        check(failing(2), "pass");
        check(failing(1), "fail truthful-exit");
        assert_eq!(failing(1).report(Invariant::TruthfulExit).violations.len(), 2);
    }

    #[test]
    fn children_left_behind_break_it() {
        let left =
            |told: Story| told.push(What::LeftBehind { client: ClientId(4), pids: vec![4711] });
        check(one_more(|it| left(it.exit(4, 1))), "fail truthful-exit");
        check_sentences(
            one_more(|it| left(it.exit(4, 1))),
            Invariant::TruthfulExit,
            &["c04 exited while 1 process that it had started still ran at 0.180 s"],
        );
        check(one_more(|it| left(it.kill(4))), "pass");
    }

    #[test]
    fn what_the_harness_or_a_stranger_ended_is_not_judged() {
        let stop = What::Interrupted { why: "Ctrl-C".to_owned() };
        check(one_more(|it| it.push(stop).fail(4)), "inconclusive");
        let foreign = ExitStatus::Signal { number: 9, ours: false };
        check(one_more(|it| it.end(4, foreign, Sighting::Absent)), "inconclusive");
        let missed = herd().wave(&[4]).kill(4);
        check(missed, "pass");
    }

    #[test]
    fn a_long_complaint_is_cut_at_a_character() {
        let text = "ä".repeat(200);
        let quoted = first_line(&Excerpt { bytes: 400, text: format!("\n  {text}\n") });
        assert_eq!(quoted, format!("{}...", "ä".repeat(QUOTED)));
    }
}
