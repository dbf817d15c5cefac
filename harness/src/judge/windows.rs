//! TTL windows: when a cache was fresh, so that nobody had a reason to fetch.
//!
//! A window opens when the published path is seen to hold a catalogue that some client put there, or
//! when a 304 renewed the one that lies there, and lasts for the TTL in cache time. It closes early when
//! the path is seen to hold something that is no whole catalogue, or when an injection plants over it or
//! removes it. A client that removes it closes nothing, unless it was told to `clear` the cache: whoever
//! has to fetch again because of that fetches a second time in one window.
//!
//! Not every sighting of a whole catalogue is a publish. The harness moves modification times to age a
//! cache, and a client may touch the file to put off its next attempt after a failed one; neither makes
//! the bytes any fresher. So a sighting opens a window only if Catwalk had answered with that
//! catalogue, or a client was let go to publish it by hand, and this answer, or these bytes, are news.

use std::collections::{HashMap, VecDeque};

use super::history::{Exchange, History, Moment, Process, SKEW, Seen, WATCH_LAG};
use crate::model::record::{Change, Role, Sighting, What};
use crate::model::scenario::Action;
use crate::model::units::{ClientId, Nanos, Serial};
use crate::model::verdict::TtlWindow;

/// How near the end of a window a request is indeterminate, at the most, in nanoseconds.
const EDGE_MAX: u64 = 1_000_000_000;

/// To whom a publish belongs is looked for among this many of the latest answers.
const HOLDERS: usize = 64;

/// A time in which the cache was fresh.
pub(super) struct Window {
    /// When the publish or renewal was observed.
    pub(super) opened: Moment,
    /// The catalogue.
    pub(super) serial: Serial,
    /// The exchange that brought it, where only one can have.
    pub(super) fetch: Option<usize>,
    /// Whether a client was told to publish it, and no fetch brought it.
    pub(super) by_hand: bool,
    /// Whether a 304 opened it.
    pub(super) renewed: bool,
    /// Whether the window before was still open.
    pub(super) extends: bool,
    /// When it was closed before its time.
    pub(super) closed: Option<Moment>,
    /// What had ended by here belongs to an earlier window.
    pub(super) since: Boundary,
    /// The earliest cache time from which its client may count the TTL: the request's arrival.
    dated: u64,
}

/// Where a time without an open window begins.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Boundary {
    /// The event that closed the window before; 0 where time closed it.
    pub(super) index: usize,
    /// The cache time at which the window before ended; 0 where an event closed it.
    pub(super) cache_time: u64,
}

impl Boundary {
    /// Whether something that ended at `moment` lies before.
    pub(super) fn is_after(self, moment: Moment) -> bool {
        moment.index < self.index || moment.cache_time < self.cache_time
    }
}

/// How a moment lies to a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Surely within.
    Open,
    /// Too near its end to tell.
    NearEnd,
    /// After it.
    Over,
}

impl Window {
    /// The cache time at which the TTL is over.
    fn end(&self, ttl: u64) -> u64 {
        self.opened.cache_time.saturating_add(ttl)
    }

    /// How a moment after its opening lies to the window.
    pub(super) fn phase(&self, now: Moment, ttl: u64) -> Phase {
        match (self.closed, self.phase_by_time(now, ttl)) {
            (Some(closed), _) if closed.index < now.index => Phase::Over,
            (Some(closed), Phase::Open) if closed.at.0 < now.at.0.saturating_add(SKEW) => {
                Phase::NearEnd
            }
            (_, by_time) => by_time,
        }
    }

    /// How it would lie if nothing closed the window before its time.
    pub(super) fn phase_by_time(&self, now: Moment, ttl: u64) -> Phase {
        let edge = (ttl / 100).min(EDGE_MAX);
        if now.cache_time >= self.end(ttl) {
            Phase::Over
        } else if now.cache_time.saturating_add(edge) >= self.dated.saturating_add(ttl) {
            Phase::NearEnd
        } else {
            Phase::Open
        }
    }

