//! A suite put together in code: what runs against which client, and how.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use cachestorm_reports::ReportError;
use thiserror::Error;

use super::prepared::{Choice, Prepared};
use super::report::Report;
use super::{Entry, Options, default_jobs};
use crate::client::describe;
use crate::client::prepare::{CACHE_CLIENT, on_path};
use crate::model::client::{Age, Client};
use crate::record::store::StoreError;
use crate::scenario::resolve::{self, ChosenClient, ResolveError};
use crate::scenario::{builtin, text};

/// The program that holds the clients that come with cachestorm.
const HOLDER: &str = "cachestorm";

/// Scenarios to be run against a client, as a test of your own program.
///
/// ```no_run
/// # let my_cache = "/usr/bin/my-cache"; // in a test: env!("CARGO_BIN_EXE_my-cache")
/// cachestorm::Suite::builtin()
///     .client("tests/client.toml")
///     .program(my_cache)
///     .only(["stampede", "crash/*"])
///     .run()
///     .assert_pass();
/// ```
///
/// The processes of a suite die with the test, whichever way it ends: a process of the harness's own
/// watches over them. What that takes of the program that the test is: on Linux it becomes the reaper of its
/// descendants' orphans, its limit of open files is raised as far as the system allows, and the ends of its
/// children are kept where they were ignored. None of it needs a `main` of its own.
#[derive(Debug, Clone)]
pub struct Suite {
    builtin: bool,
    given: Vec<Entry>,
    own: Vec<PathBuf>,
    only: Vec<String>,
    except: Vec<(String, String)>,
    client: Option<ClientSource>,
    program: Option<String>,
    cache_client: Option<Vec<OsString>>,
    name: Option<String>,
    strict: bool,
    options: Options,
}

/// Where a client's description comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientSource {
    /// The name of a client that comes with cachestorm, else the path of a description or of its folder.
    Named(String),
    /// The path of a description or of its folder.
    File(PathBuf),
    /// A description made in code.
    Described(Box<Client>),
}

impl From<&str> for ClientSource {
    fn from(name: &str) -> Self {
        Self::Named(name.to_owned())
    }
}

impl From<String> for ClientSource {
    fn from(name: String) -> Self {
        Self::Named(name)
    }
}

impl From<&Path> for ClientSource {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl From<PathBuf> for ClientSource {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl From<Client> for ClientSource {
    fn from(client: Client) -> Self {
        Self::Described(Box::new(client))
    }
}

/// Why a suite could not be run at all.
#[derive(Debug, Error)]
pub enum SuiteError {
    /// No client was named.
    #[error("the suite has no client; name one with `Suite::client`")]
    NoClient,
    /// A scenario or the client is not there, or cannot be read.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// A description made in code has mistakes; the file that is shown is what it would look like as one.
    #[error("{0}")]
    Described(text::Diagnostics),
    /// A description made in code holds what no file can.
    #[error("the description of the client cannot be written as a file: {0}")]
    Unwritable(#[from] toml::ser::Error),
    /// The client is held by the command, which is not installed.
    #[error(
        "the client \"{0}\" is part of the command `cachestorm`, which is not on the PATH; install it, or name a program that holds the client with `Suite::cache_client`"
    )]
    NoHolder(String),
    /// The run could not be begun.
    #[error("{0}")]
    Folder(String),
    /// The run's folder could not be made.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A report could not be made or written.
    #[error(transparent)]
    Report(#[from] ReportError),
}

impl Suite {
    /// Every scenario that comes with cachestorm.
    pub fn builtin() -> Self {
        Self { builtin: true, ..Self::empty() }
    }

    /// The scenario files below a folder, or one file, and none of those that come with cachestorm.
    pub fn of(path: impl Into<PathBuf>) -> Self {
        Self::empty().scenarios(path)
    }

    /// Scenarios that were read or made elsewhere, sorted by name, and none of those that come with cachestorm.
    pub fn given(entries: Vec<Entry>) -> Self {
        Self { given: entries, ..Self::empty() }
    }

    fn empty() -> Self {
        let base = target_dir().join("cachestorm");
        let options = Options { jobs: 0, seed: rand::random(), ..Options::new(base) };
        Self {
            builtin: false,
            given: Vec::new(),
            own: Vec::new(),
            only: Vec::new(),
            except: Vec::new(),
            client: None,
            program: None,
            cache_client: None,
            name: None,
            strict: false,
            options,
        }
    }

    /// The client: the name of one that comes with cachestorm, the path of a `client.toml` or of its folder,
    /// or a [`Client`] made in code.
    #[must_use]
    pub fn client(mut self, client: impl Into<ClientSource>) -> Self {
        self.client = Some(client.into());
        self
    }

    /// The program under test, in place of the first word of the description's `command` and of every other
    /// command that begins with the same word. For what cargo has built: `env!("CARGO_BIN_EXE_my-cache")`.
    #[must_use]
    pub fn program(mut self, program: impl Into<String>) -> Self {
        self.program = Some(program.into());
        self
    }

    /// A program, with its first arguments, that holds the clients that come with cachestorm. By default it is
    /// the command `cachestorm`, found along `PATH`; without it, scenarios that put such a client beside
    /// yours are skipped.
    #[must_use]
    pub fn cache_client<W: Into<OsString>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        self.cache_client = Some(words.into_iter().map(Into::into).collect());
        self
    }

    /// Further scenarios: a file, or every one below a folder.
    #[must_use]
    pub fn scenarios(mut self, path: impl Into<PathBuf>) -> Self {
        self.own.push(path.into());
        self
    }

