//! A storm of processes that end as soon as they have begun, beside the clients.

use std::collections::BTreeMap;

use tokio::sync::mpsc;

use super::world::Herd;
use crate::client::prepare::Invocation;
use crate::client::process::{self, Held};
use crate::inject::disk::DiskError;
use crate::model::units::ClientId;

/// Forks as many children as its argument says, all at once, and waits for them.
const STORM: &str = "n=$1; while [ $n -gt 0 ]; do : & n=$((n - 1)); done; wait";

impl Herd<'_> {
    /// Starts a storm of `count` processes and does not wait for its end: it lies under guard and ends with the
    /// run at the latest.
    pub fn fork_storm(&mut self, count: u32) -> Result<(), DiskError> {
        let invocation = Invocation {
            program: "/bin/sh".into(),
            args: ["-c", STORM, "storm"]
                .map(Into::into)
                .into_iter()
                .chain([count.to_string().into()])
                .collect(),
            // No marker: what is left of it is no client's.
            env: BTreeMap::new(),
            dir: "/".into(),
            confinement: Default::default(),
            asked: false,
        };
        let explain = |error| DiskError::Nothing(process::explain(&error, &invocation.program));
        let storm = Held::start_free(&invocation).and_then(Held::ready).map_err(explain)?;
        let (tell, _) = mpsc::unbounded_channel();
        storm.watch(ClientId(0), self.spec.scenario.clients.deadline.0, tell);
        Ok(())
    }
}
