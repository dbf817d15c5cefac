//! A scenario file as a value: who runs, what goes wrong and when, what must hold.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::tells::Fact;
use crate::units::{ByteSize, ClientId, Span};
use crate::verdict::Invariant;

mod waves;

pub use waves::ResolvedWave;

pub use crate::conditions::{Also, Conditions, User};
pub use crate::disk::{Chmod, Content, Disk, Mtime, Plant};
pub use crate::injection::{Action, Injection, OnCall, Phase, Target, Trigger};

/// One scenario, one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "cachestorm scenario")]
pub struct Scenario {
    /// One sentence that says what happens and what must come of it, for a person who reads a report.
    pub summary: String,
    /// Why the scenario exists: the bug it catches, where it was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// How the mock Catwalk server behaves.
    #[serde(default)]
    pub catwalk: Catwalk,
    /// The state of the cache before the first wave, and its time to live.
    #[serde(default)]
    pub cache: Cache,
    /// What the cache directory lies on.
    #[serde(default, skip_serializing_if = "Disk::is_plain")]
    pub disk: Disk,
    /// How many clients run and how they are started.
    #[serde(default)]
    pub clients: Clients,
    /// Waves that differ from one another, in order; replaces `clients.waves` and `clients.between`.
    #[serde(default, rename = "wave", skip_serializing_if = "Vec::is_empty")]
    pub waves: Vec<Wave>,
    /// What goes wrong, each fired by an observed event.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inject: Vec<Injection>,
    /// What must hold, beyond what always must.
    #[serde(default)]
    pub expect: Expect,
}

/// The mock server's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Catwalk {
    /// How long each response waits before its head is sent, on top of `answer`.
    pub latency: Span,
    /// What a response waits for before its head is sent.
    pub answer: Answer,
    /// The size of a catalogue, from 4KiB to 2MiB; bodies come out within 2 % of it.
    pub body: ByteSize,
    /// Over which bytes the server computes its ETag.
    pub etag: EtagMode,
    /// The value of the `Cache-Control` header, absent by default as on the real server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<String>,
    /// A fault of the network that every client of the waves meets, until `mend` or the probes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

impl Default for Catwalk {
    fn default() -> Self {
        Self {
            latency: Span::default(),
            answer: Answer::AtOnce,
            body: ByteSize(16 << 10),
            etag: EtagMode::Served,
            cache_control: None,
            fault: None,
        }
    }
}

/// What a response waits for before its head is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Nothing: only `latency` counts.
    AtOnce,
    /// Until every other live client of the wave has asked as well, sleeps in the kernel or has ended.
    /// This makes contention certain on a machine of any speed, where a latency only makes it likely.
    WhenHerdWaits,
}

/// Over which bytes the server computes its ETag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EtagMode {
    /// Over the bytes of the body as served, which is what the real server does.
    Served,
    /// Over indented JSON while the body is compact: a client that hashes its own file never matches.
    Indented,
    /// No ETag at all.
    Absent,
}

/// The cache before the first wave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Cache {
    /// The time to live. A client with a fixed TTL runs with its own instead.
    pub ttl: Span,
    /// What the first wave finds.
    pub initial: Initial,
}

impl Default for Cache {
    fn default() -> Self {
        Self { ttl: Span::from_secs(3600), initial: Initial::Empty }
    }
}

/// What the first wave finds in the cache directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Initial {
    /// Nothing.
    Empty,
    /// What one client, run to its end beforehand, leaves.
    Fresh,
    /// The same, and then aged past the TTL.
    Expired,
}

/// How many clients run, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Clients {
    /// Processes in each wave.
    pub count: u32,
    /// Waves; each starts when every process of the one before has ended.
    pub waves: u32,
    /// What is done between one wave and the next, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub between: Vec<Action>,
    /// How the processes of a wave are started.
    pub start: Start,
    /// Which of the client's commands is run: `get` reads through the cache, `update` bypasses the TTL.
    pub command: String,
    /// How long a process may live. One that outlives it is killed and breaks `bounded-wait`.
    pub deadline: Span,
    /// How long a process is told to wait for the server's answer, where its description has a place for
    /// that (`{patience}`).
    pub patience: Span,
    /// How many processes that injections killed are started again in each wave, at most.
    #[serde(skip_serializing_if = "is_zero")]
    pub restarts: u32,
    /// What the processes run under.
    #[serde(skip_serializing_if = "Conditions::is_plain")]
    pub under: Conditions,
    /// Other clients among them: another version, another language.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Also>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Default for Clients {
    fn default() -> Self {
        Self {
            count: 1,
            waves: 1,
            between: Vec::new(),
            start: Start::Together,
            command: "get".to_owned(),
            deadline: Span::from_secs(20),
            patience: Span::from_secs(6),
            restarts: 0,
            under: Conditions::default(),
            also: Vec::new(),
        }
    }
}

/// How the processes of a wave are started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// All are exec'd and held before their first instruction, then let go at once.
    Together,
    /// Each starts when the one before has ended.
    OneByOne,
    /// Each starts this long after the one before. A shape of load, not a trigger.
    Stagger(Span),
}

/// One wave of clients, where waves differ.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Wave {
    /// Processes in this wave; `clients.count` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// No new ones: the processes of this earlier wave, which must run a session of the client's, are asked once more.
    /// A session lives until the last wave that asks it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub again: Option<u32>,
    /// How they are started; `clients.start` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Start>,
    /// Which command they run; `clients.command` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// So many of them, the last, run `get` instead; fewer than there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readers: Option<u32>,
    /// What they run under; where it says nothing, `clients.under` does.
    #[serde(skip_serializing_if = "Conditions::is_plain")]
    pub under: Conditions,
    /// A sweep (`cachestorm crash`) kills and fails the first process of this wave, in place of the first of all
    /// that asks the server. Its command is one that no other wave runs.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub swept: bool,
    /// What is done before the wave starts, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Action>,
}

