//! One repetition of one scenario, from its specification to its judged result.

use std::any::Any;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Instant;

use super::{Entry, Options, Subject};
use crate::client::needs::{missing, packages};
use crate::client::prepare::program_of;
use crate::engine::machine::lacks;
use crate::engine::{EngineError, Other, RunSpec, herd};
use crate::judge::judge;
use crate::model::client::Client;
use crate::model::record::Record;
use crate::model::run::{RunResult, ScenarioResult};
use crate::model::scenario::Scenario;
use crate::model::verdict::Outcome;
use crate::record::store::RunDir;
use crate::scenario::against::{check_against, check_beside};
use crate::scenario::resolve;

/// Runs one repetition of one scenario and judges it. Never panics: whatever goes wrong is a result.
pub fn run_once(
    entry: &Entry,
    repetition: u32,
    subject: &Subject,
    options: &Options,
    dir: &RunDir,
) -> ScenarioResult {
    let began = Instant::now();
    let (result, record) = match &entry.scenario {
        Err(diagnostic) => (RunResult::Invalid(diagnostic.to_string()), None),
        Ok(scenario) => match others(scenario, subject, &dir.work(&entry.name, repetition)) {
            Err(result) => (*result, None),
            Ok(others) => match unfit(subject, &others, scenario, &dir.path()) {
                Some(reason) => (RunResult::Skipped(reason), None),
                None => {
                    run_and_judge(&entry.name, scenario, repetition, subject, others, options, dir)
                }
            },
        },
    };
    ScenarioResult {
        scenario: entry.name.clone(),
        summary: summary_of(entry),
        file: file_of(entry),
        repetition,
        result,
        record,
        duration_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}

/// The other clients that run beside the one under test, with their helper files in place.
fn others(
    scenario: &Scenario,
    subject: &Subject,
    work: &Path,
) -> Result<Vec<Other>, Box<RunResult>> {
    let other = |name: &str| -> Result<Other, Box<RunResult>> {
        if name == subject.client.name {
            return Ok(Other { client: subject.client.clone(), dir: subject.dir.clone() });
        }
        let chosen = resolve::named_client(name);
        let chosen = chosen.map_err(|error| Box::new(RunResult::Invalid(error.to_string())))?;
        let dir = chosen.materialise(&work.join("clients")).and_then(|dir| dir.canonicalize());
        let dir = dir.map_err(|error| {
            Box::new(RunResult::HarnessFault(format!("write the files of {name}: {error}")))
        })?;
        Ok(Other { client: chosen.client, dir })
    };
    scenario.clients.also.iter().map(|also| other(&also.with)).collect()
}

/// Why this client cannot run this scenario on this machine, if it cannot.
fn unfit(subject: &Subject, others: &[Other], scenario: &Scenario, work: &Path) -> Option<String> {
    let mut lacking = missing(&subject.client, &subject.dir);
    lacking.extend(others.iter().flat_map(|other| missing(&other.client, &other.dir)));
    if !lacking.is_empty() {
        return Some(format!("not installed on this machine: {}", lacking.join(", ")));
    }
    let mut reasons = check_against(scenario, &subject.client);
    for other in others {
        reasons.extend(check_beside(scenario, &subject.client, &other.client));
    }
    let mut places = vec![work.canonicalize().unwrap_or_else(|_| work.to_owned())];
    let clients = others.iter().map(|other| (&other.client, &other.dir));
    for (client, dir) in clients.chain([(&subject.client, &subject.dir)]) {
        places.extend(program_of(client, dir, &subject.cache_client));
        if !client.needs.is_empty() {
            places.extend(packages(&client.name).canonicalize());
        }
    }
    reasons.extend(lacks(scenario, &places));
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

fn run_and_judge(
    name: &str,
    scenario: &Scenario,
    repetition: u32,
    subject: &Subject,
    others: Vec<Other>,
    options: &Options,
    dir: &RunDir,
) -> (RunResult, Option<String>) {
    let spec = RunSpec {
        name: name.to_owned(),
        scenario: scenario.clone(),
        client: with_files_of(&subject.client, &others),
        others,
        client_dir: subject.dir.clone(),
        cache_client: subject.cache_client.clone(),
        repetition,
        seed: options.seed,
        work: dir.work(name, repetition),
        backend: options.backend,
        cancel: options.cancel.subscribe(),
    };
    let record = match catch_unwind(AssertUnwindSafe(|| herd::run(&spec))) {
        Ok(Ok(record)) => record,
        Ok(Err(error)) => return (failed(&error), None),
        Err(panic) => return (RunResult::HarnessFault(panic_text(panic.as_ref())), None),
    };
    let result = judged(&record);
    // What a broken cache left is worth a look; anything else is only in the way.
    if !matches!(&result, RunResult::Judged(verdict) if verdict.outcome == Outcome::Fail) {
        // A directory that cannot be removed is no reason to lose a verdict.
        let _ = fs::remove_dir_all(&spec.work);
    }
    match dir.write_record(&record) {
        Ok(path) => (result, Some(path)),
        Err(error) => (RunResult::HarnessFault(error.to_string()), None),
    }
}

/// The client with the files of those beside it: what a file is does not depend on who made it.
fn with_files_of(client: &Client, others: &[Other]) -> Client {
    let mut client = client.clone();
    for other in others {
        let files = &other.client.files;
        let globs = [
            (&mut client.files.locks, &files.locks),
            (&mut client.files.temporaries, &files.temporaries),
            (&mut client.files.sidecars, &files.sidecars),
        ];
        for (own, more) in globs {
            let new: Vec<_> = more.iter().filter(|glob| !own.contains(glob)).cloned().collect();
            own.extend(new);
        }
    }
    client
}

/// Judges a record.
pub fn judged(record: &Record) -> RunResult {
    match catch_unwind(AssertUnwindSafe(|| judge(record))) {
        Ok(verdict) => RunResult::Judged(verdict),
        Err(panic) => RunResult::HarnessFault(panic_text(panic.as_ref())),
    }
}

fn failed(error: &EngineError) -> RunResult {
    if error.is_usage() {
        RunResult::Invalid(format!("error: {error}"))
    } else {
        RunResult::HarnessFault(error.to_string())
    }
}

/// The entry's summary; empty where its file could not be read.
pub fn summary_of(entry: &Entry) -> String {
    entry.scenario.as_ref().map_or_else(|_| String::new(), |scenario| scenario.summary.clone())
}

/// The entry's file as reports name it.
pub fn file_of(entry: &Entry) -> Option<String> {
    entry.file.as_ref().map(|file| file.display().to_string())
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned());
    format!("the harness panicked: {}", text.unwrap_or_else(|| "without a word".to_owned()))
}
