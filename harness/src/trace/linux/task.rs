//! A thread of a client, and what it is at.

use super::calls::Move;
use super::cut::Cut;
use crate::model::call::Call;
use crate::model::units::ClientId;

/// A thread of a client.
#[derive(Debug)]
pub(super) struct Task {
    /// Whose.
    pub client: ClientId,
    /// Its process.
    pub pid: i32,
    /// What it is at.
    pub state: State,
    /// The calls that signals have interrupted, the last of them last: the kernel makes them again, or they
    /// fail with `EINTR`, when the signal's handler is over.
    pub interrupted: Vec<Interrupted>,
}

/// A call that a signal has interrupted.
#[derive(Debug)]
pub(super) struct Interrupted {
    /// The call.
    pub pending: Pending,
    /// Where the thread's stack ended: a handler's calls are elsewhere.
    pub stack: u64,
}

impl Task {
    pub fn new(client: ClientId, pid: i32) -> Self {
        Self { client, pid, state: State::Running, interrupted: Vec::new() }
    }
}

/// What a thread is at.
#[derive(Debug)]
pub(super) enum State {
    /// Its own business.
    Running,
    /// It stands before a call, and waits for an answer or for its turn.
    Before(Box<Pending>),
    /// It is in a call.
    Within(Box<Pending>),
    /// It stands behind a call, and waits for an answer.
    Behind,
    /// It comes back from a signal's handler.
    Returning,
    /// It is in a call that moves descriptors.
    Moving(Move),
}

/// A call that is not over.
#[derive(Debug)]
pub(super) struct Pending {
    /// The call.
    pub call: Call,
    /// Its number and arguments, by which a restart is known.
    pub raw: (u64, [u64; 6]),
    /// The descriptor that it is about, or that it changes where it names two.
    pub fd: Option<u64>,
    /// The bytes that it is to transfer at most.
    pub short: Option<u64>,
    /// What was changed for that.
    pub cut: Option<Cut>,
    /// The error that it is to fail with.
    pub fails: Option<i32>,
    /// The socket that becomes a connection.
    pub connects: Option<String>,
    /// It waits until a lock is free.
    pub blocks_on_lock: bool,
    /// It fails rather than wait where a lock is taken.
    pub tries_lock: bool,
    /// It changes the territory, and so takes a turn.
    pub takes_turn: bool,
}
