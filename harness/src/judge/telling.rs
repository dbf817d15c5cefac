//! What commands told of the cache, held against what the record shows.
//!
//! A command of the description's `tells` says how the cache is, whether its lock is held, or what all processes
//! have counted. What was so is derived from the record, for the whole life of whoever told: where the cache changed
//! meanwhile, or the record does not say, nothing is decided. Only a process of a wave that ended by itself is held to
//! its word, and only where its exit is no failure.

mod counts;
mod hits;
mod lock;
mod state;

use super::history::{History, Moment, Process};
use crate::model::record::{ExitStatus, Exited};
use crate::model::tells::{Fact, Subject, Told};

/// Something that a process told.
pub(super) struct Telling<'h, 'a> {
    /// Who told it.
    pub(super) teller: &'h Process<'a>,
    /// When it ended, and so had told.
    pub(super) moment: Moment,
    /// What became of it.
    pub(super) held: Held,
}

/// What was told, held against what was so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Held {
    /// It was so.
    True(Fact),
    /// It was not so: what was told, and what was so, as the end of a sentence. The fact is what was so, where that
    /// is one.
    Lie(Option<Fact>, String),
    /// The record does not say.
    Unknown,
}

impl Held {
    /// What was so, where that is known.
    fn fact(&self) -> Option<Fact> {
        match self {
            Self::True(fact) => Some(*fact),
            Self::Lie(fact, _) => *fact,
            Self::Unknown => None,
        }
    }
}

/// How a teller lived.
#[derive(Clone, Copy)]
struct Life {
    released: Moment,
    ended: Moment,
}

/// Everything that was told, in the order in which it was.
pub(super) fn of<'h, 'a>(history: &'h History<'a>) -> Vec<Telling<'h, 'a>> {
    let mut tellings = Vec::new();
    for teller in history.processes.iter().filter(|process| process.is_in_wave()) {
        let Some((life, exited, told)) = tells(teller) else { continue };
        if history.interrupted.is_some_and(|(at, _)| at.index < life.ended.index) {
            continue;
        }
        let facts = facts(history, teller, life, exited, told);
        tellings.extend(facts.map(|held| Telling { teller, moment: life.ended, held }));
    }
    tellings
}

/// Each fact that the scenario demands, with how often what was told of it could be held against what was so.
pub(super) fn demanded(history: &History<'_>) -> impl Iterator<Item = (Fact, u32)> {
    let demanded = &history.record.scenario.expect.told;
    let held = if demanded.is_empty() { Vec::new() } else { of(history) };
    demanded.iter().map(move |fact| {
        let is_it = |telling: &&Telling<'_, '_>| telling.held.fact() == Some(*fact);
        (*fact, u32::try_from(held.iter().filter(is_it).count()).unwrap_or(u32::MAX))
    })
}

/// A process that told something and did not fail.
fn tells<'a>(teller: &Process<'a>) -> Option<(Life, &'a Exited, &'a Told)> {
    let (ended, exited) = teller.exited?;
    let told = exited.told.as_ref()?;
    let disturbed = !teller.kills.is_empty() || teller.overdue.is_some();
    if disturbed || teller.failed_by_itself() != Some(false) || !teller.broken_calls.is_empty() {
        return None;
    }
    Some((Life { released: teller.released?, ended }, exited, told))
}

fn facts<'h>(
    history: &'h History<'_>,
    teller: &'h Process<'_>,
    life: Life,
    exited: &'h Exited,
    told: &'h Told,
) -> impl Iterator<Item = Held> + 'h {
    let by_exit = told.exit.as_ref().map(|states| match (states.as_slice(), exited.status) {
        ([], ExitStatus::Code(code)) => {
            Held::Lie(None, format!("told nothing by exit code {code}, which stands for no state"))
        }
        (states, status) => state::hold(history, life, states, &format!("by {status}")),
    });
    let by_output =
        told.output.iter().map(move |(subject, text)| match (subject, text.as_deref()) {
            (Subject::Holder, text) => lock::hold_holder(history, teller, life, text),
            (_, None) => {
                let what = "on standard output, where its description says that it stands";
                Held::Lie(None, format!("told nothing of {subject} {what}"))
            }
            (Subject::State, Some(text)) => state::hold_word(history, life, text),
            (Subject::Locked, Some(text)) => lock::hold(history, teller, life, text),
            (Subject::Hits, Some(text)) => hits::hold(history, life, text),
            (Subject::MemoryHits, Some(text)) => hits::hold_memory(history, life, text),
            (Subject::Fetches | Subject::Revalidations, Some(text)) => {
                counts::hold(history, life, *subject, text)
            }
        });
    by_exit.into_iter().chain(by_output)
}

#[cfg(test)]
mod tests;
