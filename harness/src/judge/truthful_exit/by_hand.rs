//! The part of `truthful-exit` that is about who is told what to publish: a file, or what is built in.
//!
//! Exit code 0 means that it is published. What the process returned is that catalogue, and so is what lies there
//! when it has ended; unless another has published since, or a fault kept it from being stored.

use crate::judge::findings::Findings;
use crate::judge::history::{Exchange, History, Moment, Process};
use crate::model::units::Serial;

/// Judges every process of a wave that was told what to publish and exited with code 0.
pub(super) fn evaluate(history: &History<'_>, findings: &mut Findings) {
    for process in history.processes.iter().filter(|process| process.is_in_wave()) {
        let (Some(wanted), Some(released)) = (process.publishes, process.released) else {
            continue;
        };
        if let Some((ended, exited)) = process.succeeded() {
            let returned = exited.got.serial();
            judge(history, process, wanted, (released, ended, returned), findings);
        }
    }
}

fn judge(
    history: &History<'_>,
    process: &Process<'_>,
    wanted: Serial,
    (released, ended, returned): (Moment, Moment, Option<Serial>),
    findings: &mut Findings,
) {
    let over = history.end_of_step(ended.index);
    let told = || {
        format!("{}, which was to publish {wanted}, exited with code 0 at {ended}", process.client)
    };
    if let Some(returned) = returned.filter(|returned| *returned != wanted) {
        findings.evaluated();
        findings.violated(&[released, ended], || format!("{} and returned {returned}", told()));
        return;
    }
    let lies = history.published_before(over).and_then(|seen| seen.sighting.serial());
    if lies == Some(wanted) {
        findings.evaluated();
    } else if may_be_replaced(history, process, (released.index, over)) {
        findings.indeterminate();
    } else {
        findings.evaluated();
        findings.violated(&[released, ended], || match lies {
            Some(lies) => format!("{} and left {lies} published", told()),
            None => format!("{} and left no whole catalogue published", told()),
        });
    }
}

/// Whether somebody else may have published between two events, or a fault may have kept this process from it.
fn may_be_replaced(
    history: &History<'_>,
    process: &Process<'_>,
    (from, to): (usize, usize),
) -> bool {
    let within = |moment: Moment| from < moment.index && moment.index < to;
    let other = |other: &Process<'_>| {
        let lived = other.life().is_some_and(|(first, last)| first < to && from < last);
        let publishes = other.publishes.is_some_and(|it| Some(it) != process.publishes);
        lived && (publishes || other.goes_back() || other.command == "clear")
    };
    history.fetches().filter_map(Exchange::vouched).any(within)
        || history.processes.iter().any(other)
        || history.faults.disk.overlap(from, to)
        || history.faults.published_touched(from, to)
        || !process.broken_calls.is_empty()
        || history.interrupted.is_some_and(|(at, _)| at.index < to)
}

#[cfg(test)]
mod tests {
    use crate::judge::testing::{Story, check, check_counts, check_sentences, herd};
    use crate::model::record::{ExitStatus, Sighting};
    use crate::model::scenario::Action;
    use crate::model::verdict::Invariant;

    fn told() -> Story {
        herd().publisher(4, 2)
    }

    #[test]
    fn what_was_to_be_published_is_returned_and_lies_there() {
        check(told().publish(2).exit(4, 2).wave_ended(), "pass");
        check_counts(told().publish(2).exit(4, 2).wave_ended(), Invariant::TruthfulExit, (5, 0));
        check_sentences(
            told().exit(4, 1).wave_ended(),
            Invariant::TruthfulExit,
            &[
                "c04, which was to publish catalogue 2, exited with code 0 at 0.170 s and returned catalogue 1",
            ],
        );
        check_sentences(
            told().exit(4, 2).wave_ended(),
            Invariant::TruthfulExit,
            &[
                "c04, which was to publish catalogue 2, exited with code 0 at 0.170 s and left catalogue 1 published",
            ],
        );
        let silent = |it: Story| it.end(4, ExitStatus::Code(0), Sighting::NotShown).wave_ended();
        check(silent(told().publish(2)), "pass");
        check(silent(told()), "fail truthful-exit");
    }

    #[test]
    fn another_publication_and_a_full_disk_leave_it_open() {
        let replaced = herd().age().publisher(4, 2).publish(2).start_reader(5);
        let replaced = replaced.fetch(5, 1).publish(1).exit(4, 2).exit(5, 1).wave_ended();
        check_counts(replaced, Invariant::TruthfulExit, (5, 1));
        let full = herd().inject(Action::ReadOnly, &[]).publisher(4, 2).exit(4, 2).wave_ended();
        check(full, "pass");
        check(herd().publisher(4, 2).fail(4).wave_ended(), "fail truthful-exit");
    }

    #[test]
    fn a_window_begins_with_it_and_nobody_asks_within() {
        let readers = || told().publish(2).exit(4, 2).wave(&[5, 6]);
        check(readers().exit(5, 2).exit(6, 2), "pass");
        check_sentences(
            readers().fetch(5, 1).publish(1).exit(5, 1).exit(6, 1),
            Invariant::SingleFlight,
            &[
                "c05 fetched catalogue 1 (#2) at 0.240 s although catalogue 2 had been published at 0.170 s and the window was open until 3600.170 s: what was published by hand did not make the cache fresh",
            ],
        );
        // Catwalk's own catalogue is not older once it has vouched for it again.
        check(readers().age().fetch(5, 1).publish(1).exit(5, 1).exit(6, 1), "pass");
        check(readers().exit(5, 1).exit(6, 2), "fail no-time-travel");
    }
}
