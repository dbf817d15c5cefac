//! A run's folder with its files: `<base>/<run>/`, and a link `latest` beside it.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::model::record::{RECORD_SCHEMA, Record};
use crate::model::run::{RUN_SCHEMA, Run};

/// The folder of one run.
#[derive(Debug, Clone)]
pub struct RunDir {
    base: PathBuf,
    id: String,
}

/// Why a run's folder could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{} is no file of cachestorm's: {problem}", path.display())]
    Format {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

pub(crate) fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_path_buf();
    move |source| StoreError::Io { action, path, source }
}

impl RunDir {
    /// Makes the folder of the run `id` below `base`, and makes `latest` lead to it.
    ///
    /// # Errors
    /// When the folder cannot be made or written to.
    pub fn create(base: &Path, id: &str) -> Result<Self, StoreError> {
        let dir = Self::create_apart(base, id)?;
        dir.link_latest()?;
        Ok(dir)
    }

    /// Makes the folder and leaves `latest` alone, for one of many runs that are made at once.
    ///
    /// # Errors
    /// As [`RunDir::create`].
    pub fn create_apart(base: &Path, id: &str) -> Result<Self, StoreError> {
        let dir = Self { base: base.to_path_buf(), id: id.to_owned() };
        let records = dir.path().join("records");
        fs::create_dir_all(&records).map_err(io_error("create", &records))?;
        Ok(dir)
    }

    /// Where the folder is.
    pub fn path(&self) -> PathBuf {
        self.base.join(&self.id)
    }

    /// The run's name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The directory that one repetition of one scenario works in; it is removed when nothing was
    /// violated and kept for a look otherwise.
    pub fn work(&self, scenario: &str, repetition: u32) -> PathBuf {
        self.path().join("work").join(format!("{scenario}.{repetition}"))
    }

    /// Writes a record. Returns its path relative to the folder.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write_record(&self, record: &Record) -> Result<String, StoreError> {
        let relative = format!("records/{}.{}.json", record.name, record.repetition);
        let path = self.path().join(&relative);
        let text = serde_json::to_vec(record).map_err(|error| StoreError::Format {
            path: path.clone(),
            problem: error.to_string(),
        })?;
        write(&path, &text)?;
        Ok(relative)
    }

    /// Writes `text` as the file `name` of the folder.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write(&self, name: &str, text: &str) -> Result<(), StoreError> {
        write(&self.path().join(name), text.as_bytes())
    }

    /// Makes `latest` lead here, in one step, so that two runs that end at once leave a whole link.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn link_latest(&self) -> Result<(), StoreError> {
        let link = self.base.join("latest");
        let fresh = self.base.join(format!(".latest-{}", self.id));
        symlink(&self.id, &fresh).map_err(io_error("link", &fresh))?;
        fs::rename(&fresh, &link).map_err(|error| {
            // Left alone it would be in the way of nothing but a tidy folder.
            let _ = fs::remove_file(&fresh);
            io_error("replace", &link)(error)
        })
    }

    /// Removes the folders around a working directory that is gone, as far as they are empty, so that
    /// what is left under `work` is what a look is for. Call it when nothing runs any more.
    pub fn tidy(&self, scenario: &str, repetition: u32) {
        let root = self.path();
        let work = self.work(scenario, repetition);
        let around = work.ancestors().skip(1).take_while(|folder| *folder != root);
        for folder in around {
            // Fails for a folder that holds something, and then for all around it.
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(io_error("create", parent))?;
    }
    fs::write(path, bytes).map_err(io_error("write", path))
}

/// Reads a record.
///
/// # Errors
/// When the file cannot be read, is of another version, or is no record.
pub fn read_record(path: &Path) -> Result<Record, StoreError> {
    read_json(path, RECORD_SCHEMA)
}

/// Reads the summary of a run from its folder.
///
/// # Errors
/// When the file cannot be read, is of another version, or is no run.
pub fn read_run(dir: &Path) -> Result<Run, StoreError> {
    read_json(&dir.join("run.json"), RUN_SCHEMA)
}

/// What every version of a file has.
#[derive(serde::Deserialize)]
struct Header {
    schema: String,
}

/// Reads a file of the version `schema`. The version is looked at first: in another one anything may be
/// otherwise, and the first difference would be no help.
pub(crate) fn read_json<T: serde::de::DeserializeOwned>(
    path: &Path,
    schema: &str,
) -> Result<T, StoreError> {
    let bytes = fs::read(path).map_err(io_error("read", path))?;
    let format = |error: serde_json::Error| StoreError::Format {
        path: path.to_path_buf(),
        problem: error.to_string(),
    };
    let header: Header = serde_json::from_slice(&bytes).map_err(format)?;
    check_schema(path, &header.schema, schema)?;
    serde_json::from_slice(&bytes).map_err(format)
}

fn check_schema(path: &Path, found: &str, wanted: &str) -> Result<(), StoreError> {
    if found == wanted {
        return Ok(());
    }
    Err(StoreError::Format {
        path: path.to_path_buf(),
        problem: format!("it is of version \"{found}\", and this program reads \"{wanted}\""),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latest_leads_to_the_newest_run() {
        let base = tempfile::tempdir().unwrap();
        for id in ["one", "two"] {
            let dir = RunDir::create(base.path(), id).unwrap();
            dir.write("run.json", id).unwrap();
        }
        let latest = fs::read_to_string(base.path().join("latest/run.json")).unwrap();
        assert_eq!(latest, "two");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let base = tempfile::NamedTempFile::new().unwrap();
        let error = RunDir::create(base.path(), "one").unwrap_err().to_string();
        assert!(error.contains(&base.path().display().to_string()), "{error}");
    }

    #[test]
    fn a_foreign_file_is_refused_with_the_reason() {
        let check = |text: &str, expected: &str| {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join("run.json"), text).unwrap();
            let error = read_run(dir.path()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check("{}", "missing field `schema`");
        check("no JSON", "expected ident");
        check(
            r#"{"schema": "cachestorm-run/9", "news": 1}"#,
            "it is of version \"cachestorm-run/9\"",
        );
        check(r#"{"schema": "cachestorm-run/1"}"#, "missing field `id`");
    }

    #[test]
    fn a_folder_in_the_place_of_the_link_is_named_and_nothing_is_left_beside_it() {
        let base = tempfile::tempdir().unwrap();
        fs::create_dir(base.path().join("latest")).unwrap();
        let error = RunDir::create(base.path(), "one").unwrap_err().to_string();
        assert!(error.starts_with("cannot replace ") && error.contains("latest"), "{error}");
        let mut left: Vec<_> =
            fs::read_dir(base.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["latest", "one"]);
    }

    #[test]
    fn only_empty_folders_around_working_directories_are_tidied_away() {
        let base = tempfile::tempdir().unwrap();
        let dir = RunDir::create(base.path(), "one").unwrap();
        fs::create_dir_all(dir.work("ttl/x", 1).parent().unwrap()).unwrap();
        fs::create_dir_all(dir.work("crash/x", 1).join("cache")).unwrap();
        for scenario in ["ttl/x", "crash/x"] {
            dir.tidy(scenario, 1);
        }
        assert!(!dir.path().join("work/ttl").exists());
        assert!(dir.work("crash/x", 1).join("cache").is_dir());
        fs::remove_dir_all(dir.work("crash/x", 1)).unwrap();
        dir.tidy("crash/x", 1);
        assert!(!dir.path().join("work").exists());
        assert!(dir.path().join("records").is_dir());
    }
}
