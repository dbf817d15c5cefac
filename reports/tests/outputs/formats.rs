//! Each format as a snapshot of a run with every outcome, and what must hold of all of them.

use cachestorm_model::run::{Run, ScenarioResult};
use cachestorm_model::verdict::Outcome;
use cachestorm_reports::counts::{Counts, Status};
use cachestorm_reports::style::{Options, Palette};
use cachestorm_reports::{annotations, json, junit, live, markdown, terminal, write_all};
use quick_xml::Reader;
use quick_xml::events::Event;

use crate::samples::{every_outcome, only_skipped, run};

fn plain(width: usize) -> Options {
    Options { width, ..Options::plain() }
}

#[test]
fn terminal_of_every_outcome() {
    insta::assert_snapshot!("terminal", terminal::render(&every_outcome(), &plain(100)));
}

#[test]
fn terminal_of_a_narrow_window() {
    insta::assert_snapshot!("terminal-narrow", terminal::render(&every_outcome(), &plain(48)));
}

#[test]
fn terminal_of_runs_that_judged_nothing() {
    let empty = terminal::render(&run(Vec::new()), &plain(100));
    let skipped = terminal::render(&only_skipped(), &plain(100));
    insta::assert_snapshot!("terminal-nothing-judged", format!("{empty}\n\n{skipped}"));
}

#[test]
fn lines_of_progress() {
    let run = every_outcome();
    let line = |result: &ScenarioResult| {
        let all = run.results.iter().filter(|other| other.scenario == result.scenario).count();
        let all = u32::try_from(all).expect("it is small");
        live::line(result, all, &Palette::plain()) + "\n"
    };
    insta::assert_snapshot!("live", run.results.iter().map(line).collect::<String>());
}

#[test]
fn markdown_of_every_outcome() {
    insta::assert_snapshot!("markdown", markdown::render(&every_outcome(), false).unwrap());
}

#[test]
fn markdown_of_an_empty_run() {
    insta::assert_snapshot!("markdown-empty", markdown::render(&run(Vec::new()), false).unwrap());
}

#[test]
fn junit_of_every_outcome() {
    insta::assert_snapshot!("junit", junit::render(&every_outcome()).unwrap());
}

#[test]
fn annotations_of_every_outcome() {
    insta::assert_snapshot!("annotations", annotations::render(&every_outcome()));
    assert_eq!(annotations::render(&only_skipped()), "");
}

#[test]
fn json_starts_with_a_summary() {
    let text = json::render(&only_skipped(), false).unwrap();
    insta::assert_snapshot!("json", text);
}

#[test]
fn json_holds_the_run_as_it_was() {
    for run in [every_outcome(), only_skipped(), run(Vec::new())] {
        let text = json::render(&run, true).unwrap();
        let report: serde_json::Value = serde_json::from_str(&text).unwrap();
        let read: Run = serde_json::from_value(report["run"].clone()).unwrap();
        assert_eq!(read, run);
        assert_eq!(report["summary"]["exit_code"], run.outcome(true).exit_code());
    }
}

/// Elements of each name, after reading the document to its end.
fn elements(xml: &str, name: &str) -> usize {
    let mut reader = Reader::from_str(xml);
    let mut found = 0;
    loop {
        match reader.read_event().expect("the XML is well-formed") {
            Event::Eof => return found,
            Event::Start(tag) | Event::Empty(tag) => {
                for attribute in tag.attributes() {
                    attribute.expect("the attribute is well-formed");
                }
                found += usize::from(tag.name().as_ref() == name.as_bytes());
            }
            _ => {}
        }
    }
}

#[test]
fn junit_has_a_test_case_for_every_result_and_no_silent_pass() {
    for run in [every_outcome(), only_skipped(), run(Vec::new())] {
        let xml = junit::render(&run).unwrap();
        let counts = Counts::of(&run.results);
        let count = |status| counts.get(status) as usize;
        assert_eq!(elements(&xml, "testcase"), run.results.len());
        assert_eq!(elements(&xml, "failure"), count(Status::Fail) + count(Status::Vacuous));
        assert_eq!(
            elements(&xml, "error"),
            count(Status::Inconclusive) + count(Status::Invalid) + count(Status::HarnessFault)
        );
        assert_eq!(elements(&xml, "skipped"), count(Status::Skipped));
    }
}

