//! A run beside its baseline, for a terminal, as Markdown and as JSON.
//!
//! Each finding says what was compared with what, how much it moved, and how sure that is.

use std::collections::BTreeMap;

use anstyle::Style;
use askama::Template;
use cachestorm_model::comparison::{
    Comparison, Figure, FigureChange, Finding, Side, Spread, Test, VerdictChange,
};
use cachestorm_model::run::Host;

use crate::ReportError;
use crate::style::{Options, Palette, paint};
use crate::text;

/// Changes that may be chance are told up to this many.
const HINTS: usize = 5;
/// Names in a list; the rest is counted.
const NAMES: usize = 6;
/// What times over all scenarios are told of.
pub const ALL: &str = "all scenarios";

/// One thing that is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// What it comes to.
    pub finding: Finding,
    /// The scenario, or [`ALL`].
    pub scenario: String,
    /// `recovery`, `single-flight broken`; empty where it is said of the whole scenario.
    pub what: String,
    /// `0.28 s`, `0 of 10`.
    pub before: String,
    /// The same for now.
    pub now: String,
    /// `+31 %`.
    pub change: String,
    /// `p 0.002, A12 0.94`.
    pub test: String,
    /// What a reader should know; empty for nothing.
    pub note: String,
}

impl Line {
    fn text(&self) -> String {
        let what = if self.what.is_empty() { String::new() } else { format!(" {}", self.what) };
        let values = if self.before.is_empty() {
            String::new()
        } else {
            format!(": {}, now {}", self.before, self.now)
        };
        let brackets = [self.change.as_str(), self.test.as_str()];
        let brackets: Vec<&str> = brackets.into_iter().filter(|it| !it.is_empty()).collect();
        let brackets =
            if brackets.is_empty() { String::new() } else { format!(" ({})", brackets.join("; ")) };
        let note = if self.note.is_empty() { String::new() } else { format!(": {}", self.note) };
        format!("{}{what}{values}{brackets}{note}", self.scenario)
    }
}

/// Everything that is not `same`, the gravest first; what was not compared is told by `left_out`.
pub fn lines(comparison: &Comparison) -> Vec<Line> {
    let mut lines: Vec<Line> =
        comparison.together.iter().map(|change| figure(ALL, change, true)).collect();
    for scenario in &comparison.scenarios {
        let name = &scenario.scenario;
        if let Some(note) =
            scenario.note.as_ref().filter(|_| scenario.finding == Finding::CannotTell)
        {
            lines.push(Line {
                finding: scenario.finding,
                scenario: name.clone(),
                what: String::new(),
                before: String::new(),
                now: String::new(),
                change: String::new(),
                test: String::new(),
                note: note.clone(),
            });
            continue;
        }
        lines.extend(scenario.verdicts.iter().map(|change| verdict(name, change)));
        lines.extend(scenario.figures.iter().map(|change| figure(name, change, false)));
    }
    lines.retain(|line| !matches!(line.finding, Finding::Same | Finding::NotCompared));
    lines.sort_by_key(|line| std::cmp::Reverse(line.finding));
    lines
}

/// Changes that may be chance, the likeliest to be more first.
fn hints(comparison: &Comparison) -> Vec<Line> {
    let figures = comparison.scenarios.iter().flat_map(|scenario| {
        scenario.figures.iter().map(move |change| (scenario.scenario.as_str(), change))
    });
    let mut hints: Vec<_> = figures
        .filter(|(_, change)| change.finding == Finding::Same && change.note.is_some())
        .collect();
    hints.sort_by(|one, other| one.1.test.p.total_cmp(&other.1.test.p));
    hints.into_iter().map(|(name, change)| figure(name, change, false)).collect()
}

