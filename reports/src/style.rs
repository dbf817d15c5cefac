//! How text for a terminal is laid out and coloured.

use anstyle::{AnsiColor, Style};

use crate::counts::Status;

/// How a report for a terminal is made.
#[derive(Debug, Clone)]
pub struct Options {
    /// Columns of the terminal. Sentences are wrapped to it, never cut.
    pub width: usize,
    /// Colours, or none.
    pub palette: Palette,
    /// Whether a skip counts against the run.
    pub strict: bool,
    /// Statements shown for each invariant of each scenario; the rest is counted.
    pub limit: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { width: 100, palette: Palette::styled(), strict: false, limit: 10 }
    }
}

impl Options {
    /// The default without any colour.
    pub fn plain() -> Self {
        Self { palette: Palette::plain(), ..Self::default() }
    }
}

/// The styles of a report. The codes stand in the text: strip them where no terminal reads it.
///
/// Nothing is said by a colour alone: every coloured word says the same in letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palette {
    /// What held.
    pub good: Style,
    /// What is broken.
    pub bad: Style,
    /// What proves nothing.
    pub doubtful: Style,
    /// Headings and names.
    pub strong: Style,
    /// What can be read later.
    pub faint: Style,
}

impl Palette {
    /// Colours.
    pub const fn styled() -> Self {
        Self {
            good: AnsiColor::Green.on_default().bold(),
            bad: AnsiColor::Red.on_default().bold(),
            doubtful: AnsiColor::Yellow.on_default().bold(),
            strong: Style::new().bold(),
            faint: Style::new().dimmed(),
        }
    }

    /// No styles at all.
    pub const fn plain() -> Self {
        let none = Style::new();
        Self { good: none, bad: none, doubtful: none, strong: none, faint: none }
    }

    /// Whether there are no styles at all, so that styles that come from elsewhere must go too.
    pub fn is_plain(&self) -> bool {
        *self == Self::plain()
    }

    /// The style of a status.
    pub fn status(&self, status: Status) -> Style {
        match status {
            Status::Pass => self.good,
            Status::Fail | Status::Invalid | Status::HarnessFault => self.bad,
            Status::Vacuous | Status::Inconclusive | Status::Skipped => self.doubtful,
        }
    }
}

/// Text with the codes of a style around it; nothing around no text.
pub fn paint(style: Style, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{style}{text}{style:#}") }
}

/// The column at which names start, after a status that is aligned to the right.
pub const NAMES: usize = 14;

/// The word of a status, aligned to the right before [`NAMES`].
pub fn status_word(palette: &Palette, status: Status) -> String {
    let word = status.as_str();
    let indent = NAMES - 2 - word.len();
    format!("{:indent$}{}  ", "", paint(palette.status(status), word))
}
