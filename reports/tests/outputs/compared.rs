//! A baseline and a comparison with every finding in it.

use cachestorm_model::baseline::{BASELINE_SCHEMA, Baseline, Figures, Repetition};
use cachestorm_model::comparison::{
    COMPARISON_SCHEMA, Comparison, Figure, FigureChange, Finding, ScenarioComparison, Side, Spread,
    Test, VerdictChange,
};
use cachestorm_model::run::Host;
use cachestorm_model::verdict::{Outcome, Waits};

/// The machine of both sides.
fn host() -> Host {
    Host { os: "linux".to_owned(), kernel: None, arch: "x86_64".to_owned(), cores: 2 }
}

/// Ten repetitions of one scenario.
pub fn baseline() -> Baseline {
    let repetition = |number: u64| Repetition {
        outcome: Outcome::Pass,
        broken: Vec::new(),
        figures: Some(Figures {
            requests: 3,
            windows: 2,
            failed: 0,
            residue: 0,
            recovery_ms: Some(95 + number),
            waits: Waits::of((1..=14).map(|it| it * 4_000 + number * 100).collect()),
            start_us: Some(900),
        }),
    };
    let repetitions = (0..10).map(repetition).collect();
    Baseline {
        schema: BASELINE_SCHEMA.to_owned(),
        name: "main".to_owned(),
        version: "0.1.0".to_owned(),
        client: "toy".to_owned(),
        run: "20261120T064512123Z-4711".to_owned(),
        started: "2026-11-20T06:45:12Z".to_owned(),
        seed: 7,
        host: host(),
        scenarios: [("crash/holder-killed".to_owned(), repetitions)].into(),
    }
}

fn spread(values: [f64; 3]) -> Spread {
    let [least, median, most] = values.map(Some);
    Spread { count: 10, least, median, most }
}

fn change(figure: Figure, before: [f64; 3], now: [f64; 3], finding: Finding) -> FigureChange {
    let moved = now[1] > before[1];
    FigureChange {
        figure,
        before: spread(before),
        now: spread(now),
        shift: Some(now[1] - before[1]),
        a12: if moved { 0.94 } else { 0.5 },
        test: Test { p: if moved { 0.000_02 } else { 0.6 }, corrected: moved.then_some(0.0008) },
        finding,
        note: None,
    }
}

/// Every finding once.
pub fn comparison() -> Comparison {
    let wait =
        |finding| change(Figure::LongestWait, [50.0, 57.0, 61.0], [52.0, 58.0, 70.0], finding);
    let requests = |finding| change(Figure::RequestsPerWindow, [1.5; 3], [1.5; 3], finding);
    let mut shorter =
        change(Figure::Recovery, [200.0, 210.0, 230.0], [90.0, 105.0, 120.0], Finding::Better);
    (shorter.a12, shorter.test) = (0.0, Test { p: 0.000_01, corrected: Some(0.0004) });
    let mut perhaps = wait(Finding::Same);
    perhaps.note =
        Some("may be chance among 45 tests; 60 repetitions of each would tell".to_owned());
    let scenario = |name: &str, finding, note: Option<&str>, figures| ScenarioComparison {
        scenario: name.to_owned(),
        finding,
        repetitions: [10, 10],
        note: note.map(str::to_owned),
        verdicts: Vec::new(),
        figures,
    };
    let mut flipped = scenario("ttl/one-by-one", Finding::CannotTell, None, Vec::new());
    flipped.verdicts.push(VerdictChange {
        what: "freshness broken".to_owned(),
        times: [0, 1],
        of: [10, 10],
        test: Test { p: 0.5, corrected: None },
        finding: Finding::CannotTell,
        note: Some("41 repetitions of each would show such a share".to_owned()),
    });
    let side = |name: &str, started: &str| Side {
        name: name.to_owned(),
        client: "toy".to_owned(),
        started: started.to_owned(),
        host: host(),
    };
    let longer =
        change(Figure::Recovery, [95.0, 99.5, 104.0], [121.0, 130.0, 150.0], Finding::Worse);
    Comparison {
        schema: COMPARISON_SCHEMA.to_owned(),
        finding: Finding::Worse,
        baseline: side("main", "2026-11-20T06:45:12Z"),
        run: side("20261123T064512123Z-4711", "2026-11-23T06:45:12Z"),
        beside: None,
        alpha: 0.05,
        least_change: 0.1,
        tests: 45,
        needed: 6,
        together: vec![change(Figure::Recovery, [0.9, 1.0, 1.1], [1.0, 1.3, 1.6], Finding::Worse)],
        scenarios: vec![
            scenario(
                "crash/holder-killed",
                Finding::Worse,
                None,
                vec![requests(Finding::Same), longer, perhaps],
            ),
            scenario(
                "crash/writer-killed",
                Finding::Better,
                None,
                vec![requests(Finding::Same), shorter, wait(Finding::Same)],
            ),
            scenario(
                "disk/full-before",
                Finding::NotCompared,
                Some("skipped then and now"),
                Vec::new(),
            ),
            scenario(
                "network/one-refused",
                Finding::CannotTell,
                Some("it was not run"),
                Vec::new(),
            ),
            flipped,
        ],
    }
}
