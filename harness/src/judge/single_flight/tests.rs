//! Histories that keep `single-flight`, and histories that break it.

use crate::judge::testing::{Story, check, check_counts, check_sentences, herd, plant, story};
use crate::model::errno::Errno;
use crate::model::record::{AbortedBy, Effect, Part, Sighting};
use crate::model::scenario::{Action, Chmod, Content, Mtime};
use crate::model::units::{ByteSize, Signal, Span};
use crate::model::verdict::Invariant;

/// c01 asks and comes to grief; then c02 fetches, publishes, and both others return.
fn second_try(grief: impl FnOnce(Story) -> Story) -> Story {
    let told = grief(story().wave(&[1, 2]).ask(1));
    told.fetch(2, 1).publish(1).exit(2, 1)
}

#[test]
fn one_fetch_and_hits_hold() {
    check(herd(), "pass");
    check_counts(herd(), Invariant::SingleFlight, (1, 0));
    check_counts(herd().wave(&[4, 5]).exit(4, 1).exit(5, 1), Invariant::SingleFlight, (2, 0));
}

#[test]
fn a_fetch_in_an_open_window_breaks_it() {
    let told = story().wave(&[1, 3]).fetch(1, 1).at(1101).publish(1);
    let told = told.at(1204).fetch(3, 1).publish(1).exit(1, 1).exit(3, 1);
    check(told.clone(), "fail single-flight");
    check_sentences(
        told,
        Invariant::SingleFlight,
        &[
            "c03 fetched catalogue 1 (#2) at 1.204 s although c01 had published it at 1.101 s and the window was open until 3601.101 s: a missing re-check after the lock, or none of the freshness",
        ],
    );
}

#[test]
fn two_fetches_at_once_break_it() {
    let told = story().wave(&[1, 2]).ask(1).ask(2).head(1, 1).head(2, 1).done(1).done(2);
    let told = told.publish(1).publish(1).exit(1, 1).exit(2, 1);
    check(told.clone(), "fail single-flight mutual-exclusion");
    check_sentences(
        told,
        Invariant::SingleFlight,
        &[
            "c02 fetched catalogue 1 (#2) at 0.060 s while the fetch of c01 (#1, since 0.050 s) was under way: nothing keeps the two apart",
        ],
    );
}

#[test]
fn who_gives_up_on_one_that_the_machine_starves_may_ask() {
    let second = |millis, delay| {
        let told = story().wave(&[1, 2]).ask(1).head(1, 1).done(1).at(millis).fetch(2, 1);
        told.publish(1).exit(2, 1).publish(1).exit(1, 1).delayed(1, delay)
    };
    check(second(5_000, 3_100), "pass");
    check_counts(second(5_000, 3_100), Invariant::SingleFlight, (1, 1));
    check(second(5_000, 2_900), "fail single-flight");
    check(second(2_900, 3_100), "fail single-flight");
}

#[test]
fn whose_call_was_made_to_fail_may_have_had_no_lock() {
    let race = |told: Story| {
        let told = told.ask(1).ask(2).head(1, 1).head(2, 1).done(1).done(2);
        told.publish(1).publish(1).exit(1, 1).exit(2, 1)
    };
    for victim in [1, 2] {
        let told = story().wave(&[1, 2]).inject(Action::Errno(Errno::NoLck), &[victim]);
        check(race(told), "pass");
    }
    let other = story().wave(&[1, 2, 3]).inject(Action::Errno(Errno::NoLck), &[3]);
    check(race(other).exit(3, 1), "fail single-flight mutual-exclusion");
}

#[test]
fn an_answer_that_was_never_published_breaks_it() {
    let told = story().wave(&[1, 2]).fetch(1, 1).exit(1, 1).fetch(2, 1).publish(1).exit(2, 1);
    check_sentences(
        told.clone(),
        Invariant::SingleFlight,
        &[
            "c02 fetched catalogue 1 (#2) at 0.090 s although the fetch of c01 (#1) had ended at 0.070 s: it was not seen published before c01 ended at 0.080 s",
        ],
    );
    check(told, "fail single-flight");
    let lock_let_go = story().wave(&[1, 2]).fetch(1, 1).fetch(2, 1).publish(1);
    check(lock_let_go.exit(1, 1).exit(2, 1), "fail single-flight");
    let gave_up = second_try(|told| told.abort(1, AbortedBy::Client)).exit(1, 1);
    check(gave_up, "fail single-flight");
}

