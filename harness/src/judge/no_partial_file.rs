//! `no-partial-file`: at every observation the published path is absent or holds exactly one served
//! body, as served or as the same JSON written anew.
//!
//! A fault of the network whose bytes are published breaks it, as far as the transport or the content
//! could have told; after those that nothing can tell, the published bytes are a catalogue all the same.
//!
//! What the harness planted is no client's doing. A temporary that a dead writer left is no partial
//! file either: it is residue.

use super::explain;
use super::findings::{Findings, counted};
use super::history::{FileChange, History, Loss, Moment};
use crate::model::record::{Change, Role, Sighting};
use crate::model::verdict::{Invariant, InvariantReport};

/// Evaluates the invariant.
pub(super) fn evaluate(history: &History<'_>) -> InvariantReport {
    let mut findings = Findings::of(Invariant::NoPartialFile);
    for seen in &history.sightings {
        match seen.sighting {
            Sighting::Absent | Sighting::Whole { .. } | Sighting::Planted => findings.evaluated(),
            Sighting::NotShown => findings.indeterminate(),
            Sighting::Damaged { bytes, how } => {
                findings.evaluated();
                findings.violated(&[seen.moment], || {
                    format!(
                        "at {} the published path held {} that are no whole served catalogue ({how}){}{}{}",
                        seen.moment,
                        counted(u32::try_from(*bytes).unwrap_or(u32::MAX), "byte", "bytes"),
                        written_how(history, seen.moment),
                        writers(history, seen.moment),
                        explain::bait(history, seen.moment.index),
                    )
                });
            }
        }
    }
    findings.conclude("the published path was never looked at", |evaluations| {
        let looks = counted(evaluations, "observation", "observations");
        format!("{looks} of the published path{}", explain::demands(history))
    })
}

/// How the published file got its bytes, where the watch on the directory saw it, or how it lost them.
fn written_how(history: &History<'_>, now: Moment) -> String {
    let until = history.files.partition_point(|file| file.moment.index <= now.index);
    let mut changes = history.files[..until].iter().rev().filter(|it| it.role == Role::Published);
    let change = changes.find(|it| *it.change != Change::Touched);
    if let Some(loss) = change.and_then(|change| loss(history, change, now)) {
        let bytes = counted(u32::try_from(loss.bytes).unwrap_or(u32::MAX), "byte", "bytes");
        return format!(
            ": {} had failed to be closed at {}, which lost {bytes} that were not synced",
            loss.path, loss.moment
        );
    }
    match change.map(|it| it.change) {
        Some(Change::Created | Change::Written) => ": it is written in place".to_owned(),
        Some(Change::Renamed { from: Some(from) }) => {
            format!(": {from} was renamed before it was complete")
        }
        _ => String::new(),
    }
}

/// What the file that a change left under the published name had lost by then: under that name or, where it was
/// renamed, the one that it had before.
fn loss<'h>(
    history: &'h History<'_>,
    change: &FileChange<'_>,
    now: Moment,
) -> Option<&'h Loss<'h>> {
    let before = match change.change {
        Change::Renamed { from } => from.as_deref(),
        _ => None,
    };
    let mut losses = history.losses.iter().rev().filter(|loss| loss.moment.index < now.index);
    losses.find(|loss| loss.path == change.path || Some(loss.path) == before)
}

/// Who can have written: the clients that had asked for the catalogue and were alive, or had been killed.
fn writers(history: &History<'_>, now: Moment) -> String {
    let mut living = Vec::new();
    let mut killed = None;
    for process in &history.processes {
        let mut fetches = history.fetches_of(process);
        if !fetches.any(|it| it.head.is_some_and(|head| head.moment.index < now.index)) {
            continue;
        }
        if process.is_alive_at(now.index) {
            living.push(process.client);
        }
        let kill = process.kills.first().filter(|(moment, _)| moment.index < now.index);
        killed = kill.map(|(moment, signal)| (process.client, *moment, *signal)).or(killed);
    }
    match (living.as_slice(), killed) {
        ([], Some((client, moment, signal))) => {
            format!("; the last to have fetched was {client}, which {signal} hit at {moment}")
        }
        ([], None) => String::new(),
        ([one], _) => format!("; {one} had fetched and was running"),
        ([one, two], _) => format!("; {one} and {two} had fetched and were running"),
        ([one, .., last], _) => {
            format!("; {} clients from {one} to {last} had fetched and were running", living.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::testing::{check, check_counts, check_sentences, damaged, herd, story};
    use crate::model::record::{Sighting, What};
    use crate::model::scenario::Action;
    use crate::model::units::{ByteSize, ClientId};

    #[test]
    fn whole_absent_and_planted_hold() {
        let told = story().see(Sighting::Absent).see(Sighting::Planted);
        let told = told.wave(&[1]).fetch(1, 1).publish(1).exit(1, 1);
        check(told.clone(), "pass");
        check_counts(told, Invariant::NoPartialFile, (3, 0));
        check_counts(herd().see(Sighting::NotShown), Invariant::NoPartialFile, (1, 1));
        check_counts(story(), Invariant::NoPartialFile, (0, 0));
    }

    #[test]
    fn no_fault_of_the_disk_excuses_half_a_file() {
        let full = story().inject(Action::Fill(ByteSize(4096)), &[]).wave(&[1]).fetch(1, 1);
        check(full.see(damaged()).fail(1), "fail no-partial-file");
    }

    #[test]
    fn damaged_bytes_break_it_and_name_the_writer() {
        let writing = || story().wave(&[1]).fetch(1, 1);
        let in_place = writing().file(Change::Created, "providers.json", Role::Published);
        let in_place = in_place.see(damaged()).publish(1).exit(1, 1);
        check(in_place.clone(), "fail no-partial-file");
        check_sentences(
            in_place,
            Invariant::NoPartialFile,
            &[
                "at 0.070 s the published path held 4096 bytes that are no whole served catalogue (cut off after 4096 of 16384 bytes): it is written in place; c01 had fetched and was running",
            ],
        );
        let lost =
            |path: &str| What::Lost { client: ClientId(1), path: path.to_owned(), bytes: 12288 };
        let from = Some("providers.json.tmp.1".to_owned());
        let unsynced = writing().push(lost("providers.json.tmp.1"));
        let renamed = Change::Renamed { from: from.clone() };
        let unsynced = unsynced.file(renamed.clone(), "providers.json", Role::Published);
        check_sentences(
            unsynced.see(damaged()).exit(1, 1),
            Invariant::NoPartialFile,
            &[
                "at 0.080 s the published path held 4096 bytes that are no whole served catalogue (cut off after 4096 of 16384 bytes): providers.json.tmp.1 had failed to be closed at 0.060 s, which lost 12288 bytes that were not synced; c01 had fetched and was running",
            ],
        );
        // What another file lost does not tell how this one was damaged.
        let other = writing().push(lost("other.tmp.1"));
        let other = other.file(renamed, "providers.json", Role::Published).see(damaged());
        let violations = other.report(Invariant::NoPartialFile).violations;
        assert!(violations[0].sentence.contains("was renamed before it was complete"));
        let early = writing().file(Change::Renamed { from }, "providers.json", Role::Published);
        check_sentences(
            early.kill(1).see(damaged()),
            Invariant::NoPartialFile,
            &[
                "at 0.090 s the published path held 4096 bytes that are no whole served catalogue (cut off after 4096 of 16384 bytes): providers.json.tmp.1 was renamed before it was complete; the last to have fetched was c01, which SIGKILL hit at 0.070 s",
            ],
        );
    }
}
