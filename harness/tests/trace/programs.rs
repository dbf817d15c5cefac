//! What the tracer tells of real programs is what strace tells of them.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use libtest_mimic::Trial;

use super::bench::{Bench, Line, directory};
use super::compare::{By, Event, canonical, check};
use super::{strace, trial};

/// Compares a command under the tracer with the same under strace, each in a directory of its own that
/// `prepare` has filled.
fn compare(name: &str, line: &Line, by: By, masks: &[&str], prepare: impl Fn(&Path)) {
    let (_dir, root) = directory();
    prepare(&root);
    let mut bench = Bench::new(&root, Vec::new());
    bench.run(line);
    let ours: Vec<Event> = bench.calls.iter().filter_map(Event::of).collect();
    let (_dir, other) = directory();
    prepare(&other);
    let theirs = strace::run(line, &other);
    // A program that did nothing, or could not be started, compares well.
    assert!(ours.len() > 8, "{name} did next to nothing: {ours:?}");
    check(name, &canonical(&ours, by, masks), &canonical(&theirs, by, masks));
}

fn put(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("strace/its_output_is_read_as_it_is_meant", || {
            strace::reading();
            Ok(())
        }),
        trial("strace/sh", &["strace"], sh),
        trial("strace/cp", &["strace"], cp),
        trial("strace/rm", &["strace"], rm),
        trial("strace/sed", &["strace", "sed"], sed),
        trial("strace/tar", &["strace", "tar"], tar),
        trial("strace/git", &["strace", "git"], git),
        trial("strace/sqlite3", &["strace", "sqlite3"], sqlite3),
        trial("strace/python3", &["strace", "python3"], python3),
        trial("strace/disks_and_sockets", &["strace", "python3"], disks_and_sockets),
        trial("strace/node", &["strace", "node"], node),
        trial("strace/curl", &["strace", "curl"], curl),
        trial("strace/go", &["strace", "go"], go),
    ]
}

fn sh() {
    let script = "echo one > a.tmp; mv a.tmp list.json; mkdir d; ln list.json b; ln -s b c; cat c > e; \
        rm b c; rmdir d; touch -d @0 e; chmod 600 e; truncate -s 3 e; for i in 1 2 3; do echo $i >> e; done; \
        (exec 9> a.lock; flock 9; echo x > e); test -e missing || cat missing; set -C; echo y > e; \
        mkfifo pipe; dd if=e of=f bs=1 conv=fsync; cd /; exit 4";
    compare("sh", &Line::sh(script), By::Thread, &[], |_| {});
}

fn cp() {
    let line = Line::new("cp", ["-a", "one", "two", "tree", "to"]);
    compare("cp", &line, By::Thread, &[], |root| {
        put(root, "one", "1");
        put(root, "two", &"2".repeat(300_000));
        put(root, "tree/deep/leaf", "3");
        put(root, "to/one", "old");
    });
}

fn rm() {
    let line = Line::new("rm", ["-rf", "tree", "one", "missing"]);
    compare("rm", &line, By::Thread, &[], |root| {
        put(root, "one", "1");
        put(root, "tree/deep/leaf", "3");
    });
}

fn sed() {
    let line = Line::new("sed", ["-i", "s/a/b/", "file"]);
    compare("sed", &line, By::Thread, &["sed"], |root| put(root, "file", "banana\n"));
}

fn tar() {
    let line = Line::sh(
        "tar --sort=name -cf out.tar in && mkdir x && tar -C x -xf out.tar && tar -tf out.tar",
    );
    compare("tar", &line, By::Thread, &[], |root| {
        put(root, "in/a", "1");
        put(root, "in/b/c", &"2".repeat(50_000));
    });
}

fn git() {
    let mut line = Line::sh(
        "git init -q . && git add . && git commit -qm first && echo 2 >> a && git commit -qam second && git status -s",
    );
    let date = || "2020-01-01T00:00:00Z".to_owned();
    line.env = vec![
        ("GIT_AUTHOR_DATE", date()),
        ("GIT_COMMITTER_DATE", date()),
        ("GIT_CONFIG_NOSYSTEM", "1".to_owned()),
        ("GIT_CONFIG_COUNT", "2".to_owned()),
        ("GIT_CONFIG_KEY_0", "gc.auto".to_owned()),
        ("GIT_CONFIG_VALUE_0", "0".to_owned()),
        ("GIT_CONFIG_KEY_1", "maintenance.auto".to_owned()),
        ("GIT_CONFIG_VALUE_1", "false".to_owned()),
    ];
    for name in ["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"]
    {
        line.env.push((name, "t@example.com".to_owned()));
    }
    // A file as young as the index is read again, so both are told apart by an old time.
    compare("git", &line, By::Thread, &["tmp_obj_", ".git/t"], |root| {
        put(root, "a", "1\n");
        put(root, "d/b", "2\n");
        for name in ["a", "d/b"] {
            let file = fs::File::options().write(true).open(root.join(name)).unwrap();
            file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        }
    });
}

fn sqlite3() {
    let sql = "create table t (a); insert into t values (1); update t set a = 2; \
        pragma journal_mode = wal; insert into t values (3); select * from t;";
    compare("sqlite3", &Line::new("sqlite3", ["db", sql]), By::Thread, &[], |_| {});
}

