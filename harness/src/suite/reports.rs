//! The files of a run beside its records: the summary, and every report.

use std::fs;
use std::path::Path;

use cachestorm_reports::{ReportError, html, write_all};
use rayon::iter::Either;
use rayon::prelude::*;

use crate::judge::windows;
use crate::model::run::Run;
use crate::record::store::{StoreError, read_record};

/// The HTML report's name in the run's folder.
pub const HTML: &str = "report.html";

/// Which scenarios that passed have a timeline in the HTML report, by name. What went wrong has one in any case.
pub type Drawn = fn(&str) -> bool;

/// Every one of them.
pub const EVERY: Drawn = |_| true;

/// Writes the summary of a run and all reports into its folder. `strict` makes a skip count. Returns what the
/// HTML report lacks: the records that are gone.
///
/// # Errors
/// When a file cannot be made or written. Those written before stay.
pub fn write_reports(
    run: &Run,
    dir: &Path,
    strict: bool,
    drawn: Drawn,
) -> Result<Vec<StoreError>, ReportError> {
    let text = serde_json::to_string_pretty(run).map_err(ReportError::Json)?;
    write(&dir.join("run.json"), &text)?;
    write_all(run, strict, dir)?;
    write_html(run, dir, strict, &dir.join(HTML), None, drawn)
}

/// Writes the HTML report of the run in `dir` to `file`, beside a baseline where there is one. A record that was removed meanwhile has no timeline,
/// and everything else is told; these are returned.
///
/// # Errors
/// When it cannot be made or written.
pub fn write_html(
    run: &Run,
    dir: &Path,
    strict: bool,
    file: &Path,
    beside: Option<html::Beside<'_>>,
    drawn: Drawn,
) -> Result<Vec<StoreError>, ReportError> {
    let scene = |result: usize| {
        let path = run.results.get(result)?.record.as_ref()?;
        Some(read_record(&dir.join(path)).map(|record| {
            let windows = windows(&record);
            html::Scene { result, record, windows }
        }))
    };
    let (gone, scenes): (Vec<_>, Vec<_>) =
        html::chosen(run, drawn).into_par_iter().filter_map(scene).partition_map(Either::from);
    write(file, &html::render_beside(run, strict, &scenes, beside)?)?;
    Ok(gone)
}

fn write(file: &Path, text: &str) -> Result<(), ReportError> {
    let failed = |source| ReportError::Write { path: file.to_owned(), source };
    fs::write(file, text).map_err(failed)
}
