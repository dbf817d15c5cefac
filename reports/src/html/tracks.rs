//! The rows above the processes: what was injected, Catwalk, the cache file, the locks, temporaries.

use std::collections::BTreeMap;

use cachestorm_model::record::{Change, Effect, Record, Role, Sighting, What};
use cachestorm_model::scenario::Action;

use super::exchanges::{Exchange, exchanges};
use super::row::{Mark, Row, Span, counts, micros};

/// So many lock files have a row of their own; further ones share the last.
const LOCKS: usize = 3;

/// The rows of a record, each with a word for what it is.
pub struct Tracks {
    /// The rows in order: injections, Catwalk, cache file, locks, temporaries.
    pub rows: Vec<Row>,
    locks: Vec<String>,
}

/// The row of what the harness did.
const HARNESS: usize = 0;
const CATWALK: usize = 1;
const CACHE: usize = 2;

impl Tracks {
    /// The rows of a record.
    pub fn of(record: &Record) -> Self {
        let mut locks: Vec<String> = Vec::new();
        let mut more = false;
        for event in &record.events {
            let What::File { path, role: Role::Lock, .. } = &event.what else { continue };
            match locks.contains(path) {
                false if locks.len() < LOCKS => locks.push(path.clone()),
                known => more |= !known,
            }
        }
        let mut rows = vec![harness(record), catwalk(record), cache(record)];
        for (number, path) in locks.iter().enumerate() {
            let last = number + 1 == LOCKS;
            let is_it = |role, other: &str| {
                role == Role::Lock
                    && (other == path || (last && !locks.iter().any(|it| it == other)))
            };
            let others = if last && more { " and others" } else { "" };
            let name = format!("lock {path}{others}");
            rows.push(files(record, name, "lock", "the lock file exists", is_it));
        }
        rows.push(temporaries(record));
        Self { rows, locks }
    }

    /// The row on which an event is drawn, as an index.
    pub fn row_of(&self, what: &What) -> Option<usize> {
        match what {
            What::Request(_)
            | What::HeadSent { .. }
            | What::HalfSent { .. }
            | What::ResponseDone { .. }
            | What::ResponseAborted { .. } => Some(CATWALK),
            What::Published { .. } => Some(CACHE),
            What::File { path, role, .. } => match role {
                Role::Published | Role::Sidecar => Some(CACHE),
                Role::Lock => {
                    let own = self.locks.iter().position(|lock| lock == path);
                    Some(CACHE + 1 + own.unwrap_or(self.locks.len().saturating_sub(1)))
                }
                Role::Temp => Some(CACHE + 1 + self.locks.len()),
                Role::Other => None,
            },
            What::WaveStarted { .. }
            | What::WaveEnded { .. }
            | What::HerdWaits { .. }
            | What::Injected { .. }
            | What::Healed
            | What::Residue { .. }
            | What::Interrupted { .. }
            | What::WatchLost
            | What::Note { .. } => Some(HARNESS),
            _ => None,
        }
    }
}

fn harness(record: &Record) -> Row {
    let mut row = Row::new("injections", "What the harness did, and what it waited for.");
    let mut periods = Periods::new();
    let end = record.events.last().map_or(0, |event| micros(event.at));
    for (event, index) in record.events.iter().zip(0..) {
        let at = micros(event.at);
        let mark = |kind, label: String| Some(Mark::new(at, index, kind, label));
        row.marks.extend(match &event.what {
            What::Injected { injection, action, effect, .. } => {
                match Period::of(action).filter(|_| *effect == Effect::Landed) {
                    Some(period) if period.begins => {
                        periods.entry(period.label).or_insert((period.kind, at, index));
                    }
                    Some(Period { label, .. }) => {
                        if let Some((kind, from, event)) = periods.remove(&label) {
                            row.spans.push(Span { kind, from, to: at, event, label });
                        }
                    }
                    None => {}
                }
                let kind = match (effect, injection) {
                    (Effect::Missed(_), _) => "missed",
                    (Effect::Landed, Some(_)) => "inject",
                    (Effect::Landed, None) => "step",
                };
                let number = injection.map(|it| format!("{}: ", it + 1)).unwrap_or_default();
                mark(kind, format!("{number}{action}"))
            }
            What::WaveStarted { wave, .. } => mark("wave", format!("wave {wave} starts")),
            What::WaveEnded { wave } => mark("wave-end", format!("wave {wave} has ended")),
            What::HerdWaits { gave_up: false, .. } => mark("rest", "herd at rest".to_owned()),
            What::HerdWaits { .. } => mark("warn", "no rest was seen".to_owned()),
            What::Healed => {
                row.spans.extend(ended(std::mem::take(&mut periods), at));
                mark("healed", "faults taken back".to_owned())
            }
            What::Interrupted { .. } => mark("warn", "interrupted".to_owned()),
            What::WatchLost => mark("warn", "changes on disk were lost".to_owned()),
            What::Residue { .. } => mark("note", "what is left on disk".to_owned()),
            What::Note { .. } => mark("note", "note".to_owned()),
            _ => None,
        });
    }
    row.spans.extend(ended(periods, end));
    row
}

