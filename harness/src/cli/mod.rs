//! The command `cachestorm`: its arguments, and one file for each subcommand.

mod args;
mod baseline;
mod check;
mod claims;
mod compare;
mod crash;
mod github;
mod kept;
mod list;
mod matrix;
mod merge;
mod output;
mod progress;
mod publish;
mod report;
mod run;
mod serve;
mod show;
mod storm;

use std::env;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Arguments, Subcommand};

/// The exit codes that are not [`crate::model::run::RunOutcome`]'s (sysexits.h).
pub const USAGE: u8 = 64;
/// The harness failed.
pub const SOFTWARE: u8 = 70;

/// What a subcommand comes to: an exit code, or an error for the user to read.
type Outcome = Result<ExitCode, Failure>;

/// An error at the edge of the program, with its exit code.
#[derive(Debug)]
struct Failure {
    code: u8,
    error: anyhow::Error,
}

impl Failure {
    /// The user can mend it: exit code 64.
    fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { code: USAGE, error: error.into() }
    }

    /// The harness or the machine is at fault: exit code 70.
    fn harness(error: impl Into<anyhow::Error>) -> Self {
        Self { code: SOFTWARE, error: error.into() }
    }
}

/// Whether a command line, without the program's name, is one that the program takes: for tests of files that
/// hold command lines. Nothing is run.
///
/// # Errors
/// What the program would say against it.
pub fn accepts<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<(), String> {
    let words = std::iter::once("cachestorm").chain(words);
    Arguments::try_parse_from(words).map(drop).map_err(|error| error.to_string())
}

/// The whole program, from its arguments to its exit code.
pub fn main() -> ExitCode {
    // Started hundreds of times in a run, so it must not wait for the parser of everything else.
    let mut words = env::args_os();
    if words.nth(1).is_some_and(|word| word == "client") {
        // No client has a name or an argument that is not UTF-8, and one that is made so is refused.
        return zoo::main(words.map(|word| word.to_string_lossy().into_owned()));
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = if error.use_stderr() { USAGE } else { 0 };
            // Nothing can be said to somebody who has closed the stream that it is said on.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let outcome = match arguments.command {
        Subcommand::Run(options) => run::run(&options),
        Subcommand::Merge(options) => merge::run(&options),
        Subcommand::List(options) => list::run(&options),
        Subcommand::Show(options) => show::run(&options),
        Subcommand::Report(options) => report::run(&options),
        Subcommand::Baseline(options) => baseline::run(&options),
        Subcommand::Compare(options) => compare::run(&options),
        Subcommand::Check(options) => check::run(&options),
        Subcommand::Claims(options) => claims::run(&options),
        Subcommand::Matrix(options) => matrix::run(&options),
        Subcommand::Crash(options) => crash::run(&options),
        Subcommand::Storm(options) => storm::run(&options),
        Subcommand::Serve(options) => serve::run(&options),
        Subcommand::Completions { shell } => {
            // Into memory first, because the generator panics where its writer fails.
            let mut script = Vec::new();
            let mut command = Arguments::command();
            clap_complete::generate(shell, &mut command, "cachestorm", &mut script);
            output::print(&String::from_utf8_lossy(&script));
            Ok(ExitCode::SUCCESS)
        }
        // Taken above; here for `--help`.
        Subcommand::Client { .. } => Ok(ExitCode::from(USAGE)),
    };
    outcome.unwrap_or_else(|failure| {
        output::error(&failure.error);
        ExitCode::from(failure.code)
    })
}
