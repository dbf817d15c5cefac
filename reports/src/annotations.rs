//! Lines that GitHub Actions turns into annotations on the files of a change.
//!
//! The format is that of workflow commands: `::error file=F,line=N,title=T::MESSAGE`, where `%`, `\r`
//! and `\n` are written as `%25`, `%0D` and `%0A`, and in a property `:` and `,` as `%3A` and `%2C`.
//! Sources: GitHub's documentation of workflow commands; `actions/toolkit`, `packages/core/src/command.ts`, for
//! the escapes; `actions/runner`, `ExecutionContext.cs`, for how much it takes.

use cachestorm_model::run::Run;

use crate::counts::Status;
use crate::statement::{Section, left_out_line, sections};
use crate::summary::{Scenario, themes};

/// Statements in one annotation for each invariant.
const LIMIT: usize = 5;

/// The most annotations of one level that GitHub takes from one step: it drops the rest without a word.
const ANNOTATIONS_MAX: usize = 10;

/// The longest message that GitHub shows, in bytes: it cuts off the rest.
const MESSAGE_MAX: usize = 4096;

/// The room for the line that says that more was left out.
const REST: usize = 60;

/// A line for each scenario that did not pass and was not merely skipped: an error where something is
/// wrong, a warning where nothing was proved. It points at the line of the scenario's file that tells most
/// about the result. Where there are more than GitHub takes, the last counts and names the others. Empty where
/// there is nothing to say.
pub fn render(run: &Run) -> String {
    let themes = themes(run);
    let scenarios: Vec<&Scenario<'_>> = themes.iter().flat_map(|theme| &theme.scenarios).collect();
    let of = |wanted| {
        let some = scenarios.iter().copied().filter(|it| level(it.status()) == Some(wanted));
        lines_of(wanted, &some.collect::<Vec<_>>())
    };
    of("error") + &of("warning")
}

fn level(status: Status) -> Option<&'static str> {
    match status {
        Status::Fail | Status::Invalid | Status::HarnessFault => Some("error"),
        Status::Vacuous | Status::Inconclusive => Some("warning"),
        Status::Pass | Status::Skipped => None,
    }
}

fn lines_of(level: &str, scenarios: &[&Scenario<'_>]) -> String {
    let shown =
        if scenarios.len() > ANNOTATIONS_MAX { ANNOTATIONS_MAX - 1 } else { scenarios.len() };
    let (shown, rest) = scenarios.split_at(shown);
    let mut out: String = shown.iter().map(|scenario| annotation(level, scenario)).collect();
    if !rest.is_empty() {
        let title = property(&format!("{} more scenarios", rest.len()));
        let names = rest.iter().map(|it| format!("{}: {}", it.name, it.status().as_str()));
        out.push_str(&format!("::{level} title={title}::{}\n", message(names)));
    }
    out
}

fn annotation(level: &str, scenario: &Scenario<'_>) -> String {
    let status = scenario.status();
    let ratio = scenario.ratio().map(|ratio| format!(" ({ratio})")).unwrap_or_default();
    let title = property(&format!("{}: {}{ratio}", scenario.name, status.as_str()));
    let sections = sections(scenario.with(status), LIMIT);
    let message = message(sections.iter().flat_map(lines));
    format!("::{level} {}title={title}::{message}\n", place(scenario, status).unwrap_or_default())
}

/// The file, and the line of the first repetition that came out this way.
fn place(scenario: &Scenario<'_>, status: Status) -> Option<String> {
    let result = scenario.with(status).next()?;
    let file = property(result.file.as_deref()?);
    // GitHub takes the first line where none is given, and says so only in its reference.
    Some(format!("file={file},line={},", result.line.unwrap_or(1)))
}

/// The lines as one message, as many as GitHub shows.
fn message(lines: impl Iterator<Item = String>) -> String {
    let lines: Vec<String> =
        lines.flat_map(|line| line.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    let mut message = String::new();
    for (index, line) in lines.iter().enumerate() {
        let line = if index == 0 { data(line) } else { data(&format!("\n{line}")) };
        let last = index + 1 == lines.len();
        if index > 0 && message.len() + line.len() + if last { 0 } else { REST } > MESSAGE_MAX {
            let rest = lines.len() - index;
            message.push_str(&data(&format!("\n{rest} more lines; the step's summary goes on.")));
            break;
        }
        message.push_str(&line);
    }
    message
}

fn lines(section: &Section) -> Vec<String> {
    let told = section.merged.iter().map(|merged| merged.statement.paragraph());
    let mut lines: Vec<String> = told.collect();
    if section.left_out > 0 {
        lines.push(format!("{}: {}", section.subject.as_str(), left_out_line(section.left_out)));
    }
    lines
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_escape_line_breaks_and_percent_signs() {
        assert_eq!(data("50 %\r\nof: a, b"), "50 %25%0D%0Aof: a, b");
    }

    #[test]
    fn properties_escape_colons_and_commas_too() {
        assert_eq!(property("a:b,c\n%"), "a%3Ab%2Cc%0A%25");
    }
}
