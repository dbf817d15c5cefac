//! What the program says: results on standard output, everything else on standard error, without
//! colours where nobody would see them.

use std::env;
use std::io::{IsTerminal, Write};

use cachestorm_reports::style::Options;

/// How wide reports are where nobody can see how wide the terminal is.
const WIDTH: usize = 100;

/// Prints a report. A reader who has closed the pipe has seen enough.
pub fn print(text: &str) {
    let mut out = anstream::stdout();
    let _ = out.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        let _ = out.write_all(b"\n");
    }
    let _ = out.flush();
}

/// Prints a line beside the results.
pub fn note(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Prints an error with its causes, each once: some errors tell their cause themselves.
pub fn error(error: &anyhow::Error) {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    // A drawn diagnostic begins with the word itself.
    let prefix = if text.starts_with("error") { "" } else { "error: " };
    note(&format!("{prefix}{text}"));
}

/// Sentences for each invariant of a scenario: the first few say what happened, and the rest, which are
/// mostly the same of other processes, are counted.
const SENTENCES: usize = 3;

/// How a report is drawn here.
pub fn options(strict: bool) -> Options {
    let columns = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let width = match terminal_columns() {
        Some(columns) if std::io::stdout().is_terminal() => columns,
        _ => columns.unwrap_or(WIDTH),
    };
    Options { width: width.clamp(40, 200), strict, limit: SENTENCES, ..Options::default() }
}

fn terminal_columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    (size.ws_col > 0).then_some(usize::from(size.ws_col))
}
