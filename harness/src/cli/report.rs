//! `cachestorm report`: a run as one HTML file.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::Context;
use cachestorm_reports::html::Beside;

use super::args::ReportArgs;
use super::baseline::{named, of_run};
use super::show::find;
use super::{Failure, output};
use crate::record::store::{StoreError, read_run};
use crate::regression::{Settings, compare};
use crate::suite::reports::{EVERY, HTML, write_html};

/// Runs the subcommand.
pub fn run(args: &ReportArgs) -> super::Outcome {
    let dir = find(&args.run, &args.out)?;
    let run = read_run(&dir).map_err(Failure::usage)?;
    let file = args.html.clone().unwrap_or_else(|| dir.join(HTML));
    let compared = match &args.baseline {
        None => None,
        Some(baseline) => {
            let baseline = named(baseline, &args.dir)?;
            let now = of_run(&dir, &run.id)?;
            let comparison = compare(&baseline, &now, None, Settings::default());
            Some((baseline, comparison))
        }
    };
    let beside = compared.as_ref().map(|(baseline, comparison)| Beside { baseline, comparison });
    tell(write_html(&run, &dir, false, &file, beside, EVERY).map_err(Failure::usage)?);
    output::print(&file.display().to_string());
    if args.open {
        open(&file).map_err(Failure::usage)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Says which records the report does without.
pub fn tell(gone: Vec<StoreError>) {
    for error in gone {
        output::note(&format!("left out of the HTML report: {error}"));
    }
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