/// Why something was not compared, with what.
fn left_out(comparison: &Comparison) -> Vec<(String, Vec<&str>)> {
    let mut reasons: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for scenario in &comparison.scenarios {
        let own = scenario.note.as_ref().filter(|_| scenario.finding == Finding::NotCompared);
        let figures = scenario.figures.iter().filter(|it| it.finding == Finding::NotCompared);
        for note in own.into_iter().chain(figures.filter_map(|it| it.note.as_ref())) {
            let names = reasons.entry(note.clone()).or_default();
            if names.last() != Some(&scenario.scenario.as_str()) {
                names.push(&scenario.scenario);
            }
        }
    }
    reasons.into_iter().collect()
}

fn verdict(scenario: &str, change: &VerdictChange) -> Line {
    let times = |side: usize| format!("{} of {}", change.times[side], change.of[side]);
    Line {
        finding: change.finding,
        scenario: scenario.to_owned(),
        what: change.what.clone(),
        before: times(0),
        now: times(1),
        change: String::new(),
        test: p(change.test),
        note: change.note.clone().unwrap_or_default(),
    }
}

fn figure(scenario: &str, change: &FigureChange, shares: bool) -> Line {
    let middle = |spread: &Spread| value(change.figure, spread.median, shares);
    Line {
        finding: change.finding,
        scenario: scenario.to_owned(),
        what: change.figure.to_string(),
        before: middle(&change.before),
        now: middle(&change.now),
        change: moved(change, shares),
        test: format!("{}, A12 {:.2}", p(change.test), change.a12),
        note: change.note.clone().unwrap_or_default(),
    }
}

/// A value of a figure with its unit: `0.28 s`, `1.5`, `never`; `1.31 times` where it is a share of the baseline's.
pub fn value(figure: Figure, value: Option<f64>, share: bool) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds")]
    match value {
        None => "never".to_owned(),
        Some(value) if share => format!("{value:.2} times"),
        Some(value) if figure.is_time() => text::duration(value.round().max(0.0) as u64),
        Some(value) => {
            let digits = format!("{value:.2}");
            digits.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
    }
}

/// By how much the values moved: `+31 %`, `+0.5`.
fn moved(change: &FigureChange, shares: bool) -> String {
    let Some(shift) = change.shift else { return String::new() };
    let share = if shares { Some(shift) } else { change.before.median.map(|it| shift / it) };
    match share.filter(|share| share.is_finite() && change.figure.is_time()) {
        Some(share) => format!("{:+.0} %", share * 100.0),
        None => format!("{:+}", (shift * 100.0).round() / 100.0),
    }
}

fn p(test: Test) -> String {
    let number = |p: f64| if p < 0.0001 { "< 0.0001".to_owned() } else { format!("{p:.4}") };
    match test.corrected {
        Some(corrected) => format!("corrected p {}", number(corrected)),
        None => format!("p {}", number(test.p)),
    }
}

fn side(side: &Side) -> String {
    format!("{}, client {}, {}, {}", side.name, side.client, side.started, machine(&side.host))
}

fn machine(host: &Host) -> String {
    format!("{} {}, {} cores", host.os, host.arch, host.cores)
}

pub(crate) fn headline(comparison: &Comparison) -> String {
    let counts = Finding::ALL.into_iter().filter(|it| comparison.count(*it) > 0);
    let counts: Vec<String> = counts.map(|it| format!("{} {it}", comparison.count(it))).collect();
    let scenarios = text::counted(comparison.scenarios.len() as u64, "scenario");
    format!("{scenarios}: {}", counts.join(", "))
}

pub(crate) fn how(comparison: &Comparison) -> String {
    let times = match &comparison.beside {
        Some(_) => "times with the client beside, verdicts and counts with the baseline",
        None => "everything with the baseline, which ran at another time",
    };
    format!(
        "Compared: {times}. {} {} a chance of {} % of any false alarm; times count from {} % on; with fewer than {} nothing can be told.",
        text::counted(comparison.tests as u64, "test"),
        if comparison.tests == 1 { "has" } else { "share" },
        comparison.alpha * 100.0,
        comparison.least_change * 100.0,
        text::counted(comparison.needed as u64, "repetition"),
    )
}

