//! What a process is started for: everything about it that was decided before it exists.

use crate::model::record::Part;
use crate::model::scenario::{Conditions, ResolvedWave, Scenario};
use crate::model::units::ClientId;

/// What a process is started for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errand {
    /// Why it runs.
    pub part: Part,
    /// The client's command by name.
    pub command: String,
    /// What it runs under.
    pub under: Conditions,
    /// Which of `clients.also` it runs, where it is not the client under test.
    pub with: Option<usize>,
    /// The session that is asked again, by its first reading, where no process is started.
    pub session: Option<ClientId>,
    /// The wave whose sessions it is one of, where it was started again in a later one.
    pub group: Option<u32>,
}

impl Errand {
    /// The processes of a wave, in order.
    pub fn of_wave(scenario: &Scenario, wave: &ResolvedWave) -> Vec<Self> {
        let errand = |with| Self {
            part: Part::Wave(wave.number),
            command: wave.command.clone(),
            under: wave.under,
            with,
            session: None,
            group: None,
        };
        let mut errands: Vec<Self> =
            scenario.others_in(wave.count).into_iter().map(errand).collect();
        // One at least runs what the wave is there for.
        let own = errands.iter_mut().skip(1).filter(|errand| errand.with.is_none());
        for errand in own.rev().take(wave.readers as usize) {
            errand.command = "get".to_owned();
        }
        errands
    }

    /// The wave whose sessions it is one of, if it is one.
    pub fn wave_of_session(&self) -> Option<u32> {
        self.group.or(match self.part {
            Part::Wave(wave) => Some(wave),
            _ => None,
        })
    }

    /// One more process of the client under test in a wave, with a command of its own.
    pub fn one_more(wave: &ResolvedWave, command: &str) -> Self {
        let part = Part::Wave(wave.number);
        Self {
            part,
            command: command.to_owned(),
            under: wave.under,
            with: None,
            session: None,
            group: None,
        }
    }

    /// A process that belongs to no wave: it runs the client under test as the scenario's user, and
    /// under nothing else.
    pub fn apart(scenario: &Scenario, part: Part) -> Self {
        let under = Conditions { user: scenario.clients.under.user, ..Conditions::default() };
        Self { part, command: "get".to_owned(), under, with: None, session: None, group: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_a_wave_run_the_other_clients_and_never_all() {
        let check = |count: u32, expected: &[Option<usize>]| {
            let text = format!(
                "summary = 'x'\n[clients]\ncount = {count}\n[[clients.also]]\nwith = 'a'\ncount = 2\n\
                 [[clients.also]]\nwith = 'b'\ncount = 1"
            );
            let scenario: Scenario = toml::from_str(&text).unwrap();
            let wave = &scenario.resolved_waves()[0];
            let with: Vec<_> =
                Errand::of_wave(&scenario, wave).iter().map(|errand| errand.with).collect();
            assert_eq!(with, expected, "{count}");
        };
        check(5, &[None, None, Some(0), Some(0), Some(1)]);
        check(3, &[None, Some(0), Some(0)]);
        check(1, &[None]);
    }

    #[test]
    fn the_last_of_its_own_clients_read_and_never_all() {
        let check = |readers: u32, expected: &[&str]| {
            let text = format!(
                "summary = 'x'\n[[clients.also]]\nwith = 'a'\ncount = 1\n\
                 [[wave]]\ncount = 4\ncommand = 'update'\nreaders = {readers}"
            );
            let scenario: Scenario = toml::from_str(&text).unwrap();
            let wave = &scenario.resolved_waves()[0];
            let errands = Errand::of_wave(&scenario, wave);
            let commands: Vec<_> = errands.iter().map(|errand| errand.command.as_str()).collect();
            assert_eq!(commands, expected, "{readers}");
        };
        check(0, &["update"; 4]);
        check(1, &["update", "update", "get", "update"]);
        check(3, &["update", "get", "get", "update"]);
    }

    #[test]
    fn limits_end_with_their_wave_and_the_user_does_not() {
        let text = "summary = 'x'\n[clients]\nunder = { umask = 0o077, user = 'ordinary' }\n\
                    [[wave]]\nunder = { open-files = 9 }\n[[wave]]";
        let scenario: Scenario = toml::from_str(text).unwrap();
        let waves = scenario.resolved_waves();
        let bare = |wave: &ResolvedWave| {
            let under = Errand::of_wave(&scenario, wave)[0].under;
            (under.umask, under.open_files, under.user.is_some())
        };
        assert_eq!(bare(&waves[0]), (Some(0o077), Some(9), true));
        assert_eq!(bare(&waves[1]), (Some(0o077), None, true));
        let probe = Errand::apart(&scenario, Part::ProbeNow).under;
        assert_eq!((probe.umask, probe.open_files, probe.user.is_some()), (None, None, true));
    }
}
