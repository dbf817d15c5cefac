//! An event of a record in plain words: who, and what.

use std::collections::HashMap;

use cachestorm_model::call::Call;
use cachestorm_model::record::{
    AbortedBy, Change, Effect, Event, Excerpt, Exited, Part, Request, Role, Sighting, What,
};
use cachestorm_model::tells::Told;
use cachestorm_model::units::{ClientId, RequestId};

use crate::text::{clean, counted, listed, one_line};

/// Who sent each request; `None` for a stranger.
pub type Senders = HashMap<RequestId, Option<ClientId>>;

/// Reads from a record who sent each request.
pub fn senders(events: &[Event]) -> Senders {
    let requests = events.iter().filter_map(|event| match &event.what {
        What::Request(request) => Some((request.request, request.client)),
        _ => None,
    });
    requests.collect()
}

/// Whose doing the event was: a client, `catwalk`, `disk`, or the `harness`.
pub fn who(what: &What) -> String {
    match what {
        What::Spawned { client, .. }
        | What::Released { client }
        | What::SpawnFailed { client, .. }
        | What::Exited(Exited { client, .. })
        | What::LeftBehind { client, .. }
        | What::Overdue { client, .. }
        | What::Call(Call { client, .. })
        | What::LockWaited { client, .. }
        | What::Lost { client, .. }
        | What::SessionEnded { session: client, .. }
        | What::Request(Request { client: Some(client), .. }) => client.to_string(),
        What::Request(Request { client: None, .. }) => "stranger".to_owned(),
        What::Faulted { .. }
        | What::HeadSent { .. }
        | What::HalfSent { .. }
        | What::ResponseDone { .. }
        | What::ResponseAborted { .. } => "catwalk".to_owned(),
        What::File { .. } | What::Published { .. } | What::Residue { .. } => "disk".to_owned(),
        What::WaveStarted { .. }
        | What::WaveEnded { .. }
        | What::HerdWaits { .. }
        | What::Injected { .. }
        | What::Healed
        | What::Interrupted { .. }
        | What::WatchLost
        | What::Note { .. } => "harness".to_owned(),
    }
}

/// What happened, in words that follow [`who`], on one line.
pub fn told(what: &What, senders: &Senders) -> String {
    one_line(&clean(&words(what, senders)))
}

