//! What the judge says about a record.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::{Nanos, RequestId, Serial};

/// The verdict on one record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The one word.
    pub outcome: Outcome,
    /// Why it is not `pass`, a sentence each: for `fail` the violations say it, and this is empty.
    pub reasons: Vec<String>,
    /// Every invariant, evaluated or not, in the order of [`Invariant::ALL`].
    pub invariants: Vec<InvariantReport>,
    /// What had to have happened for a pass to mean something.
    pub witnesses: Vec<Witness>,
    /// Figures.
    pub measures: Measures,
}

impl Verdict {
    /// The invariants that were broken, in the order of [`Invariant::ALL`].
    pub fn broken(&self) -> Vec<Invariant> {
        self.invariants.iter().filter(|it| it.broken()).map(|it| it.invariant).collect()
    }
}

/// The one word of a verdict.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every invariant that applies was evaluated and held.
    Pass,
    /// The machine or the client's description lacks something.
    Skipped,
    /// The harness could not tell.
    Inconclusive,
    /// Nothing was violated, but what the scenario is about never happened.
    Vacuous,
    /// An invariant was violated. Wins over everything else.
    Fail,
}

impl Outcome {
    /// The word as reports print it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Skipped => "skipped",
            Self::Inconclusive => "inconclusive",
            Self::Vacuous => "vacuous",
            Self::Fail => "fail",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a shared cache must keep to.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Invariant {
    /// Exactly one fetch per TTL window.
    SingleFlight,
    /// At every observation the published path is absent or holds exactly one served body.
    NoPartialFile,
    /// After the faults have ended, a fresh client succeeds within its bound.
    NoBlockingLeftover,
    /// Temporaries left by killed writers do not grow in number over rounds.
    BoundedResidue,
    /// Critical sections (fetch and publish) do not overlap.
    MutualExclusion,
    /// No client returns a catalogue older than the TTL and a grace.
    Freshness,
    /// A client that starts after another ended never gets an older catalogue.
    NoTimeTravel,
    /// Exit code 0 means a complete served catalogue; no client fails without an injected cause.
    TruthfulExit,
    /// No client outlives its bound.
    BoundedWait,
    /// The ETag that a client sends belongs to the bytes in its cache.
    ValidatorFidelity,
    /// With the server away, an old catalogue is served and the caller is told, if that was promised.
    StaleIfError,
}

impl Invariant {
    /// Every invariant, in the order in which reports list them.
    pub const ALL: [Self; 11] = [
        Self::SingleFlight,
        Self::NoPartialFile,
        Self::NoBlockingLeftover,
        Self::BoundedResidue,
        Self::MutualExclusion,
        Self::Freshness,
        Self::NoTimeTravel,
        Self::TruthfulExit,
        Self::BoundedWait,
        Self::ValidatorFidelity,
        Self::StaleIfError,
    ];

    /// The name that scenario files, reports and documentation use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SingleFlight => "single-flight",
            Self::NoPartialFile => "no-partial-file",
            Self::NoBlockingLeftover => "no-blocking-leftover",
            Self::BoundedResidue => "bounded-residue",
            Self::MutualExclusion => "mutual-exclusion",
            Self::Freshness => "freshness",
            Self::NoTimeTravel => "no-time-travel",
            Self::TruthfulExit => "truthful-exit",
            Self::BoundedWait => "bounded-wait",
            Self::ValidatorFidelity => "validator-fidelity",
            Self::StaleIfError => "stale-if-error",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Invariant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|invariant| invariant.as_str() == text)
            .ok_or_else(|| format!("\"{text}\" is no invariant"))
    }
}

/// What the judge says about one invariant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvariantReport {
    /// Which.
    pub invariant: Invariant,
    /// How often it was evaluated: 0 is never a pass.
    pub evaluations: u32,
    /// How often it could have been, but lay too near an edge to tell.
    pub indeterminate: u32,
    /// Why it was not evaluated, where it was not.
    pub not_evaluated: Option<String>,
    /// What it was evaluated on, in a sentence, for a reader who wonders whether it means something.
    pub witness: Option<String>,
    /// Where it was broken.
    pub violations: Vec<Violation>,
}

impl InvariantReport {
    /// A report with nothing in it yet.
    pub fn new(invariant: Invariant) -> Self {
        Self {
            invariant,
            evaluations: 0,
            indeterminate: 0,
            not_evaluated: None,
            witness: None,
            violations: Vec::new(),
        }
    }

