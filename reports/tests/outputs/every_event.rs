//! A record with every kind of event.

use std::collections::BTreeMap;
use std::time::Duration;

use cachestorm_model::record::{
    AbortedBy, Change, Effect, Excerpt, ExitStatus, Part, Record, Request, Role, Sighting, What,
};
use cachestorm_model::scenario::Action;
use cachestorm_model::units::{ClientId, RequestId, Serial, Signal, Span};

use super::{exited, record, released};

/// A record that holds every kind of event, in an order that could have been.
pub fn every_event() -> Record {
    let whole = |exact| Sighting::Whole { serial: Serial(1), exact };
    let spawned = |client: u32, part| What::Spawned {
        client: ClientId(client),
        pid: 4000 + client,
        part,
        command: "get".to_owned(),
        with: (client == 3).then(|| "python-flock".to_owned()),
        publishes: (client == 2).then_some(Serial(2)),
        session: None,
    };
    let session = |client| What::Spawned {
        client: ClientId(client),
        pid: 4006,
        part: Part::Wave(client - 5),
        command: "get".to_owned(),
        with: None,
        publishes: None,
        session: Some(ClientId(6)),
    };
    let mut events: Vec<What> = (1..=3).map(|client| spawned(client, Part::Wave(1))).collect();
    events.push(What::SpawnFailed {
        client: ClientId(4),
        error: "Exec format error (os error 8)".to_owned(),
    });
    events.push(What::WaveStarted { wave: 1, clients: (1..=3).map(ClientId).collect() });
    events.extend((1..=3).map(released));
    events.extend([
        file(Change::Created, "providers.json.lock", Role::Lock),
        request(1, Some(1), None),
        What::HerdWaits {
            request: RequestId(1),
            waiting: vec![ClientId(2), ClientId(3)],
            ended: 0,
            gave_up: false,
        },
        What::HeadSent {
            request: RequestId(1),
            status: 200,
            serial: Some(Serial(1)),
            etag: Some("\"00112233aabbccdd\"".to_owned()),
            body: 16_384,
        },
        What::HalfSent { request: RequestId(1), sent: 8_192 },
        injected(Action::Kill(Signal::Kill), 1, Some(12), Effect::Landed),
        injected(Action::Reset, 1, Some(12), Effect::Missed("the response had ended".to_owned())),
        What::ResponseAborted { request: RequestId(1), sent: Some(8_192), by: AbortedBy::Client },
        exited(1, ExitStatus::Signal { number: 9, ours: true }, Sighting::Absent, ""),
        What::Published {
            sighting: Sighting::Damaged {
                bytes: 8_192,
                how: "cut off after 8192 of 16384 bytes of catalogue 1".to_owned(),
            },
            modified_ms: Some(1_765_442_280_000),
            mode: None,
        },
        request(2, Some(2), Some("\"00112233aabbccdd\"")),
        What::ResponseDone { request: RequestId(2), sent: 16_384 },
        file(
            Change::Renamed { from: Some("providers.json.tmp".to_owned()) },
            "providers.json",
            Role::Published,
        ),
        What::Published { sighting: whole(true), modified_ms: None, mode: None },
        exited(2, ExitStatus::Code(0), whole(false), ""),
        exited(
            3,
            ExitStatus::Code(1),
            Sighting::Absent,
            "cannot parse \u{1b}[31mproviders.json\u{1b}[0m:\n\tunexpected end of file\n",
        ),
        What::LeftBehind { client: ClientId(3), pids: vec![4103] },
        What::Overdue {
            client: ClientId(4),
            deadline: Span(Duration::from_secs(20)),
            delayed_us: None,
        },
        What::WaveEnded { wave: 1 },
        What::Healed,
        spawned(5, Part::ProbeNow),
        request(3, None, None),
        What::Residue {
            files: vec![
                ("providers.json".to_owned(), Role::Published),
                ("providers.json.tmp".to_owned(), Role::Temp),
            ],
            counts: BTreeMap::from([(Role::Published, 1), (Role::Temp, 1)]),
        },
        session(6),
        session(7),
        What::SessionEnded {
            session: ClientId(6),
            status: ExitStatus::Code(1),
            told: true,
            stderr: Excerpt { bytes: 5, text: "what?".to_owned() },
        },
        What::Note { text: "inotify lost no event".to_owned() },
        What::Interrupted { why: "Ctrl-C".to_owned() },
    ]);
    record("The client that fetches is killed: another takes over and nobody is stuck.", events)
}

fn request(number: u32, client: Option<u32>, if_none_match: Option<&str>) -> What {
    What::Request(Request {
        request: RequestId(number),
        fetch: Some(number),
        client: client.map(ClientId),
        method: "GET".to_owned(),
        path: "/v2/providers".to_owned(),
        if_none_match: if_none_match.map(str::to_owned),
    })
}

fn file(change: Change, path: &str, role: Role) -> What {
    What::File { change, path: path.to_owned(), role }
}

fn injected(action: Action, target: u32, because: Option<u32>, effect: Effect) -> What {
    What::Injected { injection: Some(0), action, targets: vec![ClientId(target)], because, effect }
}
