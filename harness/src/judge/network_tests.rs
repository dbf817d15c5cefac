//! What the judge makes of each kind of network fault: what it excuses, and what it demands.

use super::testing::{
    Story, check, check_counts, check_sentences, damaged, etag, herd, plant, story,
};
use crate::model::fault::{Drip, Fault, Framing, Harm, Truncate};
use crate::model::record::AbortedBy;
use crate::model::scenario::{Action, Content, Mtime};
use crate::model::units::{ByteSize, Span};
use crate::model::verdict::Invariant;

const DRIP: Fault = Fault::Drip(Drip { bytes: ByteSize(64), every: Span::from_millis(9) });

/// c04 fetches on an expired cache, and this fault hits the answer.
fn faulted(fault: Fault) -> Story {
    herd().age().wave(&[4]).ask(4).fault(2, fault)
}

/// The answer was sent whole: a catalogue, where the fault leaves it one.
fn answered(fault: Fault) -> Story {
    match fault.facts().harm {
        Harm::Denies | Harm::Spoils => faulted(fault).status(2, 200, None, 4096).done(2),
        Harm::Slows | Harm::Spares => faulted(fault).head(2, 1).done(2),
    }
}

#[test]
fn a_failure_is_excused_by_what_harms_and_by_nothing_that_spares_or_is_only_late() {
    for fault in Fault::EXAMPLES.into_iter().filter(|fault| !fault.is_at_door()) {
        let harms = matches!(fault.facts().harm, Harm::Denies | Harm::Spoils);
        check(answered(fault).fail(4), if harms { "pass" } else { "fail truthful-exit" });
        // Before it is all there, nobody need wait for ever.
        if fault.facts().harm == Harm::Slows {
            check(faulted(fault).abort(2, AbortedBy::Client).fail(4), "pass");
        }
    }
    let late = || herd().age().wave(&[4]).ask(4).inject(Action::Delay(Span::from_secs(9)), &[4]);
    check(late().head(2, 1).done(2).fail(4), "fail truthful-exit");
    check(late().abort(2, AbortedBy::Client).fail(4), "pass");
    let slowed = Action::Fault(Fault::AcceptDelay(Span::from_secs(9)));
    let slowed = || herd().age().inject(slowed.clone(), &[]).wave(&[4]);
    check(slowed().fail(4), "pass");
    check(slowed().fetch(4, 1).fail(4), "fail truthful-exit");
}

#[test]
fn an_answer_that_was_held_for_a_herd_that_never_rested_is_late_by_our_own_doing() {
    use crate::model::record::What;
    use crate::model::units::{ClientId, RequestId};
    let held = |gave_up| {
        let waits = What::HerdWaits {
            request: RequestId(2),
            waiting: vec![ClientId(5)],
            ended: 0,
            gave_up,
        };
        let told = herd().age().wave(&[4, 5]).ask(4).push(waits).exit(5, 1);
        told.head(2, 1).done(2).publish(1).exit(4, 1)
    };
    check(held(true), "pass");
    check(held(false), "fail freshness");
}

#[test]
fn an_answer_that_the_harness_owed_for_long_is_late_by_our_own_doing() {
    // The clients' patience is six seconds.
    let owed = |milliseconds: u64| {
        let told = herd().age().wave(&[4, 5]).at(1_000).ask(4).at(1_000 + milliseconds);
        let told = told.abort(2, AbortedBy::Client).exit_stale(4, 1);
        told.fetch(5, 1).publish(1).exit(5, 1)
    };
    check(owed(2_900), "fail single-flight freshness");
    check(owed(3_000), "pass");
}

#[test]
fn nothing_that_befalls_the_server_excuses_whoever_had_a_fresh_cache() {
    let hit = |action| herd().inject(action, &[]).wave(&[4]);
    for action in [Action::CatwalkDown, Action::Fault(Fault::Refuse)] {
        check(hit(action.clone()).fail(4), "fail truthful-exit");
        check(hit(action.clone()).age().wave(&[5]).fail(5).exit(4, 1), "pass");
        let planted = plant("published", Content::Garbage, Mtime::Now);
        check(hit(action.clone()).inject(planted, &[]).fail(4), "pass");
        check(hit(action.clone()).see(damaged()).fail(4), "fail no-partial-file");
        check(herd().inject(action, &[]).wave_of("update", &[4]).fail(4), "pass");
    }
    check(hit(Action::ReadOnly).fail(4), "pass");
}

