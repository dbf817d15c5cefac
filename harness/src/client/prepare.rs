//! From a client's description to a command line: placeholders filled in, the program found.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::client::needs;
use crate::client::process::Confinement;
use crate::model::client::{CATALOGUE_FILE, Client};
use crate::model::units::Span;

/// The variable by which a process of ours is known, also after it has left its group and session.
pub const MARKER: &str = "CACHESTORM_CLIENT";

/// The placeholder that stands for the fixture binary, as the first word of a command only.
pub const CACHE_CLIENT: &str = "{cache-client}";

/// Where a client runs: what its description's placeholders stand for, besides the base URL.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// `{cache_dir}`, which the harness watches.
    pub cache_dir: PathBuf,
    /// The published file as the harness reads it, for `{published-checksum}`.
    pub published: PathBuf,
    /// `{home}` and the variable `HOME`.
    pub home: PathBuf,
    /// The variable `TMPDIR`.
    pub tmp: PathBuf,
    /// `{catalogue-file}`: where a catalogue lies that a client is told to publish.
    pub catalogue_file: PathBuf,
    /// `{client_dir}`: the folder of the description.
    pub client_dir: PathBuf,
    /// What `{cache-client}` stands for: a program and its first arguments.
    pub cache_client: Vec<OsString>,
    /// `{packages}`: where the client's packages are installed.
    pub packages: PathBuf,
    /// `{need-NAME}`: what the checks of the client's needs have printed.
    pub needs: BTreeMap<String, OsString>,
    /// `{ttl}` and `{ttl_seconds}`.
    pub ttl: Span,
    /// `{patience}`: how long to wait for the server.
    pub patience: Span,
    /// `{port-NAME}`: the ports of the client's services.
    pub ports: BTreeMap<String, u16>,
}

/// A command line, ready to be started.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The program, found.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Its whole environment.
    pub env: BTreeMap<OsString, OsString>,
    /// Its working directory.
    pub dir: PathBuf,
    /// What it is confined to.
    pub confinement: Confinement,
    /// It is asked on its standard input, which is empty otherwise.
    pub asked: bool,
}

/// Why a client cannot be started at all. The user's mistake, not the harness's.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PrepareError {
    /// The description has no such command.
    #[error(
        "client \"{client}\" describes no command \"{command}\"; add it under [commands] in its client.toml"
    )]
    NoSuchCommand {
        /// The client's name.
        client: String,
        /// The command that the scenario asks for.
        command: String,
    },
    /// The program is not there, or may not be executed.
    #[error(
        "client \"{client}\": program \"{program}\" {problem}; check the commands in its client.toml"
    )]
    NoProgram {
        /// The client's name.
        client: String,
        /// The program as the description names it.
        program: String,
        /// What is the matter.
        problem: &'static str,
    },
    /// The catalogue that is built into the client is not beside its description.
    #[error(
        "client \"{client}\": the embedded catalogue \"{file}\" cannot be read ({problem}); check `embedded` in the [files] of its client.toml"
    )]
    NoEmbedded {
        /// The client's name.
        client: String,
        /// The file as the description names it.
        file: String,
        /// What the system said.
        problem: String,
    },
}

/// The command line of the command `name` of `client`, for the process that is known as `marker`.
///
/// # Errors
/// When the description has no such command, or its program cannot be found.
pub fn invocation(
    client: &Client,
    name: &str,
    surroundings: &Surroundings,
    base_url: &str,
    marker: &str,
) -> Result<Invocation, PrepareError> {
    let words = client.command_named(name).ok_or_else(|| PrepareError::NoSuchCommand {
        client: client.name.clone(),
        command: name.to_owned(),
    })?;
    let invocation = invocation_of(client, words, surroundings, base_url, marker)?;
    Ok(Invocation { asked: client.is_session(name), ..invocation })
}

/// The same for the words of a command that has no name, such as the one that ages the cache.
///
/// # Errors
/// When the program cannot be found.
pub fn invocation_of(
    client: &Client,
    words: &[String],
    surroundings: &Surroundings,
    base_url: &str,
    marker: &str,
) -> Result<Invocation, PrepareError> {
    let mut line = command_line(words, surroundings, base_url);
    let first = if line.is_empty() { OsString::new() } else { line.remove(0) };
    let program = find_program(&first, &surroundings.client_dir).map_err(|problem| {
        PrepareError::NoProgram {
            client: client.name.clone(),
            program: first.to_string_lossy().into_owned(),
            problem,
        }
    })?;
    Ok(Invocation {
        program,
        args: line,
        env: environment(client, surroundings, base_url, marker),
        dir: surroundings.home.clone(),
        confinement: Confinement::default(),
        asked: false,
    })
}

