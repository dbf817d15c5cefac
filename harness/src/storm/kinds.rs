//! What goes wrong in a storm, kind by kind.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::moments::{on, request, response, spell};
use crate::model::fault::Fault;
use crate::model::scenario::{
    Action, Content, Injection, Mtime, Plant, Scenario, Start, Target, Trigger,
};
use crate::model::units::{ByteSize, Span};

/// An action on a process, with an event that some process is alive at and a target for it.
pub fn aimed(rng: &mut StdRng, scenario: &Scenario, action: Action) -> Injection {
    let target = match rng.random_range(0..8) {
        0..=2 => Some(Target::Fetcher),
        3 => Some(Target::Holder),
        4 | 5 => Some(Target::Waiter),
        6 => Some(Target::Everyone),
        _ if rng.random_bool(0.5) => {
            Some(Target::Client(rng.random_range(1..=scenario.process_count().max(1))))
        }
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

/// A stop and, on something that happens whether or not the stopped one goes on, its continuation: at once, or
/// when all others of its wave have given up on it.
pub fn stop(rng: &mut StdRng, scenario: &Scenario) -> Vec<Injection> {
    let target = match rng.random_range(0..5) {
        0 | 1 => Target::Fetcher,
        2 => Target::Holder,
        _ => Target::Waiter,
    };
    let waves = scenario.resolved_waves();
    let fewest = waves.iter().map(|wave| wave.count).min().unwrap_or(1);
    let alike = waves.iter().all(|wave| wave.count == fewest);
    if alike && fewest > 1 && scenario.clients.start == Start::Together && rng.random_bool(0.3) {
        let each = |injection| Injection { each_wave: true, ..injection };
        let stop = Injection { target: Some(target), ..on(Trigger::Request(1), Action::Stop) };
        let others = on(Trigger::Exited(fewest - 1), Action::Continue);
        return vec![each(stop), each(Injection { target: Some(Target::Everyone), ..others })];
    }
    let n = request(rng, scenario);
    let stop = Injection { target: Some(target), ..on(Trigger::Request(n), Action::Stop) };
    // Not when the response is done: one who is suspended reads nothing, and a large body is never sent whole.
    let later = Trigger::HeadSent(n);
    let go_on = Injection { target: Some(Target::Everyone), ..on(later, Action::Continue) };
    vec![stop, go_on]
}

/// What is wrong with an answer: one of every kind of fault that there is.
pub fn answered(rng: &mut StdRng, scenario: &Scenario) -> Fault {
    let small = scenario.catwalk.body.0 <= 16 << 10;
    let smaller = |fault| match fault {
        // The eighty megabytes of the example are too much for every process that it may hit.
        Fault::HugeBody(_) => Fault::HugeBody(ByteSize(4 << 20)),
        fault => fault,
    };
    let answers = Fault::EXAMPLES.into_iter().filter(|it| !it.is_at_door());
    let mut faults: Vec<Fault> = answers.map(smaller).collect();
    faults.retain(|fault| match fault {
        // Of a large catalogue these would be a wait and nothing else.
        Fault::Drip(_) | Fault::Bandwidth(_) => small,
        _ => true,
    });
    *faults.choose(rng).unwrap_or(&Fault::Garbage)
}

/// Connections fare badly until a process or a wave has ended.
pub fn door(rng: &mut StdRng, scenario: &Scenario) -> Vec<Injection> {
    let fault = match rng.random_range(0..3) {
        0 => Fault::Refuse,
        1 => Fault::AcceptHang,
        _ => Fault::AcceptDelay(Span::from_millis(rng.random_range(1..=300))),
    };
    spell(rng, scenario, Action::Fault(fault), Action::Mend)
}

/// The published file is not what it should be, or of a time to come.
pub fn damage(rng: &mut StdRng) -> Action {
    let content = *[Content::Empty, Content::Garbage, Content::Truncated]
        .choose(rng)
        .unwrap_or(&Content::Empty);
    let mtime = if rng.random_bool(0.7) { Mtime::Now } else { Mtime::Future };
    Action::Plant(Plant { path: "published".to_owned(), content, mtime })
}

/// A lock that nobody holds: its process is dead, and may have left its number to one that has nothing to do with
/// the cache.
pub fn lock_of_the_dead(rng: &mut StdRng) -> Action {
    let content = if rng.random_bool(0.5) { Content::DeadPid } else { Content::LivePid };
    Action::Plant(Plant { path: "lock".to_owned(), content, mtime: Mtime::Expired })
}

/// What a writer left that died before its rename.
pub fn temporary(rng: &mut StdRng) -> Action {
    let content = *[Content::Empty, Content::Garbage, Content::Truncated]
        .choose(rng)
        .unwrap_or(&Content::Empty);
    let mtime = if rng.random_bool(0.5) { Mtime::Expired } else { Mtime::Epoch };
    Action::Plant(Plant { path: "temp".to_owned(), content, mtime })
}
