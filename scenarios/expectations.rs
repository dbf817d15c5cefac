//! What each client is expected to break, or with which part of the scenarios it is run: data beside it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
pub use cachestorm_model::expected::{Expectations, Expected, FILE_NAME};
use serde::Deserialize;

/// The name of the file that lists a part of the scenarios.
const PART: &str = "part.toml";

/// The scenarios that a right client is run with, where all of them would take the suite too long.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Why not all, for a reader.
    #[serde(rename = "why")]
    _why: String,
    /// By name.
    pub scenarios: Vec<String>,
}

/// Reads which scenarios the client in `folder` is run with, if it says so.
pub fn part(folder: &Path) -> Result<Option<Part>> {
    let file = folder.join(PART);
    if !file.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(&file)?;
    let part = toml::from_str(&text).with_context(|| format!("{} is wrong", file.display()))?;
    Ok(Some(part))
}

/// Reads the expectations of the client in `folder`, if it has any.
pub fn read(folder: &Path) -> Result<Option<Expectations>> {
    let file = folder.join(FILE_NAME);
    if !file.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(&file)?;
    let expectations: Expectations =
        toml::from_str(&text).with_context(|| format!("{} is wrong", file.display()))?;
    match expectations.fault() {
        Some(fault) => bail!("{} {fault}", file.display()),
        None => Ok(Some(expectations)),
    }
}
