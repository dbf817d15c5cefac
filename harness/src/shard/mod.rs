//! Parts of a plan for several machines.
//!
//! - [`mod@partition`]: which trial belongs to which part, by a rule that every machine computes alike;
//! - [`engines`]: which part this machine is, as the engine that started it says.

pub mod engines;
pub mod partition;

pub use partition::{Trials, partition};

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::model::plan::{Plan, Shard};
use crate::scenario::load::Entry;
use crate::suite::{Options, Subject};

/// The variable that says which part to run where no argument does.
pub const VARIABLE: &str = "CACHESTORM_SHARD";

/// What is asked for: every entry, against this client, as often as the options say.
pub fn plan(entries: &[Entry], subject: &Subject, options: &Options) -> Plan {
    let fingerprint_of = |entry: &Entry| match &entry.scenario {
        Ok(scenario) => fingerprint(scenario),
        // What is wrong with a file names its path, which other machines may not share.
        Err(_) => "invalid".to_owned(),
    };
    Plan {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        client: fingerprint(&subject.client),
        scenarios: entries.iter().map(|it| (it.name.clone(), fingerprint_of(it))).collect(),
        repeat: options.repeat,
        shard: options.shard.unwrap_or(Shard::WHOLE),
        parts: Vec::new(),
    }
}

/// The first half of the SHA-256 of what a value says, in hexadecimal.
fn fingerprint(value: &impl Serialize) -> String {
    // Everything in the model can be written as JSON; it is what records are made of.
    let text = serde_json::to_vec(value).unwrap_or_default();
    Sha256::digest(text).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
