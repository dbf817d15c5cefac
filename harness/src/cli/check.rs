//! `cachestorm check`: scenario files and client descriptions, without running anything.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::args::CheckArgs;
use super::{Failure, Outcome, USAGE, output};
use crate::client::describe;
use crate::scenario::load;
use crate::scenario::text::diagnostic::Listed;
use crate::scenario::text::{Diagnostics, Source};

/// Runs the subcommand.
pub fn run(args: &CheckArgs) -> Outcome {
    let mut checked = 0_usize;
    let mut broken = 0_usize;
    for path in &args.files {
        for (file, problem) in check(path)? {
            checked += 1;
            if let Some(diagnostics) = problem {
                broken += 1;
                output::print(&draw(&diagnostics, &file, args.short));
            }
        }
    }
    output::note(&format!("{checked} checked, {broken} with mistakes"));
    Ok(ExitCode::from(if broken == 0 { 0 } else { USAGE }))
}

fn draw(diagnostics: &Diagnostics, file: &Path, short: bool) -> String {
    if !short {
        return diagnostics.styled();
    }
    let line = |listed: Listed| {
        format!(
            "{}:{}:{}: {}",
            file.display(),
            listed.start.line,
            listed.start.column,
            listed.message
        )
    };
    diagnostics.list().into_iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Each file with its mistakes, if it has any.
type Checked = Vec<(PathBuf, Option<Diagnostics>)>;

fn check(path: &Path) -> Result<Checked, Failure> {
    if path.is_dir() {
        let entries = load::folder(path).map_err(|error| {
            Failure::usage(anyhow::Error::new(error).context(format!("read {}", path.display())))
        })?;
        if entries.is_empty() {
            let error = anyhow::anyhow!(
                "{} holds no scenario (*.toml) and no client ({})",
                path.display(),
                describe::FILE_NAME
            );
            return Err(Failure::usage(error));
        }
        return Ok(entries.into_iter().map(|entry| checked(entry, path)).collect());
    }
    Ok(vec![checked(load::Entry::read(path.display().to_string(), path), path)])
}

/// A file with its mistakes; what its name says is a client was read as a scenario in vain.
fn checked(entry: load::Entry, path: &Path) -> (PathBuf, Option<Diagnostics>) {
    let file = entry.file.unwrap_or_else(|| path.to_path_buf());
    if file.file_name().is_some_and(|name| name == describe::FILE_NAME) || describes_client(&file) {
        return client(&file);
    }
    (file, entry.scenario.err())
}

/// Whether a file of any name is a client's description: these have a `command`, and scenarios have none.
fn describes_client(file: &Path) -> bool {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.parse::<toml::Table>().is_ok_and(|table| table.contains_key("command"))
}

fn client(file: &Path) -> (PathBuf, Option<Diagnostics>) {
    let read = Source::read(file).and_then(|source| describe::parse_source(&source));
    (file.to_path_buf(), read.err())
}
