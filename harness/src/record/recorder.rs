//! Observations of every source become one ordered list of events.
//!
//! Each source stamps what it sees when it sees it, and the engine hears of it a little later. So
//! events are kept in the order of their stamps, not of their hearing, and the numbers by which they
//! refer to one another are settled when the record is finished.

use std::time::Instant;

use crate::model::record::{Effect, Event, ExitStatus, What};
use crate::model::scenario::Action;
use crate::model::units::{Nanos, Signal};

/// Names an event before the record is finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventRef(u32);

/// Collects the events of one run.
#[derive(Debug)]
pub struct Recorder {
    began: Instant,
    events: Vec<Event>,
}

impl Recorder {
    /// Begins a record: times count from `began`.
    pub fn new(began: Instant) -> Self {
        Self { began, events: Vec::new() }
    }

    /// Adds what was seen at `at`.
    pub fn add(&mut self, at: Instant, what: What) -> EventRef {
        let since = at.saturating_duration_since(self.began);
        let at = Nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX));
        let number = u32::try_from(self.events.len()).unwrap_or(u32::MAX);
        self.events.push(Event { at, what });
        EventRef(number)
    }

    /// The number by which an event may refer to another; [`Recorder::finish`] settles it.
    pub fn number(event: EventRef) -> u32 {
        event.0
    }

    /// The events in order of time, with their references settled.
    pub fn finish(self) -> Vec<Event> {
        let mut order: Vec<usize> = (0..self.events.len()).collect();
        order.sort_by_key(|index| (self.events[*index].at, *index));
        let mut new_number = vec![0_u32; order.len()];
        for (new, old) in order.iter().enumerate() {
            new_number[*old] = u32::try_from(new).unwrap_or(u32::MAX);
        }
        let mut old_events: Vec<Option<Event>> = self.events.into_iter().map(Some).collect();
        let mut events: Vec<Event> =
            order.into_iter().filter_map(|index| old_events[index].take()).collect();
        for event in &mut events {
            if let What::Injected { because: Some(because), .. } = &mut event.what {
                *because = new_number.get(*because as usize).copied().unwrap_or(*because);
            }
        }
        settle_kills(&mut events);
        events
    }
}

/// A SIGKILL that was sent in time ends its process by that signal. One whose targets all ended
/// otherwise came too late, whatever `kill` had answered: a process that has ended and was not reaped
/// yet takes signals without a word.
fn settle_kills(events: &mut [Event]) {
    let killed = |status: ExitStatus| matches!(status, ExitStatus::Signal { number: 9, .. });
    let mut statuses = std::collections::BTreeMap::new();
    for event in events.iter() {
        if let What::Exited(exited) = &event.what {
            statuses.insert(exited.client, exited.status);
        }
    }
    for event in events {
        if let What::Injected {
            action: Action::Kill(Signal::Kill) | Action::KillGroup(Signal::Kill),
            targets,
            effect: effect @ Effect::Landed,
            ..
        } = &mut event.what
            && !targets.iter().any(|target| statuses.get(target).is_some_and(|s| killed(*s)))
        {
            *effect = Effect::Missed("the process had ended by itself".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::record::{Excerpt, Exited, Sighting};
    use crate::model::units::ClientId;

    fn exited(status: ExitStatus) -> What {
        What::Exited(Exited {
            client: ClientId(1),
            status,
            user_us: 0,
            system_us: 0,
            max_rss_kib: 0,
            delayed_us: None,
            got: Sighting::Absent,
            stdout: Excerpt::default(),
            stderr: Excerpt::default(),
            said_stale: false,
            told: None,
        })
    }

    fn kill(because: u32) -> What {
        What::Injected {
            injection: Some(0),
            action: Action::Kill(Signal::Kill),
            targets: vec![ClientId(1)],
            because: Some(because),
            effect: Effect::Landed,
        }
    }

    #[test]
    fn events_are_ordered_by_their_stamps_and_references_follow() {
        let began = Instant::now();
        let at = |millis| began + Duration::from_millis(millis);
        let mut recorder = Recorder::new(began);
        let note = |text: &str| What::Note { text: text.to_owned() };
        recorder.add(at(5), note("b"));
        let cause = recorder.add(at(7), note("c"));
        recorder.add(at(8), kill(Recorder::number(cause)));
        recorder.add(at(3), note("a"));
        recorder.add(at(9), exited(ExitStatus::Signal { number: 9, ours: true }));
        let events = recorder.finish();
        let times: Vec<u64> = events.iter().map(|event| event.at.0 / 1_000_000).collect();
        assert_eq!(times, [3, 5, 7, 8, 9]);
        assert_eq!(events[3].what, kill(2));
    }

    #[test]
    fn a_kill_that_came_too_late_is_not_called_landed() {
        let check = |status, landed: bool| {
            let mut recorder = Recorder::new(Instant::now());
            recorder.add(Instant::now(), kill(0));
            recorder.add(Instant::now(), exited(status));
            let events = recorder.finish();
            let What::Injected { effect, .. } = &events[0].what else { panic!() };
            assert_eq!(*effect == Effect::Landed, landed, "{effect:?}");
        };
        check(ExitStatus::Signal { number: 9, ours: true }, true);
        check(ExitStatus::Code(0), false);
        check(ExitStatus::Signal { number: 11, ours: false }, false);
    }
}
