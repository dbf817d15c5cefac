//! How a run of cachestorm looks: on a terminal, in CI, to programs.
//!
//! Every format is a pure function from a [`cachestorm_model::run::Run`] to text; only [`write_all`]
//! touches a disk. What the formats have in common (counts, themes, the merging of repetitions, the
//! sentences that must be told) is computed once, in [`counts`], [`summary`] and [`statement`], so
//! that no two formats can disagree about a run.
//!
//! Two rules hold for all of them. Nothing disappears: whatever became of a scenario, it has its line.
//! And nothing is said by colour or symbol alone.
//!
//! | module | output | for |
//! |---|---|---|
//! | [`terminal`] | table, details, summary | the end of a run |
//! | [`live`] | a line for each scenario as it ends | progress in a log |
//! | [`mod@show`] | the history of one record | finding out what happened |
//! | [`claims`] | claims beside measurements | comparing clients |
//! | [`comparison`] | a run beside its baseline | whether a client got worse |
//! | [`matrix`] | what caught which bug | judging the scenarios themselves |
//! | [`json`] | `report.json` | programs |
//! | [`html`] | `report.html` | people, who want to see when what happened |
//! | [`junit`] | `junit.xml` | CI systems |
//! | [`markdown`] | `summary.md` | a CI step summary |
//! | [`annotations`] | workflow commands | annotations on GitHub |

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cachestorm_model::record::{RECORD_SCHEMA, Record};
use cachestorm_model::run::Run;
use thiserror::Error;

pub mod annotations;
pub mod claims;
pub mod comparison;
pub mod counts;
pub mod crash;
mod details;
mod events;
mod excerpt;
pub mod html;
pub mod json;
pub mod junit;
pub mod live;
pub mod markdown;
pub mod matrix;
pub mod show;
pub mod statement;
pub mod style;
pub mod summary;
pub mod sweep;
pub mod terminal;
pub mod text;

/// Why a report could not be made.
#[derive(Debug, Error)]
pub enum ReportError {
    /// The JSON serialiser failed.
    #[error("the JSON report could not be made: {0}")]
    Json(#[from] serde_json::Error),
    /// The JUnit serialiser failed.
    #[error("the JUnit report could not be made: {0}")]
    Junit(#[from] quick_junit::SerializeError),
    /// A template failed.
    #[error("a report could not be made from its template: {0}")]
    Template(#[from] askama::Error),
    /// A file could not be written.
    #[error("{} could not be written ({source}); check that the folder is writable or choose another", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Writes every report of a run into its `folder`, which is made if it is not there, and returns the paths:
/// `report.json`, `junit.xml`, `summary.md` and `summary.txt`. `strict` makes a skip count. The histories in
/// `junit.xml` are of the records that lie in the folder.
///
/// # Errors
/// When a report cannot be made or written. Those written before stay.
pub fn write_all(run: &Run, strict: bool, folder: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let plain = style::Options { strict, ..style::Options::plain() };
    let reports = [
        ("report.json", json::render(run, strict)?),
        ("junit.xml", junit::render_with(run, &|path| record(&folder.join(path)))?),
        ("summary.md", markdown::render(run, strict)?),
        ("summary.txt", terminal::render(run, &plain)),
    ];
    let failed = |path: &Path, source| ReportError::Write { path: path.to_owned(), source };
    fs::create_dir_all(folder).map_err(|source| failed(folder, source))?;
    let mut written = Vec::new();
    for (name, text) in reports {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|source| failed(&path, source))?;
        written.push(path);
    }
    Ok(written)
}

/// A record, where it is there and of the version that this crate can show.
fn record(path: &Path) -> Option<Record> {
    let text = fs::read(path).ok()?;
    let record: Record = serde_json::from_slice(&text).ok()?;
    (record.schema == RECORD_SCHEMA).then_some(record)
}
