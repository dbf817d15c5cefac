//! Waves and the clients in them.

use cachestorm_model::scenario::{Scenario, Start, Wave};

use super::super::text::{Node, Problem};
use super::{Bounds, PROCESSES_MAX, action, not_zero, sessions};

pub(super) fn check(
    scenario: &Scenario,
    bounds: &Bounds,
    root: &Node<'_>,
    problems: &mut Vec<Problem>,
) {
    let clients = &scenario.clients;
    let node = root.get("clients");
    count(clients.count, &node.get("count"), problems);
    start(clients.start, &node.get("start"), problems);
    command(&clients.command, &node.get("command"), problems);
    not_zero(clients.deadline, "a deadline", &node.get("deadline"), problems);
    not_zero(clients.patience, "a patience", &node.get("patience"), problems);
    let patience = node.get("patience");
    if patience.is_written() && clients.patience >= clients.deadline {
        problems.push(
            Problem::at(patience.span(), "no client lives that long")
                .note(format!("each is killed after {}, the deadline", clients.deadline))
                .help("write a longer `deadline` too"),
        );
    }
    repeated(scenario, &node, problems);
    for (index, wave) in scenario.waves.iter().enumerate() {
        let node = root.get("wave").at(index);
        one_wave(wave, &node, problems);
        sessions::check(scenario, index, &node, problems);
    }
    if bounds.processes > PROCESSES_MAX {
        let written = [root.get("clients").get("count"), root.get("wave").at(0), node];
        let place = written.iter().find(|node| node.is_written()).unwrap_or(root);
        problems.push(
            Problem::at(place.span(), format!("{} processes are too many", bounds.processes))
                .note(format!("at most {PROCESSES_MAX}, counted over all waves"))
                .help("write fewer clients or fewer waves; repeat the scenario for more runs"),
        );
    }
}

/// `waves` and `between`, which `[[wave]]` replaces.
fn repeated(scenario: &Scenario, node: &Node<'_>, problems: &mut Vec<Problem>) {
    let clients = &scenario.clients;
    let (waves, between) = (node.get("waves"), node.get("between"));
    if !scenario.waves.is_empty() {
        for (node, key, instead) in [
            (&waves, "waves", "leave it out: the `[[wave]]` tables are the waves"),
            (&between, "between", "write the actions as `before` in the `[[wave]]` tables"),
        ] {
            if node.is_written() {
                let message = format!("`{key}` and `[[wave]]` contradict each other");
                problems.push(Problem::at(node.key_span(), message).help(instead));
            }
        }
    } else if clients.waves == 0 {
        problems.push(Problem::at(waves.span(), "no wave, no client").help("write at least 1"));
    } else if clients.waves == 1 && !clients.between.is_empty() {
        problems.push(
            Problem::at(between.key_span(), "there is nothing between one wave and no other")
                .help("write `waves = 2` or more, or inject the actions `on = \"begin\"`"),
        );
    }
    for (index, one) in clients.between.iter().enumerate() {
        action::check_step(one, &between.at(index), problems);
    }
}

fn one_wave(wave: &Wave, node: &Node<'_>, problems: &mut Vec<Problem>) {
    if let Some(clients) = wave.count {
        count(clients, &node.get("count"), problems);
    }
    if let Some(how) = wave.start {
        start(how, &node.get("start"), problems);
    }
    if let Some(name) = &wave.command {
        command(name, &node.get("command"), problems);
    }
    if let Some(readers) = wave.readers
        && wave.count.is_some_and(|clients| clients <= readers)
    {
        let problem = Problem::at(node.get("readers").span(), "a wave of readers alone");
        problems.push(problem.help("write fewer than `count`, or leave out `command` and this"));
    }
    for (step, one) in wave.before.iter().enumerate() {
        action::check_step(one, &node.get("before").at(step), problems);
    }
}

fn count(count: u32, node: &Node<'_>, problems: &mut Vec<Problem>) {
    if count == 0 {
        let problem = Problem::at(node.span(), "a wave of no clients");
        problems.push(problem.help(format!("write a number from 1 to {PROCESSES_MAX}")));
    }
}

fn start(start: Start, node: &Node<'_>, problems: &mut Vec<Problem>) {
    if let Start::Stagger(span) = start
        && span.is_zero()
    {
        problems.push(
            Problem::at(node.payload().span(), "a stagger of no length at all")
                .help("write `start = \"together\"`, or a length such as \"20ms\""),
        );
    }
}

pub(super) fn command(name: &str, node: &Node<'_>, problems: &mut Vec<Problem>) {
    if name.trim().is_empty() {
        problems.push(
            Problem::at(node.span(), "a command without a name").help(
                "write \"get\", or a name that the client describes under `[commands]`, such as \"update\"",
            ),
        );
    }
}
