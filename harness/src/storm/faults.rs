//! What may go wrong in a storm: each feature draws injections of its kind, or changes what clients run under.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::kinds::{aimed, answered, damage, door, lock_of_the_dead, stop, temporary};
use super::moments::{moment, on, quiet, request, response, spell};
use super::settings;
use crate::client::volume;
use crate::engine::machine;
use crate::model::client::{Client, LockKind};
use crate::model::scenario::{Action, Chmod, Content, Injection, Mtime, Plant, Scenario, Trigger};
use crate::model::units::{ByteSize, Signal, Span};

/// A kind of fault that a storm may have or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// Processes are killed.
    Kill,
    /// Process groups are asked to end (SIGTERM).
    Terminate,
    /// Whoever was killed is started again.
    Restart,
    /// A process is suspended, and goes on soon or when everyone else has given up.
    Stop,
    /// The machine is busy starting processes that end at once.
    ForkStorm,
    /// Processes have another umask in each wave, and may open few files.
    Limits,
    /// A wave runs as another user.
    OtherUser,
    /// Some processes run a client in another language.
    OtherClient,
    /// A response is late.
    Delay,
    /// A response never goes on.
    Stall,
    /// A request is answered with an error.
    Errors,
    /// A connection is reset.
    Reset,
    /// An answer is cut short, slow, of the wrong length, no catalogue, or not what it says.
    Network,
    /// Connections are refused, or accepted and not served, for a while.
    Door,
    /// The server goes away and comes back.
    Down,
    /// The published file is damaged, or its time is wrong.
    Damage,
    /// A lock file of a dead process lies there, whose number another may have by now.
    StaleLock,
    /// A temporary of a dead writer lies there.
    Temporary,
    /// The published file, or the way to its directory, is a symbolic link.
    Link,
    /// The published file is removed.
    Remove,
    /// The whole cache directory is wiped.
    Wipe,
    /// The disk is full for a while.
    Space,
    /// The cache directory, or its disk, is read-only for a while.
    ReadOnly,
    /// The published file or the lock is closed to everybody.
    Permissions,
    /// Files are dated as after a clock that was set back, or as on a disk with coarse times.
    Clock,
    /// The cache is aged to just before its edge, and from there to just after it.
    Edge,
    /// The catalogue changes while it is served.
    Bump,
}

impl Feature {
    /// Every feature.
    pub const ALL: [Self; 27] = [
        Self::Kill,
        Self::Terminate,
        Self::Restart,
        Self::Stop,
        Self::ForkStorm,
        Self::Limits,
        Self::OtherUser,
        Self::OtherClient,
        Self::Delay,
        Self::Stall,
        Self::Errors,
        Self::Reset,
        Self::Network,
        Self::Door,
        Self::Down,
        Self::Damage,
        Self::StaleLock,
        Self::Temporary,
        Self::Link,
        Self::Remove,
        Self::Wipe,
        Self::Space,
        Self::ReadOnly,
        Self::Permissions,
        Self::Clock,
        Self::Edge,
        Self::Bump,
    ];

    /// Whether it can be done to this client, on this machine and by this user.
    pub fn fits(self, client: &Client) -> bool {
        let is_root = rustix::process::geteuid().is_root();
        match self {
            Self::StaleLock => {
                client.files.lock_kind != LockKind::None
                    && client.files.locks.iter().any(|glob| !glob.contains(['*', '?', '[', '{']))
            }
            Self::Temporary => client.files.planted_temporary().is_some(),
            Self::Space => volume::available().is_ok(),
            // Of root only a disk of its own is closed.
            Self::ReadOnly => !is_root || volume::available().is_ok(),
            Self::OtherUser => is_root && machine::is_open_to_others(client),
            Self::Permissions => !is_root || machine::is_open_to_others(client),
            Self::OtherClient => !settings::neighbours(client).is_empty(),
            Self::Edge => settings::edge(client).is_some(),
            _ => true,
        }
    }

