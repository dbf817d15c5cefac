//! Error numbers by name, as scenario files write them and reports print them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Declares the errors with their numbers on Linux (`asm-generic/errno-base.h` and `errno.h`), which is the
/// only system on which calls are traced.
macro_rules! errors {
    ($($(#[doc = $doc:literal])+ $name:ident $text:literal = $number:literal;)+) => {
        /// An error of a system call.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        pub enum Errno {
            $($(#[doc = $doc])+ #[serde(rename = $text)] $name,)+
        }

        impl Errno {
            /// Every error that has a name here.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Its number.
            pub fn number(self) -> i32 {
                match self { $(Self::$name => $number,)+ }
            }

            /// Its name, such as `ENOSPC`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// The error of a number, where it has a name here.
            pub fn of(number: i32) -> Option<Self> {
                match number { $($number => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

errors! {
    /// Operation not permitted.
    Perm "EPERM" = 1;
    /// No such file or directory.
    NoEnt "ENOENT" = 2;
    /// A signal interrupted the call.
    Intr "EINTR" = 4;
    /// The device failed.
    Io "EIO" = 5;
    /// Bad file descriptor.
    BadF "EBADF" = 9;
    /// Try again: the lock is taken, or there is no data yet. The same as `EWOULDBLOCK`.
    Again "EAGAIN" = 11;
    /// Out of memory.
    NoMem "ENOMEM" = 12;
    /// Permission denied.
    Acces "EACCES" = 13;
    /// Busy.
    Busy "EBUSY" = 16;
    /// The file exists.
    Exist "EEXIST" = 17;
    /// The two names lie on different devices.
    XDev "EXDEV" = 18;
    /// No directory.
    NotDir "ENOTDIR" = 20;
    /// A directory.
    IsDir "EISDIR" = 21;
    /// Invalid argument.
    Inval "EINVAL" = 22;
    /// The system has too many open files.
    NFile "ENFILE" = 23;
    /// The process has too many open files.
    MFile "EMFILE" = 24;
    /// The file is too large.
    FBig "EFBIG" = 27;
    /// No space left on the device.
    NoSpc "ENOSPC" = 28;
    /// The file system is read-only.
    RoFs "EROFS" = 30;
    /// Nobody reads any more.
    Pipe "EPIPE" = 32;
    /// The lock would be a deadlock.
    DeadLk "EDEADLK" = 35;
    /// No locks available.
    NoLck "ENOLCK" = 37;
    /// No such system call.
    NoSys "ENOSYS" = 38;
    /// The directory is not empty.
    NotEmpty "ENOTEMPTY" = 39;
    /// Not supported.
    NotSup "EOPNOTSUPP" = 95;
    /// The connection was reset.
    ConnReset "ECONNRESET" = 104;
    /// The time is over.
    TimedOut "ETIMEDOUT" = 110;
    /// The connection was refused.
    ConnRefused "ECONNREFUSED" = 111;
    /// The connection is under way.
    InProgress "EINPROGRESS" = 115;
    /// The file handle is stale, as on a network file system.
    Stale "ESTALE" = 116;
    /// The quota is used up.
    DQuot "EDQUOT" = 122;
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_lead_to_one_another() {
        for errno in Errno::ALL {
            assert_eq!(Errno::of(errno.number()), Some(*errno));
            let written = serde_json::to_string(errno).unwrap();
            assert_eq!(written, format!("\"{errno}\""));
        }
        assert_eq!(Errno::of(0), None);
    }
}
