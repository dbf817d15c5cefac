//! What the timeline draws: rows with spans and marks. Times are in microseconds after the scenario
//! began, events are indices into the record.

use cachestorm_model::units::Nanos;
use serde::ser::SerializeTuple;
use serde::{Serialize, Serializer};

/// A row of the timeline: a process, or one of the shared things above the processes.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Row {
    /// What stands before it.
    pub name: String,
    /// What a reader may want to know of it, in words.
    pub about: String,
    /// Rows of the same group are folded together; `None` for the shared things.
    pub group: Option<String>,
    /// How the process ended: `ok`, `failed`, `killed`, `alive`; empty for what is no process.
    pub end: &'static str,
    /// How much a reader looks for it: a folded group shows those with the highest. 3 where a violation
    /// speaks of it, 2 where something was done to it or it failed, 1 where it sent a request.
    pub rank: u8,
    /// What lasted, in order of its beginning.
    pub spans: Vec<Span>,
    /// What happened at one moment, in order.
    pub marks: Vec<Mark>,
    /// How many of what the row is about there were, from each of these moments on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub load: Vec<(u64, u32)>,
}

impl Row {
    /// A row with nothing in it yet.
    pub fn new(name: impl Into<String>, about: impl Into<String>) -> Self {
        Self { name: name.into(), about: about.into(), ..Self::default() }
    }
}

/// Something that lasted. Written as an array, because a record has thousands.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The word that the legend explains and the style sheet colours.
    pub kind: &'static str,
    /// When it began.
    pub from: u64,
    /// When it ended.
    pub to: u64,
    /// The event that began it.
    pub event: u32,
    /// What else is known of it; may be empty.
    pub label: String,
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(5)?;
        tuple.serialize_element(self.kind)?;
        tuple.serialize_element(&self.from)?;
        tuple.serialize_element(&self.to)?;
        tuple.serialize_element(&self.event)?;
        tuple.serialize_element(&self.label)?;
        tuple.end()
    }
}

/// Something that happened at one moment. Written as an array, because a record has thousands.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// When.
    pub at: u64,
    /// The event.
    pub event: u32,
    /// The word that the legend explains; it decides the shape and the colour.
    pub kind: &'static str,
    /// What it says beside the shape.
    pub label: String,
}

impl Mark {
    /// A mark.
    pub fn new(at: u64, event: u32, kind: &'static str, label: impl Into<String>) -> Self {
        Self { at, event, kind, label: label.into() }
    }
}

impl Serialize for Mark {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(4)?;
        tuple.serialize_element(&self.at)?;
        tuple.serialize_element(&self.event)?;
        tuple.serialize_element(self.kind)?;
        tuple.serialize_element(&self.label)?;
        tuple.end()
    }
}

/// Whole microseconds.
pub fn micros(at: Nanos) -> u64 {
    at.0 / 1_000
}

/// How many things lasted at the same time, from each moment on at which that changed. Each has its
/// beginning, and its end where it had one.
pub fn counts(things: impl Iterator<Item = (u64, Option<u64>)>) -> Vec<(u64, u32)> {
    let mut steps: Vec<(u64, i64)> = Vec::new();
    for (from, to) in things {
        steps.push((from, 1));
        steps.extend(to.map(|to| (to, -1)));
    }
    // At the same moment a beginning counts before an end, so that no count falls below zero.
    steps.sort_by_key(|(at, step)| (*at, -step));
    let mut now = 0_i64;
    let mut counts: Vec<(u64, u32)> = Vec::new();
    for (at, step) in steps {
        now += step;
        let count = u32::try_from(now).unwrap_or(0);
        match counts.last_mut() {
            Some(last) if last.0 == at => last.1 = count,
            _ => counts.push((at, count)),
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_and_ends_at_one_moment_leaves_no_count_behind() {
        let check = |things: &[(u64, Option<u64>)], expected: &[(u64, u32)]| {
            assert_eq!(counts(things.iter().copied()), expected);
        };
        check(&[], &[]);
        check(&[(1, Some(4)), (2, None)], &[(1, 1), (2, 2), (4, 1)]);
        check(&[(3, Some(3))], &[(3, 0)]);
        check(&[(1, Some(2)), (2, Some(3))], &[(1, 1), (2, 1), (3, 0)]);
    }
}
