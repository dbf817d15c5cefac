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
use std::path::Path;
use std::process::ExitCode;

use cachestorm::shard::partition::assign;
use cachestorm::suite::trials::run_trials;
use cachestorm_model::plan::Shard;
use libtest_mimic::{Arguments, Trial};

use trials::{Contender, contenders};

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
    let contenders = match contenders(Path::new(SCENARIOS), Path::new(CLIENTS)) {
        Ok(contenders) => contenders,
        Err(error) => {
            eprintln!("error: {error:#}");
            return ExitCode::from(64);
        }
    };
    let trials = contenders.iter().flat_map(Contender::trials).collect();
    let trials = match shard() {
        Ok(shard) => part(trials, shard),
        Err(error) => {
            eprintln!("error: {}: {error}", cachestorm::shard::VARIABLE);
            return ExitCode::from(64);
        }
    };
    let suites: Vec<_> = contenders.into_iter().map(|contender| contender.suite).collect();
    run_trials(&mut arguments, &suites, trials)
}