#[test]
fn an_injected_fault_explains_a_further_fetch() {
    check(second_try(|told| told.kill(1)), "pass");
    check(second_try(|told| told.head(1, 1).kill(1)), "pass");
    let term = Action::Kill(Signal::Term);
    check(second_try(|told| told.inject(term, &[1]).fail(1)), "pass");
    for fault in [Action::Answer(503), Action::Reset, Action::Stall] {
        let broken = |told: Story| told.inject(fault, &[1]).abort(1, AbortedBy::Client);
        check(second_try(broken).exit(1, 1), "pass");
    }
    check(second_try(|told| told.abort(1, AbortedBy::Injection)).exit(1, 1), "pass");
    let down = |told: Story| {
        let told = told.inject(Action::CatwalkDown, &[]).abort(1, AbortedBy::Injection);
        told.fail(1).inject(Action::CatwalkUp, &[])
    };
    check(second_try(down), "pass");
    let dropped =
        |told: Story| told.inject(Action::CatwalkDown, &[]).fail(1).inject(Action::CatwalkUp, &[]);
    check(second_try(dropped), "pass");
    let wiped = |told: Story| {
        let told = told.head(1, 1).done(1).inject(Action::Remove("published".to_owned()), &[]);
        told.exit(1, 1)
    };
    check(second_try(wiped), "pass");
    check(second_try(|told| told.overdue(1)), "fail bounded-wait");
    let read_only = |told: Story| {
        told.inject(Action::ReadOnly, &[]).head(1, 1).done(1).fail(1).inject(Action::Writable, &[])
    };
    check(second_try(read_only), "pass");
    let full = |told: Story| {
        let told = told.inject(Action::Fill(ByteSize(0)), &[]).head(1, 1).done(1).exit(1, 1);
        told.inject(Action::Free, &[])
    };
    check(second_try(full), "pass");
    let wiped = |told: Story| told.inject(Action::Wipe, &[]).head(1, 1).done(1).exit(1, 1);
    check(second_try(wiped), "pass");
    let delay = Action::Delay(Span::from_secs(9));
    let gave_up = |told: Story| told.inject(delay.clone(), &[1]).abort(1, AbortedBy::Client);
    check(second_try(gave_up).exit(1, 1), "pass");
}

#[test]
fn whoever_cannot_read_may_fetch_and_after_a_step_of_the_clock_one_may() {
    let chmod = Action::Chmod(Chmod { path: "published".to_owned(), mode: 0 });
    let closed = herd().inject(chmod, &[]).wave(&[4]).fetch(4, 1).exit(4, 1);
    check(closed, "pass");
    // Slow ones ask when all is well again, and had come to the lock before.
    let (close, open) = (Action::ReadOnly, Action::Writable);
    let ask = |told: Story| told.ask(4).ask(5).head(2, 1).done(2).head(3, 1).done(3);
    let ends = |told: Story| ask(told).exit(4, 1).exit(5, 1);
    let closed = || herd().age().inject(close.clone(), &[]);
    check(ends(closed().wave(&[4, 5]).inject(open.clone(), &[])), "pass");
    let reopened = ends(closed().inject(open, &[]).wave(&[4, 5]));
    check(reopened, "fail single-flight mutual-exclusion");
    let back = || herd().inject(Action::ClockBack(Span::from_secs(7200)), &[]).wave(&[4, 5]);
    check(back().exit(4, 1).exit(5, 1), "pass");
    check(back().fetch(4, 1).exit(4, 1).exit(5, 1), "pass");
    check(back().fetch(4, 1).fetch(5, 1).exit(4, 1).exit(5, 1), "fail single-flight");
    let coarse = herd().inject(Action::CoarseTimes(Span::from_secs(1)), &[]).wave(&[4]);
    check(coarse.fetch(4, 1).exit(4, 1), "fail single-flight");
    let aged = |secs| herd().inject(Action::AgeBy(Span::from_secs(secs)), &[]).wave(&[4]);
    check(aged(3000).fetch(4, 1).exit(4, 1), "fail single-flight");
    check(aged(3700).fetch(4, 1).publish(1).exit(4, 1), "pass");
    check(aged(3700).exit(4, 1), "fail freshness");
}

#[test]
fn a_stopped_fetcher_explains_a_further_fetch_but_no_overlap() {
    let told = second_try(|told| told.inject(Action::Stop, &[1]));
    let told = told.inject(Action::Continue, &[1]).head(1, 1).done(1).publish(1).exit(1, 1);
    check(told, "fail mutual-exclusion");
}

