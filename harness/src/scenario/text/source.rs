//! A text with the name of its file, and positions in it.

use std::fs;
use std::path::Path;

use serde::Serialize;

use super::diagnostic::{Diagnostics, Problem};

/// A text to be read, with the name by which people know its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What diagnostics call the file.
    pub path: String,
    /// The file's text.
    pub text: String,
}

/// A place in a text, as editors and continuous integration count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Position {
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
}

impl Source {
    /// A text that is at hand.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// Diagnostics where the file cannot be read, or is not UTF-8.
    pub fn read(path: &Path) -> Result<Self, Diagnostics> {
        let shown = path.display().to_string();
        match fs::read(path) {
            Ok(bytes) => Self::decode(shown, bytes),
            Err(error) => {
                let problem = Problem::at(0..0, format!("the file cannot be read: {error}"));
                Err(Diagnostics::new(Self::new(shown, ""), vec![problem]))
            }
        }
    }

    /// Takes bytes for text.
    ///
    /// # Errors
    ///
    /// Diagnostics where the bytes are not UTF-8.
    pub fn decode(path: impl Into<String>, bytes: Vec<u8>) -> Result<Self, Diagnostics> {
        let path = path.into();
        let error = match String::from_utf8(bytes) {
            Ok(text) => return Ok(Self { path, text }),
            Err(error) => error,
        };
        let start = error.utf8_error().valid_up_to();
        let end = start + char::REPLACEMENT_CHARACTER.len_utf8();
        let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
        let problem = Problem::at(start..end, "this byte is not UTF-8")
            .help("save the file with the encoding UTF-8");
        Err(Diagnostics::new(Self { path, text }, vec![problem]))
    }

    /// The position of a byte offset; an offset beyond the text is its end.
    pub fn position(&self, offset: usize) -> Position {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &self.text[..offset];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, offset: usize, line: usize, column: usize) {
        assert_eq!(Source::new("x", text).position(offset), Position { line, column });
    }

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        check("", 0, 1, 1);
        check("ab\ncd", 1, 1, 2);
        check("ab\ncd", 3, 2, 1);
        check("ab\ncd", 99, 2, 3);
        check("\u{e4}b", 2, 1, 2);
        check("\u{e4}b", 1, 1, 1);
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_where_they_stand() {
        let diagnostics = Source::decode("x.toml", b"a = 1\nb\xff".to_vec()).unwrap_err();
        let listed = diagnostics.list();
        assert_eq!(listed[0].start, Position { line: 2, column: 2 });
    }
}
