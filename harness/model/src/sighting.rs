//! What bytes turned out to be.

use serde::{Deserialize, Serialize};

use crate::units::Serial;

/// What bytes turned out to be, on disk or on a client's standard output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sighting {
    /// No file, or no output that could hold a catalogue.
    Absent,
    /// The client's description says that it does not show what it got.
    NotShown,
    /// One whole catalogue that was served, handed to a client in a file, or is built into the client.
    Whole {
        /// Which.
        serial: Serial,
        /// Whether the bytes are those served, rather than the same JSON written anew.
        exact: bool,
    },
    /// Bytes that are no whole served catalogue.
    Damaged {
        /// Their number.
        bytes: u64,
        /// How, in words: `empty`, `cut off after 4096 of 16384 bytes of catalogue 2` ...
        how: String,
    },
    /// What the harness itself had planted, and no client has touched.
    Planted,
}

impl Sighting {
    /// The catalogue seen, if it was a whole one.
    pub fn serial(&self) -> Option<Serial> {
        match self {
            Self::Whole { serial, .. } => Some(*serial),
            _ => None,
        }
    }
}