#[test]
fn a_fault_that_comes_later_or_only_delays_explains_nothing() {
    let late = story().wave(&[1, 2]).ask(1).ask(2).kill(1).head(2, 1).done(2).publish(1);
    check(late.exit(2, 1), "fail single-flight mutual-exclusion");
    let slow = story().wave(&[1, 2]).ask(1).inject(Action::Delay(Span::from_secs(9)), &[1]);
    let slow = slow.fetch(2, 1).publish(1).exit(2, 1).head(1, 1).done(1).publish(1).exit(1, 1);
    check(slow, "fail single-flight mutual-exclusion");
    let missed = |told: Story| {
        let kill = Action::Kill(Signal::Kill);
        told.inject_as(None, kill, &[1], Effect::Missed("gone".to_owned())).head(1, 1).done(1)
    };
    check(second_try(missed).exit(1, 1), "fail single-flight");
}

#[test]
fn a_window_ends_with_its_ttl_or_with_ageing() {
    let next = |told: Story| told.wave(&[4, 5]).fetch(4, 1).publish(1).exit(4, 1).exit(5, 1);
    check(next(herd().age()), "pass");
    check(next(herd().age().publish(1)), "pass");
    check(next(herd().at(3_602_000)), "pass");
    check(next(herd()), "fail single-flight");
    let twice = next(herd().age()).wave(&[6]).fetch(6, 1).publish(1).exit(6, 1);
    check(twice, "fail single-flight");
}

#[test]
fn a_request_near_an_edge_is_indeterminate() {
    // Asked for at 0.070 s and published at 0.100 s: from 3599.070 s to 3600.100 s nobody can tell.
    for (start, counts) in [(3_598_000, (2, 0)), (3_599_200, (1, 1)), (3_600_030, (1, 1))] {
        let told = herd().at(start).wave(&[4]).fetch(4, 1).publish(1).exit(4, 1);
        check_counts(told, Invariant::SingleFlight, counts);
    }
    let told = herd().at(3_600_100).wave(&[4]).fetch(4, 1).publish(1).exit(4, 1);
    check_counts(told, Invariant::SingleFlight, (2, 0));
}

#[test]
fn a_request_within_the_skew_of_a_publish_counts_only_if_both_orders_break_it() {
    let racing = story().wave(&[1, 2]).fetch(1, 1).publish(1).micros(900).fetch(2, 1);
    check(racing.publish(1).exit(1, 1).exit(2, 1), "fail single-flight");
    let taken_over = story().wave(&[1, 2]).ask(1).head(1, 1).done(1).kill(1).publish(1);
    let taken_over = taken_over.micros(900).fetch(2, 1).publish(1).exit(2, 1);
    check(taken_over.clone(), "pass");
    check_counts(taken_over, Invariant::SingleFlight, (1, 1));
}

#[test]
fn removing_or_planting_over_the_published_file_closes_the_window() {
    let refetch = |told: Story| told.wave(&[4]).fetch(4, 1).publish(1).exit(4, 1);
    let remove = |path: &str| herd().inject(Action::Remove(path.to_owned()), &[]);
    check(refetch(remove("published").see(Sighting::Absent)), "pass");
    check(refetch(remove("*.json")), "pass");
    check(refetch(remove("*.lock")), "fail single-flight");
    let garbage = plant("published", Content::Garbage, Mtime::Now);
    check(refetch(herd().inject(garbage, &[]).see(Sighting::Planted)), "pass");
    let future = plant("providers.json", Content::Unchanged, Mtime::Future);
    check(refetch(herd().inject(future, &[]).publish(1)), "pass");
    let by_a_client = refetch(herd().see(Sighting::Absent));
    check(by_a_client.clone(), "fail single-flight");
    check_sentences(
        by_a_client,
        Invariant::SingleFlight,
        &[
            "c04 fetched catalogue 1 (#2) at 0.180 s although c01 had published it at 0.100 s and the window was open until 3600.100 s: a client had removed it",
        ],
    );
}

#[test]
fn a_304_renews_the_window_of_a_client_that_succeeds() {
    let renewed = || herd().age().wave(&[4]).revalidate(4, 1).confirm(2, 1).exit(4, 1);
    check(renewed().wave(&[5]).exit(5, 1), "pass");
    let not_kept = renewed().wave(&[5]).revalidate(5, 1).confirm(3, 1).exit(5, 1);
    check(not_kept.clone(), "fail single-flight");
    check_sentences(
        not_kept,
        Invariant::SingleFlight,
        &[
            "c05 asked again for catalogue 1 (#3, 304) at 0.250 s although c04 had renewed it at 0.210 s and the window was open until 3600.210 s: the 304 did not renew the TTL, or freshness is not checked",
        ],
    );
    let failed = herd().age().wave(&[4]).revalidate(4, 1).confirm(2, 1).kill(4);
    check(failed.wave(&[5]).fetch(5, 1).publish(1).exit(5, 1), "pass");
    // One that was suspended, gave up on its own request and said so has not taken the answer.
    let asked = herd().age().wave(&[4]).revalidate(4, 1).inject(Action::Stop, &[4]);
    let gave_up = asked.confirm(2, 1).exit_stale(4, 1);
    check(gave_up.wave(&[5]).revalidate(5, 1).confirm(3, 1).exit(5, 1), "pass");
}

