//! What is done to processes at their calls.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::*;
use crate::model::call::CallResult;

const PUBLISH: &str = "echo new > a.tmp && mv a.tmp list.json";

#[test]
fn a_process_that_is_killed_before_a_call_never_makes_it() {
    let mut bench = Bench::new(vec![gate(CallName::Rename, "published", Phase::Before)]);
    let shell = bench.start_shell(1, PUBLISH);
    let pid = shell.pid;
    let calls = bench.run(vec![shell], |_, _| {
        send(pid, libc::SIGKILL, Scope::Group).unwrap();
        Decision::Proceed
    });
    assert!(bench.path("a.tmp").exists());
    assert!(!bench.path("list.json").exists());
    let never = calls.iter().filter(|call| call.result == CallResult::Never);
    let never: Vec<String> = never.map(ToString::to_string).collect();
    let rename = "rename(a.tmp -> list.json, RENAME_NOREPLACE) never returned";
    // Of the two processes of the group, either may be heard of first.
    assert_eq!(never.iter().filter(|it| *it == rename).count(), 1, "{never:?}");
    assert_eq!(never.iter().filter(|it| *it == "exit(signal 9) never returned").count(), 2);
}

#[test]
fn a_process_that_is_killed_after_a_call_has_made_it() {
    let mut bench = Bench::new(vec![gate(CallName::Rename, "published", Phase::After)]);
    let shell = bench.start_shell(1, PUBLISH);
    let pid = shell.pid;
    bench.run(vec![shell], |call, _| {
        assert_eq!(call.to_string(), "rename(a.tmp -> list.json, RENAME_NOREPLACE) = 0");
        send(pid, libc::SIGKILL, Scope::Group).unwrap();
        Decision::Proceed
    });
    assert!(!bench.path("a.tmp").exists());
    assert!(bench.path("list.json").exists());
}

#[test]
fn a_call_fails_as_it_is_told_to() {
    let mut bench = Bench::new(vec![gate(CallName::Rename, "published", Phase::Before)]);
    let shell = bench.start_shell(1, &format!("{PUBLISH} 2> message; exit 7"));
    let calls = bench.run(vec![shell], |_, _| Decision::Fail(libc::EROFS));
    assert!(
        printed(&calls)
            .contains(&"rename(a.tmp -> list.json, RENAME_NOREPLACE) = EROFS".to_owned())
    );
    let said = fs::read_to_string(bench.path("message")).unwrap();
    assert!(said.contains("Read-only file system"), "{said}");
    assert!(!bench.path("list.json").exists());
}

#[test]
fn a_write_is_cut_short_and_goes_on_where_it_was_cut() {
    let mut bench = Bench::new(vec![gate(CallName::Write, "temp", Phase::Before)]);
    let shell = bench.start_shell(1, "dd if=/dev/zero of=a.tmp bs=10 count=1 2> /dev/null");
    let calls = bench.run(vec![shell], |call, _| {
        if call.bytes == Some(10) { Decision::Short(3) } else { Decision::Proceed }
    });
    let writes: Vec<_> = calls.iter().filter(|call| call.name == CallName::Write).collect();
    assert_eq!(writes[0].to_string(), "write(a.tmp, cut short, 10 bytes) = 3");
    assert_eq!(fs::metadata(bench.path("a.tmp")).unwrap().len(), 10);
}

#[test]
fn every_call_that_transfers_bytes_is_cut_where_it_says_how_many() {
    let Some(python) = programs::needed("python3") else { return };
    let at = |name| gate(name, "temp", Phase::Before);
    let gates = [CallName::Read, CallName::Write, CallName::Sendfile, CallName::CopyFileRange];
    let mut bench = Bench::new(gates.map(at).into());
    let script = "import os\n\
        open('source', 'w').write('123456789')\n\
        s, f = os.open('source', os.O_RDONLY), os.open('a.tmp', os.O_RDWR | os.O_CREAT)\n\
        said = [os.write(f, b'abcdef'), os.pwrite(f, b'abcdef', 0), os.writev(f, [b'abcdef', b'gh']),\n\
        os.writev(f, [b'ab', b'cdef']), os.writev(f, [b'abc']), os.sendfile(f, s, 0, 9),\n\
        os.copy_file_range(s, f, 9), os.pread(f, 9, 0), os.readv(f, [bytearray(4)])]\n\
        open('said', 'w').write(repr(said))\n";
    let process = bench.start(1, &python, &["-c", script]);
    bench.run(vec![process], |_, _| Decision::Short(3));
    let said = fs::read_to_string(bench.path("said")).unwrap();
    // The first buffer alone where there are several, and nothing where no more is asked for.
    assert_eq!(said, "[3, 3, 3, 2, 3, 3, 3, b'abc', 0]");
    let left = fs::read_to_string(bench.path("a.tmp")).unwrap();
    assert_eq!(left, "abcabcababc123123", "and everything goes on where it was cut");
}

