//! What the tracer withstands: programs that do what is hard to follow, and deaths at a bad time.

use std::fs;
use std::path::Path;

use cachestorm::client::process::{Confinement, NOBODY, Scope, send};
use cachestorm::model::call::{Call, CallName, CallResult};
use cachestorm::model::scenario::Phase;
use cachestorm::record::roles::Pattern;
use cachestorm::trace::terms::{Decision, Gate};
use libtest_mimic::Trial;

use super::bench::{Bench, Line, directory, exists};
use super::programs::build_go;
use super::trial;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("a_thread_becomes_another_program", &["python3"], a_thread_becomes_another_program),
        trial("spawned_children_are_followed", &["python3"], spawned_children_are_followed),
        trial("go_and_its_signals_are_followed", &["go"], go_and_its_signals_are_followed),
        trial("a_static_program_is_seen", &["cc"], a_static_program_is_seen),
        trial("jobs_of_a_shell_are_stopped_and_go_on", &["bash"], jobs_are_stopped_and_go_on),
        trial("a_lock_that_a_signal_interrupts_is_taken_once", &["python3"], taken_once),
        trial(
            "a_lock_that_a_signal_ends_has_failed",
            &["cc"],
            a_lock_that_a_signal_ends_has_failed,
        ),
        trial("a_call_in_a_handler_is_another_call", &["python3"], a_call_in_a_handler),
        trial("an_ordinary_user_is_traced", &[], an_ordinary_user_is_traced),
        trial("one_is_killed_at_a_gate_and_others_go_on", &[], killed_at_a_gate),
        trial("an_answer_that_is_given_twice_counts_once", &[], an_answer_twice),
        trial("a_hundred_tracers_at_once", &[], a_hundred_tracers_at_once),
        trial("many_children_that_end_at_once_leave_nothing", &[], many_children),
    ]
}

fn gate(name: CallName, path: &str, phase: Phase) -> Gate {
    Gate { name, path: Some(Pattern::new(path).unwrap()), phase }
}

fn named(calls: &[Call], name: CallName) -> Vec<String> {
    calls.iter().filter(|call| call.name == name).map(ToString::to_string).collect()
}

fn run(line: &Line) -> (Vec<Call>, Bench) {
    let (_dir, root) = directory();
    let mut bench = Bench::new(&root, Vec::new());
    bench.run(line);
    (std::mem::take(&mut bench.calls), bench)
}

/// The leader is in a call that it will never leave when another thread becomes a shell.
fn a_thread_becomes_another_program() {
    let script = "import fcntl, os, threading, time\n\
        fd = os.open('a.lock', os.O_CREAT | os.O_RDWR); fcntl.flock(fd, fcntl.LOCK_EX)\n\
        def become():\n\
        \x20   me = open(f'/proc/self/task/{os.getpid()}/stat')\n\
        \x20   while True:\n\
        \x20       me.seek(0)\n\
        \x20       if me.read().rsplit(')')[1].split()[0] == 'S' and waits: break\n\
        \x20   os.execv('/bin/sh', ['sh', '-c', 'echo $$ > pid; mv pid list.json; exit 3'])\n\
        waits = False\n\
        threading.Thread(target=become).start()\n\
        other = os.open('a.lock', os.O_RDWR); waits = True; fcntl.flock(other, fcntl.LOCK_EX)\n";
    let (calls, _bench) = run(&Line::python(script));
    let locks = named(&calls, CallName::Flock);
    assert_eq!(locks, ["flock(a.lock, LOCK_EX) = 0", "flock(a.lock, LOCK_EX) never returned"]);
    let write = calls.iter().find(|call| call.name == CallName::Write).unwrap();
    assert_eq!((write.pid, write.tid), (calls[0].pid, calls[0].pid));
    assert_eq!(named(&calls, CallName::Exit), ["exit(0) never returned", "exit(3) never returned"]);
}

/// Python starts them with vfork, and the second with posix_spawn.
fn spawned_children_are_followed() {
    let script = "import os, subprocess\n\
        subprocess.run(['sh', '-c', 'echo 1 > a'], check=True)\n\
        pid = os.posix_spawn('/bin/sh', ['sh', '-c', 'echo 2 > b'], os.environ)\n\
        os.waitpid(pid, 0)\n\
        if os.fork() == 0:\n\
        \x20   open('c', 'w').close(); os._exit(5)\n\
        os.wait()\n";
    let (calls, _bench) = run(&Line::python(script));
    let made = calls.iter().filter(|call| call.flags.contains("O_CREAT"));
    let made: Vec<_> =
        made.map(|call| (call.path.as_ref().unwrap().path.as_str(), call.pid)).collect();
    let names: Vec<&str> = made.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert!(made[0].1 != made[1].1 && made[1].1 != made[2].1);
}

