//! `freshness`: no client returns a catalogue older than the TTL and a grace.
//!
//! A catalogue is as old as the last time that Catwalk vouched for it: a 200 with it that was sent whole,
//! or a 304 that confirmed it, or a client that was told to publish it from a file or as the one that is built in. For each client that exits with code 0 the catalogue must have been vouched
//! for at its release minus the TTL minus `expect.grace`, in cache time, or later. A catalogue that the
//! harness planted counts as vouched for when it was planted with a present or future time; bytes that
//! were there already do only if their time was made the present, since a time in the future is
//! something that a client can notice. Where a clock was set back, a file is as much longer fresh by all
//! that a client can know, and this is added to the grace.
//!
//! Excused is a client in whose life an injected fault kept someone from the server: whether it was
//! right to fall back on the old catalogue is the matter of `stale-if-error`. A call of its own that an injection
//! made fail is such a fault where it cut the client off; after any other, such as that of a rename, the client
//! knows that what it returns is old, and is excused if it says so. So is one that had waited as
//! long as it was told to for clients that were killed, and says that what it returns is old.

use std::collections::HashMap;

use super::explain;
use super::findings::{Findings, counted};
use super::history::{History, Moment, Process, WATCH_LAG};
use crate::model::scenario::{Action, Content, Mtime, Plant};
use crate::model::units::{Nanos, Serial, Span};
use crate::model::verdict::{Invariant, InvariantReport};

/// Evaluates the invariant.
pub(super) fn evaluate(history: &History<'_>) -> InvariantReport {
    let mut findings = Findings::of(Invariant::Freshness);
    let vouched = Vouched::of(history);
    for process in &history.processes {
        if let (Some(released), Some((ended, serial))) = (process.released, process.returned()) {
            judge(history, &vouched, process, (released, ended, serial), &mut findings);
        }
    }
    findings.conclude("no client showed what catalogue it got", |evaluations| {
        format!("{} returned", counted(evaluations, "catalogue", "catalogues"))
    })
}

fn judge(
    history: &History<'_>,
    vouched: &Vouched,
    process: &Process<'_>,
    (released, ended, serial): (Moment, Moment, Serial),
    findings: &mut Findings,
) {
    let grace = history.record.scenario.expect.grace;
    let allowed =
        history.ttl.saturating_add(grace.nanos()).saturating_add(vouched.set_back_before(ended));
    let last = vouched.before(serial, ended.index);
    let fresh = |moment: Moment| moment.cache_time.saturating_add(allowed) >= released.cache_time;
    if last.is_some_and(fresh) {
        findings.evaluated();
        return;
    }
    if explain::age_explained(history, process)
        || held_up(history, serial, ended, &fresh)
        || is_out_of_patience(history, process, released, ended)
    {
        findings.indeterminate();
        return;
    }
    findings.evaluated();
    let mut events = vec![released, ended];
    events.extend(last);
    findings.violated(&events, || {
        let client = process.client;
        let Some(last) = last else {
            return format!(
                "{client}, let go at {released}, returned {serial} at {ended}, which Catwalk had never sent whole"
            );
        };
        let age = released.cache_time.saturating_sub(last.cache_time);
        let aged = age.saturating_sub(released.at.0.saturating_sub(last.at.0)) > 0;
        format!(
            "{client}, let go at {released}, returned {serial}, which Catwalk had last vouched for at {last}: {}{} earlier, and the TTL ({}) with the grace ({grace}) allows {}",
            Nanos(age),
            if aged { " of cache time" } else { "" },
            history.record.ttl,
            Span(std::time::Duration::from_nanos(allowed)),
        )
    });
}

/// Whether the catalogue was published late because an injection had held its fetcher up, so that its
/// window began later than Catwalk's word.
fn held_up(
    history: &History<'_>,
    serial: Serial,
    ended: Moment,
    fresh: &dyn Fn(Moment) -> bool,
) -> bool {
    let Some(last) = history.windows.before(ended.index) else { return false };
    let window = &history.windows.all[last];
    let Some(fetch) = window.fetch.map(|index| &history.exchanges[index]) else { return false };
    let stopped = history.sender(fetch).is_some_and(|sender| !sender.stops.is_empty());
    window.serial == serial && fresh(window.opened) && (stopped || fetch.is_faulted())
}

