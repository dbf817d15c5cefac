//! The half of `no-time-travel` that is about who goes back on purpose: by one step, and from there.
//!
//! A client that runs `rollback`, or a command whose name begins so, is to leave the catalogue that was published when it was made. If it exits with
//! code 0, what it returned and what is published when all is over is the catalogue before that one, be it by its own
//! doing or by that of another who left the same. Where nothing earlier had been published there is nothing to
//! demand, and what an injection did to the published file, or an answer of the server, makes it indeterminate.

use crate::judge::findings::Findings;
use crate::judge::history::{Exchange, History, Moment, Process, Seen, WATCH_LAG};
use crate::model::record::{Exited, Sighting};
use crate::model::units::Serial;

/// Judges every client that went back.
pub(super) fn evaluate(history: &History<'_>, findings: &mut Findings) {
    for process in history.processes.iter().filter(|it| it.goes_back() && it.is_in_wave()) {
        if let Some((ended, exited)) = process.succeeded() {
            judge(history, process, (ended, exited), findings);
        }
    }
}

fn judge(
    history: &History<'_>,
    process: &Process<'_>,
    (ended, exited): (Moment, &Exited),
    findings: &mut Findings,
) {
    let made = process.spawned;
    let versions = versions_before(history, made.index);
    let [.., wanted, left] = versions[..] else { return };
    let over = history.end_of_step(ended.index);
    let answered = |moment: Moment| made.index < moment.index && moment.index < over;
    if history.faults.published_touched(made.index, over)
        || history.interrupted.is_some_and(|(at, _)| at.index < over)
        || history.fetches().filter_map(Exchange::vouched).any(answered)
        || is_going_back(history, made.index)
        || may_have_kept_nothing(history, made.index)
    {
        findings.indeterminate();
        return;
    }
    findings.evaluated();
    let client = process.client;
    let lies = history.published_before(over).and_then(|seen| seen.sighting.serial());
    let told =
        format!("{client}, which was to roll back from {left}, exited with code 0 at {ended}");
    match (exited.got.serial(), lies) {
        (Some(got), _) if got != wanted => findings.violated(&[made, ended], || {
            format!("{told} and returned {got}: {wanted} had been published before")
        }),
        (_, Some(lies)) if lies != wanted => findings.violated(&[made, ended], || {
            format!("{told} and left {lies} published: {wanted} had been published before")
        }),
        _ => {}
    }
}

/// Whether one of the calls of a client had been made to fail by then: it may have published without what it could not
/// read or keep of the version before.
fn may_have_kept_nothing(history: &History<'_>, event: usize) -> bool {
    let mut broken = history.processes.iter().flat_map(|process| &process.broken_calls);
    broken.any(|call| call.index < event)
}

/// Whether a client that goes back had been let go and had not ended at an event: what the next one is to leave is
/// not known then.
fn is_going_back(history: &History<'_>, event: usize) -> bool {
    let mut others = history.processes.iter().filter(|other| other.goes_back());
    others.any(|other| other.is_alive_at(event))
}

/// Whether a client that may have gone back to what was seen published had ended just before: the watch sees a
/// publish some time after it was made.
fn has_gone_back(history: &History<'_>, seen: &Seen<'_>, to: Serial) -> bool {
    let mut others = history.processes.iter().filter(|other| other.goes_back());
    others.any(|other| {
        let before = |ended: &Moment| ended.index < seen.moment.index;
        let lately = |ended: Moment| seen.moment.since(ended) < WATCH_LAG;
        let possible =
            other.succeeded().is_none() || other.returned().is_none_or(|(_, serial)| serial == to);
        other.ended().filter(before).is_some_and(lately) && possible
    })
}