/// The words of a command with its placeholders filled in.
pub fn command_line(
    words: &[String],
    surroundings: &Surroundings,
    base_url: &str,
) -> Vec<OsString> {
    let mut line = Vec::with_capacity(words.len() + 1);
    for (index, word) in words.iter().enumerate() {
        if index == 0 && word == CACHE_CLIENT {
            line.extend(surroundings.cache_client.iter().cloned());
        } else {
            line.push(fill(word, surroundings, base_url));
        }
    }
    line
}

/// The whole environment of a process: little enough that nothing of the user's own leaks in, such as
/// a proxy or a real cache's path.
fn environment(
    client: &Client,
    surroundings: &Surroundings,
    base_url: &str,
    marker: &str,
) -> BTreeMap<OsString, OsString> {
    let mut env = BTreeMap::from([
        ("HOME".into(), surroundings.home.clone().into_os_string()),
        ("TMPDIR".into(), surroundings.tmp.clone().into_os_string()),
        ("LANG".into(), "C.UTF-8".into()),
        (MARKER.into(), marker.into()),
    ]);
    if let Some(path) = env::var_os("PATH") {
        env.insert("PATH".into(), path);
    }
    for (name, value) in &client.env {
        env.insert(name.into(), fill(value, surroundings, base_url));
    }
    env
}

fn fill(text: &str, surroundings: &Surroundings, base_url: &str) -> OsString {
    let ttl = surroundings.ttl;
    let mut filled = OsString::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        filled.push(&rest[..open]);
        rest = &rest[open..];
        let Some(length) = rest.find('}') else { break };
        let placeholder = &rest[..=length];
        match placeholder {
            "{catwalk_url}" => filled.push(base_url),
            "{cache_dir}" => filled.push(&surroundings.cache_dir),
            "{home}" => filled.push(&surroundings.home),
            "{patience}" => filled.push(surroundings.patience.to_string()),
            "{client_dir}" => filled.push(&surroundings.client_dir),
            CATALOGUE_FILE => filled.push(&surroundings.catalogue_file),
            "{packages}" => filled.push(&surroundings.packages),
            "{published-checksum}" => filled.push(checksum(&surroundings.published)),
            "{ttl}" => filled.push(ttl.to_string()),
            "{ttl_seconds}" => filled.push(ttl.0.as_secs().to_string()),
            _ => match named(placeholder, surroundings) {
                Some(text) => filled.push(text),
                // A brace that opens no placeholder of ours is the program's own business: JSON, a shell.
                None => {
                    filled.push("{");
                    rest = &rest[1..];
                    continue;
                }
            },
        }
        rest = &rest[length + 1..];
    }
    filled.push(rest);
    filled
}

/// The SHA-256 of what a file holds now, as a process that is about to start would find it; of nothing where it
/// cannot be read.
fn checksum(file: &Path) -> String {
    let bytes = fs::read(file).unwrap_or_default();
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What `{port-NAME}` and `{need-NAME}` stand for.
fn named(placeholder: &str, surroundings: &Surroundings) -> Option<OsString> {
    let word = placeholder.strip_prefix('{')?.strip_suffix('}')?;
    match word.split_once('-')? {
        ("port", name) => surroundings.ports.get(name).map(|port| port.to_string().into()),
        ("need", name) => surroundings.needs.get(name).cloned(),
        _ => None,
    }
}

/// Finds a program as a shell would: a name along `PATH`, anything with a slash as a path, relative to
/// the folder of the description.
pub(super) fn find_program(name: &OsStr, client_dir: &Path) -> Result<PathBuf, &'static str> {
    if name.is_empty() {
        return Err("is empty");
    }
    let path = Path::new(name);
    if path.components().count() > 1 || path.is_absolute() {
        let path = client_dir.join(path);
        return executable(&path).map(|()| path);
    }
    let dirs = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&dirs)
        .map(|dir| dir.join(path))
        .find(|candidate| executable(candidate).is_ok())
        .ok_or("is not on the PATH")
}

