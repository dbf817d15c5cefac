//! `cachestorm report`: a run as one HTML file.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::Context;
use cachestorm_reports::html;

use super::args::ReportArgs;
use super::baseline::{named, of_run};
use super::show::find;
use super::{Failure, output};
use crate::judge::windows;
use crate::model::run::Run;
use crate::record::store::{read_record, read_run};
use crate::regression::{Settings, compare};

/// The file's name in the run's folder.
const FILE: &str = "report.html";

/// Runs the subcommand.
pub fn run(args: &ReportArgs) -> super::Outcome {
    let dir = find(&args.run, &args.out)?;
    let run = read_run(&dir).map_err(Failure::usage)?;
    let file = args.html.clone().unwrap_or_else(|| dir.join(FILE));
    let compared = match &args.baseline {
        None => None,
        Some(baseline) => {
            let baseline = named(baseline, &args.dir)?;
            let now = of_run(&dir, &run.id)?;
            let comparison = compare(&baseline, &now, None, Settings::default());
            Some((baseline, comparison))
        }
    };
    let beside =
        compared.as_ref().map(|(baseline, comparison)| html::Beside { baseline, comparison });
    write(&run, &dir, false, &file, beside).map_err(Failure::usage)?;
    output::print(&file.display().to_string());
    if args.open {
        open(&file).map_err(Failure::usage)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the report of a run in its folder. `strict` makes a skip count.
pub fn write_beside(run: &Run, dir: &Path, strict: bool) -> anyhow::Result<()> {
    write(run, dir, strict, &dir.join(FILE), None)
}

fn write(
    run: &Run,
    dir: &Path,
    strict: bool,
    file: &Path,
    beside: Option<html::Beside<'_>>,
) -> anyhow::Result<()> {
    let mut scenes = Vec::new();
    for result in html::chosen(run) {
        let Some(path) = run.results.get(result).and_then(|it| it.record.as_ref()) else {
            continue;
        };
        // A record that was removed meanwhile has no timeline, and everything else is told.
        match read_record(&dir.join(path)) {
            Ok(record) => {
                let windows = windows(&record);
                scenes.push(html::Scene { result, record, windows });
            }
            Err(error) => output::note(&format!("left out of the HTML report: {error}")),
        }
    }
    let text = html::render_beside(run, strict, &scenes, beside)?;
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

/// Hands a file to the program that shows web pages here: `$BROWSER`, else the system's opener.
fn open(file: &Path) -> anyhow::Result<()> {
    let system = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let chosen = env::var_os("BROWSER").filter(|browser| !browser.is_empty());
    let opener = chosen.unwrap_or_else(|| OsString::from(system));
    let status = Command::new(&opener)
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .with_context(|| {
            let opener = opener.display();
            format!("cannot open the report with {opener}; set BROWSER to a program that can")
        })?;
    anyhow::ensure!(status.success(), "{} did not open the report: {status}", opener.display());
    Ok(())
}
