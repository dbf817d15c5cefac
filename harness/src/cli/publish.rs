//! What becomes of a run at its end: its reports, what the CI is told, and the exit code.

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use cachestorm_reports::{junit, markdown, terminal};

use super::args::Wanted;
use super::{Failure, Outcome, github, output, report};
use crate::model::run::{Run, RunOutcome};
use crate::record::store::{RunDir, read_record};
use crate::suite::reports::{EVERY, write_reports};

/// Whether the files that are wanted can be written: whoever asks for a report must not learn after an hour
/// that it has no place.
pub fn can_be(wanted: &Wanted) -> anyhow::Result<()> {
    [&wanted.junit, &wanted.markdown]
        .into_iter()
        .flatten()
        .try_for_each(|file| can_be_written(file))
}

/// Writes the reports of a run into its folder and wherever else they are wanted. The exit code is that of the
/// run's verdicts.
pub fn publish(run: &Run, dir: &RunDir, wanted: &Wanted) -> Outcome {
    let outcome = run.outcome(wanted.strict);
    match write_everything(run, dir, wanted) {
        // A violation wins over everything, also over a report that cannot be written.
        Err(error) if outcome == RunOutcome::Violation => output::error(&error),
        written => written.map_err(Failure::usage)?,
    }
    Ok(ExitCode::from(outcome.exit_code()))
}

fn write_everything(run: &Run, dir: &RunDir, wanted: &Wanted) -> anyhow::Result<()> {
    let strict = wanted.strict;
    report::tell(write_reports(run, &dir.path(), strict, EVERY)?);
    output::print(&terminal::render(run, &output::options(strict)));
    output::print(&format!("\nThe reports are in {}.", dir.path().display()));
    if let Some(file) = &wanted.junit {
        let record = |path: &str| read_record(&dir.path().join(path)).ok();
        write(file, &junit::render_with(run, &record)?)?;
    }
    if let Some(file) = &wanted.markdown {
        write(file, &markdown::render(run, strict)?)?;
    }
    github::tell(run, strict)
}

fn can_be_written(file: &Path) -> anyhow::Result<()> {
    // Opening a pipe waits for its reader, and closing it tells the reader that all was said.
    if file.metadata().is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
        return Ok(());
    }
    let opened = OpenOptions::new().append(true).create(true).open(file);
    opened.map(drop).with_context(|| format!("cannot write {}", file.display()))
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}
