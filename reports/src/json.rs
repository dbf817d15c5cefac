//! The run as JSON, for programs: a summary on top, the whole run below it.

use cachestorm_model::run::Run;
use serde::Serialize;

use crate::ReportError;
use crate::summary::Summary;

/// The version of the format.
pub const REPORT_SCHEMA: &str = "cachestorm-report/1";

#[derive(Serialize)]
struct Report<'a> {
    schema: &'static str,
    summary: Summary,
    run: &'a Run,
}

/// Pretty JSON with its keys in a fixed order, ending in a line break. `strict` makes a skip count.
///
/// # Errors
/// None that the data can cause; the serialiser's are passed on.
pub fn render(run: &Run, strict: bool) -> Result<String, ReportError> {
    let report = Report { schema: REPORT_SCHEMA, summary: Summary::of(run, strict), run };
    Ok(serde_json::to_string_pretty(&report)? + "\n")
}