/// The catalogues that had been published one after another before an event, those left out that were gone back
/// from. One that was published again counts once, as the latest.
fn versions_before(history: &History<'_>, event: usize) -> Vec<Serial> {
    let mut versions: Vec<Serial> = Vec::new();
    let mut since = 0;
    for seen in history.sightings.iter().take_while(|seen| seen.moment.index < event) {
        let now = seen.moment.index;
        // What an injection puts there or takes away no client has kept, and `clear` keeps nothing.
        let cleared = *seen.sighting == Sighting::Absent && is_clearing(history, now);
        if cleared || history.faults.published_touched(since, now) {
            versions.clear();
        }
        since = now;
        let Some(serial) = seen.sighting.serial() else { continue };
        match versions.iter().position(|known| *known == serial) {
            Some(known) if is_going_back(history, now) => versions.truncate(known + 1),
            // One step takes nobody further than to the one before.
            Some(known) if known + 2 == versions.len() && has_gone_back(history, seen, serial) => {
                versions.truncate(known + 1);
                // By whom it was published decides what lies before it.
                if may_be_published_anew(history, now, serial) {
                    versions.drain(..known);
                }
            }
            _ => {
                versions.retain(|known| *known != serial);
                versions.push(serial);
            }
        }
    }
    if history.faults.published_touched(since, event) {
        versions.clear();
    }
    versions
}

/// Whether somebody had been told by the server, or by hand, to publish a catalogue, before an event and after it had
/// been published last.
fn may_be_published_anew(history: &History<'_>, event: usize, serial: Serial) -> bool {
    let mut seen = history.sightings.iter().filter(|seen| seen.moment.index < event);
    let last = seen.rfind(|seen| seen.sighting.serial() == Some(serial));
    let since = last.map_or(0, |seen| seen.moment.index);
    let told = |moment: Moment| since < moment.index && moment.index < event;
    let mut by_hand = history.processes.iter().filter(|it| it.publishes == Some(serial));
    let mut answers = history.fetches().filter_map(Exchange::answer);
    by_hand.any(|process| process.released.is_some_and(told))
        || answers.any(|(head, answer)| answer == serial && told(head.moment))
}

