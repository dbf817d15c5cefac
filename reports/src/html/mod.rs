//! A run as one HTML file that needs nothing else: no network, no other file, no server.
//!
//! The file holds an overview that reads without any script, and for each record that it was given a
//! page with the verdict, the figures and the data of a timeline, which the scripts under
//! `templates/report/` draw. What is left out is named.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use askama::Template;
use askama::filters::Escaper;
use cachestorm_model::record::Record;
use cachestorm_model::run::{Run, ScenarioResult};
use cachestorm_model::verdict::TtlWindow;
use rayon::prelude::*;

use crate::ReportError;
use crate::counts::Status;
use crate::summary::{Summary, themes};

mod beside;
mod data;
mod exchanges;
mod figures;
mod lanes;
mod overview;
mod page;
mod row;
mod tracks;

pub use beside::Beside;
pub use data::for_script;

/// A record that the report draws, with what the judge found in it.
#[derive(Debug, Clone)]
pub struct Scene {
    /// The repetition that it is of, as an index into [`Run::results`].
    pub result: usize,
    /// The record.
    pub record: Record,
    /// The record's TTL windows, as the judge found them.
    pub windows: Vec<TtlWindow>,
}

/// Of the repetitions of a scenario, so many of each way of not passing are drawn, and one that passed.
const EACH: usize = 2;

/// The data of all timelines together is not much larger, in bytes: a browser must open it at once.
const DATA_MAX: usize = 32 << 20;

/// So many pages are made before their data is added up: what is too large is let go of soon.
const AT_ONCE: usize = 64;

/// The style sheet, and the scripts in the order in which they are read.
const STYLE: &str = include_str!("../../templates/report/style.css");
const SCRIPTS: [&str; 8] = [
    include_str!("../../templates/report/util.js"),
    include_str!("../../templates/report/shapes.js"),
    include_str!("../../templates/report/rows.js"),
    include_str!("../../templates/report/timeline.js"),
    include_str!("../../templates/report/draw.js"),
    include_str!("../../templates/report/keys.js"),
    include_str!("../../templates/report/events.js"),
    include_str!("../../templates/report/main.js"),
];

/// The repetitions whose records the report draws, as indices into [`Run::results`]: those that went
/// wrong come first. Of scenarios that passed those are drawn whose names `passed` takes. Hand [`render`] a [`Scene`] for
/// each whose record can be read.
pub fn chosen(run: &Run, passed: impl Fn(&str) -> bool) -> Vec<usize> {
    let mut wrong = Vec::new();
    let mut right = Vec::new();
    let index_of = |wanted: &ScenarioResult| {
        run.results.iter().position(|result| std::ptr::eq(result, wanted))
    };
    for scenario in themes(run).iter().flat_map(|theme| &theme.scenarios) {
        for status in Status::ALL.into_iter().rev() {
            let (list, most) =
                if status == Status::Pass { (&mut right, 1) } else { (&mut wrong, EACH) };
            let recorded = scenario.with(status).filter(|result| result.record.is_some());
            let recorded =
                recorded.filter(|result| status != Status::Pass || passed(&result.scenario));
            list.extend(recorded.take(most).filter_map(index_of));
        }
    }
    wrong.extend(right);
    wrong
}

/// The report. `strict` makes a skip count.
///
/// # Errors
/// None that the data can cause; those of the serialiser and the template engine are passed on.
pub fn render(run: &Run, strict: bool, scenes: &[Scene]) -> Result<String, ReportError> {
    render_beside(run, strict, scenes, None)
}

/// The report with a baseline beside the run.
///
/// # Errors
/// As [`render`].
pub fn render_beside(
    run: &Run,
    strict: bool,
    scenes: &[Scene],
    beside: Option<Beside<'_>>,
) -> Result<String, ReportError> {
    let mut pages = Vec::new();
    let mut size = 0;
    for some in scenes.chunks(AT_ONCE) {
        let made: Vec<page::Page> = some
            .par_iter()
            .filter_map(|scene| Some((run.results.get(scene.result)?, scene)))
            .map(|(result, scene)| page::Page::of(result, scene, beside))
            .collect::<Result<_, _>>()?;
        for page in made {
            // The first is drawn however large it is.
            if !pages.is_empty() && size + page.data.len() > DATA_MAX {
                continue;
            }
            size += page.data.len();
            pages.push(page);
        }
    }
    let drawn: BTreeSet<usize> = pages.iter().map(|page| page.result).collect();
    pages.sort_by_key(|page| page.result);
    page::link(&mut pages, run);
    let summary = Summary::of(run, strict);
    let view = overview::Overview::of(run, &summary, &drawn);
    let beside = beside.map(beside::Card::of);
    Ok(Report { view, pages, beside, style: STYLE, script: SCRIPTS.concat() }.render()?)
}

#[derive(Template)]
#[template(path = "report/report.html")]
struct Report<'a> {
    view: overview::Overview<'a>,
    pages: Vec<page::Page<'a>>,
    beside: Option<beside::Card>,
    style: &'static str,
    script: String,
}

/// Makes text harmless in HTML, in an element and in a quoted attribute, and control characters visible.
/// `askama.toml` names it as the escaper of every template whose name ends in `.html`.
#[derive(Debug, Clone, Copy, Default)]
pub struct HtmlEscaper;

impl Escaper for HtmlEscaper {
    fn write_escaped_str<W: Write>(&self, mut dest: W, string: &str) -> fmt::Result {
        for character in string.chars() {
            match character {
                '&' => dest.write_str("&amp;")?,
                '<' => dest.write_str("&lt;")?,
                '>' => dest.write_str("&gt;")?,
                '"' => dest.write_str("&quot;")?,
                '\'' => dest.write_str("&#39;")?,
                '\n' | '\t' => dest.write_char(character)?,
                control if control.is_control() => write!(dest, "{}", control.escape_unicode())?,
                other => dest.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// The shape that stands beside the word of a status.
fn glyph(status: Status) -> &'static str {
    match status {
        Status::Pass => "✓",
        Status::Fail => "✕",
        Status::Vacuous => "○",
        Status::Inconclusive => "?",
        Status::Skipped => "–",
        Status::Invalid | Status::HarnessFault => "!",
    }
}

/// The address of a repetition within the file: its scenario's name and its number.
fn anchor(result: &ScenarioResult) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_./".contains(c) { c } else { '-' };
    let name: String = result.scenario.chars().map(plain).collect();
    format!("{name}.{}", result.repetition)
}
