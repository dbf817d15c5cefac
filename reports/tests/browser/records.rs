//! Records as large as a test wants them, and the reports of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use cachestorm_model::record::{
    AbortedBy, Change, Effect, Event, ExitStatus, Part, Record, Request, Role, Sighting, What,
};
use cachestorm_model::run::RunResult;
use cachestorm_model::scenario::{Action, Injection, Target, Trigger};
use cachestorm_model::units::{ClientId, Nanos, RequestId, Serial, Signal};
use cachestorm_model::verdict::{Invariant, Outcome, TtlWindow};
use cachestorm_reports::html::{Scene, render};

use crate::samples::{every_outcome, exited, failing, record, released, result, run, verdict};

/// A record told event by event, each a little later than the one before.
struct Tale {
    now: u64,
    step: u64,
    events: Vec<Event>,
}

impl Tale {
    fn add(&mut self, what: What) -> u32 {
        self.now += self.step;
        self.events.push(Event { at: Nanos(self.now), what });
        u32::try_from(self.events.len() - 1).expect("few")
    }

    fn ask(&mut self, number: u32, client: u32) -> u32 {
        self.add(What::Request(Request {
            request: RequestId(number),
            fetch: Some(number),
            client: Some(ClientId(client)),
            method: "GET".to_owned(),
            path: "/v2/providers".to_owned(),
            if_none_match: None,
        }))
    }

    fn answer(&mut self, number: u32) {
        let request = RequestId(number);
        let (etag, serial) = (Some("\"00112233aabbccdd\"".to_owned()), Some(Serial(1)));
        self.add(What::HeadSent { request, status: 200, serial, etag, body: 16_384 });
        self.add(What::ResponseDone { request, sent: 16_384 });
    }

    fn publish(&mut self) -> u32 {
        let from = Some("providers.json.tmp".to_owned());
        let (path, role) = ("providers.json".to_owned(), Role::Published);
        self.add(What::File { change: Change::Renamed { from }, path, role });
        self.add(What::Published { sighting: whole(), modified_ms: None, mode: None })
    }
}

fn whole() -> Sighting {
    Sighting::Whole { serial: Serial(1), exact: true }
}

/// A herd in which the first fetcher is killed, the second publishes, and the third fetches again. The
/// events of the violation, and the event that opened the window.
pub fn herd(count: u32) -> (Record, Vec<u32>, u32) {
    let mut tale = Tale { now: 0, step: 40_000, events: Vec::new() };
    let clients = || (1..=count).map(ClientId);
    for client in clients() {
        let pid = 4_000 + client.0;
        tale.add(What::spawned(client, pid, Part::Wave(1), "get".to_owned()));
    }
    tale.add(What::WaveStarted { wave: 1, clients: clients().collect() });
    for client in 1..=count {
        tale.add(released(client));
    }
    tale.step = 2_000_000;
    let (path, role) = ("providers.json.lock".to_owned(), Role::Lock);
    tale.add(What::File { change: Change::Created, path, role });
    tale.ask(1, 1);
    let waiting = clients().skip(1).collect();
    let rest =
        tale.add(What::HerdWaits { request: RequestId(1), waiting, ended: 0, gave_up: false });
    tale.add(What::Injected {
        injection: Some(0),
        action: Action::Kill(Signal::Kill),
        targets: vec![ClientId(1)],
        because: Some(rest),
        effect: Effect::Landed,
    });
    let by = AbortedBy::Client;
    tale.add(What::ResponseAborted { request: RequestId(1), sent: None, by });
    tale.add(exited(1, ExitStatus::Signal { number: 9, ours: true }, Sighting::Absent, ""));
    tale.ask(2, 2);
    tale.answer(2);
    let opened = tale.publish();
    tale.add(exited(2, ExitStatus::Code(0), whole(), ""));
    let again = tale.ask(3, 3);
    tale.answer(3);
    tale.publish();
    tale.step = 300_000;
    for client in 3..count {
        tale.add(exited(client, ExitStatus::Code(0), whole(), ""));
    }
    let failed =
        tale.add(exited(count, ExitStatus::Code(1), Sighting::Absent, "no </script> catalogue"));
    tale.add(What::WaveEnded { wave: 1 });
    tale.add(What::Residue { files: Vec::new(), counts: BTreeMap::new() });
    let mut told =
        record("The client that holds the lock is killed while the others wait.", Vec::new());
    told.events = tale.events;
    told.scenario.why = Some("A lock that dies with its holder is the whole point.".to_owned());
    told.scenario.inject = vec![Injection {
        on: Trigger::HerdWaits(1),
        nth: None,
        times: None,
        each_wave: false,
        target: Some(Target::Fetcher),
        action: Action::Kill(Signal::Kill),
        optional: false,
    }];
    (told, vec![opened, again, failed], opened)
}

/// Writes the report of a run with a herd of so many processes, beside scenarios of every outcome.
pub fn report(count: u32, folder: &Path) -> PathBuf {
    let (told, events, opened) = herd(count);
    let window = |opened: u32, extends| TtlWindow {
        opened,
        until: None,
        serial: Serial(1),
        request: Some(RequestId(if extends { 3 } else { 2 })),
        renewed: false,
        extends,
    };
    let again = events[1] + 4;
    let violations: [(Invariant, &str, &[u32]); 2] = [
        (
            Invariant::SingleFlight,
            "c03 fetched catalogue 1 (#3) although c02 had published it.",
            &events[..2],
        ),
        (Invariant::TruthfulExit, "The last client failed and nothing explains it.", &events[2..]),
    ];
    let mut verdict = failing(&violations);
    verdict.measures.recovery_ms = Some(41);
    let summary = told.scenario.summary.clone();
    let mut results = every_outcome().results;
    results.retain(|result| result.scenario != "crash/holder-killed");
    results.insert(0, result("crash/holder-killed", &summary, RunResult::Judged(verdict)));
    let windows = vec![window(opened, false), window(again, true)];
    let passed = results.iter().position(|it| it.outcome() == Some(Outcome::Pass)).expect("one");
    let scenes = [
        Scene { result: 0, record: told, windows },
        Scene { result: passed, record: crate::samples::every_event(), windows: Vec::new() },
    ];
    let html = render(&run(results), false, &scenes).expect("a report");
    let file = folder.join(format!("herd-of-{count}.html"));
    fs::write(&file, html).expect("a place for the report");
    file
}

/// The report of a run in which one scenario ran.
pub fn single(folder: &Path) -> PathBuf {
    let (told, _, _) = herd(3);
    let judged = RunResult::Judged(verdict(Outcome::Pass));
    let run = run(vec![result("crash/holder-killed", "Alone.", judged)]);
    let scenes = [Scene { result: 0, record: told, windows: Vec::new() }];
    let file = folder.join("single.html");
    fs::write(&file, render(&run, false, &scenes).expect("a report")).expect("a place for it");
    file
}
