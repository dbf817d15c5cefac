//! A suite that was read and checked: its run as a whole, and what came of it.

use std::ffi::OsString;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Instant, SystemTime};

use cachestorm_reports::style::Options as Style;
use cachestorm_reports::{live, show};

use super::builder::SuiteError;
use super::many::{new_id, new_run, run_in};
use super::one::{file_of, run_once, summary_of};
use super::report::Report;
use super::reports::{EVERY, write_reports};
use super::{Entry, Options, Progress, Subject};
use crate::model::client::Client;
use crate::model::run::{RunResult, ScenarioResult};
use crate::record::store::{RunDir, read_record};
use crate::scenario::resolve::ChosenClient;

/// Events of a record that are shown with a failure.
const EVENTS: usize = 120;

/// A suite that was read and checked, and what came of it so far. Its folder is made with the first run.
#[derive(Debug)]
pub struct Prepared {
    pub(super) entries: Vec<Entry>,
    pub(super) excluded: Vec<(Entry, String)>,
    pub(super) options: Options,
    /// What was asked for.
    pub(super) jobs: Option<usize>,
    pub(super) strict: bool,
    chosen: ChosenClient,
    cache_client: Vec<OsString>,
    name: Option<String>,
    started: OnceLock<Result<Started, String>>,
    results: Mutex<Vec<ScenarioResult>>,
}

/// The scenarios of a suite.
#[derive(Debug)]
pub(super) struct Choice {
    /// Those that are run.
    pub entries: Vec<Entry>,
    /// Those that are left out, each with the reason.
    pub excluded: Vec<(Entry, String)>,
}

/// What there is once something is run.
#[derive(Debug)]
pub(super) struct Started {
    pub dir: RunDir,
    pub subject: Subject,
    began: (Instant, SystemTime),
}

impl Prepared {
    pub(super) fn new(
        choice: Choice,
        chosen: ChosenClient,
        cache_client: Vec<OsString>,
        options: Options,
        jobs: Option<usize>,
        strict: bool,
        name: Option<String>,
    ) -> Self {
        Self {
            entries: choice.entries,
            excluded: choice.excluded,
            options,
            jobs,
            strict,
            chosen,
            cache_client,
            name,
            started: OnceLock::new(),
            results: Mutex::default(),
        }
    }

    /// The client's description.
    pub fn client(&self) -> &Client {
        &self.chosen.client
    }

    /// The scenarios that are run, in order of their names.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Runs every scenario as often as asked.
    ///
    /// # Errors
    /// When the run's folder cannot be written.
    pub fn run(&self, progress: &dyn Progress) -> Result<Report, SuiteError> {
        let started = self.started()?;
        let results =
            run_in(&self.entries, &started.subject, &self.options, &started.dir, progress);
        results.into_iter().for_each(|result| self.add(result));
        self.excluded.iter().for_each(|(entry, reason)| self.add(left_out(entry, reason)));
        self.report()
    }

    /// Runs one repetition of one scenario, judges it, and keeps what came of it for the report.
    ///
    /// # Errors
    /// When the run's folder cannot be made.
    pub fn run_once(&self, entry: &Entry, repetition: u32) -> Result<ScenarioResult, SuiteError> {
        let started = self.started()?;
        let result = run_once(entry, repetition, &started.subject, &self.options, &started.dir);
        self.add(result.clone());
        Ok(result)
    }

    pub(super) fn add(&self, result: ScenarioResult) {
        self.results.lock().unwrap_or_else(PoisonError::into_inner).push(result);
    }

    /// Whether something was run, or left out.
    pub(super) fn has_results(&self) -> bool {
        !self.results.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Writes the reports of what was run so far.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn report(&self) -> Result<Report, SuiteError> {
        let started = self.started()?;
        let results = self.results.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for result in &results {
            started.dir.tidy(&result.scenario, result.repetition);
        }
        let client = &self.client().name;
        let run = new_run(&started.dir, client, &self.options, started.began, results);
        write_reports(&run, &started.dir.path(), self.strict, EVERY)?;
        Ok(Report::new(run, started.dir.path(), self.strict))
    }

    /// Everything that is needed to see why a result is not what it should be.
    pub fn explain(&self, result: &ScenarioResult, why: &str) -> String {
        let style = Style::plain();
        let mut text = format!(
            "repetition {}: {why}\n{}",
            result.repetition,
            live::line(result, 1, &style.palette)
        );
        let (RunResult::Judged(verdict), Some(file)) = (&result.result, &result.record) else {
            return text;
        };
        let Ok(started) = self.started() else { return text };
        let file = started.dir.path().join(file);
        if let Ok(record) = read_record(&file) {
            text.push('\n');
            text.push_str(&show::show(&record, verdict, &style, EVENTS));
        }
        text.push_str(&format!("\nthe record: {}", file.display()));
        text
    }

    pub(super) fn started(&self) -> Result<&Started, SuiteError> {
        let started = self.started.get_or_init(|| self.start().map_err(|error| error.to_string()));
        started.as_ref().map_err(|error| SuiteError::Folder(error.clone()))
    }

    fn start(&self) -> Result<Started, SuiteError> {
        let began = (Instant::now(), SystemTime::now());
        let id = self.name.clone().unwrap_or_else(|| new_id(began.1));
        let dir = RunDir::create(&self.options.base, &id)?;
        crate::engine::raise_limits();
        // The helper files of a client that has no folder of its own are kept with the run.
        let helpers = dir.path().join("client");
        let home = self.chosen.materialise(&helpers).and_then(|home| home.canonicalize()).map_err(
            |error| {
                SuiteError::Folder(format!("find the files of {}: {error}", self.client().name))
            },
        )?;
        let client = self.client().clone();
        let subject = Subject { client, dir: home, cache_client: self.cache_client.clone() };
        Ok(Started { dir, subject, began })
    }
}

/// The result of a scenario that was left out for a reason.
pub(super) fn left_out(entry: &Entry, reason: &str) -> ScenarioResult {
    ScenarioResult {
        scenario: entry.name.clone(),
        summary: summary_of(entry),
        file: file_of(entry),
        repetition: 1,
        result: RunResult::Skipped(format!("left out: {reason}")),
        record: None,
        line: None,
        duration_ms: 0,
    }
}
