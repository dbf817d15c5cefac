//! What makes sure that no process outlives the run, even when the harness is killed with SIGKILL.
//!
//! A small process is forked once, before the first client. It holds the reading end of a pipe over
//! which the harness tells it which process groups live. When the pipe closes, for whatever reason,
//! the harness is no more, and the guardian kills every group that is left, and on Linux whatever has
//! left its group too (`survivors.rs`). `PR_SET_PDEATHSIG` alone would reach a client but not a client's
//! children, and is Linux only.
//!
//! The guardian is forked from a program with several threads, so between `fork` and its end it may
//! call nothing but async-signal-safe functions: it uses fixed arrays and plain system calls.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::{Mutex, OnceLock};

use super::survivors;

/// More live groups than any scenario may have; one beyond this is killed at the run's ordinary end only.
const GROUPS_MAX: usize = 16 * 1024;

/// The living process groups, and the pipe to the guardian.
struct Guardian {
    pipe: Mutex<File>,
    pid: u32,
}

static GUARDIAN: OnceLock<io::Result<Guardian>> = OnceLock::new();

/// A process group that is under guard. Dropping it kills what is left of the group.
#[derive(Debug)]
pub struct Guarded {
    group: i32,
}

impl Guarded {
    /// Puts the group led by `pid` under guard.
    ///
    /// # Errors
    /// When the guardian could not be started, with the system's reason.
    pub fn new(pid: u32) -> io::Result<Self> {
        let group = i32::try_from(pid).map_err(io::Error::other)?;
        if group < 2 {
            // Killing the group 1 would be killing every process of the system.
            return Err(io::Error::other(format!("no client can have the process id {pid}")));
        }
        tell(group)?;
        Ok(Self { group })
    }

    /// Ends the guard of a group that is known to be empty, so that its number may be used again.
    pub fn release(self) {
        // The guardian being gone leaves nothing to tell.
        let _ = tell(-self.group);
        std::mem::forget(self);
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: kill takes no pointers. The group is ours: it is under guard because a member of it
        // may still live, and a number is not used again while one does.
        unsafe { libc::kill(-self.group, libc::SIGKILL) };
        // The guardian being gone leaves nothing to tell.
        let _ = tell(-self.group);
    }
}

/// Starts the guardian, if it is not there yet. Call it early: it inherits what memory is in use.
///
/// # Errors
/// When the system refuses the pipe or the process.
pub fn start() -> io::Result<()> {
    guardian().map(|_| ())
}

/// The guardian's process id, where it has been started.
pub fn pid() -> Option<u32> {
    GUARDIAN.get()?.as_ref().ok().map(|guardian| guardian.pid)
}

fn guardian() -> io::Result<&'static Guardian> {
    GUARDIAN
        .get_or_init(fork_guardian)
        .as_ref()
        .map_err(|error| io::Error::new(error.kind(), format!("no guardian process: {error}")))
}

/// A positive number: the group lives. A negative one: it is no more.
fn tell(message: i32) -> io::Result<()> {
    let mut pipe = match guardian()?.pipe.lock() {
        Ok(pipe) => pipe,
        Err(poisoned) => poisoned.into_inner(),
    };
    pipe.write_all(&message.to_ne_bytes())
}

fn fork_guardian() -> io::Result<Guardian> {
    let mut ends: [RawFd; 2] = [0; 2];
    // SAFETY: `ends` is a valid array of two descriptors, which pipe2 fills in.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: pipe2 has just returned both descriptors, and nothing else owns them.
    let (reader, writer) =
        unsafe { (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])) };
    let harness = std::process::id();
    // SAFETY: the child calls async-signal-safe functions only (see `guard`) and never returns.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => guard(reader.as_raw_fd(), harness),
        pid => Ok(Guardian { pipe: Mutex::new(File::from(writer)), pid: pid.cast_unsigned() }),
    }
}

/// The guardian's whole life. Allocates nothing and takes no lock.
fn guard(pipe: RawFd, harness: u32) -> ! {
    let mut groups = [0_i32; GROUPS_MAX];
    let mut buffer = [0_u8; 4];
    let mut filled = 0;
    // SAFETY: every function called here is async-signal-safe, every pointer is to a local array with
    // the length passed, and descriptors other than the pipe are closed because this process must not
    // keep a listener, a lock or the harness's output open.
    unsafe {
        libc::setsid();
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGPIPE] {
            libc::signal(signal, libc::SIG_IGN);
        }
        close_all_but(pipe);
        loop {
            let read = libc::read(pipe, buffer.as_mut_ptr().add(filled).cast(), 4 - filled);
            if read < 0 && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted {
                continue;
            }
            if read <= 0 {
                break;
            }
            filled += read.unsigned_abs();
            if filled == 4 {
                filled = 0;
                remember(&mut groups, i32::from_ne_bytes(buffer));
            }
        }
        for group in groups {
            if group > 1 {
                libc::kill(-group, libc::SIGKILL);
            }
        }
        survivors::kill_all(harness);
        libc::_exit(0)
    }
}

fn remember(groups: &mut [i32], message: i32) {
    let (wanted, new) = if message > 0 { (0, message) } else { (-message, 0) };
    if let Some(slot) = groups.iter_mut().find(|slot| **slot == wanted) {
        *slot = new;
    }
}

#[cfg(target_os = "linux")]
unsafe fn close_all_but(pipe: RawFd) {
    let pipe = pipe.unsigned_abs();
    // SAFETY: close_range takes no pointers; the descriptors below and above the pipe are this
    // process's copies, which nothing here uses.
    unsafe {
        if pipe > 0 {
            libc::syscall(libc::SYS_close_range, 0, pipe - 1, 0);
        }
        libc::syscall(libc::SYS_close_range, pipe + 1, u32::MAX, 0);
    }
}

#[cfg(not(target_os = "linux"))]
unsafe fn close_all_but(pipe: RawFd) {
    for descriptor in (0..4096).filter(|descriptor| *descriptor != pipe) {
        // SAFETY: close takes no pointers; the descriptor is this process's copy, which nothing uses.
        unsafe { libc::close(descriptor) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_come_and_go() {
        let mut groups = [0; 3];
        for message in [5, 6, -5, 7, 8, 9] {
            remember(&mut groups, message);
        }
        assert_eq!(groups, [7, 6, 8]);
        remember(&mut groups, -1);
        assert_eq!(groups, [7, 6, 8]);
    }
}
