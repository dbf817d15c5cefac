//! Who is cut off from the server, and what it owes then.

use crate::judge::testing::{Story, check, check_counts, check_sentences, herd, story, whole};
use crate::model::call::CallName;
use crate::model::errno::Errno;
use crate::model::record::{ExitStatus, Sighting};
use crate::model::scenario::{Action, Chmod};
use crate::model::units::Span;
use crate::model::verdict::Invariant;

fn promising(told: Story) -> Story {
    told.client(|it| it.claims.stale_if_error = Some("stale".to_owned()))
}

/// Catwalk is down for the whole life of c04, and an old catalogue lies there.
fn down() -> Story {
    promising(herd().age().inject(Action::CatwalkDown, &[])).wave(&[4])
}

#[test]
fn the_old_catalogue_with_a_word_holds() {
    check(down().exit_stale(4, 1), "pass");
    check_counts(down().exit_stale(4, 1), Invariant::StaleIfError, (1, 0));
    let own = promising(herd().age()).wave(&[4]).ask(4).inject(Action::Answer(503), &[4]);
    check(own.done(2).exit_stale(4, 1), "pass");
}

#[test]
fn who_calls_fresh_data_stale_cries_wolf() {
    let wolf = || promising(herd()).wave(&[4]).exit_stale(4, 1);
    check(wolf(), "fail stale-if-error");
    check_sentences(
        wolf(),
        Invariant::StaleIfError,
        &[
            "c04, let go at 0.160 s, called catalogue 1 stale at 0.170 s, although it had been published or renewed at 0.100 s and its window was open",
        ],
    );
    let down = promising(herd().inject(Action::CatwalkDown, &[])).wave(&[4]);
    check(down.exit_stale(4, 1), "pass");
}

#[test]
fn what_a_clock_that_was_set_back_makes_fresh_is_not_called_stale() {
    let back = promising(herd().inject(Action::ClockBack(Span::from_secs(3)), &[]));
    let down = back.inject(Action::CatwalkDown, &[]).wave(&[4]).exit(4, 1);
    check(down, "pass");
}

#[test]
fn a_catalogue_that_a_client_has_lost_was_promised_too() {
    let old = || promising(herd().age()).wave(&[4]).kill(4);
    let lost = |told: Story| told.inject(Action::CatwalkDown, &[]).wave(&[5]).fail(5);
    check_sentences(
        lost(old().see(Sighting::Absent)),
        Invariant::StaleIfError,
        &[
            "c05 ended with exit code 1 at 0.250 s although catalogue 1 lay there since 0.100 s, until a client removed it at 0.200 s, and Catwalk was out of reach",
        ],
    );
    let none = |told: Story| check_counts(lost(told), Invariant::StaleIfError, (0, 0));
    let removed = Action::Remove("published".to_owned());
    none(old().inject(removed, &[]).see(Sighting::Absent));
    none(old().wave_of("clear", &[6]).see(Sighting::Absent).exit(6, 1));
    // That it had been told of another is no excuse where it was killed.
    let told = promising(herd().age()).wave(&[4]).fetch(4, 1).see(Sighting::Absent).kill(4);
    check(lost(told), "fail stale-if-error");
    let damaged = Sighting::Damaged { bytes: 1, how: "cut".to_owned() };
    none(old().see(damaged).see(Sighting::Absent));
    none(promising(herd()).wave(&[4]).kill(4).see(Sighting::Absent));
}

#[test]
fn silence_or_failure_breaks_it() {
    check(down().exit(4, 1), "fail stale-if-error");
    check(down().fail(4), "fail stale-if-error");
    check_sentences(
        down().fail(4),
        Invariant::StaleIfError,
        &[
            "c04 ended with exit code 1 at 0.190 s although catalogue 1 lay there since 0.100 s and Catwalk was out of reach",
        ],
    );
    let nothing = down().end(4, ExitStatus::Code(0), Sighting::Absent);
    check(nothing, "fail truthful-exit stale-if-error");
}

