//! The runs that several machines made of one plan become one run, with its records.
//!
//! [`mod@check`] refuses what does not belong together; nothing is written before everything was checked.

pub mod check;

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::model::plan::{Part, Plan, Shard};
use crate::model::run::{Host, RUN_SCHEMA, Run, ScenarioResult};
use crate::record::store::{RunDir, StoreError, read_record, read_run};
use crate::suite::{new_id, sort};
use check::{Refusal, check};

/// A run to be joined with others.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its folder.
    pub dir: PathBuf,
    /// What it came to.
    pub run: Run,
}

impl Source {
    /// Reads the run in a folder.
    ///
    /// # Errors
    /// When its `run.json` cannot be read, is of another version, or is no run.
    pub fn read(dir: &Path) -> Result<Self, StoreError> {
        Ok(Self { dir: dir.to_owned(), run: read_run(dir)? })
    }
}

/// Why runs were not joined.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// They do not belong together.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A file could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The folders of the runs at or below a folder, as a download of many artifacts leaves them, sorted. A link
/// `latest` beside runs is one of them and not counted again.
///
/// # Errors
/// When a folder cannot be listed.
pub fn runs_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    if folder.join("run.json").is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let mut children = Vec::new();
    for entry in fs::read_dir(folder)? {
        children.push(entry?.path());
    }
    children.sort();
    let (latest, others): (Vec<_>, Vec<_>) =
        children.into_iter().filter(|path| path.is_dir()).partition(|it| it.ends_with("latest"));
    let mut runs = Vec::new();
    // A link to a folder may lead round in circles.
    for child in others.iter().filter(|path| !path.is_symlink()) {
        runs.extend(runs_below(child)?);
    }
    if let ([], [latest]) = (&runs[..], &latest[..]) {
        runs.extend(runs_below(latest)?);
    }
    Ok(runs)
}

/// Joins runs into a new one below `base`.
///
/// # Errors
/// When the runs do not belong together, a record is missing, or the folder cannot be written.
pub fn merge(sources: &[Source], base: &Path) -> Result<(Run, RunDir), MergeError> {
    let plan = check(sources)?;
    for source in sources {
        for result in &source.run.results {
            record_of(source, result)?;
        }
    }
    // One of them may be named by the link `latest`, which is about to lead to the new run.
    let resolved = |source: &Source| Source {
        dir: source.dir.canonicalize().unwrap_or_else(|_| source.dir.clone()),
        run: source.run.clone(),
    };
    let sources: Vec<Source> = sources.iter().map(resolved).collect();
    let id = format!("{}-merged", new_id(SystemTime::now()));
    let dir = RunDir::create(base, &id)?;
    let mut results = Vec::new();
    for source in &sources {
        for result in &source.run.results {
            let record = match record_of(source, result)? {
                Some(file) => Some(dir.write_record(&read_record(&file)?)?),
                None => None,
            };
            results.push(ScenarioResult { record, ..result.clone() });
        }
    }
    sort(&mut results);
    let parts = parts(&sources);
    let (started, duration) = span(&parts);
    let first = &sources[0].run;
    let run = Run {
        schema: RUN_SCHEMA.to_owned(),
        id,
        client: first.client.clone(),
        started,
        duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        seed: first.seed,
        host: common_host(&parts),
        plan: Some(Plan { shard: Shard::WHOLE, parts, ..plan }),
        results,
    };
    Ok((run, dir))
}

/// The record's file of a result, which must be there and be that result's.
fn record_of(source: &Source, result: &ScenarioResult) -> Result<Option<PathBuf>, MergeError> {
    let Some(relative) = &result.record else { return Ok(None) };
    let trial = || format!("{}, repetition {}", result.scenario, result.repetition);
    let relative = Path::new(relative);
    // A path that leaves the folder is no record of this run.
    let inside = relative.components().all(|part| matches!(part, Component::Normal(_)));
    let file = source.dir.join(relative);
    if !inside || !file.is_file() {
        return Err(Refusal::NoRecord { trial: trial(), file }.into());
    }
    let record = read_record(&file)?;
    if record.name != result.scenario || record.repetition != result.repetition {
        let found = format!("{}, repetition {}", record.name, record.repetition);
        return Err(Refusal::OtherRecord { trial: trial(), file, found }.into());
    }
    Ok(Some(file))
}

