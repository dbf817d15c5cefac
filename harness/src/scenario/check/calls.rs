//! Triggers on system calls, and the actions that act on a call.

use cachestorm_model::scenario::{Action, Injection, OnCall, Phase, Trigger};

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

fn path(on: &OnCall, node: &Node<'_>, problems: &mut Vec<Problem>) {
    if let Some(path) = &on.path
        && let Some(fault) = paths::role_or_glob_fault(path)
    {
        problems.push(action::path_problem(fault, &node.get("path")));
    }
}