    /// Runs these only: names (`crash/holder-killed`), themes (`crash`), globs (`crash/*`) or paths, as
    /// `cachestorm run` takes them.
    #[must_use]
    pub fn only<S: Into<String>>(mut self, choice: impl IntoIterator<Item = S>) -> Self {
        self.only.extend(choice.into_iter().map(Into::into));
        self
    }

    /// Leaves out the scenarios that `choice` chooses, for a reason. They are skipped: reports list and count them.
    #[must_use]
    pub fn except(mut self, choice: impl Into<String>, reason: impl Into<String>) -> Self {
        self.except.push((choice.into(), reason.into()));
        self
    }

    /// How often each scenario is run; once by default.
    #[must_use]
    pub fn repeat(mut self, repeat: u32) -> Self {
        self.options.repeat = repeat.max(1);
        self
    }

    /// How many scenarios are run at a time; half as many as there are processors by default.
    #[must_use]
    pub fn jobs(mut self, jobs: usize) -> Self {
        self.options.jobs = jobs.max(1);
        self
    }

    /// What seeds the choices that the harness makes; it fixes the plan, not the system's schedule. By
    /// default drawn anew, and told where something fails.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.options.seed = seed;
        self
    }

    /// The folder in which the run makes its own; `cachestorm` in cargo's target folder by default.
    #[must_use]
    pub fn output(mut self, folder: impl Into<PathBuf>) -> Self {
        self.options.base = folder.into();
        self
    }

    /// The name of the run's folder, in place of one made of the time.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Makes a skip count against the run.
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// Runs every scenario and judges it.
    ///
    /// # Panics
    /// Where [`Suite::try_run`] returns an error.
    #[track_caller]
    pub fn run(self) -> Report {
        // By hand, so that the panic is said to be where the caller is.
        match self.try_run() {
            Ok(report) => report,
            Err(error) => panic!("the suite could not be run: {error}"),
        }
    }

    /// Runs every scenario and judges it.
    ///
    /// # Errors
    /// When the client or a scenario is not there or has mistakes, or the run's folder cannot be written.
    pub fn try_run(self) -> Result<Report, SuiteError> {
        self.prepare()?.run(&super::Silent)
    }

    /// Reads and checks everything, and runs nothing yet: for one test for each scenario.
    ///
    /// # Errors
    /// When the client or a scenario is not there or has mistakes.
    pub fn prepare(self) -> Result<Prepared, SuiteError> {
        let choice = self.choice()?;
        let mut chosen = self.chosen()?;
        if let Some(program) = &self.program {
            with_program(&mut chosen.client, program);
        }
        let cache_client = self.cache_client.clone().or_else(|| {
            let program = on_path(HOLDER)?;
            Some(vec![program.into_os_string(), "client".into()])
        });
        if cache_client.is_none()
            && chosen.client.command.first().is_some_and(|it| it == CACHE_CLIENT)
        {
            return Err(SuiteError::NoHolder(chosen.client.name));
        }
        let mut options = self.options;
        let jobs = (options.jobs > 0).then_some(options.jobs);
        options.jobs = jobs.unwrap_or_else(default_jobs);
        Ok(Prepared::new(
            choice,
            chosen,
            cache_client.unwrap_or_default(),
            options,
            jobs,
            self.strict,
            self.name,
        ))
    }

    fn choice(&self) -> Result<Choice, ResolveError> {
        let known = if self.builtin { builtin::scenarios() } else { self.given.clone() };
        let known = resolve::with_files(known, &self.own)?;
        let mut entries = resolve::scenarios(&self.only, known)?;
        let mut excluded = Vec::new();
        for (choice, reason) in &self.except {
            let out = resolve::scenarios(std::slice::from_ref(choice), entries.clone())?;
            let names: BTreeSet<&str> = out.iter().map(|entry| entry.name.as_str()).collect();
            entries.retain(|entry| !names.contains(entry.name.as_str()));
            excluded.extend(out.iter().map(|entry| (entry.clone(), reason.clone())));
        }
        Ok(Choice { entries, excluded })
    }

    fn chosen(&self) -> Result<ChosenClient, SuiteError> {
        match self.client.as_ref().ok_or(SuiteError::NoClient)? {
            ClientSource::Named(name) => Ok(resolve::client(name)?),
            ClientSource::File(path) => Ok(resolve::client_on_disk(path)?),
            ClientSource::Described(client) => {
                // Through the text, so that what is made in code meets every check of a file.
                let text = toml::to_string(client)?;
                let client = describe::parse("the client made in code", &text);
                Ok(ChosenClient::described(client.map_err(SuiteError::Described)?, ".".into()))
            }
        }
    }
}

fn with_program(client: &mut Client, program: &str) {
    let called = client.command.first().cloned();
    let age = match &mut client.age {
        Age::Command(words) => Some(words),
        Age::Mtime => None,
    };
    let commands = std::iter::once(&mut client.command).chain(client.commands.values_mut());
    for words in commands.chain(age) {
        if let Some(first) = words.first_mut().filter(|first| Some(&**first) == called.as_ref()) {
            program.clone_into(first);
        }
    }
}

/// Where cargo puts what it builds, for a test that it has built; `target` elsewhere.
fn target_dir() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    let tagged = |folder: &&Path| folder.join("CACHEDIR.TAG").is_file();
    program.ancestors().skip(1).find(tagged).unwrap_or(Path::new("target")).to_owned()
}

#[cfg(test)]
#[path = "builder_tests.rs"]
mod tests;
