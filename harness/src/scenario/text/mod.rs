//! What scenario files and client descriptions have in common as texts: they are TOML, written by
//! people, and every mistake in them is shown where it was made.
//!
//! 1. [`source`]: a text with the name of its file, and positions in it;
//! 2. [`diagnostic`]: what is wrong with a text, drawn for people or listed for machines;
//! 3. [`read`]: a text becomes a value, or all of its mistakes of syntax and type;
//! 4. `wording`: what the TOML library says, in the words of the other messages;
//! 5. [`locate`]: from a key to its place in the text, for checks of meaning;
//! 6. [`nearest`]: the name that somebody probably meant;
//! 7. [`paths`]: paths and globs that must stay below the cache directory.

pub mod diagnostic;
pub mod locate;
pub mod nearest;
pub mod paths;
pub mod read;
pub mod source;
mod wording;

pub use diagnostic::{Diagnostics, Problem};
pub use locate::Node;
pub use source::{Position, Source};