#[test]
fn the_next_client_may_fetch_after_what_denied_or_spoiled_and_only_then() {
    let next = |told: Story| told.wave(&[5]).fetch(5, 1).publish(1).exit(5, 1);
    for fault in Fault::EXAMPLES.into_iter().filter(|fault| !fault.is_at_door()) {
        let excused = matches!(fault.facts().harm, Harm::Denies | Harm::Spoils);
        // A client that failed without an excuse breaks truthful-exit as well; that is not the matter here.
        let told = next(answered(fault).exit_stale(4, 1));
        let broken = told.report(Invariant::SingleFlight).broken();
        assert_eq!(broken, !excused, "{fault}");
    }
    let gave_up = || faulted(DRIP).head(2, 1).abort(2, AbortedBy::Client).fail(4);
    check(next(gave_up()), "pass");
}

#[test]
fn who_publishes_what_a_fault_sent_is_told_which_and_what_could_have_told() {
    let publishes = |fault| answered(fault).see(damaged()).exit(4, 1);
    check(publishes(Fault::Garbage), "fail no-partial-file");
    let framing = Framing::Close;
    check(publishes(Fault::Truncate(Truncate { framing, after: None })), "fail no-partial-file");
    check_sentences(
        publishes(Fault::Garbage),
        Invariant::NoPartialFile,
        &[
            "at 0.220 s the published path held 4096 bytes that are no whole served catalogue (cut off after 4096 of 16384 bytes); c04 had fetched and was running; the answer to c04 (#2) had met the fault garbage at 0.190 s, which the content shows",
        ],
    );
    let returns = answered(Fault::EmptyArray);
    let returns = returns.end(4, crate::model::record::ExitStatus::Code(0), damaged());
    check_sentences(
        returns,
        Invariant::TruthfulExit,
        &[
            "c04 exited with code 0 at 0.220 s but returned 4096 bytes that are no whole served catalogue (cut off after 4096 of 16384 bytes); the answer to c04 (#2) had met the fault empty-array at 0.190 s, which the content shows",
        ],
    );
}

#[test]
fn a_verdict_says_what_it_may_demand() {
    let told = faulted(Fault::WrongEtag).fault(2, Fault::Garbage).fault(2, Fault::ResetBeforeHead);
    let witness = told.fail(4).report(Invariant::NoPartialFile).witness;
    assert_eq!(
        witness.as_deref(),
        Some(
            "1 observation of the published path; the transport shows reset-before-head; only the content shows garbage; nothing shows, so that nothing is demanded for it, wrong-etag"
        )
    );
    let witness = herd().report(Invariant::NoPartialFile).witness;
    assert_eq!(witness.as_deref(), Some("1 observation of the published path"));
}

#[test]
fn a_304_to_an_etag_that_lied_confirms_what_it_came_with() {
    // Catalogue 1 comes with the ETag of catalogue 2, which is current when the client asks again.
    let lied = |fault| {
        let told = story().wave(&[1]).ask(1).fault(1, fault);
        let told = told.head_with(1, 1, &etag(2)).done(1).publish(1).exit(1, 1);
        let told = told.inject(Action::Bump, &[]).age().wave(&[2]).revalidate(2, 2);
        told.confirm(2, 2).exit(2, 1)
    };
    check(lied(Fault::WrongEtag), "pass");
    check_counts(lied(Fault::WrongEtag), Invariant::ValidatorFidelity, (1, 0));
    check_counts(lied(Fault::WrongEtag), Invariant::Freshness, (2, 0));
    check(lied(Fault::MissingEtag), "fail freshness validator-fidelity");
}

#[test]
fn an_etag_that_has_come_with_its_own_catalogue_lies_no_longer() {
    let told = story().wave(&[1]).ask(1).fault(1, Fault::WrongEtag);
    let told = told.head_with(1, 1, &etag(2)).done(1).publish(1).exit(1, 1);
    let told = told.inject(Action::Bump, &[]).age().wave(&[2]).fetch(2, 2).publish(2).exit(2, 2);
    check(told.age().wave(&[3]).revalidate(3, 2).confirm(3, 2).exit(3, 2), "pass");
}

