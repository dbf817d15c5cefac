//! The kill matrix: what caught which bug, for a terminal, as Markdown and as HTML.
//!
//! A row says which invariants a client broke, each with the runs in which it did out of all runs of the
//! scenarios that ever showed it, and the scenarios that caught it. Right clients stand apart: whatever
//! is caught there is a false alarm.

use anstyle::Style;
use askama::Template;
use cachestorm_model::matrix::{Cell, Matrix, Row, Score};
use cachestorm_model::verdict::Invariant;

use crate::ReportError;
use crate::style::{Options, paint};
use crate::text;

/// Scenarios named in a row; the rest is counted.
const SCENARIOS: usize = 4;

/// A row as every format shows it.
struct Line<'a> {
    client: &'a str,
    /// `caught`, `not yet`, `missed`, `right` or `false alarm`.
    word: &'static str,
    bug: &'a str,
    /// `single-flight 3/3, freshness 1/3`, or why there is nothing to say.
    broke: String,
    /// `stampede/cold-herd, ttl/five-windows and 2 more`.
    scenarios: String,
}

impl<'a> Line<'a> {
    fn of(row: &'a Row) -> Self {
        let word = match (&row.bug, row.is_caught(), &row.not_caught) {
            (Some(_), true, _) => "caught",
            (Some(_), false, Some(_)) => "not yet",
            (Some(_), false, None) => "missed",
            (None, false, _) => "right",
            (None, true, _) => "false alarm",
        };
        let broke = match &row.not_caught {
            Some(why) if word == "not yet" => why.clone(),
            _ if row.is_caught() => broke(row),
            _ => format!("nothing, in {}", runs(row)),
        };
        let bug = row.bug.as_deref().unwrap_or_default();
        Self { client: &row.client, word, bug, broke, scenarios: scenarios(row) }
    }

    fn style(&self, options: &Options) -> Style {
        match self.word {
            "caught" | "right" => options.palette.good,
            "not yet" => options.palette.doubtful,
            _ => options.palette.bad,
        }
    }
}

fn runs(row: &Row) -> String {
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let ran = row.cells.iter().filter(|cell| cell.runs > 0).count();
    let skipped = row.cells.iter().filter(|cell| cell.is_skipped()).count();
    let more = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    let scenarios = text::counted(count(ran), "scenario");
    format!("{} of {scenarios}{more}", text::counted(row.runs(), "run"))
}

fn broke(row: &Row) -> String {
    let shares = Invariant::ALL.into_iter().filter_map(|invariant| {
        let (broke, of) = row.broke(invariant);
        (broke > 0).then(|| format!("{invariant} {broke}/{of}"))
    });
    shares.collect::<Vec<_>>().join(", ")
}

fn scenarios(row: &Row) -> String {
    let caught = row.caught_by();
    let names: Vec<&str> = caught.iter().take(SCENARIOS).map(|cell| &*cell.scenario).collect();
    let more = caught.len() - names.len();
    let names = names.join(", ");
    if more > 0 { format!("{names} and {more} more") } else { names }
}

/// The figures in a sentence: `41 of 43 wrong clients are caught (95 %), ...`.
fn verdict(score: &Score) -> String {
    let Score { wrong, caught, not_caught_yet, right, right_runs, false_alarms } = *score;
    let percent = (f64::from(caught) / f64::from(wrong.max(1)) * 100.0).floor();
    let missed = wrong - caught - not_caught_yet;
    let mut parts = vec![format!("{caught} of {wrong} wrong clients are caught ({percent} %)")];
    if not_caught_yet > 0 {
        parts.push(format!("{not_caught_yet} not caught yet"));
    }
    if missed > 0 {
        parts.push(format!("{missed} MISSED"));
    }
    let alarms = text::counted(false_alarms, "false alarm");
    let clients = text::counted(right, "right client");
    parts.push(format!("{alarms} in {} of {clients}", text::counted(right_runs, "run")));
    parts.join("; ")
}

