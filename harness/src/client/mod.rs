//! A program under test: how it is described, started, waited for and killed.
//!
//! - [`describe`]: `client.toml` to a typed value;
//! - [`needs`]: what it needs, and whether this machine has it;
//! - [`prepare`]: placeholders filled in, the program found;
//! - [`process`]: one running process: held at the barrier, let go, watched to its end;
//! - [`family`]: a process with its descendants;
//! - [`guardian`]: what makes sure that no process outlives the run, even when the harness is killed;
//! - [`rest`]: whether a process sleeps in the kernel, which is how a herd is seen to wait;
//! - [`strays`]: processes that a client left behind;
//! - [`volume`]: a small disk of its own for the cache directory;
//! - `survivors`: the same after the harness itself has been killed.

pub mod describe;
pub mod family;
pub mod guardian;
pub mod needs;
pub mod prepare;
pub mod process;
pub mod rest;
pub mod strays;
mod survivors;
#[cfg(target_os = "linux")]
pub mod volume;
#[cfg(not(target_os = "linux"))]
#[path = "volume_elsewhere.rs"]
pub mod volume;
