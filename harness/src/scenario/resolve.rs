//! The scenarios and the client that a command line asks for.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use cachestorm_model::client::Client;
use globset::Glob;
use thiserror::Error;

use super::builtin;
use super::load::{self, Entry};
use super::text::{Diagnostics, Source, nearest};
use crate::client::describe;

/// Why an argument names nothing that can be run.
#[derive(Debug, Error)]
pub enum ResolveError {
    /// No scenario or client has this name.
    #[error("no {what} is called \"{argument}\"{}", suggestion(.near, .what))]
    Unknown {
        /// `scenario` or `client`.
        what: &'static str,
        /// What was asked for.
        argument: String,
        /// Names that are near to it.
        near: Vec<String>,
    },
    /// A glob that does not compile.
    #[error("\"{argument}\" is no glob: {fault}; write one such as \"crash/*\"")]
    Glob {
        /// What was asked for.
        argument: String,
        /// What is wrong with it.
        fault: String,
    },
    /// A file or folder that cannot be read.
    #[error("\"{}\" cannot be read: {error}", .path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A folder that holds nothing of the kind.
    #[error("\"{}\" holds no {expected}", .path.display())]
    EmptyFolder {
        /// The folder.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
    },
    /// Two files whose scenarios have the same name, so that one's record would replace the other's.
    #[error("\"{}\" and \"{}\" are both called \"{name}\"; rename one or run them apart", .first.display(), .second.display())]
    SameName {
        /// The name.
        name: String,
        /// One file.
        first: PathBuf,
        /// The other file.
        second: PathBuf,
    },
    /// A client description with mistakes.
    #[error("{0}")]
    Broken(Diagnostics),
}

fn suggestion(near: &[String], what: &str) -> String {
    if near.is_empty() {
        return format!("; `cachestorm list` shows every {what}");
    }
    let quoted: Vec<_> = near.iter().map(|name| format!("\"{name}\"")).collect();
    format!("; did you mean {}?", quoted.join(" or "))
}

/// Chooses scenarios by arguments: the name of one, a folder of names (`crash`), a glob over names
/// (`crash/*`), or the path of a file or folder on disk. `known` are those that have names; without
/// arguments all of them are chosen. The choice is sorted by name, each scenario once.
///
/// # Errors
///
/// Where an argument chooses nothing, or two files would have the same name.
pub fn scenarios(arguments: &[String], known: Vec<Entry>) -> Result<Vec<Entry>, ResolveError> {
    if arguments.is_empty() {
        return Ok(known);
    }
    let mut chosen: BTreeMap<String, Entry> = BTreeMap::new();
    for argument in arguments {
        for entry in choose(argument, &known)? {
            add(&mut chosen, entry)?;
        }
    }
    Ok(chosen.into_values().collect())
}

/// The scenarios that are known, and beside them those in files and below folders, sorted by name.
///
/// # Errors
///
/// Where a path cannot be read or holds none, or two scenarios would have the same name.
pub fn with_files(known: Vec<Entry>, paths: &[PathBuf]) -> Result<Vec<Entry>, ResolveError> {
    let mut all = known.into_iter().map(|entry| (entry.name.clone(), entry)).collect();
    for path in paths {
        for entry in on_disk(path)? {
            add(&mut all, entry)?;
        }
    }
    Ok(all.into_values().collect())
}

fn add(chosen: &mut BTreeMap<String, Entry>, entry: Entry) -> Result<(), ResolveError> {
    if let Some(other) = chosen.get(&entry.name).filter(|other| other.file != entry.file) {
        let place = |entry: &Entry| entry.file.clone().unwrap_or_else(|| builtin_path(&entry.name));
        return Err(ResolveError::SameName {
            first: place(other),
            second: place(&entry),
            name: entry.name,
        });
    }
    chosen.insert(entry.name.clone(), entry);
    Ok(())
}

fn builtin_path(name: &str) -> PathBuf {
    PathBuf::from(format!("scenarios/{name}.toml"))
}

fn choose(argument: &str, known: &[Entry]) -> Result<Vec<Entry>, ResolveError> {
    if is_path(argument) {
        return on_disk(Path::new(argument));
    }
    let of_name = by_name(argument, known)?;
    if !of_name.is_empty() {
        return Ok(of_name);
    }
    if Path::new(argument).is_dir() {
        return on_disk(Path::new(argument));
    }
    let names = known.iter().map(|entry| entry.name.as_str());
    Err(ResolveError::Unknown {
        what: "scenario",
        argument: argument.to_owned(),
        near: nearest::near(argument, names),
    })
}

