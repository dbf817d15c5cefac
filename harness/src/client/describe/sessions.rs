//! What may be wrong with the list of sessions.

use cachestorm_model::client::{Client, Stdout};

use super::tells::is_described;
use crate::scenario::text::{Node, Problem};

/// Appends what is wrong with `sessions`.
pub(super) fn check(client: &Client, root: &Node<'_>, problems: &mut Vec<Problem>) {
    let all = root.get("sessions");
    for (index, name) in client.sessions.iter().enumerate() {
        let node = all.at(index);
        let of_get = "a process that runs `get` reads once, and ends";
        is_described(client, name, node.span(), of_get, problems);
        if client.sessions[..index].contains(name) {
            problems.push(Problem::at(node.span(), format!("`{name}` is named twice")));
        }
        if client.tells.contains_key(name) {
            problems.push(
                Problem::at(node.span(), format!("`{name}` tells of the cache, and ends"))
                    .note("it stands under [tells], too")
                    .help("leave it out here, or there"),
            );
        }
        if client.publishes_file(name) {
            problems.push(
                Problem::at(node.span(), format!("`{name}` publishes a file, and ends"))
                    .help("leave it out here: a session reads"),
            );
        }
    }
    if !client.sessions.is_empty() && client.stdout == Stdout::Nothing {
        problems.push(
            Problem::at(all.key_span(), "what these return cannot be judged")
                .note("`stdout` is \"nothing\" unless it is written")
                .help("write `stdout = \"catalogue\"`: an answer holds what the command `get` would print"),
        );
    }
}
