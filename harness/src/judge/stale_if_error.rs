//! `stale-if-error`: with the server away, an old catalogue is served and the caller is told, if the
//! client's description promises that.
//!
//! Applies to a client that was let go when a whole catalogue lay there past its TTL, and that could not
//! get another: Catwalk was down for all of its life, or refused its connections or let them hang, or each
//! of its own fetches met an injected fault, or an injection made one of its calls of the network fail and no
//! answer came after it.
//! It must exit with code 0, return that catalogue, and say that it is stale. Where a peer published
//! or renewed it meanwhile the client may well have returned that one, so it need not say anything.
//!
//! A catalogue that clients themselves have removed before one could replace it lay there all the same: the
//! promise is to have it when it is needed. Commands other than `get` and `update` may be there to remove it.

use super::explain;
use super::findings::{Findings, counted};
use super::history::{Exchange, History, Moment, Process};
use super::windows::Phase;
use crate::model::record::{Exited, Sighting};
use crate::model::scenario::Action;
use crate::model::units::Serial;
use crate::model::verdict::{Invariant, InvariantReport};

/// Evaluates the invariant.
pub(super) fn evaluate(history: &History<'_>) -> InvariantReport {
    let mut findings = Findings::of(Invariant::StaleIfError);
    if history.record.client.claims.stale_if_error.is_none() {
        return findings
            .conclude("the client's description does not promise it", |_| String::new());
    }
    for process in &history.processes {
        let subject = process.is_in_wave()
            && process.is_get()
            && process.kills.is_empty()
            && process.stops.is_empty()
            && process.overdue.is_none();
        let (Some(released), Some((ended, exited))) = (process.released, process.exited) else {
            continue;
        };
        if !subject {
            continue;
        }
        let by_call = explain::is_cut_off_by_call(history, process);
        if !by_call && !was_cut_off(history, process, released, ended) {
            judge_alarm(history, process, exited, (released, ended), &mut findings);
            continue;
        }
        if let Some(old) = Old::at(history, released) {
            judge(history, (process, by_call), exited, ended, &old, &mut findings);
        }
    }
    findings.conclude(
        "no client was cut off from the server while an old catalogue lay there",
        |evaluations| {
            let clients = counted(evaluations, "client", "clients");
            format!("{clients} cut off from the server with an old catalogue there")
        },
    )
}

/// Whether the process could not have got a catalogue from the server.
fn was_cut_off(
    history: &History<'_>,
    process: &Process<'_>,
    released: Moment,
    ended: Moment,
) -> bool {
    let mut fetches = history.fetches_of(process).peekable();
    let failed = |fetch: &Exchange<'_>| fetch.is_faulted() && fetch.vouched().is_none();
    let own = fetches.peek().is_some() && fetches.all(failed);
    let (first, last) = (released.index, ended.index);
    own || history.faults.down.cover(first, last)
        || history.faults.cut_off.cover(process.client, first, last)
}

/// A client that calls stale what lay there within its TTL when it was let go cries wolf: nobody will
/// believe it when it matters.
fn judge_alarm(
    history: &History<'_>,
    process: &Process<'_>,
    exited: &Exited,
    (released, ended): (Moment, Moment),
    findings: &mut Findings,
) {
    let last = history.windows.before(released.index).map(|last| &history.windows.all[last]);
    let open = last.filter(|window| window.phase(released, history.ttl) == Phase::Open);
    let Some(window) = open.filter(|window| exited.got.serial() == Some(window.serial)) else {
        return;
    };
    if !exited.said_stale || explain::server_failed_during(history, process) {
        return;
    }
    findings.evaluated();
    findings.violated(&[window.opened, released, ended], || {
        format!(
            "{}, let go at {released}, called {} stale at {ended}, although it had been published or renewed at {} and its window was open",
            process.client, window.serial, window.opened
        )
    });
}

/// A catalogue that lay there past its TTL.
struct Old {
    serial: Serial,
    seen: Moment,
    /// When a client had removed it.
    removed: Option<Moment>,
}

