//! What is told, and what was so.

use std::collections::BTreeMap;

use crate::judge::testing::{
    Story, check, check_counts, check_sentences, damaged, herd, plant, story,
};
use crate::model::record::{ExitStatus, Sighting};
use crate::model::scenario::{Action, Content, Mtime};
use crate::model::tells::{Fact, State, Subject, Told};
use crate::model::verdict::Invariant;

fn by_exit(states: &[State]) -> Told {
    Told { exit: Some(states.to_vec()), ..Told::default() }
}

fn output(subject: Subject, text: &str) -> Told {
    let output = BTreeMap::from([(subject, Some(text.to_owned()))]);
    Told { exit: None, output }
}

/// One more wave of one client, c09, that tells this and ends with this code.
fn telling(told: Story, code: i32, tells: Told) -> Story {
    told.wave_of("health", &[9]).tell(9, code, tells).wave_ended()
}

fn demands(told: Story, facts: &[Fact]) -> Story {
    told.scenario(|it| it.expect.told = facts.to_vec())
}

#[test]
fn a_state_that_was_so_is_no_failure_whatever_its_code() {
    let planted = plant("published", Content::Garbage, Mtime::Now);
    let cases = [
        (story(), State::Absent),
        (herd(), State::Fresh),
        (herd().age(), State::Stale),
        (herd().see(damaged()), State::Corrupt),
        (herd().inject(planted, &[]).see(Sighting::Planted), State::Corrupt),
    ];
    for (told, state) in cases {
        let fact = Fact::from(state);
        // What lay there was damaged by nobody, which another invariant has to say something of.
        let blind = |it: Story| {
            it.verdict().invariants.into_iter().find(|it| it.invariant == Invariant::TruthfulExit)
        };
        let right = demands(telling(told.clone(), 3, by_exit(&[state])), &[fact]);
        assert_eq!(blind(right.clone()).map(|it| it.violations), Some(Vec::new()), "{fact}");
        assert!(!right.verdict().reasons.iter().any(|it| it.contains("could be held")), "{fact}");
        let word = telling(told.clone(), 0, output(Subject::State, state.as_str()));
        assert_eq!(blind(word).map(|it| it.violations), Some(Vec::new()), "{fact}");
        let other = if state == State::Fresh { State::Stale } else { State::Fresh };
        let lie = telling(told, 0, by_exit(&[other]));
        assert!(blind(lie).is_some_and(|it| it.broken()), "{fact}");
    }
}

#[test]
fn what_the_harness_does_next_however_soon_leaves_no_doubt_about_before() {
    let told = herd().wave_of("health", &[9]).tell(9, 0, output(Subject::State, "fresh"));
    let planted = plant("published", Content::Garbage, Mtime::Now);
    let told = told.micros(50).wave_ended().micros(50).inject(planted, &[]);
    let told = demands(told, &[Fact::from(State::Fresh)]);
    assert!(!told.verdict().reasons.iter().any(|it| it.contains("could be held")));
}

#[test]
fn a_lie_is_told_with_what_was_so() {
    let check = |told: Story, expected: &str| {
        check_sentences(told, Invariant::TruthfulExit, &[expected]);
    };
    check(
        telling(herd().age(), 0, by_exit(&[State::Fresh])),
        "c09, let go at 0.170 s and ended at 0.180 s, told by exit code 0 that the cache was fresh, and it was stale: what had been published or renewed at 0.100 s was past its TTL",
    );
    check(
        telling(story(), 0, output(Subject::State, "fresh")),
        "c09, let go at 0.020 s and ended at 0.030 s, told on standard output that the cache was fresh, and it was absent: nothing was published",
    );
    check(
        telling(herd(), 0, output(Subject::State, "fine")),
        "c09, let go at 0.160 s and ended at 0.170 s, told the state \"fine\", which is none of fresh, stale, absent, corrupt",
    );
    check(
        telling(herd(), 0, by_exit(&[])),
        "c09, let go at 0.160 s and ended at 0.170 s, told nothing by exit code 0, which stands for no state",
    );
    let nothing = Told { exit: None, output: BTreeMap::from([(Subject::Fetches, None)]) };
    check(
        telling(herd(), 0, nothing),
        "c09, let go at 0.160 s and ended at 0.170 s, told nothing of fetches on standard output, where its description says that it stands",
    );
}

