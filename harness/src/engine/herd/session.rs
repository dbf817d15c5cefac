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

/// The sessions, by their first readings.
#[derive(Debug, Default)]
pub struct Sessions {
    /// Those whose processes live.
    living: BTreeMap<ClientId, Session>,
    /// The last readings of those that do not.
    ended: BTreeMap<ClientId, ClientId>,
}

#[derive(Debug)]
struct Session {
    /// What asks it; gone once it is told to end.
    asker: Option<Asker>,
    told_to_end: bool,
    /// The latest reading.
    reading: ClientId,
    /// What its process had used when it answered last.
    used: Used,
    delayed: Option<Duration>,
}

impl Session {
    /// What its process has used since it answered last: CPU time in user mode and in the kernel, and for how long it had
    /// no processor.
    fn since(
        &self,
        used: (Duration, Duration),
        delayed: Option<Duration>,
    ) -> (Duration, Duration, Option<Duration>) {
        let before = self.delayed.unwrap_or_default();
        (
            used.0.saturating_sub(self.used.user),
            used.1.saturating_sub(self.used.system),
            delayed.map(|delayed| delayed.saturating_sub(before)),
        )
    }
}

impl Sessions {
    /// How many live.
    pub fn len(&self) -> usize {
        self.living.len()
    }

    /// The process of a session is gone. Returns what was known of it, where the client is one.
    fn remove(&mut self, client: ClientId) -> Option<Session> {
        let session = self.living.remove(&client)?;
        self.ended.insert(client, session.reading);
        Some(session)
    }

    /// The same where its end could not be learned, or it was never let go. Returns its reading.
    pub fn lost(&mut self, client: ClientId) -> ClientId {
        self.remove(client).map_or(client, |session| session.reading)
    }

    /// The reading that a process of a session, known by its first one, makes now or made last; of any other client
    /// that one itself.
    pub fn reading(&self, client: ClientId) -> ClientId {
        let living = self.living.get(&client).map(|session| session.reading);
        living.or(self.ended.get(&client).copied()).unwrap_or(client)
    }
}

