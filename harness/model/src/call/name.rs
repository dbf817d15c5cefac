//! The names of system calls, by family.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which call, by the name of its family: `open` is also `openat`, `openat2` and `creat`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum CallName {
    /// `open`, `openat`, `openat2`, `creat`.
    Open,
    /// `read`, `pread64`, `readv`, `preadv`, `preadv2`.
    Read,
    /// `write`, `pwrite64`, `writev`, `pwritev`, `pwritev2`.
    Write,
    /// `sendfile`, `splice`: into the file that `to` names.
    Sendfile,
    /// `copy_file_range`, and `ioctl` with `FICLONE` and `FICLONERANGE`.
    CopyFileRange,
    /// `rename`, `renameat`, `renameat2`.
    Rename,
    /// `link`, `linkat`.
    Link,
    /// `symlink`, `symlinkat`.
    Symlink,
    /// `unlink`, `unlinkat`.
    Unlink,
    /// `mkdir`, `mkdirat`.
    Mkdir,
    /// `rmdir`, `unlinkat` with `AT_REMOVEDIR`.
    Rmdir,
    /// `mknod`, `mknodat`.
    Mknod,
    /// `truncate`, `ftruncate`.
    Truncate,
    /// `fallocate`.
    Fallocate,
    /// `fsync`.
    Fsync,
    /// `fdatasync`.
    Fdatasync,
    /// `sync` and `syncfs`: everything that was written, to all disks or to that of a file.
    Sync,
    /// `sync_file_range`, which makes bytes durable and not what it takes to find them.
    SyncFileRange,
    /// `msync` of a file that is mapped.
    Msync,
    /// `flock`.
    Flock,
    /// `fcntl` with a lock command.
    Fcntl,
    /// `utime`, `utimes`, `futimesat`, `utimensat`.
    Utimens,
    /// `chmod`, `fchmod`, `fchmodat`, `fchmodat2`.
    Chmod,
    /// `chown`, `fchown`, `lchown`, `fchownat`.
    Chown,
    /// `stat`, `fstat`, `lstat`, `newfstatat`, `statx`.
    Stat,
    /// `access`, `faccessat`, `faccessat2`.
    Access,
    /// `readlink`, `readlinkat`.
    Readlink,
    /// `mmap` of a file.
    Mmap,
    /// `socket` for the internet.
    Socket,
    /// `connect` to an address of the internet.
    Connect,
    /// What sends on such a connection: `send*`, `write*`.
    Send,
    /// What receives on it: `recv*`, `read*`.
    Recv,
    /// `close` of a file or a connection; and, with the flags `by ...`, what another call or the end of its
    /// process has closed: `dup2`, `dup3`, `close_range`, `exec`, `exit`.
    Close,
    /// `execve`, `execveat`, once it has succeeded.
    Exec,
    /// The end of a process: `exit_group`, `exit` of its last thread, or a signal.
    Exit,
}

impl CallName {
    /// Every call, in the order of the list above.
    pub const ALL: [Self; 35] = [
        Self::Open,
        Self::Read,
        Self::Write,
        Self::Sendfile,
        Self::CopyFileRange,
        Self::Rename,
        Self::Link,
        Self::Symlink,
        Self::Unlink,
        Self::Mkdir,
        Self::Rmdir,
        Self::Mknod,
        Self::Truncate,
        Self::Fallocate,
        Self::Fsync,
        Self::Fdatasync,
        Self::Sync,
        Self::SyncFileRange,
        Self::Msync,
        Self::Flock,
        Self::Fcntl,
        Self::Utimens,
        Self::Chmod,
        Self::Chown,
        Self::Stat,
        Self::Access,
        Self::Readlink,
        Self::Mmap,
        Self::Socket,
        Self::Connect,
        Self::Send,
        Self::Recv,
        Self::Close,
        Self::Exec,
        Self::Exit,
    ];

    /// The name as scenario files, records and reports write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Read => "read",
            Self::Write => "write",
            Self::Sendfile => "sendfile",
            Self::CopyFileRange => "copy-file-range",
            Self::Rename => "rename",
            Self::Link => "link",
            Self::Symlink => "symlink",
            Self::Unlink => "unlink",
            Self::Mkdir => "mkdir",
            Self::Rmdir => "rmdir",
            Self::Mknod => "mknod",
            Self::Truncate => "truncate",
            Self::Fallocate => "fallocate",
            Self::Fsync => "fsync",
            Self::Fdatasync => "fdatasync",
            Self::Sync => "sync",
            Self::SyncFileRange => "sync-file-range",
            Self::Msync => "msync",
            Self::Flock => "flock",
            Self::Fcntl => "fcntl",
            Self::Utimens => "utimens",
            Self::Chmod => "chmod",
            Self::Chown => "chown",
            Self::Stat => "stat",
            Self::Access => "access",
            Self::Readlink => "readlink",
            Self::Mmap => "mmap",
            Self::Socket => "socket",
            Self::Connect => "connect",
            Self::Send => "send",
            Self::Recv => "recv",
            Self::Close => "close",
            Self::Exec => "exec",
            Self::Exit => "exit",
        }
    }

    /// Whether it is a call of the network.
    pub fn is_network(self) -> bool {
        matches!(self, Self::Socket | Self::Connect | Self::Send | Self::Recv)
    }

    /// Whether it gives a file another name, takes one away, or makes a file that is not opened: it changes a directory.
    pub fn changes_names(self) -> bool {
        matches!(
            self,
            Self::Rename
                | Self::Link
                | Self::Symlink
                | Self::Unlink
                | Self::Mkdir
                | Self::Rmdir
                | Self::Mknod
        )
    }

    /// Whether it can change nothing in a directory and nobody's lock: it reads or looks, waits for the disk, talks to
    /// somebody, or ends the process.
    pub fn is_without_trace(self) -> bool {
        let looks = matches!(
            self,
            Self::Read | Self::Stat | Self::Access | Self::Readlink | Self::Mmap | Self::Exit
        );
        // What is written through a mapping is on disk when that is synced.
        looks || self.is_network() || self.is_durable() && self != Self::Msync
    }

    /// Whether it makes what was written durable.
    pub fn is_durable(self) -> bool {
        matches!(
            self,
            Self::Fsync | Self::Fdatasync | Self::Sync | Self::SyncFileRange | Self::Msync
        )
    }

    /// Whether it is a lock call.
    pub fn is_lock(self) -> bool {
        matches!(self, Self::Flock | Self::Fcntl)
    }

    /// Whether it asks for a number of bytes of which it may transfer fewer.
    pub fn may_be_short(self) -> bool {
        matches!(
            self,
            Self::Read
                | Self::Write
                | Self::Send
                | Self::Recv
                | Self::Sendfile
                | Self::CopyFileRange
        )
    }
}

impl fmt::Display for CallName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_are_written() {
        for name in CallName::ALL {
            assert_eq!(serde_json::to_string(&name).unwrap(), format!("\"{name}\""));
        }
    }
}
