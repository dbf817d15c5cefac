//! What holds for every record, also for one that no engine could have written.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::judge::judge;
use crate::judge::testing::{Story, damaged, etag, herd, plant, story, summary, whole};
use crate::model::client::LockKind;
use crate::model::fault::Fault;
use crate::model::record::{
    AbortedBy, Change, Effect, Event, Excerpt, ExitStatus, Exited, Part, Record, Request, Role,
    Sighting, What,
};
use crate::model::scenario::{Action, Content, Mtime};
use crate::model::tells::{State, Subject, Told};
use crate::model::units::{ClientId, Nanos, RequestId, Serial, Signal, Span};
use crate::model::verdict::{Invariant, InvariantReport, Outcome, Verdict};

fn client() -> impl Strategy<Value = ClientId> {
    (0_u32..7).prop_map(ClientId)
}

fn request() -> impl Strategy<Value = RequestId> {
    (0_u32..9).prop_map(RequestId)
}

fn sighting() -> impl Strategy<Value = Sighting> {
    prop_oneof![
        4 => (0_u32..4).prop_map(whole),
        1 => Just(Sighting::Absent),
        1 => Just(Sighting::NotShown),
        1 => Just(Sighting::Planted),
        1 => Just(damaged()),
    ]
}

fn status() -> impl Strategy<Value = ExitStatus> {
    prop_oneof![
        4 => Just(ExitStatus::Code(0)),
        1 => any::<i32>().prop_map(ExitStatus::Code),
        1 => (any::<i32>(), any::<bool>())
            .prop_map(|(number, ours)| ExitStatus::Signal { number, ours }),
    ]
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        Just(Part::Setup),
        (0_u32..3).prop_map(Part::Wave),
        Just(Part::ProbeNow),
        Just(Part::ProbeNextWindow),
    ]
}

fn path() -> impl Strategy<Value = String> {
    let paths = ["published", "lock", "providers.json", "providers.json.lock", "*", "[", "a.tmp.1"];
    prop::sample::select(paths.to_vec()).prop_map(str::to_owned)
}

fn role() -> impl Strategy<Value = Role> {
    prop::sample::select(vec![Role::Published, Role::Lock, Role::Temp, Role::Other])
}

fn fault() -> impl Strategy<Value = Fault> {
    prop::sample::select(Fault::EXAMPLES.to_vec())
}

fn action() -> impl Strategy<Value = Action> {
    let simple = vec![
        Action::Stop,
        Action::ForkStorm(10),
        Action::Continue,
        Action::Stall,
        Action::Answer(503),
        Action::Answer(200),
        Action::Reset,
        Action::Delay(Span::from_secs(3)),
        Action::CatwalkDown,
        Action::CatwalkUp,
        Action::Bump,
        Action::Age,
        Action::ReadOnly,
        Action::AgeBy(Span::from_secs(5)),
        Action::AgePastBound,
        Action::ClockBack(Span::from_secs(5)),
        Action::CoarseTimes(Span::from_secs(1)),
        Action::Fill(crate::model::units::ByteSize(0)),
        Action::Free,
        Action::Wipe,
        Action::Writable,
        Action::Kill(Signal::Kill),
        Action::KillGroup(Signal::Term),
        Action::KillAlone(Signal::Kill),
    ];
    let content = vec![Content::Unchanged, Content::Catalogue, Content::Truncated];
    let mtime = vec![Mtime::Now, Mtime::Future, Mtime::Expired];
    prop_oneof![
        6 => prop::sample::select(simple),
        1 => (path(), prop::sample::select(content), prop::sample::select(mtime))
            .prop_map(|(path, content, mtime)| plant(&path, content, mtime)),
        1 => path().prop_map(Action::Remove),
        1 => fault().prop_map(Action::Fault),
        1 => Just(Action::Mend),
    ]
}

