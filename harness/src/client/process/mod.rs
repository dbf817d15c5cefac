//! One running process of a client: held at the barrier, let go, watched to its end.
//!
//! - `launch` and `barrier`: a process is started and stops before its first instruction;
//! - `launcher`: a whole wave of them, over a few threads;
//! - `release`: those at the barrier are let go;
//! - `watch`: a process from its release to its end;
//! - `session`: one that is asked again and again, and what it answers.

mod barrier;
mod child;
mod confine;
mod group;
#[cfg(target_os = "linux")]
mod launch;
mod launcher;
mod limits;
mod output;
mod refusal;
mod release;
mod session;
mod signal;
#[cfg(test)]
mod tests;
mod watch;

use std::io;
use std::time::Instant;

use crate::client::guardian::Guarded;
use crate::client::prepare::Invocation;
use crate::model::record::Barrier;

pub use barrier::kind as barrier_kind;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub use barrier::start_filtered;
pub use child::{Child, End};
pub use confine::{Confinement, NOBODY};
pub use launcher::Launcher;
pub use limits::raise_limits;
pub use output::Captured;
pub use refusal::explain;
pub use release::{Gate, release};
pub use session::{Answer, Asker};
pub use signal::{Scope, group_of, keep_ends_of_children, number as signal_number, send};
pub use watch::{Ended, Notice, Ready};

/// A process that exists and was not let go yet. Dropping it kills and reaps it.
#[derive(Debug)]
pub struct Held {
    /// When it had arrived at the barrier, or was started where it runs already.
    pub at: Instant,
    /// It stands at no barrier.
    runs: bool,
    child: Child,
    guarded: Guarded,
}

impl Held {
    /// Starts a process in a group of its own that runs at once, for one that waits for no other.
    ///
    /// Must be called from a thread that lives as long as the process: the kernel ties the death signal
    /// to the thread that started it.
    ///
    /// # Errors
    /// What the system says when it refuses: no such program, no more processes, no more descriptors.
    pub fn start_free(invocation: &Invocation) -> io::Result<Self> {
        // Whatever the process does is later than this.
        let at = Instant::now();
        let child = barrier::start_free(invocation)?;
        let guarded = Guarded::new(child.pid())?;
        Ok(Self { at, runs: true, child, guarded })
    }

    /// A process that its tracer holds before its first instruction.
    ///
    /// # Errors
    /// When the process cannot be put under guard.
    pub fn traced(child: Child) -> io::Result<Self> {
        let guarded = Guarded::new(child.pid())?;
        Ok(Self { at: Instant::now(), runs: false, child, guarded })
    }

    /// Holds a process that is on its way to the barrier. Must be called by the thread that started it.
    fn hold(child: Child, barrier: Barrier) -> io::Result<Self> {
        let child = barrier::hold(child, barrier)?;
        let guarded = Guarded::new(child.pid())?;
        Ok(Self { at: Instant::now(), runs: false, child, guarded })
    }

    /// Its process id, which is its process group's too.
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Waits for its end without watching it.
    ///
    /// # Errors
    /// When the system does not tell how it ended.
    #[cfg(test)]
    pub fn end(self) -> io::Result<End> {
        self.child.reap()
    }
}
