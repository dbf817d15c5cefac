//! Waves that start no processes, and ask those of an earlier one again.

use cachestorm_model::scenario::Scenario;

use super::super::text::{Node, Problem};

/// Appends what is wrong with `again` in the wave at `index`.
pub(super) fn check(
    scenario: &Scenario,
    index: usize,
    node: &Node<'_>,
    problems: &mut Vec<Problem>,
) {
    let Some(first) = scenario.waves[index].again else { return };
    let place = node.get("again");
    let number = index + 1;
    let earlier = (first as usize).checked_sub(1).filter(|first| *first < index);
    match earlier.map(|first| &scenario.waves[first]) {
        None => problems.push(
            Problem::at(place.span(), format!("wave {first} does not come before wave {number}"))
                .note(
                    "who is asked again must have been started by then; the first wave is number 1",
                )
                .help(earlier_than(number)),
        ),
        Some(wave) => {
            if let Some(starts) = wave.again {
                problems.push(
                    Problem::at(place.span(), format!("wave {first} has started nobody"))
                        .help(format!("write {starts}, the wave whose processes it asks again")),
                );
            } else if wave.command.as_ref().unwrap_or(&scenario.clients.command) == "get" {
                problems.push(
                    Problem::at(place.span(), format!("the processes of wave {first} run `get`, and end"))
                        .help("write in that wave a `command` that the client lists in `sessions`, such as \"session\""),
                );
            }
            if wave.readers.is_some() {
                problems.push(
                    Problem::at(
                        place.span(),
                        format!("some processes of wave {first} run `get`, and end"),
                    )
                    .help("leave `readers` out there, and let them read in a wave of their own"),
                );
            }
        }
    }
    for key in ["count", "command", "readers", "under"] {
        let written = node.get(key);
        if written.is_written() {
            problems.push(
                Problem::at(written.key_span(), format!("`{key}` and `again` contradict each other"))
                    .note("nobody is started: those who are asked again are as many as they were, and run what they ran")
                    .help("leave one of them out"),
            );
        }
    }
    if scenario.waves[index].swept {
        let swept = node.get("swept");
        problems.push(
            Problem::at(swept.key_span(), "a sweep kills processes that a wave starts")
                .help("leave `swept` out, or write it in a wave that starts some"),
        );
    }
    if !scenario.clients.also.is_empty() {
        problems.push(
            Problem::at(place.key_span(), "other clients among them cannot be asked again")
                .help("leave out `[[clients.also]]`, or this"),
        );
    }
}

fn earlier_than(number: usize) -> String {
    match number {
        1 => "leave it out, and write `command` with a session of the client".to_owned(),
        2 => "write 1".to_owned(),
        _ => format!("write a number from 1 to {}", number - 1),
    }
}