    /// Where the time without a window begins that follows this one.
    pub(super) fn boundary(&self, now: Moment, ttl: u64) -> Boundary {
        match self.closed.filter(|closed| closed.index < now.index) {
            Some(closed) => Boundary { index: closed.index, cache_time: 0 },
            None => Boundary { index: 0, cache_time: self.end(ttl) },
        }
    }
}

/// All the windows of a record.
#[derive(Default)]
pub(super) struct Windows {
    /// In the order in which they opened.
    pub(super) all: Vec<Window>,
}

impl Windows {
    /// The index of the last window that opened before an event.
    pub(super) fn before(&self, event: usize) -> Option<usize> {
        self.all.partition_point(|window| window.opened.index < event).checked_sub(1)
    }

    /// Finds the windows of a history that is otherwise complete.
    pub(super) fn of(history: &History<'_>) -> Self {
        let mut finder = Finder::new(history);
        let mut sightings = history.sightings.iter().peekable();
        for (event, &now) in history.record.events.iter().zip(&history.moments) {
            match &event.what {
                What::Released { client } => finder.release(now, *client),
                What::Overdue { client, .. } => finder.end(now, *client),
                What::Exited(exited) => {
                    finder.end(now, exited.client);
                    let process = history.process(exited.client);
                    // One that calls what it serves stale has not taken the answer.
                    let took = !exited.said_stale;
                    // One that could store nothing has renewed nothing.
                    let stored = |it: &&Process<'_>| {
                        let disk = &history.faults.disk;
                        !it.life().is_some_and(|(first, last)| disk.overlap(first, last))
                    };
                    let process = process.filter(|it| took && it.succeeded().is_some());
                    if let Some(process) = process.filter(stored) {
                        finder.renew(now, history.fetches_of(process).last());
                    }
                }
                What::HeadSent { request, .. } => {
                    finder.answer(history.exchange(*request), now);
                }
                What::Injected { action, .. } => {
                    finder.act(now, action);
                }
                What::Published { .. } => {
                    // Where the permissions alone have changed, there is none.
                    if let Some(seen) = sightings.next_if(|seen| seen.moment == now) {
                        finder.see(seen);
                    }
                }
                What::File { change: Change::Touched, role: Role::Published, .. } => {
                    finder.touch(now);
                }
                _ => {}
            }
        }
        Self { all: finder.windows }
    }
}

impl History<'_> {
    /// The windows as data, for readers of the record who are not the judge.
    pub(super) fn ttl_windows(&self) -> Vec<TtlWindow> {
        let data = |window: &Window| TtlWindow {
            opened: window.opened.event(),
            until: self.end_of(window),
            serial: window.serial,
            request: window.fetch.map(|index| self.exchanges[index].request.request),
            renewed: window.renewed,
            extends: window.extends,
        };
        self.windows.all.iter().map(data).collect()
    }

    /// When a window was over on the harness's clock. An ageing makes the cache clock leap right after
    /// its moment; apart from that both clocks run alike.
    fn end_of(&self, window: &Window) -> Option<Nanos> {
        let end = window.end(self.ttl);
        let after = self.moments.partition_point(|moment| moment.cache_time < end);
        let by_time = self.moments.get(after).map(|next| {
            let last = after.checked_sub(1).map_or(window.opened, |index| self.moments[index]);
            let passed = next.at.0.saturating_sub(last.at.0);
            let leap = next.cache_time.saturating_sub(last.cache_time).saturating_sub(passed);
            let left = end.saturating_sub(last.cache_time);
            Nanos(last.at.0.saturating_add(left.saturating_sub(leap)))
        });
        let closed = window.closed.map(|closed| closed.at);
        closed.into_iter().chain(by_time).min()
    }
}

