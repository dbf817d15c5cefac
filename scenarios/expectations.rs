//! What each client is expected to break: data beside the client.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
pub use cachestorm_model::expected::{Expectations, Expected, FILE_NAME};

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
