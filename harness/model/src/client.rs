//! The description of a program under test, apart from any scenario: `client.toml`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tells::Tells;
use crate::units::Span;

/// The command that publishes the catalogue that is built into the client.
pub const UPDATE_EMBEDDED: &str = "update-embedded";

/// The command that goes back to an earlier catalogue.
pub const ROLLBACK: &str = "rollback";

/// Whether a command is of a kind that the harness knows: it has its name, or begins with it and a hyphen.
pub fn is_of_kind(command: &str, kind: &str) -> bool {
    command.strip_prefix(kind).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// The placeholder of the path of a file with a newer catalogue, which a command is to publish.
pub const CATALOGUE_FILE: &str = "{catalogue-file}";

/// A program under test: how to run it, where it keeps its files, what it promises.
///
/// Placeholders in `command`, `commands` and `env`: `{catwalk_url}` (each process gets its own),
/// `{cache_dir}`, `{home}`, `{ttl}` (`"1h"`), `{ttl_seconds}`, `{patience}` (how
/// long to wait for the server), `{client_dir}` (the folder of this
/// file), `{packages}` (where its packages are installed), `{need-NAME}` (the line that the check of a need
/// prints), `{port-NAME}` (of a service), `{published-checksum}` (the SHA-256 of what was published before the
/// process was let go), in `commands` alone `{catalogue-file}` (a file outside of the cache directory with a
/// catalogue newer than all that Catwalk serves, for the processes of one wave to publish) and, as the first word of a command only, `{cache-client}` (the
/// fixture binary).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "cachestorm client")]
pub struct Client {
    /// The name shown in reports.
    pub name: String,
    /// One sentence about the program.
    pub summary: String,
    /// The command `get`: program and arguments that read through the cache.
    pub command: Vec<String>,
    /// Further commands by name, such as `update`, which bypasses the TTL.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub commands: BTreeMap<String, Vec<String>>,
    /// Those of them that tell something of the cache instead of returning a catalogue, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tells: BTreeMap<String, Tells>,
    /// Those of them that read more than once, by name: a process of one lives on, and is asked on its standard input
    /// each time. For a line `get` it answers on standard output with a line `CODE BYTES WORDS`, and then so many bytes:
    /// the exit code that the command `get` would have ended with, the length of what it would have printed, and what it
    /// would have said on standard error, if anything. It ends with exit code 0 when its standard input does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sessions: Vec<String>,
    /// Environment variables, on top of a minimal one (PATH, HOME, LANG, TMPDIR).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// The client's TTL where it cannot be told one; otherwise pass `{ttl}` in `command` or `env`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Span>,
    /// Programs that must be installed; where one is missing, every scenario is `skipped`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<String>,
    /// What else must be installed, by name, such as packages of a language; where one is missing, every
    /// scenario is `skipped`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub needs: BTreeMap<String, Need>,
    /// The most processes that a wave may have: a herd of interpreters needs more memory than most
    /// machines have. Scenarios with more are `skipped`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub herd_max: Option<u32>,
    /// Programs that run beside the client, such as a database that its machines share, by name. Each is
    /// started before the first process, and anew for every run.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<String, Service>,
    /// Where the client keeps its files.
    pub files: Files,
    /// How standard output shows the catalogue that the client got.
    #[serde(default)]
    pub stdout: Stdout,
    /// How the harness makes the cache older.
    #[serde(default)]
    pub age: Age,
    /// What the client promises beyond the invariants that hold for every cache.
    #[serde(default)]
    pub claims: Claims,
}

/// What must be installed beside the programs that a client requires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Need {
    /// A program and its arguments that end with exit code 0 where it is installed, with the placeholders
    /// `{packages}` and `{client_dir}`. It is run once, with a minimal environment (PATH, HOME, LANG, TMPDIR).
    /// The first line that it prints is what `{need-NAME}` stands for.
    pub check: Vec<String>,
    /// The command that installs it, as the reason for skipping is to show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub install: Option<String>,
}

/// A program that runs beside the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Service {
    /// Program and arguments, in the foreground, with the placeholders of `command` and `{port}`: the TCP
    /// port on 127.0.0.1 that it is to listen on. It is up as soon as it takes connections there.
    pub command: Vec<String>,
}

/// Where a client keeps its files. Paths and globs are relative to the cache directory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Files {
    /// The file that all processes read.
    pub published: String,
    /// How the published file holds the catalogue.
    #[serde(default)]
    pub form: PublishedForm,
    /// Lock files, as globs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locks: Vec<String>,
    /// How the lock works, which decides whether its file may stay.
    #[serde(default)]
    pub lock_kind: LockKind,
    /// Temporaries, as globs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub temporaries: Vec<String>,
    /// Files that belong to the published one and age with it (an ETag beside the data), as globs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sidecars: Vec<String>,
    /// The catalogue that is built into the client, as a file in the folder of this description, so that what the
    /// client returns or publishes of it is known. The command `update-embedded` publishes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedded: Option<String>,
}