/// Whether a client that says that its catalogue is old had waited as long as it is told to wait, and one
/// after another of those that it waited for was killed or suspended: it may not wait for ever.
fn is_out_of_patience(
    history: &History<'_>,
    process: &Process<'_>,
    released: Moment,
    ended: Moment,
) -> bool {
    let patience = history.record.scenario.clients.patience.0;
    let within = |moment: &Moment| released.index < moment.index && moment.index < ended.index;
    let hit = |other: &Process<'_>| {
        let stops = other.stops.iter().map(|(from, _)| from);
        other.client != process.client
            && history.fetches_of(other).any(|fetch| within(&fetch.arrived))
            && other.kills.iter().map(|(moment, _)| moment).chain(stops).any(within)
    };
    let says_so = process.exited.is_some_and(|(_, exited)| exited.said_stale);
    says_so && ended.since(released) >= patience && history.processes.iter().any(hit)
}

/// When Catwalk, or the harness in its place, vouched for each catalogue.
struct Vouched {
    /// By the event from which on a client can know, in order.
    moments: HashMap<Serial, Vec<(usize, Moment)>>,
    /// When a clock was set back, and by how many nanoseconds.
    set_back: Vec<(Moment, u64)>,
}

impl Vouched {
    fn of(history: &History<'_>) -> Self {
        let mut all: Vec<(Serial, usize, Moment)> = Vec::new();
        for fetch in history.fetches() {
            if let (Some((head, serial)), Some(moment)) = (fetch.answer(), fetch.vouched()) {
                all.push((serial, head.moment.index, moment));
            }
        }
        all.extend(by_hand(history));
        let mut current = Serial(1);
        let mut last = current;
        let mut handed = history.processes.iter().peekable();
        let mut set_back = Vec::new();
        for injected in history.injected.iter().filter(|injected| injected.landed()) {
            let moment = injected.moment;
            match injected.action {
                Action::ClockBack(span) => set_back.push((moment, span.nanos())),
                Action::Bump => {
                    // What was handed out in a file has a number of its own.
                    while let Some(process) = handed.next_if(|it| it.spawned.index < moment.index) {
                        last = last.max(process.publishes.unwrap_or(last));
                    }
                    last = Serial(last.0.saturating_add(1));
                    current = last;
                }
                Action::Plant(plant) => {
                    let serial = planted(history, plant, moment, current);
                    all.extend(serial.map(|serial| (serial, moment.index, moment)));
                }
                _ => {}
            }
        }
        all.sort_by_key(|(_, event, _)| *event);
        let mut moments: HashMap<Serial, Vec<(usize, Moment)>> = HashMap::new();
        for (serial, event, moment) in all {
            moments.entry(serial).or_default().push((event, moment));
        }
        Self { moments, set_back }
    }

    /// By how much a clock had been set back before a moment, in nanoseconds.
    fn set_back_before(&self, moment: Moment) -> u64 {
        let before = self.set_back.iter().filter(|(at, _)| at.index < moment.index);
        before.map(|(_, by)| by).fold(0, |sum, by| sum.saturating_add(*by))
    }

    /// The last time before an event that a catalogue was vouched for.
    fn before(&self, serial: Serial, event: usize) -> Option<Moment> {
        let moments = self.moments.get(&serial)?;
        let count = moments.partition_point(|(known, _)| *known < event);
        count.checked_sub(1).map(|last| moments[last].1)
    }
}

/// When clients vouched for what they were told to publish, or to go back to: as they were let go, and as it was seen
/// published.
fn by_hand(history: &History<'_>) -> impl Iterator<Item = (Serial, usize, Moment)> {
    let told = history.processes.iter().filter_map(|it| Some((it.publishes?, it.released?)));
    let windows = history.windows.all.iter().filter(|window| window.by_hand);
    let published = told.chain(windows.map(|window| (window.serial, window.opened)));
    let all = published.chain(gone_back_to(history));
    all.map(|(serial, moment)| (serial, moment.index, moment))
}

/// What clients that were told to go back went back to: what they returned, and, since one may have been killed behind
/// its rename, what was seen published in their lives.
fn gone_back_to(history: &History<'_>) -> impl Iterator<Item = (Serial, Moment)> {
    let told = history.processes.iter().filter(|process| process.goes_back());
    told.filter_map(|process| Some((process, process.released?))).flat_map(|(process, released)| {
        let seen = history.sightings.iter().filter(move |seen| {
            // The watch may have seen it some time after the end.
            let killed = !process.kills.is_empty();
            let lately = |ended: Moment| killed && seen.moment.since(ended) < WATCH_LAG;
            released.index < seen.moment.index
                && process
                    .ended()
                    .is_none_or(|ended| seen.moment.index < ended.index || lately(ended))
        });
        let seen = seen.filter_map(|seen| Some((seen.sighting.serial()?, seen.moment)));
        seen.chain(process.returned().map(|(_, serial)| (serial, released)))
    })
}

