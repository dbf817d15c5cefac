//! What the server tells the engine while it answers, and what the engine may tell it to do.

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use crate::model::fault::Fault;
use crate::model::record::What;

/// A step of a request or response, told before the next step is taken.
#[derive(Debug)]
pub struct Observation {
    /// When the step was taken.
    pub at: Instant,
    /// The step: `Request`, `Faulted`, `HeadSent`, `HalfSent`, `ResponseDone` or `ResponseAborted`.
    pub what: What,
    /// Where the server waits for the answer, and so for every injection that the step fires; absent
    /// where there is no next step. A dropped sender means [`Directive::Proceed`].
    pub reply: Option<oneshot::Sender<Directive>>,
}

/// What the server does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Directive {
    /// Carry on.
    Proceed,
    /// Carry on after this time.
    Delay(Duration),
    /// Send nothing more, and keep the connection open until the client leaves or the server ends.
    Stall,
    /// Answer with this status and a short error body. Only before the head.
    Answer(u16),
    /// Put this fault on the wire, one that is not at the door. Only before the head.
    Fault(Fault),
    /// Break the connection with a reset (RST), once the client has what was sent before.
    Reset,
}

/// Where the server sends its observations.
pub type Observer = mpsc::UnboundedSender<Observation>;
