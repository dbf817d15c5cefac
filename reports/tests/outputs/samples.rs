//! Runs and records to make reports of.

#[path = "every_event.rs"]
mod every_event;

use std::collections::BTreeMap;

use cachestorm_model::client::{Age, Claims, Client, Files, LockKind, PublishedForm, Stdout};
use cachestorm_model::record::{
    Barrier, Event, Excerpt, ExitStatus, Exited, RECORD_SCHEMA, Record, Sighting, What,
};
use cachestorm_model::run::{Host, RUN_SCHEMA, Run, RunResult, ScenarioResult};
use cachestorm_model::scenario::{Cache, Catwalk, Clients, Expect, Scenario};
use cachestorm_model::units::{ClientId, Nanos, Span};
use cachestorm_model::verdict::{
    Invariant, InvariantReport, Measures, Outcome, Verdict, Violation, Witness,
};

pub use every_event::every_event;

/// A run of these results.
pub fn run(results: Vec<ScenarioResult>) -> Run {
    Run {
        schema: RUN_SCHEMA.to_owned(),
        id: "2025-12-11-0938".to_owned(),
        client: "reference".to_owned(),
        started: "2025-12-11T09:38:00Z".to_owned(),
        duration_ms: 22_310,
        seed: 42,
        host: Host {
            os: "linux".to_owned(),
            kernel: Some("6.8.0".to_owned()),
            arch: "x86_64".to_owned(),
            cores: 2,
        },
        plan: None,
        results,
    }
}

/// The first repetition of a scenario.
pub fn result(scenario: &str, summary: &str, result: RunResult) -> ScenarioResult {
    ScenarioResult {
        scenario: scenario.to_owned(),
        summary: summary.to_owned(),
        file: Some(format!("scenarios/{scenario}.toml")),
        line: Some(12),
        repetition: 1,
        record: matches!(result, RunResult::Judged(_)).then(|| format!("{scenario}/record.json")),
        result,
        duration_ms: 210,
    }
}

/// A verdict on 14 clients in which every invariant but the last was evaluated.
pub fn verdict(outcome: Outcome) -> Verdict {
    let invariants = Invariant::ALL.into_iter().map(|invariant| {
        let mut report = InvariantReport::new(invariant);
        if invariant == Invariant::StaleIfError {
            report.not_evaluated = Some("the client does not claim it".to_owned());
        } else {
            report.evaluations = 14;
            report.witness = Some("14 clients asked for the catalogue".to_owned());
        }
        report
    });
    Verdict {
        outcome,
        reasons: Vec::new(),
        invariants: invariants.collect(),
        witnesses: vec![Witness { name: "contention".to_owned(), observed: 14, required: 2 }],
        measures: Measures {
            clients: 14,
            requests: 1,
            herd_requests: 1,
            answered_200: 1,
            hits: 13,
            contention: 14,
            observations: 31,
            wait_ms_max: Some(180),
            duration_ms: 205,
            ..Measures::default()
        },
    }
}

/// A verdict with these violations.
pub fn failing(violations: &[(Invariant, &str, &[u32])]) -> Verdict {
    let mut verdict = verdict(Outcome::Fail);
    verdict.measures.requests = 3;
    verdict.measures.herd_requests = 3;
    for (invariant, sentence, events) in violations {
        let report = &mut verdict.invariants[*invariant as usize];
        let sentence = (*sentence).to_owned();
        report.violations.push(Violation { sentence, events: events.to_vec() });
    }
    verdict
}

