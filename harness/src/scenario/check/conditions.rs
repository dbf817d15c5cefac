//! What processes run under, with whom, and how often they are started again.

use cachestorm_model::scenario::{Clients, Conditions, Scenario, User};

use super::super::builtin;
use super::super::text::{Node, Problem, nearest};

/// The least open files of a process: standard input, output and error, and one for the loader of the
/// program. With fewer no program starts.
const OPEN_FILES_MIN: u32 = 4;

/// The permission bits there are.
const UMASK_MAX: u32 = 0o777;

pub(super) fn check(scenario: &Scenario, root: &Node<'_>, problems: &mut Vec<Problem>) {
    let node = root.get("clients");
    let clients = &scenario.clients;
    under(clients.under, &node.get("under"), problems);
    if clients.under.user == Some(User::Other) {
        problems.push(
            Problem::at(node.get("under").get("user").span(), "somebody else than whom?")
                .note("the cache belongs to the user of all clients")
                .help("write `user = \"other\"` in a `[[wave]]`, or `user = \"ordinary\"` here"),
        );
    }
    for (index, wave) in scenario.waves.iter().enumerate() {
        let node = root.get("wave").at(index).get("under");
        under(wave.under, &node, problems);
        if wave.under.user == Some(User::Ordinary) {
            problems.push(
                Problem::at(node.get("user").span(), "the cache belongs to the user of all clients")
                    .help("write `under = { user = \"ordinary\" }` in `[clients]`, or `user = \"other\"` here"),
            );
        }
    }
    also(scenario, &node, problems);
    restarts(scenario, clients, &node, problems);
}

fn under(under: Conditions, node: &Node<'_>, problems: &mut Vec<Problem>) {
    if let Some(umask) = under.umask.filter(|umask| *umask > UMASK_MAX) {
        problems.push(
            Problem::at(node.get("umask").span(), format!("{umask:#o} is not a umask"))
                .help("write octal digits from 0o000 to 0o777, such as 0o077"),
        );
    }
    if let Some(files) = under.open_files.filter(|files| *files < OPEN_FILES_MIN) {
        problems.push(
            Problem::at(
                node.get("open-files").span(),
                format!("no program starts with {files} open files"),
            )
            .note("standard input, output and error are three, and the loader needs one")
            .help(format!("write at least {OPEN_FILES_MIN}")),
        );
    }
}

fn also(scenario: &Scenario, node: &Node<'_>, problems: &mut Vec<Problem>) {
    let known = builtin::client_names();
    let waves = scenario.waves.iter().filter_map(|wave| wave.count);
    let largest = waves.chain([scenario.clients.count]).max().unwrap_or(0);
    let mut room = largest.saturating_sub(1);
    for (index, also) in scenario.clients.also.iter().enumerate() {
        let node = node.get("also").at(index);
        if !known.contains(&also.with) {
            let near = nearest::near(&also.with, known.iter().map(String::as_str));
            let help = match near.as_slice() {
                [] => "`cachestorm list --clients` shows every client".to_owned(),
                [first, ..] => format!("did you mean \"{first}\"?"),
            };
            let message = format!("no client is called \"{}\"", also.with);
            problems.push(Problem::at(node.get("with").span(), message).help(help));
        }
        if also.count == 0 {
            let problem = Problem::at(node.get("count").span(), "nobody runs this client");
            problems.push(problem.help("write at least 1, or leave the table out"));
        } else if also.count > room {
            problems.push(
                Problem::at(node.get("count").span(), "no wave has room for so many others")
                    .note(format!("the largest wave has {largest}, and one at least runs the client under test"))
                    .help("write a smaller number, or a larger `count` in `[clients]`"),
            );
        }
        room = room.saturating_sub(also.count);
    }
}

fn restarts(scenario: &Scenario, clients: &Clients, node: &Node<'_>, problems: &mut Vec<Problem>) {
    if clients.restarts > 0 && !scenario.kills_somebody() {
        problems.push(
            Problem::at(node.get("restarts").span(), "nobody is killed who could be started again")
                .help(
                    "add an `[[inject]]` with `do = { kill = \"KILL\" }`, or leave `restarts` out",
                ),
        );
    }
}
