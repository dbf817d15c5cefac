//! One trial for each client and scenario.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use cachestorm::Suite;
use cachestorm::client::needs::missing;
use cachestorm::scenario::load;
use cachestorm::suite::{Entry, Prepared};
use cachestorm_model::scenario::Scenario;
use libtest_mimic::{Completion, Trial};

use crate::CACHE_CLIENT;
use crate::expectations::{self, Expectations, Expected, Part};

/// A client of the suite.
pub struct Contender {
    pub suite: Arc<Prepared>,
    /// `None` for a client that must pass everything.
    expectations: Option<Expectations>,
    /// The part of the scenarios that a right client is run with, where that is not all.
    part: Option<Part>,
    /// Its folder.
    folder: PathBuf,
}

/// Reads scenarios, clients and expectations; a scenario that cannot be read fails as its own test.
pub fn contenders(scenarios: &Path, clients: &Path) -> Result<Vec<Contender>> {
    let repeat = repeat()?;
    let scenarios = load::folder(scenarios).context("read the scenarios")?;
    let contender = |folder: PathBuf| -> Result<Contender> {
        let expectations = expectations::read(folder_of(&folder))?;
        let part = expectations::part(folder_of(&folder))?;
        let home = folder_of(&folder).to_owned();
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let suite = Suite::given(scenarios.clone())
            .client(folder)
            .cache_client([CACHE_CLIENT])
            .output(target_dir().join("cachestorm"))
            .named(format!("tests-{name}-{}", std::process::id()))
            .seed(0)
            .repeat(repeat)
            .prepare()?;
        let contender = Contender { suite: Arc::new(suite), expectations, part, folder: home };
        contender.check_names()?;
        Ok(contender)
    };
    match env::var_os("CACHESTORM_CLIENT") {
        Some(path) => Ok(vec![contender(PathBuf::from(path))?]),
        None => folders(clients)?.into_iter().map(contender).collect(),
    }
}

impl Contender {
    /// An expectation about a scenario that does not exist would never be tested.
    fn check_names(&self) -> Result<()> {
        let expected = self.expectations.iter().flat_map(|it| it.scenario.keys());
        let listed = self.part.iter().flat_map(|part| &part.scenarios);
        for name in expected.chain(listed) {
            if !self.suite.entries().iter().any(|entry| entry.name == *name) {
                let client = &self.suite.client().name;
                bail!("{client} expects something of \"{name}\", which is no scenario");
            }
        }
        Ok(())
    }

    /// The trials: a right client with every scenario (or with all about its services), a wrong one with
    /// those that it expects something of.
    pub fn trials(&self) -> Vec<Trial> {
        let lacking = missing(self.suite.client(), &self.folder);
        if !lacking.is_empty() {
            return vec![not_installed(&self.suite.client().name, &lacking)];
        }
        let concerned = self.suite.entries().iter().filter(|entry| self.is_concerned(entry));
        concerned.map(|entry| self.trial(entry)).collect()
    }

    fn is_concerned(&self, entry: &Entry) -> bool {
        match &self.expectations {
            // A client with a service beside it is there for the scenarios that take it away: where it may
            // answer in place of Catwalk, there is less to contend for.
            None => {
                let about = self.suite.client().services.is_empty()
                    || entry.scenario.as_ref().is_ok_and(Scenario::is_about_service);
                let listed = |part: &Part| part.scenarios.contains(&entry.name);
                about && self.part.as_ref().is_none_or(listed)
            }
            Some(expectations) => expectations.scenario.contains_key(&entry.name),
        }
    }

    fn trial(&self, entry: &Entry) -> Trial {
        let prefix = format!("{}::", self.suite.client().name);
        let expected = self.expectations.as_ref().and_then(|it| it.scenario.get(&entry.name));
        let expected = expected.cloned().unwrap_or(Expected::default());
        let bug = self.expectations.as_ref().map(|it| format!("\nthe client's bug: {}", it.bug));
        let bug = bug.unwrap_or_default();
        self.suite.trial(&prefix, entry, move |_, verdict| {
            expected.check(verdict).map_err(|differs| format!("{differs}{bug}"))
        })
    }
}

/// One line in place of a whole suite that would be skipped.
fn not_installed(client: &str, missing: &[String]) -> Trial {
    let reason = format!("not installed on this machine: {}", missing.join(", "));
    Trial::ignorable_test(format!("{client}::all"), move || Ok(Completion::ignored_with(reason)))
}

/// The folder of a description that may be named by its file.
fn folder_of(path: &Path) -> &Path {
    if path.is_file() { path.parent().unwrap_or(path) } else { path }
}

fn folders(clients: &Path) -> Result<Vec<PathBuf>> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(clients)
        .with_context(|| format!("read {}", clients.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    Ok(folders)
}

fn repeat() -> Result<u32> {
    match env::var("CACHESTORM_REPEAT") {
        Err(_) => Ok(1),
        Ok(text) => match text.parse() {
            Ok(repeat) if repeat > 0 => Ok(repeat),
            _ => bail!("CACHESTORM_REPEAT is \"{text}\"; write a whole number from 1"),
        },
    }
}

/// Where cargo puts what it builds; the client stands in it.
fn target_dir() -> PathBuf {
    let client = Path::new(CACHE_CLIENT);
    client.ancestors().nth(2).unwrap_or(Path::new("target")).to_path_buf()
}
