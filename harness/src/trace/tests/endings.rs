//! What is closed by other calls than `close`, and how processes end.

use std::fs;

use super::programs::needed;
use super::*;

/// The closes that nobody called, and the ends.
fn endings<'c>(calls: impl IntoIterator<Item = &'c Call>) -> Vec<String> {
    let told = |call: &&Call| call.is_implied() || call.name == CallName::Exit;
    calls.into_iter().filter(told).map(ToString::to_string).collect()
}

/// Those of a script of Python's alone: what is on the `PATH` may be a script that looks for it.
fn endings_of(python: &Path, script: &str) -> Vec<String> {
    let mut bench = Bench::new(Vec::new());
    let process = bench.start(1, python, &["-c", script]);
    let pid = process.pid;
    endings(bench.run_alone(process).iter().filter(|call| call.pid == pid))
}

#[test]
fn whatever_closes_a_descriptor_is_told() {
    let Some(python) = needed("python3") else { return };
    // `close_range` has no wrapper in older C libraries.
    let script = "import ctypes, os, sys\n\
        def new(name): return os.open(name, os.O_CREAT | os.O_RDWR)\n\
        null = os.open('/dev/null', os.O_RDWR)\n\
        lock, b = new('a.lock'), new('b'); os.dup2(null, b); os.dup2(b, null)\n\
        c, d, e = new('c'), new('d'), os.dup(new('e'))\n\
        ctypes.CDLL(None).syscall(436, c, d, 0); os.set_inheritable(lock, True)\n\
        os.execv('/bin/sh', ['sh', '-c', 'exit 3'])\n";
    assert_eq!(
        endings_of(&python, script),
        [
            "close(b, by dup2) = 0",
            "close(c, by close_range) = 0",
            "close(d, by close_range) = 0",
            // Twice open, and neither is left to the next program.
            "close(e, by exec) = 0",
            "close(e, by exec) = 0",
            "close(a.lock, by exit) = 0",
            "exit(3) never returned",
        ]
    );
}

#[test]
fn what_a_child_has_from_its_parent_is_its_own_to_close() {
    let mut bench = Bench::new(Vec::new());
    let shell = bench.start_shell(1, "exec 9> a.lock; (exec 9>&-; exit 1); (exit 2); exit 3");
    let calls = bench.run_alone(shell);
    assert_eq!(
        endings(&calls),
        [
            "exit(1) never returned",
            "close(a.lock, by exit) = 0",
            "exit(2) never returned",
            "close(a.lock, by exit) = 0",
            "exit(3) never returned",
        ]
    );
}

#[test]
fn an_end_by_a_signal_is_told_with_what_it_closed() {
    let mut bench = Bench::new(Vec::new());
    let shell = bench.start_shell(1, "exec 9> a.lock; kill -9 $$");
    let calls = bench.run_alone(shell);
    let expected = ["close(a.lock, by exit) = 0", "exit(signal 9) never returned"];
    assert_eq!(endings(&calls), expected);
}

/// `exit` ends one thread, and the process with the last; C libraries call `exit_group`.
#[test]
fn the_end_of_the_last_thread_is_that_of_its_process() {
    let Some(python) = needed("python3") else { return };
    let script = "import ctypes, threading\n\
        end = lambda: ctypes.CDLL(None).syscall(60, 7)\n\
        threading.Thread(target=end).start(); end()\n";
    assert_eq!(endings_of(&python, script), ["exit(7) never returned"]);
}

#[test]
fn a_close_that_fails_does_not_answer_for_what_was_closed_otherwise() {
    let Some(python) = needed("python3") else { return };
    let mut bench = Bench::new(vec![gate(CallName::Close, "temp", Phase::Before)]);
    let script = "import os\n\
        null = os.open('/dev/null', os.O_RDWR)\n\
        def append(text):\n\
        \x20   fd = os.open('a.tmp', os.O_CREAT | os.O_APPEND | os.O_WRONLY); os.write(fd, text); return fd\n\
        os.dup2(null, append(b'one\\n'))\n\
        if os.fork() == 0: append(b'two\\n'); os._exit(0)\n\
        os.wait()\n\
        try: os.close(append(b'three\\n'))\n\
        except OSError: pass\n";
    let process = bench.start(1, &python, &["-c", script]);
    bench.run(vec![process], |_, _| Decision::Fail(libc::EIO));
    assert_eq!(fs::read_to_string(bench.path("a.tmp")).unwrap(), "one\ntwo\n");
}
