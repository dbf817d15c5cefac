//! The run beside a baseline: what changed, and charts of then and now.

use cachestorm_model::baseline::{Baseline, Figures};
use cachestorm_model::comparison::{Comparison, Figure, Finding, Side};
use cachestorm_model::verdict::Waits;

use crate::comparison::{self, Line, value};
use crate::counts::Status;

/// A baseline, and what the comparison of the run with it came to.
#[derive(Debug, Clone, Copy)]
pub struct Beside<'a> {
    /// The baseline.
    pub baseline: &'a Baseline,
    /// The comparison.
    pub comparison: &'a Comparison,
}

/// The card of the overview.
pub struct Card {
    pub word: &'static str,
    pub status: Status,
    pub name: String,
    pub about: String,
    pub headline: String,
    pub how: String,
    pub lines: Vec<(Status, Line)>,
    pub charts: Vec<Chart>,
}

/// One figure of every scenario, then and now.
pub struct Chart {
    pub name: &'static str,
    pub rows: Vec<Pair>,
}

/// Then and now, with the lengths of their bars in percent of the longest of the chart.
pub struct Pair {
    pub scenario: String,
    pub before: String,
    pub now: String,
    pub shares: [u64; 2],
    pub status: Status,
    pub word: &'static str,
}

/// The figures that are drawn.
const DRAWN: [Figure; 3] = [Figure::RequestsPerWindow, Figure::Recovery, Figure::LongestWait];

impl Card {
    pub fn of(beside: Beside<'_>) -> Self {
        let Beside { comparison, .. } = beside;
        Self {
            word: comparison.finding.as_str(),
            status: status(comparison.finding),
            name: comparison.baseline.name.clone(),
            about: about(&comparison.baseline),
            headline: comparison::headline(comparison),
            how: comparison::how(comparison),
            lines: comparison::lines(comparison)
                .into_iter()
                .map(|line| (status(line.finding), line))
                .collect(),
            charts: DRAWN.into_iter().filter_map(|figure| Chart::of(figure, comparison)).collect(),
        }
    }

    pub fn glyph(&self, status: &Status) -> &'static str {
        super::glyph(*status)
    }
}

fn about(side: &Side) -> String {
    format!("client {}, {}, {} cores", side.client, side.started, side.host.cores)
}

/// The colour of a finding.
fn status(finding: Finding) -> Status {
    match finding {
        Finding::Worse => Status::Fail,
        Finding::CannotTell => Status::Inconclusive,
        Finding::Same | Finding::Better => Status::Pass,
        Finding::NotCompared => Status::Skipped,
    }
}

impl Chart {
    /// `None` where no scenario has the figure.
    fn of(figure: Figure, comparison: &Comparison) -> Option<Self> {
        let mut rows = Vec::new();
        let changes = comparison.scenarios.iter().filter_map(|scenario| {
            let change = scenario.figures.iter().find(|it| it.figure == figure)?;
            Some((scenario.scenario.clone(), change))
        });
        let changes: Vec<_> = changes.collect();
        let values = changes.iter().flat_map(|(_, it)| [it.before.median, it.now.median]);
        let most = values.flatten().fold(0.0_f64, f64::max);
        // Without end is as long as can be.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a percentage")]
        let share = |value: Option<f64>| value.map_or(100, |it| (it / most * 100.0).ceil() as u64);
        for (scenario, change) in changes {
            rows.push(Pair {
                scenario,
                before: value(figure, change.before.median, false),
                now: value(figure, change.now.median, false),
                shares: [share(change.before.median), share(change.now.median)],
                status: status(change.finding),
                word: change.finding.as_str(),
            });
        }
        (!rows.is_empty()).then(|| Self { name: figure.as_str(), rows })
    }
}

/// A scenario's figures in the baseline, for the page of a record.
pub struct Then {
    pub name: String,
    /// `1.5 in the middle, 1.5 to 2 over 40 repetitions`, where it has any.
    pub requests: String,
    pub recovery: Option<String>,
    /// The waits at each percentile, the middle one over the repetitions, in microseconds.
    pub waits: Vec<(f64, u64)>,
}

impl Then {
    /// `None` where the baseline does not have the scenario.
    pub fn of(beside: Beside<'_>, scenario: &str) -> Option<Self> {
        let repetitions = beside.baseline.scenarios.get(scenario)?;
        let figures: Vec<&Figures> =
            repetitions.iter().filter_map(|it| it.figures.as_ref()).collect();
        if figures.is_empty() {
            return None;
        }
        let all = beside.comparison.scenarios.iter().find(|it| it.scenario == scenario);
        let words = |figure: Figure| {
            let change = all?.figures.iter().find(|it| it.figure == figure)?;
            let told = |it| value(figure, it, false);
            let spread = &change.before;
            if spread.least == spread.most {
                let of = crate::text::counted(spread.count as u64, "repetition");
                return Some(format!("{} in each of {of}", told(spread.median)));
            }
            Some(format!(
                "{} in the middle, {} to {} over {}",
                told(spread.median),
                told(spread.least),
                told(spread.most),
                crate::text::counted(spread.count as u64, "repetition")
            ))
        };
        let middle = |percentile: f64| {
            let mut all: Vec<u64> =
                figures.iter().filter_map(|it| it.waits.at(percentile)).collect();
            all.sort_unstable();
            all.get(all.len() / 2).copied()
        };
        let waits = Waits::PERCENTILES.into_iter().filter_map(|it| Some((it, middle(it)?)));
        Some(Self {
            name: beside.baseline.name.clone(),
            requests: words(Figure::RequestsPerWindow).unwrap_or_default(),
            recovery: words(Figure::Recovery),
            waits: waits.collect(),
        })
    }
}
