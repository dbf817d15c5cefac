//! Faults that hit answers until they are mended.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::model::fault::Fault;
use crate::model::units::ClientId;

/// What stands, for everyone and for single clients.
#[derive(Debug, Default)]
pub(in crate::catwalk) struct Standing(Mutex<Faults>);

#[derive(Debug, Default)]
struct Faults {
    everyone: Option<Fault>,
    single: HashMap<ClientId, Fault>,
}

impl Standing {
    /// From now on `fault` hits every answer to this client, or to everyone.
    pub fn impose(&self, whom: Option<ClientId>, fault: Fault) {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match whom {
            Some(client) => drop(faults.single.insert(client, fault)),
            None => faults.everyone = Some(fault),
        }
    }

    /// Nothing stands any more.
    pub fn mend(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Faults::default();
    }

    /// What hits an answer to this client, or to a stranger.
    pub fn against(&self, client: Option<ClientId>) -> Option<Fault> {
        let faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let single = client.and_then(|client| faults.single.get(&client).copied());
        single.or(faults.everyone)
    }
}