/// What must hold, beyond what always must.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Expect {
    /// Fetches allowed in a TTL window, besides those that an injected fault explains.
    pub fetches_per_window: u32,
    /// Requests that one client may send, whatever becomes of them; without it any number that a fault
    /// explains. For scenarios in which the server is in trouble, and a storm of retries makes it worse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// Clients that may fail without an injected fault that explains it.
    pub failed_clients: u32,
    /// The longest time from the last fault to the next success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Span>,
    /// How long a client may live; `clients.deadline` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait: Option<Span>,
    /// How much older than its TTL a returned catalogue may be.
    pub grace: Span,
    /// Temporaries that may lie about at the end, however many writers were killed.
    pub residue: u32,
    /// Clients that must have been waiting or racing while a fetch was under way, the fetcher
    /// included; fewer is `vacuous`. By default 2 where a wave starts two or more together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contention: Option<u32>,
    /// Invariants that this scenario is about: one that was never evaluated makes it `vacuous`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub proves: Vec<Invariant>,
    /// What commands that tell something of the cache must have told, and have been held to: where one of these could
    /// not be held against what was so, the scenario is `vacuous`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<Fact>,
}

impl Default for Expect {
    fn default() -> Self {
        Self {
            fetches_per_window: 1,
            attempts: None,
            failed_clients: 0,
            recovery: None,
            wait: None,
            grace: Span::from_secs(1),
            residue: 1,
            contention: None,
            proves: Vec::new(),
            told: Vec::new(),
        }
    }
}

/// Which clients need a listener of their own: a refused connection tells nobody whose it was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Listeners {
    /// None: all share one.
    #[default]
    Shared,
    /// These.
    Of(BTreeSet<ClientId>),
    /// All, since whom a fault will hit is not known before it does.
    Each,
}

impl Listeners {
    /// Whether this client needs its own.
    pub fn include(&self, client: ClientId) -> bool {
        match self {
            Self::Shared => false,
            Self::Of(clients) => clients.contains(&client),
            Self::Each => true,
        }
    }
}

impl Scenario {
    /// Whether an injection kills processes, which may then be started again.
    pub fn kills_somebody(&self) -> bool {
        let kills = |action: &Action| matches!(action, Action::Kill(_) | Action::KillGroup(_));
        self.inject.iter().any(|injection| kills(&injection.action))
    }

    /// Every command that it runs, but for the `get` of readers and probes.
    pub fn commands(&self) -> Vec<String> {
        let waves = self.resolved_waves().into_iter().map(|wave| wave.command);
        let injected = self.inject.iter().filter_map(|injection| match &injection.action {
            Action::Run(command) => Some(command.clone()),
            _ => None,
        });
        waves.chain(injected).collect()
    }

    /// Whether it is about a service of the client's.
    pub fn is_about_service(&self) -> bool {
        let steps = self.resolved_waves().into_iter().flat_map(|wave| wave.before);
        let mut actions = self.inject.iter().map(|it| it.action.clone()).chain(steps);
        actions.any(|action| action.is_about_service())
    }

    /// Whether the run must be traced: something is to happen at a system call.
    pub fn needs_tracer(&self) -> bool {
        let awaits = |action: &Action| match action {
            Action::HoldUntil(trigger) => trigger.needs_tracer(),
            _ => false,
        };
        self.inject
            .iter()
            .any(|it| it.on.needs_tracer() || it.action.is_about_call() || awaits(&it.action))
    }

    /// The clients that run a wave of `count` processes, as the indices of `clients.also` at its end; the
    /// first of them run the client under test, which never lacks altogether.
    pub fn others_in(&self, count: u32) -> Vec<Option<usize>> {
        let mut others: Vec<Option<usize>> = Vec::new();
        for (index, also) in self.clients.also.iter().enumerate() {
            let room = (count as usize).saturating_sub(1).saturating_sub(others.len());
            others.extend(std::iter::repeat_n(Some(index), room.min(also.count as usize)));
        }
        let own = (count as usize).saturating_sub(others.len());
        std::iter::repeat_n(None, own).chain(others).collect()
    }

    /// Processes in all waves, without the probes that follow them.
    pub fn process_count(&self) -> u32 {
        self.resolved_waves().iter().map(|wave| wave.count).sum()
    }

    /// The clients that need a listener of their own, because a fault of connections may hit one of them
    /// and not the others.
    pub fn listeners(&self) -> Listeners {
        // One that is asked again comes by the listener of its process, which others share.
        let again = self.waves.iter().any(|wave| wave.again.is_some());
        let mut clients = BTreeSet::new();
        for injection in &self.inject {
            let Action::Fault(fault) = &injection.action else { continue };
            match (injection.target, injection.on.has_process()) {
                _ if !fault.is_at_door() => {}
                (Some(Target::Client(number)), _) if !again => {
                    clients.insert(ClientId(number));
                }
                (Some(Target::Everyone), _) | (None, false) => {}
                (Some(_), _) | (None, true) => {
                    return Listeners::Each;
                }
            }
        }
        if clients.is_empty() { Listeners::Shared } else { Listeners::Of(clients) }
    }

    /// The contention that the scenario must show to prove anything, if any.
    pub fn required_contention(&self) -> Option<u32> {
        self.expect.contention.or_else(|| {
            let herd = self
                .resolved_waves()
                .iter()
                .any(|wave| wave.count >= 2 && wave.start == Start::Together);
            let fetches = self.cache.initial != Initial::Fresh || self.resolved_waves().len() > 1;
            (herd && fetches).then_some(2)
        })
    }
}