impl Old {
    /// The one that a client which was let go then must serve for want of another.
    fn at(history: &History<'_>, released: Moment) -> Option<Self> {
        let last = history.published_before(released.index)?;
        if let Some(serial) = last.sighting.serial() {
            let old = Self { serial, seen: last.moment, removed: None };
            return is_past_its_ttl(history, released).then_some(old);
        }
        let before = history.published_before(last.moment.index)?;
        let (serial, seen) = (before.sighting.serial()?, before.moment);
        let faults = &history.faults;
        let (from, to) = (seen.index, released.index);
        let by_injection = faults.published_touched(from, to) || faults.was_wiped(from, to);
        let on_purpose = history.processes.iter().any(|process| {
            let ran = process.released.is_some_and(|it| it.index < to)
                && process.ended().is_none_or(|it| it.index > from);
            ran && !matches!(process.command, "get" | "update")
        });
        let lost = *last.sighting == Sighting::Absent && !by_injection && !on_purpose;
        let old = Self { serial, seen, removed: Some(last.moment) };
        (lost && is_past_its_ttl(history, released)).then_some(old)
    }

    /// What makes it worse than a failure for want of a server.
    fn there(&self) -> String {
        let Self { serial, seen, removed } = self;
        match removed {
            None => {
                format!("although {serial} lay there since {seen} and Catwalk was out of reach")
            }
            Some(removed) => format!(
                "although {serial} lay there since {seen}, until a client removed it at {removed}, and Catwalk was out of reach"
            ),
        }
    }
}

/// Whether the last window before a moment was over by then, by all that a client can know.
fn is_past_its_ttl(history: &History<'_>, released: Moment) -> bool {
    let Some(last) = history.windows.before(released.index) else { return false };
    let window = &history.windows.all[last];
    // Then its window goes on.
    let set_back = history.injected.iter().any(|it| {
        let since = window.opened.index..released.index;
        matches!(it.action, Action::ClockBack(_)) && it.landed() && since.contains(&it.moment.index)
    });
    !set_back && window.phase(released, history.ttl) == Phase::Over
}

