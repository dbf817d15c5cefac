//! What is wrong with a text: drawn for people, listed for machines.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

use super::source::{Position, Source};

/// One thing that is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The offending bytes of the text.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// A few words beside the offending text.
    pub label: Option<String>,
    /// What is allowed there, or why it is not.
    pub note: Option<String>,
    /// What to write instead.
    pub help: Option<String>,
}

impl Problem {
    /// A problem with the bytes `span`.
    pub fn at(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), label: None, note: None, help: None }
    }

    /// Adds a few words beside the offending text.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Adds what is allowed, or why.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// Adds what to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn draw(&self, source: &Source, renderer: &Renderer) -> String {
        let mut marker = AnnotationKind::Primary.span(self.clamped(source));
        if let Some(label) = &self.label {
            marker = marker.label(label);
        }
        let snippet = Snippet::source(&source.text).path(&source.path).annotation(marker);
        let mut group = Level::ERROR.primary_title(&self.message).element(snippet);
        if let Some(note) = &self.note {
            group = group.element(Level::NOTE.message(note));
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help));
        }
        renderer.render(&[group] as &[Group<'_>])
    }

    /// The renderer panics on a span beyond the text; a span from elsewhere must not bring that about.
    fn clamped(&self, source: &Source) -> Range<usize> {
        let end = source.text.len();
        let start = self.span.start.min(end);
        start..self.span.end.clamp(start, end)
    }
}

/// Everything that is wrong with one text, in the order of the text. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics {
    source: Source,
    problems: Vec<Problem>,
}

/// A problem for machines, such as an annotation of a pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// The file.
    pub path: String,
    /// Where the offending text starts.
    pub start: Position,
    /// Where it ends.
    pub end: Position,
    /// What is wrong, and what to write instead: one line.
    pub message: String,
}

impl Diagnostics {
    /// The problems of a text.
    ///
    /// # Panics
    ///
    /// Where there is no problem: a text without one has a value instead.
    pub fn new(source: Source, mut problems: Vec<Problem>) -> Self {
        assert!(!problems.is_empty(), "diagnostics need at least one problem");
        problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
        Self { source, problems }
    }

    /// The text.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The problems, in the order of the text.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Drawn without colour, for files, pipes and tests.
    pub fn plain(&self) -> String {
        self.draw(&Renderer::plain())
    }

    /// Drawn with colour, for terminals.
    pub fn styled(&self) -> String {
        self.draw(&Renderer::styled())
    }

    /// Listed for machines.
    pub fn list(&self) -> Vec<Listed> {
        let listed = |problem: &Problem| Listed {
            path: self.source.path.clone(),
            start: self.source.position(problem.span.start),
            end: self.source.position(problem.span.end),
            message: match &problem.help {
                Some(help) => format!("{}; {help}", problem.message),
                None => problem.message.clone(),
            },
        };
        self.problems.iter().map(listed).collect()
    }

    fn draw(&self, renderer: &Renderer) -> String {
        let drawn: Vec<_> =
            self.problems.iter().map(|problem| problem.draw(&self.source, renderer)).collect();
        drawn.join("\n\n")
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.plain())
    }
}

impl std::error::Error for Diagnostics {}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(problem: Problem, expected: &str) {
        let source = Source::new("x.toml", "summary = \"x\"\ncount = 0\n");
        assert_eq!(Diagnostics::new(source, vec![problem]).plain(), expected);
    }

    #[test]
    fn a_problem_is_drawn_with_all_that_it_says() {
        check(
            Problem::at(22..23, "a wave of no clients")
                .label("none")
                .note("from 1 to 5000")
                .help("write 1"),
            "\
error: a wave of no clients
 --> x.toml:2:9
  |
2 | count = 0
  |         ^ none
  |
  = note: from 1 to 5000
  = help: write 1",
        );
    }

    #[test]
    fn a_span_beyond_the_text_is_drawn_at_its_end() {
        let drawn = Diagnostics::new(Source::new("x.toml", "a"), vec![Problem::at(7..9, "end")]);
        assert!(drawn.plain().starts_with("error: end\n --> x.toml:1:2"), "{drawn}");
    }

    #[test]
    fn an_empty_text_can_have_problems() {
        let drawn = Diagnostics::new(Source::new("x.toml", ""), vec![Problem::at(0..0, "none")]);
        assert!(drawn.plain().starts_with("error: none\n --> x.toml:1:1"), "{drawn}");
    }

    #[test]
    fn only_terminals_get_colour() {
        let diagnostics = Diagnostics::new(Source::new("x", "y"), vec![Problem::at(0..1, "z")]);
        assert!(diagnostics.styled().contains('\u{1b}'));
        assert!(!diagnostics.plain().contains('\u{1b}'));
    }

    #[test]
    fn machines_get_line_column_and_one_line_of_text() {
        let source = Source::new("x.toml", "a\nbcd");
        let listed = Diagnostics::new(source, vec![Problem::at(3..5, "no").help("write e")]).list();
        assert_eq!(
            serde_json::to_string(&listed[0]).unwrap(),
            r#"{"path":"x.toml","start":{"line":2,"column":2},"end":{"line":2,"column":4},"message":"no; write e"}"#,
        );
    }
}
