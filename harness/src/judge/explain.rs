//! Which failures the injected faults explain: the one place that decides it.
//!
//! A cache is not to blame for a process that the harness killed or for a response that it broke. What
//! explains what:
//!
//! | fault | the fetch came to nothing | the client failed | the client returned an old catalogue |
//! |---|---|---|---|
//! | kill | of the one killed | of the one killed | never: a peer takes over |
//! | stop, or a delay at a call | of the one stopped | of the one stopped, and of all that end meanwhile before there is any catalogue | of all that lived meanwhile: they may neither wait for ever nor break the lock |
//! | a call of the network that fails | of the one whose call it was | of the one whose call it was | of all that lived meanwhile, but of the one whose call it was only if no answer came after it |
//! | another call that fails, or one that transfers less | of the one whose call it was | of the one whose call it was | of the one whose call it was if it says so, and of all others that lived meanwhile |
//! | kill of a process that the client had started, alone | as a call of it that fails, which is all that the client sees of it | likewise | likewise |
//! | answer, stall, reset; a fault that denies or spoils | of that request | of its sender | of all that lived meanwhile |
//! | delay of a response; a fault that slows | if its sender gave up for it | of its sender, unless all of the answer came | of all that lived meanwhile |
//! | an answer that was held until the harness gave up on the herd, or that it owed for half of the clients' patience | like a delay | like a delay | like a delay |
//! | a fault that spares | never | never | never |
//! | connections refused or hanging | there is none | of those it is against | of all that lived meanwhile |
//! | server down | of all in flight | of all that lived meanwhile | of all that lived meanwhile |
//! | connections served late | there is none | of those it is against, unless all of an answer came | of all that lived meanwhile |
//! | directory wiped | of all that lived then | of all that lived then | never |
//! | disk full, directory closed to the clients | of all that lived meanwhile | of all that lived meanwhile | of all that lived meanwhile |
//!
//! No fault of the server or of the network explains that a client failed to read a cache that was fresh for all of
//! its life: a hit asks nobody.

use super::history::{Exchange, Faults, History, Moment, Process, Seen};
use super::windows::Phase;
use crate::model::fault::{Detectable, Harm};
use crate::model::record::AbortedBy;
use crate::model::units::Signal;

/// When a fetch was over: its response ended, or its sender did. A head with no body to follow ends it,
/// and so does SIGKILL; any other signal leaves its receiver running until it exits.
pub(super) fn over(exchange: &Exchange<'_>, sender: Option<&Process<'_>>) -> Option<Moment> {
    let response = exchange.end.map(|(moment, _)| moment);
    let bodiless = exchange.head.filter(|head| head.body == 0).map(|head| head.moment);
    let death = sender.and_then(death).map(|death| match death.index < exchange.arrived.index {
        true => exchange.arrived,
        false => death,
    });
    [response, bodiless, death].into_iter().flatten().min_by_key(|moment| moment.index)
}

/// When a process was surely dead: SIGKILL, its deadline or its exit.
fn death(process: &Process<'_>) -> Option<Moment> {
    let mut kills = process.kills.iter().filter(|(_, signal)| *signal == Signal::Kill);
    kills.next().map(|(moment, _)| *moment).or(process.ended())
}

/// Whether a request arrived from a process that had ended: it was on its way already, and says nothing
/// about what its sender would have done had it lived.
pub(super) fn is_posthumous(exchange: &Exchange<'_>, sender: &Process<'_>) -> bool {
    death(sender).is_some_and(|death| death.index < exchange.arrived.index)
}

