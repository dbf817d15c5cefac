//! The smaller scenarios that a failing one is tried as.
//!
//! Greedy, as delta debugging is once its pieces are single ones (Zeller, Hildebrandt: "Simplifying and
//! Isolating Failure-Inducing Input", IEEE TSE 2002): of all scenarios that are one step smaller, the first
//! that still fails is taken, and so on until none does.

use crate::model::fault::{Drip, Fault, Latency};
use crate::model::scenario::{
    Action, Answer, Catwalk, Conditions, Disk, EtagMode, Initial, Scenario, Start, Target, Trigger,
};
use crate::model::units::Span;
use crate::scenario;

use super::keep;

/// How large a scenario is: clients, injections, waves and steps between them.
pub fn size(scenario: &Scenario) -> (u32, usize, usize) {
    let steps: usize = scenario.resolved_waves().iter().map(|wave| wave.before.len()).sum();
    (scenario.process_count(), scenario.inject.len(), scenario.waves.len() + steps)
}

/// Every valid scenario that is one step smaller, the largest steps first.
pub fn smaller(scenario: &Scenario) -> Vec<Scenario> {
    let mut all = Vec::new();
    waves(scenario, &mut all);
    injections(scenario, &mut all);
    clients(scenario, &mut all);
    settings(scenario, &mut all);
    all.retain(|it| it != scenario && scenario::parse("storm.toml", &keep::text(it)).is_ok());
    all
}

fn with(scenario: &Scenario, change: impl FnOnce(&mut Scenario)) -> Scenario {
    let mut changed = scenario.clone();
    change(&mut changed);
    if !changed.kills_somebody() {
        changed.clients.restarts = 0;
    }
    let (processes, largest) = (changed.process_count(), largest_wave(&changed));
    for injection in &mut changed.inject {
        if let Some(Target::Client(n)) = &mut injection.target {
            *n = (*n).min(processes);
        }
        if let Trigger::Exited(n) = &mut injection.on {
            *n = (*n).min(if injection.each_wave { largest } else { processes });
        }
    }
    changed
}

fn largest_wave(scenario: &Scenario) -> u32 {
    scenario.resolved_waves().iter().map(|wave| wave.count).max().unwrap_or(1)
}

fn waves(scenario: &Scenario, all: &mut Vec<Scenario>) {
    if scenario.waves.len() > 1 {
        for index in (0..scenario.waves.len()).rev() {
            all.push(with(scenario, |it| {
                it.waves.remove(index);
                let last = u32::try_from(it.waves.len()).unwrap_or(u32::MAX);
                for injection in &mut it.inject {
                    if let Trigger::AllExited(wave) = &mut injection.on {
                        *wave = (*wave).min(last);
                    }
                }
            }));
        }
    }
    for (index, wave) in scenario.waves.iter().enumerate() {
        for step in 0..wave.before.len() {
            all.push(with(scenario, |it| {
                it.waves[index].before.remove(step);
            }));
        }
        if wave.command.is_some() {
            all.push(with(scenario, |it| it.waves[index].command = None));
        }
    }
}

fn injections(scenario: &Scenario, all: &mut Vec<Scenario>) {
    // A stop without its continuation would only wait for the deadline.
    let stops = |action: &Action| matches!(action, Action::Stop | Action::Continue);
    if scenario.inject.iter().any(|it| stops(&it.action)) {
        all.push(with(scenario, |it| it.inject.retain(|it| !stops(&it.action))));
    }
    let count = |action: &Action| scenario.inject.iter().filter(|it| it.action == *action).count();
    let spare = count(&Action::Continue) > count(&Action::Stop);
    for (index, injection) in scenario.inject.iter().enumerate() {
        if injection.action != Action::Continue || spare {
            all.push(with(scenario, |it| {
                it.inject.remove(index);
            }));
        }
        if injection.each_wave {
            all.push(with(scenario, |it| it.inject[index].each_wave = false));
        }
        if let Some(shorter) = shorter(&injection.action) {
            all.push(with(scenario, |it| it.inject[index].action = shorter));
        }
    }
}

/// The same action with half of the delay, where it has one that is worth it.
fn shorter(action: &Action) -> Option<Action> {
    // To whole milliseconds, or the file would say "4ms 687us 500ns".
    let half = |span: Span| {
        let half = u64::try_from(span.0.as_millis() / 2).unwrap_or(1);
        (span > Span::from_millis(10)).then(|| Span::from_millis(half))
    };
    match action {
        Action::Delay(span) => half(*span).map(Action::Delay),
        Action::Fault(Fault::AcceptDelay(span)) => {
            half(*span).map(|span| Action::Fault(Fault::AcceptDelay(span)))
        }
        Action::Fault(Fault::Latency(latency)) => {
            let jitter = half(latency.jitter).unwrap_or_default();
            let latency = Latency { base: half(latency.base)?, jitter };
            Some(Action::Fault(Fault::Latency(latency)))
        }
        Action::Fault(Fault::Drip(drip)) => {
            let drip = Drip { every: half(drip.every)?, ..*drip };
            Some(Action::Fault(Fault::Drip(drip)))
        }
        _ => None,
    }
}

