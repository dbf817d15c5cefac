//! The disk below the cache directory, and what is done to the files on it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::{ByteSize, Span};

/// The disk below the cache directory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Disk {
    /// A disk of its own for the cache directory, in memory and of this size: it can be filled, made
    /// read-only, and is another device than `HOME` and `TMPDIR`. Needs Linux and the right to make a mount
    /// namespace, as root or in a user namespace; elsewhere the scenario is `skipped`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<ByteSize>,
    /// Clients are given a symbolic link for the cache directory.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub linked: bool,
}

impl Disk {
    /// Whether it is the disk that everything else lies on, by its own path.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

/// The permission bits of files are changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Chmod {
    /// `published`, `lock`, `temp`, or a glob relative to the cache directory.
    pub path: String,
    /// The bits, as `0o000`.
    pub mode: u32,
}

impl Chmod {
    /// The permission bits by which an owner reads and writes a file.
    const OWNERS: u32 = 0o600;

    /// Whether the owner may still read and write the file: it is closed to others, if to anybody.
    pub fn leaves_owner(&self) -> bool {
        self.mode & Self::OWNERS == Self::OWNERS
    }
}

/// A file put into the cache directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Plant {
    /// `published`, `lock`, `temp`, or a path relative to the cache directory.
    pub path: String,
    /// What the file holds.
    pub content: Content,
    /// The file's modification time.
    #[serde(default)]
    pub mtime: Mtime,
}

/// What a planted file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// No bytes.
    Empty,
    /// Bytes that are not JSON.
    Garbage,
    /// The first half of the file that is there, or of the current catalogue.
    Truncated,
    /// The bytes that are there already: only the modification time changes.
    Unchanged,
    /// The current catalogue as Catwalk serves it.
    Catalogue,
    /// The catalogue that Catwalk served before the current one: what lies there again after a crash that has lost
    /// a rename. It takes a time that is past.
    Previous,
    /// The number of a process that is no more, as a lock file holds it.
    DeadPid,
    /// The number of a process that lives and has nothing to do with the cache: one that got the number of
    /// a dead holder.
    LivePid,
    /// No file but a symbolic link to what was there, which is moved out of the cache directory.
    Link,
    /// A symbolic link that leads nowhere.
    DanglingLink,
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "an empty file",
            Self::Garbage => "garbage",
            Self::Truncated => "half a catalogue",
            Self::Unchanged => "the same bytes with another time",
            Self::Catalogue => "a whole catalogue",
            Self::Previous => "the catalogue before",
            Self::DeadPid => "the PID of a dead process",
            Self::LivePid => "the PID of a live process that is no client",
            Self::Link => "a link to what was there",
            Self::DanglingLink => "a link that leads nowhere",
        })
    }
}

/// The modification time of a planted file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mtime {
    /// The present.
    #[default]
    Now,
    /// One year ahead.
    Future,
    /// One TTL and a second ago.
    Expired,
    /// The first second of 1970.
    Epoch,
    /// So long ahead.
    Ahead(Span),
    /// So long ago.
    Ago(Span),
}
