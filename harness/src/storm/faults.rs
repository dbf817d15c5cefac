//! What may go wrong in a storm: each feature draws injections of its kind.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use crate::client::volume;
use crate::model::client::{Client, LockKind};
use crate::model::fault::Fault;
use crate::model::scenario::{
    Action, Answer, Content, Initial, Injection, Mtime, Plant, Scenario, Start, Target, Trigger,
};
use crate::model::units::{ByteSize, Signal, Span};

/// A kind of fault that a storm may have or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// Processes are killed.
    Kill,
    /// Process groups are asked to end (SIGTERM).
    Terminate,
    /// A process is suspended, and goes on later.
    Stop,
    /// The machine is busy starting processes that end at once.
    ForkStorm,
    /// A response is late.
    Delay,
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
    /// A lock file of a dead process lies there.
    StaleLock,
    /// The published file is removed.
    Remove,
    /// The whole cache directory is wiped.
    Wipe,
    /// The disk is full for a while.
    Space,
    /// Files are dated as after a clock that was set back, or as on a disk with coarse times.
    Clock,
    /// The catalogue changes while it is served.
    Bump,
}

impl Feature {
    /// Every feature.
    pub const ALL: [Self; 17] = [
        Self::Kill,
        Self::Terminate,
        Self::Stop,
        Self::ForkStorm,
        Self::Delay,
        Self::Errors,
        Self::Reset,
        Self::Network,
        Self::Door,
        Self::Down,
        Self::Damage,
        Self::StaleLock,
        Self::Remove,
        Self::Wipe,
        Self::Space,
        Self::Clock,
        Self::Bump,
    ];

    /// Whether it can be done to this client.
    pub fn fits(self, client: &Client) -> bool {
        match self {
            Self::StaleLock => {
                client.files.lock_kind != LockKind::None
                    && client.files.locks.iter().any(|glob| !glob.contains(['*', '?', '[', '{']))
            }
            Self::Space => volume::available().is_ok(),
            _ => true,
        }
    }