/// What had begun and lasted up to here, by its label.
type Periods = BTreeMap<String, (&'static str, u64, u32)>;

fn ended(periods: Periods, to: u64) -> impl Iterator<Item = Span> {
    periods.into_iter().map(move |(label, (kind, from, event))| Span {
        kind,
        from,
        to,
        event,
        label,
    })
}

/// A state of the world that one action begins and another ends.
struct Period {
    label: String,
    kind: &'static str,
    begins: bool,
}

impl Period {
    fn of(action: &Action) -> Option<Self> {
        let (label, kind, begins) = match action {
            Action::CatwalkDown => ("Catwalk is down".to_owned(), "down", true),
            Action::CatwalkUp => ("Catwalk is down".to_owned(), "down", false),
            Action::ReadOnly => ("the directory is read-only".to_owned(), "read-only", true),
            Action::Writable => ("the directory is read-only".to_owned(), "read-only", false),
            Action::Fill(_) => ("the disk is full".to_owned(), "read-only", true),
            Action::Free => ("the disk is full".to_owned(), "read-only", false),
            Action::ServiceDown(name) | Action::ServiceHang(name) => {
                (format!("{name} does not answer"), "down", true)
            }
            Action::ServiceUp(name) => (format!("{name} does not answer"), "down", false),
            _ => return None,
        };
        Some(Self { label, kind, begins })
    }
}

fn catwalk(record: &Record) -> Row {
    let exchanges = exchanges(record);
    let mut row = Row::new("Catwalk", "Requests as they arrive, and how many are under way.");
    let life = |it: &Exchange| (it.arrived, it.over.map(|(at, _)| at));
    row.load = counts(exchanges.iter().map(life));
    row.marks = exchanges
        .iter()
        .map(|exchange| {
            let mut mark = exchange.mark();
            if let Some(client) = exchange.client {
                mark.label = format!("{client} {}", Exchange::words(exchange));
            }
            mark
        })
        .collect();
    row
}

/// What the published path held from one look to the next, and what became of the file.
fn cache(record: &Record) -> Row {
    let published = &record.client.files.published;
    let mut row =
        Row::new(format!("cache {published}"), "What the published path was seen to hold.");
    let end = record.events.last().map_or(0, |event| micros(event.at));
    let mut open: Option<Span> = None;
    for (event, index) in record.events.iter().zip(0..) {
        let at = micros(event.at);
        match &event.what {
            What::Published { sighting, .. } => {
                let (kind, label) = state(sighting);
                if let Some(span) =
                    open.replace(Span { kind, from: at, to: end, event: index, label })
                {
                    row.spans.push(Span { to: at, ..span });
                }
                row.marks.push(Mark::new(at, index, look(sighting), state(sighting).1));
            }
            What::File { change, role: Role::Published | Role::Sidecar, path } => {
                row.marks.push(Mark::new(
                    at,
                    index,
                    touch(change),
                    format!("{path} {}", done(change)),
                ));
            }
            _ => {}
        }
    }
    row.spans.extend(open);
    row
}

fn state(sighting: &Sighting) -> (&'static str, String) {
    match sighting {
        Sighting::Absent => ("absent", "no file".to_owned()),
        Sighting::NotShown => ("absent", "not looked into".to_owned()),
        Sighting::Planted => ("planted", "planted by the harness".to_owned()),
        Sighting::Damaged { how, .. } => ("damaged", format!("damaged: {how}")),
        Sighting::Whole { serial, .. } if serial.0 % 2 == 0 => ("whole-even", serial.to_string()),
        Sighting::Whole { serial, .. } => ("whole-odd", serial.to_string()),
    }
}

fn look(sighting: &Sighting) -> &'static str {
    match sighting {
        Sighting::Damaged { .. } => "damage",
        _ => "look",
    }
}

fn touch(change: &Change) -> &'static str {
    match change {
        Change::Created => "created",
        Change::Renamed { .. } => "renamed",
        Change::Removed => "removed",
        Change::Written | Change::Touched => "written",
    }
}

fn done(change: &Change) -> &'static str {
    match change {
        Change::Created => "created",
        Change::Renamed { .. } => "renamed into place",
        Change::Removed => "removed",
        Change::Written => "written and closed",
        Change::Touched => "times or permissions changed",
    }
}

/// Temporaries are counted, because what matters is whether they pile up.
fn temporaries(record: &Record) -> Row {
    let about = "a temporary was there, and how many";
    let name = "temporaries".to_owned();
    let mut row = files(record, name, "temp", about, |role, _| role == Role::Temp);
    let end = record.events.last().map_or(0, |event| micros(event.at));
    let lives = std::mem::take(&mut row.spans).into_iter();
    row.load = counts(lives.map(|it| (it.from, Some(it.to).filter(|to| *to < end))));
    row
}

/// Files that come and go: a span for as long as each was there.
fn files(
    record: &Record,
    name: String,
    kind: &'static str,
    about: &str,
    is_it: impl Fn(Role, &str) -> bool,
) -> Row {
    let mut row = Row::new(name, format!("From when to when {about}."));
    let mut there: BTreeMap<&str, (u64, u32)> = BTreeMap::new();
    let end = record.events.last().map_or(0, |event| micros(event.at));
    let span = |path: &str, (from, event): (u64, u32), to| Span {
        kind,
        from,
        to,
        event,
        label: path.to_owned(),
    };
    for (event, index) in record.events.iter().zip(0..) {
        let at = micros(event.at);
        let What::File { change, path, role } = &event.what else { continue };
        let from = match change {
            Change::Renamed { from } => from.as_deref(),
            _ => None,
        };
        // A rename ends the file of the old name, whatever the new one is.
        let gone = match change {
            Change::Removed => Some(path.as_str()),
            _ => from,
        };
        if let Some(found) = gone.and_then(|gone| there.remove_entry(gone)) {
            row.spans.push(span(found.0, found.1, at));
        }
        if is_it(*role, path) {
            if *change != Change::Removed {
                there.entry(path).or_insert((at, index));
            }
            row.marks.push(Mark::new(at, index, touch(change), format!("{path} {}", done(change))));
        }
    }
    row.spans.extend(there.into_iter().map(|(path, found)| span(path, found, end)));
    row.spans.sort_by_key(|span| (span.from, span.event));
    row
}