    /// Whether it needs a disk that is the cache's own.
    pub fn needs_disk(self) -> bool {
        match self {
            Self::Space => true,
            Self::ReadOnly => volume::available().is_ok(),
            _ => false,
        }
    }

    /// Draws what goes wrong, for a scenario whose waves are drawn already. What is no injection but a
    /// condition of the whole scenario, [`settings::apply`] draws.
    pub fn draw(self, rng: &mut StdRng, scenario: &Scenario) -> Vec<Injection> {
        let one = |injection| vec![injection];
        match self {
            Self::Kill => {
                let action = if rng.random_bool(0.5) {
                    Action::Kill(Signal::Kill)
                } else {
                    Action::KillGroup(Signal::Kill)
                };
                one(aimed(rng, scenario, action))
            }
            Self::Terminate => one(aimed(rng, scenario, Action::KillGroup(Signal::Term))),
            // Who is to come back has to be killed first.
            Self::Restart => one(aimed(rng, scenario, Action::KillGroup(Signal::Kill))),
            Self::Stop => stop(rng, scenario),
            Self::ForkStorm => {
                one(on(response(rng, scenario), Action::ForkStorm(rng.random_range(5..=40))))
            }
            Self::Limits | Self::OtherUser | Self::OtherClient | Self::Edge => Vec::new(),
            Self::Delay => {
                let span = Span::from_millis(rng.random_range(1..=300));
                one(on(response(rng, scenario), Action::Delay(span)))
            }
            Self::Stall => one(on(response(rng, scenario), Action::Stall)),
            Self::Errors => {
                let status = *[500, 502, 503, 429, 404].choose(rng).unwrap_or(&500);
                one(on(Trigger::Request(request(rng, scenario)), Action::Answer(status)))
            }
            Self::Reset => one(on(response(rng, scenario), Action::Reset)),
            Self::Network => {
                let number = request(rng, scenario);
                one(on(Trigger::Request(number), Action::Fault(answered(rng, scenario))))
            }
            Self::Door => door(rng, scenario),
            Self::Down => spell(rng, scenario, Action::CatwalkDown, Action::CatwalkUp),
            Self::Damage => one(on(quiet(rng, scenario), damage(rng))),
            Self::StaleLock => one(on(quiet(rng, scenario), lock_of_the_dead(rng))),
            Self::Temporary => one(on(moment(rng, scenario), temporary(rng))),
            Self::Link => {
                let kept = rng.random_bool(0.5);
                let content = if kept { Content::Link } else { Content::DanglingLink };
                let path = "published".to_owned();
                let plant = Plant { path, content, mtime: Mtime::Now };
                one(on(quiet(rng, scenario), Action::Plant(plant)))
            }
            Self::Remove => one(on(quiet(rng, scenario), Action::Remove("published".to_owned()))),
            Self::Wipe => one(on(moment(rng, scenario), Action::Wipe)),
            Self::Space => {
                // Nothing, or less than any catalogue needs.
                let left = ByteSize(if rng.random_bool(0.5) { 0 } else { 4 << 10 });
                spell(rng, scenario, Action::Fill(left), Action::Free)
            }
            Self::ReadOnly => spell(rng, scenario, Action::ReadOnly, Action::Writable),
            Self::Permissions => {
                let path = if rng.random_bool(0.5) { "published" } else { "lock" }.to_owned();
                one(on(quiet(rng, scenario), Action::Chmod(Chmod { path, mode: 0 })))
            }
            Self::Clock => {
                let span = Span::from_secs(rng.random_range(1..=3));
                let coarse = rng.random_bool(0.5);
                let action =
                    if coarse { Action::CoarseTimes(span) } else { Action::ClockBack(span) };
                one(on(quiet(rng, scenario), action))
            }
            Self::Bump => one(on(response(rng, scenario), Action::Bump)),
        }
    }
}
