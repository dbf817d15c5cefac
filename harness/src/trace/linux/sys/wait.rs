//! What has become of the processes that this thread traces or has started, and of no other thread's.
#![allow(unsafe_code)]

use std::io;
use std::time::Duration;

use crate::client::process::End;

/// `PTRACE_EVENT_STOP`: a stop that only processes traced by `PTRACE_SEIZE` have.
const EVENT_STOP: i32 = 128;

/// What has become of a process or thread.
#[derive(Debug, Clone, Copy)]
pub enum Change {
    /// It has ended, and is reaped.
    Ended(End),
    /// It stands before a call that the filter stops.
    Call,
    /// It stands behind a call.
    CallOver,
    /// It has started another process or thread, whose number is its message.
    Forked,
    /// It has become another program.
    Exec,
    /// It is suspended by a signal, as every other of its group.
    Suspended,
    /// It has begun, or was woken.
    Begun,
    /// A signal has come for it.
    Signal(i32),
}

/// Whether to wait for something to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Until something happens or a signal comes.
    Wait,
    /// Not at all.
    Look,
}

/// What happened last to one of this thread's processes, or to `pid` alone. `None` where nothing has, or a
/// signal woke this thread.
///
/// # Errors
/// `ECHILD` where this thread has no process.
pub fn next(pid: Option<i32>, patience: Patience) -> io::Result<Option<(i32, Change)>> {
    let hang = if patience == Patience::Look { libc::WNOHANG } else { 0 };
    let flags = libc::__WALL | libc::__WNOTHREAD | hang;
    let mut status = 0;
    // SAFETY: rusage is a plain C structure for which all zeroes are a valid value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to valid places of their types.
    let tid = unsafe { libc::wait4(pid.unwrap_or(-1), &raw mut status, flags, &raw mut usage) };
    if tid < 0 {
        let error = io::Error::last_os_error();
        return if error.kind() == io::ErrorKind::Interrupted { Ok(None) } else { Err(error) };
    }
    Ok((tid != 0).then(|| (tid, change(status, &usage))))
}

fn change(status: i32, usage: &libc::rusage) -> Change {
    if libc::WIFSIGNALED(status) || libc::WIFEXITED(status) {
        return Change::Ended(End::new(status, usage));
    }
    let signal = libc::WSTOPSIG(status);
    match status >> 16 {
        libc::PTRACE_EVENT_SECCOMP => Change::Call,
        libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK | libc::PTRACE_EVENT_CLONE => {
            Change::Forked
        }
        libc::PTRACE_EVENT_EXEC => Change::Exec,
        EVENT_STOP if signal == libc::SIGTRAP => Change::Begun,
        EVENT_STOP => Change::Suspended,
        _ if signal == libc::SIGTRAP | 0x80 => Change::CallOver,
        _ => Change::Signal(signal),
    }
}

/// Gives the processor to whoever else wants it, for a moment.
pub fn give_way() {
    std::thread::sleep(Duration::from_micros(50));
}