#[test]
fn every_scenario_and_every_violation_is_in_every_format() {
    let run = every_outcome();
    let formats = [
        terminal::render(&run, &plain(10_000)),
        markdown::render(&run, false).unwrap(),
        json::render(&run, false).unwrap(),
        junit::render(&run).unwrap(),
    ];
    for text in formats {
        for result in &run.results {
            let (_, name) = result.scenario.split_once('/').unwrap();
            assert!(text.contains(name), "{name} is missing in:\n{text}");
        }
        for sentence in ["c04 sent request #3 in the same window.", "c07 lived for 20.0 s"] {
            assert!(text.contains(sentence), "{sentence} is missing in:\n{text}");
        }
    }
}

#[test]
fn styles_change_nothing_but_styles() {
    let stripped = |text: &str| anstream::adapter::strip_str(text).to_string();
    for run in [every_outcome(), only_skipped(), run(Vec::new())] {
        for width in [30, 60, 100, 200] {
            let styled = Options { width, ..Options::default() };
            let styled = terminal::render(&run, &styled);
            assert_ne!(styled, stripped(&styled));
            assert_eq!(stripped(&styled), terminal::render(&run, &plain(width)));
        }
    }
}

#[test]
fn sentences_fit_the_width() {
    let mut run = every_outcome();
    // A diagnostic keeps its own lines.
    run.results.retain(|result| Status::of(result) != Status::Invalid);
    for width in [60, 80, 100] {
        for line in terminal::render(&run, &plain(width)).lines() {
            assert!(line.chars().count() <= width, "wider than {width}: {line}");
        }
    }
}

#[test]
fn the_worst_status_agrees_with_the_exit_code() {
    let run = every_outcome();
    let first = |status| run.results.iter().find(|result| Status::of(result) == status).unwrap();
    let outcome = |results: &[Status]| {
        let results = results.iter().map(|status| first(*status).clone()).collect();
        crate::samples::run(results).outcome(false)
    };
    for one in Status::ALL {
        for other in Status::ALL.into_iter().filter(|other| *other >= one) {
            // A skip beside a pass counts only in a strict run.
            if (one, other) != (Status::Pass, Status::Skipped) {
                assert_eq!(outcome(&[one, other]), outcome(&[other]), "{one:?} and {other:?}");
            }
        }
    }
    assert_eq!(first(Status::Fail).outcome(), Some(Outcome::Fail));
}

#[test]
fn the_exit_code_is_explained() {
    let all = every_outcome();
    let check = |statuses: &[Status], strict, expected: &str| {
        let first = |status| {
            all.results.iter().find(|result| Status::of(result) == status).unwrap().clone()
        };
        let run = run(statuses.iter().copied().map(first).collect());
        let text = terminal::render(&run, &Options { strict, ..plain(100) });
        assert!(text.contains(&format!("Exit  {expected}.")), "{statuses:?} {strict}:\n{text}");
    };
    use Status::{Fail, HarnessFault, Inconclusive, Invalid, Pass, Skipped, Vacuous};
    check(&[Pass, Skipped], false, "0: every invariant that was judged held");
    check(&[Pass, Skipped], true, "4: something was skipped, and skips count in a strict run");
    check(&[Skipped], false, "4: nothing was judged");
    check(&[Pass, Fail, HarnessFault], false, "1: an invariant was violated");
    check(&[Pass, Inconclusive], false, "2: the harness could not tell");
    let vacuous = "3: what a scenario is about never happened, so it proves nothing";
    check(&[Inconclusive, Vacuous], false, vacuous);
    check(&[Invalid, Vacuous], false, "64: a scenario could not be read");
    check(&[], false, "64: no scenario was run");
    check(&[HarnessFault, Invalid], false, "70: the harness failed");
}

#[test]
fn all_reports_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("new/folder");
    let written = write_all(&every_outcome(), false, &below).unwrap();
    let names: Vec<_> =
        written.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["report.json", "junit.xml", "summary.md", "summary.txt"]);
    for path in &written {
        assert!(std::fs::metadata(path).unwrap().len() > 0, "{}", path.display());
    }
    let error = write_all(&every_outcome(), false, &written[0]).unwrap_err();
    assert!(error.to_string().contains("choose another"), "{error}");
}
