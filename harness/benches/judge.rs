//! How long the judge takes, over records of 10,000 and of 50,000 events.
//!
//! Two shapes: a herd that keeps to every invariant, over many windows, and one without any lock, in
//! which everybody fetches at once and so breaks most of them. The time an event should be about the
//! same in all of them.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

use cachestorm::judge::judge;
use cachestorm::model::client::Client;
use cachestorm::model::record::{
    Barrier, Effect, Event, Excerpt, ExitStatus, Exited, Part, RECORD_SCHEMA, Record, Request,
    Sighting, What,
};
use cachestorm::model::scenario::{Action, Scenario};
use cachestorm::model::units::{ClientId, Nanos, RequestId, Serial};

/// Nanoseconds from one event to the next.
const STEP: u64 = 5_000_000;

/// How the clients of a wave behave.
#[derive(Clone, Copy)]
enum Herd {
    /// One fetches and publishes, the others hit.
    Disciplined,
    /// Each fetches and publishes for itself.
    Unruly,
}

/// A record in the making.
struct Writer {
    events: Vec<Event>,
    requests: u32,
}

impl Writer {
    fn push(&mut self, what: What) {
        let at = Nanos(STEP * self.events.len() as u64);
        self.events.push(Event { at, what });
    }

    fn ask(&mut self, client: ClientId) -> RequestId {
        self.requests += 1;
        let request = RequestId(self.requests);
        self.push(What::Request(Request {
            request,
            fetch: Some(self.requests),
            client: Some(client),
            method: "GET".to_owned(),
            path: "/v2/providers".to_owned(),
            if_none_match: None,
        }));
        request
    }

    fn answer(&mut self, request: RequestId) {
        let (serial, etag) = (Some(Serial(1)), Some("\"e1\"".to_owned()));
        self.push(What::HeadSent { request, status: 200, serial, etag, body: 16384 });
        self.push(What::ResponseDone { request, sent: 16384 });
        let sighting = Sighting::Whole { serial: Serial(1), exact: true };
        self.push(What::Published { sighting, modified_ms: None, mode: None });
    }

    fn wave(&mut self, wave: u32, clients: &[ClientId], herd: Herd) {
        for &client in clients {
            self.push(What::spawned(client, client.0, Part::Wave(wave), "get".to_owned()));
        }
        clients.iter().for_each(|&client| self.push(What::Released { client }));
        let fetchers = match herd {
            Herd::Disciplined => &clients[..1],
            Herd::Unruly => clients,
        };
        let requests: Vec<_> = fetchers.iter().map(|&client| self.ask(client)).collect();
        requests.into_iter().for_each(|request| self.answer(request));
        for &client in clients {
            self.push(What::Exited(Exited {
                client,
                status: ExitStatus::Code(0),
                user_us: 1000,
                system_us: 1000,
                max_rss_kib: 4096,
                delayed_us: None,
                got: Sighting::Whole { serial: Serial(1), exact: true },
                stdout: Excerpt::default(),
                stderr: Excerpt::default(),
                said_stale: false,
                told: None,
            }));
        }
        self.push(What::Injected {
            injection: None,
            action: Action::Age,
            targets: Vec::new(),
            because: None,
            effect: Effect::Landed,
        });
    }
}

/// A record of about this many events, in waves of this many clients.
fn record(events: usize, clients: u32, herd: Herd) -> Record {
    let scenario: Scenario = serde_json::from_str(r#"{"summary": "A bench."}"#).expect("valid");
    let client: Client = serde_json::from_str(
        r#"{
            "name": "bench", "summary": "A client.", "command": ["bench"],
            "files": {"published": "providers.json", "locks": ["*.lock"], "lock-kind": "advisory"}
        }"#,
    )
    .expect("valid");
    let mut writer = Writer { events: Vec::new(), requests: 0 };
    let mut wave = 0;
    while writer.events.len() < events {
        let first = wave * clients + 1;
        let ids: Vec<ClientId> = (first..first + clients).map(ClientId).collect();
        wave += 1;
        writer.wave(wave, &ids, herd);
    }
    writer.events.truncate(events);
    Record {
        schema: RECORD_SCHEMA.to_owned(),
        name: "bench/judge".to_owned(),
        ttl: scenario.cache.ttl,
        scenario,
        client,
        repetition: 1,
        seed: 1,
        barrier: Barrier::AfterExec,
        events: writer.events,
    }
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("judge");
    for (name, herd) in [("disciplined", Herd::Disciplined), ("unruly", Herd::Unruly)] {
        for (events, clients) in [(10_000, 14), (10_000, 2_000), (50_000, 2_000)] {
            let record = record(events, clients, herd);
            let id = BenchmarkId::new(name, format!("{events}-events-waves-of-{clients}"));
            group.throughput(Throughput::Elements(events as u64));
            group.bench_with_input(id, &record, |bencher, record| bencher.iter(|| judge(record)));
        }
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
