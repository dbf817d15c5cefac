//! The tracer where there is none: it cannot be started, and says why.

use std::io;

use tokio::sync::mpsc::UnboundedSender;

use super::terms::{Attention, Decision, Heard, Settings};
use crate::client::prepare::Invocation;
use crate::client::process::Held;
use crate::model::units::ClientId;

/// A tracer that is never there.
#[derive(Debug)]
pub enum Tracer {}

impl Tracer {
    /// Fails.
    ///
    /// # Errors
    /// Always.
    pub fn start(_: Settings, _: UnboundedSender<Heard>) -> io::Result<Self> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }

    /// Cannot be called.
    ///
    /// # Errors
    /// None.
    pub fn launch(&self, _: ClientId, _: Invocation, _: Attention) -> io::Result<Held> {
        match *self {}
    }

    /// Cannot be called.
    pub fn answer(&self, _: u32, _: Decision) {
        match *self {}
    }

    /// Cannot be called.
    pub fn can_cut(&self, _: u32, _: u64) -> bool {
        match *self {}
    }

    /// Cannot be called.
    pub fn settle(&self) {
        match *self {}
    }
}
