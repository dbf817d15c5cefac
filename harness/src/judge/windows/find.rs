//! Windows are found by going through a record once.

use std::collections::{HashMap, VecDeque};

use super::{Boundary, Phase, Window};
use crate::judge::history::{Exchange, History, Moment, Seen, WATCH_LAG, names_published};
use crate::model::record::Sighting;
use crate::model::scenario::Action;
use crate::model::units::{ClientId, Serial};

/// To whom a publish belongs is looked for among this many of the latest answers.
const HOLDERS: usize = 64;

/// What finds the windows of a history, an event at a time.
pub(super) struct Finder<'h, 'a> {
    history: &'h History<'a>,
    /// Those that have opened so far.
    pub(super) windows: Vec<Window>,
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
    /// A wave has ended, with all that it did on disk, and nobody has been let go since.
    pub(super) settled: bool,
    /// The harness changed the permissions of the published file so many times, and that has not been seen yet.
    own_touches: u32,
}

impl<'h, 'a> Finder<'h, 'a> {
    pub(super) fn new(history: &'h History<'a>) -> Self {
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
            settled: false,
            own_touches: 0,
        }
    }

    pub(super) fn release(&mut self, now: Moment, client: ClientId) {
        self.lone_act = false;
        self.settled = false;
        let process = self.history.process(client);
        if let Some(process) = process.filter(|process| process.released == Some(now)) {
            self.alive += 1;
            self.by_hand.extend(process.publishes.map(|serial| (serial, now)));
        }
    }

    pub(super) fn end(&mut self, now: Moment, client: ClientId) {
        let process = self.history.process(client).filter(|process| process.released.is_some());
        if process.is_some_and(|process| process.ended() == Some(now)) {
            self.alive = self.alive.saturating_sub(1);
        }
    }

    pub(super) fn answer(&mut self, exchange: Option<&'h Exchange<'a>>, now: Moment) {
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

    pub(super) fn act(&mut self, now: Moment, action: &Action) {
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
        if let Action::Chmod(chmod) = action
            && names_published(&chmod.path, &self.history.record.client.files)
            && landed()
        {
            self.own_touches += 1;
        }
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

    pub(super) fn see(&mut self, seen: &'h Seen<'a>) {
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

    pub(super) fn touch(&mut self, now: Moment) {
        // Behind a wave only the harness changes permissions, and gives them back when it heals.
        let own = self.own_touches > 0;
        self.own_touches = self.own_touches.saturating_sub(1);
        if own || self.settled {
            return;
        }
        let serial = self.last.and_then(|seen| seen.sighting.serial());
        if let Some(serial) = serial.filter(|serial| !self.lone_act && self.is_news(*serial, true))
        {
            self.open(now, serial);
        }
    }

    /// A client whose last fetch was answered by a 304 has renewed what lies there, wherever it keeps
    /// the time of it.
    pub(super) fn renew(&mut self, now: Moment, fetch: Option<&'h Exchange<'a>>) {
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
