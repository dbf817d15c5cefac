//! The details of what did not pass, for a terminal.

use crate::counts::Status;
use crate::statement::{Merged, Section, Subject, left_out_line, sections, skips};
use crate::style::{NAMES, Options, paint, status_word};
use crate::summary::{Scenario, Theme, troubles};
use crate::text;

/// A block for each scenario and each way in which its repetitions did not pass, violations first.
/// Scenarios skipped for the same reason share one block.
pub fn details(themes: &[Theme<'_>], options: &Options) -> String {
    let troubles = troubles(themes).into_iter();
    let mut blocks: Vec<String> =
        troubles.map(|(status, scenario)| block(scenario, status, options)).collect();
    blocks.extend(skipped(themes, options));
    blocks.join("\n")
}

fn block(scenario: &Scenario<'_>, status: Status, options: &Options) -> String {
    let palette = &options.palette;
    let mut out = status_word(palette, status);
    out.push_str(&paint(palette.strong, scenario.name));
    if scenario.repetitions() > 1 {
        let some = scenario.counts.get(status);
        let all = text::counted(scenario.repetitions(), "repetition");
        out.push_str(&paint(palette.faint, &format!("  {some} of {all}")));
    }
    out.push('\n');
    out.push_str(&faint(scenario.summary(), options));
    for found in sections(scenario.with(status), options.limit) {
        out.push_str(&section(&found, scenario.repetitions(), options));
    }
    out.push_str(&faint(&records(scenario, status), options));
    out
}

fn faint(sentence: &str, options: &Options) -> String {
    let paragraph = text::hanging(NAMES, "", &text::clean(sentence), options.width);
    paragraph
        .lines()
        .map(|line| format!("{:NAMES$}{}\n", "", paint(options.palette.faint, line.trim_start())))
        .collect()
}

fn section(section: &Section, repetitions: u32, options: &Options) -> String {
    let mut out = String::new();
    // A reason needs no heading: the word of the block is one.
    let headed = matches!(section.subject, Subject::Violation(_));
    if headed {
        let heading = paint(options.palette.bad, section.subject.as_str());
        out.push_str(&format!("{:NAMES$}{heading}\n", ""));
    }
    for merged in &section.merged {
        if section.subject == Subject::Diagnostic {
            out.push_str(&diagnostic(merged, options));
        } else {
            out.push_str(&sentence(merged, headed, repetitions, options));
        }
    }
    if section.left_out > 0 {
        let indent = if headed { NAMES + 2 } else { NAMES };
        out.push_str(&text::hanging(indent, "", &left_out_line(section.left_out), options.width));
    }
    out
}

fn sentence(merged: &Merged, headed: bool, repetitions: u32, options: &Options) -> String {
    let mut told = merged.statement.plain();
    if merged.statement.subject == Subject::Witness {
        told = format!("Witness {told}.");
    }
    if let Some(place) = merged.place(repetitions) {
        told = format!("{told} ({place})");
    }
    let (indent, bullet) = if headed { (NAMES + 2, "- ") } else { (NAMES, "") };
    text::hanging(indent, bullet, &told, options.width)
}

/// A diagnostic points into a file with its own columns: it is neither wrapped nor indented.
fn diagnostic(merged: &Merged, options: &Options) -> String {
    let text = if options.palette.is_plain() {
        merged.statement.plain()
    } else {
        merged.statement.text.clone()
    };
    format!("{}\n", text.trim_end())
}

/// Where the first record lies: `record  records/07.json (2 more beside it)`.
fn records(scenario: &Scenario<'_>, status: Status) -> String {
    let paths: Vec<&str> =
        scenario.with(status).filter_map(|result| result.record.as_deref()).collect();
    match paths.as_slice() {
        [] => String::new(),
        [one] => format!("Record: {one}"),
        [first, rest @ ..] => format!("Record: {first} (and {} more)", rest.len()),
    }
}

/// One block for each reason, with the names of the scenarios under it.
fn skipped(themes: &[Theme<'_>], options: &Options) -> Vec<String> {
    let word = status_word(&options.palette, Status::Skipped);
    let block = |(reason, names): (String, Vec<&str>)| {
        let reason = text::hanging(NAMES, "", &reason, options.width);
        let names = text::hanging(NAMES, "", &names.join(", "), options.width);
        format!("{word}{}{names}", reason.trim_start())
    };
    skips(themes).into_iter().map(block).collect()
}
