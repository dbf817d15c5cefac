//! Many scenarios, some times each, against one client: what the CLI and the tests call.
//!
//! - `one`: one repetition of one scenario, from its specification to its judged result;
//! - `many`: a queue of them over some threads;
//! - [`cancel`]: Ctrl-C and its like.

pub mod cancel;
mod many;
mod one;

use std::ffi::OsString;
use std::path::PathBuf;

use crate::catwalk::Backend;
use crate::model::client::Client;
use crate::model::run::ScenarioResult;

pub use crate::scenario::load::Entry;
pub use many::{Progress, Silent, new_id, new_run, run, run_in_turns};
pub use one::{judged, run_once};

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
    /// How many scenarios are run at a time.
    pub jobs: usize,
    /// What seeds the choices that the harness makes.
    pub seed: u64,
    /// Where the runs' folders are.
    pub base: PathBuf,
    /// What answers behind the front of the mock server.
    pub backend: Backend,
    /// Where Ctrl-C is heard.
    pub cancel: cancel::Cancel,
}

impl Options {
    /// Runs each scenario once, one after another, below `base`.
    pub fn new(base: impl Into<PathBuf>) -> Self {
        Self {
            repeat: 1,
            jobs: 1,
            seed: 0,
            base: base.into(),
            backend: Backend::default(),
            cancel: cancel::Cancel::default(),
        }
    }
}

/// The results in the order of a report: by name, then by repetition.
fn sort(results: &mut [ScenarioResult]) {
    results.sort_by(|a, b| (&a.scenario, a.repetition).cmp(&(&b.scenario, b.repetition)));
}
