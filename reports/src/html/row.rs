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
    /// How many requests were under way from each of these moments on.
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
