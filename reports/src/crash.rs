//! The crash table: which invariants a sweep of each client broke, and at which calls.

use askama::Template;
use cachestorm_model::crash::{CrashRow, CrashSummary, CrashTable};

use crate::ReportError;
use crate::text;

/// Runs that are named for each invariant; the rest is counted.
const NAMED: usize = 3;

struct Line<'a> {
    client: &'a str,
    bug: &'a str,
    word: &'static str,
    scenario: String,
    figures: String,
    broke: String,
}

#[derive(Template)]
#[template(path = "crash.md")]
struct Page<'a> {
    verdict: String,
    lines: Vec<Line<'a>>,
}

/// The table as a Markdown page.
///
/// # Errors
/// None that the data can cause; the template engine's are passed on.
pub fn markdown(table: &CrashTable) -> Result<String, ReportError> {
    let lines = table.rows.iter().flat_map(lines).collect();
    Ok(Page { verdict: verdict(table), lines }.render()?)
}

/// The table as JSON, with its keys in a fixed order, ending in a line break.
///
/// # Errors
/// None that the data can cause; the serialiser's are passed on.
pub fn json(table: &CrashTable) -> Result<String, ReportError> {
    Ok(serde_json::to_string_pretty(table)? + "\n")
}

fn lines(row: &CrashRow) -> Vec<Line<'_>> {
    let bug = row.bug.as_deref().unwrap_or("none: a right client");
    let line = |word, scenario, figures, broke| Line {
        client: &row.client,
        bug,
        word,
        scenario,
        figures,
        broke,
    };
    if let Some(why) = &row.skipped {
        return vec![line("skipped", String::new(), String::new(), text::one_line(why))];
    }
    let left_out = row.left_out.iter().map(|(scenario, why)| {
        line("skipped", scenario.clone(), String::new(), text::one_line(why))
    });
    row.sweeps
        .iter()
        .map(|sweep| {
            let word = match (sweep.broken.is_empty(), &row.bug) {
                (true, _) if sweep.untold + sweep.not_reached > 0 => "held where told",
                (true, _) => "held",
                (false, Some(_)) => "caught",
                (false, None) => "**false alarm**",
            };
            line(word, sweep.scenario.clone(), figures(sweep), broke(sweep))
        })
        .chain(left_out)
        .collect()
}

fn figures(sweep: &CrashSummary) -> String {
    let mut said = format!("{} calls, {} runs", sweep.calls, sweep.runs);
    if sweep.not_reached > 0 {
        said.push_str(&format!(", {} not reached", sweep.not_reached));
    }
    if sweep.untold > 0 {
        said.push_str(&format!(", {} not told", sweep.untold));
    }
    said
}

fn broke(sweep: &CrashSummary) -> String {
    let said = sweep.broken.iter().map(|(invariant, runs)| {
        let named: Vec<&str> = runs.iter().take(NAMED).map(String::as_str).collect();
        let more = runs.len() - named.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{invariant} at {}{more}", named.join(", "))
    });
    said.collect::<Vec<_>>().join("; ")
}

fn verdict(table: &CrashTable) -> String {
    let swept = |row: &&CrashRow| row.skipped.is_none();
    let wrong = table.rows.iter().filter(swept).filter(|row| row.bug.is_some());
    let caught = wrong.clone().filter(|row| row.is_caught()).count();
    let right = table.rows.iter().filter(swept).filter(|row| row.bug.is_none()).count();
    let runs: u64 =
        table.rows.iter().flat_map(|row| &row.sweeps).map(|sweep| u64::from(sweep.runs)).sum();
    let alarms = u64::try_from(table.false_alarms().count()).unwrap_or(u64::MAX);
    let skipped =
        table.rows.iter().map(|row| row.left_out.len() + usize::from(row.skipped.is_some()));
    let skipped: usize = skipped.sum();
    let skipped = if skipped > 0 { format!("; {skipped} skipped") } else { String::new() };
    format!(
        "{caught} of {} wrong clients are caught by a sweep; {} on {}; {} in all{skipped}",
        wrong.count(),
        text::counted(alarms, "false alarm"),
        text::counted(u64::try_from(right).unwrap_or(u64::MAX), "right client"),
        text::counted(runs, "run"),
    )
}
