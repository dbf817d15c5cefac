//! A sweep: a client killed at every step of its protocol, and every call of it failed, one run each.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::call::CallName;
use crate::errno::Errno;
use crate::injection::{Action, Injection, OnCall, Phase, Trigger};
use crate::units::{ByteSize, Signal};
use crate::verdict::{Invariant, Outcome};

/// The version of the format; a reader refuses any other.
pub const SWEEP_SCHEMA: &str = "cachestorm-sweep/1";

/// What came of killing one client at every step of one scenario, and of failing every call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// [`SWEEP_SCHEMA`].
    pub schema: String,
    /// The client.
    pub client: String,
    /// The scenario.
    pub scenario: String,
    /// The calls, in the order of the run that numbered them.
    pub points: Vec<Point>,
    /// Calls that one of the two runs that numbered them made and the other did not, as they were seen: whether a run
    /// comes to them hangs on chance, and nothing was done at them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// One for each run, in the order of the points; the first is the run in which nothing was done.
    pub cases: Vec<Case>,
    /// How many of the client's processes were seen to make calls; `None` in sweeps of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processes: Option<u32>,
}

/// A call of the client, known again in every run by its name, what it is about, and how many such calls of
/// the same process came before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// The call.
    pub call: CallName,
    /// `published`, `lock`, `temp`, `sidecar`, or a glob; `None` for a call of the network.
    pub path: Option<String>,
    /// The command of the processes that make it, where the sweep is of one of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Counted from 1, for each client by itself.
    pub nth: u32,
    /// The call as it was seen, for a reader.
    pub shown: String,
    /// It is a step of the protocol, at which the client is killed; else it is only failed.
    pub is_step: bool,
    /// The number of bytes that it can transfer at most, as far as the run tells: what it asks for, of which a read got
    /// no more than was there. One that transfers no more than one byte cannot be cut short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Others of the client's processes lived then, so that the one that made it can die alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub among_others: bool,
    /// A process made it that the client had started, and not the client's own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_child: bool,
}

impl Point {
    /// A name that stays the same from run to run: `rename-published-1`.
    pub fn id(&self) -> String {
        let path = self.path.as_deref().unwrap_or("network");
        let is_plain = |it: char| it.is_ascii_alphanumeric() || ['.', '_'].contains(&it);
        let plain: String = path.chars().map(|it| if is_plain(it) { it } else { '-' }).collect();
        format!("{}-{}-{}", self.call, plain.trim_matches('-'), self.nth)
    }

    /// What makes this happen at the point.
    pub fn injection(&self, deed: Deed) -> Injection {
        let (phase, action) = match deed {
            Deed::Kill(phase) => (phase, Action::KillGroup(Signal::Kill)),
            Deed::KillAlone(phase) => (phase, Action::KillAlone(Signal::Kill)),
            Deed::Orphan => (Phase::Before, Action::Kill(Signal::Kill)),
            Deed::Fail(errno) => (Phase::Before, Action::Errno(errno)),
            Deed::Short(bytes) => (Phase::Before, Action::Short(bytes)),
        };
        let (call, path, by) = (self.call, self.path.clone(), self.by.clone());
        Injection {
            on: Trigger::Syscall(OnCall { call, path, phase, by }),
            nth: Some(self.nth),
            // Where there are several waves, what the killed leave piles up.
            each_wave: deed.kills(),
            times: None,
            target: None,
            action,
            optional: false,
        }
    }
}

/// What is done at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// The client is killed with all that it has started.
    Kill(Phase),
    /// The process that makes the call is killed, and what else the client consists of lives on.
    KillAlone(Phase),
    /// The client's own process is killed, and the one that makes the call, which it had started, goes on.
    Orphan,
    /// The call fails.
    Fail(Errno),
    /// The call transfers no more than this.
    Short(ByteSize),
}

impl Deed {
    /// Whether it ends a process.
    pub fn kills(self) -> bool {
        matches!(self, Self::Kill(_) | Self::KillAlone(_) | Self::Orphan)
    }

    /// Whether it ends some of a client's processes and not all.
    pub fn parts(self) -> bool {
        matches!(self, Self::KillAlone(_) | Self::Orphan)
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(phase) => write!(f, "killed {phase}"),
            Self::KillAlone(phase) => write!(f, "killed alone {phase}"),
            Self::Orphan => f.write_str("orphaned"),
            Self::Fail(errno) => write!(f, "{errno}"),
            Self::Short(_) => f.write_str("short"),
        }
    }
}

/// One run of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What was done, at which points, as indices into [`Sweep::points`]; empty where nothing was.
    pub deeds: Vec<(usize, Deed)>,
    /// The name of the run's scenario, under which its record is kept.
    pub name: String,
    /// Whether the client came to the first of them: a run that never did says nothing of it.
    pub reached: bool,
    /// Of two of them, whether it came to the second too: after the first it may go another way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub both: bool,
    /// The verdict; `None` where the run could not be made.
    pub outcome: Option<Outcome>,
    /// The invariants that were broken.
    pub broken: Vec<Invariant>,
    /// Why, a sentence each: of the violations, or of what kept the harness from telling.
    pub sentences: Vec<String>,
}

impl Case {
    /// Whether any process was killed in it.
    pub fn kills(&self) -> bool {
        self.deeds.iter().any(|(_, deed)| deed.kills())
    }

    /// Whether it holds.
    pub fn holds(&self) -> bool {
        self.reached && self.outcome == Some(Outcome::Pass)
    }
}

impl Sweep {
    /// The cases that do one thing at this point.
    pub fn at(&self, point: usize) -> impl Iterator<Item = (Deed, &Case)> {
        self.cases.iter().filter_map(move |case| match case.deeds.as_slice() {
            [(at, deed)] if *at == point => Some((*deed, case)),
            _ => None,
        })
    }

    /// The cases in which something was broken.
    pub fn failed(&self) -> impl Iterator<Item = &Case> {
        self.cases.iter().filter(|case| case.outcome == Some(Outcome::Fail))
    }

    /// The invariants that any case broke, each once, in their order.
    pub fn broken(&self) -> Vec<Invariant> {
        let broken = |it: &Invariant| self.cases.iter().any(|case| case.broken.contains(it));
        Invariant::ALL.into_iter().filter(broken).collect()
    }

    /// The word for the whole: a violation wins, then doubt, then what was never reached.
    pub fn outcome(&self) -> Outcome {
        let has = |outcome| self.cases.iter().any(|case| case.outcome == Some(outcome));
        let order = [Outcome::Fail, Outcome::Inconclusive, Outcome::Vacuous, Outcome::Skipped];
        match order.into_iter().find(|outcome| has(*outcome)) {
            Some(outcome) => outcome,
            None if self.cases.is_empty() => Outcome::Vacuous,
            None if self.cases.iter().any(|case| case.outcome.is_none()) => Outcome::Inconclusive,
            None => Outcome::Pass,
        }
    }
}
