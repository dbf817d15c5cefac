//! The claims of the status report that started this project, measured.
//!
//! - [`list`]: each claim with the scenario that tests it;
//! - [`measure`]: from a judged record to "holds", "refuted" or "not shown", with a figure.

pub mod list;
pub mod measure;

use std::time::{Instant, SystemTime};

use cachestorm_reports::claims::{ClaimCell, ClaimRow, ClaimsTable};

use self::list::{CLAIMS, Claim};
use self::measure::Seen;
use crate::model::client::Client;
use crate::model::run::{Run, RunResult, ScenarioResult};
use crate::model::verdict::Outcome;
use crate::record::store::{RunDir, StoreError, read_record};
use crate::scenario::against::check_against;
use crate::scenario::builtin;
use crate::suite::{Entry, Options, Progress, Subject, new_id, new_run, run_once};

/// Runs every claim against every client, one after another: figures taken side by side would disturb
/// one another.
///
/// # Errors
/// When a run's folder cannot be written.
pub fn table(
    subjects: &[Subject],
    options: &Options,
    progress: &dyn Progress,
) -> Result<ClaimsTable, StoreError> {
    let id = new_id(SystemTime::now());
    let known = builtin::scenarios();
    let mut table = ClaimsTable {
        clients: subjects.iter().map(|subject| subject.client.name.clone()).collect(),
        rows: CLAIMS.iter().map(row).collect(),
    };
    for subject in subjects {
        let client = &subject.client.name;
        let dir = RunDir::create(&options.base, &format!("claims-{id}-{client}"))?;
        let (began, mut results) = ((Instant::now(), SystemTime::now()), Vec::new());
        for (claim, row) in CLAIMS.iter().zip(&mut table.rows) {
            let cell = match known.iter().find(|entry| entry.name == claim.scenario) {
                Some(entry) => match cannot_land(entry, &subject.client) {
                    Some(why) => not_shown(why),
                    None => cell(claim, entry, subject, options, &dir, progress, &mut results),
                },
                None => not_shown(format!("there is no scenario \"{}\"", claim.scenario)),
            };
            row.cells.push(cell);
        }
        keep(&dir, &new_run(&dir, client, options, began, results))?;
    }
    Ok(table)
}

/// Keeps what the cells were read off, for `cachestorm show`.
fn keep(dir: &RunDir, run: &Run) -> Result<(), StoreError> {
    for result in &run.results {
        dir.tidy(&result.scenario, result.repetition);
    }
    let text = serde_json::to_string_pretty(run).map_err(|error| StoreError::Format {
        path: dir.path().join("run.json"),
        problem: error.to_string(),
    })?;
    dir.write("run.json", &text)
}

/// Why the fault of a claim's scenario can never land on this client, if so. A scenario whose fault is a
/// matter of luck calls it optional, and is run against those as well.
fn cannot_land(entry: &Entry, client: &Client) -> Option<String> {
    let mut scenario = entry.scenario.as_ref().ok()?.clone();
    for injection in &mut scenario.inject {
        injection.optional = false;
    }
    let reasons = check_against(&scenario, client);
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

fn row(claim: &Claim) -> ClaimRow {
    ClaimRow {
        claim: claim.claim.to_owned(),
        promised: claim.promised.to_owned(),
        cells: Vec::new(),
    }
}

/// Runs one claim against one client, as often as it may take until its fault lands.
fn cell(
    claim: &Claim,
    entry: &Entry,
    subject: &Subject,
    options: &Options,
    dir: &RunDir,
    progress: &dyn Progress,
    results: &mut Vec<ScenarioResult>,
) -> ClaimCell {
    for repetition in 1..=claim.tries {
        if options.cancel.is_cancelled() {
            return not_shown("the run was stopped".to_owned());
        }
        progress.started(entry, repetition);
        let result = run_once(entry, repetition, subject, options, dir);
        progress.finished(&result);
        let cell = measured(claim, &result, dir);
        results.push(result);
        if let Some(cell) = cell {
            return cell;
        }
    }
    not_shown(format!("its fault did not land in {} tries", claim.tries))
}

/// The cell of one run; `None` where its fault came too late and the run proves nothing.
fn measured(claim: &Claim, result: &ScenarioResult, dir: &RunDir) -> Option<ClaimCell> {
    let (RunResult::Judged(verdict), Some(file)) = (&result.result, &result.record) else {
        let (RunResult::Skipped(why) | RunResult::Invalid(why) | RunResult::HarnessFault(why)) =
            &result.result
        else {
            return Some(not_shown("its record was not kept".to_owned()));
        };
        return Some(not_shown(why.clone()));
    };
    let record = match read_record(&dir.path().join(file)) {
        Ok(record) => record,
        Err(error) => return Some(not_shown(error.to_string())),
    };
    if !(claim.landed)(&record) {
        return None;
    }
    Some(match verdict.outcome {
        Outcome::Pass | Outcome::Fail => (claim.measure)(&Seen { record: &record, verdict }),
        _ => not_shown(verdict.reasons.join("; ")),
    })
}

fn not_shown(why: String) -> ClaimCell {
    ClaimCell { holds: None, measured: "-".to_owned(), note: Some(why) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cells of a row of a Markdown table.
    fn cells(line: &str) -> Vec<&str> {
        line.trim().trim_matches('|').split('|').map(str::trim).collect()
    }

    #[test]
    fn the_table_in_the_readme_is_of_these_claims() {
        let readme = include_str!("../../../README.md");
        let mut lines = readme.lines().skip_while(|line| !line.starts_with("| claim |"));
        let header = cells(lines.next().expect("the README shows the table"));
        let clients = ["before-fix", "status-report", "status-report-fetch", "reference"];
        assert_eq!(header, [&["claim", "promised"][..], &clients].concat());
        let rows: Vec<_> = lines.skip(1).take_while(|line| line.starts_with('|')).collect();
        assert_eq!(rows.len(), CLAIMS.len());
        for (row, claim) in rows.into_iter().map(cells).zip(&CLAIMS) {
            assert_eq!(row[..2], [claim.claim, claim.promised]);
            assert_eq!(row.len(), header.len(), "{}", claim.claim);
            for cell in &row[2..] {
                let word = cell.strip_prefix("**").and_then(|cell| cell.split("**").next());
                assert!(matches!(word, Some("holds" | "refuted" | "not shown")), "{cell}");
            }
            // The reference is what the report asked for.
            assert!(row[5].starts_with("**holds**"), "{}", row[5]);
        }
    }

    #[test]
    fn a_fault_that_can_never_land_is_told_and_not_tried() {
        let check = |client: &str, scenario: &str, expected: Option<&str>| {
            let client = builtin::client(client).unwrap().unwrap();
            let known = builtin::scenarios();
            let entry = known.iter().find(|entry| entry.name == scenario).unwrap();
            assert_eq!(cannot_land(entry, &client).as_deref(), expected);
        };
        let none =
            "the scenario is about a temporary, and the description of `before-fix` names none";
        check("before-fix", "claims/writer-killed", Some(none));
        check("status-report", "claims/writer-killed", None);
        check("before-fix", "claims/failed-fetch", None);
    }
}