#[test]
fn touching_the_file_after_a_failed_fetch_opens_no_window() {
    let told = herd().age().wave(&[4]).ask(4).inject(Action::Answer(503), &[4]).done(2);
    let told = told.publish(1).exit_stale(4, 1).wave(&[5]).fetch(5, 1).publish(1).exit(5, 1);
    check(told, "pass");
}

#[test]
fn commands_that_bypass_the_ttl_are_not_counted_but_open_windows() {
    let update = herd().wave_of("update", &[4]).fetch(4, 1).publish(1).exit(4, 1);
    check(update.clone(), "pass");
    check(update.wave(&[5]).fetch(5, 1).publish(1).exit(5, 1), "fail single-flight");
    let alone = story().wave_of("update", &[1]).fetch(1, 1).publish(1).exit(1, 1);
    check(alone.wave(&[2]).fetch(2, 1).publish(1).exit(2, 1), "fail single-flight");
    let probe = herd().healed().start(9, Part::ProbeNow, "get").exit(9, 1);
    check(probe, "pass");
}

#[test]
fn a_stranger_is_indeterminate_and_a_larger_budget_counts() {
    let strange = herd().request(None, None).head(2, 1).done(2);
    check_counts(strange, Invariant::SingleFlight, (1, 1));
    let two = |told: Story| told.scenario(|it| it.expect.fetches_per_window = 2);
    let again = |told: Story, client| told.wave(&[client]).fetch(client, 1).exit(client, 1);
    check(two(again(herd(), 4)), "pass");
    check(two(again(again(herd(), 4), 5)), "fail single-flight");
    let unpublished = || again(again(story(), 1), 2);
    check(unpublished(), "fail single-flight");
    check(two(unpublished()), "pass");
    check(two(again(unpublished(), 3)), "fail single-flight");
}

#[test]
fn a_request_of_a_dead_client_is_indeterminate() {
    let told = story().wave(&[1, 2]).inject(Action::Kill(Signal::Kill), &[1]).ask(2).ask(1).die(1);
    let told = told.abort(2, AbortedBy::Client).head(1, 1).done(1).publish(1).exit(2, 1);
    check(told.clone(), "pass");
    check_counts(told, Invariant::SingleFlight, (1, 1));
    let before = story().wave(&[1, 2]).inject(Action::Kill(Signal::Kill), &[1]).ask(1).die(1);
    check(before.fetch(2, 1).publish(1).exit(2, 1), "pass");
}

#[test]
fn a_client_may_date_a_catalogue_by_its_request() {
    let slow = story().wave(&[1]).ask(1).at(10_000).head(1, 1).done(1).publish(1).exit(1, 1);
    let early = slow.at(3_601_000).wave(&[2]).fetch(2, 1).publish(1).exit(2, 1);
    check_counts(early, Invariant::SingleFlight, (1, 1));
}

#[test]
fn a_fetch_that_was_never_published_counts_for_a_ttl() {
    let at = |start| {
        let told = story().wave(&[1]).fetch(1, 1).exit(1, 1).at(start).wave(&[2]);
        told.fetch(2, 1).publish(1).exit(2, 1)
    };
    check(at(3_599_000), "fail single-flight");
    check(at(3_601_000), "pass");
}

#[test]
fn no_window_lasts_without_a_ttl() {
    let told = story().ttl(Span::default());
    let told = told.wave(&[1]).fetch(1, 1).publish(1).exit(1, 1);
    check(told.wave(&[2]).fetch(2, 1).publish(1).exit(2, 1), "pass");
}

#[test]
fn a_storm_of_retries_breaks_it_where_the_attempts_are_counted() {
    let refused = |told: Story| told.ask(1).inject(Action::Answer(429), &[1]);
    let storm = || {
        let told = refused(refused(refused(story().wave(&[1, 2]))));
        told.fetch(1, 1).publish(1).exit(1, 1).exit(2, 1)
    };
    check(storm(), "pass");
    let allowing = |attempts| storm().scenario(|it| it.expect.attempts = Some(attempts));
    check(allowing(4), "pass");
    check(allowing(3), "fail single-flight");
    check_sentences(
        allowing(1),
        Invariant::SingleFlight,
        &[
            "c01 asked 4 times between 0.050 s and 0.110 s where 1 is allowed: it does not leave a server in trouble alone",
        ],
    );
}