fn words(what: &What, senders: &Senders) -> String {
    let to = |request: &RequestId| match senders.get(request).copied().flatten() {
        Some(client) => format!("request {request} of {client}"),
        None => format!("request {request}"),
    };
    match what {
        What::WaveStarted { wave, clients } => {
            format!("let wave {wave} go: {}", clients_listed(clients))
        }
        What::WaveEnded { wave } => format!("saw the last process of wave {wave} end"),
        What::Spawned { client, pid, part, session: Some(session), .. } => {
            let purpose = purpose(*part);
            match session == client {
                true => format!("was started as a session, to be asked {purpose} (pid {pid})"),
                false => format!("is the session of {session}, asked again {purpose} (pid {pid})"),
            }
        }
        What::Spawned { pid, part, command, with, publishes, .. } => {
            let with = with.as_ref().map(|with| format!(" of {with}")).unwrap_or_default();
            let purpose = purpose(*part);
            let publishes =
                publishes.map(|serial| format!(", to publish {serial},")).unwrap_or_default();
            format!(
                "was started with the command \"{command}\"{with}{publishes} {purpose} (pid {pid})"
            )
        }
        What::Released { .. } => "was let go".to_owned(),
        What::SpawnFailed { error, .. } => format!("could not be started: {error}"),
        What::Exited(exited) => exit(exited),
        What::SessionEnded { status, told, stderr, .. } => {
            let how = if *told { "as it was told to" } else { "by itself" };
            let complaint = complaint(status.success(), stderr);
            format!("ended its session {how}, with {status}{complaint}")
        }
        What::LeftBehind { pids, .. } => format!(
            "left {} behind, which the harness ended (pid {})",
            counted(pids.len() as u64, "process"),
            listed(pids)
        ),
        What::Overdue { deadline, .. } => {
            format!("outlived its deadline of {deadline}, and the harness killed it")
        }
        What::Request(request) => asked(request),
        What::Faulted { request: Some(request), fault, .. } => {
            format!("put the fault {fault} on the answer to {}", to(request))
        }
        What::Faulted { request: None, client, fault } => {
            let whose = client.map(|client| format!(" of {client}")).unwrap_or_default();
            format!("put the fault {fault} on a connection{whose}")
        }
        What::HeadSent { request, status, serial, body, .. } => {
            let catalogue = serial.map(|serial| format!(", {serial}")).unwrap_or_default();
            let body = counted(*body, "byte");
            format!("answered {} with status {status}{catalogue}, {body} to follow", to(request))
        }
        What::HalfSent { request, sent } => {
            format!("has sent half of the body for {} ({})", to(request), counted(*sent, "byte"))
        }
        What::ResponseDone { request, sent } => {
            format!("has sent the response to {} whole ({})", to(request), counted(*sent, "byte"))
        }
        What::ResponseAborted { request, sent, by } => {
            let after = match sent {
                Some(sent) => format!("after {}", counted(*sent, "byte")),
                None => "before its head".to_owned(),
            };
            let by = match by {
                AbortedBy::Client => "the client",
                AbortedBy::Injection => "an injection",
                AbortedBy::Harness => "the end of the scenario",
            };
            format!("lost the response to {} {after}: ended by {by}", to(request))
        }
        What::HerdWaits { request, waiting, ended, gave_up } => {
            let verb = if *gave_up { "gave up waiting for" } else { "saw" };
            let names = match waiting.as_slice() {
                [] => String::new(),
                some => format!(" ({})", clients_listed(some)),
            };
            format!(
                "{verb} the herd at rest around {}: {} waiting{names}, {ended} ended",
                to(request),
                waiting.len()
            )
        }
        What::File { change, path, role } => file(change, path, *role),
        What::Published { sighting, .. } => match sighting {
            Sighting::Absent => "the published file is absent".to_owned(),
            Sighting::NotShown => "the published file was not looked into".to_owned(),
            Sighting::Planted => "the published file holds what the harness planted".to_owned(),
            Sighting::Whole { serial, exact: true } => {
                format!("the published file holds {serial}, byte for byte")
            }
            Sighting::Whole { serial, exact: false } => {
                format!("the published file holds {serial}, written anew")
            }
            Sighting::Damaged { bytes, how } => {
                format!("the published file is damaged ({}): {how}", counted(*bytes, "byte"))
            }
        },
        What::Call(call) if call.is_over() => format!("called {call}"),
        What::Call(call) => format!("stands before {call}"),
        What::LockWaited { path, .. } => format!("waits for the lock {path}"),
        What::Lost { path, bytes, .. } => {
            let bytes = counted(*bytes, "byte");
            format!("closes {path} in vain, and loses {bytes} that were not synced")
        }
        What::Injected { injection, action, targets, because, effect } => {
            let name = match injection {
                Some(index) => format!("injection {}", index + 1),
                None => "step between waves".to_owned(),
            };
            let whom = match targets.as_slice() {
                [] => String::new(),
                some => format!(" ({})", clients_listed(some)),
            };
            let cause =
                because.map(|event| format!(", fired by event {event}")).unwrap_or_default();
            match effect {
                Effect::Landed => format!("{name}: {action}{whom}{cause}"),
                Effect::Missed(why) => format!("{name} missed: {action}{whom}{cause}: {why}"),
            }
        }
        What::Healed => "took back every fault; the probes follow".to_owned(),
        What::Residue { files, .. } if files.is_empty() => {
            "the cache directory is empty".to_owned()
        }
        What::Residue { files, .. } => {
            let files: Vec<String> =
                files.iter().map(|(path, role)| format!("{path} ({role})")).collect();
            format!("the cache directory holds {}", files.join(", "))
        }
        What::Interrupted { why } => format!("stopped before the end: {why}"),
        What::WatchLost => "lost changes on disk: more came than the system keeps".to_owned(),
        What::Note { text } => format!("notes: {text}"),
    }
}

/// What a process is for, in words that follow its command.
pub fn purpose(part: Part) -> String {
    match part {
        Part::Setup => "to fill the cache".to_owned(),
        Part::Wave(wave) => format!("in wave {wave}"),
        Part::ProbeNow => "as a probe of what the faults left".to_owned(),
        Part::ProbeNextWindow => "as a probe of the next TTL window".to_owned(),
    }
}

fn exit(exited: &Exited) -> String {
    let got = match &exited.got {
        Sighting::NotShown => String::new(),
        Sighting::Absent => " and no catalogue".to_owned(),
        Sighting::Whole { serial, .. } => format!(" and {serial}"),
        Sighting::Planted => " and what the harness planted".to_owned(),
        Sighting::Damaged { bytes, how } => {
            format!(" and a damaged catalogue ({}: {how})", counted(*bytes, "byte"))
        }
    };
    let told = exited.told.as_ref().map(tale).unwrap_or_default();
    let stale = if exited.said_stale { ", saying that it is stale" } else { "" };
    let complaint = complaint(exited.is_success(), &exited.stderr);
    format!("ended with {}{told}{got}{stale}{complaint}", exited.status)
}

/// What a process that failed said on standard error.
fn complaint(succeeded: bool, stderr: &Excerpt) -> String {
    match stderr.text.trim().is_empty() || succeeded {
        true => String::new(),
        false => format!("; standard error: {}", stderr.text),
    }
}

