//! `no-time-travel`: a client that starts after another ended never gets an older catalogue.
//!
//! Catalogues are numbered, so "older" is a smaller number. Excused is a client before whose end an
//! injection planted over the published file or removed it, and one in whose life, or in that of the
//! client before, a fault kept a newer catalogue from being published. A client that runs the command
//! `rollback` goes back because it was told to, and excuses whoever reads after it; it goes back by one
//! step from what it was to leave, if it exits with code 0, and that is judged here, too (`rollback`). So does one
//! that publishes the catalogue that is built in. A session that reads again may return what it keeps in memory, unless
//! its description promises that this follows the file (`coherent-memory`).
//!
//! What a client has published from a file is no word of Catwalk's: once Catwalk has vouched for its own again, that
//! one is not older.

mod rollback;

use super::explain;
use super::findings::{Findings, counted};
use super::history::{History, Moment, Process};
use crate::model::units::Serial;
use crate::model::verdict::{Invariant, InvariantReport};

/// Evaluates the invariant.
pub(super) fn evaluate(history: &History<'_>) -> InvariantReport {
    let mut findings = Findings::of(Invariant::NoTimeTravel);
    let mut newest: Option<Returned> = None;
    let mut newest_at_release = vec![None; history.processes.len()];
    for step in steps(history) {
        match step {
            Step::Released(process) => newest_at_release[process] = newest,
            Step::Returned(returned) => {
                if let Some(before) = newest_at_release[returned.process] {
                    judge(history, before, returned, &mut findings);
                }
                if newest.is_none_or(|newest| newest.serial < returned.serial) {
                    newest = Some(returned);
                }
            }
        }
    }
    rollback::evaluate(history, &mut findings);
    findings.conclude("no client started after another had shown what catalogue it got", |count| {
        format!(
            "{} with an earlier one",
            counted(count, "returned catalogue", "returned catalogues")
        )
    })
}

/// A catalogue that a process returned.
#[derive(Clone, Copy)]
struct Returned {
    process: usize,
    serial: Serial,
    moment: Moment,
}

enum Step {
    Released(usize),
    Returned(Returned),
}

/// Starts and ends in the order of the record.
fn steps(history: &History<'_>) -> Vec<Step> {
    let mut steps: Vec<(usize, Step)> = Vec::new();
    for (index, process) in history.processes.iter().enumerate() {
        if let Some(released) = process.released {
            steps.push((released.index, Step::Released(index)));
        }
        if let Some((moment, serial)) = process.returned() {
            let returned = Returned { process: index, serial, moment };
            steps.push((moment.index, Step::Returned(returned)));
        }
    }
    steps.sort_by_key(|(event, _)| *event);
    steps.into_iter().map(|(_, step)| step).collect()
}

fn judge(history: &History<'_>, before: Returned, after: Returned, findings: &mut Findings) {
    if after.serial >= before.serial || is_newer_by_hand(history, before, after) {
        findings.evaluated();
        return;
    }
    let (earlier, later) = (&history.processes[before.process], &history.processes[after.process]);
    let touched_since = earlier.released.map_or(0, |released| released.index);
    if history.faults.published_touched(touched_since, after.moment.index)
        || explain::server_failed_during(history, later)
        || kept_from_publishing(history, earlier)
        || may_never_have_published(history, earlier, before, after.moment)
        || was_told_to_go_back(history, touched_since, after.moment.index)
        || history.may_remember(later, after.serial)
    {
        findings.indeterminate();
        return;
    }
    findings.evaluated();
    let released = later.released.unwrap_or(after.moment);
    findings.violated(&[before.moment, released, after.moment], || {
        format!(
            "{}, let go at {released}, returned {} at {} although {} had returned {} at {}: a newer catalogue was overwritten by an older one, or never published",
            later.client,
            after.serial,
            after.moment,
            earlier.client,
            before.serial,
            before.moment,
        )
    });
}

/// Whether the earlier catalogue was published by hand, and Catwalk has vouched for the later one since.
fn is_newer_by_hand(history: &History<'_>, before: Returned, after: Returned) -> bool {
    let Some(handed) = history.handed_out(before.serial) else { return false };
    history.fetches().any(|fetch| {
        let since = |vouched: Moment| handed.index < vouched.index;
        let same = fetch.answer().is_some_and(|(_, serial)| serial == after.serial);
        same && fetch.arrived.index < after.moment.index && fetch.vouched().is_some_and(since)
    })
}

/// Whether the client could not write to the cache directory at some time in its life.
fn kept_from_publishing(history: &History<'_>, process: &Process<'_>) -> bool {
    process.life().is_some_and(|(first, last)| history.faults.disk.overlap(first, last))
}

/// Whether an injection had made a call of the client's fail, and what it returned was not seen published from when it
/// was let go until then.
fn may_never_have_published(
    history: &History<'_>,
    process: &Process<'_>,
    returned: Returned,
    until: Moment,
) -> bool {
    let since = process.released.map_or(0, |released| released.index)..until.index;
    let published = history.sightings.iter().any(|seen| {
        since.contains(&seen.moment.index) && seen.sighting.serial() == Some(returned.serial)
    });
    !process.broken_calls.is_empty() && !published
}

