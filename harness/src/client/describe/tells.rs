//! What may be wrong with what commands are said to tell.

use std::ops::Range;

use cachestorm_model::client::Client;
use cachestorm_model::tells::{State, Subject, Tells};

use super::check::json_pointer;
use crate::scenario::text::nearest::nearest;
use crate::scenario::text::{Node, Problem};

/// What an exit code may be: one byte.
const CODES: std::ops::RangeInclusive<i32> = 0..=255;

/// Appends what is wrong with `[tells]`.
pub(super) fn check(client: &Client, root: &Node<'_>, problems: &mut Vec<Problem>) {
    let all = root.get("tells");
    for (name, tells) in &client.tells {
        let node = all.get(name);
        command(client, name, &node, problems);
        nothing(tells, &node, problems);
        for (state, code) in &tells.exit {
            exit(tells, *state, *code, &node.get("exit").get(state.as_str()), problems);
        }
        for (subject, pointer) in &tells.output {
            json_pointer(pointer, &node.get("output").get(subject.as_str()), problems);
        }
        let about_lock = [Subject::Locked, Subject::Holder].into_iter();
        let told = about_lock.filter(|subject| tells.output.contains_key(subject));
        for subject in told.filter(|_| client.files.locks.is_empty()) {
            let place = node.get("output").get(subject.as_str());
            let help =
                format!("write `locks` and `lock-kind` in [files], or leave `{subject}` out");
            problems.push(
                Problem::at(place.key_span(), "there is no lock that could be held").help(help),
            );
        }
    }
}

fn command(client: &Client, name: &str, node: &Node<'_>, problems: &mut Vec<Problem>) {
    let note = "`get` returns a catalogue, and tells nothing else";
    is_described(client, name, node.key_span(), note, problems);
}

/// Appends that there is no such command under `[commands]`, where there is none; `of_get` says why it is not `get`.
pub(super) fn is_described(
    client: &Client,
    name: &str,
    span: Range<usize>,
    of_get: &str,
    problems: &mut Vec<Problem>,
) {
    if client.commands.contains_key(name) {
        return;
    }
    let problem = Problem::at(span, format!("there is no command `{name}`"));
    let known: Vec<&str> = client.commands.keys().map(String::as_str).collect();
    problems.push(match (name, nearest(name, &known)) {
        ("get", _) => problem.note(of_get),
        (_, Some(meant)) => problem.label(format!("did you mean `{meant}`?")),
        (_, None) => {
            problem.help(format!("describe it under [commands], such as `{name} = [...]`"))
        }
    });
}

fn nothing(tells: &Tells, node: &Node<'_>, problems: &mut Vec<Problem>) {
    if tells.exit.is_empty() && tells.output.is_empty() {
        problems.push(Problem::at(node.key_span(), "this tells nothing").help(
            "write which exit code stands for which state, such as `exit = { fresh = 0, stale = 1 }`, or where standard output holds what, such as `output = { state = \"/status\" }`",
        ));
    }
}

fn exit(tells: &Tells, state: State, code: i32, node: &Node<'_>, problems: &mut Vec<Problem>) {
    if !CODES.contains(&code) {
        problems.push(
            Problem::at(node.span(), format!("no process ends with the exit code {code}"))
                .help(format!("write a number from {} to {}", CODES.start(), CODES.end())),
        );
    }
    let all_alike =
        tells.exit.len() == State::ALL.len() && tells.exit.values().all(|it| *it == code);
    if all_alike && state == State::ALL[0] {
        problems.push(
            Problem::at(node.span(), "an exit code that is the same for every state tells nothing")
                .help("write another one for the states that it tells apart, or leave `exit` out"),
        );
    }
}