fn judge(
    history: &History<'_>,
    (process, by_call): (&Process<'_>, bool),
    exited: &Exited,
    ended: Moment,
    old: &Old,
    findings: &mut Findings,
) {
    let (client, seen) = (process.client, old.seen);
    let cut_short = history.interrupted.is_some_and(|(at, _)| at.index < ended.index);
    let foreign = process.failed_by_itself().is_none();
    // A peer that has only removed it is no excuse.
    let replaced = history
        .published_before(ended.index)
        .is_some_and(|last| last.moment.index > seen.index && *last.sighting != Sighting::Absent);
    let touched = history.faults.published_touched(seen.index, ended.index);
    // What a peer was told by the server it may have published or renewed before the watch saw it. One that
    // has lost the old catalogue and ended did not.
    let told = |fetch: &Exchange<'_>| {
        let since = seen.index..ended.index;
        let sender = || history.sender(fetch).and_then(Process::ended);
        let lives =
            || sender().is_none_or(|end| process.released.is_none_or(|it| end.index > it.index));
        fetch.vouched().is_some_and(|told| since.contains(&told.index))
            && (old.removed.is_none() || lives())
    };
    // What the server had sent to itself before the call failed never came to it.
    let own =
        |fetch: &Exchange<'_>| history.sender(fetch).is_some_and(|sender| sender.client == client);
    let mut answers = history.fetches().filter(|fetch| !(by_call && own(fetch)));
    let peer_published = replaced || touched || answers.any(told);
    // Another call that failed may have been the one that reads what lay there.
    let unreadable = by_call
        && process.broken_calls.len() > process.lost_calls.len()
        && !exited.status.success();
    if unreadable || cut_short || foreign || (peer_published && !exited.said_stale) {
        findings.indeterminate();
        return;
    }
    findings.evaluated();
    let there = old.there();
    if !exited.status.success() {
        findings.violated(&[seen, ended], || {
            format!("{client} ended with {} at {ended} {there}", exited.status)
        });
    } else if !process.output_is_whole(&exited.got) {
        findings.violated(&[seen, ended], || {
            format!("{client} exited with code 0 at {ended} and returned no catalogue {there}")
        });
    } else if !exited.said_stale {
        findings.violated(&[seen, ended], || {
            format!("{client} exited with code 0 at {ended} without a word that what it returned is stale, {there}")
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::testing::{Story, check, check_counts, check_sentences, herd, story};
    use crate::model::call::CallName;
    use crate::model::errno::Errno;
    use crate::model::record::ExitStatus;
    use crate::model::units::Span;

    fn promising(told: Story) -> Story {
        told.client(|it| it.claims.stale_if_error = Some("stale".to_owned()))
    }

    /// Catwalk is down for the whole life of c04, and an old catalogue lies there.
    fn down() -> Story {
        promising(herd().age().inject(Action::CatwalkDown, &[])).wave(&[4])
    }

    #[test]
    fn the_old_catalogue_with_a_word_holds() {
        check(down().exit_stale(4, 1), "pass");
        check_counts(down().exit_stale(4, 1), Invariant::StaleIfError, (1, 0));
        let own = promising(herd().age()).wave(&[4]).ask(4).inject(Action::Answer(503), &[4]);
        check(own.done(2).exit_stale(4, 1), "pass");
    }

    #[test]
    fn who_calls_fresh_data_stale_cries_wolf() {
        let wolf = || promising(herd()).wave(&[4]).exit_stale(4, 1);
        check(wolf(), "fail stale-if-error");
        check_sentences(
            wolf(),
            Invariant::StaleIfError,
            &[
                "c04, let go at 0.160 s, called catalogue 1 stale at 0.170 s, although it had been published or renewed at 0.100 s and its window was open",
            ],
        );
        let down = promising(herd().inject(Action::CatwalkDown, &[])).wave(&[4]);
        check(down.exit_stale(4, 1), "pass");
    }

    #[test]
    fn what_a_clock_that_was_set_back_makes_fresh_is_not_called_stale() {
        let back = promising(herd().inject(Action::ClockBack(Span::from_secs(3)), &[]));
        let down = back.inject(Action::CatwalkDown, &[]).wave(&[4]).exit(4, 1);
        check(down, "pass");
    }

    #[test]
    fn a_catalogue_that_a_client_has_lost_was_promised_too() {
        let old = || promising(herd().age()).wave(&[4]).kill(4);
        let lost = |told: Story| told.inject(Action::CatwalkDown, &[]).wave(&[5]).fail(5);
        check_sentences(
            lost(old().see(Sighting::Absent)),
            Invariant::StaleIfError,
            &[
                "c05 ended with exit code 1 at 0.250 s although catalogue 1 lay there since 0.100 s, until a client removed it at 0.200 s, and Catwalk was out of reach",
            ],
        );
        let none = |told: Story| check_counts(lost(told), Invariant::StaleIfError, (0, 0));
        let removed = Action::Remove("published".to_owned());
        none(old().inject(removed, &[]).see(Sighting::Absent));
        none(old().wave_of("clear", &[6]).see(Sighting::Absent).exit(6, 1));
        // That it had been told of another is no excuse where it was killed.
        let told = promising(herd().age()).wave(&[4]).fetch(4, 1).see(Sighting::Absent).kill(4);
        check(lost(told), "fail stale-if-error");
        let damaged = Sighting::Damaged { bytes: 1, how: "cut".to_owned() };
        none(old().see(damaged).see(Sighting::Absent));
        none(promising(herd()).wave(&[4]).kill(4).see(Sighting::Absent));
    }

    #[test]
    fn silence_or_failure_breaks_it() {
        check(down().exit(4, 1), "fail stale-if-error");
        check(down().fail(4), "fail stale-if-error");
        check_sentences(
            down().fail(4),
            Invariant::StaleIfError,
            &[
                "c04 ended with exit code 1 at 0.190 s although catalogue 1 lay there since 0.100 s and Catwalk was out of reach",
            ],
        );
        let nothing = down().end(4, ExitStatus::Code(0), Sighting::Absent);
        check(nothing, "fail truthful-exit stale-if-error");
    }

    #[test]
    fn who_was_not_cut_off_or_had_nothing_old_is_not_judged() {
        let none = |told: Story| check_counts(told, Invariant::StaleIfError, (0, 0));
        none(promising(herd()).inject(Action::CatwalkDown, &[]).wave(&[4]).exit(4, 1));
        none(promising(story()).inject(Action::CatwalkDown, &[]).wave(&[1]).fail(1));
        none(promising(herd().age()).wave(&[4]).inject(Action::CatwalkDown, &[]).fail(4));
        let came_up = herd().age().inject(Action::CatwalkDown, &[]).wave(&[4]);
        none(promising(came_up).inject(Action::CatwalkUp, &[]).fail(4));
        none(down().kill(4));
        none(down().overdue(4));
        let slow = Action::Delay(Span::from_secs(9));
        let slow = promising(herd().age()).wave(&[4]).ask(4).inject(slow, &[4]);
        none(slow.head(2, 1).done(2).publish(1).exit(4, 1));
        let retried = promising(herd().age()).wave(&[4]).ask(4).inject(Action::Answer(503), &[4]);
        none(retried.status(2, 503, None, 9).done(2).fetch(4, 1).publish(1).exit(4, 1));
    }

    /// c04 finds the cache past its TTL, and its connection is refused.
    fn refused() -> Story {
        let told = promising(herd().age()).wave(&[4]);
        told.fail_call(4, CallName::Connect, Errno::ConnRefused)
    }

    #[test]
    fn whose_call_of_the_network_failed_is_cut_off() {
        check(refused().exit_stale(4, 1), "pass");
        check_counts(refused().exit_stale(4, 1), Invariant::StaleIfError, (1, 0));
        check(refused().exit(4, 1), "fail stale-if-error");
        check(refused().fail(4), "fail stale-if-error");
        // What it asked for was sent, and it could not receive it.
        let deaf = |serial| {
            let told = promising(herd().age()).wave(&[4]).fetch(4, serial);
            told.fail_call(4, CallName::Recv, Errno::ConnReset)
        };
        check(deaf(2).exit(4, 1), "fail stale-if-error");
        check(deaf(2).exit_stale(4, 1), "pass");
        let none = |told: Story| check_counts(told, Invariant::StaleIfError, (0, 0));
        none(deaf(2).publish(2).exit(4, 2));
        none(deaf(1).publish(1).exit(4, 1));
        none(refused().fetch(4, 2).publish(2).exit(4, 2));
        none(refused().kill(4));
    }

    #[test]
    fn a_call_on_a_file_cuts_nobody_off_and_may_have_been_the_one_that_reads() {
        let told = || promising(herd().age()).wave(&[4]);
        let unread = told().fail_call(4, CallName::Read, Errno::Io);
        check_counts(unread.clone().fail(4), Invariant::StaleIfError, (0, 0));
        let both = unread.fail_call(4, CallName::Connect, Errno::TimedOut);
        check_counts(both.clone().fail(4), Invariant::StaleIfError, (0, 1));
        check(both.exit(4, 1), "fail stale-if-error");
    }

    #[test]
    fn a_peer_that_published_meanwhile_makes_it_indeterminate() {
        let told = promising(herd().age()).wave(&[4, 5]).ask(4).inject(Action::Reset, &[4]);
        let told = told.fetch(5, 1).publish(1).exit(5, 1).exit(4, 1);
        check_counts(told, Invariant::StaleIfError, (0, 1));
        let told = refused().wave(&[5]).fetch(5, 2).publish(2).exit(5, 2).exit(4, 1);
        check_counts(told, Invariant::StaleIfError, (0, 1));
    }

    #[test]
    fn a_peer_that_removed_it_is_no_excuse_and_an_injection_is() {
        check(down().see(Sighting::Absent).fail(4), "fail stale-if-error");
        let removed = Action::Remove("published".to_owned());
        let told = down().inject(removed, &[]).see(Sighting::Absent).fail(4);
        check_counts(told, Invariant::StaleIfError, (0, 1));
    }

    #[test]
    fn without_the_promise_it_is_not_evaluated() {
        let report = herd().report(Invariant::StaleIfError);
        let why = "the client's description does not promise it";
        assert_eq!(report.not_evaluated.as_deref(), Some(why));
    }
}
