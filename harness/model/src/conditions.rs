//! What processes run under, and with whom: the conditions of a wave.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the system allows processes, beyond what it allows the harness.
///
/// `user` of `[clients]` holds for the client that fills the cache and for the probes too; everything else
/// ends with the wave that it stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Conditions {
    /// The permission bits that files made by a process do not get (umask(2)), as `0o077`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub umask: Option<u32>,
    /// How many files a process may have open (`RLIMIT_NOFILE`), standard input, output and error
    /// included. A process cannot raise it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_files: Option<u32>,
    /// As whom a process runs; as the harness by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<User>,
}

impl Conditions {
    /// Whether nothing is out of the ordinary.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// These, and where they say nothing, those of `defaults`.
    #[must_use]
    pub fn or(self, defaults: Self) -> Self {
        Self {
            umask: self.umask.or(defaults.umask),
            open_files: self.open_files.or(defaults.open_files),
            user: self.user.or(defaults.user),
        }
    }
}

/// As whom a process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum User {
    /// As somebody whom permissions bind: the user of the harness, and `nobody` where that is root. Only in
    /// `[clients]`: the cache directory then belongs to that user.
    Ordinary,
    /// As somebody else than the user of the harness, `nobody`. Needs root; elsewhere the scenario is `skipped`.
    Other,
}

/// Some processes of each wave run another client, on the same cache directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Also {
    /// The name of a client that comes with cachestorm, such as `python-flock`. It must publish the same
    /// file and know the same TTL as the client under test, else the scenario is `skipped`.
    pub with: String,
    /// How many processes of each wave run it: the last ones, and never all.
    pub count: u32,
}
