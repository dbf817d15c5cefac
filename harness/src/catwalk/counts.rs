//! What the server has counted, and the same for Prometheus.

use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::record::AbortedBy;

/// Totals since the server started. A *fetch* is a `GET /v2/providers`, whatever became of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections accepted. Refused ones never reach the server and cannot be counted here.
    pub connections: u64,
    /// Requests that arrived whole, fetches included.
    pub requests: u64,
    /// Fetches that arrived, those answered with 304 included.
    pub fetches: u64,
    /// Fetches answered with 200 and handed to the network whole.
    pub ok: u64,
    /// Fetches answered with 304.
    pub not_modified: u64,
    /// Fetches answered with any other status, as an injection asked for.
    pub other_status: u64,
    /// Fetches whose response ended early because the client left.
    pub aborted_by_client: u64,
    /// Fetches whose response was ended by an injection.
    pub aborted_by_injection: u64,
    /// Fetches whose response was ended by the harness.
    pub aborted_by_harness: u64,
    /// Answers and connections on which a fault was put.
    pub faulted: u64,
    /// Requests that were no HTTP, or larger than the server reads.
    pub malformed: u64,
    /// Connections that could not be accepted, for want of file descriptors as a rule.
    pub accept_failures: u64,
    /// Requests that wiremock failed to answer; their responses count as aborted by the harness.
    pub backend_failures: u64,
}

impl Counts {
    /// Counts one fetch that was answered in full.
    pub(super) fn answered(&mut self, status: u16) {
        match status {
            200 => self.ok += 1,
            304 => self.not_modified += 1,
            _ => self.other_status += 1,
        }
    }

    /// Counts one fetch that was not.
    pub(super) fn aborted(&mut self, by: AbortedBy) {
        match by {
            AbortedBy::Client => self.aborted_by_client += 1,
            AbortedBy::Injection => self.aborted_by_injection += 1,
            AbortedBy::Harness => self.aborted_by_harness += 1,
        }
    }

    /// The totals in Prometheus's text format. `catwalk_providers_requests_total` is the metric that
    /// the real server has, and like it counts a 304 as a request.
    pub fn prometheus(&self) -> String {
        let mut text = String::new();
        let mut family = |name: &str, help: &str, rows: &[(&str, u64)]| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter");
            for (labels, value) in rows {
                let _ = writeln!(text, "{name}{labels} {value}");
            }
        };
        family(
            "catwalk_providers_requests_total",
            "Total number of requests to the providers endpoint",
            &[("", self.fetches)],
        );
        family(
            "catwalk_providers_responses_total",
            "Responses of the providers endpoint that were sent whole",
            &[
                ("{code=\"200\"}", self.ok),
                ("{code=\"304\"}", self.not_modified),
                ("{code=\"other\"}", self.other_status),
            ],
        );
        family(
            "catwalk_providers_aborted_total",
            "Responses of the providers endpoint that ended early",
            &[
                ("{by=\"client\"}", self.aborted_by_client),
                ("{by=\"injection\"}", self.aborted_by_injection),
                ("{by=\"harness\"}", self.aborted_by_harness),
            ],
        );
        text
    }
}

/// [`Counts`] that many connections add to.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally(Arc<Mutex<Counts>>);

impl Tally {
    pub fn add(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub fn counts(&self) -> Counts {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
