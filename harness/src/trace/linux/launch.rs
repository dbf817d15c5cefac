//! A process is started, and taken over by its tracer.

use std::io;

use super::sys::ptrace;
use super::sys::wait::{self, Change, Patience};
use super::task::Task;
use super::world::World;
use crate::client::prepare::Invocation;
use crate::client::process::{Child, End, Scope, send, signal_number, start_filtered};
use crate::model::units::{ClientId, Signal};
use crate::trace::terms::Attention;

impl World {
    /// Starts a process and leaves it suspended before its first instruction, traced.
    ///
    /// It comes out of its `exec` traced in the old way, which cannot leave a process suspended by a signal
    /// as it is. So it is let go with a SIGSTOP in its place, which suspends it before it can run, and seized.
    pub(super) fn launch(
        &mut self,
        client: ClientId,
        invocation: &Invocation,
        attention: Attention,
    ) -> io::Result<Child> {
        let child = start_filtered(invocation, attention)?;
        let pid = i32::try_from(child.pid()).map_err(io::Error::other)?;
        let (ended, ends) = std::sync::mpsc::channel();
        let child = child.traced(ends);
        if let Err(error) = hold(pid) {
            // Whoever drops the child waits to hear of its end, and nobody but this thread can tell.
            let _ = send(child.pid(), signal_number(Signal::Kill), Scope::Process);
            if let Some(end) = until_end(pid) {
                let _ = ended.send(end);
            }
            drop(ended);
            return Err(error);
        }
        self.ends.insert(pid, ended);
        self.tasks.insert(pid, Task::new(client, pid));
        Ok(child)
    }
}

/// Takes a process over that has stopped after its `exec`, and leaves it suspended.
fn hold(pid: i32) -> io::Result<()> {
    let ended = || io::Error::other("the process ended before it was let go");
    loop {
        match wait::next(Some(pid), Patience::Wait)? {
            Some((_, Change::Ended(_))) => return Err(ended()),
            Some(_) => break,
            // Somebody has rung the bell.
            None => {}
        }
    }
    ptrace::detach(pid, libc::SIGSTOP)?;
    ptrace::seize(pid)?;
    loop {
        match wait::next(Some(pid), Patience::Wait)? {
            Some((_, Change::Suspended)) => return ptrace::listen(pid),
            Some((_, Change::Ended(_))) => return Err(ended()),
            Some((_, Change::Signal(signal))) => ptrace::resume(pid, signal)?,
            Some(_) => ptrace::resume(pid, 0)?,
            None => {}
        }
    }
}

/// Waits for the end of a process that has been killed; `None` where it was heard of already.
fn until_end(pid: i32) -> Option<End> {
    loop {
        match wait::next(Some(pid), Patience::Wait).ok()? {
            Some((_, Change::Ended(end))) => return Some(end),
            Some(_) => drop(ptrace::resume(pid, 0)),
            None => {}
        }
    }
}
