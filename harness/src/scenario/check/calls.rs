//! Triggers on system calls, and the actions that act on a call.

use cachestorm_model::scenario::{Action, Injection, OnCall, Phase, Scenario, Trigger, Wave};

use super::super::text::{Node, Problem, paths};
use super::{Bounds, action, injection};

pub(super) fn check(
    injection: &Injection,
    bounds: &Bounds,
    node: &Node<'_>,
    problems: &mut Vec<Problem>,
) {
    let on = match &injection.on {
        Trigger::Syscall(on) => {
            path(on, &node.get("on").payload(), problems);
            Some(on)
        }
        _ => None,
    };
    if !injection.action.is_about_call() {
        return;
    }
    let place = node.get("do");
    let Some(on) = on else {
        problems.push(
            Problem::at(place.span(), "no process stands at a call then")
                .note(format!("the action: {}", injection.action))
                .help("write a trigger such as `on = { syscall = { call = \"rename\", path = \"published\" } }`"),
        );
        return;
    };
    match &injection.action {
        Action::Errno(_) | Action::Short(_) if on.phase == Phase::After => problems.push(
            Problem::at(place.span(), "the call has been made by then")
                .help("write `phase = \"before\"` in the trigger, or leave it out"),
        ),
        Action::Short(_) if !on.call.may_be_short() => problems.push(
            Problem::at(place.span(), format!("`{}` transfers no bytes", on.call))
                .note("these do: read, write, send, recv, sendfile, copy-file-range"),
        ),
        Action::Short(bytes) if bytes.0 == 0 => problems.push(
            Problem::at(place.payload().span(), "a call that transfers nothing is at its end")
                .help("write at least \"1B\""),
        ),
        Action::HoldUntil(trigger) => until(trigger, injection.each_wave, bounds, &place, problems),
        _ => {}
    }
}

/// What a process is held for must be able to happen while it stands still.
fn until(
    trigger: &Trigger,
    each_wave: bool,
    bounds: &Bounds,
    place: &Node<'_>,
    problems: &mut Vec<Problem>,
) {
    let inner = place.payload();
    injection::count(trigger, each_wave, bounds, &inner, problems);
    let another = "write what another process does, such as `{ lock-waited = 1 }`";
    let (problem, help) = match trigger {
        Trigger::Begin | Trigger::AllExited(_) => {
            ("this never happens while a process stands still", another)
        }
        Trigger::HerdWaits(_) if !bounds.herd_is_awaited => {
            ("nobody waits for the herd to come to rest", another)
        }
        Trigger::Syscall(on) => return path(on, &inner.payload(), problems),
        Trigger::Created(path)
        | Trigger::Written(path)
        | Trigger::Renamed(path)
        | Trigger::Removed(path) => {
            if let Some(fault) = paths::role_or_glob_fault(path) {
                problems.push(action::path_problem(fault, &inner.payload()));
            }
            return;
        }
        _ if bounds.processes < 2 => (
            "there is no other process that could make it happen",
            "start another, such as by `clients.count = 2`",
        ),
        _ => return,
    };
    problems.push(Problem::at(inner.span(), problem).help(help));
}

/// A trigger may name a command that a wave runs, and a wave that is swept has a command of its own.
pub(super) fn commands(scenario: &Scenario, root: &Node<'_>, problems: &mut Vec<Problem>) {
    let waves = &scenario.waves;
    let default = scenario.clients.command.as_str();
    let command = |wave: &Wave| wave.command.clone().unwrap_or_else(|| default.to_owned());
    let mut all: Vec<String> = waves.iter().map(command).collect();
    if waves.is_empty() {
        all.push(default.to_owned());
    }
    if waves.iter().any(|wave| wave.readers.is_some()) {
        all.push("get".to_owned());
    }
    for (index, one) in scenario.inject.iter().enumerate() {
        let node = root.get("inject").at(index);
        let held_for = match &one.action {
            Action::HoldUntil(trigger) => Some((&**trigger, node.get("do").payload())),
            _ => None,
        };
        for (trigger, node) in [(&one.on, node.get("on"))].into_iter().chain(held_for) {
            if let Trigger::Syscall(OnCall { by: Some(by), .. }) = trigger
                && !all.contains(by)
            {
                let node = node.payload().get("by");
                problems.push(
                    Problem::at(node.span(), format!("no process runs `{by}`"))
                        .help(format!("write one of these commands: {}", all.join(", "))),
                );
            }
        }
    }
    for (index, wave) in waves.iter().enumerate().filter(|(_, wave)| wave.swept) {
        let own = command(wave);
        if waves[..index].iter().any(|wave| wave.swept) {
            let node = root.get("wave").at(index).get("swept");
            problems.push(
                Problem::at(node.span(), "another wave is swept already")
                    .help("leave `swept` out of one, and write a scenario for each"),
            );
        } else if all.iter().filter(|it| **it == own).count() > 1 {
            let node = root.get("wave").at(index).get("swept");
            problems.push(
                Problem::at(
                    node.span(),
                    format!("others run `{own}` too, and cannot be told apart"),
                )
                .help("give the wave a command that no other wave runs"),
            );
        }
    }
}

fn path(on: &OnCall, node: &Node<'_>, problems: &mut Vec<Problem>) {
    if let Some(path) = &on.path
        && let Some(fault) = paths::role_or_glob_fault(path)
    {
        problems.push(action::path_problem(fault, &node.get("path")));
    }
}
