//! What a process is confined to between its start and its `exec`: a disk, a user, a umask, a number of
//! files.
#![allow(unsafe_code)]

use std::io;
use std::sync::Arc;

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::client::volume::Namespace;

/// The user and group `nobody` of every Linux system (`Documentation/admin-guide/sysctl/fs.rst`, overflowuid).
pub const NOBODY: u32 = 65_534;

/// What a process is confined to. By default to nothing.
#[derive(Debug, Clone, Default)]
pub struct Confinement {
    /// The permission bits that its files do not get.
    pub umask: Option<u32>,
    /// The most files that it may have open.
    pub open_files: Option<u32>,
    /// The user and group that it becomes, with no other group. Needs root.
    pub user: Option<u32>,
    /// Where it sees a disk that others do not see.
    pub namespace: Option<Arc<Namespace>>,
}

impl Confinement {
    /// Confines the calling process. Makes system calls only, and so may be called between `fork` and
    /// `exec`, also by a child that borrows its parent's memory.
    ///
    /// # Errors
    /// What the system says, such as `EPERM` where only root may become another user.
    pub fn enter(&self) -> io::Result<()> {
        // Only root may join as root, so this comes before the change of user.
        if let Some(namespace) = &self.namespace {
            namespace.join()?;
        }
        if let Some(files) = self.open_files {
            let limit = Some(u64::from(files));
            setrlimit(Resource::Nofile, Rlimit { current: limit, maximum: limit })?;
        }
        if let Some(user) = self.user {
            become_user(user)?;
        }
        if let Some(umask) = self.umask {
            // SAFETY: umask takes no pointers.
            unsafe { libc::umask(libc::mode_t::try_from(umask).unwrap_or(0o777)) };
        }
        Ok(())
    }
}

/// By system calls of its own: the functions of the C library would change every thread of a parent
/// whose memory this process may borrow.
#[cfg(target_os = "linux")]
fn become_user(user: u32) -> io::Result<()> {
    let done = |result: libc::c_long| match result {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    };
    // SAFETY: the calls take numbers, and an empty list of groups, whose pointer is not used.
    unsafe {
        let dumpable = libc::prctl(libc::PR_GET_DUMPABLE);
        done(libc::syscall(libc::SYS_setgroups, 0, std::ptr::null::<libc::gid_t>()))?;
        done(libc::syscall(libc::SYS_setresgid, user, user, user))?;
        done(libc::syscall(libc::SYS_setresuid, user, user, user))?;
        // A change of user makes the memory undumpable, which is our parent's too where it is borrowed.
        libc::prctl(libc::PR_SET_DUMPABLE, dumpable);
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn become_user(user: u32) -> io::Result<()> {
    // SAFETY: the calls take numbers, and an empty list of groups, whose pointer is not used. Elsewhere
    // than on Linux processes are started by fork, so this changes the child alone.
    let changed = unsafe {
        libc::setgroups(0, std::ptr::null()) == 0
            && libc::setgid(user) == 0
            && libc::setuid(user) == 0
    };
    if changed { Ok(()) } else { Err(io::Error::last_os_error()) }
}
