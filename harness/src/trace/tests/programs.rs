//! Programs of many kinds, whose calls are seen.

use super::*;

/// Where a program is that a test needs; `None`, with the reason told, where it is not installed.
pub(super) fn needed(program: &str) -> Option<PathBuf> {
    let dirs = std::env::var_os("PATH").unwrap_or_default();
    let mut paths = std::env::split_paths(&dirs).map(|dir| dir.join(program));
    let found = paths.find(|path| path.is_file());
    if found.is_none() {
        skip(&format!("{program} is not installed"));
    }
    found
}

#[test]
fn the_calls_of_a_shell_and_its_children_are_told_in_order() {
    let mut bench = Bench::new(Vec::new());
    let shell = bench.start_shell(
        1,
        "echo one > a.tmp; mv a.tmp list.json; mkdir d; ln list.json b.tmp; rm b.tmp; rmdir d; exit 4",
    );
    let calls = bench.run_alone(shell);
    assert_eq!(
        printed(&calls),
        [
            "open(a.tmp, O_WRONLY|O_CREAT|O_TRUNC) = 3",
            "write(a.tmp, 4 bytes) = 4",
            "rename(a.tmp -> list.json, RENAME_NOREPLACE) = 0",
            "exit(0) never returned",
            "mkdir(d) = 0",
            "exit(0) never returned",
            "link(list.json -> b.tmp) = 0",
            "exit(0) never returned",
            "unlink(b.tmp) = 0",
            "exit(0) never returned",
            "rmdir(d) = 0",
            "exit(0) never returned",
            "exit(4) never returned",
        ]
    );
}

#[test]
fn python_is_seen() {
    let Some(python) = needed("python3") else { return };
    let mut bench = Bench::new(Vec::new());
    let script = "import os, fcntl, threading\n\
        lock = open('a.lock', 'w'); fcntl.flock(lock, fcntl.LOCK_EX)\n\
        def put():\n    with open('a.tmp', 'w') as f:\n        f.write('x' * 9); f.flush(); os.fsync(f.fileno())\n\
        t = threading.Thread(target=put); t.start(); t.join()\n\
        os.replace('a.tmp', 'list.json')\n";
    let process = bench.start(1, &python, &["-c", script]);
    let calls = bench.run_alone(process);
    let printed = printed(&calls);
    let expected = [
        "flock(a.lock, LOCK_EX) = 0",
        "write(a.tmp, 9 bytes) = 9",
        "fsync(a.tmp) = 0",
        "rename(a.tmp -> list.json) = 0",
    ];
    let found: Vec<&String> = printed.iter().filter(|it| expected.contains(&it.as_str())).collect();
    assert_eq!(found, expected, "{printed:#?}");
}

#[test]
fn calls_of_another_table_are_told_to_be_unseen() {
    let Some(python) = needed("python3") else { return };
    let mut bench = Bench::new(Vec::new());
    // `mov eax, 20; int 0x80; ret`: getpid as a 32-bit program makes it.
    let script = "import ctypes, mmap\n\
        code = mmap.mmap(-1, 4096, prot=7); code.write(b'\\xb8\\x14\\0\\0\\0\\xcd\\x80\\xc3')\n\
        at = ctypes.addressof(ctypes.c_char.from_buffer(code))\n\
        for _ in range(2): ctypes.CFUNCTYPE(ctypes.c_int)(at)()\n";
    let mut process = bench.start(1, &python, &["-c", script]);
    let held = process.held.take();
    bench.run_alone(process);
    if held.unwrap().end().unwrap().status == Err(libc::SIGSEGV) {
        skip("this kernel runs no 32-bit programs");
        return;
    }
    assert_eq!(bench.blind.len(), 1, "once for each process: {:?}", bench.blind);
    assert!(bench.blind[0].contains("its calls are not seen"), "{:?}", bench.blind);
}

#[test]
fn node_is_seen_also_where_it_would_use_io_uring() {
    let Some(node) = needed("node") else { return };
    let mut bench = Bench::new(Vec::new());
    let script = "process.env.UV_USE_IO_URING = '1'; const fs = require('fs').promises;\
        fs.writeFile('a.tmp', 'x'.repeat(9)).then(() => fs.rename('a.tmp', 'list.json'))";
    let process = bench.start(1, &node, &["-e", script]);
    let printed = printed(&bench.run_alone(process));
    for expected in ["write(a.tmp, 9 bytes) = 9", "rename(a.tmp -> list.json) = 0"] {
        assert!(printed.iter().any(|it| it == expected), "{printed:#?}");
    }
}
