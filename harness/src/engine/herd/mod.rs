//! The herd engine: real processes, real concurrency, faults at observed events.
//!
//! One thread and one loop own a run. Everything that happens (a request, a change on disk, the end of
//! a process) comes to the loop as an observation; the loop records it, asks the plan what it fires,
//! and acts. Reading order: `world` (what a run is made of), `places` (its directories), `errand` (what
//! a process is for), `plot` (waves, healing, probes), `start` (processes), `service` (what runs beside them),
//! `pump` (the loop), `act`, `age`, `network` and `storm` (the actions), `hold` (responses held until the herd
//! waits), `calls` (what happens at system calls), `ended` (what a process printed), `session` (processes that are asked
//! again), `hand_out` (catalogues in files).

mod act;
mod age;
mod calls;
mod ended;
mod errand;
mod hand_out;
mod hold;
mod network;
mod places;
mod plot;
mod pump;
mod service;
mod session;
mod start;
mod storm;
mod world;

use crate::engine::{EngineError, RunSpec};
use crate::model::record::Record;

/// Runs a scenario once and returns its record. Every process that it started has ended by then.
///
/// Takes the calling thread for the whole run: the kernel ties a client's death signal to it.
///
/// # Errors
/// When the run cannot be made at all; what goes wrong within it is in the record.
pub fn run(spec: &RunSpec) -> Result<Record, EngineError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(EngineError::system("start the event loop"))?;
    runtime.block_on(async {
        let mut herd = world::Herd::new(spec).await?;
        herd.play().await;
        Ok(herd.finish().await)
    })
}