#[test]
fn a_code_that_stands_for_no_state_is_a_failure_like_any_other() {
    check_sentences(
        telling(herd(), 1, by_exit(&[])),
        Invariant::TruthfulExit,
        &[
            "c09 ended with exit code 1 at 0.170 s, and no injected fault explains it: it said \"told: no luck\"",
        ],
    );
}

#[test]
fn what_changed_meanwhile_is_not_decided_unless_it_was_never_so() {
    let changing = |state| {
        let told = herd().age().wave(&[4]).ask(4).head(2, 2).done(2).start_teller(9);
        let told = told.tell(9, 0, by_exit(&[state]));
        told.publish(2).exit(4, 2).wave_ended()
    };
    check_counts(changing(State::Fresh), Invariant::TruthfulExit, (5, 1));
    check_counts(changing(State::Stale), Invariant::TruthfulExit, (5, 1));
    check(changing(State::Absent), "fail truthful-exit");
    check(demands(changing(State::Stale), &[Fact::Stale]), "vacuous");
    // Nothing of the answer had been sent, so that nobody can have found it.
    let before = |state| {
        let told = herd().age().wave(&[4]).ask(4).start_teller(9);
        let told = told.tell(9, 0, by_exit(&[state])).head(2, 2).done(2).publish(2);
        told.exit(4, 2).wave_ended()
    };
    check(demands(before(State::Stale), &[Fact::Stale]), "pass");
    check(before(State::Fresh), "fail truthful-exit");
}

#[test]
fn a_lock_is_held_while_its_holder_asks_and_free_where_nobody_lives() {
    let held = |text| {
        let told = herd().age().wave(&[4]).ask(4).start_teller(9);
        let told = told.tell(9, 0, output(Subject::Locked, text));
        told.head(2, 2).done(2).publish(2).exit(4, 2).wave_ended()
    };
    check(demands(held("true"), &[Fact::Locked]), "pass");
    check_sentences(
        held("false"),
        Invariant::TruthfulExit,
        &[
            "c09, let go at 0.200 s and ended at 0.210 s, told that nobody held the lock, and c04 was asking Catwalk under it (#2, since 0.180 s)",
        ],
    );
    let free = |text| telling(herd(), 0, output(Subject::Locked, text));
    check(demands(free("false"), &[Fact::Unlocked]), "pass");
    check(demands(free("false"), &[Fact::Locked]), "vacuous");
    check(free("true"), "fail truthful-exit");
    check(free("yes"), "fail truthful-exit");
}

#[test]
fn the_holder_is_the_process_that_asks() {
    let nobody = || Told { exit: None, output: BTreeMap::from([(Subject::Holder, None)]) };
    let held = |told: Told| {
        let teller = herd().age().wave(&[4]).ask(4).start_teller(9).tell(9, 0, told);
        teller.head(2, 2).done(2).publish(2).exit(4, 2).wave_ended()
    };
    check(demands(held(output(Subject::Holder, "1004")), &[Fact::Holder]), "pass");
    let check_lie = |told: Told, who: &str| {
        let lie = format!(
            "c09, let go at 0.200 s and ended at 0.210 s, told that {who} held the lock, and c04 was asking Catwalk under it (#2, since 0.180 s), as process 1004"
        );
        check_sentences(held(told), Invariant::TruthfulExit, &[&lie]);
    };
    check_lie(output(Subject::Holder, "1009"), "process 1009");
    check_lie(output(Subject::Holder, "1001"), "process 1001");
    check_lie(output(Subject::Holder, "c04"), "process c04");
    check_lie(nobody(), "nobody");
    // What a script has started is none of the harness's, and may well be who holds it.
    let child = || held(output(Subject::Holder, "4711"));
    check_counts(child(), Invariant::TruthfulExit, (5, 1));
    check(demands(child(), &[Fact::Holder]), "vacuous");
    let free = |told: Told| telling(herd(), 0, told);
    check(demands(free(nobody()), &[Fact::Unlocked]), "pass");
    check(demands(free(nobody()), &[Fact::Holder]), "vacuous");
    check(free(output(Subject::Holder, "1001")), "fail truthful-exit");
}

