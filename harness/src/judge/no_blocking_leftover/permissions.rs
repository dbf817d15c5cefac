//! The part of `no-blocking-leftover` that is about permissions: who replaces a file keeps them, where its description
//! promises that (`claims.permissions`).
//!
//! A catalogue that only its writer may read is in the way of everybody else until it has expired, and so is one that
//! all may read where its owner had closed it. What counts are the bits that an injection gave to the published file
//! and that left it open to its owner: what comes in its place is looked at when it is seen there. Whoever ran when they
//! were changed may have looked at them before, and what follows may have them from its file. A file that is gone has no
//! permissions to keep.

use crate::judge::findings::Findings;
use crate::judge::history::{History, Moment, WATCH_LAG, names_published};
use crate::model::record::{Effect, Sighting, What};
use crate::model::scenario::{Action, Chmod};
use crate::model::verdict::Invariant;

/// Judges what was published after an injection had changed the permissions of the file.
pub(super) fn evaluate(history: &History<'_>, findings: &mut Findings) {
    let mixed = history.processes.iter().any(|process| process.with.is_some());
    for (changed, chmod) in changes(history) {
        let undecided = mixed || may_have_looked_before(history, changed);
        for (seen, mode) in seen_after(history, changed) {
            if undecided {
                findings.indeterminate();
                continue;
            }
            findings.evaluated();
            if mode != chmod.mode {
                findings.violated(&[changed, seen], || {
                    format!(
                        "the published file had been given the mode {:03o} at {changed}, and what a client put in its place {} {seen} has {mode:03o}",
                        chmod.mode,
                        if opens(history, seen) { "at" } else { "and changed by" },
                    )
                });
            }
        }
    }
}

/// What a scenario that is about permissions does not show: that they were changed, and nothing was published after.
/// Of several changes the last is the one that was to be kept.
pub(in crate::judge) fn gap(history: &History<'_>) -> Option<String> {
    if !history.record.scenario.expect.proves.contains(&Invariant::NoBlockingLeftover) {
        return None;
    }
    let (changed, _) = changes(history).last()?;
    if seen_after(history, changed).next().is_some() {
        return None;
    }
    Some(format!(
        "the permissions of the published file were changed at {changed}, and no client put another in its place"
    ))
}

/// The changes that a client is to keep, with when they landed.
fn changes<'h>(history: &'h History<'_>) -> impl Iterator<Item = (Moment, &'h Chmod)> {
    let promised = history.record.client.claims.permissions;
    let injected = history.injected.iter().filter(move |it| promised && it.landed());
    injected.filter_map(|it| match it.action {
        Action::Chmod(chmod) if chmod.path == "published" && chmod.leaves_owner() => {
            Some((it.moment, chmod))
        }
        _ => None,
    })
}

/// Whether somebody ran when the permissions were changed, or has left something behind that may have.
fn may_have_looked_before(history: &History<'_>, changed: Moment) -> bool {
    history.processes.iter().any(|process| {
        let begun = process.released.is_some_and(|released| released.index < changed.index);
        begun && (process.left_behind.is_some() || process.is_alive_at(changed.index))
    })
}

/// The permissions of what clients published after a change, as long as nobody else had a hand in the file: as it was
/// put there, and whenever they were changed behind that.
fn seen_after(history: &History<'_>, changed: Moment) -> impl Iterator<Item = (Moment, u32)> {
    let until = ended(history, changed);
    let within = move |seen: &Moment| changed.index < seen.index && seen.index < until;
    let mut before = None;
    let modes = history.modes.iter().copied().filter(move |(seen, _)| within(seen));
    let published = modes.skip_while(|(seen, _)| !opens(history, *seen));
    published.filter(move |(seen, mode)| {
        let other = before.replace(*mode) != Some(*mode);
        opens(history, *seen) || (other && is_by_client(history, *seen, until))
    })
}

