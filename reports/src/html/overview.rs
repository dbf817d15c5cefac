//! What the first page shows: every scenario with its verdict, and what proved nothing and why.

use std::collections::{BTreeMap, BTreeSet};

use cachestorm_model::run::{Run, ScenarioResult};
use cachestorm_model::verdict::Measures;

use super::figures::{Percentiles, time};
use super::{anchor, glyph};
use crate::counts::Status;
use crate::statement::sections;
use crate::summary::{Scenario, Summary, short_name, themes, verdict};
use crate::text::{self, counted};

/// The first page.
pub struct Overview<'a> {
    pub run: &'a Run,
    pub worst: Status,
    pub worst_word: &'static str,
    pub size: String,
    pub time: String,
    pub exit_code: u8,
    pub meaning: &'static str,
    pub machine: String,
    pub chips: Vec<Chip>,
    pub themes: Vec<Theme<'a>>,
    pub quiet: Vec<Quiet<'a>>,
    pub recoveries: Vec<Recovery<'a>>,
    /// How many repetitions have a record and no timeline here.
    pub left_out: usize,
}

/// How many repetitions came out one way; a button that shows those alone.
pub struct Chip {
    pub status: Status,
    pub phrase: String,
}

pub struct Theme<'a> {
    pub name: &'a str,
    pub rows: Vec<Row<'a>>,
}

/// One scenario.
pub struct Row<'a> {
    pub status: Status,
    pub short: &'a str,
    pub ratio: Option<String>,
    pub summary: &'a str,
    pub anchor: Option<String>,
    /// The first thing to be told of it, where it did not pass.
    pub why: Option<String>,
    pub requests: String,
    pub contention: String,
    pub recovery: Option<Bar>,
    pub wait: Option<Bar>,
    pub time: String,
}

/// A figure with its length as a share of the longest of its column, in percent.
pub struct Bar {
    pub text: String,
    pub share: u64,
}

/// A reason why scenarios proved nothing, with their names.
pub struct Quiet<'a> {
    pub status: Status,
    pub reason: String,
    pub names: Vec<&'a str>,
    pub keeps_lines: bool,
}

/// How long a scenario took to recover, over its repetitions.
pub struct Recovery<'a> {
    pub name: &'a str,
    pub count: u64,
    pub median: String,
    pub longest: String,
    pub share_median: u64,
    pub share_longest: u64,
}

impl<'a> Overview<'a> {
    pub fn of(run: &'a Run, summary: &Summary, drawn: &BTreeSet<usize>) -> Self {
        let themes = themes(run);
        let scenarios = || themes.iter().flat_map(|theme| &theme.scenarios);
        let most = |figure: fn(&Measures) -> Option<u64>| {
            scenarios().filter_map(|scenario| longest(scenario, figure)).max().unwrap_or(0)
        };
        let recovery = most(|measures| measures.recovery_ms);
        let wait = most(|measures| measures.wait_ms_max);
        let row = |scenario: &Scenario<'a>| Row {
            status: scenario.status(),
            short: short_name(scenario.name),
            ratio: scenario.ratio(),
            summary: scenario.summary(),
            anchor: page_of(run, scenario, drawn).map(anchor),
            why: why(scenario),
            requests: scenario.figure(|measures| measures.herd_requests),
            contention: scenario.figure(|measures| measures.contention),
            recovery: bar(longest(scenario, |measures| measures.recovery_ms), recovery),
            wait: bar(longest(scenario, |measures| measures.wait_ms_max), wait),
            time: text::duration(scenario.duration_ms()),
        };
        let host = &run.host;
        let kernel = host.kernel.as_deref().unwrap_or_default();
        let machine = format!("{} {kernel} {}, {} cores", host.os, host.arch, host.cores);
        let recorded = run.results.iter().filter(|result| result.record.is_some()).count();
        Self {
            run,
            worst: summary.counts.worst().unwrap_or(Status::Skipped),
            worst_word: summary.counts.worst_word(),
            size: summary.size(),
            time: text::duration(run.duration_ms),
            exit_code: summary.exit_code,
            meaning: summary.meaning,
            machine: text::one_line(&text::clean(&machine)),
            chips: summary
                .counts
                .phrases()
                .map(|(status, phrase)| Chip { status, phrase })
                .collect(),
            quiet: quiet(scenarios()),
            recoveries: recoveries(scenarios(), recovery),
            left_out: recorded.saturating_sub(drawn.len()),
            themes: themes
                .iter()
                .map(|theme| Theme {
                    name: theme.name,
                    rows: theme.scenarios.iter().map(row).collect(),
                })
                .collect(),
        }
    }

    pub fn glyph(&self, status: &Status) -> &'static str {
        glyph(*status)
    }

    pub fn drawn(&self) -> String {
        counted(self.left_out as u64, "further record")
    }
}

