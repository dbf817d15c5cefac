//! The scenarios and client descriptions inside the program, so that it works right after
//! `cargo install`, with no checkout. A debug build reads them from the disk instead.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cachestorm_model::client::Client;
use rust_embed::RustEmbed;

use super::load::{Entry, scenario_name};
use super::parse_source;
use super::text::{Diagnostics, Source};
use crate::client::describe;

#[derive(RustEmbed)]
#[folder = "../scenarios"]
struct ScenarioFiles;

#[derive(RustEmbed)]
#[folder = "../fixtures/clients"]
struct ClientFiles;

/// Every scenario inside the program, sorted by name.
pub fn scenarios() -> Vec<Entry> {
    let mut paths: Vec<_> = ScenarioFiles::iter().collect();
    paths.sort_unstable();
    paths.iter().filter_map(|path| scenario(path)).collect()
}

fn scenario(path: &str) -> Option<Entry> {
    let name = scenario_name(path)?.to_owned();
    let bytes = ScenarioFiles::get(path)?.data.into_owned();
    let shown = format!("scenarios/{path}");
    let scenario = Source::decode(shown, bytes).and_then(|source| parse_source(&source));
    Some(Entry { name, file: None, scenario })
}

/// The names of the clients inside the program: their folders below `fixtures/clients`, sorted.
pub fn client_names() -> Vec<String> {
    let folder = |path: Cow<'static, str>| client_of(&path).map(str::to_owned);
    let mut names: Vec<_> = ClientFiles::iter().filter_map(folder).collect();
    names.sort_unstable();
    names
}

/// The client that a path below `fixtures/clients` describes.
fn client_of(path: &str) -> Option<&str> {
    path.strip_suffix(describe::FILE_NAME)?.strip_suffix('/')
}

/// The client of that name; `None` where there is none.
pub fn client(name: &str) -> Option<Result<Client, Diagnostics>> {
    let path = format!("{name}/{}", describe::FILE_NAME);
    let bytes = ClientFiles::get(&path)?.data.into_owned();
    let source = Source::decode(format!("fixtures/clients/{path}"), bytes);
    Some(source.and_then(|source| describe::parse_source(&source)))
}

/// Writes the folder of a client inside the program, its helper files included, into `target` and
/// returns where it lies: that is what `{client_dir}` stands for. Scripts can be executed.
///
/// # Errors
///
/// Where there is no such client, or a file cannot be written.
pub fn materialise(name: &str, target: &Path) -> io::Result<PathBuf> {
    if !client_names().iter().any(|known| known == name) {
        let message = format!("no client inside the program is called \"{name}\"");
        return Err(io::Error::new(io::ErrorKind::NotFound, message));
    }
    let folder = target.join(name);
    let prefix = format!("{name}/");
    for path in ClientFiles::iter() {
        let Some(relative) = path.strip_prefix(&prefix).filter(|path| !is_litter(path)) else {
            continue;
        };
        let Some(file) = ClientFiles::get(&path) else { continue };
        let to = folder.join(relative);
        fs::create_dir_all(to.parent().unwrap_or(&folder))?;
        fs::write(&to, &file.data)?;
        if file.data.starts_with(b"#!") {
            make_executable(&to)?;
        }
    }
    Ok(folder)
}

/// What interpreters leave beside their scripts.
fn is_litter(path: &str) -> bool {
    path.split('/').any(|part| part == "__pycache__" || part.starts_with('.'))
}

/// The program holds the bytes of a script and not its permissions.
#[cfg(unix)]
fn make_executable(file: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_inside_the_program_is_right() {
        let entries = scenarios();
        assert!(!entries.is_empty());
        for entry in entries {
            let name = &entry.name;
            let scenario = entry.scenario.unwrap_or_else(|it| panic!("{name}:\n{it}"));
            assert!(scenario.why.is_some(), "{name} does not say why it exists");
            assert!(!scenario.expect.proves.is_empty(), "{name} does not say what it proves");
        }
    }

    #[test]
    fn every_client_inside_the_program_is_right_and_can_be_unpacked() {
        let target = tempfile::tempdir().unwrap();
        for name in client_names() {
            if let Err(diagnostics) = client(&name).unwrap() {
                panic!("{name}:\n{diagnostics}");
            }
            let folder = materialise(&name, target.path()).unwrap();
            assert!(folder.join(describe::FILE_NAME).is_file(), "{name}");
        }
    }

    #[test]
    fn a_client_that_is_not_there_cannot_be_unpacked() {
        let target = tempfile::tempdir().unwrap();
        assert_eq!(materialise("none", target.path()).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(client("none").is_none());
    }

    fn check(path: &str, expected: Option<&str>) {
        assert_eq!(client_of(path), expected, "{path}");
    }

    #[test]
    fn a_client_is_a_folder_with_a_description() {
        check("reference/client.toml", Some("reference"));
        check("zoo/naive/client.toml", Some("zoo/naive"));
        check("client.schema.json", None);
        check("client.toml", None);
        check("reference/client.py", None);
    }
}