/// The catalogue that a planted file passes off as fresh, if any.
fn planted(
    history: &History<'_>,
    plant: &Plant,
    moment: Moment,
    current: Serial,
) -> Option<Serial> {
    match (plant.content, plant.mtime) {
        (Content::Catalogue, Mtime::Now | Mtime::Future | Mtime::Ahead(_)) => Some(current),
        (Content::Unchanged, Mtime::Now) => {
            history.published_before(moment.index).and_then(|seen| seen.sighting.serial())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::testing::{Story, check, check_counts, check_sentences, herd, plant, story};
    use crate::model::call::CallName;
    use crate::model::errno::Errno;
    use crate::model::record::{AbortedBy, What};
    use crate::model::units::ByteSize;

    /// The cache is past its TTL, and a client is let go.
    fn expired() -> Story {
        herd().age().wave(&[4])
    }

    #[test]
    fn a_catalogue_within_its_ttl_holds() {
        check(herd(), "pass");
        check_counts(herd(), Invariant::Freshness, (3, 0));
        check(expired().revalidate(4, 1).confirm(2, 1).exit(4, 1), "pass");
        check(expired().fetch(4, 1).publish(1).exit(4, 1), "pass");
        let bumped = herd().inject(Action::Bump, &[]).wave(&[4]).exit(4, 1);
        check(bumped, "pass");
    }

    #[test]
    fn who_has_waited_long_enough_for_clients_that_were_killed_may_say_that_it_is_old() {
        let killed = || herd().age().wave(&[4, 5]).ask(4).kill(4);
        let patient = |told: Story| told.at(7_000).exit_stale(5, 1);
        check(patient(killed()), "pass");
        check_counts(patient(killed()), Invariant::Freshness, (3, 1));
        check(killed().exit_stale(5, 1), "fail freshness");
        check(killed().at(7_000).exit(5, 1), "fail freshness");
        check(patient(herd().age().wave(&[4, 5]).ask(4)).kill(4), "fail freshness");
    }

    #[test]
    fn what_a_harness_that_had_broken_off_may_have_brought_about_is_indeterminate() {
        let stop = || What::Interrupted { why: "no free port".to_owned() };
        let told = expired().push(stop()).exit(4, 1);
        check(told.clone(), "inconclusive");
        check_counts(told, Invariant::Freshness, (3, 1));
        check(expired().exit(4, 1).push(stop()), "fail freshness");
    }

    #[test]
    fn an_old_catalogue_breaks_it() {
        check(expired().exit(4, 1), "fail freshness");
        check_sentences(
            expired().exit(4, 1),
            Invariant::Freshness,
            &[
                "c04, let go at 0.170 s, returned catalogue 1, which Catwalk had last vouched for at 0.090 s: 3601.080 s of cache time earlier, and the TTL (1h) with the grace (1s) allows 1h 1s",
            ],
        );
        let waited = herd().at(3_700_000).wave(&[4]).exit(4, 1);
        check_sentences(
            waited,
            Invariant::Freshness,
            &[
                "c04, let go at 3700.020 s, returned catalogue 1, which Catwalk had last vouched for at 0.090 s: 3699.930 s earlier, and the TTL (1h) with the grace (1s) allows 1h 1s",
            ],
        );
        let ignored = expired().fetch(4, 2).publish(2).exit(4, 1);
        check(ignored, "fail freshness");
        check(herd().wave(&[4]).exit(4, 7), "fail freshness");
    }

    #[test]
    fn the_grace_is_added_to_the_ttl() {
        let generous = |told: Story| told.scenario(|it| it.expect.grace = Span::from_secs(2));
        check(generous(expired().exit(4, 1)), "pass");
        check(generous(herd().age().age().wave(&[4]).exit(4, 1)), "fail freshness");
    }

    #[test]
    fn a_clock_that_was_set_back_keeps_a_catalogue_fresh_for_longer() {
        let back = |seconds| {
            let told = herd().age().inject(Action::ClockBack(Span::from_secs(seconds)), &[]);
            told.wave(&[4]).exit(4, 1)
        };
        check(back(3), "pass");
        let late = back(3).scenario(|it| it.expect.grace = Span::default());
        check(late, "pass");
        let told = herd().age().age().inject(Action::ClockBack(Span::from_secs(3)), &[]);
        check(told.wave(&[4]).exit(4, 1), "fail freshness");
    }

    #[test]
    fn a_fault_of_the_server_excuses_whoever_lived_meanwhile() {
        let down = herd().age().inject(Action::CatwalkDown, &[]).wave(&[4]).exit(4, 1);
        check(down, "pass");
        let own = expired().ask(4).inject(Action::Answer(500), &[4]).done(2).exit_stale(4, 1);
        check(own, "pass");
        let peer = herd().age().wave(&[4, 5]).ask(4).inject(Action::Reset, &[4]);
        let peer = peer.abort(2, AbortedBy::Injection).exit(5, 1).fail(4);
        check(peer, "pass");
        let stopped = herd().age().wave(&[4, 5]).ask(4).inject(Action::Stop, &[4]).exit(5, 1);
        check(
            stopped.inject(Action::Continue, &[4]).head(2, 1).done(2).publish(1).exit(4, 1),
            "pass",
        );
        let killed = herd().age().wave(&[4, 5]).ask(4).kill(4).exit(5, 1);
        check(killed, "fail freshness");
        let over = herd().age().wave(&[4]).ask(4).inject(Action::Reset, &[4]).fail(4);
        check(over.wave(&[5]).exit(5, 1), "fail freshness");
    }

    #[test]
    fn who_could_not_write_what_it_fetched_may_return_the_old_one_with_a_word() {
        let told = || expired().fetch(4, 2).fail_call(4, CallName::Rename, Errno::NoSpc);
        check(told().exit(4, 1), "fail freshness");
        check(told().exit_stale(4, 1), "pass");
        check(told().exit(4, 2), "pass");
        check(told().fail(4), "pass");
        // What it could not pass on, nobody had.
        let peer = herd().age().wave(&[4, 5]).fetch(4, 2);
        let peer = peer.fail_call(4, CallName::Rename, Errno::NoSpc);
        check_counts(peer.exit(5, 1).exit(4, 2), Invariant::Freshness, (4, 1));
        let short = expired().call(4, CallName::Read);
        check(short.inject(Action::Short(ByteSize(1)), &[4]).exit(4, 1), "fail freshness");
    }

    #[test]
    fn whose_call_of_the_network_failed_is_cut_off_until_it_is_answered() {
        let refused = || expired().fail_call(4, CallName::Connect, Errno::ConnRefused);
        check_counts(refused().exit(4, 1), Invariant::Freshness, (3, 1));
        check(refused().fetch(4, 2).publish(2).exit(4, 1), "fail freshness");
        let deaf = expired().fetch(4, 2).fail_call(4, CallName::Recv, Errno::ConnReset);
        check_counts(deaf.exit(4, 1), Invariant::Freshness, (3, 1));
        let short = expired().call(4, CallName::Send);
        check(short.inject(Action::Short(ByteSize(1)), &[4]).exit(4, 1), "fail freshness");
    }

    #[test]
    fn a_publish_that_an_injection_held_up_excuses() {
        let held = |told: Story| {
            let told = told.wave(&[1]).fetch(1, 1);
            let told = told.inject(Action::Stop, &[1]).at(60_000).inject(Action::Continue, &[1]);
            told.publish(1).exit(1, 1).at(3_650_000).wave(&[2]).exit(2, 1)
        };
        check(held(story()), "pass");
        let slow = story().wave(&[1]).fetch(1, 1).at(60_000).publish(1).exit(1, 1);
        check(slow.at(3_650_000).wave(&[2]).exit(2, 1), "fail freshness");
        check_counts(held(story()), Invariant::Freshness, (1, 1));
    }

    #[test]
    fn what_a_person_goes_back_to_is_as_young_as_that() {
        let newer = || herd().inject(Action::Bump, &[]).wave_of("update", &[4]).fetch(4, 2);
        let newer = || newer().publish(2).exit(4, 2).age();
        let reads = |told: Story| told.wave(&[6]).exit(6, 1);
        let back = || newer().wave_of("rollback", &[5]);
        check(reads(back().publish(1).exit(5, 1)), "pass");
        check(reads(back().publish(1).kill(5)), "pass");
        check(reads(back().kill(5).publish(1)), "pass");
        check(reads(back().exit(5, 1).publish(1)), "pass");
        check(reads(back().publish(1).exit(5, 1).age()), "fail freshness");
        check(reads(back().fail(5).publish(1)), "fail freshness truthful-exit");
    }

    #[test]
    fn a_planted_catalogue_counts_from_when_it_was_planted() {
        let with = |content, mtime| {
            let planted = plant("published", content, mtime);
            herd().age().inject(planted, &[]).wave(&[4]).exit(4, 1)
        };
        check(with(Content::Catalogue, Mtime::Now), "pass");
        check(with(Content::Catalogue, Mtime::Future), "pass");
        check(with(Content::Catalogue, Mtime::Expired), "fail freshness");
        check(with(Content::Unchanged, Mtime::Now), "pass");
        check(with(Content::Unchanged, Mtime::Future), "fail freshness");
        let bumped = story().inject(Action::Bump, &[]);
        let planted = plant("published", Content::Catalogue, Mtime::Now);
        check(bumped.inject(planted, &[]).wave(&[1]).exit(1, 2), "pass");
    }
}
