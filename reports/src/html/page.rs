//! What the page of one record shows before its script has run: verdict, invariants, figures, charts.

use cachestorm_model::record::{Effect, Record, What};
use cachestorm_model::run::{Run, ScenarioResult};
use cachestorm_model::verdict::Verdict;

use super::beside::{Beside, Then};
use super::exchanges::exchanges;
use super::figures::{Percentiles, Season, percentile_name, seasons, time, waits};
use super::{Scene, anchor, data, glyph};
use crate::ReportError;
use crate::counts::Status;
use crate::show::judged_on;
use crate::statement::{Subject, statements, witness_line};
use crate::summary::{figures, verdict};
use crate::text::{clean, duration};

/// The page of one record.
pub struct Page<'a> {
    pub result: usize,
    pub number: usize,
    pub id: String,
    pub status: Status,
    pub name: &'a str,
    pub repetition: u32,
    pub run: &'a str,
    pub summary: &'a str,
    pub why: Option<&'a str>,
    pub setting: String,
    pub time: String,
    pub reasons: Vec<String>,
    pub violations: Vec<Violation>,
    pub invariants: Vec<Invariant>,
    pub witnesses: Vec<String>,
    pub figures: Vec<(String, u64)>,
    pub injections: Vec<Injection>,
    pub seasons: Vec<SeasonBar>,
    pub waits: Option<Waits>,
    pub data: String,
    /// The other repetitions of the scenario that are drawn: address and name.
    /// What the baseline has of the scenario.
    pub then: Option<Then>,
    pub siblings: Vec<(String, String)>,
    pub previous: Option<(String, String)>,
    pub next: Option<(String, String)>,
}

pub struct Violation {
    pub number: usize,
    pub invariant: &'static str,
    pub sentence: String,
    pub has_events: bool,
}

pub struct Invariant {
    pub name: &'static str,
    pub word: &'static str,
    pub class: &'static str,
    pub judged_on: String,
}

pub struct Injection {
    pub number: usize,
    pub words: String,
    pub fate: String,
    pub event: Option<usize>,
}

/// Requests of one window, each part as a share of the longest bar, in percent.
pub struct SeasonBar {
    pub name: String,
    pub about: String,
    pub words: String,
    pub total: u32,
    pub shares: [u64; 3],
}

/// A percentile of the waits, with its length as a share of the longest, in percent.
pub struct Wait {
    pub name: String,
    pub time: String,
    pub share: u64,
    /// The same for the baseline, where it keeps this percentile.
    pub then: Option<(String, u64)>,
}

/// How long processes waited.
pub struct Waits {
    pub count: u64,
    pub rows: Vec<Wait>,
    /// The baseline's curve; empty where there is none.
    pub then: String,
    /// The curve as the path of an SVG of 100 by 100.
    pub curve: String,
    /// The percentiles under the curve, with their place from the left in percent.
    pub ticks: Vec<(String, String)>,
    pub longest: String,
}

impl<'a> Page<'a> {
    pub fn of(
        result: &'a ScenarioResult,
        scene: &'a Scene,
        beside: Option<Beside<'_>>,
    ) -> Result<Self, ReportError> {
        let then = beside.and_then(|beside| Then::of(beside, &result.scenario));
        let waited = then.as_ref().map(|it| it.waits.as_slice()).unwrap_or_default();
        let record = &scene.record;
        let exchanges = exchanges(record);
        let seasons = seasons(record, &scene.windows, &exchanges);
        let verdict = verdict(result);
        let reasons = statements(result)
            .into_iter()
            .filter(|statement| !matches!(statement.subject, Subject::Violation(_)))
            .map(|statement| statement.paragraph());
        Ok(Self {
            result: scene.result,
            number: 0,
            id: anchor(result),
            status: Status::of(result),
            name: &result.scenario,
            repetition: result.repetition,
            run: "",
            summary: &record.scenario.summary,
            why: record.scenario.why.as_deref(),
            setting: format!(
                "client {}, repetition {}, seed {}, TTL {}",
                record.client.name, record.repetition, record.seed, record.ttl
            ),
            time: duration(result.duration_ms),
            reasons: reasons.collect(),
            violations: violations(verdict),
            invariants: invariants(verdict),
            witnesses: verdict.iter().flat_map(|it| &it.witnesses).map(witness_line).collect(),
            figures: verdict
                .into_iter()
                .flat_map(|verdict| figures(&verdict.measures))
                .map(|(name, value)| (figure_name(name), value))
                .collect(),
            injections: injections(record),
            seasons: bars(&seasons),
            waits: Percentiles::of(&waits(record)).map(|it| Waits::of(&it, waited)),
            then,
            data: data::render(record, verdict, &scene.windows, &seasons)?,
            siblings: Vec::new(),
            previous: None,
            next: None,
        })
    }

    pub fn glyph(&self) -> &'static str {
        glyph(self.status)
    }
}

/// Tells each page of its neighbours, once all are known and in order.
pub fn link<'a>(pages: &mut [Page<'a>], run: &'a Run) {
    let known: Vec<(&str, String, String)> = pages
        .iter()
        .map(|page| {
            let words = format!("repetition {}: {}", page.repetition, page.status.as_str());
            (page.name, page.id.clone(), words)
        })
        .collect();
    let neighbour = |index: Option<usize>| {
        let (name, id, _) = known.get(index?)?;
        Some((id.clone(), (*name).to_owned()))
    };
    for (index, page) in pages.iter_mut().enumerate() {
        page.number = index;
        page.run = &run.id;
        page.previous = neighbour(index.checked_sub(1));
        page.next = neighbour(Some(index + 1));
        page.siblings = known
            .iter()
            .filter(|(name, id, _)| *name == page.name && *id != page.id)
            .map(|(_, id, words)| (id.clone(), words.clone()))
            .collect();
    }
}

