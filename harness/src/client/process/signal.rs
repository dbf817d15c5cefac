//! Signals to a process or to its group.
#![allow(unsafe_code)]

use std::io;

/// Whom a signal reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The process alone.
    Process,
    /// The process and all that are in its group.
    Group,
}

/// Sends the signal `number` to the process `pid`, which leads its group.
///
/// # Errors
/// `ESRCH` when there is no such process or group any more, and for 0 and 1, which no client has and
/// which kill(2) would take for this program's own group and for every process of the system.
pub fn send(pid: u32, number: i32, scope: Scope) -> io::Result<()> {
    let pid = i32::try_from(pid).map_err(io::Error::other)?;
    if pid < 2 {
        return Err(io::Error::from_raw_os_error(libc::ESRCH));
    }
    let whom = match scope {
        Scope::Process => pid,
        Scope::Group => -pid,
    };
    // SAFETY: kill takes no pointers.
    match unsafe { libc::kill(whom, number) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The group of a process, by its number; `None` of one that is gone.
pub fn group_of(pid: u32) -> Option<u32> {
    let pid = i32::try_from(pid).ok()?;
    // SAFETY: getpgid takes no pointers.
    u32::try_from(unsafe { libc::getpgid(pid) }).ok()
}

/// Makes the system keep the ends of our children until they are asked for. A program that was started
/// with SIGCHLD ignored, as some supervisors do, would never learn how its children ended.
pub fn keep_ends_of_children() {
    // SAFETY: sigaction is a plain C structure for which all zeroes are a valid value, both pointers are
    // to local values or null, and SIG_DFL is a valid disposition.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(libc::SIGCHLD, std::ptr::null(), &raw mut action);
        if action.sa_sigaction == libc::SIG_IGN || action.sa_flags & libc::SA_NOCLDWAIT != 0 {
            libc::signal(libc::SIGCHLD, libc::SIG_DFL);
        }
    }
}

/// The number of a signal on this system.
pub fn number(signal: crate::model::units::Signal) -> i32 {
    use crate::model::units::Signal;
    match signal {
        Signal::Kill => libc::SIGKILL,
        Signal::Term => libc::SIGTERM,
        Signal::Int => libc::SIGINT,
        Signal::Hup => libc::SIGHUP,
        Signal::Quit => libc::SIGQUIT,
        Signal::Abrt => libc::SIGABRT,
        Signal::Usr1 => libc::SIGUSR1,
        Signal::Usr2 => libc::SIGUSR2,
        Signal::Alrm => libc::SIGALRM,
        Signal::Pipe => libc::SIGPIPE,
        Signal::Segv => libc::SIGSEGV,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_ever_everybody() {
        for pid in [0, 1] {
            for scope in [Scope::Process, Scope::Group] {
                // Signal 0 only asks, should the test ever fail.
                let error = send(pid, 0, scope).unwrap_err();
                assert_eq!(error.raw_os_error(), Some(libc::ESRCH), "{pid} {scope:?}");
            }
        }
    }
}