/// The repetition that a scenario's name leads to: the worst that is drawn.
fn page_of<'a>(
    run: &'a Run,
    scenario: &Scenario<'a>,
    drawn: &BTreeSet<usize>,
) -> Option<&'a ScenarioResult> {
    let results = drawn.iter().filter_map(|index| run.results.get(*index));
    let mut of = results.filter(|result| result.scenario == scenario.name).collect::<Vec<_>>();
    of.sort_by_key(|result| (std::cmp::Reverse(Status::of(result)), result.repetition));
    of.first().copied()
}

fn why(scenario: &Scenario<'_>) -> Option<String> {
    let status = scenario.status();
    if status == Status::Pass {
        return None;
    }
    let found = sections(scenario.with(status), 1);
    found.first().and_then(|section| section.merged.first()).map(|it| it.statement.line())
}

fn longest(scenario: &Scenario<'_>, figure: fn(&Measures) -> Option<u64>) -> Option<u64> {
    let measures = scenario.results.iter().filter_map(|result| verdict(result));
    measures.filter_map(|verdict| figure(&verdict.measures)).max()
}

fn share(value: u64, most: u64) -> u64 {
    if most == 0 { 0 } else { (value.saturating_mul(100)).div_ceil(most) }
}

fn bar(value: Option<u64>, most: u64) -> Option<Bar> {
    value.map(|value| Bar { text: text::duration(value), share: share(value, most) })
}

/// Everything that neither passed nor failed, by reason, so that a reason common to many is told once.
fn quiet<'s, 'a: 's>(scenarios: impl Iterator<Item = &'s Scenario<'a>>) -> Vec<Quiet<'a>> {
    let mut by_reason: BTreeMap<(std::cmp::Reverse<Status>, String), Vec<&'a str>> =
        BTreeMap::new();
    for scenario in scenarios {
        for status in Status::ALL {
            if matches!(status, Status::Pass | Status::Fail) {
                continue;
            }
            for section in sections(scenario.with(status), usize::MAX) {
                for merged in section.merged {
                    let key = (std::cmp::Reverse(status), merged.statement.paragraph());
                    let names = by_reason.entry(key).or_default();
                    if names.last() != Some(&scenario.name) {
                        names.push(scenario.name);
                    }
                }
            }
        }
    }
    by_reason
        .into_iter()
        .map(|((status, reason), names)| Quiet {
            status: status.0,
            keeps_lines: reason.contains('\n'),
            reason,
            names,
        })
        .collect()
}

fn recoveries<'s, 'a: 's>(
    scenarios: impl Iterator<Item = &'s Scenario<'a>>,
    most: u64,
) -> Vec<Recovery<'a>> {
    let recovery = |scenario: &Scenario<'a>| {
        let verdicts = scenario.results.iter().filter_map(|result| verdict(result));
        let times: Vec<u64> = verdicts
            .filter_map(|verdict| verdict.measures.recovery_ms)
            .map(|milliseconds| milliseconds.saturating_mul(1_000))
            .collect();
        let percentiles = Percentiles::of(&times)?;
        let median = percentiles.rows.first().map_or(0, |(_, time)| *time);
        Some(Recovery {
            name: scenario.name,
            count: percentiles.count,
            median: time(median),
            longest: time(percentiles.max()),
            share_median: share(median / 1_000, most),
            share_longest: share(percentiles.max() / 1_000, most),
        })
    };
    scenarios.filter_map(recovery).collect()
}
