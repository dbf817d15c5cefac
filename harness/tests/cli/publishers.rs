//! `cachestorm crash` against clients that publish in other ways than by a described temporary and a rename: the
//! Python client with other lines where it publishes.

use std::fs;

use cachestorm::model::verdict::Invariant;

use super::crash::{broken, place_with, sweep, swept};
use super::support::Place;

const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/clients/python-flock/");

/// A place with a client that publishes `data` as `self.path` in these lines.
fn publisher(lines: &[&str], describes_temporaries: bool) -> Option<Place> {
    let place = place_with(&["python3"])?;
    let read = |name: &str| fs::read_to_string(format!("{CLIENT}{name}")).unwrap();
    let program = read("client.py");
    let (before, rest) =
        program.split_once("        try:\n            with os.fdopen(handle").unwrap();
    let (_, after) = rest.split_once("            raise\n").unwrap();
    let lines: String = lines.iter().map(|line| format!("        {line}\n")).collect();
    place.write("client.py", &format!("{before}{lines}{after}"));
    let described = |line: &&str| describes_temporaries || !line.starts_with("temporaries");
    let description: String =
        read("client.toml").lines().filter(described).map(|line| format!("{line}\n")).collect();
    place.write("client.toml", &description);
    Some(place)
}

#[test]
fn a_file_that_nothing_describes_is_known_by_its_folder_and_an_empty_buffer_is_passed_over() {
    let lines =
        [r#"os.writev(handle, [b"", data])"#, "os.close(handle)", "os.rename(name, self.path)"];
    let Some(place) = publisher(&lines, false) else { return };
    sweep(&place, "client.toml", "sweep/cold", &["--failures-only", "--pairs", "0"])
        .check(1, &["1 broke no-partial-file"]);
    let found = [("sweep/cold/write-crush-1/short".to_owned(), vec![Invariant::NoPartialFile])];
    assert_eq!(broken(&place), found);
}

#[test]
fn what_is_published_is_seen_under_whichever_name_it_is_written() {
    let lines = [
        "os.write(handle, data)",
        "if os.path.exists(self.path): os.unlink(self.path)",
        "os.link(name, self.path)",
        "os.ftruncate(handle, len(data) // 2)",
        "os.pwrite(handle, data[len(data) // 2:], len(data) // 2)",
        "os.close(handle)",
        "os.unlink(name)",
    ];
    let Some(place) = publisher(&lines, true) else { return };
    sweep(&place, "client.toml", "sweep/cold", &["--kills-only"]).check(1, &["no-partial-file"]);
    assert_eq!(swept(&place)["sweep/cold/undisturbed"], [Invariant::NoPartialFile]);
}

#[test]
fn a_caller_in_a_session_of_its_own_dies_before_its_call() {
    let lines = [
        "os.write(handle, data)",
        "os.close(handle)",
        "child = os.fork()",
        "if child == 0:",
        "    os.setsid()",
        "    os.rename(name, self.path)",
        "    os._exit(0)",
        "os.waitpid(child, 0)",
    ];
    let Some(place) = publisher(&lines, true) else { return };
    sweep(&place, "client.toml", "sweep/cold", &["--kills-only"]);
    let show = ["show", "latest", "sweep/cold/rename-published-1/killed-before"];
    let shown = place.cachestorm(&show).said();
    let dead = shown.split_once("SIGKILL to the process group").unwrap().1;
    let dead = dead.split_once("took back every fault").unwrap().0;
    assert!(dead.contains("never returned") && !dead.contains("byte for byte"), "{shown}");
}

/// It finds out where the link leads, and writes that file in place.
#[test]
fn what_a_link_leads_to_is_swept_and_seen_as_what_is_published() {
    let lines = [
        "os.close(handle)",
        "os.unlink(name)",
        "with open(self.path, 'wb') as out: out.write(data)",
    ];
    let Some(place) = publisher(&lines, true) else { return };
    place.write(
        "linked.toml",
        "summary = 'What is published lies behind a link.'\n\
        cache = { initial = 'expired' }\n\
        [[inject]]\non = 'begin'\ndo = { plant = { path = 'published', content = 'link' } }\n\
        [[inject]]\non = 'begin'\ndo = 'bump'\n",
    );
    sweep(&place, "client.toml", "linked.toml", &["--kills-only"]).check(1, &["no-partial-file"]);
    let swept = swept(&place);
    // It opens what is published to read it, twice, and once more to write.
    for run in ["undisturbed", "open-published-3/killed-after", "write-published-1/killed-before"] {
        let broken = swept.get(&format!("linked/{run}"));
        assert!(
            broken.is_some_and(|it| it.contains(&Invariant::NoPartialFile)),
            "{run}: {swept:?}"
        );
    }
}

#[test]
fn an_injection_that_has_nothing_to_cut_has_not_landed() {
    let Some(place) = place_with(&[]) else { return };
    place.write(
        "none.toml",
        "summary = 'A write is cut to more bytes than it has.'\n\
        [[inject]]\non = { syscall = { call = 'write', path = 'temp' } }\ndo = { short = '64MiB' }\n",
    );
    place
        .cachestorm(&["run", "none.toml", "--client", "reference"])
        .check(3, &["vacuous", "fired and missed: this write asks for"]);
}
