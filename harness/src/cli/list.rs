//! `cachestorm list`: the scenarios and the clients that the program holds, and the faults of the network.

use std::process::ExitCode;

use super::args::ListArgs;
use super::{Failure, Outcome, output};
use crate::model::fault::Fault;
use crate::scenario::builtin;

/// Runs the subcommand.
pub fn run(args: &ListArgs) -> Outcome {
    if args.faults {
        output::print(&faults(args.names));
        return Ok(ExitCode::SUCCESS);
    }
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

/// The faults as a command line writes them, each with its label.
fn faults(names: bool) -> String {
    let faults = Fault::EXAMPLES.map(|fault| (fault.to_string(), fault.facts()));
    let width = faults.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines = faults.iter().map(|(name, facts)| match names {
        true => name.clone(),
        false => format!("{name:width$}  {:9}  {}", facts.detectable, facts.wire),
    });
    lines.collect::<Vec<_>>().join("\n")
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
