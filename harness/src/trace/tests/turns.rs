//! Whose turn it is to change the territory, and what is looked at behind a change.

use super::programs::needed;
use super::*;

/// A `splice` from an empty pipe into the published file waits, and nobody fills the pipe before another change is made.
#[test]
fn a_change_that_waits_gives_its_turn_away_and_is_looked_at_when_it_is_made() {
    let Some(python) = needed("python3") else { return };
    let (mut bench, seen) = Bench::looking();
    let script = "import os\n\
        f = os.open('list.json', os.O_WRONLY | os.O_CREAT); r, w = os.pipe()\n\
        child = os.fork()\n\
        if child == 0:\n\
        \x20   os.splice(r, f, 9); os._exit(0)\n\
        def sleeps():\n\
        \x20   if open(f'/proc/{child}/syscall').read().split()[0] != '275': return False\n\
        \x20   return open(f'/proc/{child}/stat').read().rsplit(')')[1].split()[0] == 'S'\n\
        while not sleeps(): pass\n\
        os.mkdir('d'); os.write(w, b'whole'); os.waitpid(child, 0)\n";
    let process = bench.start(1, &python, &["-c", script]);
    let calls = bench.run_alone(process);
    let changes: Vec<String> =
        calls.iter().filter(|call| call.is_mutating()).map(ToString::to_string).collect();
    assert_eq!(changes.last().unwrap(), "sendfile(list.json, 9 bytes) = 5", "{changes:?}");
    assert_eq!(seen.lock().unwrap().last().unwrap(), "whole");
    let [note] = bench.notes.as_slice() else { panic!("{:?}", bench.notes) };
    assert!(note.contains("sendfile(list.json, 9 bytes)") && note.contains("sampled"), "{note}");
}

#[test]
fn what_is_copied_out_of_the_territory_changes_nothing_in_it() {
    let Some(python) = needed("python3") else { return };
    let (mut bench, seen) = Bench::looking();
    let outside = tempfile::tempdir().unwrap();
    let copy = outside.path().join("copy").to_string_lossy().into_owned();
    let script = format!(
        "import os\n\
        f = os.open('list.json', os.O_RDWR | os.O_CREAT); os.write(f, b'whole')\n\
        g = os.open({copy:?}, os.O_RDWR | os.O_CREAT)\n\
        os.sendfile(g, f, 0, 9); os.copy_file_range(f, g, 9, 0); os.copy_file_range(g, f, 1, 0, 0)\n"
    );
    let process = bench.start(1, &python, &["-c", &script]);
    let calls = bench.run_alone(process);
    let copies = calls
        .iter()
        .filter(|call| matches!(call.name, CallName::Sendfile | CallName::CopyFileRange))
        .map(|call| (call.to_string(), call.is_mutating(), call.is_step()));
    let expected = [
        (format!("sendfile(list.json -> {copy}, 9 bytes) = 5"), false, false),
        (format!("copy-file-range(list.json -> {copy}, 9 bytes) = 5"), false, false),
        (format!("copy-file-range({copy} -> list.json, 1 bytes) = 1"), true, true),
    ];
    assert_eq!(copies.collect::<Vec<_>>(), expected);
    assert_eq!(seen.lock().unwrap().len(), 3, "once for each change");
}
