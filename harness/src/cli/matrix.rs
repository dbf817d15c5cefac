//! `cachestorm matrix`: which scenario catches which bug.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use cachestorm_reports::matrix::{html, json, markdown, terminal};
use tempfile::TempDir;

use super::args::{MatrixArgs, MatrixFormat};
use super::progress::Live;
use super::run::{default_jobs, subject};
use super::{Failure, Outcome, kept, output};
use crate::client::needs::missing;
use crate::matrix::{self, Contender, Plan};
use crate::model::expected::{Expectations, FILE_NAME};
use crate::model::matrix::{MATRIX_SCHEMA, Matrix};
use crate::model::run::RunOutcome;
use crate::scenario::{builtin, resolve};
use crate::suite::Options;

/// The names of the files that `--write` keeps, without their ending.
const FILE: &str = "matrix";

/// Runs the subcommand. A wrong client that nothing caught, or a right one that was, is a violation.
pub fn run(args: &MatrixArgs) -> Outcome {
    let known =
        resolve::scenarios(&args.scenarios, builtin::scenarios()).map_err(Failure::usage)?;
    let (contenders, _helpers) = contenders(&args.clients)?;
    let before: Option<Matrix> = match &args.write {
        Some(folder) => kept::read(folder, FILE, MATRIX_SCHEMA).map_err(Failure::usage)?,
        None => None,
    };
    let plan = Plan {
        repeat: args.repeat,
        repeat_right: args.repeat_right.unwrap_or(args.repeat),
        all: args.all,
    };
    let mut options = Options::new(&args.out);
    options.jobs = args.jobs.map_or_else(default_jobs, usize::from);
    options.seed = args.seed.unwrap_or_else(rand::random);
    options.cancel.on_signals().map_err(Failure::harness)?;
    let runs = |contender: &Contender| {
        plan.entries(contender, &known).len() as u64 * u64::from(plan.repeat_of(contender))
    };
    let live = Live::new(contenders.iter().map(runs).sum(), args.repeat);
    let matrix =
        matrix::run(&contenders, &known, &plan, &options, &live).map_err(Failure::usage)?;
    live.end();
    output::print(&match args.format {
        MatrixFormat::Terminal => terminal(&matrix, &output::options(false)),
        MatrixFormat::Markdown => markdown(&matrix).map_err(Failure::harness)?,
        MatrixFormat::Html => html(&matrix).map_err(Failure::harness)?,
        MatrixFormat::Json => json(&matrix).map_err(Failure::harness)?,
    });
    let score = matrix.score();
    if let Some(folder) = &args.write {
        let whole = match before {
            Some(before) => before.updated(matrix),
            None => matrix,
        };
        write(&whole, folder).map_err(Failure::usage)?;
        output::note(&format!("The matrix is in {}.", folder.display()));
    }
    if options.cancel.is_cancelled() {
        output::note("The matrix is not complete: it was stopped.");
        return Ok(ExitCode::from(RunOutcome::Inconclusive.exit_code()));
    }
    let holds = score.false_alarms == 0 && score.caught + score.not_caught_yet == score.wrong;
    let outcome = if holds { RunOutcome::Pass } else { RunOutcome::Violation };
    Ok(ExitCode::from(outcome.exit_code()))
}

/// The clients by name or path, all that the program holds by default, with the folders of their helper
/// files. One that this machine cannot run is left out, with a word.
fn contenders(names: &[String]) -> Result<(Vec<Contender>, Vec<TempDir>), Failure> {
    let names = if names.is_empty() { builtin::client_names() } else { names.to_vec() };
    let mut contenders = Vec::new();
    let mut folders = Vec::new();
    for name in names {
        let (subject, helpers) = subject(&name)?;
        let lacking = missing(&subject.client, &subject.dir);
        if !lacking.is_empty() {
            output::note(&format!("{name} is left out: not installed: {}", lacking.join(", ")));
            continue;
        }
        let expectations = expectations(&subject.dir).map_err(Failure::usage)?;
        contenders.push(Contender { subject, expectations });
        folders.push(helpers);
    }
    if contenders.is_empty() {
        return Err(Failure::usage(anyhow!("no client is left to run")));
    }
    Ok((contenders, folders))
}

/// What a wrong client says that it breaks; nothing for a right one.
pub fn expectations(folder: &Path) -> anyhow::Result<Option<Expectations>> {
    let file = folder.join(FILE_NAME);
    let text = match fs::read_to_string(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        text => text.with_context(|| format!("read {}", file.display()))?,
    };
    let expectations: Expectations =
        toml::from_str(&text).with_context(|| format!("{} is wrong", file.display()))?;
    match expectations.fault() {
        Some(fault) => Err(anyhow!("{} {fault}", file.display())),
        None => Ok(Some(expectations)),
    }
}

fn write(matrix: &Matrix, folder: &Path) -> anyhow::Result<()> {
    let texts = [("json", json(matrix)?), ("md", markdown(matrix)?), ("html", html(matrix)?)];
    kept::write(folder, FILE, &texts)
}
