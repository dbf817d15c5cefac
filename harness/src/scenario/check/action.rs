//! What an action does, apart from what fires it.

use std::ops::RangeInclusive;

use cachestorm_model::scenario::{Action, Content, Mtime, Plant};

use super::super::text::{Node, Problem, paths};
use super::{clients, fault, not_zero};

/// The status codes of an injected answer. Below 200 an answer is only announced, not given.
const STATUS: RangeInclusive<u16> = 200..=599;

/// The permission bits there are.
const MODE_MAX: u32 = 0o777;

/// Processes of a storm at most: beyond this a machine measures its own limits.
const STORM_MAX: u32 = 2_000;

/// An action between waves: no process lives then, and no response is under way.
pub(super) fn check_step(action: &Action, node: &Node<'_>, problems: &mut Vec<Problem>) {
    if action.is_about_process() || action.is_about_response() || action.is_about_call() {
        let what =
            if action.is_about_response() { "response is under way" } else { "process lives" };
        problems.push(
            Problem::at(node.span(), format!("no {what} before a wave starts"))
                .note(format!("the action: {action}"))
                .help("write it as an `[[inject]]` with a trigger"),
        );
    }
    if matches!(action, Action::Run(_)) {
        problems.push(
            Problem::at(node.span(), "no wave is running for one more process to join")
                .help("write a `[[wave]]` with `count = 1` and this `command`"),
        );
    }
    check_value(action, node, problems);
}

/// The value inside an action.
pub(super) fn check_value(action: &Action, node: &Node<'_>, problems: &mut Vec<Problem>) {
    let value = node.payload();
    match action {
        Action::Delay(span) => not_zero(*span, "a delay", &value, problems),
        Action::Answer(status) if !STATUS.contains(status) => problems.push(
            Problem::at(value.span(), format!("{status} is not the status of an answer")).help(
                format!("write one from {} to {}, such as 503", STATUS.start(), STATUS.end()),
            ),
        ),
        Action::ForkStorm(count) if !(1..=STORM_MAX).contains(count) => problems.push(
            Problem::at(value.span(), format!("{count} processes are no storm"))
                .help(format!("write a number from 1 to {STORM_MAX}")),
        ),
        Action::Run(name) => clients::command(name, &value, problems),
        Action::Fault(one) => fault::check(one, &value, problems),
        Action::Remove(path) => {
            if let Some(fault) = paths::role_or_glob_fault(path) {
                problems.push(path_problem(fault, &value));
            }
        }
        Action::Plant(file) => plant(file, &value, problems),
        Action::AgeBy(span) => not_zero(*span, "an age", &value, problems),
        Action::ClockBack(span) => not_zero(*span, "a step of the clock", &value, problems),
        Action::CoarseTimes(span) => not_zero(*span, "a grain of time", &value, problems),
        Action::Chmod(chmod) => {
            if let Some(fault) = paths::role_or_glob_fault(&chmod.path) {
                problems.push(path_problem(fault, &value.get("path")));
            }
            if chmod.mode > MODE_MAX {
                problems.push(
                    Problem::at(value.get("mode").span(), format!("{:#o} is no mode", chmod.mode))
                        .help("write octal digits from 0o000 to 0o777, such as 0o400"),
                );
            }
        }
        _ => {}
    }
}

/// What can have no effect before the first wave where the cache is empty.
pub(super) fn check_on_empty_cache(action: &Action, node: &Node<'_>, problems: &mut Vec<Problem>) {
    let needs_a_file = match action {
        Action::Plant(file) => matches!(file.content, Content::Unchanged | Content::Link),
        Action::Remove(_)
        | Action::Age
        | Action::AgeBy(_)
        | Action::AgePastBound
        | Action::ClockBack(_)
        | Action::CoarseTimes(_)
        | Action::Chmod(_)
        | Action::Wipe => true,
        _ => false,
    };
    if needs_a_file {
        problems.push(
            Problem::at(node.span(), "the cache is empty before the first wave")
                .note(format!("the action: {action}"))
                .help("write `initial = \"fresh\"` in `[cache]`, or a later trigger"),
        );
    }
}

/// A fault of a path, shown where the path was written.
pub(super) fn path_problem(fault: String, node: &Node<'_>) -> Problem {
    Problem::at(node.span(), fault).note(
        "allowed here: published, lock, temp, or a glob relative to the cache directory, such as \"*.tmp\"",
    )
}

fn plant(plant: &Plant, node: &Node<'_>, problems: &mut Vec<Problem>) {
    let path = node.get("path");
    let fault = match plant.path.as_str() {
        "published" | "lock" | "temp" => None,
        other => paths::path_fault(other),
    };
    if let Some(fault) = fault {
        problems.push(Problem::at(path.span(), fault).note(
            "allowed here: published, lock, temp, or the path of a file relative to the cache directory",
        ));
    }
    if matches!(plant.content, Content::Link | Content::DanglingLink) && plant.mtime != Mtime::Now {
        problems.push(
            Problem::at(node.get("mtime").span(), "a link has no time that a client looks at")
                .help("leave `mtime` out"),
        );
    }
    if plant.content == Content::Previous
        && matches!(plant.mtime, Mtime::Now | Mtime::Future | Mtime::Ahead(_))
    {
        problems.push(
            Problem::at(
                node.get("content").span(),
                "the catalogue before would be fresh, and every client right to go back to it",
            )
            .help("add an `mtime` that is past: \"expired\", \"epoch\" or { ago = \"2h\" }"),
        );
    }
    if plant.content == Content::Unchanged && plant.mtime == Mtime::Now {
        problems.push(
            Problem::at(
                node.get("content").span(),
                "the same bytes with the same time change nothing",
            )
            .help("add an `mtime` (\"future\", \"expired\" or \"epoch\"), or other content"),
        );
    }
}