/// The runtime preempts long loops by SIGURG, which interrupts calls as well.
fn go_and_its_signals_are_followed() {
    const SOURCE: &str = r#"package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
)

func main() {
	runtime.GOMAXPROCS(4)
	var all sync.WaitGroup
	for i := range 8 {
		all.Add(1)
		go func() {
			defer all.Done()
			for j := range 25 {
				x := 1
				for k := 0; k < 3_000_000; k++ {
					x = x*3 + k
				}
				name := fmt.Sprintf("%d.tmp", i)
				os.WriteFile(name, []byte(fmt.Sprint(x, j)), 0o600)
				os.Rename(name, fmt.Sprintf("%d.json", i))
			}
		}()
	}
	all.Wait()
}
"#;
    let (_dir, built) = directory();
    build_go(SOURCE, &built);
    let mut line = Line::sh("");
    (line.program, line.args) = (built.join("program"), Vec::new());
    let (calls, _bench) = run(&line);
    let done =
        |name| calls.iter().filter(|call| call.name == name && call.error().is_none()).count();
    assert_eq!(done(CallName::Rename), 200);
    assert_eq!(done(CallName::Write), 200);
    assert!(!calls.iter().any(|call| call.is_step() && call.result == CallResult::Never));
}

/// Builds a C program.
fn build_c(source: &str, flags: &[&str], root: &Path) -> Line {
    fs::write(root.join("main.c"), source).unwrap();
    let status = std::process::Command::new("cc")
        .args(flags)
        .args(["-o", "program", "main.c"])
        .current_dir(root)
        .status()
        .unwrap();
    assert!(status.success());
    let mut line = Line::sh("");
    (line.program, line.args) = (root.join("program"), Vec::new());
    line
}

fn a_static_program_is_seen() {
    const SOURCE: &str = "#include <stdio.h>\nint main(void) { FILE *f = fopen(\"a.tmp\", \"w\"); \
        fputs(\"hello\", f); fclose(f); return rename(\"a.tmp\", \"list.json\"); }\n";
    let (_dir, built) = directory();
    let (calls, _bench) = run(&build_c(SOURCE, &["-static"], &built));
    let steps: Vec<String> =
        calls.iter().filter(|it| it.is_step()).map(ToString::to_string).collect();
    let expected = [
        "open(a.tmp, O_WRONLY|O_CREAT|O_TRUNC) = 3",
        "write(a.tmp, 5 bytes) = 5",
        "rename(a.tmp -> list.json) = 0",
    ];
    assert_eq!(steps, expected);
}

/// A job in a group of its own stops itself, and the shell sees it stopped and lets it go on.
fn jobs_are_stopped_and_go_on() {
    let script = "set -m; (echo 1 > a; kill -STOP $BASHPID; echo 2 >> a; mv a list.json) & \
        until jobs | grep -q Stopped; do :; done; mkdir seen; kill -CONT %1; wait %1; rmdir seen";
    let (calls, _bench) = run(&Line::new("bash", ["-c", script]));
    let steps: Vec<&Call> = calls.iter().filter(|call| call.is_step()).collect();
    let names: Vec<CallName> = steps.iter().map(|call| call.name).collect();
    use CallName::{Mkdir, Open, Rename, Rmdir, Write};
    assert_eq!(names, [Open, Write, Mkdir, Open, Write, Rename, Rmdir]);
}

