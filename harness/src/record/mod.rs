//! From observations to a record.
//!
//! - [`roles`]: what a file in the cache directory is, by the client's description;
//! - [`watch`]: the cache directory is watched, and the published file looked at whenever it changes;
//! - [`recorder`]: observations of every source become one ordered list of events;
//! - [`store`]: a run's folder with its files.

pub mod recorder;
pub mod roles;
pub mod store;
pub mod watch;
