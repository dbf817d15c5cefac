//! The history of one record for a terminal: what the judge says about it, and then every event.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use cachestorm_model::record::{Barrier, Event, Record};
use cachestorm_model::verdict::{Invariant, InvariantReport, Outcome, Verdict, Violation};

use crate::counts::Status;
use crate::events::{Senders, kind, notable, senders, told, who};
use crate::excerpt::{Piece, pick};
use crate::statement::witness_line;
use crate::style::{NAMES, Options, paint, status_word};
use crate::summary::figures;
use crate::text;

/// Shows a record with its verdict. Of a record with more events than `limit` the middle is counted
/// instead of shown; events that a violation speaks of, and faults, stay.
pub fn show(record: &Record, verdict: &Verdict, options: &Options, limit: usize) -> String {
    let notes = footnotes(verdict);
    [
        heading(record, verdict, options),
        invariants(verdict, options),
        violations(&notes, options),
        background(verdict, options),
        history(record, &notes, options, limit),
    ]
    .into_iter()
    .filter(|block| !block.is_empty())
    .collect::<Vec<_>>()
    .join("\n")
}

fn heading(record: &Record, verdict: &Verdict, options: &Options) -> String {
    let palette = &options.palette;
    let barrier = match record.barrier {
        Barrier::AfterExec => "held after exec",
        Barrier::BeforeExec => "held before exec",
    };
    let setting = format!(
        "{}, repetition {}, seed {}, TTL {}, processes {barrier}",
        record.client.name, record.repetition, record.seed, record.ttl
    );
    let mut out = status_word(palette, Status::of_outcome(verdict.outcome));
    out.push_str(&paint(palette.strong, &record.name));
    out.push('\n');
    for sentence in [setting.as_str(), record.scenario.summary.as_str()] {
        out.push_str(&text::hanging(NAMES, "", &text::clean(sentence), options.width));
    }
    if verdict.outcome != Outcome::Pass {
        for reason in &verdict.reasons {
            out.push_str(&text::hanging(NAMES, "- ", &text::clean(reason), options.width));
        }
    }
    out
}

/// A violation with the number that the history refers to it by.
struct Footnote<'a> {
    number: usize,
    invariant: Invariant,
    violation: &'a Violation,
}

fn footnotes(verdict: &Verdict) -> Vec<Footnote<'_>> {
    let violations = verdict
        .invariants
        .iter()
        .flat_map(|report| report.violations.iter().map(|violation| (report.invariant, violation)));
    violations
        .enumerate()
        .map(|(index, (invariant, violation))| Footnote { number: index + 1, invariant, violation })
        .collect()
}

fn invariants(verdict: &Verdict, options: &Options) -> String {
    let longest = verdict.invariants.iter().map(|report| report.invariant.as_str().len()).max();
    let names = longest.unwrap_or(0);
    verdict.invariants.iter().map(|report| invariant(report, names, options)).collect()
}

fn invariant(report: &InvariantReport, names: usize, options: &Options) -> String {
    let palette = &options.palette;
    let (word, style) = match report {
        report if report.broken() => ("broken", palette.bad),
        report if report.evaluations == 0 => ("not judged", palette.faint),
        _ => ("held", palette.good),
    };
    let lead = format!("{word:>width$}  {:names$}  ", report.invariant, width = NAMES - 2);
    let line = text::hanging(0, &lead, &text::clean(&judged_on(report)), options.width);
    line.replacen(word, &paint(style, word), 1)
}

/// How often an invariant was evaluated and on what, or why it was not.
pub fn judged_on(report: &InvariantReport) -> String {
    let mut parts = vec![text::counted(report.evaluations, "evaluation")];
    if report.indeterminate > 0 {
        parts.push(format!("{} indeterminate", report.indeterminate));
    }
    if report.broken() {
        parts.push(text::counted(report.violations.len() as u64, "violation"));
    }
    let said: Vec<&str> = [&report.not_evaluated, &report.witness]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    match (said.as_slice(), report.evaluations) {
        ([], 0) => format!("{}; no reason was given", parts.join(", ")),
        ([], _) => parts.join(", "),
        (said, _) => format!("{}: {}", parts.join(", "), said.join("; ")),
    }
}