fn clients(scenario: &Scenario, all: &mut Vec<Scenario>) {
    let count = scenario.clients.count;
    for fewer in [2, count / 2, count.saturating_sub(1)] {
        if (1..count).contains(&fewer) {
            all.push(with(scenario, |it| {
                it.clients.count = fewer;
                for wave in &mut it.waves {
                    wave.count = wave.count.filter(|own| *own < fewer);
                }
                fit(it, count, fewer);
            }));
        }
    }
    for (index, wave) in scenario.waves.iter().enumerate() {
        if wave.count.is_none() && scenario.waves.len() > 1 && count > 1 {
            all.push(with(scenario, |it| it.waves[index].count = Some(1)));
        }
    }
}

/// Makes what counts the clients of a wave fit fewer of them.
fn fit(scenario: &mut Scenario, before: u32, fewer: u32) {
    for injection in &mut scenario.inject {
        // "All others have ended" stays that.
        match &mut injection.on {
            Trigger::Exited(n) if *n + 1 == before => *n = fewer.max(2) - 1,
            _ => {}
        }
    }
    for also in &mut scenario.clients.also {
        also.count = also.count.min(fewer - 1);
    }
    scenario.clients.also.retain(|also| also.count > 0);
}

fn settings(scenario: &Scenario, all: &mut Vec<Scenario>) {
    let plain = Catwalk::default();
    all.push(with(scenario, |it| it.clients.start = Start::Together));
    all.push(with(scenario, |it| it.cache.initial = Initial::Empty));
    all.push(with(scenario, |it| it.catwalk.latency = Span::default()));
    all.push(with(scenario, |it| it.catwalk.body = plain.body));
    all.push(with(scenario, |it| it.catwalk.etag = EtagMode::Served));
    all.push(with(scenario, |it| it.catwalk.answer = Answer::AtOnce));
    all.push(with(scenario, |it| it.disk = Disk::default()));
    all.push(with(scenario, |it| it.disk.linked = false));
    all.push(with(scenario, |it| it.clients.under = Conditions::default()));
    all.push(with(scenario, |it| it.clients.restarts = 0));
    all.push(with(scenario, |it| it.clients.also.clear()));
    for index in 0..scenario.waves.len() {
        all.push(with(scenario, |it| it.waves[index].under = Conditions::default()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::units::ByteSize;
    use crate::scenario::builtin;
    use crate::storm::draw::draw;

    /// Takes the first smaller scenario that `fails`, until there is none.
    fn shrunk(mut scenario: Scenario, fails: impl Fn(&Scenario) -> bool) -> Scenario {
        assert!(fails(&scenario));
        while let Some(next) = smaller(&scenario).into_iter().find(&fails) {
            assert!(size(&next) <= size(&scenario), "{next:?}");
            scenario = next;
        }
        scenario
    }

    #[test]
    fn what_a_failure_needs_is_all_that_remains() {
        let client = builtin::client("reference").unwrap().unwrap();
        let kills = |it: &Scenario| it.inject.iter().any(|it| it.action.is_about_process());
        let mut shrunk_some = 0;
        for number in 1..=200 {
            let storm = draw(3, number, &client).scenario;
            let needs = |it: &Scenario| kills(it) && it.clients.count >= 3;
            if !needs(&storm) {
                continue;
            }
            let small = shrunk(storm, needs);
            assert_eq!(small.clients.count, 3);
            assert_eq!(small.waves.len(), 1, "{small:?}");
            assert!(small.waves[0].before.is_empty());
            // One, or a stop with its continuation.
            assert!(small.inject.len() <= 2, "{:?}", small.inject);
            assert!(small.disk.is_plain() && small.clients.also.is_empty(), "{small:?}");
            assert!(small.clients.under.is_plain() && small.waves[0].under.is_plain(), "{small:?}");
            shrunk_some += 1;
        }
        assert!(shrunk_some > 20);
    }

    #[test]
    fn every_delay_becomes_smaller() {
        let check = |action: Action, expected: Option<&str>| {
            assert_eq!(shorter(&action).map(|it| it.to_string()).as_deref(), expected);
        };
        let span = Span::from_millis;
        check(Action::Delay(span(300)), Some("delay the next step by 150ms"));
        check(Action::Delay(span(9)), None);
        let accept = Action::Fault(Fault::AcceptDelay(span(41)));
        check(accept, Some("the network fault accept-delay=20ms"));
        let latency = Latency { base: span(50), jitter: span(100) };
        check(Action::Fault(Fault::Latency(latency)), Some("the network fault latency=25ms,50ms"));
        let drip = Drip { bytes: ByteSize(16), every: span(20) };
        check(Action::Fault(Fault::Drip(drip)), Some("the network fault drip=16B,10ms"));
        check(Action::Bump, None);
    }
}
