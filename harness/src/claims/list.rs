//! Each claim with the scenario that tests it.

use cachestorm_reports::claims::ClaimCell;

use super::measure::{self, Seen};
use crate::model::record::Record;

/// A claim of the status report.
pub struct Claim {
    /// The claim, in the report's words or close to them.
    pub claim: &'static str,
    /// What it comes to if it is true.
    pub promised: &'static str,
    /// The scenario that tests it, below `scenarios/`.
    pub scenario: &'static str,
    /// How often it is tried until its fault lands.
    pub tries: u32,
    /// Whether the scenario's fault hit what it was meant for.
    pub landed: fn(&Record) -> bool,
    /// What is read off the judged record.
    pub measure: fn(&Seen) -> ClaimCell,
}

/// In the order of the report.
pub const CLAIMS: [Claim; 11] = [
    Claim {
        claim: "network requests reduced 14:1",
        promised: "1 request for 14 processes",
        scenario: "claims/fourteen-to-one",
        tries: 1,
        landed: measure::faults_landed,
        measure: measure::requests_of_herd,
    },
    Claim {
        claim: "3 simultaneous update-providers are safe",
        promised: "3 succeed, file whole",
        scenario: "claims/three-updates",
        tries: 1,
        landed: measure::faults_landed,
        measure: measure::updates,
    },
    Claim {
        claim: "no partial writes, no corrupted file visible",
        promised: "0 damaged sightings",
        scenario: "claims/readers-during-writes",
        tries: 1,
        landed: measure::faults_landed,
        measure: measure::damage,
    },
    Claim {
        claim: "a corrupted cache falls back to a refetch",
        promised: "every process gets a whole catalogue",
        scenario: "claims/corrupted-cache",
        tries: 1,
        landed: measure::faults_landed,
        measure: measure::all_succeed,
    },
    Claim {
        claim: "no dangling lock after a failed operation: writer killed while it saves",
        promised: "the next process succeeds",
        scenario: "claims/writer-killed",
        tries: 40,
        landed: measure::killed_before_publishing,
        measure: measure::next_process,
    },
    Claim {
        claim: "the same: fetcher killed while it fetches",
        promised: "the next process succeeds",
        scenario: "claims/fetcher-killed",
        tries: 1,
        landed: measure::faults_landed,
        measure: measure::next_process,
    },
    Claim {
        claim: "graceful failure after one second on a lock that nobody gives back",
        promised: "ends within 2 s, with the fetched catalogue or a cached one",
        scenario: "claims/stale-lock",
        tries: 1,
        landed: measure::faults_landed,
        measure: measure::stale_lock,
    },
    Claim {
        claim: "error recovery: a failed fetch leaves nothing behind",
        promised: "the next process succeeds",
        scenario: "claims/failed-fetch",
        tries: 1,
        landed: measure::faults_landed,
        measure: measure::next_process,
    },
    Claim {
        claim: "a stale cache is refetched",
        promised: "every process gets the new catalogue",
        scenario: "claims/stale-refetch",
        tries: 1,
        landed: measure::faults_landed,
        measure: measure::refetched,
    },
    Claim {
        claim: "a fresh cache is used by all processes",
        promised: "0 requests, file unchanged",
        scenario: "claims/fresh-reuse",
        tries: 1,
        landed: measure::faults_landed,
        measure: measure::requests_on_fresh,
    },
    Claim {
        claim: "cache hit rate of about 95 %",
        promised: "95 % with 20 processes a window",
        scenario: "claims/hit-rate",
        tries: 1,
        landed: measure::faults_landed,
        measure: measure::hit_rate,
    },
];