fn told() -> impl Strategy<Value = Option<Told>> {
    let exit = option::of(vec(prop::sample::select(State::ALL.to_vec()), 0..2));
    let subject = prop::sample::select(vec![
        Subject::State,
        Subject::Locked,
        Subject::Holder,
        Subject::Hits,
        Subject::MemoryHits,
        Subject::Fetches,
    ]);
    let text = option::of(prop::sample::select(vec!["fresh", "true", "1", "x"]));
    let output =
        prop::collection::btree_map(subject, text.prop_map(|it| it.map(str::to_owned)), 0..2);
    option::of((exit, output).prop_map(|(exit, output)| Told { exit, output }))
}

fn process_event() -> impl Strategy<Value = What> {
    let commands = vec!["get", "get", "update", "update-file", "rollback"];
    let command = prop::sample::select(commands).prop_map(str::to_owned);
    let publishes = option::of((0_u32..4).prop_map(Serial));
    prop_oneof![
        3 => (client(), part(), command, publishes)
            .prop_map(|(client, part, command, publishes)| What::Spawned { client, pid: 7, part, command, with: None, publishes, session: None }),
        3 => client().prop_map(|client| What::Released { client }),
        3 => (client(), status(), sighting(), any::<bool>(), told()).prop_map(
            |(client, status, got, said_stale, told)| What::Exited(Exited {
                client,
                status,
                user_us: 0,
                system_us: 0,
                max_rss_kib: 0,
                delayed_us: None,
                got,
                stdout: Excerpt::default(),
                stderr: Excerpt { bytes: 4, text: "ö\n\u{0}".to_owned() },
                said_stale,
                told,
            })
        ),
        1 => client().prop_map(|client| What::Overdue { client, deadline: Span::from_secs(1), delayed_us: None }),
        1 => (client(), vec(any::<u32>(), 0..3))
            .prop_map(|(client, pids)| What::LeftBehind { client, pids }),
        1 => client().prop_map(|client| What::SpawnFailed { client, error: "no".to_owned() }),
    ]
}

fn network_event() -> impl Strategy<Value = What> {
    let fetch = (request(), option::of(0_u32..9), option::of(client()), option::of(0_u32..4));
    let aborted = vec![AbortedBy::Client, AbortedBy::Injection, AbortedBy::Harness];
    let statuses = prop::sample::select(vec![200_u16, 304, 503]);
    prop_oneof![
        3 => fetch.prop_map(|(request, fetch, client, validator)| What::Request(Request {
            request,
            fetch,
            client,
            method: "GET".to_owned(),
            path: "/v2/providers".to_owned(),
            if_none_match: validator.map(etag),
        })),
        3 => (request(), statuses, option::of(0_u32..4), 0_u64..2).prop_map(
            |(request, status, serial, body)| What::HeadSent {
                request,
                status,
                serial: serial.map(Serial),
                etag: serial.map(etag),
                body,
            }
        ),
        1 => (option::of(request()), option::of(client()), fault())
            .prop_map(|(request, client, fault)| What::Faulted { request, client, fault }),
        3 => request().prop_map(|request| What::ResponseDone { request, sent: 1 }),
        1 => (request(), prop::sample::select(aborted))
            .prop_map(|(request, by)| What::ResponseAborted { request, sent: None, by }),
        1 => (request(), vec(client(), 0..4)).prop_map(|(request, waiting)| What::HerdWaits {
            request,
            waiting,
            ended: 0,
            gave_up: true,
        }),
    ]
}

fn directory_event() -> impl Strategy<Value = What> {
    let change = prop::sample::select(vec![
        Change::Created,
        Change::Written,
        Change::Renamed { from: None },
        Change::Removed,
        Change::Touched,
    ]);
    prop_oneof![
        3 => (sighting(), option::of(any::<i64>()), option::of(0_u32..0o1000))
            .prop_map(|(sighting, modified_ms, mode)| What::Published { sighting, modified_ms, mode }),
        1 => (change, path(), role())
            .prop_map(|(change, path, role)| What::File { change, path, role }),
        1 => vec((path(), role()), 0..4)
            .prop_map(|files| What::Residue { files, counts: Default::default() }),
    ]
}

