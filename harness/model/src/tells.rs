//! Commands that tell something of the cache instead of returning a catalogue: how it is, what was counted.

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// What a command tells, and how. It returns no catalogue: its standard output is not taken for one, and an
/// exit code that stands for a state is no failure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Tells {
    /// The exit code that stands for each state. Several states may have the same.
    #[schemars(schema_with = "keyed::<State, i32>")]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub exit: BTreeMap<State, i32>,
    /// Where standard output, which is JSON, holds what is told: JSON pointers, such as `/status`.
    #[schemars(schema_with = "keyed::<Subject, String>")]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub output: BTreeMap<Subject, String>,
}

/// The schema of a table whose keys are the words of an enum, which schemars leaves open.
fn keyed<K: JsonSchema, V: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "propertyNames": generator.subschema_for::<K>(),
        "additionalProperties": generator.subschema_for::<V>(),
    })
}

impl Tells {
    /// The states that an exit code stands for.
    pub fn states_of(&self, code: i32) -> Vec<State> {
        let of_code = self.exit.iter().filter(|(_, known)| **known == code);
        of_code.map(|(state, _)| *state).collect()
    }

    /// Whether it tells this at all.
    pub fn can_tell(&self, fact: Fact) -> bool {
        let subject = self.output.contains_key(&fact.subject());
        subject || fact.state().is_some_and(|state| self.exit.contains_key(&state))
    }
}

/// How a cache is: what the next reader finds.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// A whole catalogue within its TTL.
    Fresh,
    /// A whole catalogue past its TTL.
    Stale,
    /// No published file.
    Absent,
    /// A published file that is no whole catalogue.
    Corrupt,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Fresh, Self::Stale, Self::Absent, Self::Corrupt];

    /// The state by its name, as standard output holds it.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// The name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Absent => "absent",
            Self::Corrupt => "corrupt",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What standard output tells of.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// The state of the cache, by its name: `fresh`, `stale`, `absent` or `corrupt`.
    State,
    /// Whether somebody holds the lock: `true` or `false`.
    Locked,
    /// Who holds it: the number of the process that was started for it, and nothing or null where nobody does.
    Holder,
    /// How many reads of all processes have found a fresh catalogue in memory or in the file, and neither waited nor
    /// asked.
    Hits,
    /// How many of them a process has answered from its memory, which only one can that has read before.
    MemoryHits,
    /// How many catalogues all processes have received whole from the server (200), in the whole life of the cache.
    Fetches,
    /// How many times the server has confirmed to them what they had (304).
    Revalidations,
}

impl Subject {
    /// The name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Locked => "locked",
            Self::Holder => "holder",
            Self::Hits => "hits",
            Self::MemoryHits => "memory-hits",
            Self::Fetches => "fetches",
            Self::Revalidations => "revalidations",
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Something that a command told and that could be held against what was so.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    /// The state, where the cache was fresh.
    Fresh,
    /// The state, where it was stale.
    Stale,
    /// The state, where nothing was published.
    Absent,
    /// The state, where what was published was damaged.
    Corrupt,
    /// Whether the lock is held, where somebody held it.
    Locked,
    /// Whether the lock is held, where nobody did.
    Unlocked,
    /// Who holds the lock, where somebody did.
    Holder,
    /// The number of hits.
    Hits,
    /// The number of hits in memory, where there were any.
    MemoryHits,
    /// The number of catalogues received.
    Fetches,
    /// The number of confirmations.
    Revalidations,
}

impl Fact {
    /// What it is told of.
    pub fn subject(self) -> Subject {
        match self {
            Self::Fresh | Self::Stale | Self::Absent | Self::Corrupt => Subject::State,
            Self::Locked | Self::Unlocked => Subject::Locked,
            Self::Holder => Subject::Holder,
            Self::Hits => Subject::Hits,
            Self::MemoryHits => Subject::MemoryHits,
            Self::Fetches => Subject::Fetches,
            Self::Revalidations => Subject::Revalidations,
        }
    }

    /// The state that it is about, if it is about one.
    pub fn state(self) -> Option<State> {
        match self {
            Self::Fresh => Some(State::Fresh),
            Self::Stale => Some(State::Stale),
            Self::Absent => Some(State::Absent),
            Self::Corrupt => Some(State::Corrupt),
            _ => None,
        }
    }

    /// The name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unlocked => "unlocked",
            _ => self.state().map_or(self.subject().as_str(), State::as_str),
        }
    }
}

impl From<State> for Fact {
    fn from(state: State) -> Self {
        match state {
            State::Fresh => Self::Fresh,
            State::Stale => Self::Stale,
            State::Absent => Self::Absent,
            State::Corrupt => Self::Corrupt,
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a process told, as the harness read it by the client's description.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Told {
    /// The states that its exit code stands for: none where it stands for no state. `None` where the description
    /// says nothing of exit codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit: Option<Vec<State>>,
    /// What standard output held where the description says, as text; `None` where nothing was there.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub output: BTreeMap<Subject, Option<String>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_told_by_a_code_or_a_word() {
        let exit = BTreeMap::from([(State::Fresh, 0), (State::Absent, 2), (State::Corrupt, 2)]);
        let tells = Tells { exit, output: BTreeMap::from([(Subject::Locked, "/l".to_owned())]) };
        assert_eq!(tells.states_of(2), [State::Absent, State::Corrupt]);
        assert_eq!(tells.states_of(1), []);
        let can = |fact: Fact| tells.can_tell(fact);
        assert!(can(Fact::Fresh) && can(Fact::Locked) && can(Fact::Unlocked));
        assert!(!can(Fact::Stale) && !can(Fact::Fetches));
        for state in State::ALL {
            assert_eq!(State::named(state.as_str()), Some(state));
            assert_eq!(Fact::from(state).state(), Some(state));
        }
    }
}
