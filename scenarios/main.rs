//! The suite: every scenario against the reference client, and every wrong client against the
//! scenarios that catch it.
//!
//! Each pair is a test of its own, `reference::crash::holder-killed` or
//! `before-fix::stampede::cold-herd`, so that names, filters and `--exact` work as in any test.
//!
//! - `CACHESTORM_REPEAT=50` runs each that many times; all must come out as expected.
//! - `CACHESTORM_CLIENT=path/to/client.toml` runs every scenario against that client instead, which
//!   must pass them.
//! - `CACHESTORM_SHARD=2/3` runs only that part of all trials, as `cachestorm run --shard` does.
//!
//! What a wrong client breaks is data beside it: `fixtures/clients/<name>/expected.toml`.

mod expectations;
mod trials;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use cachestorm::shard::partition::assign;
use cachestorm_model::plan::Shard;
use libtest_mimic::{Arguments, Trial};

/// The folder of the scenarios.
const SCENARIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios");

/// The folder of the clients.
const CLIENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients");

/// The program that holds every client of ours; cargo builds it before this test.
const CACHE_CLIENT: &str = env!("CARGO_BIN_EXE_cache-client");

/// The part that is asked for; all where nothing is.
fn shard() -> Result<Shard, String> {
    match env::var(cachestorm::shard::VARIABLE) {
        Ok(text) if !text.is_empty() => text.parse(),
        _ => Ok(Shard::WHOLE),
    }
}

/// The trials of a part, by their names.
fn part(trials: Vec<Trial>, shard: Shard) -> Vec<Trial> {
    if shard.is_whole() {
        return trials;
    }
    let names: Vec<&str> = trials.iter().map(Trial::name).collect();
    let parts = assign(&names, shard.of());
    let own = trials.into_iter().zip(parts).filter(|(_, part)| *part == shard.index());
    let own: Vec<Trial> = own.map(|(trial, _)| trial).collect();
    eprintln!("shard {shard}: {} trials", own.len());
    own
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Much of a trial is waiting: for a timeout that a fault is about, or for a herd to come to rest.
    let cores = thread::available_parallelism().map_or(1, usize::from);
    arguments.test_threads.get_or_insert(2 * cores);
    let suite = match trials::Suite::new(&PathBuf::from(SCENARIOS), &PathBuf::from(CLIENTS)) {
        Ok(suite) => suite,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::from(64);
        }
    };
    let trials = match shard() {
        Ok(shard) => part(suite.trials(), shard),
        Err(error) => {
            eprintln!("error: {}: {error}", cachestorm::shard::VARIABLE);
            return ExitCode::from(64);
        }
    };
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !arguments.list
        && let Err(error) = suite.report()
    {
        eprintln!("error: the reports could not be written: {error:#}");
        return ExitCode::from(70);
    }
    conclusion.exit_code()
}
