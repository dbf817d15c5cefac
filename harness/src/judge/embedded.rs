//! When a client may return the catalogue that is built into it: as a last resort.
//!
//! It is older than all that Catwalk has ever served. Whoever publishes it because it was told to (`update-embedded`)
//! may return it, and so may all who find it published then. Anybody else may only where nothing else could be had: no
//! whole catalogue lay there when it was let go that it may serve, and an injected fault explains that it got none from Catwalk.

use super::explain;
use super::history::{History, Process, Seen, WATCH_LAG};
use super::stale_if_error::bound::{self, Reached};
use crate::model::record::Sighting;
use crate::model::units::Serial;

/// What is wrong with it that a process returned the catalogue that is built in, as the end of a sentence.
pub(super) fn complaint(history: &History<'_>, process: &Process<'_>) -> Option<String> {
    let (ended, serial) = process.returned()?;
    if serial != Serial::EMBEDDED || process.publishes == Some(serial) {
        return None;
    }
    let released = process.released?;
    let before = history.published_before(released.index);
    // What it found may be seen a moment later than its end.
    let found = |seen: &&Seen<'_>| {
        let early = seen.moment.index < ended.index;
        released.index < seen.moment.index && (early || seen.moment.at.since(ended.at) < WATCH_LAG)
    };
    let during = history.sightings.iter().filter(found);
    let is_embedded = |seen: &Seen<'_>| seen.sighting.serial() == Some(serial);
    let by_hand = history.handed_out(serial).is_some_and(|handed| handed.index < ended.index);
    if by_hand && before.into_iter().chain(during).any(is_embedded) {
        return None;
    }
    let lay =
        before.filter(|seen| matches!(seen.sighting, Sighting::Whole { .. }) && !is_embedded(seen));
    let closed = history.faults.unreadable.overlap(released.index, ended.index)
        || process.had_broken_call(ended)
        || history.faults.published_touched(released.index, ended.index);
    let too_old = bound::reached(history, released, ended) != Reached::No;
    match lay
        .and_then(|seen| Some((seen.moment, seen.sighting.serial()?)))
        .filter(|_| !closed && !too_old)
    {
        Some((since, lay)) => {
            Some(format!("returned {serial}, although {lay} lay there since {since}"))
        }
        None if explain::exit_explained(history, process) => None,
        None => {
            Some(format!("returned {serial}, although no injected fault kept it from the server"))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::judge::testing::{Story, check, check_sentences, herd, story};
    use crate::model::record::Part;
    use crate::model::scenario::Action;
    use crate::model::verdict::Invariant;

    fn down(told: Story) -> Story {
        told.inject(Action::CatwalkDown, &[])
    }

    #[test]
    fn it_is_the_last_resort() {
        check(down(story()).wave(&[1]).exit(1, 0), "pass");
        let told = || down(herd().age()).wave(&[4]).exit(4, 0);
        check(told(), "fail truthful-exit");
        check_sentences(
            told(),
            Invariant::TruthfulExit,
            &[
                "c04 exited with code 0 at 0.190 s but returned the embedded catalogue, although catalogue 1 lay there since 0.100 s",
            ],
        );
        check_sentences(
            story().wave(&[1]).exit(1, 0),
            Invariant::TruthfulExit,
            &[
                "c01 exited with code 0 at 0.030 s but returned the embedded catalogue, although no injected fault kept it from the server",
            ],
        );
    }

    #[test]
    fn who_is_told_to_publish_it_may_return_it_and_so_may_all_who_find_it() {
        let told = || herd().publisher(4, 0).publish(0).exit(4, 0);
        check(told().wave(&[5]).exit(5, 0), "pass");
        // A reader has it before the harness has seen it published.
        let early = herd().publisher(4, 0).start(5, Part::Wave(2), "get").exit(5, 0).publish(0);
        check(early.exit(4, 0), "pass");
        let invented = herd().publisher(4, 0).start(5, Part::Wave(2), "get").exit(5, 0);
        check(invented.at(5_000).publish(0).exit(4, 0), "fail truthful-exit");
        // It was never published, so where has the reader got it from?
        check(herd().publisher(4, 0).exit(4, 0).wave(&[5]).exit(5, 0), "fail truthful-exit");
        // After its window somebody asks.
        let next = told().age().wave(&[5]).fetch(5, 1).publish(1).exit(5, 1);
        check(next, "pass");
    }

    #[test]
    fn a_probe_that_returns_it_is_reported_with_the_probes() {
        let told = herd().healed().start(9, Part::ProbeNow, "get").exit(9, 0);
        check(
            told.scenario(|it| it.expect.grace = it.cache.ttl),
            "fail no-blocking-leftover freshness no-time-travel",
        );
    }
}