/// Whether it was a client that changed the permissions by then, and not the harness: that does so between waves, or by
/// an injection, which may be seen on disk before it is told.
fn is_by_client(history: &History<'_>, seen: Moment, until: usize) -> bool {
    let events = &history.record.events;
    let waves = events[..seen.index].iter().rev().find_map(|event| match event.what {
        What::WaveStarted { .. } => Some(true),
        What::WaveEnded { .. } => Some(false),
        _ => None,
    });
    let injected = events.get(until).is_some_and(|it| matches!(it.what, What::Injected { .. }));
    let soon = history.moments.get(until).is_some_and(|end| end.since(seen) < WATCH_LAG);
    waves == Some(true) && !(injected && soon)
}

/// Whether a client published what was seen then.
fn opens(history: &History<'_>, seen: Moment) -> bool {
    history.windows.all.binary_search_by_key(&seen.index, |it| it.opened.index).is_ok()
}

/// The first event after a change by which the harness took it back or changed the file itself, or by which there was
/// no file any more. That a `clear` has removed it the watch need not have seen.
fn ended(history: &History<'_>, changed: Moment) -> usize {
    let clears = || history.processes.iter().filter(|process| process.command == "clear");
    if clears().any(|process| process.is_alive_at(changed.index)) {
        return changed.index;
    }
    let events = history.record.events.iter().enumerate().skip(changed.index + 1);
    let (faults, files) = (&history.faults, &history.record.client.files);
    let mut ends = events.filter(|(index, event)| match &event.what {
        What::Healed | What::Published { sighting: Sighting::Absent, .. } => true,
        What::Released { client } => clears().any(|process| process.client == *client),
        What::Injected { action: Action::Chmod(chmod), effect: Effect::Landed, .. } => {
            names_published(&chmod.path, files)
        }
        What::Injected { .. } => faults.published_touched(*index - 1, *index + 1),
        _ => false,
    });
    ends.next().map_or(usize::MAX, |(index, _)| index)
}

#[cfg(test)]
mod tests {
    use crate::judge::testing::{Story, check, check_counts, check_sentences, herd, whole};
    use crate::model::record::{Part, Sighting, What};
    use crate::model::scenario::{Action, Chmod};
    use crate::model::verdict::Invariant;

    fn chmod(told: Story, mode: u32) -> Story {
        told.inject(Action::Chmod(Chmod { path: "published".to_owned(), mode }), &[])
    }

    fn promising(told: Story) -> Story {
        told.client(|it| it.claims.permissions = true)
    }

    /// Another catalogue is published, with these permissions.
    fn replaced(told: Story, mode: u32) -> Story {
        let told = told.age().wave(&[4]).fetch(4, 2);
        let seen = What::Published { sighting: whole(2), modified_ms: None, mode: Some(mode) };
        told.push(seen).exit(4, 2).wave_ended()
    }

    #[test]
    fn who_replaces_a_file_keeps_its_permissions() {
        let told = || promising(chmod(herd(), 0o640));
        check(replaced(told(), 0o640), "pass");
        check_counts(replaced(told(), 0o640), Invariant::NoBlockingLeftover, (1, 0));
        check_sentences(
            replaced(told(), 0o644),
            Invariant::NoBlockingLeftover,
            &[
                "the published file had been given the mode 640 at 0.140 s, and what a client put in its place at 0.220 s has 644",
            ],
        );
    }

    #[test]
    fn what_is_not_promised_or_not_of_a_client_is_not_judged() {
        let none = |told: Story| check_counts(told, Invariant::NoBlockingLeftover, (0, 0));
        none(replaced(chmod(herd(), 0o640), 0o644));
        none(replaced(promising(chmod(herd(), 0o000)), 0o644));
        none(replaced(promising(chmod(herd(), 0o640)).healed(), 0o644));
        let removed = Action::Remove("published".to_owned());
        none(replaced(promising(chmod(herd(), 0o640)).inject(removed, &[]), 0o644));
    }

    fn proving(told: Story) -> Story {
        told.scenario(|it| it.expect.proves = vec![Invariant::NoBlockingLeftover])
    }

