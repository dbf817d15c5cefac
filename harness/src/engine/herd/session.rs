//! Sessions: processes that live on and are asked again.
//!
//! Each reading is a client of the record, with a start and an end like any other, so that every rule about clients
//! holds for readings as it stands; only their process is one. What the process does is the doing of the reading that is
//! under way, or of the last one.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::errand::Errand;
use super::world::{Herd, Proc};
use crate::client::family::Used;
use crate::client::process::{Answer, Asker, Captured, Ended, Notice, Scope, send};
use crate::model::record::{ExitStatus, Part, What};
use crate::model::units::ClientId;

/// The sessions whose processes live, by their first readings.
#[derive(Debug, Default)]
pub struct Sessions(BTreeMap<ClientId, Session>);

#[derive(Debug)]
struct Session {
    pid: u32,
    /// The wave that it was started in.
    wave: u32,
    /// What asks it; gone once it is told to end.
    asker: Option<Asker>,
    told_to_end: bool,
    /// The latest reading.
    reading: ClientId,
    /// What its process had used when it answered last.
    used: Used,
    delayed: Option<Duration>,
}

impl Sessions {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The reading of a session whose process is gone without an end that could be learned.
    pub fn lost(&mut self, client: ClientId) -> ClientId {
        self.0.remove(&client).map_or(client, |session| session.reading)
    }

    /// The reading that a process of a session, known by its first one, makes now or made last; of any other client
    /// that one itself.
    pub fn reading(&self, client: ClientId) -> ClientId {
        self.0.get(&client).map_or(client, |session| session.reading)
    }
}