/// Whether a client that rolls back, or publishes what is built in, lived between two events.
fn was_told_to_go_back(history: &History<'_>, after: usize, before: usize) -> bool {
    let goes_back = |it: &&Process<'_>| it.goes_back() || it.publishes == Some(Serial::EMBEDDED);
    let mut rollbacks = history.processes.iter().filter(goes_back);
    rollbacks.any(|process| {
        let begun = process.released.is_some_and(|released| released.index <= before);
        begun && process.ended().is_none_or(|ended| ended.index >= after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::testing::{Story, check, check_counts, check_sentences, herd, plant, story};
    use crate::model::call::CallName;
    use crate::model::errno::Errno;
    use crate::model::scenario::{Action, Content, Mtime};

    /// c04 gets catalogue 2 while c05 still runs, and then a new client is let go.
    fn newer() -> Story {
        let told = herd().age().wave(&[4, 5]).fetch(4, 2).publish(2).exit(4, 2);
        told.wave(&[6])
    }

    #[test]
    fn the_same_or_a_newer_catalogue_holds() {
        check(newer().exit(6, 2).exit(5, 2), "pass");
        check_counts(newer().exit(6, 2).exit(5, 2), Invariant::NoTimeTravel, (3, 0));
        check_counts(herd(), Invariant::NoTimeTravel, (0, 0));
    }

    #[test]
    fn a_client_let_go_before_may_return_the_older_one() {
        // c05 was let go before c04 ended, so it is only too old by the clock.
        let told = newer().exit(6, 2).exit(5, 1).scenario(|it| it.expect.grace = it.cache.ttl);
        check(told, "pass");
    }

    #[test]
    fn an_older_catalogue_after_a_newer_one_breaks_it() {
        let told = || newer().exit(6, 1).exit(5, 2).scenario(|it| it.expect.grace = it.cache.ttl);
        check(told(), "fail no-time-travel");
        check_sentences(
            told(),
            Invariant::NoTimeTravel,
            &[
                "c06, let go at 0.270 s, returned catalogue 1 at 0.280 s although c04 had returned catalogue 2 at 0.240 s: a newer catalogue was overwritten by an older one, or never published",
            ],
        );
    }

    #[test]
    fn a_rollback_goes_back_because_it_was_told_to() {
        let late = |told: Story| told.scenario(|it| it.expect.grace = it.cache.ttl);
        let updated = || herd().wave_of("update", &[4]).fetch(4, 2).publish(2).exit(4, 2);
        check(late(updated().wave(&[5]).exit(5, 1)), "fail no-time-travel");
        let rolled_back = updated().wave_of("rollback", &[5]).publish(1).exit(5, 1);
        check(late(rolled_back.wave(&[6]).exit(6, 1)), "pass");
        // One that came and went before the newer catalogue was seen excuses nobody.
        let before = herd().wave_of("rollback", &[4]).exit(4, 1);
        let newer = before.wave_of("update", &[5]).fetch(5, 2).publish(2).exit(5, 2);
        check(late(newer.wave(&[6]).exit(6, 1)), "fail no-time-travel");
    }

    #[test]
    fn what_a_session_has_in_memory_it_may_return_unless_it_promises_more() {
        let first = story().again(&[(1, 1)]).fetch(1, 1).publish(1).exit(1, 1).wave_ended();
        let updated = first.wave_of("update", &[2]).fetch(2, 2).publish(2).exit(2, 2).wave_ended();
        let remembers = updated.again(&[(3, 1)]).exit(3, 1);
        let follows = |it: Story| it.client(|client| client.claims.coherent_memory = true);
        check_counts(remembers.clone(), Invariant::NoTimeTravel, (1, 1));
        check(follows(remembers.clone()), "fail no-time-travel");
        // What it has not returned before is not what it remembers.
        let since = remembers.wave_ended().again(&[(4, 1)]).exit(4, 2).wave_ended();
        check(since.again(&[(5, 1)]).exit(5, 1), "fail no-time-travel");
        let others = newer().exit(6, 1).exit(5, 2).scenario(|it| it.expect.grace = it.cache.ttl);
        check(others, "fail no-time-travel");
    }

    #[test]
    fn an_injection_on_the_file_or_the_server_excuses() {
        let late = |told: Story| told.scenario(|it| it.expect.grace = it.cache.ttl);
        let planted = plant("published", Content::Truncated, Mtime::Now);
        check(late(newer().inject(planted, &[]).exit(6, 1).exit(5, 2)), "pass");
        let down = newer().inject(Action::CatwalkDown, &[]).exit(6, 1).exit(5, 2);
        check(late(down), "pass");
        let unpublished = story().inject(Action::ReadOnly, &[]).wave(&[1]).fetch(1, 2).exit(1, 2);
        let unpublished = unpublished.inject(Action::Writable, &[]).wave(&[2]);
        check_counts(unpublished.exit(2, 1), Invariant::NoTimeTravel, (0, 1));
        let call = CallName::Rename;
        let updated = herd().wave_of("update", &[4]).fail_call(4, call, Errno::Io).fetch(4, 2);
        let unpublished = updated.exit(4, 2).wave(&[5]).exit(5, 1).publish(2);
        check_counts(unpublished, Invariant::NoTimeTravel, (1, 1));
        // Who has published it all the same has taken it back.
        let updated = herd().wave_of("update", &[4]).fetch(4, 2).publish(2);
        let reverted = updated.fail_call(4, CallName::Fsync, Errno::Io).publish(1).exit(4, 2);
        check(reverted.wave(&[5]).exit(5, 1), "fail no-time-travel");
    }
}
