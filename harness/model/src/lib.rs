//! The data of cachestorm, and nothing but data: what was asked for, what happened, what it means.
//!
//! The crate exists so that three layers can share types and still not reach into one another: the
//! engines *write* a [`record::Record`], the judge *reads* one and returns a [`verdict::Verdict`],
//! the reports *show* both. Reading order:
//!
//! 1. [`units`]: durations, byte sizes and identities, so that no bare number has an unclear unit;
//! 2. [`fault`]: the faults of the network, and what can detect each;
//! 3. [`scenario`]: a scenario file as a value;
//! 4. [`client`]: the description of a program under test, with [`tells`] for commands that tell of the cache;
//! 5. [`record`]: one run of one scenario as a list of events, with [`call`] for system calls and [`errno`]
//!    for their errors;
//! 6. [`verdict`]: what the judge says about a record;
//! 7. [`run`]: many judged records, which is what a report is made of;
//! 8. [`plan`]: what a run was asked for, so that parts of it can be joined;
//! 9. [`expected`]: what a client that is wrong on purpose is expected to break;
//! 10. [`matrix`]: which scenario caught which of them;
//! 11. [`sweep`]: what came of killing a client at every step, and [`crash`]: the same of many clients;
//! 12. [`baseline`] and [`comparison`]: what a run came to, kept small, and what became of a client since.
//!
//! Architecture invariants: nothing here does IO, reads a clock, or depends on another crate of the
//! workspace. No type uses `flatten`, `untagged` or an internal tag where it is read from TOML: their
//! errors point at the wrong line.

pub mod baseline;
pub mod call;
pub mod client;
pub mod comparison;
mod conditions;
pub mod crash;
mod disk;
mod ending;
pub mod errno;
pub mod expected;
pub mod fault;
mod injection;
pub mod matrix;
pub mod plan;
pub mod record;
pub mod run;
pub mod scenario;
mod sighting;
pub mod sweep;
pub mod tells;
pub mod units;
pub mod verdict;
