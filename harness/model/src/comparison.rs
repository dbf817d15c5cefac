//! What became of a client since its baseline.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::baseline::Baseline;
use crate::run::Host;

/// The version of the format of a comparison.
pub const COMPARISON_SCHEMA: &str = "cachestorm-comparison/1";

/// A run beside its baseline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// [`COMPARISON_SCHEMA`].
    pub schema: String,
    /// What it all comes to: the gravest finding.
    pub finding: Finding,
    /// What is compared with.
    pub baseline: Side,
    /// What is compared.
    pub run: Side,
    /// What times are compared with, where that is another client that was run in turns with this one.
    pub beside: Option<Side>,
    /// The chance of a false alarm in the whole comparison, where nothing has changed.
    pub alpha: f64,
    /// Times that grew by a smaller share of the baseline's are no finding.
    pub least_change: f64,
    /// Tests that could have found something, among which the chance of a false alarm is shared.
    pub tests: usize,
    /// So many repetitions of both sides are needed before any of these tests can find something.
    pub needed: usize,
    /// Times over all scenarios at once. The values are shares of the scenario's median then, and so is the shift.
    pub together: Vec<FigureChange>,
    /// One for each scenario of either side, in order of their names.
    pub scenarios: Vec<ScenarioComparison>,
}

impl Comparison {
    /// The process's exit code: 1 for a change for the worse, 2 where it cannot be told. `strict` makes what could
    /// not be compared count as that.
    pub fn exit_code(&self, strict: bool) -> u8 {
        let left_out = self.findings().any(|finding| finding == Finding::NotCompared);
        match self.finding {
            Finding::Worse => 1,
            Finding::CannotTell => 2,
            Finding::Same | Finding::Better | Finding::NotCompared if strict && left_out => 2,
            // A comparison of nothing is no pass.
            Finding::NotCompared => 2,
            Finding::Same | Finding::Better => 0,
        }
    }

    /// Every finding: of each scenario, verdict and figure.
    pub fn findings(&self) -> impl Iterator<Item = Finding> + '_ {
        let of_each = self.scenarios.iter().flat_map(|scenario| {
            let verdicts = scenario.verdicts.iter().map(|it| it.finding);
            let figures = scenario.figures.iter().map(|it| it.finding);
            std::iter::once(scenario.finding).chain(verdicts).chain(figures)
        });
        self.together.iter().map(|it| it.finding).chain(of_each)
    }

    /// Scenarios that came to this.
    pub fn count(&self, finding: Finding) -> usize {
        self.scenarios.iter().filter(|scenario| scenario.finding == finding).count()
    }
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// The baseline's name, or the run's.
    pub name: String,
    /// The client's.
    pub client: String,
    /// When its run began.
    pub started: String,
    /// On which machine.
    pub host: Host,
}

impl Side {
    /// The side of a baseline.
    pub fn of(baseline: &Baseline) -> Self {
        Self {
            name: baseline.name.clone(),
            client: baseline.client.clone(),
            started: baseline.started.clone(),
            host: baseline.host.clone(),
        }
    }
}

/// What a test or all of them came to. The order is by how grave it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// There was nothing to compare, for a reason that is told.
    NotCompared,
    /// No change that would be found again.
    Same,
    /// A change for the better that would be found again.
    Better,
    /// It may be worse, or there was too little to tell.
    CannotTell,
    /// A change for the worse that would be found again.
    Worse,
}

impl Finding {
    /// Every finding, the gravest first.
    pub const ALL: [Self; 5] =
        [Self::Worse, Self::CannotTell, Self::Better, Self::Same, Self::NotCompared];

    /// The words as reports print them.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotCompared => "not compared",
            Self::Same => "same",
            Self::Better => "better",
            Self::CannotTell => "cannot tell",
            Self::Worse => "worse",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One scenario, then and now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScenarioComparison {
    /// Its name.
    pub scenario: String,
    /// The gravest of its findings.
    pub finding: Finding,
    /// Repetitions that were judged, then and now.
    pub repetitions: [usize; 2],
    /// Why it could not be compared, or could not be told, where that holds for all of it.
    pub note: Option<String>,
    /// Ways of not passing that occurred on either side.
    pub verdicts: Vec<VerdictChange>,
    /// Figures that both sides have.
    pub figures: Vec<FigureChange>,
}

/// How often a scenario did not pass in one way, then and now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerdictChange {
    /// `single-flight broken`, `proved nothing`.
    pub what: String,
    /// In how many repetitions, then and now.
    pub times: [usize; 2],
    /// Of how many, then and now.
    pub of: [usize; 2],
    /// What Fisher's exact test came to.
    pub test: Test,
    /// What that means.
    pub finding: Finding,
    /// What a reader should know.
    pub note: Option<String>,
}

/// A figure, then and now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FigureChange {
    /// Which.
    pub figure: Figure,
    /// Its values then.
    pub before: Spread,
    /// Its values now.
    pub now: Spread,
    /// How much larger the values are now (Hodges and Lehmann), in the figure's unit; `None` where one side never
    /// ended.
    pub shift: Option<f64>,
    /// The probability that a repetition now has a larger value than one then (Vargha and Delaney).
    pub a12: f64,
    /// What the rank-sum test came to.
    pub test: Test,
    /// What that means.
    pub finding: Finding,
    /// What a reader should know.
    pub note: Option<String>,
}

/// The values of one figure over the repetitions of one side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// How many.
    pub count: usize,
    /// The smallest; `None` for never.
    pub least: Option<f64>,
    /// The middle one; `None` for never.
    pub median: Option<f64>,
    /// The largest; `None` for never.
    pub most: Option<f64>,
}

/// What a one-sided test came to, in the direction that the finding speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// Alone.
    pub p: f64,
    /// Among all tests of the comparison; `None` where it could not have found anything.
    pub corrected: Option<f64>,
}

/// A figure that is compared: larger is worse for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Figure {
    /// Requests for the catalogue for each TTL window that opened.
    RequestsPerWindow,
    /// From the last fault to the next success, in milliseconds.
    Recovery,
    /// The median life of a client, in milliseconds.
    MedianWait,
    /// The longest life of a client, in milliseconds.
    LongestWait,
    /// Temporaries left at the end.
    Residue,
    /// Clients that failed without having been killed.
    FailedClients,
}

impl Figure {
    /// Every figure, in the order of reports.
    pub const ALL: [Self; 6] = [
        Self::RequestsPerWindow,
        Self::Recovery,
        Self::MedianWait,
        Self::LongestWait,
        Self::Residue,
        Self::FailedClients,
    ];

    /// The name as reports print it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RequestsPerWindow => "requests per window",
            Self::Recovery => "recovery",
            Self::MedianWait => "median wait",
            Self::LongestWait => "longest wait",
            Self::Residue => "residue",
            Self::FailedClients => "failed clients",
        }
    }

    /// Whether it is a time, which hangs on the machine too.
    pub fn is_time(self) -> bool {
        matches!(self, Self::Recovery | Self::MedianWait | Self::LongestWait)
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