struct Finder<'h, 'a> {
    history: &'h History<'a>,
    windows: Vec<Window>,
    /// The sighting before.
    last: Option<&'h Seen<'a>>,
    /// The latest answer with each catalogue.
    answered: HashMap<Serial, &'h Exchange<'a>>,
    /// When a client was last let go to publish each catalogue that is not Catwalk's word.
    by_hand: HashMap<Serial, Moment>,
    /// The latest answers, whose clients may yet publish.
    holders: VecDeque<usize>,
    /// Processes that have been let go and have not ended.
    alive: usize,
    /// The harness acted on the published file while no process ran, and none has been let go since.
    lone_act: bool,
    /// The harness acted on the published file, and no sighting has followed.
    fresh_act: bool,
}

impl<'h, 'a> Finder<'h, 'a> {
    fn new(history: &'h History<'a>) -> Self {
        Self {
            history,
            windows: Vec::new(),
            last: None,
            answered: HashMap::new(),
            by_hand: HashMap::new(),
            holders: VecDeque::new(),
            alive: 0,
            lone_act: false,
            fresh_act: false,
        }
    }

    fn release(&mut self, now: Moment, client: ClientId) {
        self.lone_act = false;
        let process = self.history.process(client);
        if let Some(process) = process.filter(|process| process.released == Some(now)) {
            self.alive += 1;
            self.by_hand.extend(process.publishes.map(|serial| (serial, now)));
        }
    }

    fn end(&mut self, now: Moment, client: ClientId) {
        let process = self.history.process(client).filter(|process| process.released.is_some());
        if process.is_some_and(|process| process.ended() == Some(now)) {
            self.alive = self.alive.saturating_sub(1);
        }
    }

    fn answer(&mut self, exchange: Option<&'h Exchange<'a>>, now: Moment) {
        let answer = exchange.and_then(|it| Some((it, it.answer()?)));
        let Some((exchange, (head, serial))) = answer else { return };
        if head.moment != now || !exchange.is_fetch() {
            return;
        }
        self.answered.insert(serial, exchange);
        let exchanges = &self.history.exchanges;
        let index = exchanges.partition_point(|it| it.arrived.index < exchange.arrived.index);
        self.holders.push_back(index);
        if self.holders.len() > HOLDERS {
            self.holders.pop_front();
        }
    }

    fn act(&mut self, now: Moment, action: &Action) {
        let faults = &self.history.faults;
        let on_published =
            faults.on_published.binary_search_by_key(&now.index, |act| act.index).is_ok();
        if on_published {
            self.close(now);
        }
        let landed = || {
            let injected = &self.history.injected;
            let found = injected.binary_search_by_key(&now.index, |it| it.moment.index);
            found.is_ok_and(|index| injected[index].landed())
        };
        let dates = action.makes_older() || matches!(action, Action::CoarseTimes(_));
        if on_published || (dates && landed()) {
            self.fresh_act = true;
            self.lone_act = self.alive == 0;
        }
    }

    fn close(&mut self, now: Moment) {
        if let Some(window) = self.windows.last_mut() {
            window.closed = window.closed.or(Some(now));
        }
    }