#[test]
fn who_was_not_cut_off_or_had_nothing_old_is_not_judged() {
    let none = |told: Story| check_counts(told, Invariant::StaleIfError, (0, 0));
    none(promising(herd()).inject(Action::CatwalkDown, &[]).wave(&[4]).exit(4, 1));
    none(promising(story()).inject(Action::CatwalkDown, &[]).wave(&[1]).fail(1));
    none(promising(herd().age()).wave(&[4]).inject(Action::CatwalkDown, &[]).fail(4));
    let came_up = herd().age().inject(Action::CatwalkDown, &[]).wave(&[4]);
    none(promising(came_up).inject(Action::CatwalkUp, &[]).fail(4));
    none(down().kill(4));
    none(down().overdue(4));
    let slow = Action::Delay(Span::from_secs(9));
    let slow = promising(herd().age()).wave(&[4]).ask(4).inject(slow, &[4]);
    none(slow.head(2, 1).done(2).publish(1).exit(4, 1));
    let retried = promising(herd().age()).wave(&[4]).ask(4).inject(Action::Answer(503), &[4]);
    none(retried.status(2, 503, None, 9).done(2).fetch(4, 1).publish(1).exit(4, 1));
}

#[test]
fn what_may_be_closed_to_its_reader_need_not_be_served() {
    let closed_at = |path: &str, mode| {
        let chmod = Action::Chmod(Chmod { path: path.to_owned(), mode });
        // That it has become old is seen only after it was closed.
        let told = promising(herd().age()).inject(chmod, &[]).see(whole(1));
        told.inject(Action::CatwalkDown, &[]).wave(&[4])
    };
    let closed = |mode| closed_at("published", mode);
    check_counts(closed(0o000).fail(4), Invariant::StaleIfError, (0, 1));
    check(closed_at("lock", 0o000).fail(4), "fail stale-if-error");
    check(closed(0o000).exit_stale(4, 1), "pass");
    // Who returns it has read it.
    check(closed(0o000).exit(4, 1), "fail stale-if-error");
    check(closed(0o644).fail(4), "fail stale-if-error");
}

/// c04 finds the cache past its TTL, and its connection is refused.
fn refused() -> Story {
    let told = promising(herd().age()).wave(&[4]);
    told.fail_call(4, CallName::Connect, Errno::ConnRefused)
}

#[test]
fn whose_call_of_the_network_failed_is_cut_off() {
    check(refused().exit_stale(4, 1), "pass");
    check_counts(refused().exit_stale(4, 1), Invariant::StaleIfError, (1, 0));
    check(refused().exit(4, 1), "fail stale-if-error");
    check(refused().fail(4), "fail stale-if-error");
    // What it asked for was sent, and it could not receive it.
    let deaf = |serial| {
        let told = promising(herd().age()).wave(&[4]).fetch(4, serial);
        told.fail_call(4, CallName::Recv, Errno::ConnReset)
    };
    check(deaf(2).exit(4, 1), "fail stale-if-error");
    check(deaf(2).exit_stale(4, 1), "pass");
    let none = |told: Story| check_counts(told, Invariant::StaleIfError, (0, 0));
    none(deaf(2).publish(2).exit(4, 2));
    none(deaf(1).publish(1).exit(4, 1));
    none(refused().fetch(4, 2).publish(2).exit(4, 2));
    none(refused().kill(4));
}

#[test]
fn a_call_on_a_file_cuts_nobody_off_and_may_have_been_the_one_that_reads() {
    let told = || promising(herd().age()).wave(&[4]);
    let unread = told().fail_call(4, CallName::Read, Errno::Io);
    check_counts(unread.clone().fail(4), Invariant::StaleIfError, (0, 0));
    let both = unread.fail_call(4, CallName::Connect, Errno::TimedOut);
    check_counts(both.clone().fail(4), Invariant::StaleIfError, (0, 1));
    check(both.exit(4, 1), "fail stale-if-error");
}

