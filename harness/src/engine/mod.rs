//! The engines that run scenarios. Each writes a [`crate::model::record::Record`] and judges nothing.
//!
//! - [`herd`]: real concurrency, with kills, delays and faults at observed events;
//! - [`crash`]: a client killed at every step of its protocol, and every call of it failed;
//! - [`machine`]: what a scenario needs of the machine.

pub mod crash;
pub mod herd;
pub mod machine;

use std::ffi::OsString;
use std::path::PathBuf;

use tokio::sync::watch;

use crate::catwalk::{Backend, CatwalkError};
use crate::client::prepare::PrepareError;
use crate::model::client::Client;
use crate::model::scenario::Scenario;
use crate::record::roles::BadGlob;

pub use crate::client::process::raise_limits;

/// Everything that one run of one scenario needs.
#[derive(Debug, Clone)]
pub struct RunSpec {
    /// The scenario's name, such as `crash/holder-killed`.
    pub name: String,
    /// The scenario.
    pub scenario: Scenario,
    /// The client.
    pub client: Client,
    /// The folder of the client's description, for `{client_dir}`.
    pub client_dir: PathBuf,
    /// The other clients that `clients.also` names, in its order.
    pub others: Vec<Other>,
    /// What `{cache-client}` stands for: a program and its first arguments.
    pub cache_client: Vec<OsString>,
    /// Which repetition this is, counted from 1.
    pub repetition: u32,
    /// What seeds the choices that the harness makes.
    pub seed: u64,
    /// An empty directory for this run alone.
    pub work: PathBuf,
    /// Every process is traced, also where the scenario does not need it: its system calls are in the record,
    /// and what was published is seen at every moment.
    pub traced: bool,
    /// What answers behind the front of the mock server.
    pub backend: Backend,
    /// Turns true when the run is to stop.
    pub cancel: watch::Receiver<bool>,
}

/// A client that runs beside the one under test.
#[derive(Debug, Clone)]
pub struct Other {
    /// Its description.
    pub client: Client,
    /// The folder of its description, for `{client_dir}`.
    pub dir: PathBuf,
}

/// Why a run could not be made at all. What goes wrong within a run is in its record.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The client's description and this machine do not go together. The user's mistake.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// A glob of the scenario or the client does not compile. The user's mistake.
    #[error(transparent)]
    Glob(#[from] BadGlob),
    /// The mock server could not be started.
    #[error(transparent)]
    Catwalk(#[from] CatwalkError),
    /// The system refused something that the harness needs for itself.
    #[error("{doing}: {source}")]
    System {
        /// What was being done.
        doing: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

impl EngineError {
    /// Whether the user can mend it, rather than the harness or the machine being at fault.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Prepare(_) | Self::Glob(_))
    }

    fn system(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::System { doing, source }
    }
}