    #[test]
    fn permissions_that_nobody_had_to_keep_prove_nothing() {
        let unused = |told: Story| told.wave(&[4]).exit(4, 1).wave_ended();
        let probed =
            |told: Story, serial| told.healed().start(91, Part::ProbeNow, "get").exit(91, serial);
        let told = || probed(unused(promising(chmod(herd(), 0o640))), 1);
        check(proving(told()), "vacuous");
        // A scenario that is about something else need not show it.
        check(told(), "pass");
        check(probed(proving(replaced(promising(chmod(herd(), 0o640)), 0o640)), 2), "pass");
    }

    #[test]
    fn the_last_of_several_changes_is_the_one_that_is_kept() {
        let twice = || promising(chmod(chmod(herd(), 0o644), 0o640));
        check(proving(replaced(twice(), 0o640)), "pass");
        check_counts(replaced(twice(), 0o640), Invariant::NoBlockingLeftover, (1, 0));
        check(replaced(twice(), 0o644), "fail no-blocking-leftover");
        // That of another file takes nothing back.
        let lock = Action::Chmod(Chmod { path: "lock".to_owned(), mode: 0o666 });
        let locked = || promising(chmod(herd(), 0o640)).inject(lock.clone(), &[]);
        check(proving(replaced(locked(), 0o640)), "pass");
        check(replaced(locked(), 0o644), "fail no-blocking-leftover");
        let glob = Action::Chmod(Chmod { path: "*.json".to_owned(), mode: 0o600 });
        let none = |told: Story| check_counts(told, Invariant::NoBlockingLeftover, (0, 0));
        none(replaced(promising(chmod(herd(), 0o640)).inject(glob, &[]), 0o644));
    }

    #[test]
    fn a_file_that_is_gone_has_no_permissions_to_keep() {
        let none = |told: Story| check_counts(told, Invariant::NoBlockingLeftover, (0, 0));
        let told = || promising(chmod(herd(), 0o640));
        none(replaced(told().wave_of("clear", &[5]).exit(5, 1).wave_ended(), 0o644));
        none(replaced(told().see(Sighting::Absent), 0o644));
        let clearing = chmod(herd().wave_of("clear", &[5]), 0o640).exit(5, 1).wave_ended();
        none(replaced(promising(clearing), 0o644));
    }

    #[test]
    fn who_ran_when_they_were_changed_may_have_looked_before() {
        let running = |mode| {
            let told = promising(chmod(herd().age().wave(&[4]).ask(4), 0o640));
            let told = told.head(2, 2).done(2);
            let seen = What::Published { sighting: whole(2), modified_ms: None, mode: Some(mode) };
            told.push(seen).exit(4, 2).wave_ended()
        };
        for mode in [0o640, 0o644] {
            check_counts(running(mode), Invariant::NoBlockingLeftover, (0, 1));
        }
    }

    #[test]
    fn permissions_that_are_changed_behind_the_rename_count_too() {
        let seen = |mode| {
            let (sighting, modified_ms) = (whole(2), Some(1));
            What::Published { sighting, modified_ms, mode: Some(mode) }
        };
        let late = |modes: &[u32]| {
            let told = promising(chmod(herd(), 0o640)).age().wave(&[4]).fetch(4, 2);
            let told = modes.iter().fold(told, |told, mode| told.push(seen(*mode)));
            told.exit(4, 2).wave_ended()
        };
        check(late(&[0o640]), "pass");
        check_counts(late(&[0o640]), Invariant::NoBlockingLeftover, (1, 0));
        check_sentences(
            late(&[0o640, 0o600]),
            Invariant::NoBlockingLeftover,
            &[
                "the published file had been given the mode 640 at 0.140 s, and what a client put in its place and changed by 0.230 s has 600",
            ],
        );
        // What the harness does it may tell later than it is seen.
        let next = late(&[0o640]).push(seen(0o600));
        check(next.healed(), "pass");
        let injected = promising(chmod(herd(), 0o640)).age().wave(&[4]).fetch(4, 2);
        let injected = chmod(injected.push(seen(0o640)).push(seen(0o600)), 0o600);
        check(injected.exit(4, 2).wave_ended(), "pass");
        // Nothing else has become of the file by that.
        let windows = |modes: &[u32]| late(modes).verdict().measures.windows;
        assert_eq!(windows(&[0o640]), windows(&[0o640, 0o600, 0o640]));
    }
}
