//! cachestorm: a chaos and race-testing harness for caches that several processes share on disk.
//!
//! To test a cache of your own from `cargo test`, start at [`Suite`]. The book in `harness/book` tells the rest.
//!
//! Reading order:
//!
//! 1. [`model`] (its own crate): the data that everything below speaks in;
//! 2. [`scenario`]: a TOML file becomes a [`model::scenario::Scenario`], with diagnostics;
//! 3. [`client`]: a program under test is described, started, waited for and killed;
//! 4. [`trace`]: what a program does, call by call, on Linux;
//! 5. [`catwalk`]: the mock server that counts, and whose catalogues certify themselves;
//! 6. [`inject`]: observed events fire actions;
//! 7. [`record`]: the cache directory is watched, and events become one file per run;
//! 8. [`engine`]: one loop owns a run and brings all of the above together;
//! 9. [`judge`]: a record becomes a verdict;
//! 10. [`suite`]: many scenarios, some times each, against one client; with [`Suite`] in tests of your own;
//! 11. [`claims`]: what the status report claimed, measured;
//! 12. [`matrix`]: what catches which wrong client;
//! 13. [`storm`]: scenarios drawn from a seed, and what fails made small;
//! 14. [`shard`]: parts of a plan for several machines;
//! 15. [`merge`]: the runs of those machines become one;
//! 16. [`statistics`] and [`regression`]: a run compared with what an earlier one came to;
//! 17. [`cli`]: the command `cachestorm`.
//!
//! Architecture invariants:
//!
//! - Records first: an engine writes what happened and judges nothing; [`judge`] does no IO and reads
//!   no clock; the reports crate neither runs nor judges anything.
//! - Nothing is asserted while a process lives.
//! - No trigger is a clock. Only a client's deadline, the harness's own deadline and the shape of a
//!   load (latency, stagger) are times.
//! - Each process under test leads its own process group and dies with the run, whichever way the
//!   run ends.
//! - A client's path is never derived from the path of the running program, except by the command
//!   `cachestorm` for the clients that it holds itself.
//! - Code for one platform sits behind a function that every platform has.

pub use cachestorm_model as model;

pub mod catwalk;
pub mod claims;
pub mod cli;
pub mod client;
pub mod engine;
pub mod inject;
pub mod judge;
pub mod matrix;
pub mod merge;
pub mod record;
pub mod regression;
pub mod scenario;
pub mod shard;
pub mod statistics;
pub mod storm;
pub mod suite;
pub mod trace;

pub use suite::Suite;
