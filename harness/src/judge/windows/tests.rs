//! Which windows a history has.

use super::Window;
use crate::judge::history::History;
use crate::judge::testing::{Story, damaged, herd, plant, story, whole};
use crate::model::record::{Change, Role, Sighting, What};
use crate::model::scenario::{Action, Chmod, Content, Mtime};
use crate::model::units::{ByteSize, Span};
use crate::model::verdict::TtlWindow;

/// Checks the windows, each as `catalogue by whom at when`, with `closed at when` where it was.
#[track_caller]
fn check(told: Story, expected: &[&str]) {
    let record = told.record();
    let history = History::of(&record);
    let line = |window: &Window| {
        let sender = window.fetch.and_then(|it| history.sender(&history.exchanges[it]));
        let by = sender.map_or("someone".to_owned(), |it| it.client.to_string());
        let how = if window.renewed { " again" } else { "" };
        let closed = window.closed.map(|it| format!(", closed at {it}")).unwrap_or_default();
        format!("{} by {by}{how} at {}{closed}", window.serial, window.opened)
    };
    let lines: Vec<String> = history.windows.all.iter().map(line).collect();
    assert_eq!(lines, expected);
}

fn modified(told: Story, modified_ms: i64) -> Story {
    told.push(What::Published { sighting: whole(1), modified_ms: Some(modified_ms), mode: None })
}

#[test]
fn a_publish_opens_one_and_names_who_brought_it() {
    check(story(), &[]);
    check(herd(), &["catalogue 1 by c01 at 0.100 s"]);
    let two = story().wave(&[1, 2]).fetch(1, 1).fetch(2, 1).publish(1);
    check(two, &["catalogue 1 by someone at 0.110 s"]);
    let two = story().wave(&[1, 2]).fetch(1, 1).fetch(2, 2).publish(2).publish(1);
    check(two, &["catalogue 2 by c02 at 0.110 s", "catalogue 1 by c01 at 0.120 s"]);
    let retried = story().wave(&[1]).ask(1).head(1, 1).fetch(1, 1).publish(1);
    check(retried, &["catalogue 1 by c01 at 0.080 s"]);
    let late = story().wave(&[1]).fetch(1, 1).exit(1, 1).publish(1);
    check(late, &["catalogue 1 by c01 at 0.070 s"]);
    check(story().wave(&[1]).publish(1), &[]);
}

#[test]
fn what_the_harness_moves_opens_none() {
    check(herd().age().publish(1), &["catalogue 1 by c01 at 0.100 s"]);
    check(herd().age().see(Sighting::Absent).publish(1), &["catalogue 1 by c01 at 0.100 s"]);
    let busy = || modified(story().wave(&[1, 2]).fetch(1, 1).fetch(2, 1), 10_000);
    let aged = modified(busy().age(), 5_000);
    check(aged, &["catalogue 1 by someone at 0.110 s"]);
    let answered_since = modified(story().wave_of("update", &[1, 2]).fetch(1, 1), 10_000);
    let answered_since = modified(answered_since.fetch(2, 1).age(), 5_000);
    check(answered_since, &["catalogue 1 by c01 at 0.080 s"]);
    let republished = modified(busy().age().fetch(1, 1), 11_000);
    check(republished, &["catalogue 1 by someone at 0.110 s", "catalogue 1 by someone at 0.160 s"]);
}

#[test]
fn bytes_that_are_not_a_catalogue_or_an_injection_close_it() {
    let closed = ["catalogue 1 by c01 at 0.100 s, closed at 0.140 s"];
    check(herd().see(damaged()), &closed);
    check(herd().see(Sighting::Planted), &closed);
    check(herd().inject(Action::Wipe, &[]), &closed);
    check(herd().inject(Action::ClockBack(Span::from_secs(9)), &[]), &closed);
    check(herd().inject(plant("published", Content::Empty, Mtime::Now), &[]), &closed);
    check(
        herd().inject(plant("other", Content::Empty, Mtime::Now), &[]),
        &["catalogue 1 by c01 at 0.100 s"],
    );
}

