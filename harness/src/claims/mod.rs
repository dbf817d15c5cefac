//! The claims of the status report that started this project, measured.
//!
//! - [`list`]: each claim with the scenario that tests it;
//! - [`measure`]: from a judged record to "holds", "refuted" or "not shown", with a figure.

pub mod list;
pub mod measure;

use cachestorm_reports::claims::{ClaimCell, ClaimRow, ClaimsTable};

use self::list::{CLAIMS, Claim};
use self::measure::Seen;
use crate::model::run::{RunResult, ScenarioResult};
use crate::model::verdict::Outcome;
use crate::record::store::{RunDir, StoreError, read_record};
use crate::scenario::builtin;
use crate::suite::{Entry, Options, Progress, Subject, run_once};

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
    let id = format!("claims-{}", std::process::id());
    let known = builtin::scenarios();
    let mut table = ClaimsTable {
        clients: subjects.iter().map(|subject| subject.client.name.clone()).collect(),
        rows: CLAIMS.iter().map(row).collect(),
    };
    for subject in subjects {
        let dir = RunDir::create(&options.base, &format!("{id}-{}", subject.client.name))?;
        for (claim, row) in CLAIMS.iter().zip(&mut table.rows) {
            let cell = match known.iter().find(|entry| entry.name == claim.scenario) {
                Some(entry) => cell(claim, entry, subject, options, &dir, progress),
                None => not_shown(format!("there is no scenario \"{}\"", claim.scenario)),
            };
            row.cells.push(cell);
        }
    }
    Ok(table)
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
) -> ClaimCell {
    for repetition in 1..=claim.tries {
        if options.cancel.is_cancelled() {
            return not_shown("the run was stopped".to_owned());
        }
        progress.started(entry, repetition);
        let result = run_once(entry, repetition, subject, options, dir);
        progress.finished(&result);
        if let Some(cell) = measured(claim, &result, dir) {
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
