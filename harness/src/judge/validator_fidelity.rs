//! `validator-fidelity`: the ETag that a client sends belongs to the bytes in its cache.
//!
//! An `If-None-Match` must hold an ETag that Catwalk had sent, byte for byte, and sent for the catalogue
//! that the published path held; and a 304 must confirm that very catalogue. Otherwise the client
//! validates other bytes than those that it will serve: at best a 304 never comes, at worst it makes a
//! wrong body fresh.
//!
//! What the path held is indeterminate where it changed within 2 ms of the request, or held no whole
//! catalogue; and where it changed during the client's life, since the client may have read it before.

use std::collections::HashMap;

use super::findings::{Findings, counted};
use super::history::{Exchange, History, Moment, Process, near};
use crate::model::units::Serial;
use crate::model::verdict::{Invariant, InvariantReport};

/// Evaluates the invariant.
pub(super) fn evaluate(history: &History<'_>) -> InvariantReport {
    let mut findings = Findings::of(Invariant::ValidatorFidelity);
    let etags = Etags::of(history);
    for exchange in &history.exchanges {
        let Some(sent) = exchange.request.if_none_match.as_deref() else { continue };
        match history.sender(exchange) {
            Some(sender) => judge(history, &etags, exchange, sender, sent, &mut findings),
            None => findings.indeterminate(),
        }
    }
    findings.conclude("no client sent If-None-Match", |evaluations| {
        format!("{} with If-None-Match", counted(evaluations, "request", "requests"))
    })
}

fn judge(
    history: &History<'_>,
    etags: &Etags<'_>,
    exchange: &Exchange<'_>,
    sender: &Process<'_>,
    sent: &str,
    findings: &mut Findings,
) {
    let now = exchange.arrived;
    let client = sender.client;
    let number = exchange.request.request;
    let known = etags.before(sent, now.index);
    if known.is_empty() {
        findings.evaluated();
        findings.violated(&[now], || {
            format!(
                "{client} sent If-None-Match {sent} ({number}) at {now}, an ETag that Catwalk had never sent: it was made up, or computed over other bytes than those served"
            )
        });
        return;
    }
    let Some((seen, held)) = held_at(history, now) else {
        findings.indeterminate();
        return;
    };
    let serials: Vec<Serial> = known.iter().filter_map(|etag| etag.serial).collect();
    if !serials.contains(&held) {
        if serials.is_empty()
            || held_before(history, sender, now, &serials)
            || is_seen_late(history, seen, now, &serials)
        {
            findings.indeterminate();
            return;
        }
        findings.evaluated();
        findings.violated(&[seen, now], || {
            format!(
                "{client} sent the ETag of {} ({number}, If-None-Match {sent}) at {now} although the published path held {held} since {seen}: the ETag and the bytes are not kept together",
                serials[0]
            )
        });
        return;
    }
    findings.evaluated();
    let confirmed = exchange.answer().filter(|(head, _)| head.status == 304);
    if let Some((head, serial)) = confirmed.filter(|(_, serial)| *serial != held) {
        findings.violated(&[seen, now, head.moment], || {
            format!(
                "{client} was told by a 304 ({number}) at {} that {serial} is current, although the published path held {held} since {seen}",
                head.moment
            )
        });
    }
}

/// The catalogue that the published path surely held at a moment, and since when.
fn held_at(history: &History<'_>, now: Moment) -> Option<(Moment, Serial)> {
    let after = history.sightings.partition_point(|seen| seen.moment.index < now.index);
    let next = history.sightings.get(after);
    let last = &history.sightings[after.checked_sub(1)?];
    let unsure = near(last.moment, now) || next.is_some_and(|next| near(next.moment, now));
    let serial = last.sighting.serial().filter(|_| !unsure)?;
    Some((last.moment, serial))
}

/// Whether the published path held one of these catalogues at some time in the client's life so far.
fn held_before(
    history: &History<'_>,
    sender: &Process<'_>,
    now: Moment,
    serials: &[Serial],
) -> bool {
    let released = sender.released.map_or(0, |released| released.index);
    let until = history.sightings.partition_point(|seen| seen.moment.index < now.index);
    let from = history.sightings.partition_point(|seen| seen.moment.index < released);
    let during = &history.sightings[from.saturating_sub(1)..until.max(from.saturating_sub(1))];
    during.iter().filter_map(|seen| seen.sighting.serial()).any(|held| serials.contains(&held))
}

/// Whether one of these catalogues may have been published already, and the watch only saw it later: a
/// client had got it since the last sighting, and the next sighting is of it.
fn is_seen_late(history: &History<'_>, seen: Moment, now: Moment, serials: &[Serial]) -> bool {
    let after = history.sightings.partition_point(|seen| seen.moment.index < now.index);
    let next = history.sightings.get(after).and_then(|next| next.sighting.serial());
    next.is_some_and(|next| serials.contains(&next))
        && history.fetches().any(|fetch| {
            let serial = fetch.answer().map(|(_, serial)| serial);
            let had =
                fetch.vouched().is_some_and(|it| seen.index < it.index && it.index < now.index);
            had && serial.is_some_and(|serial| serials.contains(&serial))
        })
}

/// An ETag as Catwalk sent it.
struct Sent {
    event: usize,
    serial: Option<Serial>,
}

/// Every ETag that Catwalk sent, each with the catalogues that it stood for.
struct Etags<'a>(HashMap<&'a str, Vec<Sent>>);

