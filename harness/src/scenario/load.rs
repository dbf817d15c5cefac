//! All scenario files below a folder. One that is broken is an entry with its diagnostics, so that it
//! fails by its own name while the others run.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cachestorm_model::scenario::Scenario;

use super::parse_source;
use super::text::{Diagnostics, Source};

/// A scenario file, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its path below the folder, with `/` and without `.toml`, such as `crash/holder-killed`.
    pub name: String,
    /// The file, where there is one: a scenario inside the program has none.
    pub file: Option<PathBuf>,
    /// The scenario, or what is wrong with it.
    pub scenario: Result<Scenario, Diagnostics>,
}

impl Entry {
    /// Reads one file.
    pub fn read(name: impl Into<String>, file: &Path) -> Self {
        let scenario = Source::read(file).and_then(|source| parse_source(&source));
        Self { name: name.into(), file: Some(file.to_owned()), scenario }
    }
}

/// Reads every scenario file below a folder, sorted by name.
///
/// # Errors
///
/// Where the folder, or one below it, cannot be listed.
pub fn folder(root: &Path) -> io::Result<Vec<Entry>> {
    let mut files = Vec::new();
    collect(root, "", &mut files)?;
    files.sort();
    Ok(files.into_iter().map(|(name, file)| Entry::read(name, &file)).collect())
}

/// The name of the scenario in a file, by its path below the folder of scenarios; `None` for what is
/// no scenario: other files, and everything hidden.
pub fn scenario_name(relative: &str) -> Option<&str> {
    let hidden = relative.split('/').any(|part| part.starts_with('.'));
    relative.strip_suffix(".toml").filter(|_| !hidden)
}

/// Folders that are symbolic links are left alone: they may lead round in circles.
fn collect(folder: &Path, prefix: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let relative = format!("{prefix}{}", name.to_string_lossy());
        let hidden = name.to_string_lossy().starts_with('.');
        if entry.file_type()?.is_dir() && !hidden {
            collect(&entry.path(), &format!("{relative}/"), files)?;
        } else if let Some(name) = scenario_name(&relative)
            && entry.path().is_file()
        {
            files.push((name.to_owned(), entry.path()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &[(&str, &str)], expected: &[(&str, bool)]) {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let file = root.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let entries = folder(root.path()).unwrap();
        let shown: Vec<_> =
            entries.iter().map(|entry| (entry.name.as_str(), entry.scenario.is_ok())).collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn scenarios_are_found_by_name_and_broken_ones_are_entries_too() {
        check(
            &[
                ("ttl/fresh-hit.toml", "summary = 'x'"),
                ("crash/killed.toml", "summary = 7"),
                ("crash/deep/er.toml", "summary = 'x'"),
                ("a.toml", "summary = 'x'"),
                ("main.rs", "fn main() {}"),
                ("scenario.schema.json", "{}"),
                (".hidden.toml", "summary = 'x'"),
                (".git/config.toml", "summary = 'x'"),
            ],
            &[
                ("a", true),
                ("crash/deep/er", true),
                ("crash/killed", false),
                ("ttl/fresh-hit", true),
            ],
        );
    }

    #[test]
    fn a_file_that_cannot_be_read_says_so() {
        let entry = Entry::read("gone", Path::new("/nonexistent/gone.toml"));
        let diagnostics = entry.scenario.unwrap_err();
        assert!(diagnostics.plain().contains("the file cannot be read"), "{diagnostics}");
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        assert!(folder(Path::new("/nonexistent")).is_err());
    }
}
