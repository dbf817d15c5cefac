//! When something goes wrong in a storm: events that are likely to happen, and spells between two of them.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use crate::model::scenario::{Action, Answer, Initial, Injection, Scenario, Start, Trigger};

/// An injection that may come too late or never: a plan is drawn without knowing what a client does.
pub fn on(on: Trigger, action: Action) -> Injection {
    Injection { on, nth: None, each_wave: false, times: None, target: None, action, optional: true }
}

/// A small number, small ones more often.
pub fn nth(rng: &mut StdRng) -> u32 {
    *[1, 1, 1, 2, 2, 3, 4].choose(rng).unwrap_or(&1)
}

/// The number of a request of the waves. Whoever filled the cache made the first of all, and is spared:
/// without a cache the storm would be another than the one that was drawn.
pub fn request(rng: &mut StdRng, scenario: &Scenario) -> u32 {
    nth(rng) + u32::from(scenario.cache.initial != Initial::Empty)
}

/// A step of a request or its response.
pub fn response(rng: &mut StdRng, scenario: &Scenario) -> Trigger {
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
    scenario.catwalk.answer == Answer::WhenHerdWaits
        && scenario.clients.start != Start::OneByOne
        && scenario.resolved_waves().iter().any(|wave| wave.count >= 2)
}

/// A moment when no process of a wave runs: what is done to files then has no one to race with. In the
/// first waves, so that somebody comes after it.
pub fn quiet(rng: &mut StdRng, scenario: &Scenario) -> Trigger {
    let waves = u32::try_from(scenario.waves.len()).unwrap_or(1).max(1);
    Trigger::AllExited(rng.random_range(1..=waves))
}

/// Any moment: between waves, or in the middle of a response.
pub fn moment(rng: &mut StdRng, scenario: &Scenario) -> Trigger {
    if rng.random_bool(0.5) { quiet(rng, scenario) } else { response(rng, scenario) }
}

/// Something that stands for a while, and what takes it back: when a wave has ended, or, where it begins within
/// one, when a process has that ended after it.
pub fn spell(
    rng: &mut StdRng,
    scenario: &Scenario,
    begins: Action,
    ends: Action,
) -> Vec<Injection> {
    let from = moment(rng, scenario);
    let waves = u32::try_from(scenario.waves.len()).unwrap_or(1).max(1);
    let end = match &from {
        Trigger::AllExited(wave) => on(Trigger::AllExited((wave + 1).min(waves)), ends),
        // Counted anew in each wave: the first process of all may have ended long before it began.
        _ => Injection { each_wave: true, ..on(Trigger::Exited(1), ends) },
    };
    vec![on(from, begins), end]
}