    fn see(&mut self, seen: &'h Seen<'a>) {
        let before = self.last.replace(seen);
        let fresh_act = std::mem::take(&mut self.fresh_act);
        let Some(serial) = seen.sighting.serial() else {
            if *seen.sighting != Sighting::Absent || self.was_told_to_clear(seen.moment) {
                self.close(seen.moment);
            }
            return;
        };
        let older = |before: &Seen<'_>| {
            seen.modified_ms.zip(before.modified_ms).is_some_and(|(now, then)| now < then)
        };
        let traces_act = self.lone_act || (fresh_act && before.is_some_and(older));
        let same_bytes = before.is_some_and(|before| before.sighting.serial() == Some(serial));
        if !traces_act && self.is_news(serial, same_bytes) {
            self.open(seen.moment, serial);
        }
    }

    /// Whether somebody who runs the command `clear` lives, or did a moment ago.
    fn was_told_to_clear(&self, now: Moment) -> bool {
        let mut clears = self.history.processes.iter().filter(|it| it.command == "clear");
        clears.any(|process| {
            let begun = process.released.is_some_and(|released| released.index < now.index);
            let over = process.ended().is_some_and(|ended| now.at.since(ended.at) > WATCH_LAG);
            begun && !over
        })
    }

    fn touch(&mut self, now: Moment) {
        let serial = self.last.and_then(|seen| seen.sighting.serial());
        if let Some(serial) = serial.filter(|serial| !self.lone_act && self.is_news(*serial, true))
        {
            self.open(now, serial);
        }
    }

    /// A client whose last fetch was answered by a 304 has renewed what lies there, wherever it keeps
    /// the time of it.
    fn renew(&mut self, now: Moment, fetch: Option<&'h Exchange<'a>>) {
        let Some((head, serial)) = fetch.and_then(Exchange::answer) else { return };
        let there = self.last.and_then(|seen| seen.sighting.serial()) == Some(serial);
        let seen =
            self.windows.last().is_some_and(|window| window.opened.index > head.moment.index);
        if head.status == 304 && there && !seen && !self.lone_act {
            self.open(now, serial);
        }
    }

    /// Whether this catalogue was sent, or handed to a client, and after the window before where the bytes are the
    /// same.
    fn is_news(&self, serial: Serial, same_bytes: bool) -> bool {
        let answer = self.answered.get(&serial).and_then(|it| it.head).map(|head| head.moment);
        let given = answer.into_iter().chain(self.by_hand.get(&serial).copied());
        let Some(given) = given.map(|moment| moment.index).max() else { return false };
        let opened = self.windows.last().map(|window| window.opened.index);
        !same_bytes || opened.is_none_or(|opened| given > opened)
    }

    fn open(&mut self, now: Moment, serial: Serial) {
        let history = self.history;
        let may_publish = |exchange: &Exchange<'_>| {
            let Some(process) = history.sender(exchange) else { return false };
            let recently =
                |ended: Moment| process.kills.is_empty() && now.at.since(ended.at) < WATCH_LAG;
            process.ended().is_none_or(|ended| ended.index > now.index || recently(ended))
        };
        let brought = |index: &&usize| {
            let exchange = &history.exchanges[**index];
            let answer = exchange.answer().filter(|_| !exchange.is_aborted());
            answer.is_some_and(|(_, answer)| answer == serial) && may_publish(exchange)
        };
        let candidates: Vec<usize> = self.holders.iter().filter(brought).copied().collect();
        let sender = |index: usize| history.exchanges[index].sender;
        let one_sender = candidates.windows(2).all(|pair| sender(pair[0]) == sender(pair[1]));
        let fetch = candidates.last().copied().filter(|_| one_sender);
        self.holders.retain(|index| Some(*index) != fetch);
        let source = fetch.map(|index| &history.exchanges[index]);
        let source = source.or(self.answered.get(&serial).copied());
        let by_hand = self.by_hand.get(&serial).filter(|_| source.is_none());
        let given = source.map(|it| it.arrived).or(by_hand.copied());
        let ttl = history.ttl;
        let (extends, since) = match self.windows.last() {
            Some(before) if before.phase(now, ttl) != Phase::Over => (true, before.since),
            Some(before) => (false, before.boundary(now, ttl)),
            None => (false, Boundary::default()),
        };
        self.windows.push(Window {
            opened: now,
            serial,
            fetch,
            by_hand: by_hand.is_some(),
            renewed: source.and_then(|it| it.head).is_some_and(|head| head.status == 304),
            extends,
            closed: None,
            since,
            dated: given.map_or(now.cache_time, |it| it.cache_time.min(now.cache_time)),
        });
    }
}

#[cfg(test)]
mod tests;
