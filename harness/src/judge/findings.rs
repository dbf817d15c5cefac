//! What an invariant has found so far, on its way to an [`InvariantReport`].

use crate::model::verdict::{Invariant, InvariantReport, Violation};

use super::history::Moment;

/// The most violations that one invariant lists; the rest are counted in one closing sentence, since a
/// herd of thousands breaks an invariant thousands of times in the same way.
pub(super) const LISTED: usize = 20;

/// Collects evaluations and violations of one invariant.
pub(super) struct Findings {
    report: InvariantReport,
    unlisted: u32,
}

impl Findings {
    /// Nothing found yet.
    pub(super) fn of(invariant: Invariant) -> Self {
        Self { report: InvariantReport::new(invariant), unlisted: 0 }
    }

    /// The invariant was applied once more.
    pub(super) fn evaluated(&mut self) {
        self.report.evaluations = self.report.evaluations.saturating_add(1);
    }

    /// The invariant applied once more, but the record does not say enough to decide.
    pub(super) fn indeterminate(&mut self) {
        self.report.indeterminate = self.report.indeterminate.saturating_add(1);
    }

    /// The invariant was broken. The sentence is made only if it will be listed.
    pub(super) fn violated(&mut self, events: &[Moment], sentence: impl FnOnce() -> String) {
        if self.report.violations.len() >= LISTED {
            self.unlisted = self.unlisted.saturating_add(1);
            return;
        }
        let mut events: Vec<u32> = events.iter().map(|moment| moment.event()).collect();
        events.sort_unstable();
        events.dedup();
        self.report.violations.push(Violation { sentence: sentence(), events });
    }

    /// The report, with what it was evaluated on, or with why it was not.
    pub(super) fn conclude(
        mut self,
        unevaluated: &str,
        witness: impl FnOnce(u32) -> String,
    ) -> InvariantReport {
        if self.unlisted > 0 {
            let more = self.unlisted;
            let sentence = format!("the same happened {more} more times, which are not listed");
            self.report.violations.push(Violation { sentence, events: Vec::new() });
        }
        if self.report.evaluations == 0 {
            self.report.not_evaluated = Some(unevaluated.to_owned());
        } else {
            self.report.witness = Some(witness(self.report.evaluations));
        }
        self.report
    }
}

/// A number with its noun, so that sentences read as written by a person.
pub(super) fn counted(number: u32, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