fn refused(targets: &[u32]) -> Story {
    herd().age().inject(Action::Fault(Fault::Refuse), targets).wave(&[4, 5])
}

#[test]
fn connections_that_are_refused_excuse_those_they_are_refused_to() {
    check(refused(&[]).fail(4).fail(5), "pass");
    check(refused(&[4]).fail(4).fetch(5, 1).publish(1).exit(5, 1), "pass");
    check(refused(&[5]).fail(4).fail(5), "fail truthful-exit");
    let mended = || refused(&[4]).fail(4).fail(5).inject(Action::Mend, &[]).wave(&[6]);
    check(mended().fail(6), "fail truthful-exit");
    let healed = herd().inject(Action::Fault(Fault::Refuse), &[]).healed().wave(&[4]);
    check(healed.fail(4), "fail truthful-exit");
}

#[test]
fn who_is_cut_off_and_promises_stale_data_must_serve_it() {
    let promising = |told: Story| told.client(|it| it.claims.stale_if_error = Some("stale".into()));
    let served = |told: Story| promising(told).fetch(5, 1).publish(1).exit(5, 1);
    check(promising(refused(&[4])).exit_stale(4, 1).fetch(5, 1).publish(1).exit(5, 1), "pass");
    check(served(promising(refused(&[4])).fail(4)), "fail stale-if-error");
    check(promising(answered(Fault::Garbage)).exit_stale(4, 1), "pass");
    check(promising(answered(Fault::Garbage)).fail(4), "fail stale-if-error");
    check_counts(
        promising(answered(Fault::WrongEtag)).publish(1).exit(4, 1),
        Invariant::StaleIfError,
        (0, 0),
    );
}

#[test]
fn a_connection_that_hangs_is_named_where_its_client_never_ends() {
    let told = herd().age().inject(Action::Fault(Fault::AcceptHang), &[4]).wave(&[4]);
    let told = told.meets(4, Fault::AcceptHang).at(20_000).overdue(4);
    check(told.clone(), "fail bounded-wait");
    check_sentences(
        told,
        Invariant::BoundedWait,
        &[
            "c04 outlived its deadline of 20s: let go at 0.180 s, it still ran at 20.000 s, with a connection that met the fault accept-hang at 0.190 s",
        ],
    );
}

#[test]
fn a_fault_that_nobody_met_is_a_gap() {
    let stands = |told: Story| told.scenario(|it| it.catwalk.fault = Some(Fault::Garbage));
    check(stands(herd()), "vacuous");
    check(stands(herd().fault(1, Fault::Garbage)), "pass");
    let planned = |fault| herd().plan(Action::Fault(fault), false);
    let lands = |told: Story, fault| {
        let landed = crate::model::record::Effect::Landed;
        told.inject_as(Some(0), Action::Fault(fault), &[], landed)
    };
    check(lands(planned(Fault::AcceptHang), Fault::AcceptHang), "vacuous");
    check(lands(planned(Fault::Refuse), Fault::Refuse), "vacuous");
    let lived = lands(planned(Fault::Refuse), Fault::Refuse).wave(&[4]).exit(4, 1);
    check(lived, "pass");
    let other = planned(Fault::Refuse).inject_as(
        Some(0),
        Action::Fault(Fault::Refuse),
        &[9],
        crate::model::record::Effect::Landed,
    );
    check(other.wave(&[4]).exit(4, 1), "vacuous");
    let met = lands(planned(Fault::AcceptHang), Fault::AcceptHang).meets(3, Fault::AcceptHang);
    check(met, "pass");
}

#[test]
fn recovery_counts_from_when_a_standing_fault_was_mended() {
    let told = refused(&[]).fail(4).fail(5).at(9_000).inject(Action::Mend, &[]);
    let told = told.wave(&[6]).fetch(6, 1).publish(1).exit(6, 1);
    check(told.scenario(|it| it.expect.recovery = Some(Span::from_secs(2))), "pass");
}
