//! Observed events fire actions.
//!
//! - [`plan`]: which injections an occurrence fires;
//! - [`disk`]: the actions on files: plant, remove, age, permissions.
//!
//! The actions on processes and on the server are a line each and stand with the engine that owns both.

pub mod disk;
pub mod plan;
