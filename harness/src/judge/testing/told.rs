//! Steps of clients that publish by hand, or tell something of the cache.

use super::{Story, spawned};
use crate::model::record::{Excerpt, ExitStatus, Part, Sighting, What};
use crate::model::tells::Told;
use crate::model::units::{ClientId, Serial};

impl Story {
    /// A wave of one client that is to publish this catalogue, with the command that does so.
    pub(in crate::judge) fn publisher(mut self, client: u32, serial: u32) -> Self {
        self.waves += 1;
        let (wave, client) = (self.waves, ClientId(client));
        let command = if serial == 0 { "update-embedded" } else { "update-file" };
        let What::Spawned { pid, part, command, with, .. } =
            spawned(client, Part::Wave(wave), command.to_owned())
        else {
            return self;
        };
        let publishes = Some(Serial(serial));
        self.push(What::WaveStarted { wave, clients: vec![client] })
            .push(What::Spawned { client, pid, part, command, with, publishes, session: None })
            .push(What::Released { client })
    }

    /// The sessions of these clients are asked again, each of which has begun with another one; in a wave of its own.
    pub(in crate::judge) fn again(mut self, readings: &[(u32, u32)]) -> Self {
        self.waves += 1;
        let part = Part::Wave(self.waves);
        let clients = readings.iter().map(|(client, _)| ClientId(*client)).collect();
        let mut story = self;
        for (client, first) in readings {
            story = story.push(reading(*client, *first, part));
        }
        let wave = story.waves;
        let started = story.push(What::WaveStarted { wave, clients });
        readings.iter().fold(started, |story, (client, _)| {
            story.push(What::Released { client: ClientId(*client) })
        })
    }

    /// The process of a session ends when nothing is asked of it.
    pub(in crate::judge) fn session_ends(
        self,
        session: u32,
        status: ExitStatus,
        told: bool,
    ) -> Self {
        let (session, stderr) = (ClientId(session), Excerpt::default());
        self.push(What::SessionEnded { session, status, told, stderr })
    }

    /// The client exits with this code, and has told this.
    pub(in crate::judge) fn tell(self, client: u32, code: i32, told: Told) -> Self {
        let mut story = self.end(client, ExitStatus::Code(code), Sighting::NotShown);
        if let Some(What::Exited(exited)) = story.record.events.last_mut().map(|it| &mut it.what) {
            exited.told = Some(told);
        }
        story
    }

    /// One more process of the wave that is running, which reads.
    pub(in crate::judge) fn start_reader(self, client: u32) -> Self {
        let part = Part::Wave(self.waves);
        self.start(client, part, "get")
    }

    /// One more process of the wave that is running, which tells something.
    pub(in crate::judge) fn start_teller(self, client: u32) -> Self {
        let part = Part::Wave(self.waves);
        self.start(client, part, "health")
    }

    /// The wave has ended.
    pub(in crate::judge) fn wave_ended(self) -> Self {
        let wave = self.waves;
        self.push(What::WaveEnded { wave })
    }
}

/// The start of a reading of a session.
fn reading(client: u32, first: u32, part: Part) -> What {
    let mut spawned = spawned(ClientId(client), part, "get".to_owned());
    if let What::Spawned { session, pid, .. } = &mut spawned {
        (*session, *pid) = (Some(ClientId(first)), 1000 + first);
    }
    spawned
}
