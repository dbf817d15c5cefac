//! What a report has to tell about repetitions that did not simply pass, statement by statement.

use std::collections::BTreeMap;

use cachestorm_model::run::{RunResult, ScenarioResult};
use cachestorm_model::verdict::{Invariant, Outcome, Verdict, Witness};

use crate::counts::Status;
use crate::summary::Theme;
use crate::text;

/// What a statement is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// How an invariant was broken.
    Violation(Invariant),
    /// Why the verdict is what it is.
    Reason,
    /// A witness that fell short of what was needed.
    Witness,
    /// What is wrong with a scenario's file. The one text that may hold styles and keeps its lines.
    Diagnostic,
    /// What the harness said when it failed.
    Fault,
}

impl Subject {
    /// The word above such statements.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Violation(invariant) => invariant.as_str(),
            Self::Reason => "reason",
            Self::Witness => "witness",
            Self::Diagnostic => "diagnostic",
            Self::Fault => "harness fault",
        }
    }
}

/// Something that a report has to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What it is about.
    pub subject: Subject,
    /// The sentence, or the diagnostic with its lines and styles as they are.
    pub text: String,
}

impl Statement {
    /// The text without styles, and with control characters made visible.
    pub fn plain(&self) -> String {
        match self.subject {
            Subject::Diagnostic => text::clean(&text::without_styles(&self.text)),
            _ => text::clean(&self.text),
        }
    }

    /// `single-flight: c03 sent a second request.` on one line; of a diagnostic the first line.
    pub fn line(&self) -> String {
        let plain = self.plain();
        match self.subject {
            Subject::Reason => text::one_line(&plain),
            Subject::Diagnostic => text::first_line(&plain),
            subject => format!("{}: {}", subject.as_str(), text::one_line(&plain)),
        }
    }

    /// The same, but a diagnostic keeps all its lines, or its carets would point at nothing.
    pub fn paragraph(&self) -> String {
        match self.subject {
            Subject::Diagnostic => self.plain().trim_end().to_owned(),
            _ => self.line(),
        }
    }
}

/// Everything to tell about one repetition: nothing for a pass, and never nothing for anything else.
pub fn statements(result: &ScenarioResult) -> Vec<Statement> {
    let single = |subject, text: &String| vec![Statement { subject, text: text.clone() }];
    let told = match &result.result {
        RunResult::Judged(verdict) => judged(verdict),
        RunResult::Skipped(reason) => single(Subject::Reason, reason),
        RunResult::Invalid(diagnostic) => single(Subject::Diagnostic, diagnostic),
        RunResult::HarnessFault(error) => single(Subject::Fault, error),
    };
    let silent = told.iter().all(|statement| statement.text.trim().is_empty());
    if silent && result.outcome() != Some(Outcome::Pass) {
        return single(Subject::Reason, &"The verdict gives no reason.".to_owned());
    }
    told
}

fn judged(verdict: &Verdict) -> Vec<Statement> {
    let violations = verdict.invariants.iter().flat_map(|report| {
        let subject = Subject::Violation(report.invariant);
        report.violations.iter().map(move |v| Statement { subject, text: v.sentence.clone() })
    });
    let reasons = verdict
        .reasons
        .iter()
        .map(|reason| Statement { subject: Subject::Reason, text: reason.clone() });
    let short = verdict
        .witnesses
        .iter()
        .filter(|witness| {
            verdict.outcome == Outcome::Vacuous && witness.observed < witness.required
        })
        .map(|witness| Statement { subject: Subject::Witness, text: witness_line(witness) });
    violations.chain(reasons).chain(short).collect()
}

/// `contention: 14 seen, 2 needed`.
pub fn witness_line(witness: &Witness) -> String {
    format!("{}: {} seen, {} needed", witness.name, witness.observed, witness.required)
}

/// The same statement made about one or more repetitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The statement.
    pub statement: Statement,
    /// The repetitions that it was made about, in order.
    pub repetitions: Vec<u32>,
}

impl Merged {
    /// Where a scenario was repeated, which repetitions this is about: `in repetitions 7 and 19`.
    pub fn place(&self, of: u32) -> Option<String> {
        match self.repetitions.as_slice() {
            _ if of <= 1 => None,
            all if u32::try_from(all.len()) == Ok(of) => Some(format!("in all {of} repetitions")),
            [one] => Some(format!("in repetition {one}")),
            some => Some(format!("in repetitions {}", text::listed(some))),
        }
    }
}

/// Statements about one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What they are about.
    pub subject: Subject,
    /// The statements, at most as many as were asked for.
    pub merged: Vec<Merged>,
    /// How many further ones were left out.
    pub left_out: usize,
}

/// The statements about these repetitions by subject, equal ones merged, at most `limit` a subject.
pub fn sections<'a>(
    results: impl IntoIterator<Item = &'a ScenarioResult>,
    limit: usize,
) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for result in results {
        for statement in statements(result) {
            add(&mut sections, statement, result.repetition);
        }
    }
    sections.sort_by_key(|section| rank(section.subject));
    for section in &mut sections {
        section.left_out = section.merged.len().saturating_sub(limit);
        section.merged.truncate(limit);
    }
    sections
}

fn add(sections: &mut Vec<Section>, statement: Statement, repetition: u32) {
    let subject = statement.subject;
    let index =
        sections.iter().position(|section| section.subject == subject).unwrap_or_else(|| {
            sections.push(Section { subject, merged: Vec::new(), left_out: 0 });
            sections.len() - 1
        });
    let merged = &mut sections[index].merged;
    match merged.iter_mut().find(|merged| merged.statement == statement) {
        Some(known) if known.repetitions.last() == Some(&repetition) => {}
        Some(known) => known.repetitions.push(repetition),
        None => merged.push(Merged { statement, repetitions: vec![repetition] }),
    }
}

/// Violations come first, in the order of the invariants.
fn rank(subject: Subject) -> usize {
    match subject {
        Subject::Violation(invariant) => invariant as usize,
        Subject::Reason => Invariant::ALL.len(),
        Subject::Witness => Invariant::ALL.len() + 1,
        Subject::Diagnostic => Invariant::ALL.len() + 2,
        Subject::Fault => Invariant::ALL.len() + 3,
    }
}

/// The scenarios skipped for each reason, so that a reason common to many is told once.
pub fn skips<'a>(themes: &[Theme<'a>]) -> BTreeMap<String, Vec<&'a str>> {
    let mut by_reason: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for scenario in themes.iter().flat_map(|theme| &theme.scenarios) {
        for section in sections(scenario.with(Status::Skipped), usize::MAX) {
            for merged in section.merged {
                by_reason.entry(merged.statement.plain()).or_default().push(scenario.name);
            }
        }
    }
    by_reason
}

/// The sentence that says that a section goes on.
pub fn left_out_line(left_out: usize) -> String {
    format!("{left_out} more; the JSON report holds them all.")
}