#[test]
fn a_peer_that_published_meanwhile_makes_it_indeterminate() {
    let told = promising(herd().age()).wave(&[4, 5]).ask(4).inject(Action::Reset, &[4]);
    let told = told.fetch(5, 1).publish(1).exit(5, 1).exit(4, 1);
    check_counts(told, Invariant::StaleIfError, (0, 1));
    let told = refused().wave(&[5]).fetch(5, 2).publish(2).exit(5, 2).exit(4, 1);
    check_counts(told, Invariant::StaleIfError, (0, 1));
}

#[test]
fn a_peer_that_removed_it_is_no_excuse_and_an_injection_is() {
    check(down().see(Sighting::Absent).fail(4), "fail stale-if-error");
    let removed = Action::Remove("published".to_owned());
    let told = down().inject(removed, &[]).see(Sighting::Absent).fail(4);
    check_counts(told, Invariant::StaleIfError, (0, 1));
}

#[test]
fn without_the_promise_it_is_not_evaluated() {
    let report = herd().report(Invariant::StaleIfError);
    let why = "the client's description does not promise it";
    assert_eq!(report.not_evaluated.as_deref(), Some(why));
}

/// The same, of a client that states a bound of a day, after so many hours.
fn bounded(hours: u64) -> Story {
    let told = promising(herd().age()).client(|it| it.claims.stale_bound = Some(DAY));
    let told = told.inject(Action::AgeBy(Span::from_secs(hours * 3600)), &[]);
    told.inject(Action::CatwalkDown, &[])
}

const DAY: Span = Span::from_secs(24 * 3600);

#[test]
fn past_its_bound_nothing_is_served() {
    let told = || bounded(24).wave(&[4]);
    check(told().fail(4), "pass");
    check_counts(told().fail(4), Invariant::StaleIfError, (1, 0));
    check_sentences(
        told().exit_stale(4, 1),
        Invariant::StaleIfError,
        &[
            "c04 exited with code 0 at 0.200 s and returned catalogue 1, which lay there since 0.100 s and was older than the 1day that are its bound",
        ],
    );
    let past = |told: Story| told.inject(Action::AgePastBound, &[]).wave(&[4]);
    check(past(bounded(0)).exit_stale(4, 1), "fail stale-if-error");
    // What is built in is older still, and is no price list of last year.
    let embedded = || bounded(24).wave_of("get-or-embedded", &[4]);
    check(embedded().exit(4, 0), "pass");
    check(embedded().exit_stale(4, 1), "fail stale-if-error");
    check(bounded(0).wave_of("get-or-embedded", &[4]).exit(4, 0), "fail truthful-exit");
}

#[test]
fn within_its_bound_it_is_served_and_near_it_nothing_is_decided() {
    check(bounded(20).wave(&[4]).exit_stale(4, 1), "pass");
    check(bounded(20).wave(&[4]).fail(4), "fail stale-if-error");
    // An hour and a second had passed before.
    let near = || bounded(22).inject(Action::AgeBy(Span::from_millis(3_598_500)), &[]).wave(&[4]);
    check_counts(near().fail(4), Invariant::StaleIfError, (0, 1));
    check_counts(near().exit_stale(4, 1), Invariant::StaleIfError, (0, 1));
    let renewed = bounded(24).inject(Action::CatwalkUp, &[]).wave(&[4]).fetch(4, 1).publish(1);
    check(renewed.exit(4, 1), "pass");
}

#[test]
fn what_is_built_in_may_be_served_however_long_the_same_has_lain_there() {
    let by_hand = || promising(herd()).publisher(4, 0).publish(0).exit(4, 0).wave_ended();
    let past = |told: Story| {
        let told =
            told.client(|it| it.claims.stale_bound = Some(DAY)).inject(Action::AgePastBound, &[]);
        told.inject(Action::CatwalkDown, &[]).wave_of("get-or-embedded", &[5])
    };
    check_counts(past(by_hand()).exit(5, 0), Invariant::StaleIfError, (0, 1));
    check_counts(past(by_hand()).fail(5), Invariant::StaleIfError, (1, 0));
    check(past(promising(herd())).exit_stale(5, 1), "fail stale-if-error");
}
