//! The HTML report as text: what it holds, that nothing in it can break out, that it fetches nothing.
//! What a browser makes of it is tested in `reports/tests/browser`.

use cachestorm_model::record::Record;
use cachestorm_model::run::{Run, RunResult, ScenarioResult};
use cachestorm_model::units::{Nanos, RequestId, Serial};
use cachestorm_model::verdict::{Invariant, Outcome, TtlWindow};
use cachestorm_reports::html::{Scene, chosen, render};
use serde_json::Value;

use crate::samples::{every_event, every_outcome, failing, only_skipped, result, run, verdict};

fn window() -> TtlWindow {
    TtlWindow {
        opened: 23,
        until: Some(Nanos(90_000_000)),
        serial: Serial(1),
        request: Some(RequestId(2)),
        renewed: false,
        extends: false,
    }
}

fn scene(result: usize, record: Record) -> Scene {
    Scene { result, record, windows: vec![window()] }
}

/// The data of the first timeline.
fn data(html: &str) -> Value {
    let start = "<script type=\"application/json\" id=\"data-0\">";
    let (_, rest) = html.split_once(start).expect("there is a timeline");
    let (json, _) = rest.split_once("</script>").expect("the element ends");
    serde_json::from_str(json).expect("it holds JSON")
}

/// A row of the timeline with a line for each of its spans and marks.
fn row(row: &Value) -> String {
    let mut text = format!("{} (group {}, rank {})\n", row["name"], row["group"], row["rank"]);
    for part in ["spans", "marks", "load"] {
        for item in row[part].as_array().into_iter().flatten() {
            text.push_str(&format!("  {part} {item}\n"));
        }
    }
    text
}

fn holder_killed(result: RunResult) -> Run {
    run(vec![crate::samples::result("crash/holder-killed", "x", result)])
}

#[test]
fn the_rows_of_a_record_with_every_event() {
    let violations: [(Invariant, &str, &[u32]); 1] =
        [(Invariant::TruthfulExit, "c03 failed though nothing was done to it.", &[25])];
    let run = holder_killed(RunResult::Judged(failing(&violations)));
    let html = render(&run, false, &[scene(0, every_event())]).unwrap();
    let data = data(&html);
    let lines: Vec<String> = data["rows"].as_array().unwrap().iter().map(row).collect();
    insta::assert_snapshot!("html-rows", lines.join("\n"));
    assert_eq!(data["events"].as_array().map(Vec::len), Some(every_event().events.len()));
    assert_eq!(data["violations"][0]["events"], serde_json::json!([25]));
    assert!(data["windows"][0]["label"].as_str().unwrap().starts_with("window 1"));
}

#[test]
fn every_event_names_a_row_that_there_is() {
    let run = holder_killed(RunResult::Judged(verdict(Outcome::Pass)));
    let data = data(&render(&run, false, &[scene(0, every_event())]).unwrap());
    let rows = data["rows"].as_array().unwrap().len();
    for event in data["events"].as_array().unwrap() {
        let row = event[3].as_i64().unwrap();
        assert!(row < i64::try_from(rows).unwrap(), "{event}");
        assert!(row >= 0, "the sample has no event without a row: {event}");
    }
}

#[test]
fn every_scenario_is_told_with_or_without_a_record() {
    assert!(render(&run(Vec::new()), false, &[]).unwrap().contains("no scenario was run"));
    for run in [every_outcome(), only_skipped()] {
        let html = render(&run, false, &[]).unwrap();
        for result in &run.results {
            let (_, name) = result.scenario.split_once('/').unwrap();
            assert!(html.contains(name), "{name}");
        }
        for status in ["vacuous", "inconclusive", "skipped", "invalid", "fault"] {
            let told = html.contains(&format!("badge {status}"));
            let is_it =
                |it: &ScenarioResult| cachestorm_reports::counts::Status::of(it).as_str() == status;
            assert_eq!(told, run.results.iter().any(is_it), "{status}");
        }
    }
    let html = render(&every_outcome(), false, &[]).unwrap();
    for reason in ["Injection 1 never fired.", "root ignores permissions", "did you mean `ttl`?"] {
        assert!(html.contains(reason), "{reason}");
    }
}

#[test]
fn nothing_that_a_client_printed_is_markup() {
    let nasty = "</script><img src=x onerror=alert(1)>\u{2028}<!-- \" ' &amp; \u{1b}[2J";
    let mut record = every_event();
    record.name = nasty.to_owned();
    record.client.files.published = nasty.to_owned();
    record.scenario.summary = nasty.to_owned();
    record.scenario.why = Some(nasty.to_owned());
    record.events.push(cachestorm_model::record::Event {
        at: Nanos(900_000_000),
        what: cachestorm_model::record::What::Note { text: nasty.to_owned() },
    });
    let bad = failing(&[(Invariant::Freshness, nasty, &[3])]);
    let mut run = run(vec![result(nasty, nasty, RunResult::Judged(bad))]);
    run.client = nasty.to_owned();
    run.host.kernel = Some(nasty.to_owned());
    let html = render(&run, false, &[scene(0, record)]).unwrap();
    assert!(!html.contains("<img"), "markup came through");
    assert!(!html.contains('\u{1b}'));
    let (_, scripts) = html.split_once("<script type").unwrap();
    assert!(!scripts.contains('\u{2028}'));
    // The scripts of the page itself, and no more.
    assert_eq!(html.matches("</script>").count(), 2);
    assert!(data(&html)["violations"][0]["sentence"].as_str().unwrap().contains("<img"));
}

#[test]
fn nothing_is_fetched_from_anywhere() {
    let run = holder_killed(RunResult::Judged(verdict(Outcome::Pass)));
    let html = render(&run, false, &[scene(0, every_event())]).unwrap();
    let namespace = "http://www.w3.org/2000/svg";
    let addresses = html.replace(namespace, "");
    for pattern in ["http://", "https://", "url(h", "@import", " src="] {
        assert!(!addresses.contains(pattern), "{pattern}");
    }
    assert!(html.contains("default-src 'none'"));
}

#[test]
fn of_many_repetitions_those_that_went_wrong_are_drawn_and_one_that_passed() {
    let run = every_outcome();
    let slow: Vec<u32> = chosen(&run, |_| true)
        .into_iter()
        .map(|index| &run.results[index])
        .filter(|result| result.scenario == "stampede/slow-server")
        .map(|result| result.repetition)
        .collect();
    assert_eq!(slow, [3, 8, 5, 1]);
    let drawn: Vec<Scene> =
        chosen(&run, |_| true).into_iter().map(|index| scene(index, every_event())).collect();
    let html = render(&run, false, &drawn).unwrap();
    assert_eq!(html.matches("<script type=\"application/json\"").count(), drawn.len());
    let recorded = run.results.iter().filter(|result| result.record.is_some()).count();
    let left = format!("{} further records", recorded - drawn.len());
    assert!(html.contains(&left), "{left}");
}
