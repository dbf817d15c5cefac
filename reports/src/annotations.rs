//! Lines that GitHub Actions turns into annotations on the files of a change.
//!
//! The format is that of workflow commands: `::error file=F,line=N,title=T::MESSAGE`, where `%`, `\r`
//! and `\n` are written as `%25`, `%0D` and `%0A`, and in a property `:` and `,` as `%3A` and `%2C`.
//! Source: GitHub's documentation of workflow commands, and `actions/toolkit`, `packages/core/src/command.ts`.

use cachestorm_model::run::Run;

use crate::counts::Status;
use crate::statement::{Section, left_out_line, sections};
use crate::summary::{Scenario, themes};

/// Statements in one annotation for each invariant: GitHub shows only the beginning.
const LIMIT: usize = 5;

/// A line for each scenario that did not pass and was not merely skipped: an error where something is
/// wrong, a warning where nothing was proved. Empty where there is nothing to say.
pub fn render(run: &Run) -> String {
    let themes = themes(run);
    let scenarios = themes.iter().flat_map(|theme| &theme.scenarios);
    scenarios.filter_map(annotation).collect()
}

fn annotation(scenario: &Scenario<'_>) -> Option<String> {
    let status = scenario.status();
    let level = match status {
        Status::Fail | Status::Invalid | Status::HarnessFault => "error",
        Status::Vacuous | Status::Inconclusive => "warning",
        Status::Pass | Status::Skipped => return None,
    };
    // A scenario says nothing about its lines yet, and an annotation needs one.
    let place = scenario.file().map(|file| format!("file={},line=1,", property(file)));
    let ratio = scenario.ratio().map(|ratio| format!(" ({ratio})")).unwrap_or_default();
    let title = property(&format!("{}: {}{ratio}", scenario.name, status.as_str()));
    let message: Vec<String> =
        sections(scenario.with(status), LIMIT).iter().flat_map(lines).collect();
    let place = place.unwrap_or_default();
    Some(format!("::{level} {place}title={title}::{}\n", data(&message.join("\n"))))
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
