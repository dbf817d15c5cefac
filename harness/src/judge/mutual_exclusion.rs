//! `mutual-exclusion`: critical sections do not overlap.
//!
//! A critical section is judged by what can be observed of it: the time from the arrival of a fetch to
//! the end of its response or of its sender, whichever comes first. That is less than the section itself,
//! so every overlap found is one. Winners are never counted. A stopped or slow holder is still a
//! holder: only its death ends the section. Excused is what an injection made impossible: a lock that
//! it removed or planted meanwhile, a directory in which no lock can be made, and a call of either that it made
//! fail.
//!
//! For locks whose file stays by design the removal of that file breaks the invariant too: a process that
//! waits on the removed inode and one that makes a new file both get "the" lock.
//!
//! One pass with the two latest ends, of different clients: an overlap with anyone is one with them.

use super::explain;
use super::findings::{Findings, counted};
use super::history::{Exchange, FileChange, History, Moment, Process, SKEW, WATCH_LAG};
use crate::model::client::LockKind;
use crate::model::record::{Change, Role};
use crate::model::verdict::{Invariant, InvariantReport};

/// Evaluates the invariant.
pub(super) fn evaluate(history: &History<'_>) -> InvariantReport {
    let mut findings = Findings::of(Invariant::MutualExclusion);
    compare_fetches(history, &mut findings);
    if history.record.client.files.lock_kind == LockKind::Advisory {
        for file in &history.files {
            if file.role == Role::Lock && *file.change == Change::Removed {
                judge_removal(history, file, &mut findings);
            }
        }
    }
    findings.conclude("fewer than two clients fetched, so nothing could overlap", |evaluations| {
        format!("{} against the ones before", counted(evaluations, "fetch", "fetches"))
    })
}

