//! What is said between a tracer and the rest of the harness. It is the same on every system, also where
//! there is no tracer.

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::model::call::{Call, CallName, Place};
use crate::model::scenario::Phase;
use crate::model::units::ClientId;
use crate::record::roles::{Pattern, Roles};

/// What a tracer does besides telling of calls.
pub struct Settings {
    /// The directory that matters.
    pub territory: Territory,
    /// Which calls are told of.
    pub reach: Reach,
    /// At which calls a process stands still until [`super::Tracer::answer`] says how it goes on.
    pub gates: Vec<Gate>,
    /// Called whenever something in the territory may have changed, while nobody else changes anything there.
    pub look: Box<dyn FnMut() + Send>,
}

/// A call at which processes stand still.
#[derive(Debug, Clone)]
pub struct Gate {
    /// The call.
    pub name: CallName,
    /// What it must be about; anything where absent.
    pub path: Option<Pattern>,
    /// Before it takes effect, or after.
    pub phase: Phase,
}

impl Gate {
    /// Whether a call is meant.
    pub fn matches(&self, call: &Call, phase: Phase) -> bool {
        self.phase == phase && self.name == call.name && about(self.path.as_ref(), call)
    }
}

/// Whether a call is about a file that a pattern names, if there is one.
pub fn about(pattern: Option<&Pattern>, call: &Call) -> bool {
    let Some(pattern) = pattern else { return true };
    let places = [call.path.as_ref(), call.to.as_ref()];
    places
        .into_iter()
        .flatten()
        .any(|place| place.role.is_some_and(|role| pattern.matches(role, Path::new(&place.path))))
}

/// What the tracer tells.
#[derive(Debug)]
pub enum Heard {
    /// A call has returned, or never will.
    Call {
        /// When.
        at: Instant,
        /// The call with what came of it.
        call: Call,
    },
    /// A process stands at a gate, until [`super::Tracer::answer`].
    Gate {
        /// Since when.
        at: Instant,
        /// The call: pending before it, over after it.
        call: Call,
        /// On which side of it.
        phase: Phase,
    },
    /// A client waits for a lock.
    LockWaited {
        /// Since when at the latest.
        at: Instant,
        /// Who.
        client: ClientId,
        /// For which, relative to the cache directory.
        path: String,
    },
    /// A call that closes a file is about to fail, and what was written to it and not synced is lost by that.
    Lost {
        /// When.
        at: Instant,
        /// Whose call it is.
        client: ClientId,
        /// The file, relative to the cache directory.
        path: String,
        /// How many bytes.
        bytes: u64,
    },
    /// The calls of a process cannot be seen, as a sentence: nothing can be said of what it does.
    Blind {
        /// Since when.
        at: Instant,
        /// The sentence.
        text: String,
    },
    /// Something that a reader of the record should know, as a sentence.
    Note {
        /// When it was noticed.
        at: Instant,
        /// The sentence.
        text: String,
    },
}

/// How a process goes on that stands at a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// As it would have.
    Proceed,
    /// The call is not made and fails with this error. Only before it.
    Fail(i32),
    /// The call transfers no more than so many bytes. Only before it.
    Short(u64),
}

/// The directory whose changes matter, and what its files are.
#[derive(Debug, Clone)]
pub struct Territory {
    /// Its paths: as clients see it and, where a link or another mount lies between, as it is.
    pub roots: Vec<PathBuf>,
    /// What the files in it are.
    pub roles: Roles,
}

impl Territory {
    /// A place by its whole path.
    pub fn place(&self, path: &Path) -> Place {
        let inside = self.roots.iter().find_map(|root| path.strip_prefix(root).ok());
        match inside {
            Some(inside) => {
                let role = Some(self.roles.of(inside));
                let text = if inside.as_os_str().is_empty() { Path::new(".") } else { inside };
                Place { path: text.to_string_lossy().into_owned(), role }
            }
            None => Place { path: path.to_string_lossy().into_owned(), role: None },
        }
    }
}

/// At which calls a process stops, each of which costs it time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attention {
    /// At every call that is known.
    All,
    /// At those that change something or may, open or close a file, or lock: not where it only looks, waits for the disk,
    /// or talks to somebody.
    Changes,
}

/// How much of what happens is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// What is done in the cache directory and over connections of the internet.
    Territory,
    /// Every call that is known, whatever it is about.
    Everything,
}
