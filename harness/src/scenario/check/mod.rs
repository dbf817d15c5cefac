//! What a scenario that parses may still have wrong: values out of range, and settings that
//! contradict one another or can have no effect. Each is shown where it was written, and all at once.

mod action;
mod calls;
mod clients;
mod conditions;
mod disk;
mod fault;
mod injection;
mod sessions;

use std::fmt::Display;

use cachestorm_model::fault::{Fault, Truncate};
use cachestorm_model::scenario::{Action, Answer, Expect, Initial, Injection, Scenario, Start};
use cachestorm_model::units::{ByteSize, Span};

use super::text::{Node, Problem};

/// Processes that one scenario may start: beyond this a machine measures its own limits.
pub const PROCESSES_MAX: u64 = 5_000;

/// The smallest and the largest body of a catalogue.
pub const BODY: std::ops::RangeInclusive<u64> = (4 << 10)..=(2 << 20);

/// What can happen in a scenario at most, which bounds the numbers in triggers and targets.
struct Bounds {
    waves: u64,
    /// Processes of all waves, and the one that fills the cache beforehand.
    processes: u64,
    largest_wave: u64,
    /// Clients of the largest wave that starts more than one at a time.
    largest_herd: u64,
    /// Responses are held until the herd waits.
    herd_is_awaited: bool,
    nothing_is_there_at_first: bool,
}

impl Bounds {
    /// Saturating sums, not `Scenario::resolved_waves`: a file may ask for four thousand million waves.
    fn of(scenario: &Scenario) -> Self {
        let default = u64::from(scenario.clients.count);
        let counts: Vec<(u64, Start)> = if scenario.waves.is_empty() {
            vec![(default, scenario.clients.start)]
        } else {
            let wave = |wave: &cachestorm_model::scenario::Wave| {
                let first = wave.again.and_then(|first| first.checked_sub(1));
                let first = first.and_then(|first| scenario.waves.get(first as usize));
                let count = first.unwrap_or(wave).count.map_or(default, u64::from);
                (count, wave.start.unwrap_or(scenario.clients.start))
            };
            scenario.waves.iter().map(wave).collect()
        };
        let repeated =
            if scenario.waves.is_empty() { u64::from(scenario.clients.waves) } else { 1 };
        // A process that is started again is one more of its wave.
        let again = u64::from(scenario.clients.restarts);
        // One that an injection starts joins the wave that is running, whichever that is.
        let joins = |one: &&Injection| matches!(one.action, Action::Run(_));
        let times = |one: &Injection| u64::from(one.times.unwrap_or(1));
        let joining: u64 = scenario.inject.iter().filter(joins).map(times).sum();
        let in_waves: u64 = counts.iter().map(|(count, _)| count + again).sum();
        let in_waves = in_waves + joining;
        let setup = u64::from(scenario.cache.initial != Initial::Empty);
        let herds = counts.iter().filter(|(_, start)| *start != Start::OneByOne);
        Self {
            waves: repeated * counts.len() as u64,
            processes: in_waves.saturating_mul(repeated).saturating_add(setup),
            largest_wave: counts
                .iter()
                .map(|(count, _)| count + again + joining)
                .max()
                .unwrap_or(0),
            largest_herd: herds.map(|(count, _)| *count + joining).max().unwrap_or(0),
            herd_is_awaited: scenario.catwalk.answer == Answer::WhenHerdWaits,
            nothing_is_there_at_first: setup == 0,
        }
    }
}

/// Appends everything that is wrong with the meaning of a scenario.
pub fn check(scenario: &Scenario, root: &Node<'_>, problems: &mut Vec<Problem>) {
    let bounds = Bounds::of(scenario);
    not_blank(&scenario.summary, &root.get("summary"), problems);
    if let Some(why) = &scenario.why {
        not_blank(why, &root.get("why"), problems);
    }
    catwalk(scenario, &root.get("catwalk"), problems);
    not_zero(scenario.cache.ttl, "a TTL", &root.get("cache").get("ttl"), problems);
    clients::check(scenario, &bounds, root, problems);
    conditions::check(scenario, root, problems);
    disk::check(scenario, root, problems);
    for (index, one) in scenario.inject.iter().enumerate() {
        injection::check(one, &bounds, &root.get("inject").at(index), problems);
    }
    calls::commands(scenario, root, problems);
    cuts(scenario, root, problems);
    expect(scenario, &bounds, &root.get("expect"), problems);
}

