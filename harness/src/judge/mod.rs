//! Record to verdict, pure.
//!
//! [`judge`] reads one [`Record`] and says what it means. It does no IO, reads no clock, and is total:
//! it returns a verdict on any record, even on one that no engine could have written.
//!
//! Reading order: `history` folds a record once into the views that the invariants share, with `explain`
//! and `windows` beside it; then one file per invariant, with `telling` and `embedded` for what several ask; then `measures` and `contention` for the
//! figures and `outcome` for the one word.
//!
//! Two ideas run through all of it.
//!
//! - **Cache time.** A scenario ages a cache instead of waiting for its TTL to pass. Each landed `age`
//!   moves everything after it by the TTL and a second, so ages and windows are computed in *cache
//!   time*: the harness's clock plus all the ageing so far. Sentences show the harness's clock.
//! - **Skew.** A request, a publish and a kill are seen by three observers. Where two events of
//!   different observers lie within 2 ms, their order is not known, and whatever depends on it counts as
//!   indeterminate instead of being decided.

mod bounded_residue;
mod bounded_wait;
mod contention;
mod embedded;
mod explain;
mod findings;
mod freshness;
mod history;
mod measures;
mod mutual_exclusion;
#[cfg(test)]
mod network_tests;
mod no_blocking_leftover;
mod no_partial_file;
mod no_time_travel;
mod outcome;
#[cfg(test)]
mod properties;
mod single_flight;
mod stale_if_error;
mod telling;
#[cfg(test)]
mod testing;
mod truthful_exit;
mod validator_fidelity;
mod windows;

use crate::model::record::Record;
use crate::model::verdict::{Invariant, InvariantReport, TtlWindow, Verdict};

use history::History;

/// Judges one record.
///
/// The time is near-linear in the number of events.
pub fn judge(record: &Record) -> Verdict {
    let history = History::of(record);
    let invariants = Invariant::ALL.map(|invariant| evaluate(invariant, &history));
    outcome::conclude(&history, invariants.into())
}

/// The TTL windows of one record, in the order in which they opened: what a timeline draws as bands.
pub fn windows(record: &Record) -> Vec<TtlWindow> {
    History::of(record).ttl_windows()
}

fn evaluate(invariant: Invariant, history: &History<'_>) -> InvariantReport {
    match invariant {
        Invariant::SingleFlight => single_flight::evaluate(history),
        Invariant::NoPartialFile => no_partial_file::evaluate(history),
        Invariant::NoBlockingLeftover => no_blocking_leftover::evaluate(history),
        Invariant::BoundedResidue => bounded_residue::evaluate(history),
        Invariant::MutualExclusion => mutual_exclusion::evaluate(history),
        Invariant::Freshness => freshness::evaluate(history),
        Invariant::NoTimeTravel => no_time_travel::evaluate(history),
        Invariant::TruthfulExit => truthful_exit::evaluate(history),
        Invariant::BoundedWait => bounded_wait::evaluate(history),
        Invariant::ValidatorFidelity => validator_fidelity::evaluate(history),
        Invariant::StaleIfError => stale_if_error::evaluate(history),
    }
}