impl<'a> Etags<'a> {
    fn of(history: &History<'a>) -> Self {
        let mut heads: Vec<_> = history.exchanges.iter().filter_map(|it| it.head).collect();
        heads.sort_by_key(|head| head.moment.index);
        let mut etags: HashMap<&str, Vec<Sent>> = HashMap::new();
        for head in heads {
            let Some(etag) = head.etag else { continue };
            let sent = etags.entry(opaque(etag)).or_default();
            if !sent.iter().any(|sent| sent.serial == head.serial) {
                sent.push(Sent { event: head.moment.index, serial: head.serial });
            }
        }
        Self(etags)
    }

    /// What was sent before an event of the ETags that an `If-None-Match` lists.
    fn before(&self, if_none_match: &str, event: usize) -> Vec<&Sent> {
        let listed = if_none_match.split(',').filter_map(|etag| self.0.get(opaque(etag)));
        listed.flatten().filter(|sent| sent.event < event).collect()
    }
}

/// The part of an ETag that weak comparison (RFC 9110, section 8.8.3.2) looks at.
fn opaque(etag: &str) -> &str {
    let etag = etag.trim();
    etag.strip_prefix("W/").unwrap_or(etag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::testing::{
        Story, check, check_counts, check_sentences, damaged, etag, herd, story, whole,
    };
    use crate::model::record::{ExitStatus, Sighting};
    use crate::model::scenario::Action;

    fn expired() -> Story {
        herd().age().wave(&[4])
    }

    fn sending(text: &str) -> Story {
        let told = expired().request(Some(4), Some(text.to_owned()));
        told.head(2, 1).done(2).publish(1).exit(4, 1)
    }

    #[test]
    fn the_etag_of_the_bytes_that_lie_there_holds() {
        check(sending(&etag(1)), "pass");
        check_counts(sending(&etag(1)), Invariant::ValidatorFidelity, (1, 0));
        check(sending(&format!("W/{}", etag(1))), "pass");
        check(sending(&format!("\"other\", {}", etag(1))), "pass");
        check_counts(herd(), Invariant::ValidatorFidelity, (0, 0));
        let report = herd().report(Invariant::ValidatorFidelity);
        assert_eq!(report.not_evaluated.as_deref(), Some("no client sent If-None-Match"));
    }

    #[test]
    fn a_publish_that_the_watch_saw_late_is_no_breach() {
        // c04 has had catalogue 2 and published it; the watch tells so only after c05 has asked with its
        // ETag.
        let had = || herd().age().wave(&[4]).fetch(4, 2).end(4, ExitStatus::Code(0), whole(2));
        let asked = || had().age().wave(&[5]).revalidate(5, 2).confirm(3, 2);
        check_counts(asked().publish(2).exit(5, 2), Invariant::ValidatorFidelity, (0, 1));
        check_counts(asked().exit(5, 2), Invariant::ValidatorFidelity, (1, 0));
    }

    #[test]
    fn an_etag_that_was_never_sent_breaks_it() {
        check(sending("\"e9\""), "fail validator-fidelity");
        check(sending("e1"), "fail validator-fidelity");
        check_sentences(
            sending("e1"),
            Invariant::ValidatorFidelity,
            &[
                "c04 sent If-None-Match e1 (#2) at 0.180 s, an ETag that Catwalk had never sent: it was made up, or computed over other bytes than those served",
            ],
        );
        let before_it_was_sent = story().wave(&[1]).revalidate(1, 1).head(1, 1).done(1).publish(1);
        check(before_it_was_sent.exit(1, 1), "fail validator-fidelity");
    }

    /// c04 publishes catalogue 2, and after its TTL c05 asks with this ETag.
    fn second(etag_of: u32) -> Story {
        let told = herd().inject(Action::Bump, &[]).age().wave(&[4]).fetch(4, 2).publish(2);
        told.exit(4, 2).age().wave(&[5]).revalidate(5, etag_of)
    }

    #[test]
    fn the_etag_of_other_bytes_breaks_it() {
        let told = || second(1).head(3, 2).done(3).publish(2).exit(5, 2);
        check(told(), "fail validator-fidelity");
        check_sentences(
            told(),
            Invariant::ValidatorFidelity,
            &[
                "c05 sent the ETag of catalogue 1 (#3, If-None-Match \"e1\") at 0.280 s although the published path held catalogue 2 since 0.220 s: the ETag and the bytes are not kept together",
            ],
        );
        check(second(2).confirm(3, 2).exit(5, 2), "pass");
    }

    #[test]
    fn a_304_for_another_catalogue_breaks_it() {
        let told = second(2).status(3, 304, Some(1), 0).done(3).exit(5, 2);
        check_sentences(
            told,
            Invariant::ValidatorFidelity,
            &[
                "c05 was told by a 304 (#3) at 0.290 s that catalogue 1 is current, although the published path held catalogue 2 since 0.220 s",
            ],
        );
    }

    #[test]
    fn what_the_path_held_may_not_be_known() {
        let unsure = |told: Story| check_counts(told, Invariant::ValidatorFidelity, (0, 1));
        unsure(story().wave(&[1]).fetch(1, 1).revalidate(1, 1).confirm(2, 1).exit(1, 1));
        unsure(herd().see(Sighting::Absent).wave(&[4]).revalidate(4, 1).confirm(2, 1));
        unsure(herd().see(damaged()).wave(&[4]).revalidate(4, 1).confirm(2, 1));
        unsure(herd().age().request(None, Some(etag(1))).confirm(2, 1));
        let changing = herd().wave(&[4]).fetch(4, 2).publish(2).micros(500).revalidate(4, 1);
        unsure(changing.clone());
        let changes_next = herd().age().wave(&[4, 5]).fetch(4, 2).revalidate(5, 2);
        unsure(changes_next.micros(500).publish(2));
        let read_before = herd().wave(&[4, 5]).fetch(4, 2).publish(2).revalidate(5, 1);
        unsure(read_before);
    }
}