fn figure_name(name: &str) -> String {
    match name {
        "wait_ms_max" => "longest wait, ms".to_owned(),
        "wait_us_median" => "median wait, µs".to_owned(),
        "start_us" => "start of a process, µs".to_owned(),
        _ => name.replace("_ms", ", ms").replace('_', " "),
    }
}

fn violations(verdict: Option<&Verdict>) -> Vec<Violation> {
    let reports = verdict.into_iter().flat_map(|verdict| &verdict.invariants);
    let all =
        reports.flat_map(|report| report.violations.iter().map(move |it| (report.invariant, it)));
    all.zip(1..)
        .map(|((invariant, violation), number)| Violation {
            number,
            invariant: invariant.as_str(),
            sentence: clean(&violation.sentence),
            has_events: !violation.events.is_empty(),
        })
        .collect()
}

fn invariants(verdict: Option<&Verdict>) -> Vec<Invariant> {
    let reports = verdict.into_iter().flat_map(|verdict| &verdict.invariants);
    reports
        .map(|report| {
            let (word, class) = match report {
                report if report.broken() => ("✕ broken", "fail"),
                report if report.evaluations == 0 => ("– not judged", "skipped"),
                _ => ("✓ held", "pass"),
            };
            let judged_on = clean(&judged_on(report));
            Invariant { name: report.invariant.as_str(), word, class, judged_on }
        })
        .collect()
}

/// Every injection of the scenario with its trigger in the words of the scenario file, and what came of it.
fn injections(record: &Record) -> Vec<Injection> {
    let fired = |number: usize| {
        record.events.iter().enumerate().filter_map(move |(index, event)| match &event.what {
            What::Injected { injection: Some(it), effect, .. } if *it as usize == number => {
                Some((index, effect))
            }
            _ => None,
        })
    };
    let words = |injection: &cachestorm_model::scenario::Injection| {
        let on = serde_json::to_value(&injection.on).unwrap_or_default();
        let on = match &on {
            serde_json::Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| format!("{name} {}", value.to_string().trim_matches('"')))
                .collect::<String>(),
            other => other.to_string().trim_matches('"').to_owned(),
        };
        let nth = injection.nth.map(|nth| format!(" (time {nth})")).unwrap_or_default();
        let times = injection.times.map(|times| format!(", {times} in a row")).unwrap_or_default();
        let each = if injection.each_wave { " of each wave" } else { "" };
        format!("on {on}{nth}{times}{each}: {}", injection.action)
    };
    let one = |(number, injection)| {
        let first = fired(number).next();
        let times = fired(number).count();
        let fate = match first {
            None => "never fired".to_owned(),
            Some((_, Effect::Missed(why))) => format!("missed: {why}"),
            Some((_, Effect::Landed)) if times > 1 => format!("fired {times} times"),
            Some((_, Effect::Landed)) => "landed".to_owned(),
        };
        let event = first.map(|(index, _)| index);
        Injection { number: number + 1, words: words(injection), fate, event }
    };
    record.scenario.inject.iter().enumerate().map(one).collect()
}

fn bars(seasons: &[Season]) -> Vec<SeasonBar> {
    let most = seasons.iter().map(Season::total).max().unwrap_or(0).max(1);
    let bar = |season: &Season| SeasonBar {
        name: season.name.clone(),
        about: season.about.clone(),
        words: season.words(),
        total: season.total(),
        shares: season.requests.map(|number| u64::from(number) * 100 / u64::from(most)),
    };
    seasons.iter().map(bar).collect()
}

impl Waits {
    /// `then` are the baseline's percentiles.
    fn of(percentiles: &Percentiles, then: &[(f64, u64)]) -> Self {
        let longest_then = then.last().map_or(0, |(_, time)| *time);
        let most = percentiles.max().max(longest_then).max(1);
        #[allow(clippy::cast_precision_loss)]
        let height = |time: u64| 100.0 - time as f64 * 96.0 / most as f64;
        let path = |points: &mut dyn Iterator<Item = (f64, u64)>| {
            let mut path = String::new();
            for (x, time) in points {
                let command = if path.is_empty() { 'M' } else { 'L' };
                path.push_str(&format!("{command}{:.2} {:.2}", x * 100.0, height(time)));
            }
            path
        };
        #[allow(clippy::cast_precision_loss)]
        let doublings = (percentiles.count as f64).log2().max(1.0);
        let place = |percentile: f64| {
            if percentile >= 100.0 {
                return 1.0;
            }
            (-(1.0 - percentile / 100.0).log2() / doublings).min(1.0)
        };
        let share = |time: u64| time.saturating_mul(100) / most;
        let row = |(percentile, at): &(f64, u64)| Wait {
            name: percentile_name(*percentile),
            time: time(*at),
            share: share(*at),
            then: then
                .iter()
                .find(|(it, _)| (it - percentile).abs() < 1e-9)
                .map(|(_, at)| (time(*at), share(*at))),
        };
        // Those of more processes than there are now have no place under the curve.
        let mut points = then.iter().map(|(percentile, at)| (place(*percentile), *at));
        let mut points = points.by_ref().filter(|(x, at)| *x < 1.0 || *at == longest_then);
        Self {
            count: percentiles.count,
            rows: percentiles.rows.iter().map(row).collect(),
            ticks: percentiles
                .rows
                .iter()
                .map(|(percentile, _)| {
                    let place = place(*percentile) * 100.0;
                    (percentile_name(*percentile), format!("{place:.2}"))
                })
                .collect(),
            then: path(&mut points),
            curve: path(&mut percentiles.curve.iter().copied()),
            longest: time(most),
        }
    }
}