fn meaning(comparison: &Comparison, strict: bool) -> String {
    let code = comparison.exit_code(strict);
    let words = match code {
        0 => "nothing got worse that would be found again",
        1 => "something got worse, and would be found again",
        _ => "it cannot be told whether something got worse",
    };
    format!("Exit {code}: {words}.")
}

/// Some names, and how many more there are.
fn names(all: &[&str]) -> String {
    let shown = all.iter().take(NAMES).copied().collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(NAMES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The comparison for a terminal.
pub fn terminal(comparison: &Comparison, strict: bool, options: &Options) -> String {
    let Options { palette, width, .. } = options;
    let mut out = String::new();
    let mut head = |name: &str, text: &str| {
        out.push_str(&text::hanging(0, &format!("{name:>12}  "), text, *width));
    };
    head("run", &side(&comparison.run));
    head("baseline", &side(&comparison.baseline));
    if let Some(beside) = &comparison.beside {
        head("beside", &side(beside));
    }
    out.push('\n');
    let mut tell = |style: Style, word: &str, text: &str| {
        let bullet = format!("{word:>12}  ");
        let text = text::hanging(0, &bullet, text, *width);
        let rest = text.get(bullet.len()..).unwrap_or_default();
        let indent = " ".repeat(12 - word.len().min(12));
        out.push_str(&format!("{indent}{}  {rest}", paint(style, word)));
    };
    for line in lines(comparison) {
        tell(style(palette, line.finding), line.finding.as_str(), &line.text());
    }
    let hints = hints(comparison);
    for line in hints.iter().take(HINTS) {
        tell(palette.faint, "perhaps", &line.text());
    }
    if hints.len() > HINTS {
        tell(palette.faint, "perhaps", &format!("{} more", hints.len() - HINTS));
    }
    for (reason, scenarios) in left_out(comparison) {
        let text = format!("{reason}: {}", names(&scenarios));
        tell(palette.doubtful, "not compared", &text);
    }
    out.push('\n');
    let word = comparison.finding.as_str();
    let style = style(palette, comparison.finding);
    out.push_str(&format!("{} {}\n", paint(style, &format!("{word:>12} ")), headline(comparison)));
    out.push_str(&text::hanging(14, "", &how(comparison), *width));
    out.push_str(&text::hanging(14, "", &meaning(comparison, strict), *width));
    out
}

fn style(palette: &Palette, finding: Finding) -> Style {
    match finding {
        Finding::Worse => palette.bad,
        Finding::CannotTell | Finding::NotCompared => palette.doubtful,
        Finding::Same | Finding::Better => palette.good,
    }
}

/// The comparison as Markdown.
///
/// # Errors
/// None that the data can cause; the template engine's are passed on.
pub fn markdown(comparison: &Comparison, strict: bool) -> Result<String, ReportError> {
    let page = Page {
        word: comparison.finding.as_str(),
        headline: headline(comparison),
        sides: [
            Some(("run", side(&comparison.run))),
            Some(("baseline", side(&comparison.baseline))),
            comparison.beside.as_ref().map(|it| ("beside", side(it))),
        ]
        .into_iter()
        .flatten()
        .collect(),
        lines: lines(comparison),
        hints: hints(comparison).into_iter().take(HINTS).collect(),
        left_out: left_out(comparison)
            .into_iter()
            .map(|(reason, scenarios)| format!("{reason}: {}", names(&scenarios)))
            .collect(),
        how: how(comparison),
        meaning: meaning(comparison, strict),
    };
    Ok(page.render()?)
}

#[derive(Template)]
#[template(path = "comparison.md")]
struct Page {
    word: &'static str,
    headline: String,
    sides: Vec<(&'static str, String)>,
    lines: Vec<Line>,
    hints: Vec<Line>,
    left_out: Vec<String>,
    how: String,
    meaning: String,
}

/// The comparison as JSON.
///
/// # Errors
/// None that the data can cause; the serialiser's are passed on.
pub fn json(comparison: &Comparison) -> Result<String, ReportError> {
    Ok(serde_json::to_string_pretty(comparison)? + "\n")
}
