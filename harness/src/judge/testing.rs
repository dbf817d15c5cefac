//! Histories in few lines, for the tests of the judge.
//!
//! A [`Story`] is told from the first event to the last. Each event comes 10 ms after the one before unless
//! [`Story::at`] or [`Story::micros`] says otherwise.

use std::collections::BTreeMap;

use crate::judge::judge;
use crate::model::client::{Client, LockKind, Stdout};
use crate::model::fault::Fault;
use crate::model::record::{
    AbortedBy, Barrier, Change, Effect, Event, Excerpt, ExitStatus, Exited, Part, RECORD_SCHEMA,
    Record, Request, Role, Sighting, What,
};
use crate::model::scenario::{Action, Content, Injection, Mtime, Plant, Scenario, Trigger};
use crate::model::units::{ClientId, Nanos, RequestId, Serial, Signal, Span};
use crate::model::verdict::{Invariant, InvariantReport, Verdict};

mod calls;
mod checks;
mod told;

pub(super) use checks::{check, check_counts, check_sentences, summary};

/// Nanoseconds from one event to the next.
const STEP: u64 = 10_000_000;

/// A record in the making.
#[derive(Debug, Clone)]
pub(super) struct Story {
    record: Record,
    next: u64,
    waves: u32,
    requests: u32,
}

