//! Texts that a format could trip over, and verdicts that say too little or too much.

use cachestorm_model::run::{Run, RunResult};
use cachestorm_model::verdict::{Invariant, Outcome};
use cachestorm_reports::style::{Options, Palette};
use cachestorm_reports::{annotations, junit, live, markdown, terminal};
use quick_xml::Reader;
use quick_xml::events::Event;

use crate::samples::{failing, result, run, verdict};

const NASTY: &str =
    "c01 | printed <b>\"&'</b> ]]> `x` 50 %,\r\n::error::no \u{1b}[2J\0\u{b}\u{fffe} end";

fn nasty() -> Run {
    run(vec![
        result("a|b/c<d", NASTY, RunResult::Judged(failing(&[(Invariant::Freshness, NASTY, &[])]))),
        result("plain", NASTY, RunResult::Skipped(NASTY.to_owned())),
        result("x/invalid", NASTY, RunResult::Invalid(NASTY.to_owned())),
    ])
}

#[test]
fn xml_holds_no_character_that_xml_forbids() {
    let xml = junit::render(&nasty()).unwrap();
    // The Char production of XML 1.0, section 2.2.
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    assert_eq!(xml.chars().find(|c| !allowed(*c)), None);
    let mut reader = Reader::from_str(&xml);
    while reader.read_event().expect("the XML is well-formed") != Event::Eof {}
    assert!(xml.contains("printed &lt;b&gt;"), "{xml}");
}

#[test]
fn a_client_cannot_steer_the_terminal() {
    let run = nasty();
    let lines = run.results.iter().map(|result| live::line(result, 1, &Palette::plain()));
    let mut texts: Vec<String> = lines.collect();
    assert!(texts.iter().all(|line| !line.contains('\n')), "{texts:?}");
    texts.push(terminal::render(&run, &Options::plain()));
    for text in texts {
        assert_eq!(text.chars().find(|c| c.is_control() && *c != '\n'), None, "{text}");
    }
}

#[test]
fn a_table_row_stays_one_row() {
    let text = markdown::render(&nasty(), false).unwrap();
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 2 + 3);
    for row in rows {
        assert_eq!(row.replace("\\|", "").matches('|').count(), 7, "{row}");
    }
    assert!(!text.contains("<b>\""), "{text}");
}

#[test]
fn an_annotation_is_one_line() {
    let text = annotations::render(&nasty());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines.iter().all(|line| line.starts_with("::error file=")), "{text}");
    assert!(lines[0].contains("50 %25,"), "{text}");
}

#[test]
fn github_is_told_no_more_than_it_shows() {
    let sentence = "x".repeat(300);
    let sentences: Vec<String> = (1..=40).map(|n| format!("{n} {sentence}")).collect();
    let violations: Vec<(Invariant, &str, &[u32])> = Invariant::ALL
        .iter()
        .flat_map(|invariant| {
            sentences.iter().map(move |it| (*invariant, it.as_str(), [].as_slice()))
        })
        .collect();
    let failed = |n: u32| result(&format!("a/{n:02}"), "", RunResult::Judged(failing(&violations)));
    let check = |failures: u32, lines: usize, rest: &str| {
        let text = annotations::render(&run((1..=failures).map(failed).collect()));
        assert_eq!(text.lines().count(), lines);
        assert!(text.lines().all(|line| line.len() < 4096 + 200), "{text}");
        assert!(text.contains("more lines; the step's summary goes on."), "{text}");
        assert!(text.lines().last().unwrap().contains(rest), "{text}");
    };
    check(10, 10, "title=a/10%3A fail::");
    check(11, 10, "title=2 more scenarios::a/10: fail%0Aa/11: fail");
}

#[test]
fn a_summary_that_would_be_too_long_counts_what_it_leaves_out() {
    let sentences: Vec<String> = (1..=25).map(|n| format!("Violation number {n}.")).collect();
    let violations: Vec<(Invariant, &str, &[u32])> =
        sentences.iter().map(|s| (Invariant::Freshness, s.as_str(), [].as_slice())).collect();
    let run = run(vec![result("a/b", "", RunResult::Judged(failing(&violations)))]);
    let whole = markdown::render(&run, false).unwrap();
    assert_eq!(markdown::render_within(&run, false, whole.len()).unwrap(), whole);
    let short = markdown::render_within(&run, false, whole.len() - 1).unwrap();
    assert!(short.len() < whole.len() && short.contains("22 more; the JSON report"), "{short}");
    let shortest = markdown::render_within(&run, false, 0).unwrap();
    assert!(shortest.contains("25 more; the JSON report") && shortest.contains("| a/b |"));
}

#[test]
fn an_annotation_without_a_file_names_none() {
    let mut run = nasty();
    run.results.truncate(1);
    run.results[0].file = None;
    assert!(annotations::render(&run).starts_with("::error title=a|b/c<d%3A fail::freshness: "));
}

#[test]
fn a_verdict_without_a_reason_is_not_silent() {
    for outcome in [Outcome::Fail, Outcome::Vacuous, Outcome::Inconclusive, Outcome::Skipped] {
        let run = run(vec![result("a/b", "", RunResult::Judged(verdict(outcome)))]);
        let formats = [
            terminal::render(&run, &Options::plain()),
            markdown::render(&run, false).unwrap(),
            junit::render(&run).unwrap(),
        ];
        for text in formats {
            assert!(text.contains("The verdict gives no reason."), "{outcome}:\n{text}");
        }
    }
}

#[test]
fn what_a_limit_leaves_out_is_counted() {
    let sentences: Vec<String> = (1..=25).map(|n| format!("Violation number {n}.")).collect();
    let violations: Vec<(Invariant, &str, &[u32])> =
        sentences.iter().map(|s| (Invariant::Freshness, s.as_str(), [].as_slice())).collect();
    let run = run(vec![result("a/b", "", RunResult::Judged(failing(&violations)))]);
    let text = terminal::render(&run, &Options { limit: 20, ..Options::plain() });
    assert!(
        text.contains("Violation number 20.") && !text.contains("Violation number 21."),
        "{text}"
    );
    assert!(text.contains("5 more; the JSON report holds them all."), "{text}");
    assert!(junit::render(&run).unwrap().contains("Violation number 25."));
}

#[test]
fn a_long_name_keeps_its_end() {
    let name = format!("theme/{}-end", "very-".repeat(20));
    let run = run(vec![result(&name, "", RunResult::Judged(verdict(Outcome::Pass)))]);
    let text = terminal::render(&run, &Options { width: 60, ..Options::plain() });
    assert!(text.contains("very--end\n"), "{text}");
}
