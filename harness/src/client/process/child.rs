//! A child process of ours, with our ends of its streams.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::OwnedFd;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use super::{Scope, send};

/// A child that is not reaped yet. Dropping it kills and reaps it.
#[derive(Debug)]
pub struct Child {
    pid: u32,
    /// Our ends of its streams; taken by who watches it.
    pub streams: Option<Streams>,
    reaped: bool,
    /// Where its tracer tells of its end, which it reaps; `None` where it has no tracer.
    ends: Option<Receiver<End>>,
}

/// Our ends of a child's streams.
#[derive(Debug)]
pub struct Streams {
    /// Standard input, of one that is asked there.
    pub stdin: Option<OwnedFd>,
    /// Standard output.
    pub stdout: OwnedFd,
    /// Standard error.
    pub stderr: OwnedFd,
}

/// How a child ended, and what it used.
#[derive(Debug, Clone, Copy)]
pub struct End {
    /// The exit code, or the signal.
    pub status: Result<i32, i32>,
    /// CPU time in user mode.
    pub user: Duration,
    /// CPU time in the kernel.
    pub system: Duration,
    /// The largest resident set, in KiB.
    pub max_rss_kib: u64,
}

impl Child {
    /// The child `pid` of this process, of which nobody else takes care.
    pub fn new(pid: u32, streams: Streams) -> Self {
        Self { pid, streams: Some(streams), reaped: false, ends: None }
    }

    /// The same child, which a tracer reaps.
    pub fn traced(self, ends: Receiver<End>) -> Self {
        let mut child = self;
        child.ends = Some(ends);
        child
    }

    /// Whether a tracer reaps it, and whatever it starts.
    pub fn is_traced(&self) -> bool {
        self.ends.is_some()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits for the child's end and reaps it.
    ///
    /// # Errors
    /// When the system does not tell, because somebody else has reaped it.
    pub fn reap(mut self) -> io::Result<End> {
        self.wait()
    }

    fn wait(&mut self) -> io::Result<End> {
        // Also where it fails: then there is nothing to reap.
        self.reaped = true;
        if let Some(ends) = &self.ends {
            return ends.recv().map_err(|_| io::Error::other("its tracer has ended"));
        }
        let mut status = 0;
        // SAFETY: rusage is a plain C structure for which all zeroes are a valid value.
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        let pid = i32::try_from(self.pid).map_err(io::Error::other)?;
        // SAFETY: both pointers are to valid places of their types; the child is ours and not reaped.
        while unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) } != pid {
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
        Ok(End::new(status, &usage))
    }
}

impl End {
    /// What wait4(2) says of a process that has ended.
    pub fn new(status: i32, usage: &libc::rusage) -> Self {
        let status = if libc::WIFSIGNALED(status) {
            Err(libc::WTERMSIG(status))
        } else {
            Ok(libc::WEXITSTATUS(status))
        };
        Self {
            status,
            user: duration(usage.ru_utime),
            system: duration(usage.ru_stime),
            max_rss_kib: u64::try_from(usage.ru_maxrss).unwrap_or(0),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.reaped {
            // Both fail only for a child that is no more, which is what is wanted.
            let _ = send(self.pid, libc::SIGKILL, Scope::Process);
            let _ = self.wait();
        }
    }
}

fn duration(time: libc::timeval) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let micros = u64::try_from(time.tv_usec).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(micros)
}
