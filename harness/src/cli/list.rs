//! `cachestorm list`: the scenarios and the clients that the program holds.

use std::process::ExitCode;

use super::args::ListArgs;
use super::{Failure, Outcome, output};
use crate::scenario::builtin;

/// Runs the subcommand.
pub fn run(args: &ListArgs) -> Outcome {
    let mut rows = if args.clients { clients()? } else { scenarios()? };
    rows.sort();
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines: Vec<String> = rows
        .into_iter()
        .map(|(name, what)| if args.names { name } else { format!("{name:width$}  {what}") })
        .collect();
    output::print(&lines.join("\n"));
    Ok(ExitCode::SUCCESS)
}

fn scenarios() -> Result<Vec<(String, String)>, Failure> {
    let read = |entry: crate::suite::Entry| match entry.scenario {
        Ok(scenario) => Ok((entry.name, scenario.summary)),
        Err(diagnostics) => Err(Failure::usage(diagnostics)),
    };
    builtin::scenarios().into_iter().map(read).collect()
}

fn clients() -> Result<Vec<(String, String)>, Failure> {
    let read = |name: String| match builtin::client(&name) {
        Some(Ok(client)) => Some(Ok((name, client.summary))),
        Some(Err(diagnostics)) => Some(Err(Failure::usage(diagnostics))),
        None => None,
    };
    builtin::client_names().into_iter().filter_map(read).collect()
}
