//! One trial for each client and scenario.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use anyhow::{Context, Result, anyhow, bail};
use cachestorm::client::needs::missing;
use cachestorm::record::store::{RunDir, read_record};
use cachestorm::scenario::{load, resolve};
use cachestorm::suite::{Entry, Options, Subject, new_run, run_once};
use cachestorm_model::run::{RunResult, ScenarioResult};
use cachestorm_model::scenario::Scenario;
use cachestorm_reports::style::Options as Style;
use cachestorm_reports::{live, show, write_all};
use libtest_mimic::{Completion, Failed, Trial};

use crate::CACHE_CLIENT;
use crate::expectations::{self, Expectations, Expected};

/// A client of the suite.
struct Contender {
    subject: Subject,
    /// `None` for a client that must pass everything.
    expectations: Option<Expectations>,
    dir: RunDir,
    results: Mutex<Vec<ScenarioResult>>,
}

/// Everything that the suite runs.
pub struct Suite {
    scenarios: Vec<Entry>,
    contenders: Vec<Arc<Contender>>,
    options: Arc<Options>,
    repeat: u32,
    began: (Instant, SystemTime),
}

impl Suite {
    /// Reads scenarios, clients and expectations; a scenario that cannot be read fails as its own test.
    pub fn new(scenarios: &Path, clients: &Path) -> Result<Self> {
        let scenarios = load::folder(scenarios).context("read the scenarios")?;
        let base = target_dir().join("cachestorm");
        let options = Options::new(base);
        cachestorm::engine::raise_limits();
        let contender = |folder: PathBuf| -> Result<Arc<Contender>> {
            let name = folder.to_string_lossy().into_owned();
            let chosen = resolve::client(&name).map_err(|error| anyhow!("{error}"))?;
            let dir = chosen.materialise(&folder).context("find the client's files")?;
            let cache_client = vec![CACHE_CLIENT.into()];
            let expectations = expectations::read(&dir)?;
            let run = format!("tests-{}-{}", chosen.client.name, std::process::id());
            Ok(Arc::new(Contender {
                subject: Subject { client: chosen.client, dir, cache_client },
                expectations,
                dir: RunDir::create(&options.base, &run)?,
                results: Mutex::default(),
            }))
        };
        let contenders = match env::var_os("CACHESTORM_CLIENT") {
            Some(path) => vec![contender(PathBuf::from(path))?],
            None => folders(clients)?.into_iter().map(contender).collect::<Result<_>>()?,
        };
        let suite = Self {
            scenarios,
            contenders,
            options: Arc::new(options),
            repeat: repeat()?,
            began: (Instant::now(), SystemTime::now()),
        };
        suite.check_names()?;
        Ok(suite)
    }

    /// An expectation about a scenario that does not exist would never be tested.
    fn check_names(&self) -> Result<()> {
        for contender in &self.contenders {
            let expected = contender.expectations.iter().flat_map(|e| e.scenario.keys());
            for name in expected {
                if !self.scenarios.iter().any(|entry| entry.name == *name) {
                    let client = &contender.subject.client.name;
                    bail!("{client} expects something of \"{name}\", which is no scenario");
                }
            }
        }
        Ok(())
    }

    /// The trials: a right client with every scenario (or with all about its services), a wrong one with those that it expects
    /// something of.
    pub fn trials(&self) -> Vec<Trial> {
        let mut trials = Vec::new();
        for contender in &self.contenders {
            let lacking = missing(&contender.subject.client, &contender.subject.dir);
            if !lacking.is_empty() {
                trials.push(not_installed(&contender.subject.client.name, &lacking));
                continue;
            }
            for entry in &self.scenarios {
                let concerned = match &contender.expectations {
                    // A client with a service beside it is there for the scenarios that take it away:
                    // where it may answer in place of Catwalk, there is less to contend for.
                    None => {
                        contender.subject.client.services.is_empty()
                            || entry.scenario.as_ref().is_ok_and(Scenario::is_about_service)
                    }
                    Some(expectations) => expectations.scenario.contains_key(&entry.name),
                };
                if concerned {
                    trials.push(self.trial(contender, entry));
                }
            }
        }
        trials
    }

    fn trial(&self, contender: &Arc<Contender>, entry: &Entry) -> Trial {
        let name = format!("{}::{}", contender.subject.client.name, entry.name.replace('/', "::"));
        let (contender, entry) = (Arc::clone(contender), entry.clone());
        let (options, repeat) = (Arc::clone(&self.options), self.repeat);
        Trial::ignorable_test(name, move || {
            let mut skipped = None;
            for repetition in 1..=repeat {
                let dir = &contender.dir;
                let result = run_once(&entry, repetition, &contender.subject, &options, dir);
                let verdict = contender.check(&entry.name, &result);
                if let RunResult::Skipped(reason) = &result.result {
                    skipped = Some(reason.clone());
                }
                contender.results.lock().unwrap_or_else(PoisonError::into_inner).push(result);
                verdict?;
            }
            Ok(match skipped {
                Some(reason) => Completion::ignored_with(reason),
                None => Completion::Completed,
            })
        })
    }

    /// Writes each client's report, as `cachestorm run` would.
    pub fn report(&self) -> Result<()> {
        for contender in &self.contenders {
            let results = contender.results.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if results.is_empty() {
                continue;
            }
            let client = &contender.subject.client.name;
            let run = new_run(&contender.dir, client, &self.options, self.began, results);
            contender.dir.write("run.json", &serde_json::to_string_pretty(&run)?)?;
            write_all(&run, false, &contender.dir.path())?;
        }
        Ok(())
    }
}

impl Contender {
    /// Whether the result is the expected one. A failure says everything that is needed to see why.
    fn check(&self, scenario: &str, result: &ScenarioResult) -> Result<(), Failed> {
        let expected = self.expectations.as_ref().and_then(|e| e.scenario.get(scenario));
        let differs = match &result.result {
            RunResult::Skipped(_) => return Ok(()),
            RunResult::Invalid(text) | RunResult::HarnessFault(text) => text.clone(),
            RunResult::Judged(verdict) => {
                match expected.unwrap_or(&Expected::default()).check(verdict) {
                    Ok(()) => return Ok(()),
                    Err(differs) => differs,
                }
            }
        };
        let mut text = format!("repetition {}: {differs}\n", result.repetition);
        if let Some(expectations) = &self.expectations {
            text.push_str(&format!("the client's bug: {}\n", expectations.bug));
        }
        text.push_str(&live::line(result, 1, &Style::plain().palette));
        if let (RunResult::Judged(verdict), Some(file)) = (&result.result, &result.record) {
            let file = self.dir.path().join(file);
            if let Ok(record) = read_record(&file) {
                text.push('\n');
                text.push_str(&show::show(&record, verdict, &Style::plain(), 120));
            }
            text.push_str(&format!("\nthe record: {}", file.display()));
        }
        Err(Failed::from(text))
    }
}

/// One line in place of a whole suite that would be skipped.
fn not_installed(client: &str, missing: &[String]) -> Trial {
    let reason = format!("not installed on this machine: {}", missing.join(", "));
    Trial::ignorable_test(format!("{client}::all"), move || Ok(Completion::ignored_with(reason)))
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
