//! The disk below the cache directory, and what needs one of its own.

use cachestorm_model::scenario::{Action, Scenario};
use cachestorm_model::units::ByteSize;

use super::super::text::{Node, Problem};

/// The smallest disk that holds a folder and a file, and the largest that is filled in no time.
const SIZE: std::ops::RangeInclusive<u64> = (64 << 10)..=(64 << 20);

pub(super) fn check(scenario: &Scenario, root: &Node<'_>, problems: &mut Vec<Problem>) {
    if let Some(size) = scenario.disk.size.filter(|size| !SIZE.contains(&size.0)) {
        let (least, most) = (ByteSize(*SIZE.start()), ByteSize(*SIZE.end()));
        problems.push(
            Problem::at(root.get("disk").get("size").span(), format!("no disk of {size} is made"))
                .note("it lies in the machine's memory")
                .help(format!("write a size from \"{least}\" to \"{most}\"")),
        );
    }
    for (index, injection) in scenario.inject.iter().enumerate() {
        action(scenario, &injection.action, &root.get("inject").at(index).get("do"), problems);
    }
    for (index, step) in scenario.clients.between.iter().enumerate() {
        action(scenario, step, &root.get("clients").get("between").at(index), problems);
    }
    for (wave, place) in scenario.waves.iter().zip(0..) {
        let node = root.get("wave").at(place).get("before");
        for (index, step) in wave.before.iter().enumerate() {
            action(scenario, step, &node.at(index), problems);
        }
    }
}

fn action(scenario: &Scenario, action: &Action, node: &Node<'_>, problems: &mut Vec<Problem>) {
    let what = match action {
        Action::Fill(_) => "this would fill the disk of the machine",
        Action::Free => "there is no disk that could have been filled",
        _ => return,
    };
    if scenario.disk.size.is_none() {
        let problem = Problem::at(node.span(), what);
        problems.push(problem.help("write `size = \"1MiB\"` in `[disk]`"));
    }
    if let (Action::Fill(left), Some(size)) = (action, scenario.disk.size)
        && left.0 >= size.0
    {
        let problem = Problem::at(node.payload().span(), "so much is never left of it");
        problems.push(problem.note(format!("the disk has {size}, `size` in `[disk]`")));
    }
}