/// From when on an injected fault explains that nothing came of a fetch, if one does.
pub(super) fn failure(
    exchange: &Exchange<'_>,
    sender: Option<&Process<'_>>,
    faults: &Faults,
) -> Option<Moment> {
    let arrived = exchange.arrived.index;
    let end = exchange.end;
    let sender_end = sender.and_then(Process::ended).map_or(usize::MAX, |moment| moment.index);
    let response_end = end.map_or(sender_end, |(moment, _)| moment.index);
    let mut since: Vec<Moment> = Vec::new();
    if let Some(process) = sender {
        since.extend(process.kills.iter().map(|(moment, _)| *moment));
        since.extend(process.overdue.map(|(moment, _)| moment));
        // Also one before the request: who could not lock may fetch, and not publish.
        since.extend(process.broken_calls.first().copied());
        let stops = process.stops.iter();
        since.extend(
            stops.filter(|(_, to)| to.is_none_or(|to| to.index > arrived)).map(|(from, _)| *from),
        );
    }
    let delayed = exchange.hits.iter().any(|(_, harm)| *harm == Harm::Slows);
    let broken = exchange.hits.iter().filter(|(_, harm)| *harm != Harm::Slows);
    since.extend(broken.map(|(moment, _)| *moment));
    since.extend(match end {
        Some((moment, Some(AbortedBy::Injection | AbortedBy::Harness))) => Some(moment),
        Some((moment, Some(AbortedBy::Client))) if delayed => Some(moment),
        Some((moment, None)) => {
            // What the client published may have been wiped away before anyone looked.
            let wiped = faults.on_published.partition_point(|act| act.index <= moment.index);
            faults.on_published.get(wiped).copied()
        }
        _ => None,
    });
    since.extend(faults.down.first_in(arrived, response_end));
    since.extend(faults.disk.first_in(arrived, sender_end));
    // As above.
    since.extend(sender.and_then(|process| unlocked(process, faults, arrived)));
    since.extend(faults.wiped_in(arrived, sender_end));
    since.into_iter().min_by_key(|moment| moment.index)
}

/// When the directory was closed to a process that asked later, if it was: it may have come to the lock just then,
/// could make none, and asks without. What a slow process asks for so may arrive when the directory is open again.
pub(super) fn unlocked(process: &Process<'_>, faults: &Faults, asked: usize) -> Option<Moment> {
    faults.closed.first_in(process.released?.index, asked)
}

/// The spans of events in which an injected fault kept a fetch from its answer, or its sender from
/// passing the answer on.
pub(super) fn troubled(history: &History<'_>) -> Vec<(Moment, Option<Moment>)> {
    let was_stopped =
        |exchange| history.sender(exchange).is_some_and(|sender| !sender.stops.is_empty());
    let fetches =
        history.fetches().filter(|exchange| exchange.is_faulted() || was_stopped(exchange));
    fetches
        .map(|exchange| {
            let sender_end = history.sender(exchange).and_then(Process::ended);
            (exchange.arrived, sender_end.or(exchange.over))
        })
        .collect()
}

/// Whether an injected fault kept anybody from the server, or from passing on what it said, at any
/// time in a process's life. A harness that had broken off, because it could not serve say, may have done
/// so too.
pub(super) fn server_failed_during(history: &History<'_>, process: &Process<'_>) -> bool {
    !process.broken_calls.is_empty() || failed_around(history, process)
}

/// Whether injected faults excuse that a process returned an old catalogue: those around it, and among the
/// calls of its own that failed those that cut it off, as a server that is away does. After any other it knew
/// what it did, and is excused if it said so.
pub(super) fn age_explained(history: &History<'_>, process: &Process<'_>) -> bool {
    let said_so = process.exited.is_some_and(|(_, exited)| exited.said_stale);
    let own = !process.broken_calls.is_empty() && said_so;
    own || is_cut_off_by_call(history, process) || failed_around(history, process)
}

/// Whether an injection made a call of the network fail, and the process got nothing from the server after it.
/// An answer that was on its way counts where the process returned what it held: the rest of a connection may
/// fail when all of it has come.
pub(super) fn is_cut_off_by_call(history: &History<'_>, process: &Process<'_>) -> bool {
    let Some(lost) = process.lost_calls.last() else { return false };
    let returned = process.returned().map(|(_, serial)| serial);
    let answered = |fetch: &Exchange<'_>| {
        let serial = fetch.answer().map(|(_, serial)| serial);
        fetch.vouched().is_some() && (fetch.arrived.index > lost.index || serial == returned)
    };
    !history.fetches_of(process).any(answered)
}

/// As [`server_failed_during`], but for the calls of the process itself.
fn failed_around(history: &History<'_>, process: &Process<'_>) -> bool {
    process.life().is_some_and(|(first, last)| {
        history.interrupted.is_some_and(|(at, _)| at.index < last)
            || history.faults.down.overlap(first, last)
            || history.faults.cut_off.overlap_any(first, last)
            || history.faults.slowed.overlap_any(first, last)
            || history.faults.disk.overlap(first, last)
            || history.troubled.overlap(first, last)
            || has_troubled_peer(history, process, (first, last))
    })
}

/// Whether a peer whose calls an injection made fail had sent a fetch and lived between two events.
fn has_troubled_peer(
    history: &History<'_>,
    process: &Process<'_>,
    (first, last): (usize, usize),
) -> bool {
    let mut peers = history.processes.iter().filter(|peer| {
        !peer.broken_calls.is_empty()
            && peer.client != process.client
            && peer.ended().is_none_or(|ended| ended.index >= first)
    });
    peers.any(|peer| history.fetches_of(peer).any(|fetch| fetch.arrived.index <= last))
}

