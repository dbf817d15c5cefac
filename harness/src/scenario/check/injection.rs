//! Triggers, what they count, and whom an action hits.

use cachestorm_model::scenario::{Action, Injection, Target, Trigger};

use super::super::text::{Node, Problem, paths};
use super::{Bounds, action, calls};

pub(super) fn check(
    injection: &Injection,
    bounds: &Bounds,
    node: &Node<'_>,
    problems: &mut Vec<Problem>,
) {
    trigger(injection, bounds, &node.get("on"), problems);
    nth(injection, node, problems);
    times(injection, node, problems);
    each_wave(injection, node, problems);
    target(injection, bounds, node, problems);
    about_response(injection, node, problems);
    calls::check(injection, bounds, node, problems);
    joins_wave(injection, node, problems);
    let action_node = node.get("do");
    action::check_value(&injection.action, &action_node, problems);
    if injection.on == Trigger::Begin && bounds.nothing_is_there_at_first {
        action::check_on_empty_cache(&injection.action, &action_node, problems);
    }
}

/// The number in a trigger, with the most that it can be and why.
pub(super) fn ordinal(
    trigger: &Trigger,
    each_wave: bool,
    bounds: &Bounds,
) -> Option<(u32, u64, String)> {
    let processes = if each_wave { bounds.largest_wave } else { bounds.processes };
    let waves = if each_wave { 1 } else { bounds.waves };
    let whole = if each_wave { "a wave" } else { "the scenario" };
    let bound = match trigger {
        Trigger::Request(n)
        | Trigger::HeadSent(n)
        | Trigger::HalfSent(n)
        | Trigger::ResponseDone(n)
        | Trigger::HerdWaits(n) => (*n, u64::MAX, String::new()),
        Trigger::Started(n) | Trigger::Exited(n) | Trigger::LockWaited(n) => (
            *n,
            processes,
            format!("{whole} has no more than {}", many(processes, "process", "es")),
        ),
        Trigger::AllExited(n) => {
            (*n, waves, format!("{whole} has no more than {}", many(waves, "wave", "s")))
        }
        _ => return None,
    };
    Some(bound)
}

fn many(number: u64, word: &str, plural: &str) -> String {
    if number == 1 { format!("1 {word}") } else { format!("{number} {word}{plural}") }
}

/// The number in a trigger must be one that can be reached.
pub(super) fn count(
    trigger: &Trigger,
    each_wave: bool,
    bounds: &Bounds,
    node: &Node<'_>,
    problems: &mut Vec<Problem>,
) {
    let value = node.payload();
    let Some((number, most, why)) = ordinal(trigger, each_wave, bounds) else { return };
    if number == 0 {
        let problem = Problem::at(value.span(), "events are counted from 1");
        problems.push(problem.help("write 1 for the first"));
    } else if u64::from(number) > most {
        problems.push(Problem::at(value.span(), "this can never happen").note(why));
    }
}

fn trigger(injection: &Injection, bounds: &Bounds, node: &Node<'_>, problems: &mut Vec<Problem>) {
    count(&injection.on, injection.each_wave, bounds, node, problems);
    let value = node.payload();
    if let Trigger::Created(path)
    | Trigger::Written(path)
    | Trigger::Renamed(path)
    | Trigger::Removed(path) = &injection.on
        && let Some(fault) = paths::role_or_glob_fault(path)
    {
        problems.push(action::path_problem(fault, &value));
    }
    if matches!(injection.on, Trigger::HerdWaits(_)) {
        herd_waits(bounds, &value, problems);
    }
}

fn herd_waits(bounds: &Bounds, value: &Node<'_>, problems: &mut Vec<Problem>) {
    if !bounds.herd_is_awaited {
        problems.push(
            Problem::at(value.span(), "nobody waits for the herd to come to rest")
                .note("a response is held for the herd only where the file says so")
                .help("write `answer = \"when-herd-waits\"` in `[catwalk]`"),
        );
    } else if bounds.largest_herd < 2 {
        problems.push(
            Problem::at(value.span(), "there is no herd: no two clients run at a time")
                .help("write `count = 14` in `[clients]`"),
        );
    }
}

fn nth(injection: &Injection, node: &Node<'_>, problems: &mut Vec<Problem>) {
    let Some(nth) = injection.nth else { return };
    let place = node.get("nth");
    if nth == 0 {
        let problem = Problem::at(place.span(), "events are counted from 1");
        problems.push(problem.help("write 1 for the first, or leave `nth` out"));
    }
    let names_a_path = matches!(
        injection.on,
        Trigger::Created(_)
            | Trigger::Written(_)
            | Trigger::Renamed(_)
            | Trigger::Removed(_)
            | Trigger::Syscall(_)
    );
    if names_a_path {
        return;
    }
    let problem = if injection.on == Trigger::Begin {
        Problem::at(place.key_span(), "a scenario begins only once").help("leave `nth` out")
    } else {
        Problem::at(place.key_span(), "this trigger counts by itself")
            .note("`nth` is for triggers that name a path or a call")
            .help(format!("write the number in the trigger, such as `on = {{ request = {nth} }}`"))
    };
    problems.push(problem);
}

