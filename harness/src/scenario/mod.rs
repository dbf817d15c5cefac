//! Scenario files to typed values.
//!
//! Reading order:
//!
//! 1. [`text`]: TOML to values, with diagnostics, for scenarios and client descriptions alike;
//! 2. [`check`]: what a scenario that parses may still have wrong;
//! 3. [`against`]: what a scenario needs of a client;
//! 4. [`load`]: all scenario files below a folder;
//! 5. [`builtin`]: the scenarios and client descriptions inside the program;
//! 6. [`resolve`]: the scenarios and the client that a command line asks for;
//! 7. [`mod@line`]: the line of a file that a result is about;
//! 8. [`schema`]: JSON Schemas for editors.

pub mod against;
pub mod builtin;
pub mod check;
pub mod line;
pub mod load;
pub mod resolve;
pub mod schema;
pub mod text;

use cachestorm_model::scenario::Scenario;

use text::{Diagnostics, Source};

/// Reads a scenario from the text of its file; `path` is what diagnostics call the file.
///
/// # Errors
///
/// Everything that is wrong with the text: all mistakes of its syntax, else all of its types, else
/// all of its meaning.
pub fn parse(path: &str, text: &str) -> Result<Scenario, Diagnostics> {
    parse_source(&Source::new(path, text))
}

/// Reads a scenario from a source. See [`parse`].
///
/// # Errors
///
/// As [`parse`].
pub fn parse_source(source: &Source) -> Result<Scenario, Diagnostics> {
    text::read::read(source, check::check)
}

#[cfg(test)]
mod tests;
