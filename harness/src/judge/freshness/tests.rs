//! How old what is returned may be, and what excuses more.

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
    check(stopped.inject(Action::Continue, &[4]).head(2, 1).done(2).publish(1).exit(4, 1), "pass");
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
    // One that changes nothing and calls what lies there stale makes nothing young.
    let stale = herd().age().wave_of("rollback", &[5]).exit_stale(5, 1);
    check(reads(stale), "fail freshness");
    // What a client publishes in whose life another went back to something else is not what that one went back to.
    let other = back().publish(1).exit(5, 2);
    check(reads(other), "fail freshness no-time-travel");
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