#[test]
fn one_is_held_at_its_rename_until_another_waits_for_its_lock() {
    let mut bench = Bench::new(vec![gate(CallName::Rename, "published", Phase::Before)]);
    let script = format!("exec 9> a.lock; flock 9; {PUBLISH}");
    let running = [bench.start_shell(1, &script), bench.start_shell(2, &script)];
    running.iter().for_each(Running::let_go);
    let until = Instant::now() + PATIENCE;
    let (mut held, mut waits) = (None, None);
    // Whoever has the lock comes to the gate; the other comes to wait.
    while held.is_none() || waits.is_none() {
        assert!(Instant::now() < until);
        match bench.heard.try_recv() {
            Ok(Heard::Gate { call, .. }) => held = Some(call),
            Ok(Heard::LockWaited { client, path, .. }) => {
                assert_eq!(path, "a.lock");
                waits = Some(client);
            }
            _ => std::thread::sleep(Duration::from_micros(200)),
        }
    }
    let held: Call = held.unwrap();
    assert_ne!(Some(held.client), waits);
    bench.tracer.answer(held.tid, Decision::Proceed);
    let calls = bench.hear_out(running.into(), |_, _| Decision::Proceed);
    let renamed = |call: &&Call| call.name == CallName::Rename && call.error().is_none();
    assert_eq!(calls.iter().filter(renamed).count(), 2);
}

#[test]
fn whatever_is_published_is_seen_while_nothing_changes() {
    let dir = Arc::new(Mutex::new(PathBuf::new()));
    let looks = Arc::new(AtomicUsize::new(0));
    let (shared, count) = (Arc::clone(&dir), Arc::clone(&looks));
    let look = move || {
        let path = shared.lock().unwrap().join("list.json");
        let first = fs::read(&path).unwrap_or_default();
        for _ in 0..20 {
            assert_eq!(fs::read(&path).unwrap_or_default(), first);
        }
        count.fetch_add(1, Ordering::Relaxed);
    };
    let mut bench = Bench::with(Vec::new(), Reach::Territory, Box::new(look));
    *dir.lock().unwrap() = bench.root.clone();
    let script = "for i in 1 2 3 4 5 6 7 8; do echo $i$i$i >> list.json; done";
    let herd = (1..=4).map(|client| bench.start_shell(client, script)).collect();
    let calls = bench.run(herd, |_, _| Decision::Proceed);
    let writes = calls.iter().filter(|call| call.is_mutating()).count();
    assert!(writes >= 64, "{writes}");
    assert_eq!(looks.load(Ordering::Relaxed), writes);
    assert_eq!(fs::read_to_string(bench.path("list.json")).unwrap().lines().count(), 32);
}

#[test]
fn a_process_is_suspended_and_woken_as_without_a_tracer() {
    let mut bench = Bench::new(Vec::new());
    // The shell suspends itself, and a child of its own that sees this wakes it.
    let script = "(until grep -q '^State:.[Tt]' /proc/$$/status; do :; done; kill -CONT $$) & \
                  kill -STOP $$; wait; echo done > list.json";
    let shell = bench.start_shell(1, script);
    let calls = bench.run_alone(shell);
    assert!(bench.path("list.json").exists());
    assert!(!calls.is_empty());
}

#[test]
fn whatever_is_traced_dies_with_its_tracer() {
    let bench = Bench::new(Vec::new());
    let shell = bench.start_shell(1, "setsid sleep 600 & sleep 600");
    let pid = shell.pid;
    send(pid, libc::SIGCONT, Scope::Process).unwrap();
    let until = Instant::now() + PATIENCE;
    let children =
        || fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    while children().split_whitespace().count() < 2 {
        assert!(Instant::now() < until);
        std::thread::sleep(Duration::from_millis(1));
    }
    let family: Vec<String> = children().split_whitespace().map(str::to_owned).collect();
    drop(bench);
    for member in family {
        // Whoever inherits an orphan may yet have to bury it.
        let stat = fs::read_to_string(format!("/proc/{member}/stat")).unwrap_or_default();
        assert!(stat.is_empty() || stat.contains(") Z "), "{stat}");
    }
    drop(shell);
}

#[test]
fn an_end_is_told_with_how_it_came() {
    let mut bench = Bench::new(Vec::new());
    let shell = bench.start_shell(1, "exit 3");
    let pid = shell.pid;
    bench.run(vec![Running { pid, held: None }], |_, _| Decision::Proceed);
    assert_eq!(shell.end(), Ok(3));
}
