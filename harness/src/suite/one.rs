//! One repetition of one scenario, from its specification to its judged result.

use std::any::Any;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Component, Path, PathBuf};
use std::time::Instant;

use super::{Entry, Options, Subject};
use crate::client::needs::{missing, packages};
use crate::client::prepare::{CACHE_CLIENT, program_of};
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
use crate::scenario::line::line_of;
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
                    let name = &entry.name;
                    let spec = spec(name, scenario, repetition, subject, others, options, dir);
                    run_and_judge(&spec, dir)
                }
            },
        },
    };
    ScenarioResult {
        scenario: entry.name.clone(),
        summary: summary_of(entry),
        file: file_of(entry),
        line: line_of(entry, &result),
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
    // Only a suite made in code may be without the program that holds our clients.
    if subject.cache_client.is_empty() && others.iter().any(|other| is_held(&other.client)) {
        lacking.push("cachestorm".to_owned());
    }
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

/// Whether a client is held by the fixture binary or the command.
fn is_held(client: &Client) -> bool {
    client.command.first().is_some_and(|first| first == CACHE_CLIENT)
}

/// Runs a scenario once, traced, and returns its record. It is neither judged nor kept.
///
/// # Errors
/// What [`run_once`] would have made of it: a scenario that is wrong, or that cannot be run here, or a fault
/// of the harness.
pub fn record_once(
    entry: &Entry,
    subject: &Subject,
    options: &Options,
    dir: &RunDir,
) -> Result<Record, Box<RunResult>> {
    let scenario = entry.scenario.as_ref();
    let scenario =
        scenario.map_err(|diagnostic| Box::new(RunResult::Invalid(diagnostic.to_string())))?;
    let work = dir.work(&entry.name, 0);
    let others = others(scenario, subject, &work)?;
    if let Some(reason) = unfit(subject, &others, scenario, &dir.path()) {
        return Err(Box::new(RunResult::Skipped(reason)));
    }
    if let Some(reason) = crate::trace::lacks() {
        return Err(Box::new(RunResult::Skipped(reason.to_owned())));
    }
    let options = Options { traced: true, ..options.clone() };
    let spec = spec(&entry.name, scenario, 0, subject, others, &options, dir);
    let record = run_spec(&spec);
    let _ = fs::remove_dir_all(&spec.work);
    record
}

fn spec(
    name: &str,
    scenario: &Scenario,
    repetition: u32,
    subject: &Subject,
    others: Vec<Other>,
    options: &Options,
    dir: &RunDir,
) -> RunSpec {
    RunSpec {
        name: name.to_owned(),
        scenario: scenario.clone(),
        client: with_files_of(&subject.client, &others),
        others,
        client_dir: subject.dir.clone(),
        cache_client: subject.cache_client.clone(),
        repetition,
        seed: options.seed,
        work: dir.work(name, repetition),
        traced: options.traced,
        backend: options.backend,
        cancel: options.cancel.subscribe(),
    }
}

fn run_spec(spec: &RunSpec) -> Result<Record, Box<RunResult>> {
    match catch_unwind(AssertUnwindSafe(|| herd::run(spec))) {
        Ok(Ok(record)) => Ok(record),
        Ok(Err(error)) => Err(Box::new(failed(&error))),
        Err(panic) => Err(Box::new(RunResult::HarnessFault(panic_text(panic.as_ref())))),
    }
}

fn run_and_judge(spec: &RunSpec, dir: &RunDir) -> (RunResult, Option<String>) {
    let record = match run_spec(spec) {
        Ok(record) => record,
        Err(result) => return (*result, None),
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

/// The entry's file as reports name it: without a `./` before it, which no reader needs and some take for a
/// part of the name.
pub fn file_of(entry: &Entry) -> Option<String> {
    let file = entry.file.as_ref()?;
    let parts = file.components().filter(|part| *part != Component::CurDir);
    Some(parts.collect::<PathBuf>().display().to_string())
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned());
    format!("the harness panicked: {}", text.unwrap_or_else(|| "without a word".to_owned()))
}
