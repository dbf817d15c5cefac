//! `cachestorm claims`: the claims of the status report, measured.

use std::process::ExitCode;

use cachestorm_reports::claims::{markdown, terminal};

use super::args::{ClaimsArgs, ClaimsFormat};
use super::progress::Live;
use super::run::subject;
use super::{Failure, Outcome, output};
use crate::claims::list::CLAIMS;
use crate::claims::table;
use crate::model::run::RunOutcome;
use crate::suite::Options;

/// Runs the subcommand. A refuted claim is a result, not a failure of this command.
pub fn run(args: &ClaimsArgs) -> Outcome {
    let chosen =
        args.clients.iter().map(|name| subject(name)).collect::<Result<Vec<_>, Failure>>()?;
    // The helper files live in the folders that come with the subjects, until the end of this function.
    let (subjects, _helpers): (Vec<_>, Vec<_>) = chosen.into_iter().unzip();
    let options = Options::new(&args.out);
    options.cancel.on_signals().map_err(Failure::harness)?;
    let live = Live::new((CLAIMS.len() * subjects.len()) as u64, 1);
    let table = table(&subjects, &options, &live).map_err(Failure::usage)?;
    live.end();
    let text = match args.format {
        ClaimsFormat::Terminal => terminal(&table, &output::options(false)),
        ClaimsFormat::Markdown => markdown(&table).map_err(Failure::harness)?,
        ClaimsFormat::Json => serde_json::to_string_pretty(&table).map_err(Failure::harness)?,
    };
    output::print(&text);
    if options.cancel.is_cancelled() {
        output::note("The table is not complete: it was stopped.");
        return Ok(ExitCode::from(RunOutcome::Inconclusive.exit_code()));
    }
    Ok(ExitCode::SUCCESS)
}