/// A cut that comes after the whole body cuts nothing.
fn cuts(scenario: &Scenario, root: &Node<'_>, problems: &mut Vec<Problem>) {
    let body = scenario.catwalk.body;
    let injected = scenario.inject.iter().enumerate().filter_map(|(index, one)| match one.action {
        Action::Fault(fault) => Some((fault, root.get("inject").at(index).get("do"))),
        _ => None,
    });
    let standing = scenario.catwalk.fault.map(|fault| (fault, root.get("catwalk").get("fault")));
    for (fault, node) in injected.chain(standing) {
        let (Fault::ResetAfter(after) | Fault::Truncate(Truncate { after: Some(after), .. })) =
            fault
        else {
            continue;
        };
        if after >= body {
            problems.push(
                Problem::at(node.span(), format!("nothing is left to be cut off after {after}"))
                    .note(format!("the body has {body}, unless `[catwalk]` says otherwise"))
                    .help("write fewer bytes, or a larger `body` in `[catwalk]`"),
            );
        }
    }
}

fn catwalk(scenario: &Scenario, node: &Node<'_>, problems: &mut Vec<Problem>) {
    let catwalk = &scenario.catwalk;
    if !BODY.contains(&catwalk.body.0) {
        let (least, most) = (ByteSize(*BODY.start()), ByteSize(*BODY.end()));
        problems.push(
            Problem::at(node.get("body").span(), format!("no catalogue is {} long", catwalk.body))
                .help(format!("write a size from \"{least}\" to \"{most}\"")),
        );
    }
    if catwalk.latency >= scenario.clients.deadline && !catwalk.latency.is_zero() {
        problems.push(
            Problem::at(node.get("latency").span(), "no client lives long enough to get an answer")
                .note(format!("a client is killed after {}", scenario.clients.deadline))
                .help("write a latency shorter than `deadline` in `[clients]`"),
        );
    }
    if let Some(fault) = &catwalk.fault {
        fault::check(fault, &node.get("fault"), problems);
    }
    if let Some(value) = &catwalk.cache_control
        && (value.is_empty() || !value.bytes().all(|byte| (b' '..=b'~').contains(&byte)))
    {
        let node = node.get("cache-control");
        problems.push(
            Problem::at(node.span(), "this cannot be the value of a header")
                .help("write printable ASCII, such as \"max-age=60\", or leave the key out"),
        );
    }
}

fn expect(scenario: &Scenario, bounds: &Bounds, node: &Node<'_>, problems: &mut Vec<Problem>) {
    let Expect { fetches_per_window, recovery, wait, contention, proves, told, .. } =
        &scenario.expect;
    if *fetches_per_window == 0 {
        let node = node.get("fetches-per-window");
        problems.push(
            Problem::at(node.span(), "a window without a fetch has no catalogue")
                .help("write at least 1; windows that need no fetch of their own are no fault"),
        );
    }
    for (span, what, key) in [(recovery, "a recovery", "recovery"), (wait, "a wait", "wait")] {
        if let Some(span) = span {
            not_zero(*span, what, &node.get(key), problems);
        }
    }
    if let Some(wait) = wait.filter(|wait| *wait > scenario.clients.deadline) {
        let deadline = scenario.clients.deadline;
        problems.push(
            Problem::at(node.get("wait").span(), "no client lives that long")
                .note(format!("each is killed after {deadline}, the deadline in `[clients]`"))
                .help(format!("write a deadline longer than {wait}, or a shorter wait")),
        );
    }
    if let Some(contention) = contention.filter(|wanted| u64::from(*wanted) > bounds.largest_herd) {
        let node = node.get("contention");
        problems.push(
            Problem::at(node.span(), format!("{contention} clients can never race here"))
                .note(format!("the largest herd has {}", bounds.largest_herd)),
        );
    }
    named_once(proves, &node.get("proves"), problems);
    named_once(told, &node.get("told"), problems);
}

fn named_once<T: Display + PartialEq>(names: &[T], node: &Node<'_>, problems: &mut Vec<Problem>) {
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            problems.push(Problem::at(node.at(index).span(), format!("`{name}` is named twice")));
        }
    }
}

fn not_blank(text: &str, node: &Node<'_>, problems: &mut Vec<Problem>) {
    if text.trim().is_empty() {
        problems.push(
            Problem::at(node.span(), "nothing is said here")
                .help("write a sentence for somebody who reads a report"),
        );
    }
}

/// `what` has an article: "a TTL".
fn not_zero(span: Span, what: &str, node: &Node<'_>, problems: &mut Vec<Problem>) {
    if span.is_zero() {
        problems.push(
            Problem::at(node.span(), format!("{what} of no length at all"))
                .help("write a number above zero with its unit, such as \"300ms\" or \"2s\""),
        );
    }
}