    /// Draws what goes wrong, for a scenario whose waves are drawn already.
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
            Self::Stop => stop(rng, scenario),
            Self::ForkStorm => {
                one(on(response(rng, scenario), Action::ForkStorm(rng.random_range(5..=40))))
            }
            Self::Delay => {
                let span = Span::from_millis(rng.random_range(1..=300));
                one(on(response(rng, scenario), Action::Delay(span)))
            }
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
            Self::Down => down(rng, scenario),
            Self::Damage => one(on(quiet(rng, scenario), damage(rng))),
            Self::StaleLock => one(on(quiet(rng, scenario), stale_lock())),
            Self::Remove => one(on(quiet(rng, scenario), Action::Remove("published".to_owned()))),
            Self::Wipe => one(on(quiet(rng, scenario), Action::Wipe)),
            Self::Space => {
                let (from, until) = spell(rng, scenario);
                // Nothing, or less than any catalogue needs.
                let left = ByteSize(if rng.random_bool(0.5) { 0 } else { 4 << 10 });
                vec![on(from, Action::Fill(left)), on(until, Action::Free)]
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

/// An injection that may come too late or never: a plan is drawn without knowing what a client does.
pub fn on(on: Trigger, action: Action) -> Injection {
    Injection { on, nth: None, each_wave: false, times: None, target: None, action, optional: true }
}

/// A small number, small ones more often.
fn nth(rng: &mut StdRng) -> u32 {
    *[1, 1, 1, 2, 2, 3, 4].choose(rng).unwrap_or(&1)
}

/// The number of a request of the waves. Whoever filled the cache made the first of all, and is spared:
/// without a cache the storm would be another than the one that was drawn.
fn request(rng: &mut StdRng, scenario: &Scenario) -> u32 {
    nth(rng) + u32::from(scenario.cache.initial != Initial::Empty)
}

/// A step of a request or its response.
fn response(rng: &mut StdRng, scenario: &Scenario) -> Trigger {
    let n = request(rng, scenario);
    match rng.random_range(0..4) {
        0 => Trigger::Request(n),
        1 => Trigger::HeadSent(n),
        2 => Trigger::HalfSent(n),
        _ if has_herd(scenario) => Trigger::HerdWaits(nth(rng)),
        _ => Trigger::Request(n),
    }
}

/// Whether responses are held until a herd waits.
fn has_herd(scenario: &Scenario) -> bool {
    let count = |wave: &crate::model::scenario::Wave| wave.count.unwrap_or(scenario.clients.count);
    scenario.catwalk.answer == Answer::WhenHerdWaits
        && scenario.clients.start != Start::OneByOne
        && scenario.waves.iter().any(|wave| count(wave) >= 2)
}

/// A moment when no process of a wave runs: what is done to files then has no one to race with. In the
/// first waves, so that somebody comes after it.
fn quiet(rng: &mut StdRng, scenario: &Scenario) -> Trigger {
    let waves = u32::try_from(scenario.waves.len()).unwrap_or(1).max(1);
    Trigger::AllExited(rng.random_range(1..=waves))
}

/// An action on a process, with an event that some process is alive at and a target for it.
fn aimed(rng: &mut StdRng, scenario: &Scenario, action: Action) -> Injection {
    let target = match rng.random_range(0..8) {
        0..=2 => Some(Target::Fetcher),
        3 => Some(Target::Holder),
        4 | 5 => Some(Target::Waiter),
        6 => Some(Target::Everyone),
        _ => None,
    };
    let (trigger, nth_event) = match rng.random_range(0..6) {
        0 => (Trigger::Created("temp".to_owned()), Some(request(rng, scenario))),
        1 => (Trigger::Renamed("published".to_owned()), Some(request(rng, scenario))),
        _ => (response(rng, scenario), None),
    };
    let target = match (&trigger, target) {
        // A change in a folder does not tell whose it is.
        (Trigger::Created(_) | Trigger::Renamed(_), None) => Some(Target::Fetcher),
        (_, target) => target,
    };
    let each_wave = rng.random_bool(0.2);
    Injection { nth: nth_event, each_wave, target, ..on(trigger, action) }
}

/// A stop and, on something that happens whether or not the stopped one goes on, its continuation.
fn stop(rng: &mut StdRng, scenario: &Scenario) -> Vec<Injection> {
    let target = if rng.random_bool(0.6) { Target::Fetcher } else { Target::Waiter };
    let n = request(rng, scenario);
    let stop = Injection { target: Some(target), ..on(Trigger::Request(n), Action::Stop) };
    // Not when the response is done: one who is suspended reads nothing, and a large body is never sent whole.
    let later = Trigger::HeadSent(n);
    let go_on = Injection { target: Some(Target::Everyone), ..on(later, Action::Continue) };
    vec![stop, go_on]
}

/// What is wrong with an answer: one of every kind of fault that there is.
fn answered(rng: &mut StdRng, scenario: &Scenario) -> Fault {
    let small = scenario.catwalk.body.0 <= 16 << 10;
    let mut faults: Vec<Fault> =
        Fault::EXAMPLES.into_iter().filter(|it| !it.is_at_door()).collect();
    faults.retain(|fault| match fault {
        // Each costs eighty megabytes in every process that it hits.
        Fault::HugeBody(_) => false,
        // Of a large catalogue these would be a wait and nothing else.
        Fault::Drip(_) | Fault::Bandwidth(_) => small,
        _ => true,
    });
    *faults.choose(rng).unwrap_or(&Fault::Garbage)
}

/// Connections fare badly until a process or a wave has ended.
fn door(rng: &mut StdRng, scenario: &Scenario) -> Vec<Injection> {
    let fault = match rng.random_range(0..3) {
        0 => Fault::Refuse,
        1 => Fault::AcceptHang,
        _ => Fault::AcceptDelay(Span::from_millis(rng.random_range(1..=300))),
    };
    let (from, until) = spell(rng, scenario);
    vec![on(from, Action::Fault(fault)), on(until, Action::Mend)]
}

/// The server goes away, and comes back when a wave has ended or a process has.
fn down(rng: &mut StdRng, scenario: &Scenario) -> Vec<Injection> {
    let (from, until) = spell(rng, scenario);
    vec![on(from, Action::CatwalkDown), on(until, Action::CatwalkUp)]
}

/// From when to when something stands that has to be taken back.
fn spell(rng: &mut StdRng, scenario: &Scenario) -> (Trigger, Trigger) {
    let from = if rng.random_bool(0.5) { quiet(rng, scenario) } else { response(rng, scenario) };
    let waves = u32::try_from(scenario.waves.len()).unwrap_or(1).max(1);
    let until = match &from {
        Trigger::AllExited(wave) => Trigger::AllExited((wave + 1).min(waves)),
        _ => Trigger::Exited(1),
    };
    (from, until)
}

fn damage(rng: &mut StdRng) -> Action {
    let content = *[Content::Empty, Content::Garbage, Content::Truncated]
        .choose(rng)
        .unwrap_or(&Content::Empty);
    let mtime = if rng.random_bool(0.7) { Mtime::Now } else { Mtime::Future };
    Action::Plant(Plant { path: "published".to_owned(), content, mtime })
}

fn stale_lock() -> Action {
    Action::Plant(Plant {
        path: "lock".to_owned(),
        content: Content::DeadPid,
        mtime: Mtime::Expired,
    })
}