fn times(injection: &Injection, node: &Node<'_>, problems: &mut Vec<Problem>) {
    let Some(times) = injection.times else { return };
    let place = node.get("times");
    if times == 0 {
        let problem = Problem::at(place.span(), "what fires no time never happens");
        problems.push(problem.help("write 2 or more, or leave `times` out"));
    } else if injection.on == Trigger::Begin {
        let problem = Problem::at(place.key_span(), "a scenario begins only once");
        problems.push(problem.help("leave `times` out"));
    }
}

fn each_wave(injection: &Injection, node: &Node<'_>, problems: &mut Vec<Problem>) {
    if injection.each_wave && injection.on == Trigger::Begin {
        problems.push(
            Problem::at(node.get("each-wave").key_span(), "a scenario begins only once")
                .help("for what comes before each wave write `between` in `[clients]`"),
        );
    }
}

fn target(injection: &Injection, bounds: &Bounds, node: &Node<'_>, problems: &mut Vec<Problem>) {
    let place = node.get("target");
    if !injection.action.is_about_process() {
        if let (true, Some(Target::Client(number))) =
            (injection.action.takes_target(), injection.target)
        {
            client(number, bounds, &place.payload(), problems);
        } else if injection.target.is_some() && !injection.action.takes_target() {
            problems.push(
                Problem::at(place.key_span(), "this action hits no process")
                    .note(format!("the action: {}", injection.action))
                    .help("leave `target` out, or kill, stop or continue a process, or inject a `fault` of the network"),
            );
        }
        return;
    }
    let on = node.get("on");
    match (&injection.on, injection.target) {
        (Trigger::Begin | Trigger::AllExited(_), _) => problems.push(
            Problem::at(on.span(), "no process lives at that time")
                .help("write a trigger that happens while clients run, such as `{ request = 1 }`"),
        ),
        (Trigger::Exited(_), None) => problems.push(
            Problem::at(on.span(), "the process behind this event has ended")
                .help("say who is hit: `target = \"fetcher\"`, \"holder\", \"waiter\", \"everyone\" or { client = 1 }"),
        ),
        (
            Trigger::Created(_) | Trigger::Written(_) | Trigger::Renamed(_) | Trigger::Removed(_),
            None,
        ) => problems.push(
            Problem::at(on.span(), "a change in a folder does not tell which process made it")
                .help("say who is hit: `target = \"fetcher\"`, \"holder\", \"waiter\", \"everyone\" or { client = 1 }"),
        ),
        (_, Some(Target::Client(number))) => client(number, bounds, &place.payload(), problems),
        _ => {}
    }
}

/// One more process joins the wave that is running.
fn joins_wave(injection: &Injection, node: &Node<'_>, problems: &mut Vec<Problem>) {
    let apart = matches!(injection.on, Trigger::Begin | Trigger::AllExited(_));
    if apart && matches!(injection.action, Action::Run(_)) {
        problems.push(
            Problem::at(node.get("on").span(), "no wave is running at that time")
                .help("write a `[[wave]]` of one process, or a trigger such as `{ request = 1 }`"),
        );
    }
}

fn client(number: u32, bounds: &Bounds, place: &Node<'_>, problems: &mut Vec<Problem>) {
    if number == 0 {
        let problem = Problem::at(place.span(), "clients are counted from 1");
        problems.push(problem.help("write 1 for the first"));
    } else if u64::from(number) > bounds.processes {
        let why =
            format!("the scenario has no more than {}", many(bounds.processes, "process", "es"));
        problems.push(Problem::at(place.span(), "there is no such client").note(why));
    }
}

/// Actions on a response need one that has not ended, and an answer one that has not begun.
fn about_response(injection: &Injection, node: &Node<'_>, problems: &mut Vec<Problem>) {
    if !injection.action.is_about_response() {
        return;
    }
    let place = node.get("do");
    let why = match (&injection.action, &injection.on) {
        (Action::Answer(_), Trigger::Request(_)) => return,
        (Action::Answer(_), _) => {
            "only a request that has just arrived can be given another answer"
        }
        (
            _,
            Trigger::Request(_)
            | Trigger::HeadSent(_)
            | Trigger::HalfSent(_)
            | Trigger::HerdWaits(_),
        ) => return,
        (Action::Delay(_), Trigger::Syscall(_)) => return,
        (Action::Reset, Trigger::ResponseDone(_)) => return,
        (_, Trigger::ResponseDone(_)) => "nothing is left of this response to be held back",
        _ => "this trigger is not about a response",
    };
    problems.push(
        Problem::at(place.span(), why)
            .note(format!("the action: {}", injection.action))
            .help("write a trigger such as `on = { request = 1 }`"),
    );
}
