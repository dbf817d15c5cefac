//! What a run was asked for, so that the parts of it that several machines did can be joined.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::run::Host;

/// One of several parts of a plan, written `2/3`. Both numbers count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Shard {
    index: u32,
    of: u32,
}

impl Shard {
    /// All of a plan.
    pub const WHOLE: Self = Self { index: 1, of: 1 };

    /// The part `index` of `of` parts; `None` where that is none of them.
    pub fn new(index: u32, of: u32) -> Option<Self> {
        (1..=of).contains(&index).then_some(Self { index, of })
    }

    /// Which part, counted from 1.
    pub fn index(self) -> u32 {
        self.index
    }

    /// How many parts there are.
    pub fn of(self) -> u32 {
        self.of
    }

    /// Whether there is no other part.
    pub fn is_whole(self) -> bool {
        self.of == 1
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            format!(
                "\"{text}\" is no shard; write K/N with K from 1 to N, such as 1/3, 2/3 and 3/3"
            )
        };
        let (index, of) = text.split_once('/').ok_or_else(wrong)?;
        let number = |text: &str| text.parse::<u32>().map_err(|_| wrong());
        Self::new(number(index)?, number(of)?).ok_or_else(wrong)
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> Self {
        shard.to_string()
    }
}

impl TryFrom<String> for Shard {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// What a run was asked for: all of it, whichever part this run is. Runs that are parts of one whole say
/// the same, but for `shard`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The version of the program.
    pub version: String,
    /// A fingerprint of the client's description.
    pub client: String,
    /// Every scenario of the plan, with a fingerprint of what it says.
    pub scenarios: BTreeMap<String, String>,
    /// How often each scenario is run.
    pub repeat: u32,
    /// The part of it that this run is.
    pub shard: Shard,
    /// The runs that this one was joined from; none where it ran by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

impl Plan {
    /// Every trial: a scenario with a repetition, counted from 1. Repetitions of one scenario lie apart, so
    /// that a machine that is slow for a while does not hit one scenario alone.
    pub fn trials(&self) -> impl Iterator<Item = (&str, u32)> {
        (1..=self.repeat).flat_map(|repetition| {
            self.scenarios.keys().map(move |name| (name.as_str(), repetition))
        })
    }
}

/// A run that was joined with others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Its name.
    pub id: String,
    /// The part of the plan that it was.
    pub shard: Shard,
    /// When it began, in RFC 3339.
    pub started: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The machine that it ran on.
    pub host: Host,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(u32, u32)>) {
        let read = text.parse::<Shard>();
        assert_eq!(read.as_ref().ok().map(|it| (it.index(), it.of())), expected, "{text}");
        match read {
            Ok(shard) => assert_eq!(shard.to_string(), text),
            Err(said) => assert!(said.contains("write K/N"), "{said}"),
        }
    }

    #[test]
    fn a_shard_is_one_of_several() {
        check("1/1", Some((1, 1)));
        check("2/3", Some((2, 3)));
        for wrong in ["", "1", "0/3", "4/3", "1/0", "1/-3", "a/b", "1/3/2", " 1/3"] {
            check(wrong, None);
        }
    }
}
