//! Baselines on disk: one file each, `<folder>/<name>.json`.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::model::baseline::{BASELINE_SCHEMA, Baseline};
use crate::record::store::{StoreError, io_error, read_json};

/// Where a project keeps its baselines: to be committed with it.
pub const FOLDER: &str = ".cachestorm/baselines";

/// Whether a name can be a file's: letters, digits, `.`, `_` and `-`, and no `.` in front.
pub fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !name.is_empty() && !name.starts_with('.') && name.chars().all(plain)
}

/// The file of a baseline.
pub fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.json"))
}

/// Writes a baseline to its file, whole or not at all.
///
/// # Errors
/// When the system refuses.
pub fn write(folder: &Path, baseline: &Baseline) -> Result<PathBuf, StoreError> {
    let file = file(folder, &baseline.name);
    let text = baseline
        .to_json()
        .map_err(|error| StoreError::Format { path: file.clone(), problem: error.to_string() })?;
    fs::create_dir_all(folder).map_err(io_error("create", folder))?;
    let fresh = folder.join(format!(".{}.{}", baseline.name, std::process::id()));
    let written = fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, &file));
    written.map_err(|error| {
        // What is left of it is in nobody's way.
        let _ = fs::remove_file(&fresh);
        io_error("write", &file)(error)
    })?;
    Ok(file)
}

/// Reads a baseline.
///
/// # Errors
/// When the file cannot be read, is of another version, or is no baseline.
pub fn read(file: &Path) -> Result<Baseline, StoreError> {
    read_json(file, BASELINE_SCHEMA)
}

/// The files of a folder that have the name of a baseline, in order; none where there is no folder.
///
/// # Errors
/// When the folder cannot be read.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(io_error("read", folder))?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(io_error("read", folder))?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        if path.extension().is_some_and(|it| it == "json") && stem.is_some_and(is_name) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