fn harness_event() -> impl Strategy<Value = What> {
    let effect = prop_oneof![3 => Just(Effect::Landed), 1 => Just(Effect::Missed("so".to_owned()))];
    let injected =
        (option::of(0_u32..3), action(), vec(client(), 0..3), option::of(0_u32..90), effect);
    prop_oneof![
        6 => injected.prop_map(|(injection, action, targets, because, effect)| What::Injected {
            injection,
            action,
            targets,
            because,
            effect,
        }),
        1 => Just(What::Healed),
        1 => Just(What::Interrupted { why: "why not".to_owned() }),
        1 => Just(What::Note { text: "noted".to_owned() }),
        1 => client().prop_map(|client| {
            What::Lost { client, path: "providers.json".to_owned(), bytes: 9 }
        }),
    ]
}

fn what() -> impl Strategy<Value = What> {
    prop_oneof![process_event(), network_event(), directory_event(), harness_event()]
}

/// Times that mostly go on, sometimes back, and sometimes to the end of all times.
fn events() -> impl Strategy<Value = Vec<Event>> {
    let at = prop_oneof![8 => 0_u64..20_000_000_000, 1 => Just(u64::MAX)];
    vec((at, what()), 0..80).prop_map(|mut events| {
        let unsorted = events.len() % 4 == 0;
        if !unsorted {
            events.sort_by_key(|(at, _)| *at);
        }
        events.into_iter().map(|(at, what)| Event { at: Nanos(at), what }).collect()
    })
}

/// A record of any events, under settings that reach every branch of the judge.
fn nonsense() -> impl Strategy<Value = Record> {
    let ttl = prop::sample::select(vec![0_u64, 1, 5, 3600]);
    let lock = prop::sample::select(vec![LockKind::None, LockKind::Advisory, LockKind::Existence]);
    (events(), ttl, lock, any::<bool>()).prop_map(|(events, ttl, lock, strict)| {
        let told = story().ttl(Span::from_secs(ttl)).plan(Action::Bump, strict);
        let told = told.client(|it| {
            it.files.lock_kind = lock;
            it.claims.stale_if_error = strict.then(|| "stale".to_owned());
        });
        let mut record = told.record();
        let expect = &mut record.scenario.expect;
        expect.wait = strict.then(|| Span::from_secs(2));
        expect.recovery = strict.then(|| Span::from_secs(2));
        expect.fetches_per_window = if strict { 0 } else { 2 };
        expect.grace = Span(std::time::Duration::MAX).min(Span::from_secs(ttl));
        expect.proves = Invariant::ALL.into();
        record.events = events;
        record
    })
}

/// Histories that the judge knows well, as the ground for mutations.
fn plausible() -> Vec<Story> {
    let killed =
        story().wave(&[1, 2, 3]).ask(1).kill(1).fetch(2, 1).publish(1).exit(2, 1).exit(3, 1);
    let racing = story().wave(&[1, 2]).ask(1).ask(2).head(1, 1).head(2, 1).done(1).done(2);
    let renewed = herd().age().wave(&[4, 5]).revalidate(4, 1).confirm(2, 1).exit(4, 1).exit(5, 1);
    let down = herd().age().inject(Action::CatwalkDown, &[]).wave(&[4]).fail(4).healed();
    let down = down.start(6, Part::ProbeNow, "get").fetch(6, 1).publish(1).exit(6, 1);
    vec![herd(), killed, racing.publish(1).exit(1, 1).exit(2, 1), renewed, down]
}

