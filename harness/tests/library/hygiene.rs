//! However a test program ends, no client of its suites outlives it.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::again;
use super::inner::FOLDER;

/// The bound of every wait: only a fault reaches it.
const PATIENCE: Duration = Duration::from_secs(120);

fn until(what: &str, mut so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !so() {
        assert!(since.elapsed() < PATIENCE, "it never happened: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The living processes that the program `harness` started as clients, and theirs.
fn clients(harness: u32) -> usize {
    let marker = format!("CACHESTORM_CLIENT={harness}-");
    let is_ours = |environ: Vec<u8>| {
        environ.split(|byte| *byte == 0).any(|it| it.starts_with(marker.as_bytes()))
    };
    let entries = fs::read_dir("/proc").unwrap().flatten();
    // A process that ends meanwhile, or is somebody else's, is none of ours.
    let environs = entries.filter_map(|entry| fs::read(entry.path().join("environ")).ok());
    environs.filter(|environ| is_ours(environ.clone())).count()
}

/// The program with that test, at the moment when the client and its two children live.
fn staying(test: &str) -> (Child, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = again(test);
    command.env(FOLDER, folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().unwrap();
    until("the client and its children live", || clients(child.id()) == 3);
    (child, folder)
}

/// Whether a signal ends a program that this one starts. One that is ignored here, as by the commands that a
/// shell starts in the background, is ignored there.
fn ends(signal: Signal) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    let ignored = u64::from_str_radix(ignored.trim(), 16).unwrap();
    ignored & (1 << (signal.as_raw() - 1)) == 0
}

#[test]
fn a_signal_that_ends_the_test_program_ends_its_clients() {
    for signal in [Signal::INT, Signal::TERM, Signal::KILL].into_iter().filter(|it| ends(*it)) {
        let (mut child, _folder) = staying("stays");
        kill_process(Pid::from_child(&child), signal).unwrap();
        let status = child.wait().unwrap();
        // No handler of ours stands in the way of a test program's own.
        assert_eq!(status.signal(), Some(signal.as_raw()));
        until("every client is dead", || clients(child.id()) == 0);
    }
}

#[test]
fn a_test_that_panics_beside_a_suite_leaves_no_client() {
    let (mut child, folder) = staying("panics_beside_a_suite_that_stays");
    fs::write(folder.path().join("panic"), "").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(101));
    until("every client is dead", || clients(child.id()) == 0);
}