/// A timer goes off, again and again, while a lock is waited for; the kernel makes the call anew each time.
fn taken_once() {
    let script = "import fcntl, os, signal, time\n\
        mine = os.open('a.lock', os.O_CREAT | os.O_RDWR); fcntl.flock(mine, fcntl.LOCK_EX)\n\
        r, w = os.pipe()\n\
        if os.fork() == 0:\n\
        \x20   os.close(mine); fd = os.open('a.lock', os.O_RDWR)\n\
        \x20   signal.signal(signal.SIGALRM, lambda *_: None); signal.siginterrupt(signal.SIGALRM, False)\n\
        \x20   signal.signal(signal.SIGUSR1, signal.SIG_IGN)\n\
        \x20   os.set_blocking(w, False); signal.set_wakeup_fd(w, warn_on_full_buffer=False)\n\
        \x20   signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)\n\
        \x20   fcntl.flock(fd, fcntl.LOCK_EX); signal.setitimer(signal.ITIMER_REAL, 0); os._exit(0)\n\
        seen = 0\n\
        while seen < 20: seen += len(os.read(r, 20))\n\
        fcntl.flock(mine, fcntl.LOCK_UN); os.wait()\n";
    let (calls, _bench) = run(&Line::python(script));
    let locks = named(&calls, CallName::Flock);
    let taken = "flock(a.lock, LOCK_EX) = 0";
    let mut expected = [taken, "flock(a.lock, LOCK_UN) = 0", taken];
    let mut locks: Vec<&str> = locks.iter().map(String::as_str).collect();
    // Whether the release or the taking of the lock is told first is up to who runs first.
    locks.sort_unstable();
    expected.sort_unstable();
    assert_eq!(locks, expected);
}

/// Without SA_RESTART the same call fails, and its program makes it again: that is another call.
fn a_lock_that_a_signal_ends_has_failed() {
    const SOURCE: &str = "#include <errno.h>\n#include <fcntl.h>\n#include <signal.h>\n#include <sys/file.h>\n\
        #include <sys/time.h>\n#include <unistd.h>\n\
        static int fd; static volatile int seen;\n\
        static void handler(int s) { (void)s; if (++seen == 3) flock(fd, LOCK_UN); }\n\
        int main(void) {\n\
        \x20 fd = open(\"a.lock\", O_CREAT | O_RDWR, 0600); flock(fd, LOCK_EX);\n\
        \x20 int other = open(\"a.lock\", O_RDWR);\n\
        \x20 struct sigaction a = { .sa_handler = handler }; sigaction(SIGALRM, &a, 0);\n\
        \x20 struct itimerval t = { { 0, 20000 }, { 0, 20000 } }; setitimer(ITIMER_REAL, &t, 0);\n\
        \x20 int failed = 0;\n\
        \x20 while (flock(other, LOCK_EX) < 0 && errno == EINTR) failed++;\n\
        \x20 struct itimerval none = { 0 }; setitimer(ITIMER_REAL, &none, 0);\n\
        \x20 return failed;\n}\n";
    let (_dir, built) = directory();
    let (calls, _bench) = run(&build_c(SOURCE, &[], &built));
    let failed = named(&calls, CallName::Flock).iter().filter(|it| it.ends_with("= EINTR")).count();
    let taken = named(&calls, CallName::Flock)
        .iter()
        .filter(|it| *it == "flock(a.lock, LOCK_EX) = 0")
        .count();
    assert!(failed > 0);
    assert_eq!(taken, 2);
    assert_eq!(named(&calls, CallName::Exit), [format!("exit({failed}) never returned")]);
}

/// What a handler does in the midst of a call is told, and does not count as that call made again.
fn a_call_in_a_handler() {
    let script = "import ctypes, fcntl, os, signal\n\
        libc = ctypes.CDLL(None, use_errno=True)\n\
        mine = os.open('a.lock', os.O_CREAT | os.O_RDWR); fcntl.flock(mine, fcntl.LOCK_EX)\n\
        other = os.open('a.lock', os.O_RDWR)\n\
        @ctypes.CFUNCTYPE(None, ctypes.c_int)\n\
        def handler(_): libc.mkdir(b'seen', 0o700); libc.flock(mine, 8)\n\
        class Action(ctypes.Structure): _fields_ = [('f', ctypes.c_void_p), ('m', ctypes.c_ulong * 16), ('s', ctypes.c_int), ('r', ctypes.c_void_p)]\n\
        action = Action(ctypes.cast(handler, ctypes.c_void_p), (ctypes.c_ulong * 16)(), 0x10000000, None)\n\
        assert libc.sigaction(signal.SIGALRM, ctypes.byref(action), None) == 0\n\
        signal.setitimer(signal.ITIMER_REAL, 0.05)\n\
        assert libc.flock(other, 2) == 0\n";
    let (calls, _bench) = run(&Line::python(script));
    let steps: Vec<String> = calls
        .iter()
        .filter(|it| it.name.is_lock() || it.name == CallName::Mkdir)
        .map(ToString::to_string)
        .collect();
    let expected = [
        "flock(a.lock, LOCK_EX) = 0",
        "mkdir(seen) = 0",
        "flock(a.lock, LOCK_UN) = 0",
        "flock(a.lock, LOCK_EX) = 0",
    ];
    assert_eq!(steps, expected);
}

