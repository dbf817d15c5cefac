//! System calls of clients, as the tracer saw them: what was called, on what, and what came of it.

mod name;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::errno::Errno;
use crate::record::Role;
use crate::units::ClientId;

pub use name::CallName;

/// A system call of a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Whose.
    pub client: ClientId,
    /// The process that made it: the client's own, or one that it started.
    pub pid: u32,
    /// The thread that made it.
    pub tid: u32,
    /// Which call.
    pub name: CallName,
    /// What it is about: a path, or a peer for calls of the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Place>,
    /// The second path, for calls that have one: where a `rename`, a `link` or a copy leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Place>,
    /// What else was asked for: `O_CREAT|O_EXCL`, `LOCK_EX`, the words that flags have; and [`CUT_SHORT`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub flags: String,
    /// The bytes that were asked for, for reads, writes and their like, of which fewer may be transferred; `None` for a
    /// datagram, which goes whole or not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// What came of it.
    pub result: CallResult,
}

/// Among the flags of a call that has come to where an injection had cut it.
pub const CUT_SHORT: &str = "cut short";

/// Among the flags of a call that returns a number of messages and not of bytes.
pub const IN_MESSAGES: &str = "in messages";

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallResult {
    /// It has not returned yet.
    Pending,
    /// It returned this.
    Returned(i64),
    /// It failed with the error of this number.
    Failed(i32),
    /// It never returned: its process ended within it.
    Never,
}

/// What a call is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Relative to the cache directory where it lies there, else the whole path; for calls of the network
    /// the peer, such as `127.0.0.1:4711`.
    pub path: String,
    /// What the client's description says that the file is; `None` outside the cache directory, unless a link in it
    /// leads there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
}

impl Call {
    /// Whether it changes what lies in the directories: names, bytes, times or permission bits. An `open`
    /// does where it may create or truncate, and a copy where it leads into the cache directory: what is copied out of it
    /// is read.
    pub fn is_mutating(&self) -> bool {
        match self.name {
            CallName::Open => self.flags.contains("O_CREAT") || self.flags.contains("O_TRUNC"),
            CallName::Sendfile | CallName::CopyFileRange => {
                self.to.as_ref().is_some_and(|to| to.role.is_some())
            }
            CallName::Write
            | CallName::Truncate
            | CallName::Fallocate
            | CallName::Utimens
            | CallName::Chmod
            | CallName::Chown => true,
            name => name.changes_names(),
        }
    }

    /// Whether it is a step of a protocol by which processes share a file: something that changes the
    /// cache directory, makes it durable, locks, or talks to the server. These are the crash points. A socket that
    /// is not connected yet says nothing to anybody.
    pub fn is_step(&self) -> bool {
        let in_cache = self.role().is_some();
        let talks = self.name.is_network() && self.name != CallName::Socket;
        talks || in_cache && (self.is_mutating() || self.name.is_durable() || self.name.is_lock())
    }

    /// Whether it is a descriptor that another call closed, or the end of its process: nobody called `close`, and
    /// nothing can be done at it.
    pub fn is_implied(&self) -> bool {
        self.name == CallName::Close && !self.flags.is_empty()
    }

    /// The place that gives the call its meaning: where it leads to, where it has two.
    pub fn subject(&self) -> Option<&Place> {
        self.to.as_ref().filter(|to| to.role.is_some()).or(self.path.as_ref())
    }

    /// The role of that place, inside the cache directory.
    pub fn role(&self) -> Option<Role> {
        let places = [self.to.as_ref(), self.path.as_ref()];
        places.into_iter().flatten().find_map(|place| place.role)
    }

    /// Adds to the flags what the call itself does not say.
    pub fn mark(&mut self, what: &str) {
        if !self.flags.is_empty() {
            self.flags.push_str(", ");
        }
        self.flags.push_str(what);
    }

    /// Whether an injection has cut it to fewer bytes than it would have transferred, as far as can be known: it came
    /// to where it was cut.
    pub fn was_cut_short(&self) -> bool {
        self.flags.contains(CUT_SHORT)
    }

