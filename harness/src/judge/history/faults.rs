//! Injected faults that last: periods, and acts on files that clients share.

use std::collections::HashMap;
use std::path::Path;

use globset::Glob;

use super::Moment;
use crate::model::client::Files;
use crate::model::scenario::Action;
use crate::model::units::ClientId;

/// Spans of events that can be asked for overlap in logarithmic time, even where they overlap one another.
#[derive(Default)]
pub(in crate::judge) struct Periods {
    /// Sorted by their beginning.
    spans: Vec<(Moment, Option<Moment>)>,
    /// For each span, the last event of any span up to it.
    reach: Vec<usize>,
}

impl Periods {
    /// Builds them from spans in any order; a span without an end never ends.
    pub(super) fn from_spans(mut spans: Vec<(Moment, Option<Moment>)>) -> Self {
        spans.sort_by_key(|(from, _)| from.index);
        let mut periods = Self::default();
        for (from, to) in spans {
            periods.push(from, to);
        }
        periods
    }

    fn push(&mut self, from: Moment, to: Option<Moment>) {
        let reach = to.map_or(usize::MAX, |to| to.index);
        self.reach.push(self.reach.last().map_or(reach, |&before| before.max(reach)));
        self.spans.push((from, to));
    }

    /// A period begins, unless one is under way.
    pub(super) fn begin(&mut self, now: Moment) {
        if self.reach.last().is_none_or(|&reach| reach != usize::MAX) {
            self.push(now, None);
        }
    }

    /// The period under way, if any, ends.
    pub(super) fn end(&mut self, now: Moment) {
        if let (Some((_, to @ None)), Some(reach)) = (self.spans.last_mut(), self.reach.last_mut())
        {
            *to = Some(now);
            *reach = now.index;
        }
    }

    /// Whether any span touches the events from `first` to `last`.
    pub(in crate::judge) fn overlap(&self, first: usize, last: usize) -> bool {
        let begun = self.spans.partition_point(|(from, _)| from.index <= last);
        begun > 0 && self.reach[begun - 1] >= first
    }

    /// The beginning of the first span that touches the events from `first` to `last`. Only for spans
    /// that do not overlap one another.
    pub(in crate::judge) fn first_in(&self, first: usize, last: usize) -> Option<Moment> {
        let over = self.reach.partition_point(|&reach| reach < first);
        self.spans.get(over).map(|(from, _)| *from).filter(|from| from.index <= last)
    }

    /// Whether one span holds all the events from `first` to `last`. Only for spans that do not overlap
    /// one another.
    pub(in crate::judge) fn cover(&self, first: usize, last: usize) -> bool {
        let begun = self.spans.partition_point(|(from, _)| from.index <= first);
        begun > 0 && self.reach[begun - 1] >= last
    }

    /// The end of the span that holds an event, if one does and it ended.
    pub(in crate::judge) fn end_of(&self, event: usize) -> Option<Moment> {
        let begun = self.spans.partition_point(|(from, _)| from.index <= event);
        begun.checked_sub(1).and_then(|last| self.spans[last].1).filter(|to| to.index > event)
    }
}

/// Periods of everyone, and of single clients.
#[derive(Default)]
pub(in crate::judge) struct Shares {
    everyone: Periods,
    single: HashMap<ClientId, Periods>,
    /// Of anyone at all.
    anyone: Periods,
}

impl Shares {
    /// A period begins for these clients; for everyone where there are none.
    pub(super) fn begin(&mut self, now: Moment, clients: &[ClientId]) {
        self.anyone.begin(now);
        if clients.is_empty() {
            self.everyone.begin(now);
        }
        for client in clients {
            self.single.entry(*client).or_default().begin(now);
        }
    }

    /// Every period under way ends.
    pub(super) fn end(&mut self, now: Moment) {
        self.anyone.end(now);
        self.everyone.end(now);
        for periods in self.single.values_mut() {
            periods.end(now);
        }
    }

    /// Whether any period of this client touches the events from `first` to `last`.
    pub(in crate::judge) fn overlap(&self, client: ClientId, first: usize, last: usize) -> bool {
        self.of(client).any(|periods| periods.overlap(first, last))
    }

    /// Whether one period of this client holds all the events from `first` to `last`.
    pub(in crate::judge) fn cover(&self, client: ClientId, first: usize, last: usize) -> bool {
        self.of(client).any(|periods| periods.cover(first, last))
    }

    /// Whether anyone's period touches the events from `first` to `last`.
    pub(in crate::judge) fn overlap_any(&self, first: usize, last: usize) -> bool {
        self.anyone.overlap(first, last)
    }

    fn of(&self, client: ClientId) -> impl Iterator<Item = &Periods> {
        self.single.get(&client).into_iter().chain([&self.everyone])
    }
}

/// Injected faults that last.
#[derive(Default)]
pub(in crate::judge) struct Faults {
    /// When connections were refused or never served.
    pub(in crate::judge) cut_off: Shares,
    /// When connections were served late.
    pub(in crate::judge) slowed: Shares,
    /// When any fault of the network stood.
    pub(in crate::judge) standing: Periods,
    /// When Catwalk refused every connection.
    pub(in crate::judge) down: Periods,
    /// When clients could store nothing: the disk was full, or the directory closed to them.
    pub(in crate::judge) disk: Periods,
    /// When the directory was closed to clients, so that they could not even make a lock.
    pub(in crate::judge) closed: Periods,
    /// When what was published may have been closed to readers, or the lock that they take first.
    pub(in crate::judge) unreadable: Periods,
    /// When what was published may itself have been closed to them.
    pub(in crate::judge) hidden: Periods,
    /// When the whole cache directory was wiped, in order.
    pub(in crate::judge) wiped: Vec<Moment>,
    /// When an injection planted or removed the published file, in order.
    pub(in crate::judge) on_published: Vec<Moment>,
    /// When an injection planted or removed a lock, in order.
    pub(in crate::judge) on_lock: Vec<Moment>,
}