#[test]
fn who_removes_the_file_closes_none_unless_told_to() {
    check(herd().see(Sighting::Absent), &["catalogue 1 by c01 at 0.100 s"]);
    let cleared = || herd().wave_of("clear", &[4]);
    let closed = ["catalogue 1 by c01 at 0.100 s, closed at 0.170 s"];
    check(cleared().see(Sighting::Absent), &closed);
    let seen_late = cleared().exit(4, 1).see(Sighting::Absent);
    check(seen_late, &["catalogue 1 by c01 at 0.100 s, closed at 0.180 s"]);
    let long_after = cleared().exit(4, 1).at(9_000).see(Sighting::Absent);
    check(long_after, &["catalogue 1 by c01 at 0.100 s"]);
}

#[test]
fn a_304_opens_one_when_the_file_is_touched_or_its_client_succeeds() {
    let asked = || herd().age().wave(&[4]).revalidate(4, 1).confirm(2, 1);
    let first = "catalogue 1 by c01 at 0.100 s";
    let again = [first, "catalogue 1 by c04 again at 0.210 s"];
    check(asked().exit(4, 1), &again);
    check(asked().publish(1).exit(4, 1), &again);
    let touched = asked().file(Change::Touched, "providers.json", Role::Published);
    check(touched.exit(4, 1), &again);
    check(asked().fail(4), &[first]);
    let full = herd().age().inject(Action::Fill(ByteSize(0)), &[]).wave(&[4]);
    check(full.revalidate(4, 1).confirm(2, 1).exit(4, 1), &[first]);
    let untouched = herd().wave(&[4]).file(Change::Touched, "providers.json", Role::Published);
    check(untouched, &[first]);
}

#[test]
fn permissions_that_the_harness_changes_renew_nothing() {
    let chmod = |path: &str, mode| Action::Chmod(Chmod { path: path.to_owned(), mode });
    // Who cannot open the lock is told that nothing is new, and can store nothing.
    let asked = |told: Story| told.wave(&[4]).revalidate(4, 1).confirm(2, 1);
    let touched = |told: Story| told.file(Change::Touched, "providers.json", Role::Published);
    let first = "catalogue 1 by c01 at 0.100 s";
    let locked = || asked(herd().age().inject(chmod("lock", 0), &[])).exit(4, 1).wave_ended();
    check(touched(locked().inject(chmod("published", 0), &[])), &[first]);
    check(touched(touched(locked()).healed()), &[first]);
    let meanwhile = || asked(herd().age()).inject(chmod("published", 0o640), &[]);
    check(touched(meanwhile()).fail(4), &[first]);
    let renewed = touched(touched(meanwhile())).exit(4, 1);
    check(renewed, &[first, "catalogue 1 by c04 again at 0.230 s"]);
}

#[test]
fn as_data_they_end_by_an_ageing_by_a_loss_or_not_at_all() {
    let ends = |told: Story| {
        let record = told.record();
        let windows = crate::judge::windows(&record);
        let line = |window: &TtlWindow| {
            let opened = record.events[window.opened as usize].at;
            let until = window.until.map_or("the end".to_owned(), |until| until.to_string());
            let by = window.request.map(|request| format!(" by {request}")).unwrap_or_default();
            format!("{}{by} from {opened} to {until}", window.serial)
        };
        windows.iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(ends(herd()), ["catalogue 1 by #1 from 0.100 s to the end"]);
    // Nothing is seen at the very moment of the ageing but the ageing itself, 10 ms after the herd.
    let aged = herd().age().wave(&[7]);
    assert_eq!(ends(aged), ["catalogue 1 by #1 from 0.100 s to 0.140 s"]);
    let lost = herd().see(damaged());
    assert_eq!(ends(lost), ["catalogue 1 by #1 from 0.100 s to 0.140 s"]);
    let slow = herd().at(3_700_000).wave(&[7]);
    assert_eq!(ends(slow), ["catalogue 1 by #1 from 0.100 s to 3600.100 s"]);
}