fn is_clearing(history: &History<'_>, event: usize) -> bool {
    let mut others = history.processes.iter().filter(|other| other.command == "clear");
    others.any(|other| other.is_alive_at(event))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::testing::{Story, check, check_counts, check_sentences, herd, plant};
    use crate::model::call::CallName;
    use crate::model::errno::Errno;
    use crate::model::record::What;
    use crate::model::scenario::{Action, Content, Mtime};
    use crate::model::verdict::Invariant;

    /// Catalogues 1, 2 and 3 are published one after another.
    fn three() -> Story {
        let two = herd().wave_of("update", &[4]).fetch(4, 2).publish(2).exit(4, 2);
        two.wave_of("update", &[5]).fetch(5, 3).publish(3).exit(5, 3)
    }

    fn back(told: Story, clients: &[u32]) -> Story {
        told.wave_of("rollback", clients)
    }

    fn ended(told: Story) -> Story {
        told.push(What::WaveEnded { wave: 4 })
    }

    #[test]
    fn a_rollback_that_succeeds_has_gone_back_by_one() {
        let right = || ended(back(three(), &[6]).publish(2).exit(6, 2));
        check(right(), "pass");
        // Two updates, and the step; that what it returned is older is no matter.
        check_counts(right(), Invariant::NoTimeTravel, (3, 1));
        let again = right().wave_of("rollback", &[7]).publish(1).exit(7, 1);
        check(again, "pass");
        let still = ended(back(three(), &[6]).exit(6, 3));
        check(still.clone(), "fail no-time-travel");
        check_sentences(
            still,
            Invariant::NoTimeTravel,
            &[
                "c06, which was to roll back from catalogue 3, exited with code 0 at 0.330 s and returned catalogue 3: catalogue 2 had been published before",
            ],
        );
        let too_far = ended(back(three(), &[6]).publish(1).exit(6, 1));
        check(too_far, "fail no-time-travel");
        check(ended(back(three(), &[6]).fail(6)), "fail truthful-exit");
    }

    #[test]
    fn what_was_gone_back_to_may_be_seen_published_after_the_end() {
        let late = |told: Story| told.exit(6, 2).publish(2);
        let again = |told: Story| ended(back(told, &[7]).publish(1).exit(7, 1));
        check(again(late(back(three(), &[6]))), "pass");
        check(again(back(three(), &[6]).publish(2).exit(6, 2)), "pass");
        check(again(back(three(), &[6]).kill(6).publish(2)), "pass");
        let much_later = |told: Story| told.exit(6, 2).at(4_000).publish(2);
        check(again(much_later(back(three(), &[6]))), "fail no-time-travel");
    }

    #[test]
    fn a_rollback_that_was_killed_does_not_make_every_publish_a_step_back() {
        let anew = |told: Story| told.publisher(7, 1).publish(1).exit(7, 1).wave_ended();
        let killed = || back(three(), &[6]).kill(6);
        let again =
            |told: Story, serial| back(told, &[8]).publish(serial).exit(8, serial).wave_ended();
        check(again(anew(killed()), 3), "pass");
        check_counts(again(anew(killed()), 3), Invariant::NoTimeTravel, (4, 1));
        check(again(anew(killed()), 2), "fail no-time-travel");
        // Either may have published the one before, so that nobody knows what the next one goes back to.
        let either = || killed().publisher(7, 2).publish(2).exit(7, 2).wave_ended();
        check(again(either(), 3), "pass");
        check(again(either(), 1), "pass");
    }

    #[test]
    fn what_is_published_counts_where_nothing_is_shown() {
        let silent = |told: Story| {
            let code = crate::model::record::ExitStatus::Code(0);
            ended(told.end(6, code, Sighting::NotShown))
        };
        check(silent(back(three(), &[6]).publish(2)), "pass");
        check_sentences(
            silent(back(three(), &[6])),
            Invariant::NoTimeTravel,
            &[
                "c06, which was to roll back from catalogue 3, exited with code 0 at 0.330 s and left catalogue 3 published: catalogue 2 had been published before",
            ],
        );
    }

    #[test]
    fn all_who_leave_the_same_go_back_one_step_together() {
        let both = |told: Story| ended(told.exit(7, 2));
        check(both(back(three(), &[6, 7]).publish(2).exit(6, 2)), "pass");
        let further = back(three(), &[6, 7]).publish(2).exit(6, 2).publish(1).exit(7, 1);
        check(ended(further), "fail no-time-travel");
    }

    #[test]
    fn where_nothing_earlier_was_published_nothing_is_demanded() {
        check(back(herd(), &[4]).exit(4, 1), "pass");
        let cleared = three().wave_of("clear", &[6]).see(Sighting::Absent).exit(6, 3);
        let one = cleared.wave_of("update", &[7]).fetch(7, 4).publish(4).exit(7, 4);
        // Five that returned what is no older, and no step.
        check_counts(back(one, &[8]).exit(8, 4), Invariant::NoTimeTravel, (5, 0));
    }

    #[test]
    fn what_an_injection_or_the_server_did_meanwhile_makes_it_indeterminate() {
        let indeterminate = |told: Story| check_counts(told, Invariant::NoTimeTravel, (3, 1));
        let planted = plant("published", Content::Catalogue, Mtime::Now);
        indeterminate(ended(back(three(), &[6]).inject(planted, &[]).exit(6, 3)));
        let removed = Action::Remove("published".to_owned());
        indeterminate(ended(back(three(), &[6]).inject(removed, &[]).exit(6, 3)));
        indeterminate(ended(back(three(), &[6]).fetch(6, 3).exit(6, 3)));
        // What is planted before, nobody kept.
        let planted = plant("published", Content::Catalogue, Mtime::Now);
        let before = three().inject(planted, &[]).publish(3);
        check_counts(ended(back(before, &[6]).exit(6, 3)), Invariant::NoTimeTravel, (3, 0));
        // What it could not keep is no version to go back to.
        let two = herd().wave_of("update", &[4]).fetch(4, 2).publish(2).exit(4, 2);
        let two = two.wave_of("update", &[5]).fetch(5, 3);
        let kept = two.fail_call(5, CallName::Open, Errno::NoSpc).publish(3).exit(5, 3);
        let back = ended(back(kept, &[6]).publish(1).exit(6, 1));
        // The update as well, by the same call.
        check_counts(back, Invariant::NoTimeTravel, (2, 2));
    }
}