impl Files {
    /// The path of a temporary that no client has made, where one can be told from the globs: each
    /// wildcard stands for a word.
    pub fn planted_temporary(&self) -> Option<String> {
        let plain = self.temporaries.iter().find(|glob| !glob.contains(['[', '{']))?;
        Some(plain.replace('*', "planted").replace('?', "p"))
    }
}

/// How the published file holds the catalogue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PublishedForm {
    /// The file is the catalogue: the served bytes, or the same JSON written anew.
    #[default]
    Catalogue,
    /// A JSON object holds the catalogue at this JSON pointer, such as `/providers`.
    Inside(String),
}

/// How a client's lock works.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LockKind {
    /// No lock.
    #[default]
    None,
    /// `flock` or `fcntl` on a file that stays by design: removing it is a fault, leaving it is none.
    Advisory,
    /// The lock *is* the file or directory (`O_EXCL`, `mkdir`): none may remain when all have ended.
    Existence,
}

/// How standard output shows the catalogue that a client got.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stdout {
    /// It does not: what the client returns cannot be judged, and the report says so.
    #[default]
    Nothing,
    /// Standard output is the catalogue.
    Catalogue,
    /// Standard output is JSON and holds the SHA-256 of the served body, in hex, at this JSON pointer.
    Sha256(String),
}

/// How the harness makes a client's cache older.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Age {
    /// By moving the modification times of the published file and its sidecars into the past.
    #[default]
    Mtime,
    /// By a command, with the placeholders of `command` and `{seconds}`.
    Command(Vec<String>),
}

/// What a client promises beyond the invariants that hold for every cache.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Claims {
    /// With the server away, an old catalogue is served with exit code 0, and standard output or
    /// error holds this text, so that the caller knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_if_error: Option<String>,
    /// How old a catalogue may be that is served so; older ones are not, whatever is wrong with the server.
    /// Without it any age will do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_bound: Option<Span>,
    /// It asks with `If-None-Match`, so that scenarios about validators have something to judge.
    pub validators: bool,
    /// What it publishes has the permissions of the file in whose place it comes, from the moment that it has the
    /// name.
    pub permissions: bool,
    /// What a session keeps in memory is never older than the file: whoever reads again gets what others have published
    /// since, and the file's time decides whether that is fresh.
    pub coherent_memory: bool,
}

impl Client {
    /// A client made in code: its name, the command `get`, and the file that all processes read. Everything
    /// else is as in a description that does not say it, and every field may be set. `env` or the command
    /// must still hold `{catwalk_url}`, `{cache_dir}` and `{ttl}`, as in a file.
    pub fn new<W: Into<String>>(
        name: impl Into<String>,
        command: impl IntoIterator<Item = W>,
        published: impl Into<String>,
    ) -> Self {
        let name = name.into();
        Self {
            summary: name.clone(),
            name,
            command: command.into_iter().map(Into::into).collect(),
            commands: BTreeMap::new(),
            tells: BTreeMap::new(),
            sessions: Vec::new(),
            env: BTreeMap::new(),
            ttl: None,
            requires: Vec::new(),
            needs: BTreeMap::new(),
            herd_max: None,
            services: BTreeMap::new(),
            files: Files {
                published: published.into(),
                form: PublishedForm::default(),
                locks: Vec::new(),
                lock_kind: LockKind::default(),
                temporaries: Vec::new(),
                sidecars: Vec::new(),
                embedded: None,
            },
            stdout: Stdout::default(),
            age: Age::default(),
            claims: Claims::default(),
        }
    }

    /// The same with an environment variable, whose value may hold placeholders.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// The arguments of the command named `name`, `get` being `command` itself.
    pub fn command_named(&self, name: &str) -> Option<&[String]> {
        if name == "get" {
            return Some(&self.command);
        }
        self.commands.get(name).map(Vec::as_slice)
    }

    /// Whether a process of the command named `name` lives on and reads as often as it is asked.
    pub fn is_session(&self, name: &str) -> bool {
        self.sessions.iter().any(|session| session == name)
    }

    /// Whether the command named `name` is told a file whose catalogue it is to publish.
    pub fn publishes_file(&self, name: &str) -> bool {
        let words = self.command_named(name).unwrap_or_default();
        words.iter().any(|word| word.contains(CATALOGUE_FILE))
    }

    /// The TTL in force: the client's own where it has a fixed one, else the scenario's.
    pub fn effective_ttl(&self, scenario_ttl: Span) -> Span {
        self.ttl.unwrap_or(scenario_ttl)
    }

    /// The age from which on nothing is served in place of an error, where the client promises one. What is
    /// within its TTL is served in any case.
    pub fn effective_stale_bound(&self, ttl: Span) -> Option<Span> {
        self.claims.stale_bound.map(|bound| bound.max(ttl))
    }
}