fn by_name(argument: &str, known: &[Entry]) -> Result<Vec<Entry>, ResolveError> {
    let of = |test: &dyn Fn(&str) -> bool| -> Vec<Entry> {
        known.iter().filter(|entry| test(&entry.name)).cloned().collect()
    };
    if argument.contains(['*', '?', '[', '{']) {
        let glob = Glob::new(argument).map_err(|error| ResolveError::Glob {
            argument: argument.to_owned(),
            fault: error.kind().to_string(),
        })?;
        let matcher = glob.compile_matcher();
        return Ok(of(&|name| matcher.is_match(name)));
    }
    let exact = of(&|name| name == argument);
    if !exact.is_empty() {
        return Ok(exact);
    }
    let folder = format!("{}/", argument.trim_end_matches('/'));
    Ok(of(&|name| name.starts_with(&folder)))
}

/// Whether an argument can only be a path on disk, whatever is called what.
fn is_path(argument: &str) -> bool {
    argument.ends_with(".toml")
        || argument.starts_with('/')
        || argument.starts_with("./")
        || argument.starts_with("../")
        || matches!(argument, "." | "..")
}

fn on_disk(path: &Path) -> Result<Vec<Entry>, ResolveError> {
    let unreadable = |error| ResolveError::Unreadable { path: path.to_owned(), error };
    if !path.metadata().map_err(unreadable)?.is_dir() {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        return Ok(vec![Entry::read(name, path)]);
    }
    let entries = load::folder(path).map_err(unreadable)?;
    if entries.is_empty() {
        return Err(ResolveError::EmptyFolder {
            path: path.to_owned(),
            expected: "scenario (*.toml)",
        });
    }
    Ok(entries)
}

/// A client that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct ChosenClient {
    /// Its description.
    pub client: Client,
    home: Home,
}

/// Where a client's helper files are.
#[derive(Debug, Clone, PartialEq)]
enum Home {
    OnDisk(PathBuf),
    Inside(String),
}

impl ChosenClient {
    /// A client that was described elsewhere, with the folder that `{client_dir}` stands for.
    pub fn described(client: Client, folder: PathBuf) -> Self {
        Self { client, home: Home::OnDisk(folder) }
    }

    /// The folder that `{client_dir}` stands for. The helper files of a client inside the program are
    /// written into `target` first; those of one on disk stay where they are.
    ///
    /// # Errors
    ///
    /// Where the folder of a client on disk is gone, or a file cannot be written.
    pub fn materialise(&self, target: &Path) -> io::Result<PathBuf> {
        match &self.home {
            Home::OnDisk(folder) => folder.canonicalize(),
            Home::Inside(name) => builtin::materialise(name, target),
        }
    }
}

/// Chooses a client: the path of a description or of the folder that holds one, or the name of a
/// client inside the program.
///
/// # Errors
///
/// Where there is no such client, or its description has mistakes.
pub fn client(argument: &str) -> Result<ChosenClient, ResolveError> {
    if !is_path(argument) {
        match named_client(argument.trim_end_matches('/')) {
            Err(ResolveError::Unknown { .. }) if Path::new(argument).exists() => {}
            chosen => return chosen,
        }
    }
    client_on_disk(Path::new(argument))
}

/// The client inside the program that has this name.
///
/// # Errors
///
/// Where there is none, or its description has mistakes.
pub fn named_client(name: &str) -> Result<ChosenClient, ResolveError> {
    let found = builtin::client(name).ok_or_else(|| ResolveError::Unknown {
        what: "client",
        argument: name.to_owned(),
        near: nearest::near(name, builtin::client_names().iter().map(String::as_str)),
    })?;
    let home = Home::Inside(name.to_owned());
    Ok(ChosenClient { client: found.map_err(ResolveError::Broken)?, home })
}

/// The client whose description is in a file or folder.
///
/// # Errors
///
/// Where there is none, or it has mistakes.
pub fn client_on_disk(path: &Path) -> Result<ChosenClient, ResolveError> {
    let metadata = path
        .metadata()
        .map_err(|error| ResolveError::Unreadable { path: path.to_owned(), error })?;
    let file = if metadata.is_dir() { path.join(describe::FILE_NAME) } else { path.to_owned() };
    if !file.is_file() {
        return Err(ResolveError::EmptyFolder {
            path: path.to_owned(),
            expected: describe::FILE_NAME,
        });
    }
    let source = Source::read(&file).map_err(ResolveError::Broken)?;
    let client = describe::parse_source(&source).map_err(ResolveError::Broken)?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).to_owned();
    Ok(ChosenClient { client, home: Home::OnDisk(folder) })
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
