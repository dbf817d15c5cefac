//! From a seed and a number to a scenario.

use std::collections::BTreeSet;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::faults::Feature;
use super::moments::on;
use super::settings;
use crate::model::client::Client;
use crate::model::scenario::{
    Action, Answer, Cache, Catwalk, Clients, Disk, EtagMode, Expect, Initial, Scenario, Start,
    Trigger, Wave,
};
use crate::model::units::{ByteSize, Span};

/// A drawn scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Storm {
    /// Its number within the seed, counted from 1.
    pub number: u64,
    /// The faults that it was drawn from; not each of them need be in it.
    pub features: BTreeSet<Feature>,
    /// The scenario.
    pub scenario: Scenario,
}

impl Storm {
    /// The name by which records and reports know it.
    pub fn name(&self, seed: u64) -> String {
        format!("storm/{seed}-{}", self.number)
    }
}

/// The largest herd: more take longer and race no more.
const CLIENTS: std::ops::RangeInclusive<u32> = 2..=14;

/// Waves, or windows where the cache is aged between them.
const WAVES: std::ops::RangeInclusive<u32> = 1..=4;

/// The most injections.
const INJECTIONS: std::ops::RangeInclusive<usize> = 1..=5;

/// The scenario number `number` of `seed`, for a client with these commands and files. The same three give
/// the same scenario for one version of this program, on every machine that can do the same.
pub fn draw(seed: u64, number: u64, client: &Client) -> Storm {
    let mut rng = StdRng::seed_from_u64(seed ^ number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let features = features(&mut rng, client);
    let clients =
        Clients { count: rng.random_range(CLIENTS), start: start(&mut rng), ..Clients::default() };
    let count = clients.count;
    let initial = *[Initial::Empty, Initial::Empty, Initial::Fresh, Initial::Expired]
        .choose(&mut rng)
        .unwrap_or(&Initial::Empty);
    let mut scenario = Scenario {
        summary: format!("Storm {number} of seed {seed}."),
        why: None,
        catwalk: catwalk(&mut rng),
        cache: Cache { initial, ..Cache::default() },
        disk: disk(&features),
        clients,
        waves: Vec::new(),
        inject: Vec::new(),
        // A drawn plan is about nothing in particular, so nothing of it can be vacuous.
        expect: Expect { contention: Some(0), ..Expect::default() },
    };
    let waves = rng.random_range(WAVES);
    scenario.waves = (0..waves).map(|index| wave(&mut rng, index, count, client)).collect();
    for ended in 1..waves {
        // No step before the wave, which would have to come to something: after a kill there may be
        // nothing that could be aged.
        let ageing = settings::ageing(&mut rng, &features, client);
        scenario.inject.extend(ageing.map(|action| on(Trigger::AllExited(ended), action)));
    }
    if !features.is_empty() {
        let enabled: Vec<Feature> = features.iter().copied().collect();
        for _ in 0..rng.random_range(INJECTIONS) {
            if let Some(feature) = enabled.choose(&mut rng) {
                scenario.inject.extend(feature.draw(&mut rng, &scenario));
            }
        }
    }
    settings::apply(&mut rng, &mut scenario, &features, client);
    Storm { number, features, scenario }
}

/// Each fault that the client can be given, or not: an even chance for each.
fn features(rng: &mut StdRng, client: &Client) -> BTreeSet<Feature> {
    Feature::ALL
        .into_iter()
        .filter(|feature| rng.random_bool(0.5) && feature.fits(client))
        .collect()
}

fn start(rng: &mut StdRng) -> Start {
    match rng.random_range(0..10) {
        0 => Start::OneByOne,
        1 | 2 => Start::Stagger(Span::from_millis(rng.random_range(1..=20))),
        _ => Start::Together,
    }
}

fn catwalk(rng: &mut StdRng) -> Catwalk {
    let body = [4 << 10, 16 << 10, 16 << 10, 256 << 10, 1 << 20];
    let etag = match rng.random_range(0..6) {
        0 => EtagMode::Absent,
        1 => EtagMode::Indented,
        _ => EtagMode::Served,
    };
    Catwalk {
        latency: Span::from_millis(if rng.random_bool(0.7) { 0 } else { rng.random_range(1..=60) }),
        answer: if rng.random_bool(0.6) { Answer::WhenHerdWaits } else { Answer::AtOnce },
        body: ByteSize(*body.choose(rng).unwrap_or(&(16 << 10))),
        etag,
        ..Catwalk::default()
    }
}

/// A disk of its own where the space on it may end or it may be closed. It has room for every version that a cache may keep.
fn disk(features: &BTreeSet<Feature>) -> Disk {
    let size = features.iter().any(|it| it.needs_disk()).then_some(ByteSize(16 << 20));
    Disk { size, ..Disk::default() }
}

fn wave(rng: &mut StdRng, index: u32, count: u32, client: &Client) -> Wave {
    let mut wave = Wave::default();
    if rng.random_bool(0.2) {
        wave.count = Some(rng.random_range(1..=count));
    }
    if rng.random_bool(0.15) && client.commands.contains_key("update") {
        wave.command = Some("update".to_owned());
    }
    if index > 0 && rng.random_bool(0.5) {
        wave.before.push(Action::Bump);
    }
    wave
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{self, builtin};
    use crate::storm::keep;

    fn client(name: &str) -> Client {
        builtin::client(name).unwrap().unwrap()
    }

    #[test]
    fn the_same_seed_draws_the_same_plan_and_another_draws_another() {
        let reference = client("reference");
        let plans = |seed| (1..=20).map(|n| draw(seed, n, &reference)).collect::<Vec<_>>();
        assert_eq!(plans(7), plans(7));
        let (one, other) = (plans(7), plans(8));
        assert!(one.iter().zip(&other).all(|(one, other)| one.scenario != other.scenario));
    }

    #[test]
    fn every_plan_is_a_valid_scenario_file() {
        for name in ["reference", "before-fix", "status-report"] {
            let client = client(name);
            for number in 1..=400 {
                let storm = draw(42, number, &client);
                let text = keep::text(&storm.scenario);
                match scenario::parse("storm.toml", &text) {
                    Ok(read) => assert_eq!(read, storm.scenario, "{text}"),
                    Err(error) => panic!("{}\n{text}", error.plain()),
                }
            }
        }
    }

    #[test]
    fn every_fault_is_drawn_and_none_is_in_every_storm() {
        let reference = client("reference");
        let storms: Vec<Storm> = (1..=300).map(|number| draw(1, number, &reference)).collect();
        for feature in Feature::ALL.into_iter().filter(|feature| feature.fits(&reference)) {
            let with = storms.iter().filter(|storm| storm.features.contains(&feature)).count();
            assert!((75..225).contains(&with), "{feature:?} was enabled in {with} of 300");
        }
    }

    /// The words of a type's variants, as scenario files write them.
    fn words<T: schemars::JsonSchema>() -> BTreeSet<String> {
        let schema = schemars::schema_for!(T).to_value();
        let variants = schema["oneOf"].as_array().unwrap().iter();
        let word = |variant: &serde_json::Value| {
            let unit = variant["const"].as_str().map(|word| vec![word.to_owned()]);
            let units = || serde_json::from_value(variant["enum"].clone()).ok();
            unit.or_else(units)
                .unwrap_or_else(|| serde_json::from_value(variant["required"].clone()).unwrap())
        };
        variants.flat_map(word).collect()
    }

    fn word(value: &impl serde::Serialize) -> String {
        match serde_json::to_value(value).unwrap() {
            serde_json::Value::String(word) => word,
            serde_json::Value::Object(object) => object.keys().next().unwrap().clone(),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn every_action_and_every_fault_of_the_network_is_drawn() {
        let reference = client("reference");
        let storms = (1..=1500).map(|number| draw(5, number, &reference).scenario);
        let mut actions = BTreeSet::new();
        let mut faults = BTreeSet::new();
        for injection in storms.flat_map(|scenario| scenario.inject) {
            actions.insert(word(&injection.action));
            if let Action::Fault(fault) = &injection.action {
                faults.insert(word(fault));
            }
        }
        let mut expected = words::<Action>();
        // Who has no service cannot lose one.
        expected.retain(|word| !word.starts_with("service-"));
        // Which other command makes sense at an event hangs on what the client has: scenarios say so.
        expected.retain(|word| word != "run");
        // So does the bound, and who runs beside it may promise none.
        expected.retain(|word| word != "age-past-bound");
        // What happens at system calls is swept one by one (`cachestorm crash`), which finds more than lots, and
        // would make every storm one that only this system can run.
        expected.retain(|word| {
            !["errno", "short", "hold-until", "kill-alone"].contains(&word.as_str())
        });
        for (feature, words) in [
            (Feature::Space, &["fill", "free"][..]),
            (Feature::ReadOnly, &["read-only", "writable"]),
            (Feature::Permissions, &["chmod"]),
        ] {
            // What this machine or user cannot do.
            expected.retain(|word| feature.fits(&reference) || !words.contains(&word.as_str()));
        }
        assert_eq!(actions, expected);
        assert_eq!(faults, words::<crate::model::fault::Fault>());
    }

    #[test]
    fn the_conditions_of_processes_are_drawn_too() {
        let reference = client("reference");
        let storms = || (1..=300).map(|number| draw(6, number, &reference).scenario);
        let some = |test: fn(&Scenario) -> bool| storms().filter(test).count();
        let in_waves =
            |test: fn(&Wave) -> bool| storms().filter(|it| it.waves.iter().any(test)).count();
        assert!(in_waves(|wave| wave.under.umask.is_some()) > 10);
        assert!(in_waves(|wave| wave.under.open_files.is_some()) > 10);
        assert!(some(|it| it.clients.restarts > 0) > 10);
        assert!(some(|it| it.disk.linked) > 10);
        for feature in [Feature::OtherClient, Feature::OtherUser] {
            let drawn = match feature {
                Feature::OtherClient => some(|it| !it.clients.also.is_empty()),
                _ => in_waves(|wave| wave.under.user.is_some()),
            };
            assert_eq!(drawn > 10, feature.fits(&reference), "{feature:?}: {drawn}");
        }
    }

    #[test]
    fn what_stands_is_taken_back() {
        let reference = client("reference");
        for number in 1..=400 {
            let scenario = draw(7, number, &reference).scenario;
            let count = |action: fn(&Action) -> bool| {
                scenario.inject.iter().filter(|it| action(&it.action)).count()
            };
            let down = count(|it| *it == Action::CatwalkDown);
            assert_eq!(down, count(|it| *it == Action::CatwalkUp));
            assert_eq!(count(|it| *it == Action::ReadOnly), count(|it| *it == Action::Writable));
            assert_eq!(count(|it| matches!(it, Action::Fill(_))), count(|it| *it == Action::Free));
            for injection in &scenario.inject {
                // The first process of all may have ended before the fault began.
                let late = matches!(injection.on, Trigger::Exited(_));
                assert!(!late || injection.each_wave, "{injection:?}");
            }
        }
    }
}
