//! Observed events fire actions.
//!
//! - [`plan`]: which injections an occurrence fires;
//! - [`holder`]: who holds the lock;
//! - [`disk`]: the actions on files: plant, remove; `space` and `times` go on with permissions, space and
//!   times.
//!
//! The actions on processes and on the server are a line each and stand with the engine that owns both.

pub mod disk;
pub mod holder;
pub mod plan;
mod space;
pub mod times;