/// Whether injected faults explain that a process failed.
pub(super) fn exit_explained(history: &History<'_>, process: &Process<'_>) -> bool {
    let faults = &history.faults;
    let own_fetch = || history.fetches_of(process).any(Exchange::is_kept_from_sender);
    let was_answered = || history.fetches_of(process).any(|fetch| fetch.vouched().is_some());
    let server = |(first, last)| {
        own_fetch()
            || faults.down.overlap(first, last)
            || faults.cut_off.overlap(process.started_as(), first, last)
            || (faults.slowed.overlap(process.started_as(), first, last) && !was_answered())
    };
    let directory =
        |(first, last)| faults.disk.overlap(first, last) || faults.was_wiped(first, last);
    !process.kills.is_empty()
        || !process.stops.is_empty()
        || !process.broken_calls.is_empty()
        || process.life().is_some_and(|life| {
            directory(life) || (server(life) && !had_fresh_cache(history, process))
        })
        || is_locked_out(history, process)
}

/// Whether a process that reads through the cache could have done so without a word to anybody: one window was
/// open for all of its life, and what had opened it lay there.
fn had_fresh_cache(history: &History<'_>, process: &Process<'_>) -> bool {
    let (Some(released), Some(ended)) = (process.released, process.ended()) else { return false };
    let Some(last) = history.windows.before(released.index) else { return false };
    let window = &history.windows.all[last];
    let open = |moment| window.phase(moment, history.ttl) == Phase::Open;
    let there = |seen: &Seen<'_>| seen.sighting.serial() == Some(window.serial);
    process.is_get()
        && open(released)
        && open(ended)
        && history.published_before(released.index).is_some_and(there)
        && history.published_before(ended.index).is_some_and(there)
}

/// Whether a process ended with nothing to give while one that had asked for the first catalogue of all, or had
/// taken a lock for it, was suspended: it may neither wait for ever nor break the lock, and there is nothing old to be served.
fn is_locked_out(history: &History<'_>, process: &Process<'_>) -> bool {
    let Some((_, last)) = process.life() else { return false };
    let stopped = |other: &Process<'_>| {
        let mut stops = other.stops.iter();
        stops.any(|(from, to)| from.index < last && to.is_none_or(|to| to.index > last))
    };
    let asked = |other: &Process<'_>| {
        other.locked.is_some_and(|locked| locked.index < last)
            || history.fetches_of(other).any(|fetch| fetch.arrived.index < last)
    };
    history.windows.before(last).is_none()
        && history
            .processes
            .iter()
            .any(|other| other.client != process.client && stopped(other) && asked(other))
}

/// A clause about the last answer before an event that was no catalogue or not all of one, and what
/// could have told; empty where there was none.
pub(super) fn bait(history: &History<'_>, event: usize) -> String {
    let spoiled = history.fetches().filter_map(|fetch| {
        let harmful = |harm| matches!(harm, Harm::Denies | Harm::Spoils);
        let (moment, fault) = fetch.faults.iter().rfind(|(_, it)| harmful(it.facts().harm))?;
        (moment.index < event).then_some((fetch, *moment, fault))
    });
    let Some((fetch, moment, fault)) = spoiled.max_by_key(|(_, moment, _)| moment.index) else {
        return String::new();
    };
    let to = match history.sender(fetch) {
        Some(sender) => format!("{} ({})", sender.client, fetch.request.request),
        None => fetch.request.request.to_string(),
    };
    let told = fault.facts().detectable;
    format!("; the answer to {to} had met the fault {fault} at {moment}, which the {told} shows")
}

/// A clause that says what can be demanded of a client after the faults that went on the wire; empty
/// where none did.
pub(super) fn demands(history: &History<'_>) -> String {
    let met = |detectable| {
        let mut names: Vec<&str> = Vec::new();
        for (_, fault) in &history.met {
            let facts = fault.facts();
            if facts.detectable == detectable && !names.contains(&facts.name) {
                names.push(facts.name);
            }
        }
        names
    };
    let clauses = [
        (Detectable::Transport, "the transport shows"),
        (Detectable::Content, "only the content shows"),
        (Detectable::None, "nothing shows, so that nothing is demanded for it,"),
    ];
    let said = clauses.iter().filter_map(|(detectable, clause)| {
        let names = met(*detectable);
        (!names.is_empty()).then(|| format!("; {clause} {}", names.join(", ")))
    });
    said.collect()
}