#[test]
fn only_who_has_read_before_has_hit_its_memory() {
    let sessions = || {
        let first = story().again(&[(1, 1)]).fetch(1, 1).publish(1).exit(1, 1).wave_ended();
        let again = first.again(&[(2, 1)]).exit(2, 1).wave_ended();
        again.session_ends(1, ExitStatus::Code(0), true)
    };
    let hits = |told: Story, number: &str| telling(told, 0, output(Subject::MemoryHits, number));
    let demanded = |number| demands(hits(sessions(), number), &[Fact::MemoryHits]);
    check(demanded("1"), "pass");
    check(demanded("2"), "fail truthful-exit");
    check(hits(sessions(), "0"), "pass");
    check(demanded("0"), "vacuous");
    check(hits(herd(), "1"), "fail truthful-exit");
}

#[test]
fn hits_are_those_of_whoever_read_in_an_open_window() {
    let hits = |told: Story, number: &str| telling(told, 0, output(Subject::Hits, number));
    // c02 and c03 sent no request, and were let go before there was anything to hit.
    for number in ["0", "2"] {
        check(demands(hits(herd(), number), &[Fact::Hits]), "pass");
    }
    check(hits(herd(), "3"), "fail truthful-exit");
    let more = || herd().wave(&[4, 5]).exit(4, 1).exit(5, 1).wave_ended();
    for (number, expected) in
        [("1", "fail truthful-exit"), ("2", "pass"), ("4", "pass"), ("5", "fail truthful-exit")]
    {
        check(hits(more(), number), expected);
    }
    check_sentences(
        hits(more(), "0"),
        Invariant::TruthfulExit,
        &[
            "c09, let go at 0.240 s and ended at 0.250 s, told 0 hits, and 2 had read in an open window and 4 in all had read and asked nothing",
        ],
    );
    // Who was killed, or read past the window, may have counted or not.
    check(hits(herd().wave(&[4]).kill(4), "2"), "pass");
    let past = herd().age().wave(&[4, 5]).fetch(4, 2).publish(2).exit(4, 2).exit(5, 2);
    check(hits(past.wave_ended(), "0"), "pass");
    // A watcher reads any number of times.
    let watch = herd().wave_of("watch", &[4]).exit(4, 1).wave_ended();
    check_counts(hits(watch, "99"), Invariant::TruthfulExit, (5, 1));
}

#[test]
fn counts_are_those_of_the_answers_that_came() {
    let fetches = |told: Story, number: &str| telling(told, 0, output(Subject::Fetches, number));
    check(demands(fetches(herd(), "1"), &[Fact::Fetches]), "pass");
    check_sentences(
        fetches(herd(), "0"),
        Invariant::TruthfulExit,
        &[
            "c09, let go at 0.160 s and ended at 0.170 s, told 0 fetches, and Catwalk had sent them a catalogue once",
        ],
    );
    check(fetches(herd(), "2"), "fail truthful-exit");
    check(fetches(herd(), "many"), "fail truthful-exit");
    // Who was killed may have counted or not.
    let killed = || herd().wave_of("update", &[4]).fetch(4, 2).publish(2).kill(4);
    check(fetches(killed(), "1"), "pass");
    check(fetches(killed(), "2"), "pass");
    check_sentences(
        fetches(killed(), "3"),
        Invariant::TruthfulExit,
        &[
            "c09, let go at 0.250 s and ended at 0.260 s, told 3 fetches, and Catwalk had sent them a catalogue 2 times, of which 1 came to whoever lived to count them",
        ],
    );
    let full = herd().inject(Action::ReadOnly, &[]);
    check(fetches(full, "0"), "pass");
    let confirmed = || herd().age().wave(&[4]).revalidate(4, 1).confirm(2, 1).exit(4, 1);
    let told = |number| telling(confirmed(), 0, output(Subject::Revalidations, number));
    check(demands(told("1"), &[Fact::Revalidations]), "pass");
    check(told("0"), "fail truthful-exit");
    check(fetches(confirmed(), "1"), "pass");
}
