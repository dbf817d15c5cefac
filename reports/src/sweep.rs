//! A crash sweep: one row for each call of a client's protocol, with what came of killing the client before
//! and after it, and of failing it. For a terminal, as Markdown and as JSON.

use anstyle::Style;
use askama::Template;
use cachestorm_model::scenario::Phase;
use cachestorm_model::sweep::{Case, Deed, Sweep};
use cachestorm_model::verdict::Outcome;

use crate::ReportError;
use crate::style::{Options, paint};
use crate::text;

/// What is said in a cell.
#[derive(Clone, PartialEq, Eq)]
struct Word {
    text: String,
    grade: Grade,
}

/// How good it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Grade {
    Good,
    Bad,
    Doubtful,
    None,
}

impl Word {
    fn new(grade: Grade, text: impl Into<String>) -> Self {
        Self { text: text.into(), grade }
    }

    fn of(case: Option<&Case>) -> Self {
        let Some(case) = case else { return Self::new(Grade::None, "-") };
        match case.outcome {
            Some(Outcome::Pass) if !case.reached => Self::new(Grade::None, "not reached"),
            Some(Outcome::Pass) => Self::new(Grade::Good, "held"),
            Some(Outcome::Fail) => Self::new(Grade::Bad, broken(case)),
            Some(Outcome::Vacuous) => Self::new(Grade::Doubtful, "not reached"),
            Some(outcome) => Self::new(Grade::Doubtful, outcome.as_str()),
            None => Self::new(Grade::Doubtful, "not run"),
        }
    }

    /// Several cases of a call in one word: how many held, and which did not.
    fn of_several(cases: &[(Deed, &Case)]) -> Self {
        if cases.is_empty() {
            return Self::new(Grade::None, "-");
        }
        let bad: Vec<String> = cases
            .iter()
            .filter(|(_, case)| case.outcome == Some(Outcome::Fail))
            .map(|(deed, case)| format!("{deed}: {}", broken(case)))
            .collect();
        let held = cases.iter().filter(|(_, case)| case.holds()).count();
        let doubtful = cases.len() - held - bad.len();
        let mut parts = vec![format!("{held} of {} held", cases.len())];
        if doubtful > 0 {
            parts.push(format!("{doubtful} not told"));
        }
        let grade = match (bad.is_empty(), doubtful) {
            (false, _) => Grade::Bad,
            (true, 0) => Grade::Good,
            _ => Grade::Doubtful,
        };
        parts.extend(bad);
        Self::new(grade, parts.join("; "))
    }

    fn style(&self, options: &Options) -> Style {
        match self.grade {
            Grade::Good => options.palette.good,
            Grade::Bad => options.palette.bad,
            Grade::Doubtful => options.palette.doubtful,
            Grade::None => options.palette.faint,
        }
    }

    /// Whether something is wrong, so that it stands out in a table.
    fn is_bad(&self) -> bool {
        self.grade == Grade::Bad
    }
}