/// One of them with events left out, repeated and put elsewhere.
fn mutated() -> impl Strategy<Value = Record> {
    let ground = prop::sample::select(plausible());
    let places = vec((0_u8..3, any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..6);
    (ground, places).prop_map(|(ground, places)| {
        let mut record = ground.record();
        for (kind, from, to) in places {
            let events = &mut record.events;
            if events.is_empty() {
                break;
            }
            let (from, to) = (from.index(events.len()), to.index(events.len()));
            match kind {
                0 => drop(events.remove(from)),
                1 => events.insert(to, events[from].clone()),
                _ => events.swap(from, to),
            }
        }
        record
    })
}

fn record() -> impl Strategy<Value = Record> {
    prop_oneof![nonsense(), mutated()]
}

/// Everything that a verdict says, without the places in the record that it points to.
fn said(verdict: &Verdict) -> String {
    let mut verdict = verdict.clone();
    for report in &mut verdict.invariants {
        for violation in &mut report.violations {
            violation.events.clear();
        }
    }
    format!("{verdict:#?}")
}

/// How often each invariant was evaluated, could not be, and was broken.
fn counts(verdict: &Verdict) -> Vec<(u32, u32, usize)> {
    let reports = verdict.invariants.iter();
    reports.map(|it| (it.evaluations, it.indeterminate, it.violations.len())).collect()
}

/// Puts a note after the first `before` events.
fn with_note(record: &Record, before: usize) -> Record {
    let mut record = record.clone();
    for event in &mut record.events {
        if let What::Injected { because: Some(index), .. } = &mut event.what
            && *index as usize >= before
        {
            *index += 1;
        }
    }
    let neighbour = before.checked_sub(1).or((!record.events.is_empty()).then_some(0));
    let at = neighbour.map_or(Nanos(0), |index| record.events[index].at);
    let text = "nothing to see here".to_owned();
    record.events.insert(before, Event { at, what: What::Note { text } });
    record
}

/// Gives every client another number.
fn renumbered(record: &Record) -> Record {
    let mut record = record.clone();
    let turn = |client: &mut ClientId| client.0 = 1000 - client.0;
    for event in &mut record.events {
        match &mut event.what {
            What::Spawned { client, .. }
            | What::Released { client }
            | What::Overdue { client, .. }
            | What::LeftBehind { client, .. }
            | What::SpawnFailed { client, .. } => turn(client),
            What::Exited(exited) => turn(&mut exited.client),
            What::Request(request) => request.client.iter_mut().for_each(turn),
            What::HerdWaits { waiting: clients, .. }
            | What::Injected { targets: clients, .. }
            | What::WaveStarted { clients, .. } => clients.iter_mut().for_each(turn),
            _ => {}
        }
    }
    record
}

proptest! {
    #[test]
    fn every_record_gets_a_consistent_verdict(record in record()) {
        let verdict = judge(&record);
        let broken = verdict.invariants.iter().any(InvariantReport::broken);
        prop_assert_eq!(broken, verdict.outcome == Outcome::Fail);
        let silent = matches!(verdict.outcome, Outcome::Pass | Outcome::Fail);
        prop_assert_eq!(silent, verdict.reasons.is_empty());
        let order: Vec<Invariant> = verdict.invariants.iter().map(|it| it.invariant).collect();
        prop_assert_eq!(order, Invariant::ALL);
        for report in &verdict.invariants {
            prop_assert_eq!(report.evaluations == 0, report.not_evaluated.is_some());
            prop_assert_eq!(report.evaluations > 0, report.witness.is_some());
            prop_assert!(report.violations.len() <= report.evaluations as usize, "{:#?}", report);
            for event in report.violations.iter().flat_map(|it| &it.events) {
                prop_assert!((*event as usize) < record.events.len());
            }
        }
    }

    #[test]
    fn a_note_changes_nothing(record in record(), place in any::<prop::sample::Index>()) {
        let noted = with_note(&record, place.index(record.events.len() + 1));
        prop_assert_eq!(said(&judge(&record)), said(&judge(&noted)));
    }

    #[test]
    fn the_numbers_of_the_clients_do_not_matter(record in record()) {
        let (one, other) = (judge(&record), judge(&renumbered(&record)));
        prop_assert_eq!(summary(&one), summary(&other));
        prop_assert_eq!(counts(&one), counts(&other));
        prop_assert_eq!(one.measures, other.measures);
    }
}