impl Herd<'_> {
    /// Whether this errand is to be run by a process that lives on.
    pub(super) fn is_session(&self, errand: &Errand) -> bool {
        self.cast(errand).0.is_session(&errand.command)
    }

    /// A process was started that lives on.
    pub(super) fn note_session(&mut self, client: ClientId) {
        let (used, delayed) = (Used::default(), None);
        let session = Session { asker: None, told_to_end: false, reading: client, used, delayed };
        self.sessions.living.insert(client, session);
    }

    /// It was let go, and is asked for the first time.
    pub(super) fn begin_session(&mut self, client: ClientId, asker: Asker) {
        asker.ask();
        if let Some(session) = self.sessions.living.get_mut(&client) {
            session.asker = Some(asker);
        }
    }

    /// What is to be asked of those who were started in a wave and live. Of those who do not, a word stands in the record.
    pub(super) fn errands_again(&mut self, first: u32, wave: u32) -> Vec<Errand> {
        let started = self.processes.iter().filter(|(_, proc)| {
            let errand = &proc.errand;
            let of_wave = errand.wave_of_session() == Some(first);
            errand.session.is_none() && of_wave && self.is_session(errand)
        });
        let (mut errands, mut gone) = (Vec::new(), Vec::new());
        for (client, proc) in started {
            match self.sessions.living.contains_key(client) {
                true => errands.push(Errand {
                    part: Part::Wave(wave),
                    session: Some(*client),
                    group: Some(first),
                    ..proc.errand.clone()
                }),
                false => gone.push(*client),
            }
        }
        for client in gone {
            self.note_gone(client);
        }
        errands
    }

    fn note_gone(&mut self, client: ClientId) {
        let text = format!("the process of {client} has ended, and is not asked again");
        self.recorder.add(Instant::now(), What::Note { text });
    }

    /// A reading of a session exists. Whom nobody can ask any more is left out, with a word in the record.
    pub(super) fn note_reading(&mut self, client: ClientId, errand: Errand) -> Option<ClientId> {
        let first = errand.session?;
        let at = Instant::now();
        let Some(session) = self.sessions.living.get_mut(&first) else {
            self.note_gone(first);
            return None;
        };
        session.reading = client;
        let part = errand.part;
        let pid = self.processes.get(&first).map_or(0, |proc| proc.pid);
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
        let Some(session) = first.and_then(|first| self.sessions.living.get(&first)) else {
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
        let (mut user, mut system, mut waited) = (used.user, used.system, delayed);
        if let Some(session) = self.sessions.living.get_mut(&first) {
            (user, system, waited) = session.since((user, system), delayed);
            (session.used, session.delayed) = (used, delayed);
        }
        let mut stderr = Captured::default();
        stderr.take(words.as_bytes());
        Ended {
            client: self.sessions.reading(first),
            at,
            status: Ok(code),
            user,
            system,
            max_rss_kib: used.max_rss_kib,
            delayed: waited,
            stdout: body,
            stderr,
            left_behind: Vec::new(),
        }
    }

    /// A process has ended. Returns its end where it is that of a client that lives: of a process that is no session,
    /// or in the middle of a reading. That a session has ended goes into the record for itself.
    pub(super) fn ended(&mut self, ended: Ended) -> (Option<Ended>, Option<What>) {
        let Some(session) = self.sessions.remove(ended.client) else { return (Some(ended), None) };
        let (first, reading) = (ended.client, session.reading);
        // A signal is the whole process's, whichever reading it was sent in.
        let mut of_session = self
            .processes
            .iter()
            .filter(|(client, proc)| **client == first || proc.errand.session == Some(first));
        let status = match ended.status {
            Ok(code) => ExitStatus::Code(code),
            Err(number) => {
                let ours = of_session.any(|(_, proc)| proc.signals.contains(&number));
                ExitStatus::Signal { number, ours }
            }
        };
        let stderr = self.excerpt(&ended.stderr.kept, ended.stderr.bytes);
        let what = What::SessionEnded { session: first, status, told: session.told_to_end, stderr };
        if self.processes.get(&reading).is_some_and(Proc::lives) {
            let (user, system, delayed) = session.since((ended.user, ended.system), ended.delayed);
            return (Some(Ended { client: reading, user, system, delayed, ..ended }), Some(what));
        }
        self.recorder.add(ended.at, what);
        if !ended.left_behind.is_empty() {
            let (client, pids) = (reading, ended.left_behind);
            self.recorder.add(Instant::now(), What::LeftBehind { client, pids });
        }
        (None, None)
    }

    /// Tells those sessions to end that no wave behind this one asks again, and waits for their ends.
    pub(super) async fn end_sessions(&mut self, after: u32) {
        let waves = self.spec.scenario.resolved_waves();
        let later = waves.iter().filter(|wave| wave.number > after);
        let again: Vec<u32> = later.filter_map(|wave| wave.again).collect();
        for (client, session) in &mut self.sessions.living {
            let wave = self.processes.get(client).and_then(|proc| proc.errand.wave_of_session());
            if wave.is_none_or(|wave| !again.contains(&wave)) {
                (session.asker, session.told_to_end) = (None, true);
            }
        }
        while !self.interrupted && self.sessions.living.values().any(|it| it.told_to_end) {
            self.pump_once(None).await;
        }
    }

    /// Kills the processes of sessions that nobody reads in.
    pub(super) fn kill_idle_sessions(&mut self) {
        for session in self.sessions.living.values() {
            if let Some(proc) = self.processes.get_mut(&session.reading) {
                proc.signals.push(libc::SIGKILL);
                // A group that is gone has ended by itself.
                let _ = send(proc.pid, libc::SIGKILL, Scope::Group);
            }
        }
    }
}