fn python3() {
    let script = "import fcntl, os, subprocess, sys, tempfile, threading\n\
        lock = open('a.lock', 'w'); fcntl.flock(lock, fcntl.LOCK_EX)\n\
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)\n\
        def put():\n\
        \x20   fd, name = tempfile.mkstemp(dir='.', prefix='part_')\n\
        \x20   os.write(fd, b'x' * 9); os.fsync(fd); os.close(fd); os.replace(name, 'list.json')\n\
        t = threading.Thread(target=put); t.start(); t.join()\n\
        subprocess.run([sys.executable, '-c', 'print(open(\"list.json\").read(), file=open(\"b\", \"w\"))'])\n\
        os.makedirs('d/e'); os.chdir('d'); os.rename('../b', 'e/c'); os.listdir('e')\n\
        try: os.open('e/c', os.O_CREAT | os.O_EXCL)\n\
        except FileExistsError: os.truncate('e/c', 1)\n\
        fd = os.open('e', os.O_RDONLY); os.utime('c', (1, 2), dir_fd=fd); os.unlink('c', dir_fd=fd)\n";
    compare("python3", &Line::python(script), By::Thread, &["part_"], |_| {});
}

/// What makes bytes durable, clones them, or opens what has no name.
fn disks_and_sockets() {
    let script = "import ctypes, fcntl, mmap, os, socket, struct\n\
        libc = ctypes.CDLL(None)\n\
        def new(name): return os.open(name, os.O_CREAT | os.O_RDWR)\n\
        a, b, c = new('a'), new('b'), new('c'); os.write(a, b'x' * 8192)\n\
        m = mmap.mmap(a, 8192); m[4096] = 1; m.flush(); m.flush(4096, 4096); m.close()\n\
        os.sync(); libc.syncfs(a); libc.sync_file_range(a, 0, 0, 7)\n\
        for command, source in ((0x40049409, a), (0x4020940D, struct.pack('qQQQ', a, 0, 4096, 0))):\n\
        \x20   try: fcntl.ioctl(b, command, source)\n\
        \x20   except OSError: pass\n\
        os.dup2(a, b); os.dup2(b, b); os.dup2(c, a, inheritable=False); os.dup2(1, c)\n\
        for family, kind in ((socket.AF_INET, socket.SOCK_STREAM), (socket.AF_INET6, socket.SOCK_DGRAM),\n\
        \x20       (socket.AF_UNIX, socket.SOCK_STREAM)):\n\
        \x20   try: socket.socket(family, kind).close()\n\
        \x20   except OSError: pass\n";
    compare("disks and sockets", &Line::python(script), By::Thread, &[], |_| {});
}

fn node() {
    let script = "const fs = require('fs'); const { Worker } = require('worker_threads');\
        fs.promises.writeFile('a.tmp', 'x'.repeat(9)).then(() => fs.promises.rename('a.tmp', 'list.json'))\
        .then(() => fs.promises.readFile('list.json')).then(() => fs.promises.mkdir('d/e', { recursive: true }))\
        .then(() => fs.promises.copyFile('list.json', 'd/e/f')).then(() => fs.promises.rm('d', { recursive: true }))\
        .then(() => new Worker('require(\"fs\").writeFileSync(\"w\", \"1\")', { eval: true }))";
    compare("node", &Line::new("node", ["-e", script]), By::Program, &[], |_| {});
}

fn curl() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // One answer for either side.
    let server = std::thread::spawn(move || {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            assert!(stream.read(&mut request).unwrap() > 0);
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").unwrap();
        }
    });
    let line =
        Line::new("curl", ["-sS", "--noproxy", "*", "-o", "out", &format!("http://{address}/")]);
    // Its resolver's helper thread and its own use of the file are one program; the order is checked by `sh`.
    compare("curl", &line, By::Thread, &[], |root| put(root, "out", "old"));
    server.join().unwrap();
}

const GO: &str = r#"package main

import (
	"os"
	"os/exec"
	"sync"
	"syscall"
)

func main() {
	lock, _ := os.OpenFile("a.lock", os.O_CREATE|os.O_RDWR, 0o644)
	syscall.Flock(int(lock.Fd()), syscall.LOCK_EX)
	var all sync.WaitGroup
	for _, name := range []string{"a.tmp", "b.tmp", "c.tmp"} {
		all.Add(1)
		go func() {
			defer all.Done()
			os.WriteFile(name, []byte("hello"), 0o600)
			os.Rename(name, name+".json")
		}()
	}
	all.Wait()
	os.ReadFile("missing")
	os.MkdirAll("d/e", 0o755)
	exec.Command("/bin/sh", "-c", "echo x > d/e/f").Run()
	os.RemoveAll("d")
}
"#;

/// Builds a static program from Go source, with what the compiler keeps in a directory of its own.
pub fn build_go(source: &str, root: &Path) {
    put(root, "main.go", source);
    let output = Command::new("go")
        .args(["build", "-o", "program", "main.go"])
        .current_dir(root)
        .envs([
            ("CGO_ENABLED", "0"),
            ("GOFLAGS", "-mod=mod"),
            ("GO111MODULE", "off"),
            ("GOTOOLCHAIN", "local"),
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn go() {
    let (_dir, built) = directory();
    build_go(GO, &built);
    let line = Line { program: built.join("program"), ..Line::sh("") };
    let line = Line { args: Vec::new(), ..line };
    compare("go", &line, By::Program, &[], |_| {});
}