/// Nothing has happened yet: an hour of TTL, and a client with an advisory lock that prints what it got.
pub(super) fn story() -> Story {
    let scenario: Scenario =
        serde_json::from_str(r#"{"summary": "A story."}"#).expect("a summary is enough");
    let record = Record {
        schema: RECORD_SCHEMA.to_owned(),
        name: "test/story".to_owned(),
        ttl: scenario.cache.ttl,
        scenario,
        client: client(),
        repetition: 1,
        seed: 1,
        barrier: Barrier::AfterExec,
        events: Vec::new(),
    };
    Story { record, next: 0, waves: 0, requests: 0 }
}

fn client() -> Client {
    let mut client = Client::new("told", ["told"], "providers.json");
    client.summary = "A client in a story.".to_owned();
    client.files.locks = vec!["*.lock".to_owned()];
    client.files.lock_kind = LockKind::Advisory;
    client.files.temporaries = vec!["*.tmp.*".to_owned()];
    client.stdout = Stdout::Catalogue;
    client
}

/// Three clients of which the first fetches and publishes, and the others wait for it and hit.
pub(super) fn herd() -> Story {
    story().wave(&[1, 2, 3]).fetch(1, 1).publish(1).exit(1, 1).exit(2, 1).exit(3, 1)
}

/// A catalogue seen whole.
pub(super) fn whole(serial: u32) -> Sighting {
    Sighting::Whole { serial: Serial(serial), exact: true }
}

/// Bytes that are no catalogue.
pub(super) fn damaged() -> Sighting {
    Sighting::Damaged { bytes: 4096, how: "cut off after 4096 of 16384 bytes".to_owned() }
}

/// The ETag of a catalogue.
pub(super) fn etag(serial: u32) -> String {
    format!("\"e{serial}\"")
}

/// A plant over the published file.
pub(super) fn plant(path: &str, content: Content, mtime: Mtime) -> Action {
    Action::Plant(Plant { path: path.to_owned(), content, mtime })
}

fn spawned(client: ClientId, part: Part, command: String) -> What {
    What::spawned(client, 1000 + client.0, part, command)
}

impl Story {
    /// Changes the scenario.
    pub(super) fn scenario(mut self, change: impl FnOnce(&mut Scenario)) -> Self {
        change(&mut self.record.scenario);
        self
    }

    /// Changes the client's description.
    pub(super) fn client(mut self, change: impl FnOnce(&mut Client)) -> Self {
        change(&mut self.record.client);
        self
    }

    /// Sets the TTL in force.
    pub(super) fn ttl(mut self, ttl: Span) -> Self {
        self.record.ttl = ttl;
        self
    }

    /// The next event comes at this time, in milliseconds.
    pub(super) fn at(mut self, milliseconds: u64) -> Self {
        self.next = milliseconds * 1_000_000;
        self
    }

    /// The next event comes this many microseconds after the last.
    pub(super) fn micros(mut self, microseconds: u64) -> Self {
        let last = self.record.events.last().map_or(0, |event| event.at.0);
        self.next = last + microseconds * 1000;
        self
    }

    /// Something happens.
    pub(super) fn push(mut self, what: What) -> Self {
        self.record.events.push(Event { at: Nanos(self.next), what });
        self.next += STEP;
        self
    }

    /// A process exists and is let go.
    pub(super) fn start(self, client: u32, part: Part, command: &str) -> Self {
        let client = ClientId(client);
        let command = command.to_owned();
        self.push(spawned(client, part, command)).push(What::Released { client })
    }

    /// A wave of clients that run `get`.
    pub(super) fn wave(self, clients: &[u32]) -> Self {
        self.wave_of("get", clients)
    }

    /// A wave of clients that run this command.
    pub(super) fn wave_of(mut self, command: &str, clients: &[u32]) -> Self {
        self.waves += 1;
        let wave = self.waves;
        let ids = clients.iter().copied().map(ClientId).collect();
        let started = self.push(What::WaveStarted { wave, clients: ids });
        clients.iter().fold(started, |told, &client| told.start(client, Part::Wave(wave), command))
    }

    /// The client fetches; nothing is answered yet.
    pub(super) fn ask(self, client: u32) -> Self {
        self.request(Some(client), None)
    }

    /// The client fetches and sends the ETag of a catalogue.
    pub(super) fn revalidate(self, client: u32, serial: u32) -> Self {
        self.request(Some(client), Some(etag(serial)))
    }

    /// A fetch arrives.
    pub(super) fn request(mut self, client: Option<u32>, if_none_match: Option<String>) -> Self {
        self.requests += 1;
        let request = Request {
            request: RequestId(self.requests),
            fetch: Some(self.requests),
            client: client.map(ClientId),
            method: "GET".to_owned(),
            path: "/v2/providers".to_owned(),
            if_none_match,
        };
        self.push(What::Request(request))
    }

    /// The head of a 200 with this catalogue.
    pub(super) fn head(self, request: u32, serial: u32) -> Self {
        self.status(request, 200, Some(serial), 16384)
    }

    /// The same with another ETag than its own.
    pub(super) fn head_with(self, request: u32, serial: u32, etag: &str) -> Self {
        self.push(What::HeadSent {
            request: RequestId(request),
            status: 200,
            serial: Some(Serial(serial)),
            etag: Some(etag.to_owned()),
            body: 16384,
        })
    }

    /// A fault goes on the wire with an answer.
    pub(super) fn fault(self, request: u32, fault: Fault) -> Self {
        self.push(What::Faulted { request: Some(RequestId(request)), client: None, fault })
    }

    /// A connection of the client meets a fault.
    pub(super) fn meets(self, client: u32, fault: Fault) -> Self {
        self.push(What::Faulted { request: None, client: Some(ClientId(client)), fault })
    }

    /// A 304 that confirms this catalogue.
    pub(super) fn confirm(self, request: u32, serial: u32) -> Self {
        self.status(request, 304, Some(serial), 0).done(request)
    }

    /// The head of a response.
    pub(super) fn status(self, request: u32, status: u16, serial: Option<u32>, body: u64) -> Self {
        self.push(What::HeadSent {
            request: RequestId(request),
            status,
            serial: serial.map(Serial),
            etag: serial.map(etag),
            body,
        })
    }

    /// The response was sent whole.
    pub(super) fn done(self, request: u32) -> Self {
        self.push(What::ResponseDone { request: RequestId(request), sent: 16384 })
    }

    /// The response ended early.
    pub(super) fn abort(self, request: u32, by: AbortedBy) -> Self {
        self.push(What::ResponseAborted { request: RequestId(request), sent: Some(8192), by })
    }

    /// The client fetches this catalogue and gets it whole.
    pub(super) fn fetch(self, client: u32, serial: u32) -> Self {
        let number = self.requests + 1;
        self.ask(client).head(number, serial).done(number)
    }

    /// The published path is seen to hold this catalogue.
    pub(super) fn publish(self, serial: u32) -> Self {
        self.see(whole(serial))
    }

    /// The published path is seen.
    pub(super) fn see(self, sighting: Sighting) -> Self {
        self.push(What::Published { sighting, modified_ms: None, mode: None })
    }

    /// The client exits with code 0 and this catalogue.
    pub(super) fn exit(self, client: u32, serial: u32) -> Self {
        self.end(client, ExitStatus::Code(0), whole(serial))
    }

    /// The client exits with code 1.
    pub(super) fn fail(self, client: u32) -> Self {
        self.end(client, ExitStatus::Code(1), Sighting::Absent)
    }

    /// The client dies of a signal that the harness sent.
    pub(super) fn die(self, client: u32) -> Self {
        self.end(client, ExitStatus::Signal { number: 9, ours: true }, Sighting::Absent)
    }

    /// The client ends.
    pub(super) fn end(self, client: u32, status: ExitStatus, got: Sighting) -> Self {
        self.ended(client, status, got, false)
    }

    /// The client exits with code 0 and this catalogue, and says that it is stale.
    pub(super) fn exit_stale(self, client: u32, serial: u32) -> Self {
        self.ended(client, ExitStatus::Code(0), whole(serial), true)
    }

    fn ended(self, client: u32, status: ExitStatus, got: Sighting, said_stale: bool) -> Self {
        let said = if status.success() { "" } else { "told: no luck\n" };
        self.push(What::Exited(Exited {
            client: ClientId(client),
            status,
            user_us: 1,
            system_us: 1,
            max_rss_kib: 1,
            delayed_us: None,
            got,
            stdout: Excerpt::default(),
            stderr: Excerpt { bytes: said.len() as u64, text: said.to_owned() },
            said_stale,
            told: None,
        }))
    }

    /// The client outlives its deadline and is killed.
    pub(super) fn overdue(self, client: u32) -> Self {
        let deadline = Span::from_secs(20);
        self.push(What::Overdue { client: ClientId(client), deadline, delayed_us: None })
            .die(client)
    }

    /// The client had no processor for so many milliseconds, as its end tells.
    pub(super) fn delayed(mut self, client: u32, millis: u64) -> Self {
        let end = self.record.events.iter_mut().rev().find_map(|event| match &mut event.what {
            What::Exited(Exited { client: of, delayed_us, .. })
            | What::Overdue { client: of, delayed_us, .. }
                if of.0 == client =>
            {
                Some(delayed_us)
            }
            _ => None,
        });
        *end.expect("it has ended") = Some(millis * 1000);
        self
    }

    /// An action lands on these clients, fired by the event before.
    pub(super) fn inject(self, action: Action, targets: &[u32]) -> Self {
        self.inject_as(None, action, targets, Effect::Landed)
    }

    /// An action of the scenario's list.
    pub(super) fn inject_as(
        self,
        injection: Option<u32>,
        action: Action,
        targets: &[u32],
        effect: Effect,
    ) -> Self {
        let because = u32::try_from(self.record.events.len()).ok().and_then(|it| it.checked_sub(1));
        let targets = targets.iter().copied().map(ClientId).collect();
        self.push(What::Injected { injection, action, targets, because, effect })
    }

    /// SIGKILL hits the client, which dies of it.
    pub(super) fn kill(self, client: u32) -> Self {
        self.inject(Action::Kill(Signal::Kill), &[client]).die(client)
    }

    /// The cache is aged past its TTL.
    pub(super) fn age(self) -> Self {
        self.inject(Action::Age, &[])
    }

    /// A file in the cache directory changes.
    pub(super) fn file(self, change: Change, path: &str, role: Role) -> Self {
        self.push(What::File { change, path: path.to_owned(), role })
    }

    /// The faults have ended.
    pub(super) fn healed(self) -> Self {
        self.push(What::Healed)
    }

    /// What lies in the cache directory at the end.
    pub(super) fn residue(self, files: &[(&str, Role)]) -> Self {
        let files: Vec<_> = files.iter().map(|(path, role)| ((*path).to_owned(), *role)).collect();
        let mut counts = BTreeMap::new();
        for (_, role) in &files {
            *counts.entry(*role).or_insert(0) += 1;
        }
        self.push(What::Residue { files, counts })
    }

    /// Adds an injection to the scenario.
    pub(super) fn plan(self, action: Action, optional: bool) -> Self {
        self.scenario(|scenario| {
            scenario.inject.push(Injection {
                on: Trigger::Request(1),
                nth: None,
                each_wave: false,
                times: None,
                target: None,
                action,
                optional,
            });
        })
    }

    /// The record told.
    pub(super) fn record(self) -> Record {
        self.record
    }

    /// The verdict on it.
    pub(super) fn verdict(self) -> Verdict {
        judge(&self.record)
    }

    /// What the judge says about one invariant.
    pub(super) fn report(self, invariant: Invariant) -> InvariantReport {
        let reports = self.verdict().invariants;
        reports.into_iter().find(|it| it.invariant == invariant).expect("every invariant reports")
    }
}
