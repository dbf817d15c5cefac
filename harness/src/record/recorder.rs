//! Observations of every source become one ordered list of events.
//!
//! Each source stamps what it sees when it sees it, and the engine hears of it a little later. So
//! events are kept in the order of their stamps, not of their hearing, and the numbers by which they
//! refer to one another are settled when the record is finished.

use std::time::Instant;

use crate::model::call::{Call, CallResult};
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
        settle_cuts(&mut events);
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

/// A cut is made before its call, and only what came of the call tells whether there was as much as it was cut to. One
/// that transferred less, or failed, went as it would have gone anyway. Of one that never returned nobody knows.
fn settle_cuts(events: &mut [Event]) {
    for at in 0..events.len() {
        let What::Injected {
            action: Action::Short(bytes),
            because: Some(because),
            effect: Effect::Landed,
            ..
        } = &events[at].what
        else {
            continue;
        };
        let what_it_did = match returned(events, *because as usize) {
            Some(call) if call.was_cut_short() => continue,
            Some(Call { name, result: CallResult::Returned(0), .. }) => {
                format!("this {name} had nothing to transfer")
            }
            Some(Call { name, result: CallResult::Returned(_), .. }) => {
                format!("this {name} transferred less than {bytes} by itself")
            }
            Some(Call { name, result: result @ CallResult::Failed(_), .. }) => {
                format!("this {name} failed by itself ({result})")
            }
            _ => continue,
        };
        if let What::Injected { effect, .. } = &mut events[at].what {
            *effect = Effect::Missed(what_it_did);
        }
    }
}

/// What came of the call that was pending at an event.
fn returned(events: &[Event], pending: usize) -> Option<&Call> {
    let What::Call(before) = &events.get(pending)?.what else { return None };
    let is_same = |call: &&Call| {
        (call.tid, call.client, call.name) == (before.tid, before.client, before.name)
            && (&call.path, &call.to) == (&before.path, &before.to)
            && call.is_over()
    };
    let later = events.iter().skip(pending.saturating_add(1));
    let mut calls = later.filter_map(|event| match &event.what {
        What::Call(call) => Some(call),
        _ => None,
    });
    calls.find(is_same)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::call::{CUT_SHORT, CallName, Place};
    use crate::model::record::{Excerpt, Exited, Sighting};
    use crate::model::units::{ByteSize, ClientId};

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

    #[test]
    fn a_cut_that_its_call_did_not_come_to_is_not_called_landed() {
        let call = |tid, result, flags: &str| {
            let path = Some(Place { path: "127.0.0.1:1".to_owned(), role: None });
            let (client, pid, name, to) = (ClientId(1), 1, CallName::Recv, None);
            let (flags, bytes) = (flags.to_owned(), Some(65536));
            What::Call(Call { client, pid, tid, name, path, to, flags, bytes, result })
        };
        let check = |result, flags: &str, expected: Effect| {
            let mut recorder = Recorder::new(Instant::now());
            let mut add = |what| recorder.add(Instant::now(), what);
            let before = add(call(1, CallResult::Pending, ""));
            add(What::Injected {
                injection: Some(0),
                action: Action::Short(ByteSize(61440)),
                targets: vec![ClientId(1)],
                because: Some(Recorder::number(before)),
                effect: Effect::Landed,
            });
            // Another thread's, and another one of this thread.
            add(call(2, CallResult::Returned(7), ""));
            add(call(1, result, flags));
            add(call(1, CallResult::Returned(8), ""));
            let events = recorder.finish();
            let What::Injected { effect, .. } = &events[1].what else { panic!() };
            assert_eq!(*effect, expected);
        };
        let missed = |why: &str| Effect::Missed(why.to_owned());
        check(CallResult::Returned(61440), CUT_SHORT, Effect::Landed);
        // The first of several buffers had less room than that.
        check(CallResult::Returned(100), CUT_SHORT, Effect::Landed);
        let less = missed("this recv transferred less than 60KiB by itself");
        check(CallResult::Returned(119), "", less);
        check(CallResult::Returned(0), "", missed("this recv had nothing to transfer"));
        let failed = missed("this recv failed by itself (= ECONNRESET)");
        check(CallResult::Failed(libc::ECONNRESET), "", failed);
        check(CallResult::Never, "", Effect::Landed);
    }
}