fn broken(case: &Case) -> String {
    case.broken.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A row as every format shows it.
struct Line {
    number: usize,
    call: String,
    before: Word,
    after: Word,
    /// Some of its processes killed, and not all.
    parts: Word,
    failures: Word,
}

/// What every format shows.
struct Table {
    title: String,
    undisturbed: Option<String>,
    lines: Vec<Line>,
    pairs: Option<String>,
    /// Whether any of the client's processes died alone in any run.
    has_parts: bool,
    verdict: String,
    findings: Vec<(String, String)>,
}

impl Table {
    fn of(sweep: &Sweep) -> Self {
        let lines = sweep.points.iter().enumerate().map(|(index, point)| {
            let cases: Vec<(Deed, &Case)> = sweep.at(index).collect();
            let killed = |phase| {
                let found = cases.iter().find(|(deed, _)| *deed == Deed::Kill(phase));
                Word::of(found.map(|(_, case)| *case))
            };
            let (before, after) = (killed(Phase::Before), killed(Phase::After));
            let of = |wanted: fn(Deed) -> bool| {
                let of: Vec<_> = cases.iter().filter(|(deed, _)| wanted(*deed)).copied().collect();
                Word::of_several(&of)
            };
            let (parts, failures) = (of(Deed::parts), of(|deed| !deed.kills()));
            let call = text::one_line(&text::clean(&point.shown));
            Line { number: index + 1, call, before, after, parts, failures }
        });
        let parts = |case: &Case| case.deeds.iter().any(|(_, deed)| deed.parts());
        let undisturbed = sweep.cases.iter().find(|case| case.deeds.is_empty());
        let told = |case: &Case| (case.name.clone(), case.sentences.join("; "));
        Self {
            title: format!("{} at every call of {}", sweep.client, sweep.scenario),
            undisturbed: undisturbed.filter(|case| !case.holds()).map(|case| {
                format!("undisturbed, {}: {}", Word::of(Some(case)).text, told(case).1)
            }),
            lines: lines.collect(),
            pairs: pairs(sweep),
            has_parts: sweep.cases.iter().any(parts),
            verdict: verdict(sweep),
            findings: sweep.failed().map(told).collect(),
        }
    }
}

fn pairs(sweep: &Sweep) -> Option<String> {
    let pairs: Vec<&Case> = sweep.cases.iter().filter(|case| case.deeds.len() > 1).collect();
    let held = pairs.iter().filter(|case| case.holds()).count();
    let both = pairs.iter().filter(|case| case.both).count();
    (!pairs.is_empty()).then(|| {
        let all = pairs.len();
        format!("two failures in one run: {held} of {all} held, and {both} came to both")
    })
}

fn verdict(sweep: &Sweep) -> String {
    let runs = sweep.cases.len();
    let failed = sweep.failed().count();
    let lost = sweep.cases.iter().filter(|case| !case.reached).count();
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let calls = text::counted(count(sweep.points.len()), "call");
    let mut said = format!("{calls}, {}: ", text::counted(count(runs), "run"));
    match failed {
        0 => said.push_str("nothing was broken"),
        _ => {
            let broken: Vec<String> = sweep.broken().iter().map(ToString::to_string).collect();
            said.push_str(&format!("{failed} broke {}", broken.join(", ")));
        }
    }
    if lost > 0 {
        said.push_str(&format!("; {lost} did not come to their call"));
    }
    if let Some(first) = sweep.left_out.first() {
        let all = text::counted(count(sweep.left_out.len()), "call");
        let first = text::one_line(&text::clean(first));
        said.push_str(&format!(
            "; nothing was done at {all} that not every run makes, such as {first}"
        ));
    }
    if sweep.processes == Some(1) && sweep.cases.iter().any(Case::kills) {
        said.push_str("; it is one process, and was not killed in parts");
    }
    said
}

/// The sweep for a terminal.
pub fn terminal(sweep: &Sweep, options: &Options) -> String {
    let table = Table::of(sweep);
    let mut out = format!("{}\n\n", paint(options.palette.strong, &table.title));
    if let Some(undisturbed) = &table.undisturbed {
        out.push_str(&text::hanging(0, "- ", undisturbed, options.width));
    }
    let wide = |word: fn(&Line) -> &Word| {
        table.lines.iter().map(|line| word(line).text.chars().count()).max().unwrap_or(0)
    };
    let (before, after) = (wide(|it| &it.before).max(6), wide(|it| &it.after).max(5));
    let head = format!("{:>4}  {:before$}  {:after$}  failed, and the call", "", "before", "after");
    out.push_str(&paint(options.palette.faint, head.trim_end()));
    out.push('\n');
    let cell = |word: &Word, width: usize| {
        let padded = format!("{:width$}", word.text);
        paint(word.style(options), &padded)
    };
    let indent = 4 + before + after + 6;
    for line in &table.lines {
        let room = options.width.saturating_sub(indent).max(30);
        let failures = paint(line.failures.style(options), &line.failures.text);
        out.push_str(&format!(
            "{:>4}  {}  {}  {failures}\n",
            line.number,
            cell(&line.before, before),
            cell(&line.after, after),
        ));
        if line.parts.grade != Grade::None {
            let parts = paint(line.parts.style(options), &line.parts.text);
            out.push_str(&format!("{:indent$}killed in parts: {parts}\n", ""));
        }
        for part in text::wrap(&line.call, room) {
            out.push_str(&format!("{:indent$}{part}\n", ""));
        }
    }
    out.push('\n');
    if let Some(pairs) = &table.pairs {
        out.push_str(&format!("{pairs}\n"));
    }
    for (name, why) in &table.findings {
        out.push_str(&text::hanging(0, "- ", &format!("{name}: {why}"), options.width));
    }
    out.push_str(&paint(options.palette.strong, &table.verdict));
    out.push('\n');
    out
}

#[derive(Template)]
#[template(path = "sweep.md")]
struct MarkdownPage {
    table: Table,
}

/// The sweep as a part of a Markdown page.
///
/// # Errors
/// None that the data can cause; the template engine's are passed on.
pub fn markdown(sweep: &Sweep) -> Result<String, ReportError> {
    Ok(MarkdownPage { table: Table::of(sweep) }.render()?)
}

/// The sweep as JSON, with its keys in a fixed order, ending in a line break.
///
/// # Errors
/// None that the data can cause; the serialiser's are passed on.
pub fn json(sweep: &Sweep) -> Result<String, ReportError> {
    Ok(serde_json::to_string_pretty(sweep)? + "\n")
}