/// What keeps clients from the cache directory, or from a part of what they do there. Several may hold at
/// a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DiskFault {
    /// The directory, or the whole disk, is read-only.
    ReadOnly,
    /// There is no space left, or little.
    Full,
    /// The permission bits of files were changed.
    Closed,
    /// Those of the published file were, or of a folder on the way to it.
    Hidden,
    /// The clients run as somebody whom the directory does not belong to.
    Foreign,
}

impl DiskFault {
    /// Whether not even a lock can be made or opened.
    fn stops_locks(self) -> bool {
        matches!(self, Self::ReadOnly | Self::Foreign | Self::Closed | Self::Hidden)
    }

    /// Whether what is published may be closed to a reader.
    fn stops_readers(self) -> bool {
        matches!(self, Self::Foreign | Self::Closed | Self::Hidden)
    }

    /// Whether what is published is what is closed to a reader.
    fn hides(self) -> bool {
        matches!(self, Self::Foreign | Self::Hidden)
    }
}

/// The faults that hold at the moment.
#[derive(Default)]
pub(super) struct DiskFaults(Vec<DiskFault>);

impl DiskFaults {
    /// A fault holds from now on.
    pub(super) fn begin(&mut self, fault: DiskFault, faults: &mut Faults, now: Moment) {
        if !self.0.contains(&fault) {
            self.0.push(fault);
        }
        self.note(faults, now);
    }

    /// A fault holds no longer, where it did.
    pub(super) fn end(&mut self, fault: DiskFault, faults: &mut Faults, now: Moment) {
        self.0.retain(|it| *it != fault);
        self.note(faults, now);
    }

    /// None of the faults that injections cause holds any longer.
    pub(super) fn heal(&mut self, faults: &mut Faults, now: Moment) {
        self.0.retain(|it| *it == DiskFault::Foreign);
        self.note(faults, now);
    }

    fn note(&self, faults: &mut Faults, now: Moment) {
        let any = |test: fn(DiskFault) -> bool| self.0.iter().any(|fault| test(*fault));
        let states = [
            (&mut faults.disk, any(|_| true)),
            (&mut faults.closed, any(DiskFault::stops_locks)),
            (&mut faults.unreadable, any(DiskFault::stops_readers)),
            (&mut faults.hidden, any(DiskFault::hides)),
        ];
        for (periods, holds) in states {
            if holds { periods.begin(now) } else { periods.end(now) }
        }
    }
}

impl Faults {
    /// Whether the published file was planted over or removed between two events.
    pub(in crate::judge) fn published_touched(&self, after: usize, before: usize) -> bool {
        touched(&self.on_published, after, before)
    }

    /// The first time that the whole directory was wiped from one event to another.
    pub(in crate::judge) fn wiped_in(&self, first: usize, last: usize) -> Option<Moment> {
        let wiped = self.wiped.partition_point(|act| act.index < first);
        self.wiped.get(wiped).copied().filter(|act| act.index <= last)
    }

    /// Whether it was.
    pub(in crate::judge) fn was_wiped(&self, first: usize, last: usize) -> bool {
        self.wiped_in(first, last).is_some()
    }

    /// Whether a lock was planted or removed between two events.
    pub(in crate::judge) fn lock_touched(&self, after: usize, before: usize) -> bool {
        touched(&self.on_lock, after, before)
    }
}

fn touched(acts: &[Moment], after: usize, before: usize) -> bool {
    let first = acts.partition_point(|act| act.index <= after);
    acts.get(first).is_some_and(|act| act.index < before)
}

/// Which of the files that clients share an action is about, each path looked up once.
pub(super) struct Reach<'a> {
    files: &'a Files,
    known: HashMap<&'a str, Touch>,
}

/// Which of the files that clients share a path or glob names.
#[derive(Clone, Copy)]
pub(super) struct Touch {
    pub(super) published: bool,
    pub(super) lock: bool,
}

impl<'a> Reach<'a> {
    /// Nothing looked up yet.
    pub(super) fn new(files: &'a Files) -> Self {
        Self { files, known: HashMap::new() }
    }

    /// What a planting, removing or wiping action touches; `None` for every other action.
    pub(super) fn of(&mut self, action: &'a Action) -> Option<Touch> {
        let path = match action {
            Action::Wipe => return Some(Touch { published: true, lock: true }),
            Action::Plant(plant) => plant.path.as_str(),
            Action::Remove(path) => path.as_str(),
            _ => return None,
        };
        let files = self.files;
        Some(*self.known.entry(path).or_insert_with(|| Touch::of(path, files)))
    }
}

/// Whether a path or glob of an action names the published file.
pub(in crate::judge) fn names_published(path: &str, files: &Files) -> bool {
    path == "published" || matches(path, &files.published)
}

/// Whether a path or glob of an action names the published file, or a folder on the way to it.
pub(super) fn hides_published(path: &str, files: &Files) -> bool {
    let mut folders = Path::new(&files.published).ancestors().filter_map(Path::to_str);
    names_published(path, files) || folders.any(|folder| matches(path, folder))
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern == name || Glob::new(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(name))
}

impl Touch {
    fn of(path: &str, files: &Files) -> Self {
        Self {
            published: names_published(path, files),
            // A glob for a lock may be wider or narrower than the description's own, so both ways count.
            lock: path == "lock"
                || files.locks.iter().any(|lock| matches(path, lock) || matches(lock, path)),
        }
    }
}