fn an_ordinary_user_is_traced() {
    use std::os::unix::fs::PermissionsExt;
    let (_dir, root) = directory();
    fs::set_permissions(&root, fs::Permissions::from_mode(0o777)).unwrap();
    let mut line = Line::sh("echo x > a.tmp; mv a.tmp list.json; id -u > user");
    // Who is no super-user is an ordinary user already.
    let is_root = rustix::process::geteuid().is_root();
    line.confinement = Confinement { user: is_root.then_some(NOBODY), ..Confinement::default() };
    let mut bench = Bench::new(&root, Vec::new());
    let calls = bench.run(&line);
    assert!(
        calls.iter().any(|it| it == "rename(a.tmp -> list.json, RENAME_NOREPLACE) = 0"),
        "{calls:?}"
    );
    let user = fs::read_to_string(root.join("user")).unwrap();
    assert_ne!(user.trim(), "0");
}

fn killed_at_a_gate() {
    let (_dir, root) = directory();
    let mut bench = Bench::new(&root, vec![gate(CallName::Rename, "published", Phase::Before)]);
    let line = Line::sh("echo $$ > $$.tmp; mv $$.tmp list.json");
    for client in 1..=4 {
        bench.start(client, &line);
    }
    bench.until("all four at the gate", |bench| bench.gated.len() == 4);
    let victim = bench.gated[0].clone();
    send(victim.pid, libc::SIGKILL, Scope::Process).unwrap();
    bench.until("the end of one", |_| !exists(victim.pid));
    // Each of the others finds what the one before it has published, and renames once more.
    let mut answered = 0;
    while bench.lives() {
        bench.until("another at the gate, or the end", |bench| {
            bench.gated.len() > answered || !bench.lives()
        });
        for call in &bench.gated[answered..] {
            bench.tracer.answer(call.tid, Decision::Proceed);
        }
        answered = bench.gated.len();
    }
    bench.finish();
    let mut renames = named(&bench.calls, CallName::Rename);
    renames.retain(|it| it.ends_with("never returned"));
    assert_eq!(renames.len(), 1);
    let left = fs::read_dir(&root).unwrap().count();
    assert_eq!(left, 2, "what was published, and what the dead one had not renamed");
}

fn an_answer_twice() {
    let (_dir, root) = directory();
    let mut bench = Bench::new(&root, vec![gate(CallName::Rename, "published", Phase::Before)]);
    bench.start(1, &Line::sh("echo x > a.tmp; mv a.tmp list.json; mv list.json b"));
    for passed in 1..=2 {
        bench.until("it stands at the gate", |bench| bench.gated.len() == passed);
        let tid = bench.gated[passed - 1].tid;
        for _ in 0..5 {
            bench.tracer.answer(tid, Decision::Proceed);
        }
    }
    bench.finish();
    assert_eq!(named(&bench.calls, CallName::Rename).len(), 2);
}

fn a_hundred_tracers_at_once() {
    let places: Vec<_> = (0..100).map(|_| directory()).collect();
    let mut benches: Vec<Bench> =
        places.iter().map(|(_, root)| Bench::new(root, Vec::new())).collect();
    let line = Line::sh("echo x > a.tmp; mv a.tmp list.json");
    for bench in &mut benches {
        bench.start(1, &line);
    }
    for bench in &mut benches {
        bench.finish();
        assert_eq!(named(&bench.calls, CallName::Rename).len(), 1);
    }
}

/// Children that their parent never waits for, and some that are killed as they begin.
fn many_children() {
    let (_dir, root) = directory();
    let mut bench = Bench::new(&root, Vec::new());
    let script = "i=0; while [ $i -lt 60 ]; do (echo $i > $i) & kill -9 $! 2> /dev/null; \
        (echo $i > x$i) & i=$((i+1)); done; exec sh -c 'echo x > last'";
    bench.start(1, &Line::sh(script));
    bench.finish();
    let seen: std::collections::BTreeSet<u32> = bench.calls.iter().map(|call| call.pid).collect();
    assert!(seen.len() > 60, "{}", seen.len());
    drop(bench);
    // Orphans are no children of this process, and the tracer has reaped its own.
    for pid in seen {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let parent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1));
        assert_ne!(parent, Some(std::process::id().to_string().as_str()), "{stat}");
    }
}