/// A program along `PATH`.
pub fn on_path(name: &str) -> Option<PathBuf> {
    find_program(OsStr::new(name), Path::new("/")).ok()
}

fn executable(path: &Path) -> Result<(), &'static str> {
    let metadata = path.metadata().map_err(|_| "does not exist")?;
    if !metadata.is_file() {
        Err("is not a file")
    } else if metadata.permissions().mode() & 0o111 == 0 {
        Err("is not executable")
    } else {
        Ok(())
    }
}

/// The program that the command `get` of `client` starts, with its links resolved, where there is one.
/// `cache_client` is what `{cache-client}` stands for.
pub fn program_of(client: &Client, dir: &Path, cache_client: &[OsString]) -> Option<PathBuf> {
    let first = client.command.first()?;
    let own = cache_client.first().filter(|_| first == CACHE_CLIENT);
    let name = own.map_or_else(|| needs::fill_program(first, client, dir), Clone::clone);
    find_program(&name, dir).ok()?.canonicalize().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surroundings() -> Surroundings {
        Surroundings {
            cache_dir: "/cache".into(),
            published: "/no/such/file".into(),
            home: "/home/c".into(),
            tmp: "/tmp/c".into(),
            catalogue_file: "/handed".into(),
            client_dir: "/clients/x".into(),
            packages: "/packages/x".into(),
            needs: BTreeMap::from([("py".to_owned(), "/usr/bin/py".into())]),
            cache_client: vec!["/bin/sh".into(), "client".into()],
            ttl: Span::from_secs(90),
            patience: Span::from_secs(7),
            ports: BTreeMap::from([("db".to_owned(), 4242)]),
        }
    }

    fn check(words: &[&str], expected: &[&str]) {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        let line = command_line(&words, &surroundings(), "http://127.0.0.1:1/c/07");
        assert_eq!(line, expected.iter().map(OsString::from).collect::<Vec<_>>());
    }

    #[test]
    fn placeholders_are_filled_in_and_other_braces_are_left_alone() {
        check(&["{cache-client}", "reference"], &["/bin/sh", "client", "reference"]);
        check(&["x", "{cache-client}"], &["x", "{cache-client}"]);
        check(&["x", "--url={catwalk_url}/v2"], &["x", "--url=http://127.0.0.1:1/c/07/v2"]);
        check(&["x", "{ttl}", "{ttl_seconds}", "{patience}"], &["x", "1m 30s", "90", "7s"]);
        check(&["x", "{cache_dir}:{home}:{client_dir}"], &["x", "/cache:/home/c:/clients/x"]);
        check(&["x", "--file={catalogue-file}"], &["x", "--file=/handed"]);
        check(&["{packages}/bin/x", "{packages}"], &["/packages/x/bin/x", "/packages/x"]);
        check(&["x", "db:{port-db}", "{port-other}"], &["x", "db:4242", "{port-other}"]);
        check(&["{need-py}", "{need-other}"], &["/usr/bin/py", "{need-other}"]);
        check(&["sh", "-c", "f() { echo {}; }; {"], &["sh", "-c", "f() { echo {}; }; {"]);
    }

    #[test]
    fn a_command_can_name_what_is_published_when_its_process_is_made() {
        let dir = tempfile::tempdir().unwrap();
        let published = dir.path().join("catalogue.json");
        let surroundings = Surroundings { published: published.clone(), ..surroundings() };
        let named = || fill("--from={published-checksum}", &surroundings, "");
        let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(named(), format!("--from={nothing}").as_str());
        fs::write(published, "abc").unwrap();
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(named(), format!("--from={abc}").as_str());
    }

    #[test]
    fn a_missing_program_is_named_with_what_to_do() {
        let check = |name: &str, expected: &str| {
            let problem = find_program(OsStr::new(name), Path::new("/")).unwrap_err();
            assert_eq!(problem, expected, "{name}");
        };
        check("no-such-program-anywhere", "is not on the PATH");
        check("/no/such/program", "does not exist");
        check("/etc/passwd", "is not executable");
        check("./etc", "is not a file");
        check("", "is empty");
    }
}