fn compare_fetches(history: &History<'_>, findings: &mut Findings) {
    // The fetches of two different clients that end last so far, the latest first.
    let mut open: [Option<&Exchange<'_>>; 2] = [None, None];
    for fetch in history.fetches() {
        let posthumous = |process: &Process<'_>| explain::is_posthumous(fetch, process);
        let Some(sender) = fetch.sender.filter(|_| !history.sender(fetch).is_some_and(posthumous))
        else {
            findings.indeterminate();
            continue;
        };
        let other = open.into_iter().flatten().find(|earlier| earlier.sender != Some(sender));
        if let Some(earlier) = other {
            compare(history, earlier, fetch, findings);
        }
        open = keep_latest(open, fetch);
    }
}

/// Keeps the two fetches that end last, of different senders.
fn keep_latest<'h, 'a>(
    [first, second]: [Option<&'h Exchange<'a>>; 2],
    new: &'h Exchange<'a>,
) -> [Option<&'h Exchange<'a>>; 2] {
    let end = |fetch: &Exchange<'_>| fetch.over.map_or(usize::MAX, |over| over.index);
    let Some(one) = first else { return [Some(new), None] };
    if one.sender == new.sender {
        return [Some(if end(new) > end(one) { new } else { one }), second];
    }
    if end(new) > end(one) {
        return [Some(new), Some(one)];
    }
    let better = second.is_none_or(|two| end(new) > end(two));
    [Some(one), if better { Some(new) } else { second }]
}

fn compare(
    history: &History<'_>,
    earlier: &Exchange<'_>,
    later: &Exchange<'_>,
    findings: &mut Findings,
) {
    let (from, now) = (earlier.arrived, later.arrived);
    let overlaps = earlier.over.is_none_or(|over| over.index > now.index);
    if !overlaps || was_published(history, earlier, now) {
        findings.evaluated();
        return;
    }
    let brief = earlier.over.is_some_and(|over| over.at.0 <= now.at.0.saturating_add(SKEW));
    let excused = history.faults.lock_touched(from.index, now.index)
        || history.faults.closed.overlap(from.index, now.index)
        || [earlier, later]
            .into_iter()
            .filter_map(|fetch| Some((fetch.arrived.index, history.sender(fetch)?)))
            .any(|(asked, sender)| {
                let unlocked = explain::unlocked(sender, &history.faults, asked);
                sender.had_broken_call(now) || unlocked.is_some()
            });
    if brief || excused {
        findings.indeterminate();
        return;
    }
    findings.evaluated();
    let mut events = vec![from, now];
    events.extend(earlier.over);
    findings.violated(&events, || {
        let name = |fetch| history.sender(fetch).map(|it| it.client.to_string());
        let holder = name(earlier).unwrap_or_default();
        let end = match earlier.over {
            Some(over) => format!("which ended at {over}"),
            None => "which never ended".to_owned(),
        };
        format!(
            "{} {} at {now} within the fetch of {holder} ({}, since {from}), {end}{}",
            name(later).unwrap_or_default(),
            later.deed(),
            earlier.request.request,
            holder_state(history, earlier, later, &holder),
        )
    });
}

/// Whether what a fetch brought was seen published before a moment. Its end may be noted later than that,
/// since the server has to be scheduled to note it.
fn was_published(history: &History<'_>, fetch: &Exchange<'_>, now: Moment) -> bool {
    let last = history.windows.before(now.index).map(|last| &history.windows.all[last]);
    let source = last.and_then(|window| window.fetch).map(|index| &history.exchanges[index]);
    source.is_some_and(|source| source.arrived == fetch.arrived)
}

/// What the record shows of the holder that explains how another got in.
fn holder_state(
    history: &History<'_>,
    earlier: &Exchange<'_>,
    later: &Exchange<'_>,
    holder: &str,
) -> String {
    let Some(process) = history.sender(earlier) else { return String::new() };
    let now = later.arrived.index;
    let stop = process
        .stops
        .iter()
        .find(|(from, to)| from.index < now && to.is_none_or(|to| to.index > now));
    if let Some((from, _)) = stop {
        return format!(": {holder} was suspended at {from} but alive, and its lock was broken");
    }
    let removed = history.files.iter().find(|file| {
        let between = file.moment.index > earlier.arrived.index && file.moment.index < now;
        between && file.role == Role::Lock && *file.change == Change::Removed
    });
    match removed {
        Some(file) => format!(": the lock {} was removed at {}", file.path, file.moment),
        None => String::new(),
    }
}

fn judge_removal(history: &History<'_>, file: &FileChange<'_>, findings: &mut Findings) {
    let acts = &history.faults.on_lock;
    let before = acts.partition_point(|act| act.at.0 <= file.moment.at.0.saturating_add(SKEW));
    let act = before.checked_sub(1).map(|last| acts[last]);
    if act.is_some_and(|act| file.moment.since(act) < WATCH_LAG) {
        return;
    }
    findings.evaluated();
    findings.violated(&[file.moment], || {
        format!(
            "the lock {} was removed at {}, and no injection did it: a process that waits on the removed inode and one that makes the file anew both get the lock",
            file.path, file.moment
        )
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::testing::{Story, check, check_counts, check_sentences, herd, plant, story};
    use crate::model::errno::Errno;
    use crate::model::scenario::{Action, Content, Mtime};
    use crate::model::units::Signal;

    /// Updates bypass the TTL, so that only their overlap can be wrong.
    fn updates() -> Story {
        story().wave_of("update", &[1, 2])
    }

    fn finish(told: Story) -> Story {
        told.publish(1).exit(1, 1).exit(2, 1)
    }

    #[test]
    fn one_after_the_other_holds() {
        let told = finish(updates().fetch(1, 1).fetch(2, 1));
        check(told.clone(), "pass");
        check_counts(told, Invariant::MutualExclusion, (1, 0));
        check_counts(herd(), Invariant::MutualExclusion, (0, 0));
        let own_retry = updates().ask(1).fetch(1, 1).fetch(2, 1);
        check(finish(own_retry.done(1)), "fail mutual-exclusion");
        check(finish(updates().ask(1).fetch(1, 1).done(1).fetch(2, 1)), "pass");
    }

    #[test]
    fn an_overlap_breaks_it() {
        let told = finish(updates().ask(1).fetch(2, 1).head(1, 1).done(1));
        check(told.clone(), "fail mutual-exclusion");
        check_sentences(
            told,
            Invariant::MutualExclusion,
            &[
                "c02 fetched catalogue 1 (#2) at 0.060 s within the fetch of c01 (#1, since 0.050 s), which ended at 0.100 s",
            ],
        );
        let without_end = updates().ask(1).fetch(2, 1).exit(2, 1);
        check(without_end.overdue(1), "fail mutual-exclusion bounded-wait");
    }

    #[test]
    fn only_the_death_of_the_holder_ends_its_section() {
        check(updates().ask(1).kill(1).fetch(2, 1).publish(1).exit(2, 1), "pass");
        let group = Action::KillGroup(Signal::Kill);
        check(updates().ask(1).inject(group, &[1]).fetch(2, 1).die(1).exit(2, 1), "pass");
        let term = Action::Kill(Signal::Term);
        let lives_on = updates().ask(1).inject(term, &[1]).fetch(2, 1).fail(1).exit(2, 1);
        check(lives_on, "fail mutual-exclusion");
        let stopped = updates().ask(1).inject(Action::Stop, &[1]).fetch(2, 1);
        let stopped = finish(stopped.inject(Action::Continue, &[1]).done(1));
        check_sentences(
            stopped,
            Invariant::MutualExclusion,
            &[
                "c02 fetched catalogue 1 (#2) at 0.070 s within the fetch of c01 (#1, since 0.050 s), which ended at 0.110 s: c01 was suspended at 0.060 s but alive, and its lock was broken",
            ],
        );
        let stalled = updates().ask(1).inject(Action::Stall, &[1]).fetch(2, 1).fail(1);
        check(stalled.exit(2, 1), "fail mutual-exclusion");
    }

    #[test]
    fn an_overlap_within_the_skew_or_that_an_injection_forced_is_indeterminate() {
        let late_note = updates().ask(1).head(1, 1).ask(2).micros(1500).done(1).head(2, 1).done(2);
        check_counts(finish(late_note), Invariant::MutualExclusion, (0, 1));
        let remove = Action::Remove("lock".to_owned());
        let freed = finish(updates().ask(1).inject(remove, &[]).fetch(2, 1).head(1, 1).done(1));
        check(freed, "pass");
        let planted = plant("providers.json.lock", Content::DeadPid, Mtime::Now);
        let stolen = finish(updates().ask(1).inject(planted, &[]).fetch(2, 1).head(1, 1).done(1));
        check(stolen, "pass");
        let read_only = updates().inject(Action::ReadOnly, &[]).ask(1).fetch(2, 1).done(1);
        check(finish(read_only), "pass");
        // Who could not take the lock went on without it, whichever of the two came first.
        for victim in [1, 2] {
            let refused = updates().inject(Action::Errno(Errno::NoLck), &[victim]);
            let told = refused.ask(1).fetch(2, 1).head(1, 1).done(1);
            check_counts(finish(told), Invariant::MutualExclusion, (0, 1));
        }
        let too_late = updates().ask(1).fetch(2, 1).inject(Action::Errno(Errno::NoLck), &[2]);
        check(finish(too_late.head(1, 1).done(1)), "fail mutual-exclusion");
    }

    #[test]
    fn a_fetch_whose_end_is_noted_after_its_publish_is_over() {
        let told = updates().ask(1).head(1, 1).publish(1).fetch(2, 1).done(1);
        check(finish(told), "pass");
    }

    #[test]
    fn a_304_ends_with_its_head() {
        let told = herd().wave_of("update", &[4, 5]).revalidate(4, 1);
        let told = told.status(2, 304, Some(1), 0).fetch(5, 1).done(2).exit(4, 1).exit(5, 1);
        check(told, "pass");
    }

    #[test]
    fn removing_the_file_of_an_advisory_lock_breaks_it() {
        let removed = |told: Story| told.file(Change::Removed, "providers.json.lock", Role::Lock);
        check(removed(herd()), "fail mutual-exclusion");
        check_sentences(
            removed(herd()),
            Invariant::MutualExclusion,
            &[
                "the lock providers.json.lock was removed at 0.140 s, and no injection did it: a process that waits on the removed inode and one that makes the file anew both get the lock",
            ],
        );
        check(removed(herd().inject(Action::Remove("*.lock".to_owned()), &[])), "pass");
        check(removed(herd().client(|it| it.files.lock_kind = LockKind::Existence)), "pass");
        let later = herd().inject(Action::Remove("lock".to_owned()), &[]).at(5000);
        check(removed(later), "fail mutual-exclusion");
    }

    #[test]
    fn a_thousand_overlaps_are_counted_and_twenty_listed() {
        let clients: Vec<u32> = (1..=1000).collect();
        let told = clients.iter().fold(story().wave(&clients), |told, &client| told.ask(client));
        let told = (1..=1000).fold(told, |told, request| told.head(request, 1).done(request));
        let report = told.report(Invariant::MutualExclusion);
        assert_eq!((report.evaluations, report.violations.len()), (999, 21));
        assert_eq!(
            report.violations[20].sentence,
            "the same happened 979 more times, which are not listed"
        );
    }
}
