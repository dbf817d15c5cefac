//! The end of a process, and what it had printed by then.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::record::Sighting;
use crate::tells::Told;
use crate::units::ClientId;

/// The end of a process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exited {
    /// Which.
    pub client: ClientId,
    /// How it ended.
    pub status: ExitStatus,
    /// CPU time in user mode, in microseconds.
    pub user_us: u64,
    /// CPU time in the kernel, in microseconds.
    pub system_us: u64,
    /// The largest resident set, in KiB.
    pub max_rss_kib: u64,
    /// For how long its threads were at most ready to run and had no processor, in microseconds; `None` where
    /// the system does not say. Its children's threads are not among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delayed_us: Option<u64>,
    /// The catalogue that standard output showed.
    pub got: Sighting,
    /// The beginning of standard output, with its whole length.
    pub stdout: Excerpt,
    /// The beginning of standard error, with its whole length.
    pub stderr: Excerpt,
    /// Whether standard output or error held the client's word for a stale catalogue.
    pub said_stale: bool,
    /// What it told, where its command is one that tells something of the cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
}

impl Exited {
    /// Whether the exit code was 0, or stands for a state that the process was there to tell.
    pub fn is_success(&self) -> bool {
        let told = self.told.as_ref().and_then(|told| told.exit.as_ref());
        self.status.success() || told.is_some_and(|states| !states.is_empty())
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExitStatus {
    /// With an exit code.
    Code(i32),
    /// By a signal.
    Signal {
        /// Its number.
        number: i32,
        /// Whether the harness had sent it.
        ours: bool,
    },
}

impl ExitStatus {
    /// Whether the exit code was 0.
    pub fn success(self) -> bool {
        self == Self::Code(0)
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal { number, ours: true } => write!(f, "signal {number} from the harness"),
            Self::Signal { number, ours: false } => write!(f, "signal {number}"),
        }
    }
}

/// The beginning of a stream, with the length of the whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Excerpt {
    /// Bytes in the whole stream.
    pub bytes: u64,
    /// The first of them, as text.
    pub text: String,
}