    /// Whether the invariant was broken.
    pub fn broken(&self) -> bool {
        !self.violations.is_empty()
    }
}

/// One way in which an invariant was broken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Violation {
    /// What happened, in which order, by whom: one sentence.
    pub sentence: String,
    /// The events that the sentence speaks of, as indices into the record.
    pub events: Vec<u32>,
}

/// Something that had to have happened for a pass to mean something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Witness {
    /// What: `contention`, `injection 1 fired` ...
    pub name: String,
    /// What was seen.
    pub observed: u32,
    /// What was needed.
    pub required: u32,
}

/// Figures of one record.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measures {
    /// Processes of the waves.
    pub clients: u32,
    /// Of these, those that were killed by an injection.
    pub killed: u32,
    /// Of these, those that failed otherwise.
    pub failed: u32,
    /// Requests for the catalogue that arrived (`GET`), by waves, setup and probes alike.
    pub requests: u32,
    /// The same, by the clients of the waves alone.
    pub herd_requests: u32,
    /// Answered with 200 and sent whole.
    pub answered_200: u32,
    /// Answered with 304.
    pub answered_304: u32,
    /// Ended early, by the client or by an injection.
    pub aborted: u32,
    /// Clients of the waves that succeeded without a request of their own.
    pub hits: u32,
    /// The most clients that waited or raced while one fetch was under way, the fetcher included.
    pub contention: u32,
    /// Times that the published path was looked at.
    pub observations: u32,
    /// From the last landed fault to the next success, in milliseconds.
    pub recovery_ms: Option<u64>,
    /// The longest life of a client of the waves that was not killed, in milliseconds.
    pub wait_ms_max: Option<u64>,
    /// TTL windows that opened: one that was published again while it was open counts once.
    #[serde(default)]
    pub windows: u32,
    /// How long the clients of the waves lived that were not killed.
    #[serde(default)]
    pub waits: Waits,
    /// How long the machine took to start a process of a wave, up to its first instruction: the median, in
    /// microseconds. It says how busy the machine was, and nothing of the client's logic.
    #[serde(default)]
    pub start_us: Option<u64>,
    /// Temporaries that lay about at the end.
    pub residue: u32,
    /// From the first event to the last, in milliseconds.
    pub duration_ms: u64,
}

/// A distribution of times by its percentiles, so that it stays small however many times there were.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Waits(
    /// The time at each of [`Waits::PERCENTILES`], in microseconds; empty where there was none.
    pub Vec<u64>,
);

impl Waits {
    /// The percentiles that are kept. The last is the longest.
    pub const PERCENTILES: [f64; 9] = [0.0, 25.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 100.0];

    /// The percentiles of some times in microseconds, each the smallest time that so many percent do not
    /// exceed (nearest rank).
    pub fn of(mut microseconds: Vec<u64>) -> Self {
        microseconds.sort_unstable();
        let Some(last) = microseconds.len().checked_sub(1) else { return Self::default() };
        #[allow(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rank is between 0 and the number of times"
        )]
        let rank = |percentile: f64| (percentile / 100.0 * (last + 1) as f64).ceil() as usize;
        let at = |percentile| microseconds[rank(percentile).saturating_sub(1).min(last)];
        Self(Self::PERCENTILES.map(at).to_vec())
    }

    /// The time at one of [`Waits::PERCENTILES`], in microseconds.
    pub fn at(&self, percentile: f64) -> Option<u64> {
        let place = Self::PERCENTILES.iter().position(|it| (it - percentile).abs() < 1e-9)?;
        self.0.get(place).copied()
    }
}

/// A time in which the cache was fresh, as the judge found it in a record: what `single-flight` counts by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TtlWindow {
    /// The event at which the publish or renewal was observed, as an index into the record.
    pub opened: u32,
    /// When it was over, on the harness's clock: by time, by an ageing, or because the file was gone;
    /// `None` where it outlived the record.
    pub until: Option<Nanos>,
    /// The catalogue.
    pub serial: Serial,
    /// The request whose answer was published, where only one can have been.
    pub request: Option<RequestId>,
    /// Whether a 304 renewed what lay there.
    pub renewed: bool,
    /// Whether the window before was still open.
    pub extends: bool,
}
