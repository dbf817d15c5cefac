//! The waves of a scenario, with what it leaves to defaults filled in.

use super::{Action, Conditions, Scenario, Start, Wave};

/// A wave with every default filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedWave {
    /// Counted from 1.
    pub number: u32,
    /// Processes.
    pub count: u32,
    /// The earlier wave whose processes are asked again, where none are started.
    pub again: Option<u32>,
    /// How they are started.
    pub start: Start,
    /// Which command they run.
    pub command: String,
    /// So many of them run `get` instead.
    pub readers: u32,
    /// What they run under.
    pub under: Conditions,
    /// The first of them is what a sweep kills and fails.
    pub swept: bool,
    /// What is done before they start, in order.
    pub before: Vec<Action>,
}

impl Scenario {
    /// The waves in order, whichever of the two ways the file used to write them.
    pub fn resolved_waves(&self) -> Vec<ResolvedWave> {
        let defaults = &self.clients;
        let wave = |index: usize, wave: &Wave| {
            // Those who are asked again are as many as they were, and run what they ran.
            let first = wave.again.and_then(|first| self.waves.get(first.checked_sub(1)? as usize));
            let made = first.unwrap_or(wave);
            ResolvedWave {
                number: u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1),
                count: made.count.unwrap_or(defaults.count),
                again: wave.again,
                start: wave.start.unwrap_or(defaults.start),
                command: made.command.clone().unwrap_or_else(|| defaults.command.clone()),
                readers: wave.readers.unwrap_or(0),
                under: wave.under.or(defaults.under),
                swept: wave.swept,
                before: wave.before.clone(),
            }
        };
        if !self.waves.is_empty() {
            return self.waves.iter().enumerate().map(|(i, w)| wave(i, w)).collect();
        }
        (0..defaults.waves as usize)
            .map(|index| {
                let before = if index == 0 { Vec::new() } else { defaults.between.clone() };
                wave(index, &Wave { before, ..Wave::default() })
            })
            .collect()
    }
}
