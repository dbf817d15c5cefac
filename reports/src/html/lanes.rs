//! One lane for each process: what it was doing when, as far as its record tells.

use std::collections::HashMap;

use cachestorm_model::record::{Effect, ExitStatus, Exited, Part, Record, What};
use cachestorm_model::units::{ClientId, RequestId};
use cachestorm_model::verdict::TtlWindow;

use super::exchanges::{Exchange, exchanges};
use super::row::{Mark, Row, Span, micros};
use crate::events::{Senders, purpose};

/// A process while it is put together.
struct Life {
    part: Option<Part>,
    facts: String,
    /// The client that it runs, where that is not the one under test.
    with: Option<String>,
    spawned: Option<(u64, u32)>,
    released: Option<(u64, u32)>,
    ended: Option<(u64, u32, &'static str)>,
    rank: u8,
    marks: Vec<Mark>,
}

impl Life {
    fn new() -> Self {
        Self {
            part: None,
            facts: String::new(),
            with: None,
            spawned: None,
            released: None,
            ended: None,
            rank: 0,
            marks: Vec::new(),
        }
    }

    fn end(&mut self, at: u64, event: u32, how: &'static str) {
        self.ended = self.ended.or(Some((at, event, how)));
        let words = match how {
            "ok" => "ended well",
            "killed" => "ended by a signal from the harness",
            _ => "failed",
        };
        self.marks.push(Mark::new(at, event, how, words));
    }
}

/// The lanes of a record in the order of its clients, with the client of each.
pub fn lanes(record: &Record, windows: &[TtlWindow]) -> Vec<(ClientId, Row)> {
    let mut order: Vec<ClientId> = Vec::new();
    let mut lives: HashMap<ClientId, Life> = HashMap::new();
    for (event, index) in record.events.iter().zip(0..) {
        let at = micros(event.at);
        let mut life = |client: ClientId, change: &mut dyn FnMut(&mut Life)| {
            change(lives.entry(client).or_insert_with(|| {
                order.push(client);
                Life::new()
            }));
        };
        match &event.what {
            What::Spawned { client, pid, part, command, with, session, .. } => {
                life(*client, &mut |life| {
                    life.part = Some(*part);
                    life.with.clone_from(with);
                    let session = session.map(|first| format!(", session of {first}"));
                    let session = session.unwrap_or_default();
                    life.facts = format!("\"{command}\" {}, pid {pid}{session}", purpose(*part));
                    life.spawned = life.spawned.or(Some((at, index)));
                });
            }
            What::Released { client } => life(*client, &mut |life| {
                life.released = life.released.or(Some((at, index)));
            }),
            What::SpawnFailed { client, .. } => {
                life(*client, &mut |life| life.end(at, index, "failed"));
            }
            What::Exited(exited) => {
                life(exited.client, &mut |life| life.end(at, index, ending(exited)));
            }
            What::SessionEnded { session, status, told, .. } => life(*session, &mut |life| {
                let kind = if *told && status.success() { "rest" } else { "overdue" };
                life.marks.push(Mark::new(at, index, kind, format!("the session ends: {status}")));
            }),
            What::Overdue { client, .. } => life(*client, &mut |life| {
                life.marks.push(Mark::new(at, index, "overdue", "overdue"));
            }),
            What::LockWaited { client, path } => life(*client, &mut |life| {
                life.marks.push(Mark::new(at, index, "rest", format!("waits for the lock {path}")));
            }),
            What::Lost { client, path, bytes } => life(*client, &mut |life| {
                let label = format!("loses {bytes} bytes of {path}");
                life.marks.push(Mark::new(at, index, "inject", label));
            }),
            What::LeftBehind { client, .. } => life(*client, &mut |life| {
                life.marks.push(Mark::new(at, index, "overdue", "left processes behind"));
            }),
            What::Injected { targets, action, effect, .. } => {
                let (kind, rank, words) = match effect {
                    Effect::Landed => ("inject", 2, "hit by an injection"),
                    Effect::Missed(_) => ("missed", 0, "missed by an injection"),
                };
                for target in targets {
                    life(*target, &mut |life| {
                        life.rank = life.rank.max(rank);
                        life.marks.push(Mark::new(at, index, kind, format!("{words}: {action}")));
                    });
                }
            }
            _ => {}
        }
    }
    let published: HashMap<RequestId, u32> =
        windows.iter().filter_map(|window| Some((window.request?, window.opened))).collect();
    let end = record.events.last().map_or(0, |event| micros(event.at));
    let mut by_client: HashMap<ClientId, Vec<Exchange>> = HashMap::new();
    for exchange in exchanges(record) {
        if let Some(client) = exchange.client {
            by_client.entry(client).or_default().push(exchange);
        }
    }
    let lane = |client: ClientId| {
        let life = lives.remove(&client)?;
        let asked = by_client.remove(&client).unwrap_or_default();
        let publish = |exchange: &Exchange| {
            let event = *published.get(&exchange.request)?;
            Some((micros(record.events.get(event as usize)?.at), event))
        };
        Some((client, lane(client, life, &asked, publish, end)))
    };
    order.sort();
    order.into_iter().filter_map(lane).collect()
}

fn ending(exited: &Exited) -> &'static str {
    match exited.status {
        _ if exited.is_success() => "ok",
        ExitStatus::Signal { ours: true, .. } => "killed",
        ExitStatus::Code(_) | ExitStatus::Signal { .. } => "failed",
    }
}

