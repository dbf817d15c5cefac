//! Many scenarios, some times each, against one client: what the CLI and the tests call.
//!
//! - `one`: one repetition of one scenario, from its specification to its judged result;
//! - `many`: a queue of them over some threads;
//! - [`reports`]: the files that a run leaves;
//! - `builder`, `prepared` and `report`: a suite put together in code, run as a whole, and asked;
//! - [`trials`]: one test for each scenario;
//! - [`cancel`]: Ctrl-C and its like;
//! - `skip`: tests that a machine lacks something for.

mod builder;
pub mod cancel;
mod many;
mod one;
mod prepared;
mod report;
pub mod reports;
mod skip;
pub mod trials;

use std::ffi::OsString;
use std::path::PathBuf;
use std::thread;

use crate::catwalk::Backend;
use crate::model::client::Client;
use crate::model::plan::Shard;
use crate::model::run::ScenarioResult;

pub use crate::scenario::load::Entry;
pub use builder::{ClientSource, Suite, SuiteError};
pub use many::{Progress, Silent, new_id, new_run, run, run_in_turns};
pub use one::{judged, record_once, run_once};
pub use prepared::Prepared;
pub use report::Report;
#[doc(hidden)]
pub use skip::skip;

/// A client with what is needed to run it.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Its description.
    pub client: Client,
    /// The folder of its description, for `{client_dir}`.
    pub dir: PathBuf,
    /// What `{cache-client}` stands for: a program and its first arguments.
    pub cache_client: Vec<OsString>,
}

/// How a suite is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// How often each scenario is run.
    pub repeat: u32,
    /// The part of all that which is run here; all of it without.
    pub shard: Option<Shard>,
    /// How many scenarios are run at a time.
    pub jobs: usize,
    /// What seeds the choices that the harness makes.
    pub seed: u64,
    /// Where the runs' folders are.
    pub base: PathBuf,
    /// What answers behind the front of the mock server.
    pub backend: Backend,
    /// Whether every process is traced, also where a scenario does not need it.
    pub traced: bool,
    /// Where Ctrl-C is heard.
    pub cancel: cancel::Cancel,
}

impl Options {
    /// Runs each scenario once, one after another, below `base`.
    pub fn new(base: impl Into<PathBuf>) -> Self {
        Self {
            repeat: 1,
            shard: None,
            jobs: 1,
            seed: 0,
            base: base.into(),
            backend: Backend::default(),
            traced: false,
            cancel: cancel::Cancel::default(),
        }
    }
}

/// How many scenarios are run at a time by default: half as many as there are processors, since the clients
/// need the others.
pub fn default_jobs() -> usize {
    thread::available_parallelism().map_or(1, |cores| (cores.get() / 2).max(1))
}

/// The results in the order of a report: by name, then by repetition.
pub fn sort(results: &mut [ScenarioResult]) {
    results.sort_by(|a, b| (&a.scenario, a.repetition).cmp(&(&b.scenario, b.repetition)));
}
