//! The end of a run on a terminal: a table, the details of what did not pass, a summary.

use std::fmt::Write as _;

use cachestorm_model::run::Run;

use crate::counts::Status;
use crate::details;
use crate::style::{NAMES, Options, Palette, paint, status_word};
use crate::summary::{Scenario, Summary, Theme, short_name, themes};
use crate::text;

/// The whole report: what ran where, the table, the details, the summary.
pub fn render(run: &Run, options: &Options) -> String {
    let themes = themes(run);
    let blocks = [
        header(run, options),
        table(&themes, options),
        details::details(&themes, options),
        footer(&Summary::of(run, options.strict), options),
    ];
    let blocks: Vec<String> = blocks.into_iter().filter(|block| !block.is_empty()).collect();
    blocks.join("\n")
}

/// The details alone: what did not pass and why, and what was skipped and why; nothing where all passed.
pub fn details(run: &Run, options: &Options) -> String {
    details::details(&themes(run), options)
}

/// `cachestorm  crush on linux 6.8 x86_64, 2 cores; seed 42; run 0042`.
fn header(run: &Run, options: &Options) -> String {
    let host = &run.host;
    let machine: Vec<&str> = [host.os.as_str(), host.kernel.as_deref().unwrap_or(""), &host.arch]
        .into_iter()
        .filter(|word| !word.is_empty())
        .collect();
    let line = format!(
        "{} on {}, {}; seed {}; run {}",
        run.client,
        machine.join(" "),
        text::counted(host.cores, "core"),
        run.seed,
        run.id
    );
    let plain = text::hanging(0, "cachestorm  ", &line, options.width);
    plain.replacen("cachestorm", &paint(options.palette.strong, "cachestorm"), 1)
}

/// One line of the table.
struct Row<'a> {
    status: Status,
    ratio: String,
    name: &'a str,
    figures: [String; 3],
}

const HEADINGS: [&str; 3] = ["requests", "contention", "time"];

impl<'a> Row<'a> {
    fn of(scenario: &Scenario<'a>) -> Self {
        Self {
            status: scenario.status(),
            ratio: scenario.ratio().unwrap_or_default(),
            name: short_name(scenario.name),
            figures: [
                scenario.figure(|measures| measures.herd_requests),
                scenario.figure(|measures| measures.contention),
                text::duration(scenario.duration_ms()),
            ],
        }
    }
}

/// The widths of the columns, in characters.
struct Widths {
    ratio: usize,
    name: usize,
    figures: [usize; 3],
}

impl Widths {
    /// As wide as the longest cell, but names get no more than the terminal leaves for them.
    fn of(rows: &[&Row<'_>], terminal: usize) -> Self {
        let longest =
            |cell: &dyn Fn(&Row<'_>) -> usize| rows.iter().map(|row| cell(row)).max().unwrap_or(0);
        let ratio = match longest(&|row| row.ratio.len()) {
            0 => 0,
            width => width + 2,
        };
        let figures: [usize; 3] =
            std::array::from_fn(|i| longest(&|row| row.figures[i].len()).max(HEADINGS[i].len()));
        let taken = NAMES + ratio + figures.iter().map(|width| width + 2).sum::<usize>();
        let name = longest(&|row| row.name.chars().count()).min(terminal.saturating_sub(taken));
        Self { ratio, name, figures }
    }
}

fn table(themes: &[Theme<'_>], options: &Options) -> String {
    let rows: Vec<Vec<Row<'_>>> =
        themes.iter().map(|theme| theme.scenarios.iter().map(Row::of).collect()).collect();
    let all: Vec<&Row<'_>> = rows.iter().flatten().collect();
    if all.is_empty() {
        return String::new();
    }
    let widths = Widths::of(&all, options.width);
    let palette = &options.palette;
    let mut out = String::new();
    for (index, (theme, rows)) in themes.iter().zip(&rows).enumerate() {
        // The headings stand once, on the line of the first theme.
        let headings = if index == 0 { figures(&widths, &HEADINGS) } else { String::new() };
        let name = paint(palette.strong, theme.name);
        let gap = if headings.is_empty() {
            0
        } else {
            (NAMES + widths.ratio + widths.name).saturating_sub(theme.name.chars().count())
        };
        let _ = writeln!(out, "{name}{:gap$}{}", "", paint(palette.faint, &headings));
        for row in rows {
            out.push_str(&line(row, &widths, palette));
        }
    }
    out
}

fn line(row: &Row<'_>, widths: &Widths, palette: &Palette) -> String {
    let word = status_word(palette, row.status);
    let ratio = if widths.ratio == 0 {
        String::new()
    } else {
        format!("{:>width$}  ", row.ratio, width = widths.ratio - 2)
    };
    let figures = figures(widths, &row.figures);
    // A name that does not fit keeps its line to itself rather than lose its end.
    if row.name.chars().count() > widths.name {
        let indent = NAMES + widths.ratio + widths.name;
        return format!("{word}{ratio}{}\n{:indent$}{figures}\n", row.name, "");
    }
    format!("{word}{ratio}{:name$}{figures}\n", row.name, name = widths.name)
}

fn figures(widths: &Widths, cells: &[impl AsRef<str>; 3]) -> String {
    let mut out = String::new();
    for (cell, width) in cells.iter().zip(widths.figures) {
        let _ = write!(out, "  {:>width$}", cell.as_ref());
    }
    out
}

fn footer(summary: &Summary, options: &Options) -> String {
    let palette = &options.palette;
    let size = summary.size();
    let counted: Vec<String> = summary.counts.phrases().map(|(_, phrase)| phrase).collect();
    let line = format!("[{}] {size}: {}", text::duration(summary.duration_ms), counted.join(", "));
    let mut tally = text::hanging(5, "Summary  ", &line, options.width);
    for (status, phrase) in summary.counts.phrases() {
        let style =
            if summary.counts.get(status) == 0 { palette.faint } else { palette.status(status) };
        tally = replace_last(&tally, &phrase, &paint(style, &phrase));
    }
    let exit = text::hanging(
        8,
        "Exit  ",
        &format!("{}: {}.", summary.exit_code, summary.meaning),
        options.width,
    );
    let style = if summary.exit_code == 0 { palette.good } else { palette.bad };
    format!(
        "{}\n{}{}",
        paint(palette.faint, &"─".repeat(options.width.min(60))),
        tally.replacen("Summary", &paint(palette.strong, "Summary"), 1),
        exit.replacen("Exit", &paint(style, "Exit"), 1),
    )
}

/// A phrase that was wrapped in its middle is not found, and stays without colour.
fn replace_last(text: &str, from: &str, to: &str) -> String {
    match text.rsplit_once(from) {
        Some((before, after)) => format!("{before}{to}{after}"),
        None => text.to_owned(),
    }
}
