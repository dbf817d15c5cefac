//! How the cache was: fresh, stale, absent or corrupt.

use super::{Held, Life};
use crate::judge::history::{History, Moment, Process};
use crate::judge::stale_if_error::bound::{self, Reached};
use crate::judge::windows::Phase;
use crate::model::record::{Change, Role, Sighting, What};
use crate::model::scenario::{Action, Content};
use crate::model::tells::{Fact, State};

/// Holds a word on standard output against how the cache was.
pub(super) fn hold_word(history: &History<'_>, life: Life, word: &str) -> Held {
    match State::named(word) {
        Some(state) => hold(history, life, &[state], "on standard output"),
        None => {
            let names = State::ALL.map(State::as_str).join(", ");
            Held::Lie(None, format!("told the state \"{word}\", which is none of {names}"))
        }
    }
}

/// Holds states, one of which is told, against how the cache was.
pub(super) fn hold(history: &History<'_>, life: Life, told: &[State], how: &str) -> Held {
    let Some(possible) = possible(history, life) else { return Held::Unknown };
    let [(first, since), ..] = possible[..] else { return Held::Unknown };
    let alone = possible.iter().all(|(state, _)| *state == first);
    if possible.iter().any(|(state, _)| told.contains(state)) {
        return if alone { Held::True(Fact::from(first)) } else { Held::Unknown };
    }
    let told = told.iter().map(|state| state.as_str()).collect::<Vec<_>>().join(" or ");
    let was = possible.iter().map(|(state, _)| state.as_str()).collect::<Vec<_>>();
    let was = was.join(", then ");
    let why = match (first, since) {
        (State::Absent, _) => "nothing was published".to_owned(),
        (_, None) => "as the record shows".to_owned(),
        (State::Fresh, Some(seen)) => format!("it had been published or renewed at {seen}"),
        (State::Stale, Some(seen)) => {
            format!("what had been published or renewed at {seen} was past its TTL")
        }
        (State::Corrupt, Some(seen)) => {
            format!("what lay there since {seen} was no whole catalogue")
        }
    };
    let fact = alone.then(|| Fact::from(first));
    Held::Lie(fact, format!("told {how} that the cache was {told}, and it was {was}: {why}"))
}

/// The states that the cache was in, one after another, in the life of a process and as long as its end may have been
/// seen before what it saw; each with since when. `None` where one of them is not known.
fn possible(history: &History<'_>, life: Life) -> Option<Vec<(State, Option<Moment>)>> {
    let (from, ended) = (life.released.index, life.ended.index);
    let faults = &history.faults;
    if faults.unreadable.overlap(from, ended) || faults.closed.overlap(from, ended) {
        return None;
    }
    let seen = history.sightings.iter().map(|seen| seen.moment.index);
    let until = if was_nothing_given(history, life) { ended } else { history.end_of_wave(ended) };
    let acts = history.injected.iter().map(|injected| injected.moment.index);
    let during = |points: &usize| (from..until).contains(points);
    let mut points: Vec<usize> = seen.filter(during).collect();
    // What the harness did itself is recorded before it has an effect.
    points.extend(acts.filter(|act| (from..ended).contains(act)));
    // What is told of is what was so before the event.
    points.iter_mut().for_each(|point| *point += 1);
    points.extend([from, ended]);
    points.sort_unstable();
    points.dedup();
    let mut states: Vec<(State, Option<Moment>)> = Vec::new();
    for point in points {
        let state = at(history, point)?;
        if states.last().is_none_or(|(last, _)| *last != state.0) {
            states.push(state);
        }
    }
    Some(states)
}

/// Whether nobody of the wave had got anything to publish, or been told to change what was, when the process ended.
/// Then nothing that was seen later can be what it found, however late it was seen.
fn was_nothing_given(history: &History<'_>, life: Life) -> bool {
    let ended = life.ended.index;
    let before = history.record.events[..life.released.index].iter();
    let start = before.rev().position(|event| matches!(event.what, What::WaveStarted { .. }));
    let Some(start) = start.map(|back| life.released.index - back - 1) else { return false };
    let within = |index: usize| start < index && index < ended;
    let over = history.end_of_wave(ended);
    let removed = history.files.iter().any(|file| {
        let after = ended < file.moment.index && file.moment.index < over;
        after && file.role == Role::Published && *file.change == Change::Removed
    });
    let changes = |other: &Process<'_>| {
        let told = other.publishes.is_some() || other.goes_back() || other.command == "clear";
        told && other.life().is_some_and(|(first, last)| first < ended && start < last)
    };
    let answered = history.exchanges.iter().filter_map(|exchange| exchange.head);
    !answered.map(|head| head.moment.index).any(within)
        && !history.processes.iter().any(changes)
        && !removed
}

/// The state before an event, and since when. `None` where it is not known.
fn at(history: &History<'_>, event: usize) -> Option<(State, Option<Moment>)> {
    let Some(seen) = history.published_before(event) else { return Some((State::Absent, None)) };
    let since = Some(seen.moment);
    let serial = match seen.sighting {
        Sighting::Absent => return Some((State::Absent, since)),
        Sighting::Damaged { .. } => return Some((State::Corrupt, since)),
        Sighting::Planted => {
            return is_planted_damage(history, event).then_some((State::Corrupt, since));
        }
        Sighting::NotShown => return None,
        Sighting::Whole { serial, .. } => *serial,
    };
    let now = *history.moments.get(event).or(history.moments.last())?;
    let window = &history.windows.all[history.windows.before(event)?];
    // Where an event closed it, what lies there since may be as fresh as it is dated.
    if window.serial != serial || window.closed.is_some_and(|closed| closed.index < event) {
        return None;
    }
    // What the harness did itself it recorded before it had an effect: until then the window was open.
    let by_act = |closed: Moment| {
        history.faults.on_published.binary_search_by_key(&closed.index, |act| act.index).is_ok()
    };
    let phase = match window.closed.is_none_or(by_act) {
        true => window.phase_by_time(now, history.ttl),
        false => window.phase(now, history.ttl),
    };
    match phase {
        Phase::Open => Some((State::Fresh, Some(window.opened))),
        // Whether it is too old to be served is a state for which there is no word.
        Phase::Over if bound::reached(history, now, now) != Reached::No => None,
        Phase::Over => Some((State::Stale, Some(window.opened))),
        Phase::NearEnd => None,
    }
}

/// Whether what an injection has last planted over the published file is no catalogue.
fn is_planted_damage(history: &History<'_>, event: usize) -> bool {
    let path = history.record.client.files.published.as_str();
    let mut contents = history.injected.iter().rev().filter_map(|injected| match injected.action {
        Action::Plant(plant) if ["published", path].contains(&plant.path.as_str()) => {
            (injected.moment.index < event && injected.landed()).then_some(plant.content)
        }
        _ => None,
    });
    let damage =
        |content| matches!(content, Content::Empty | Content::Garbage | Content::Truncated);
    contents.next().is_some_and(damage)
}