/// What a process told, as the end of half a sentence.
fn tale(told: &Told) -> String {
    let states = told.exit.iter().flatten().map(ToString::to_string).collect::<Vec<_>>();
    let exit = (!states.is_empty()).then(|| format!(" (which tells: {})", states.join(" or ")));
    let output = told.output.iter().map(|(subject, text)| {
        format!(", telling {subject}: {}", text.as_deref().unwrap_or("nothing"))
    });
    exit.into_iter().chain(output).collect()
}

fn asked(request: &Request) -> String {
    let Request { request: id, method, path, if_none_match, .. } = request;
    let condition =
        if_none_match.as_ref().map(|etag| format!(", if none matches {etag}")).unwrap_or_default();
    format!("sent request {id} ({method} {path}){condition}")
}

fn file(change: &Change, path: &str, role: Role) -> String {
    let done = match change {
        Change::Created => "was created".to_owned(),
        Change::Written => "was written and closed".to_owned(),
        Change::Renamed { from: Some(from) } => format!("got its name by a rename from {from}"),
        Change::Renamed { from: None } => "was moved into the directory".to_owned(),
        Change::Removed => "was removed".to_owned(),
        Change::Touched => "got other times or permissions".to_owned(),
    };
    format!("{path} ({role}) {done}")
}

/// `c01 to c14`, `c01 to c03, c07`.
fn clients_listed(clients: &[ClientId]) -> String {
    let mut runs: Vec<(ClientId, ClientId)> = Vec::new();
    for client in clients {
        match runs.last_mut() {
            Some((_, last)) if last.0.checked_add(1) == Some(client.0) => *last = *client,
            _ => runs.push((*client, *client)),
        }
    }
    let words: Vec<String> = runs
        .into_iter()
        .map(|(first, last)| match last.0 - first.0 {
            0 => first.to_string(),
            1 => format!("{first}, {last}"),
            _ => format!("{first} to {last}"),
        })
        .collect();
    words.join(", ")
}

/// The kind of an event in a word or two, for counting.
pub fn kind(what: &What) -> &'static str {
    match what {
        What::WaveStarted { .. } | What::WaveEnded { .. } => "wave",
        What::Spawned { .. } => "start",
        What::Released { .. } => "release",
        What::SpawnFailed { .. } => "failed start",
        What::Exited(_) => "exit",
        What::SessionEnded { .. } => "end of a session",
        What::LeftBehind { .. } => "left-behind",
        What::Overdue { .. } => "overdue client",
        What::Request(_) => "request",
        What::Faulted { .. } => "network fault",
        What::HeadSent { .. } => "head",
        What::HalfSent { .. } => "half",
        What::ResponseDone { .. } => "response",
        What::ResponseAborted { .. } => "aborted response",
        What::HerdWaits { .. } => "herd at rest",
        What::File { .. } => "file change",
        What::Published { .. } => "publication",
        What::Call(_) => "system call",
        What::LockWaited { .. } => "wait for a lock",
        What::Lost { .. } => "loss",
        What::Injected { .. } => "injection",
        What::Healed => "healing",
        What::Residue { .. } => "residue",
        What::Interrupted { .. } => "interruption",
        What::WatchLost => "watch-lost",
        What::Note { .. } => "note",
    }
}

/// Whether an event is of those that a reader of a long record looks for.
pub fn notable(what: &What) -> bool {
    match what {
        What::WaveStarted { .. }
        | What::WaveEnded { .. }
        | What::SpawnFailed { .. }
        | What::LeftBehind { .. }
        | What::Overdue { .. }
        | What::ResponseAborted { .. }
        | What::Faulted { .. }
        | What::Injected { .. }
        | What::Lost { .. }
        | What::Healed
        | What::Residue { .. }
        | What::Interrupted { .. }
        | What::Published { sighting: Sighting::Damaged { .. }, .. } => true,
        What::Exited(exited) => !exited.is_success(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use cachestorm_model::tells::{State, Subject};

    use super::*;

    #[test]
    fn neighbouring_clients_are_named_as_a_range() {
        let check = |numbers: &[u32], expected: &str| {
            let clients: Vec<ClientId> = numbers.iter().copied().map(ClientId).collect();
            assert_eq!(clients_listed(&clients), expected);
        };
        check(&[], "");
        check(&[3], "c03");
        check(&[1, 2], "c01, c02");
        check(&[1, 2, 3, 7, 9, 10, 11], "c01 to c03, c07, c09 to c11");
    }

    #[test]
    fn what_was_told_stands_with_what_it_stands_for() {
        let output =
            BTreeMap::from([(Subject::Locked, Some("true".to_owned())), (Subject::Fetches, None)]);
        let exit = Some(vec![State::Absent, State::Corrupt]);
        let expected =
            " (which tells: absent or corrupt), telling locked: true, telling fetches: nothing";
        assert_eq!(tale(&Told { exit, output }), expected);
        assert_eq!(tale(&Told::default()), "");
    }
}