impl Herd<'_> {
    /// Whether this errand is to be run by a process that lives on.
    pub(super) fn is_session(&self, errand: &Errand) -> bool {
        self.cast(errand).0.is_session(&errand.command)
    }

    /// A process was started that lives on.
    pub(super) fn note_session(&mut self, client: ClientId, pid: u32, part: Part) {
        let wave = match part {
            Part::Wave(wave) => wave,
            _ => 0,
        };
        let (used, delayed) = (Used::default(), None);
        let session =
            Session { pid, wave, asker: None, told_to_end: false, reading: client, used, delayed };
        self.sessions.0.insert(client, session);
    }

    /// It was let go, and is asked for the first time.
    pub(super) fn begin_session(&mut self, client: ClientId, asker: Asker) {
        asker.ask();
        if let Some(session) = self.sessions.0.get_mut(&client) {
            session.asker = Some(asker);
        }
    }

    /// What is to be asked of those who were started in a wave and live.
    pub(super) fn errands_again(&self, first: u32, wave: u32) -> Vec<Errand> {
        let of_wave = self.sessions.0.iter().filter(|(_, session)| session.wave == first);
        let errands = of_wave.filter_map(|(client, _)| {
            let errand = self.processes.get(client)?.errand.clone();
            Some(Errand { part: Part::Wave(wave), session: Some(*client), ..errand })
        });
        errands.collect()
    }

    /// A reading of a session exists. Whom nobody can ask any more is left out, with a word in the record.
    pub(super) fn note_reading(&mut self, client: ClientId, errand: Errand) -> Option<ClientId> {
        let first = errand.session?;
        let at = Instant::now();
        let Some(session) = self.sessions.0.get_mut(&first) else {
            let text = format!("the process of {first} has ended, and is not asked again");
            self.recorder.add(at, What::Note { text });
            return None;
        };
        session.reading = client;
        let (pid, part) = (session.pid, errand.part);
        let reading = Proc { ended: false, ..Proc::new(pid, errand, None) };
        self.processes.insert(client, reading);
        let (command, session) = ("get".to_owned(), Some(first));
        let what =
            What::Spawned { client, pid, part, command, with: None, publishes: None, session };
        self.recorder.add(at, what);
        Some(client)
    }

    /// The client that the process of a client was started as.
    pub(super) fn process_of(&self, client: ClientId) -> ClientId {
        self.processes.get(&client).and_then(|proc| proc.errand.session).unwrap_or(client)
    }

    /// Asks for a reading. Returns false where the client is none.
    pub(super) fn ask(&mut self, client: ClientId) -> bool {
        let first = self.processes.get(&client).and_then(|proc| proc.errand.session);
        let Some(session) = first.and_then(|first| self.sessions.0.get(&first)) else {
            return false;
        };
        let at = Ok(Instant::now());
        if let Some(asker) = &session.asker {
            asker.ask();
        }
        self.living += 1;
        self.releasing += 1;
        // An engine that is gone hears nothing.
        let _ = self.tell.send(Notice::Released { client, at });
        true
    }

    /// A session has answered: the end of a reading.
    pub(super) fn answered(&mut self, answer: Answer) -> Ended {
        let Answer { client: first, at, code, body, words, used, delayed } = answer;
        let session = self.sessions.0.get_mut(&first);
        let before = session.map(|session| {
            let before = (session.used, session.delayed);
            (session.used, session.delayed) = (used, delayed);
            before
        });
        let (before, delayed_before) = before.unwrap_or_default();
        let delayed =
            delayed.map(|delayed| delayed.saturating_sub(delayed_before.unwrap_or_default()));
        let mut stderr = Captured::default();
        stderr.take(words.as_bytes());
        Ended {
            client: self.sessions.reading(first),
            at,
            status: Ok(code),
            user: used.user.saturating_sub(before.user),
            system: used.system.saturating_sub(before.system),
            max_rss_kib: used.max_rss_kib,
            delayed,
            stdout: body,
            stderr,
            left_behind: Vec::new(),
        }
    }

    /// A process has ended. Returns its end where it is that of a client that lives: of a process that is no session,
    /// or in the middle of a reading. Else it goes into the record for itself.
    pub(super) fn ended(&mut self, ended: Ended) -> Option<Ended> {
        let Some(session) = self.sessions.0.remove(&ended.client) else { return Some(ended) };
        let (first, reading) = (ended.client, session.reading);
        let proc = self.processes.get(&reading);
        if proc.is_some_and(Proc::lives) {
            return Some(Ended { client: reading, ..ended });
        }
        let ours = |number| proc.is_some_and(|proc| proc.signals.contains(&number));
        let status = match ended.status {
            Ok(code) => ExitStatus::Code(code),
            Err(number) => ExitStatus::Signal { number, ours: ours(number) },
        };
        let stderr = self.excerpt(&ended.stderr.kept, ended.stderr.bytes);
        let told = session.told_to_end;
        self.recorder.add(ended.at, What::SessionEnded { session: first, status, told, stderr });
        if !ended.left_behind.is_empty() {
            let (client, pids) = (reading, ended.left_behind);
            self.recorder.add(Instant::now(), What::LeftBehind { client, pids });
        }
        None
    }

    /// Tells those sessions to end that no wave behind this one asks again, and waits for their ends.
    pub(super) async fn end_sessions(&mut self, after: u32) {
        let waves = self.spec.scenario.resolved_waves();
        let goes_on = |session: &Session| {
            let later = waves.iter().filter(|wave| wave.number > after);
            later.filter_map(|wave| wave.again).any(|again| again == session.wave)
        };
        let mut staying = 0;
        for session in self.sessions.0.values_mut() {
            if goes_on(session) {
                staying += 1;
            } else {
                (session.asker, session.told_to_end) = (None, true);
            }
        }
        while !self.interrupted && self.sessions.len() > staying {
            self.pump_once(None).await;
        }
    }

    /// Kills the processes of sessions that nobody reads in.
    pub(super) fn kill_idle_sessions(&mut self) {
        for session in self.sessions.0.values() {
            if let Some(proc) = self.processes.get_mut(&session.reading) {
                proc.signals.push(libc::SIGKILL);
            }
            // A group that is gone has ended by itself.
            let _ = send(session.pid, libc::SIGKILL, Scope::Group);
        }
    }
}
