//! Under GitHub Actions, annotations and the step's summary come without being asked for.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use cachestorm_reports::{annotations, markdown};

use super::output;
use crate::model::run::Run;

/// The most that GitHub takes for one step's summary, in bytes; of a longer one it shows nothing.
const SUMMARY_MAX: usize = 1024 * 1024;

/// Tells GitHub what became of a run, where this is a job of its. A part of a run leaves that to the run that it
/// is joined into, so that nothing is said twice.
pub fn tell(run: &Run, strict: bool) -> anyhow::Result<()> {
    let actions = env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true");
    let summary = env::var_os("GITHUB_STEP_SUMMARY").filter(|file| !file.is_empty());
    let part = run.plan.as_ref().map(|plan| plan.shard).filter(|shard| !shard.is_whole());
    if let Some(shard) = part.filter(|_| actions || summary.is_some()) {
        output::note(&format!(
            "Annotations and the step's summary are left to `cachestorm merge`: this is shard {shard}."
        ));
        return Ok(());
    }
    if actions {
        let annotations = annotations::render(&with_files_in_workspace(run));
        if !annotations.is_empty() {
            output::print(&annotations);
        }
    }
    let Some(file) = summary else { return Ok(()) };
    append(run, strict, Path::new(&file))
}

/// Appends the summary to those of earlier commands of the same step.
fn append(run: &Run, strict: bool, file: &Path) -> anyhow::Result<()> {
    let before = file.metadata().map_or(0, |metadata| metadata.len());
    let room = SUMMARY_MAX.saturating_sub(usize::try_from(before)?);
    // A heading begins a line, and the file may end in the middle of one.
    let gap = if before > 0 { "\n" } else { "" };
    let text = gap.to_owned() + &markdown::render_within(run, strict, room.saturating_sub(1))?;
    let opened = OpenOptions::new().append(true).create(true).open(file);
    opened
        .and_then(|mut summary| summary.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write the step's summary to {}", file.display()))
}

/// The run with its files named as GitHub knows them: from the root of the checkout, wherever the program was
/// started.
fn with_files_in_workspace(run: &Run) -> Run {
    let mut run = run.clone();
    let Some(root) = env::var_os("GITHUB_WORKSPACE").filter(|root| !root.is_empty()) else {
        return run;
    };
    let root = Path::new(&root);
    let (Ok(here), Ok(root)) = (env::current_dir(), root.canonicalize()) else { return run };
    for result in &mut run.results {
        let file = result.file.as_ref().map(|file| in_root(file, &here, &root));
        result.file = file;
    }
    run
}

fn in_root(file: &str, here: &Path, root: &Path) -> String {
    let whole = here.join(file);
    let whole: PathBuf = whole.canonicalize().unwrap_or(whole);
    match whole.strip_prefix(root) {
        Ok(inside) => inside.display().to_string(),
        Err(_) => file.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_from_the_root_of_the_checkout() {
        let check = |file: &str, here: &str, expected: &str| {
            assert_eq!(in_root(file, Path::new(here), Path::new("/checkout")), expected);
        };
        check("scenarios/x.toml", "/checkout", "scenarios/x.toml");
        check("x.toml", "/checkout/deep", "deep/x.toml");
        check("/checkout/deep/x.toml", "/elsewhere", "deep/x.toml");
        check("x.toml", "/elsewhere", "x.toml");
        check("/tmp/x.toml", "/checkout", "/tmp/x.toml");
    }
}