    /// Whether it returns a number of messages.
    pub fn returns_messages(&self) -> bool {
        self.flags.contains(IN_MESSAGES)
    }

    /// Whether it has been found out what came of it.
    pub fn is_over(&self) -> bool {
        self.result != CallResult::Pending
    }

    /// The error that it failed with, by number.
    pub fn error(&self) -> Option<i32> {
        match self.result {
            CallResult::Failed(number) => Some(number),
            _ => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

impl fmt::Display for CallResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pending => f.write_str("..."),
            Self::Returned(value) => write!(f, "= {value}"),
            Self::Failed(number) => match Errno::of(*number) {
                Some(errno) => write!(f, "= {errno}"),
                None => write!(f, "= error {number}"),
            },
            Self::Never => f.write_str("never returned"),
        }
    }
}

/// As reports print it: `rename(providers.json.tmp -> providers.json) = 0`.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.name)?;
        let mut before = "";
        if let Some(path) = &self.path {
            write!(f, "{path}")?;
            before = ", ";
        }
        if let Some(to) = &self.to {
            write!(f, "{}{to}", if before.is_empty() { "" } else { " -> " })?;
            before = ", ";
        }
        if !self.flags.is_empty() {
            write!(f, "{before}{}", self.flags)?;
            before = ", ";
        }
        if let Some(bytes) = self.bytes {
            write!(f, "{before}{bytes} bytes")?;
        }
        write!(f, ") {}", self.result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(name: CallName, path: &str, role: Option<Role>) -> Call {
        Call {
            client: ClientId(3),
            pid: 1,
            tid: 1,
            name,
            path: Some(Place { path: path.to_owned(), role }),
            to: None,
            flags: String::new(),
            bytes: None,
            result: CallResult::Returned(0),
        }
    }

    #[test]
    fn calls_read_as_they_would_be_written() {
        let mut rename = call(CallName::Rename, "p.tmp", Some(Role::Temp));
        rename.to = Some(Place { path: "p".to_owned(), role: Some(Role::Published) });
        assert_eq!(rename.to_string(), "rename(p.tmp -> p) = 0");
        assert_eq!(rename.role(), Some(Role::Published));
        let mut write = call(CallName::Write, "p.tmp", Some(Role::Temp));
        (write.bytes, write.result) = (Some(12), CallResult::Failed(28));
        assert_eq!(write.to_string(), "write(p.tmp, 12 bytes) = ENOSPC");
        let mut open = call(CallName::Open, "p.lock", Some(Role::Lock));
        (open.flags, open.result) = ("O_CREAT|O_EXCL".to_owned(), CallResult::Never);
        assert_eq!(open.to_string(), "open(p.lock, O_CREAT|O_EXCL) never returned");
    }

    #[test]
    fn steps_are_what_a_protocol_is_made_of() {
        let check = |name, role, flags: &str, expected| {
            let mut call = call(name, "x", role);
            call.flags = flags.to_owned();
            assert_eq!(call.is_step(), expected, "{call}");
        };
        check(CallName::Open, Some(Role::Temp), "O_RDWR|O_CREAT", true);
        check(CallName::Open, Some(Role::Published), "O_RDONLY", false);
        check(CallName::Write, Some(Role::Temp), "", true);
        check(CallName::Write, None, "", false);
        check(CallName::Fsync, Some(Role::Other), "", true);
        check(CallName::Flock, Some(Role::Lock), "LOCK_EX", true);
        check(CallName::Connect, None, "", true);
        check(CallName::Socket, None, "AF_INET, SOCK_STREAM", false);
        check(CallName::Msync, Some(Role::Published), "MS_SYNC", true);
        check(CallName::Stat, Some(Role::Published), "", false);
        let mut copy = call(CallName::CopyFileRange, "/elsewhere", None);
        copy.to = Some(Place { path: "p".to_owned(), role: Some(Role::Published) });
        assert!(copy.is_mutating() && copy.is_step());
        std::mem::swap(copy.path.as_mut().unwrap(), copy.to.as_mut().unwrap());
        assert!(!copy.is_mutating() && !copy.is_step(), "it is read");
    }
}
