//! All the listeners of a server.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::door::Door;
use crate::catwalk::error::CatwalkError;
use crate::catwalk::state::State;
use crate::model::fault::Fault;
use crate::model::record::AbortedBy;
use crate::model::scenario::Listeners;
use crate::model::units::ClientId;

/// The listener that clients share, and those of single clients, each opened when it is first asked for.
#[derive(Debug)]
pub(in crate::catwalk) struct Doors {
    listeners: Listeners,
    shared: Arc<Door>,
    known: Mutex<Known>,
}

/// What doors that are yet to come must know, too.
#[derive(Debug)]
struct Known {
    own: BTreeMap<ClientId, Arc<Door>>,
    /// The fault that stands at every door.
    everywhere: Option<Fault>,
    /// Single clients at whose doors another fault stands.
    single: BTreeMap<ClientId, Fault>,
    /// The server is up.
    up: bool,
}

impl Doors {
    /// Closed doors; the shared one on `port`, 0 for any.
    pub fn new(port: u16, listeners: Listeners) -> Result<Self, CatwalkError> {
        let shared = Arc::new(Door::new(port, None)?);
        let (own, single) = Default::default();
        let known = Mutex::new(Known { own, everywhere: None, single, up: false });
        Ok(Self { listeners, shared, known })
    }

    /// The address that clients share.
    pub fn shared_addr(&self) -> SocketAddr {
        self.shared.addr()
    }

    /// The address for one client.
    pub fn addr(&self, client: ClientId, state: &Arc<State>) -> Result<SocketAddr, CatwalkError> {
        if !self.listeners.include(client) {
            return Ok(self.shared.addr());
        }
        let mut known = self.known();
        if let Some(door) = known.own.get(&client) {
            return Ok(door.addr());
        }
        let door = Arc::new(Door::new(0, Some(client))?);
        known.own.insert(client, Arc::clone(&door));
        known.apply(Some(client), &door, state)?;
        Ok(door.addr())
    }

    /// A fault stands from now on at the door of this client, or at every door.
    pub async fn impose(
        &self,
        whom: Option<ClientId>,
        fault: Fault,
        state: &Arc<State>,
    ) -> Result<(), CatwalkError> {
        match whom {
            Some(client) if !self.listeners.include(client) => {
                return Err(CatwalkError::SharedListener(client));
            }
            Some(client) => {
                self.known().single.insert(client, fault);
                self.addr(client, state)?;
            }
            None => self.known().everywhere = Some(fault),
        }
        self.apply(state).await
    }

    /// No fault stands any more at any door.
    pub fn mend(&self, state: &Arc<State>) -> Result<(), CatwalkError> {
        let mut known = self.known();
        known.everywhere = None;
        known.single.clear();
        self.each(&known).try_for_each(|(owner, door)| known.apply(owner, &door, state))
    }

    /// Every door opens, but those at which a fault stands that refuses.
    pub fn up(&self, state: &Arc<State>) -> Result<(), CatwalkError> {
        let mut known = self.known();
        known.up = true;
        self.each(&known).try_for_each(|(owner, door)| known.apply(owner, &door, state))
    }

    /// Every door is closed, and every connection ended.
    pub async fn end(&self, by: AbortedBy) {
        let doors: Vec<_> = {
            let mut known = self.known();
            known.up = false;
            self.each(&known).collect()
        };
        for (_, door) in doors {
            door.end(by).await;
        }
    }

    async fn apply(&self, state: &Arc<State>) -> Result<(), CatwalkError> {
        let closing: Vec<Arc<Door>> = {
            let known = self.known();
            let mut closing = Vec::new();
            for (owner, door) in self.each(&known) {
                known.apply(owner, &door, state)?;
                if known.fault(owner) == Some(Fault::Refuse) {
                    closing.push(door);
                }
            }
            closing
        };
        for door in closing {
            door.close().await;
        }
        Ok(())
    }

    fn each(&self, known: &Known) -> impl Iterator<Item = (Option<ClientId>, Arc<Door>)> + use<> {
        let own = known.own.iter().map(|(client, door)| (Some(*client), Arc::clone(door)));
        let all: Vec<_> = own.chain([(None, Arc::clone(&self.shared))]).collect();
        all.into_iter()
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn fault(&self, owner: Option<ClientId>) -> Option<Fault> {
        let single = owner.and_then(|client| self.single.get(&client).copied());
        single.or(self.everywhere)
    }

    /// Brings a door into the state that it must have, except for closing it, which takes its time.
    fn apply(
        &self,
        owner: Option<ClientId>,
        door: &Door,
        state: &Arc<State>,
    ) -> Result<(), CatwalkError> {
        let fault = self.fault(owner);
        door.set_manner(fault);
        if self.up && fault != Some(Fault::Refuse) { door.open(state) } else { Ok(()) }
    }
}