/// What the harness says about a scenario file with a wrong key, with styles as a terminal shows it.
pub const DIAGNOSTIC: &str =
    "\u{1b}[1m\u{1b}[31merror\u{1b}[0m: unknown field `tll`, expected `ttl` or `initial`
  \u{1b}[34m-->\u{1b}[0m scenarios/ttl/misspelt.toml:7:1
   |
 7 | tll = \"1h\"
   | ^^^ did you mean `ttl`?
";

const SECOND_FETCH: &str = "c03 sent request #2 at 0.041 s although request #1 of c01 was under way since \
     0.012 s, and no injected fault explains it.";

/// A run with every outcome, one scenario of them repeated ten times with mixed fortune.
pub fn every_outcome() -> Run {
    let mut results = vec![
        result(
            "stampede/cold-herd",
            "Fourteen clients meet an empty cache: one fetches, thirteen wait.",
            RunResult::Judged(verdict(Outcome::Pass)),
        ),
        result(
            "crash/holder-killed",
            "The client that fetches is killed: another takes over and nobody is stuck.",
            RunResult::Judged(failing(&[
                (
                    Invariant::NoPartialFile,
                    "At 0.112 s providers.json held 8192 of the 16384 bytes of catalogue 1, written by \
                     c01, which an injection killed at 0.110 s.",
                    &[4, 5],
                ),
                (
                    Invariant::BoundedWait,
                    "c07 lived for 20.0 s, its whole deadline, and was killed by the harness.",
                    &[6],
                ),
            ])),
        ),
        result("ttl/misspelt", "", RunResult::Invalid(DIAGNOSTIC.to_owned())),
        result(
            "disk/no-space",
            "The disk is full while the cache is written.",
            RunResult::HarnessFault(
                "the record could not be written: No space left on device (os error 28); free some \
                 space below the run's folder"
                    .to_owned(),
            ),
        ),
        result(
            "network/timeout",
            "Catwalk never answers.",
            RunResult::Judged(Verdict {
                reasons: vec!["The scenario's own deadline of 60 s passed while 3 clients lived.".to_owned()],
                ..verdict(Outcome::Inconclusive)
            }),
        ),
        result(
            "stampede/warm-herd",
            "Fourteen clients meet a fresh cache.",
            RunResult::Judged(Verdict {
                reasons: vec!["Never were two clients waiting or racing at the same time.".to_owned()],
                witnesses: vec![Witness { name: "contention".to_owned(), observed: 1, required: 2 }],
                measures: Measures { contention: 1, ..verdict(Outcome::Vacuous).measures },
                ..verdict(Outcome::Vacuous)
            }),
        ),
    ];
    for name in ["disk/read-only", "disk/tmpfs"] {
        results.push(result(
            name,
            "The cache directory cannot be written.",
            RunResult::Skipped("root ignores permissions; run as an ordinary user".to_owned()),
        ));
    }
    results.extend((1..=10).map(repeated));
    run(results)
}

fn repeated(repetition: u32) -> ScenarioResult {
    let verdict = match repetition {
        3 | 8 => failing(&[(Invariant::SingleFlight, SECOND_FETCH, &[2, 3])]),
        9 => failing(&[
            (Invariant::SingleFlight, SECOND_FETCH, &[2, 3]),
            (Invariant::SingleFlight, "c04 sent request #3 in the same window.", &[9]),
        ]),
        5 => Verdict {
            reasons: vec!["Injection 1 never fired.".to_owned()],
            ..verdict(Outcome::Vacuous)
        },
        _ => verdict(Outcome::Pass),
    };
    ScenarioResult {
        repetition,
        record: Some(format!("stampede/slow-server/{repetition:02}.json")),
        duration_ms: 2_100 + u64::from(repetition),
        ..result(
            "stampede/slow-server",
            "The server takes two seconds: still only one client of the herd asks it.",
            RunResult::Judged(verdict),
        )
    }
}

/// A run in which everything was skipped.
pub fn only_skipped() -> Run {
    let skipped = |name| {
        let why = "ptrace is not permitted here; set kernel.yama.ptrace_scope to 1";
        result(name, "", RunResult::Skipped(why.to_owned()))
    };
    run(vec![skipped("crash/every-call"), skipped("schedule/two-clients")])
}

fn scenario(summary: &str) -> Scenario {
    Scenario {
        disk: Default::default(),
        summary: summary.to_owned(),
        why: None,
        catwalk: Catwalk::default(),
        cache: Cache::default(),
        clients: Clients { count: 3, ..Clients::default() },
        waves: Vec::new(),
        inject: Vec::new(),
        expect: Expect::default(),
    }
}

fn client() -> Client {
    Client {
        name: "reference".to_owned(),
        summary: "The reference cache.".to_owned(),
        command: vec!["{cache-client}".to_owned(), "get".to_owned()],
        commands: BTreeMap::new(),
        tells: BTreeMap::new(),
        sessions: Vec::new(),
        env: BTreeMap::new(),
        ttl: None,
        requires: Vec::new(),
        needs: BTreeMap::new(),
        services: BTreeMap::new(),
        herd_max: None,
        files: Files {
            published: "providers.json".to_owned(),
            form: PublishedForm::Catalogue,
            locks: vec!["*.lock".to_owned()],
            lock_kind: LockKind::Advisory,
            temporaries: vec!["*.tmp".to_owned()],
            sidecars: Vec::new(),
            embedded: None,
        },
        stdout: Stdout::Catalogue,
        age: Age::Mtime,
        claims: Claims::default(),
    }
}

/// A record of these events, three milliseconds apart.
pub fn record(summary: &str, events: Vec<What>) -> Record {
    let timed =
        events.into_iter().zip(1..).map(|(what, step)| Event { at: Nanos(step * 3_000_000), what });
    Record {
        schema: RECORD_SCHEMA.to_owned(),
        name: "crash/holder-killed".to_owned(),
        scenario: scenario(summary),
        client: client(),
        ttl: Span::from_secs(3600),
        repetition: 1,
        seed: 42,
        barrier: Barrier::AfterExec,
        events: timed.collect(),
    }
}

/// The process with this number was let go.
pub fn released(client: u32) -> What {
    What::Released { client: ClientId(client) }
}

/// A process ended.
pub fn exited(client: u32, status: ExitStatus, got: Sighting, stderr: &str) -> What {
    What::Exited(Exited {
        client: ClientId(client),
        status,
        user_us: 800,
        system_us: 1200,
        max_rss_kib: 4096,
        delayed_us: None,
        got,
        stdout: Excerpt::default(),
        stderr: Excerpt { bytes: stderr.len() as u64, text: stderr.to_owned() },
        said_stale: false,
        told: None,
    })
}