/// What proves nothing in a matrix, a sentence for each cell: nothing disappears. What is skipped every
/// time is counted with the row's runs.
fn unproven(matrix: &Matrix) -> Vec<String> {
    let cells = matrix.rows.iter().flat_map(|row| row.cells.iter().map(move |cell| (row, cell)));
    let told = cells.filter(|(_, cell)| {
        (!cell.unproven.is_empty() && !cell.is_skipped()) || !cell.faults.is_empty()
    });
    told.map(|(row, cell)| format!("{}, {}: {}", row.client, cell.scenario, troubles(cell)))
        .collect()
}

fn troubles(cell: &Cell) -> String {
    let ends = cell.unproven.iter().map(|(outcome, times)| format!("{times} {outcome}"));
    ends.chain(cell.faults.iter().map(|fault| text::one_line(fault))).collect::<Vec<_>>().join(", ")
}

/// The matrix for a terminal.
pub fn terminal(matrix: &Matrix, options: &Options) -> String {
    let lines: Vec<Line<'_>> = matrix.wrong().chain(matrix.right()).map(Line::of).collect();
    let client = lines.iter().map(|line| line.client.chars().count()).max().unwrap_or(0);
    let word = lines.iter().map(|line| line.word.len()).max().unwrap_or(0);
    let mut out = String::new();
    for line in &lines {
        let head = paint(line.style(options), &format!("{:word$}", line.word));
        let indent = word + client + 4;
        let mut body = line.broke.clone();
        if !line.scenarios.is_empty() {
            body.push_str(&format!("; by {}", line.scenarios));
        }
        let room = options.width.saturating_sub(indent).max(30);
        for (number, part) in text::wrap(&body, room).into_iter().enumerate() {
            match number {
                0 => out.push_str(&format!("{head}  {:client$}  {part}\n", line.client)),
                _ => out.push_str(&format!("{:indent$}{part}\n", "")),
            }
        }
    }
    for sentence in unproven(matrix) {
        out.push_str(&text::hanging(0, "- no verdict: ", &sentence, options.width));
    }
    out.push('\n');
    out.push_str(&paint(options.palette.strong, &verdict(&matrix.score())));
    out.push('\n');
    out
}

/// What the templates show.
struct Tables<'a> {
    verdict: String,
    wrong: Vec<Line<'a>>,
    right: Vec<Line<'a>>,
    invariants: Vec<(Invariant, u32)>,
    scenarios: Vec<(&'a str, u32)>,
    unproven: Vec<String>,
}

impl<'a> Tables<'a> {
    fn of(matrix: &'a Matrix) -> Self {
        let mut scenarios: Vec<(&str, u32)> = matrix.bugs_by_scenario().into_iter().collect();
        scenarios.sort_by_key(|(_, bugs)| std::cmp::Reverse(*bugs));
        Self {
            verdict: verdict(&matrix.score()),
            wrong: matrix.wrong().map(Line::of).collect(),
            right: matrix.right().map(Line::of).collect(),
            invariants: matrix.bugs_by_invariant().into_iter().collect(),
            scenarios,
            unproven: unproven(matrix),
        }
    }
}

#[derive(Template)]
#[template(path = "matrix.md")]
struct MarkdownPage<'a> {
    tables: Tables<'a>,
}

#[derive(Template)]
#[template(path = "matrix.html")]
struct HtmlPage<'a> {
    tables: Tables<'a>,
}

/// The matrix as a Markdown page.
///
/// # Errors
/// None that the data can cause; the template engine's are passed on.
pub fn markdown(matrix: &Matrix) -> Result<String, ReportError> {
    Ok(MarkdownPage { tables: Tables::of(matrix) }.render()?)
}

/// The matrix as one HTML page that needs nothing else.
///
/// # Errors
/// None that the data can cause; the template engine's are passed on.
pub fn html(matrix: &Matrix) -> Result<String, ReportError> {
    Ok(HtmlPage { tables: Tables::of(matrix) }.render()?)
}

/// The matrix as JSON, with its keys in a fixed order, ending in a line break.
///
/// # Errors
/// None that the data can cause; the serialiser's are passed on.
pub fn json(matrix: &Matrix) -> Result<String, ReportError> {
    Ok(serde_json::to_string_pretty(matrix)? + "\n")
}