fn lane(
    client: ClientId,
    life: Life,
    asked: &[Exchange],
    publish: impl Fn(&Exchange) -> Option<(u64, u32)>,
    end: u64,
) -> Row {
    let until = life.ended.map_or(end, |(at, _, _)| at);
    let with = life.with.map(|with| format!(" {with}")).unwrap_or_default();
    let mut row = Row::new(format!("{client}{with}"), life.facts);
    row.group = life.part.map(group);
    row.end = life.ended.map_or("alive", |(_, _, how)| how);
    row.rank = match (life.rank, row.end) {
        (2, _) | (_, "failed" | "alive") => 2,
        _ => u8::from(!asked.is_empty()),
    };
    row.marks = life.marks;
    let mut add = |kind, from: u64, to: u64, event, label: String| {
        if to > from {
            row.spans.push(Span { kind, from, to, event, label });
        }
    };
    // One that was never let go was held to its end.
    let (mut now, mut event) = life.released.unwrap_or((until, 0));
    if let Some((spawned, event)) = life.spawned {
        add("start", spawned, now.min(until), event, String::new());
    }
    let mut after = "wait";
    for exchange in asked {
        add(after, now, exchange.arrived.min(until), event, String::new());
        let over = exchange.over.map_or(until, |(at, _)| at).min(until);
        add("fetch", exchange.arrived, over, exchange.event, exchange.words());
        (now, event) = exchange.over.map_or((over, exchange.event), |(_, event)| (over, event));
        after = "wait";
        if let Some((at, opened)) = publish(exchange).filter(|(at, _)| *at > now) {
            add("write", now, at.min(until), event, String::new());
            (now, event, after) = (at.min(until), opened, "exit");
        } else if exchange.is_whole() {
            after = "write";
        }
    }
    add(after, now, until, event, String::new());
    row.marks.extend(asked.iter().map(Exchange::mark));
    row.marks.sort_by_key(|mark| (mark.at, mark.event));
    row
}

fn group(part: Part) -> String {
    match part {
        Part::Setup => "setup".to_owned(),
        Part::Wave(wave) => format!("wave {wave}"),
        Part::ProbeNow => "probe".to_owned(),
        Part::ProbeNextWindow => "probe, next TTL".to_owned(),
    }
}

/// The client that an event is about, also where it is Catwalk's doing.
pub fn client_of(what: &What, senders: &Senders) -> Option<ClientId> {
    match what {
        What::Spawned { client, .. }
        | What::Released { client }
        | What::SpawnFailed { client, .. }
        | What::LeftBehind { client, .. }
        | What::LockWaited { client, .. }
        | What::Lost { client, .. }
        | What::Overdue { client, .. } => Some(*client),
        What::Call(call) => Some(call.client),
        What::Exited(exited) => Some(exited.client),
        What::SessionEnded { session, .. } => Some(*session),
        What::Request(request) => request.client,
        What::HeadSent { request, .. }
        | What::HalfSent { request, .. }
        | What::ResponseDone { request, .. }
        | What::ResponseAborted { request, .. } => senders.get(request).copied().flatten(),
        _ => None,
    }
}
