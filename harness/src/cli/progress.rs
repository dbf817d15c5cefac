//! Live progress: a bar on a terminal, plain lines elsewhere.

use std::io::IsTerminal;

use cachestorm_reports::live;
use cachestorm_reports::style::Palette;
use indicatif::{ProgressBar, ProgressStyle};

use crate::model::run::ScenarioResult;
use crate::suite::{Entry, Progress};

/// Progress on standard error.
pub struct Live {
    bar: Option<ProgressBar>,
    repetitions: u32,
}

impl Live {
    /// For `total` repetitions in all, `repetitions` of each scenario.
    pub fn new(total: u64, repetitions: u32) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:32} {pos}/{len} {elapsed} {wide_msg}");
            let bar = ProgressBar::new(total);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        Self { bar, repetitions }
    }

    /// Counts what went as it should, without a line of its own.
    pub fn count(&self, name: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(name.to_owned());
            bar.inc(1);
        }
    }

    /// Prints a line.
    pub fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => super::output::note(text),
        }
    }

    /// Takes the bar away.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Live {
    fn started(&self, entry: &Entry, _repetition: u32) {
        if let Some(bar) = &self.bar {
            bar.set_message(entry.name.clone());
        }
    }

    fn finished(&self, result: &ScenarioResult) {
        match &self.bar {
            Some(bar) => {
                bar.println(live::line(result, self.repetitions, &Palette::styled()));
                bar.inc(1);
            }
            None => super::output::note(&live::line(result, self.repetitions, &Palette::plain())),
        }
    }
}
