//! `cachestorm merge`: the runs of several machines become one.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use super::args::MergeArgs;
use super::show::find;
use super::{Failure, Outcome, publish};
use crate::merge::{Source, merge, runs_below};

/// Runs the subcommand. Its exit code is that of the joined verdicts; runs that do not belong together are the
/// user's to mend.
pub fn run(args: &MergeArgs) -> Outcome {
    publish::can_be(&args.wanted).map_err(Failure::usage)?;
    let mut sources = Vec::new();
    for name in &args.runs {
        for dir in dirs(name, &args.out)? {
            sources.push(Source::read(&dir).map_err(Failure::usage)?);
        }
    }
    let (run, dir) = merge(&sources, &args.out).map_err(Failure::usage)?;
    publish::publish(&run, &dir, &args.wanted)
}

/// The folders of the runs that an argument names.
fn dirs(name: &str, out: &Path) -> Result<Vec<PathBuf>, Failure> {
    let below = [PathBuf::from(name), out.join(name)].into_iter().find(|path| path.is_dir());
    let Some(folder) = below else { return find(name, out).map(|dir| vec![dir]) };
    let runs = runs_below(&folder).with_context(|| format!("cannot list {}", folder.display()));
    let runs = runs.map_err(Failure::usage)?;
    let some = || {
        ensure!(
            !runs.is_empty(),
            "{} holds no run: there is no run.json in it or below it, so nothing was brought here, or that run was \
             ended by force",
            folder.display()
        );
        Ok(())
    };
    some().map_err(Failure::usage)?;
    Ok(runs)
}
