//! The run as Markdown, for the step summary of a CI run: a headline, a table, details to unfold.

use std::fmt::{self, Write};

use askama::Template;
use askama::filters::Escaper;
use cachestorm_model::run::Run;

use crate::ReportError;
use crate::counts::Status;
use crate::statement::{Section, Subject, left_out_line, sections, skips};
use crate::summary::{Scenario, Summary, themes, troubles};
use crate::text;

/// Statements shown for each invariant of each scenario, and how many are shown where those take too much room.
const LIMITS: [usize; 4] = [10, 3, 1, 0];

/// The report. `strict` makes a skip count.
///
/// # Errors
/// None that the data can cause; the template engine's are passed on.
pub fn render(run: &Run, strict: bool) -> Result<String, ReportError> {
    limited(run, strict, LIMITS[0])
}

/// The report in at most so many bytes, where leaving out statements can bring that about. A CI system shows
/// nothing of a summary that is too long for it; what was left out is counted.
///
/// # Errors
/// As [`render`].
pub fn render_within(run: &Run, strict: bool, bytes: usize) -> Result<String, ReportError> {
    let mut text = String::new();
    for limit in LIMITS {
        text = limited(run, strict, limit)?;
        if text.len() <= bytes {
            break;
        }
    }
    Ok(text)
}

fn limited(run: &Run, strict: bool, limit: usize) -> Result<String, ReportError> {
    let summary = Summary::of(run, strict);
    let themes = themes(run);
    let scenarios = || themes.iter().flat_map(|theme| &theme.scenarios);
    let counted: Vec<String> = summary.counts.phrases().map(|(_, phrase)| phrase).collect();
    let page = Page {
        client: &run.client,
        time: text::duration(run.duration_ms),
        counts: counted.join(", "),
        rows: scenarios().map(Row::of).collect(),
        details: troubles(&themes).into_iter().map(|it| Detail::of(it, limit)).collect(),
        skips: skips(&themes).into_iter().collect(),
        summary,
    };
    Ok(page.render()?)
}

#[derive(Template)]
#[template(path = "summary.md")]
struct Page<'a> {
    summary: Summary,
    client: &'a str,
    time: String,
    counts: String,
    rows: Vec<Row<'a>>,
    details: Vec<Detail<'a>>,
    skips: Vec<(String, Vec<&'a str>)>,
}

struct Row<'a> {
    good: bool,
    word: &'static str,
    name: &'a str,
    repetitions: String,
    requests: String,
    contention: String,
    time: String,
}

impl<'a> Row<'a> {
    fn of(scenario: &Scenario<'a>) -> Self {
        let status = scenario.status();
        Self {
            good: status == Status::Pass,
            word: status.as_str(),
            name: scenario.name,
            repetitions: scenario.ratio().unwrap_or_else(|| "1".to_owned()),
            requests: scenario.figure(|measures| measures.herd_requests),
            contention: scenario.figure(|measures| measures.contention),
            time: text::duration(scenario.duration_ms()),
        }
    }
}

struct Detail<'a> {
    word: &'static str,
    name: &'a str,
    share: Option<String>,
    summary: &'a str,
    sections: Vec<View>,
    record: Option<&'a str>,
}

struct View {
    heading: Option<&'static str>,
    sentences: Vec<String>,
    diagnostics: Vec<String>,
}

impl<'a> Detail<'a> {
    /// One way in which repetitions of a scenario did not pass.
    fn of((status, scenario): (Status, &Scenario<'a>), limit: usize) -> Self {
        let repetitions = scenario.repetitions();
        let some = scenario.counts.get(status);
        let sections = sections(scenario.with(status), limit);
        Self {
            word: status.as_str(),
            name: scenario.name,
            share: (repetitions > 1).then(|| format!("{some} of {repetitions} repetitions")),
            summary: scenario.summary(),
            sections: sections.iter().map(|section| view(section, repetitions)).collect(),
            record: scenario.with(status).find_map(|result| result.record.as_deref()),
        }
    }
}

fn view(section: &Section, repetitions: u32) -> View {
    let mut view = View { heading: None, sentences: Vec::new(), diagnostics: Vec::new() };
    if !matches!(section.subject, Subject::Reason | Subject::Diagnostic) {
        view.heading = Some(section.subject.as_str());
    }
    for merged in &section.merged {
        let told = merged.statement.plain();
        let place = merged.place(repetitions).map(|place| format!(" ({place})"));
        match section.subject {
            Subject::Diagnostic => view.diagnostics.push(told.trim_end().to_owned()),
            _ => view.sentences.push(format!("{told}{}", place.unwrap_or_default())),
        }
    }
    if section.left_out > 0 {
        view.sentences.push(left_out_line(section.left_out));
    }
    view
}

/// Makes text harmless in Markdown: in a table, in a list, in a paragraph. `askama.toml` names it as the
/// escaper of every template whose name ends in `.md`.
#[derive(Debug, Clone, Copy, Default)]
pub struct MarkdownEscaper;

impl Escaper for MarkdownEscaper {
    fn write_escaped_str<W: Write>(&self, mut dest: W, string: &str) -> fmt::Result {
        for character in string.chars() {
            match character {
                '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' => {
                    dest.write_char('\\')?;
                    dest.write_char(character)?;
                }
                '&' => dest.write_str("&amp;")?,
                '<' => dest.write_str("&lt;")?,
                '>' => dest.write_str("&gt;")?,
                // A line break would end the row of a table or the item of a list.
                '\n' | '\r' => dest.write_char(' ')?,
                other => dest.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markdown() {
        let mut out = String::new();
        let text = "a|b <img src=x> *c* _d_ `e` [f](g) \\ 1 & 2\nnext";
        MarkdownEscaper.write_escaped_str(&mut out, text).expect("a string takes everything");
        assert_eq!(
            out,
            "a\\|b &lt;img src=x&gt; \\*c\\* \\_d\\_ \\`e\\` \\[f\\](g) \\\\ 1 &amp; 2 next"
        );
    }
}
