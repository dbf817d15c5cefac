//! One line for each scenario as it ends: plain progress, for logs and for CI.

use cachestorm_model::run::ScenarioResult;
use cachestorm_model::verdict::Verdict;

use crate::counts::Status;
use crate::statement::statements;
use crate::style::{Palette, paint, status_word};
use crate::summary::verdict;
use crate::text;

/// The line of one result, without a line break: `pass  stampede/cold-herd  14 clients, 1 request, 0.21 s`.
/// `repetitions` is how often the scenario is run in all.
pub fn line(result: &ScenarioResult, repetitions: u32, palette: &Palette) -> String {
    let status = Status::of(result);
    let mut out = status_word(palette, status);
    out.push_str(&paint(palette.strong, &result.scenario));
    if repetitions > 1 {
        out.push_str(&paint(palette.faint, &format!(" {}/{repetitions}", result.repetition)));
    }
    let time = text::duration(result.duration_ms);
    match verdict(result) {
        Some(verdict) => {
            out.push_str(&format!("  {}, {time}", figures(verdict)));
            out.push_str(&because(result, verdict, palette));
        }
        None => out.push_str(&format!("  {time}: {}", told(result))),
    }
    out
}

fn figures(verdict: &Verdict) -> String {
    let clients = text::counted(verdict.measures.clients, "client");
    let requests = text::counted(verdict.measures.herd_requests, "request");
    format!("{clients}, {requests}")
}

/// Which invariants were broken, or why nothing was proved.
fn because(result: &ScenarioResult, verdict: &Verdict, palette: &Palette) -> String {
    let broken: Vec<&str> = verdict
        .invariants
        .iter()
        .filter(|report| report.broken())
        .map(|report| report.invariant.as_str())
        .collect();
    match Status::of(result) {
        Status::Pass => String::new(),
        _ if !broken.is_empty() => format!(": {}", paint(palette.bad, &broken.join(", "))),
        _ => format!(": {}", told(result)),
    }
}

/// The first line of what there is to tell.
fn told(result: &ScenarioResult) -> String {
    let first = statements(result).into_iter().next();
    first.map(|statement| text::first_line(&statement.plain())).unwrap_or_default()
}