fn parts(sources: &[Source]) -> Vec<Part> {
    let part = |source: &Source| Part {
        id: source.run.id.clone(),
        shard: source.run.plan.as_ref().map_or(Shard::WHOLE, |plan| plan.shard),
        started: source.run.started.clone(),
        duration_ms: source.run.duration_ms,
        host: source.run.host.clone(),
    };
    let mut parts: Vec<Part> = sources.iter().map(part).collect();
    parts.sort_by_key(|part| part.shard);
    parts
}

/// When the first part began, and how long it was from there to the end of the last by the machines' own
/// clocks; never less than the longest part took.
fn span(parts: &[Part]) -> (String, Duration) {
    let took = |part: &Part| Duration::from_millis(part.duration_ms);
    let begun = |part: &Part| humantime::parse_rfc3339(&part.started).ok();
    let first = parts.iter().filter_map(begun).min();
    let last = parts.iter().filter_map(|part| Some(begun(part)? + took(part))).max();
    let longest = parts.iter().map(took).max().unwrap_or_default();
    let whole = first.zip(last).and_then(|(first, last)| last.duration_since(first).ok());
    let started = parts.iter().map(|part| &part.started).min().cloned().unwrap_or_default();
    (started, whole.unwrap_or_default().max(longest))
}

/// What the machines have in common: `several` where they differ, and the fewest cores of any.
fn common_host(parts: &[Part]) -> Host {
    let common = |word: fn(&Host) -> Option<String>| {
        let first = parts.first().and_then(|part| word(&part.host));
        let same = parts.iter().all(|part| word(&part.host) == first);
        if same { first } else { Some("several".to_owned()) }
    };
    Host {
        os: common(|host| Some(host.os.clone())).unwrap_or_default(),
        kernel: common(|host| host.kernel.clone()),
        arch: common(|host| Some(host.arch.clone())).unwrap_or_default(),
        cores: parts.iter().map(|part| part.host.cores).min().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(started: &str, seconds: u64, kernel: &str, cores: u32) -> Part {
        Part {
            id: "x".to_owned(),
            shard: Shard::WHOLE,
            started: started.to_owned(),
            duration_ms: seconds * 1000,
            host: Host {
                os: "linux".to_owned(),
                kernel: Some(kernel.to_owned()),
                arch: "x86_64".to_owned(),
                cores,
            },
        }
    }

    #[test]
    fn a_joined_run_lasts_from_the_first_begin_to_the_last_end() {
        let check = |parts: &[Part], expected: (&str, u64)| {
            let (started, took) = span(parts);
            assert_eq!((started.as_str(), took.as_secs()), expected);
        };
        let early = part("2026-11-25T10:00:00Z", 60, "6.8", 2);
        let late = part("2026-11-25T10:00:30Z", 50, "6.8", 2);
        check(&[late.clone(), early.clone()], ("2026-11-25T10:00:00Z", 80));
        check(&[early], ("2026-11-25T10:00:00Z", 60));
        check(&[part("nonsense", 7, "6.8", 2)], ("nonsense", 7));
    }

    #[test]
    fn machines_that_differ_are_several() {
        let (one, other) = (part("", 1, "6.8", 4), part("", 1, "6.9", 2));
        let host = common_host(&[one.clone(), other]);
        assert_eq!(
            (host.os.as_str(), host.kernel.as_deref(), host.cores),
            ("linux", Some("several"), 2)
        );
        assert_eq!(common_host(std::slice::from_ref(&one)), one.host);
    }

    #[test]
    fn runs_are_found_below_a_folder_and_latest_is_none_of_its_own() {
        let base = tempfile::tempdir().unwrap();
        let make = |path: &str| {
            fs::create_dir_all(base.path().join(path)).unwrap();
            fs::write(base.path().join(path).join("run.json"), "{}").unwrap();
        };
        let found = |path: &str| -> Vec<String> {
            let root = base.path().join(path);
            let runs = runs_below(&root).unwrap();
            runs.iter().map(|it| it.strip_prefix(&root).unwrap().display().to_string()).collect()
        };
        make("shards/1/run-a");
        // As an upload leaves it that follows links.
        make("shards/1/latest");
        make("shards/2/latest");
        make("shards/3/run-c");
        std::os::unix::fs::symlink("run-c", base.path().join("shards/3/latest")).unwrap();
        std::os::unix::fs::symlink("..", base.path().join("shards/3/around")).unwrap();
        assert_eq!(found("shards"), ["1/run-a", "2/latest", "3/run-c"]);
        assert_eq!(found("shards/1/run-a"), [""]);
        fs::create_dir(base.path().join("empty")).unwrap();
        assert!(found("empty").is_empty());
        assert!(runs_below(&base.path().join("gone")).is_err());
    }
}