fn violations(notes: &[Footnote<'_>], options: &Options) -> String {
    let line = |note: &Footnote<'_>| {
        let label = format!("[{}] ", note.number);
        let events = match note.violation.events.as_slice() {
            [] => String::new(),
            [one] => format!(" (event {one})"),
            some => format!(" (events {})", text::listed(some)),
        };
        let sentence = text::clean(&note.violation.sentence);
        let told = format!("{}: {sentence}{events}", note.invariant);
        let plain = text::hanging(0, &format!("{label:>NAMES$}"), &told, options.width);
        let name = note.invariant.as_str();
        plain.replacen(name, &paint(options.palette.bad, name), 1)
    };
    notes.iter().map(line).collect()
}

/// The witnesses and the figures.
fn background(verdict: &Verdict, options: &Options) -> String {
    let witnesses: Vec<String> = verdict.witnesses.iter().map(witness_line).collect();
    let figures: Vec<String> =
        figures(&verdict.measures).iter().map(|(name, value)| format!("{name} {value}")).collect();
    [("witnesses", witnesses.join("; ")), ("figures", figures.join(", "))]
        .into_iter()
        .filter(|(_, line)| !line.is_empty())
        .map(|(label, line)| {
            let lead = format!("{label:>width$}  ", width = NAMES - 2);
            text::hanging(0, &lead, &text::clean(&line), options.width)
        })
        .collect()
}

/// The columns of the history, in characters.
struct Columns {
    marks: usize,
    index: usize,
    time: usize,
    who: usize,
}

fn history(record: &Record, notes: &[Footnote<'_>], options: &Options, limit: usize) -> String {
    let events = &record.events;
    let marks = marks(notes);
    let notable = (0..events.len()).filter(|index| notable(&events[*index].what)).collect();
    let marked: BTreeSet<usize> = marks.keys().copied().collect();
    let widest = |width: &dyn Fn(&Event) -> usize| events.iter().map(width).max().unwrap_or(0);
    let columns = Columns {
        marks: marks.values().map(String::len).max().unwrap_or(0),
        index: events.len().saturating_sub(1).to_string().len(),
        time: widest(&|event| event.at.to_string().len()),
        who: widest(&|event| who(&event.what).len()),
    };
    let senders = senders(events);
    pick(events.len(), &marked, &notable, limit)
        .into_iter()
        .map(|piece| match piece {
            Piece::Event(index) => {
                let mark = marks.get(&index).map_or("", String::as_str);
                line(index, &events[index], mark, &columns, &senders, options)
            }
            Piece::LeftOut(range) => gap(events, range, &columns, options),
        })
        .collect()
}

/// For each event that a violation speaks of, the numbers of those violations: `[1][3]`.
fn marks(notes: &[Footnote<'_>]) -> BTreeMap<usize, String> {
    let mut marks: BTreeMap<usize, String> = BTreeMap::new();
    for note in notes {
        let events: BTreeSet<u32> = note.violation.events.iter().copied().collect();
        for event in events {
            marks.entry(event as usize).or_default().push_str(&format!("[{}]", note.number));
        }
    }
    marks
}

fn line(
    index: usize,
    event: &Event,
    mark: &str,
    columns: &Columns,
    senders: &Senders,
    options: &Options,
) -> String {
    let lead = format!(
        "{mark:>marks$} {index:>width$}  {:>time$}  {:who$}  ",
        event.at.to_string(),
        who(&event.what),
        marks = columns.marks,
        width = columns.index,
        time = columns.time,
        who = columns.who
    );
    let plain = text::hanging(0, &lead, &told(&event.what, senders), options.width);
    if mark.is_empty() {
        return plain;
    }
    plain.replacen(mark, &paint(options.palette.bad, mark), 1)
}

/// `... 412 events left out (10 to 421): 200 starts, 212 releases`.
fn gap(events: &[Event], range: Range<usize>, columns: &Columns, options: &Options) -> String {
    let mut kinds: BTreeMap<&str, u32> = BTreeMap::new();
    for event in &events[range.clone()] {
        *kinds.entry(kind(&event.what)).or_default() += 1;
    }
    let mut kinds: Vec<(&str, u32)> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
    let kinds: Vec<String> = kinds.iter().map(|(kind, n)| format!("{kind} {n}")).collect();
    let told = format!(
        "{} events left out ({} to {}): {}",
        range.len(),
        range.start,
        range.end - 1,
        kinds.join(", ")
    );
    let paragraph = text::hanging(columns.marks + 1, "... ", &told, options.width);
    let faint = |line: &str| paint(options.palette.faint, line) + "\n";
    paragraph.lines().map(faint).collect()
}
