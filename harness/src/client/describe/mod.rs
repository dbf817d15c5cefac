//! `client.toml` to a typed value.
//!
//! The syntax, the types and the drawing of mistakes are those of scenario files
//! ([`crate::scenario::text`]); what a description may have wrong beyond them is in [`check`], and
//! the words in braces are in [`placeholder`].

pub mod check;
pub mod placeholder;
mod sessions;
mod tells;

use cachestorm_model::client::Client;

use crate::scenario::text::read::read;
use crate::scenario::text::{Diagnostics, Source};

/// The name of the file that describes a client, in the folder of its helper files.
pub const FILE_NAME: &str = "client.toml";

/// Reads a description from the text of its file; `path` is what diagnostics call the file.
///
/// # Errors
///
/// Everything that is wrong with the text: all mistakes of its syntax, else all of its types, else
/// all of its meaning.
pub fn parse(path: &str, text: &str) -> Result<Client, Diagnostics> {
    parse_source(&Source::new(path, text))
}

/// Reads a description from a source. See [`parse`].
///
/// # Errors
///
/// As [`parse`].
pub fn parse_source(source: &Source) -> Result<Client, Diagnostics> {
    read(source, check::check)
}

#[cfg(test)]
mod tests;
