//! Real processes: held, let go, watched, ended.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::*;
use crate::model::units::ClientId;

/// The bound of every wait: only a fault reaches it.
const PATIENCE: Duration = Duration::from_secs(120);

/// The barriers of this system: the portable one works everywhere.
fn barriers() -> Vec<Barrier> {
    let mut barriers = vec![Barrier::BeforeExec, barrier_kind()];
    barriers.dedup();
    barriers
}

/// A shell script with two arguments that a shell would take apart, in an environment of three.
fn invocation(script: &str, dir: &Path) -> Invocation {
    let path = std::env::var_os("PATH").unwrap();
    Invocation {
        program: "/bin/sh".into(),
        args: ["-c", script, "name", "two words", "a\n'\"$b"].map(Into::into).into(),
        env: BTreeMap::from([
            ("PATH".into(), path),
            ("WORD".into(), "a  b".into()),
            ("EMPTY".into(), "".into()),
        ]),
        dir: dir.to_path_buf(),
        confinement: Default::default(),
        asked: false,
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn until(what: &str, mut so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !so() {
        assert!(since.elapsed() < PATIENCE, "it never happened: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Runs `body` in a runtime as an engine has one.
fn in_runtime<T>(body: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(body)
}

/// Watches a script in `dir` to its end. Must be called within a runtime.
fn start(
    script: &str,
    dir: &TempDir,
    barrier: Barrier,
    deadline: Duration,
) -> UnboundedReceiver<Notice> {
    watch(hold(&invocation(script, dir.path()), barrier).unwrap(), deadline)
}

/// Holds a process at a barrier.
fn hold(invocation: &Invocation, barrier: Barrier) -> io::Result<Held> {
    barrier::start(invocation, barrier).and_then(|child| Held::hold(child, barrier))
}

/// Lets a process go and watches it. Must be called within a runtime.
fn watch(held: Held, deadline: Duration) -> UnboundedReceiver<Notice> {
    let (tell, notices) = unbounded_channel();
    let ready = held.ready().unwrap();
    let gate = ready.gate();
    ready.watch(ClientId(3), deadline, tell);
    release(vec![((), gate)], |(), at| assert!(at.is_ok()));
    notices
}

/// Runs a script to its end.
fn run(script: &str) -> Ended {
    let dir = folder();
    in_runtime(async { until_end(start(script, &dir, barrier_kind(), PATIENCE)).await })
}

async fn until_end(mut notices: UnboundedReceiver<Notice>) -> Ended {
    match notices.recv().await {
        Some(Notice::Ended(ended)) => *ended,
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_runs_before_it_is_let_go() {
    for barrier in barriers() {
        let dir = folder();
        let held = hold(&invocation(": > ran", dir.path()), barrier).unwrap();
        // On its way to the stop it may be seen running, in the kernel and not yet in the program.
        #[cfg(target_os = "linux")]
        until("it is stopped, and not traced", || {
            let stat = fs::read_to_string(format!("/proc/{}/stat", held.pid())).unwrap();
            stat[stat.rfind(')').unwrap()..].starts_with(") T")
        });
        assert!(!dir.path().join("ran").exists(), "{barrier:?}");
        let ended = in_runtime(async { until_end(watch(held, PATIENCE)).await });
        assert_eq!(ended.status, Ok(0), "{barrier:?}");
        assert!(dir.path().join("ran").exists(), "{barrier:?}");
    }
}

#[test]
fn a_process_gets_what_it_was_given_at_either_barrier_and_at_none() {
    let check = |spawn: &dyn Fn(&Invocation) -> io::Result<Held>, how: &str| {
        let dir = folder();
        let script = "printf '%s|' \"$@\" \"$WORD\" \"${EMPTY-unset}\" \"${HOME-unset}\"; pwd -P; \
                      read line || echo no input; [ $$ = \"$(ps -o pgid= -p $$ | tr -d ' ')\" ] && echo leads; \
grep -s ^SigBlk /proc/self/status | tr -d '0\\n'";
        let held = spawn(&invocation(script, dir.path())).unwrap();
        let ended = in_runtime(async { until_end(watch(held, PATIENCE)).await });
        let here = dir.path().canonicalize().unwrap();
        let mut expected =
            format!("two words|a\n'\"$b|a  b||unset|{}\nno input\nleads\n", here.display());
        if cfg!(target_os = "linux") {
            expected += "SigBlk:\t";
        }
        assert_eq!(String::from_utf8_lossy(&ended.stdout.kept), expected, "{how}");
    };
    for barrier in barriers() {
        check(&|invocation| hold(invocation, barrier), &format!("{barrier:?}"));
    }
    check(&Held::start_free, "no barrier");
}

#[test]
fn a_process_is_confined_at_either_barrier_and_at_none() {
    let is_root = rustix::process::geteuid().is_root();
    let check = |spawn: &dyn Fn(&Invocation) -> io::Result<Held>, how: &str| {
        let user = is_root.then_some(NOBODY);
        let limits = Confinement { umask: Some(0o027), open_files: Some(9), ..Default::default() };
        let confinement = Confinement { user, ..limits };
        let script = "umask; ulimit -n; ulimit -Hn; id -u";
        let invocation = Invocation { confinement, ..invocation(script, Path::new("/")) };
        let ended =
            in_runtime(async { until_end(watch(spawn(&invocation).unwrap(), PATIENCE)).await });
        let user = user.unwrap_or(rustix::process::geteuid().as_raw());
        let said = String::from_utf8_lossy(&ended.stdout.kept);
        assert_eq!(said, format!("0027\n9\n9\n{user}\n"), "{how}");
    };
    for barrier in barriers() {
        check(&|invocation| hold(invocation, barrier), &format!("{barrier:?}"));
    }
    check(&Held::start_free, "no barrier");
}

#[test]
fn a_process_sees_a_disk_of_its_own_at_either_barrier_and_at_none() {
    use crate::client::volume::{Volume, available};
    if available().is_err() {
        return;
    }
    let dir = folder();
    let volume = Volume::mount(&dir.path().canonicalize().unwrap(), 1 << 20).unwrap();
    fs::write(volume.view().join("there"), "").unwrap();
    let check = |spawn: &dyn Fn(&Invocation) -> io::Result<Held>, how: &str| {
        let namespace = Some(volume.namespace());
        let confinement = Confinement { namespace, ..Default::default() };
        let invocation = Invocation { confinement, ..invocation("ls; pwd; id -u", dir.path()) };
        let ended =
            in_runtime(async { until_end(watch(spawn(&invocation).unwrap(), PATIENCE)).await });
        let user = rustix::process::geteuid().as_raw();
        let said = String::from_utf8_lossy(&ended.stdout.kept);
        assert_eq!(said, format!("there\n{}\n{user}\n", dir.path().display()), "{how}");
    };
    for barrier in barriers() {
        check(&|invocation| hold(invocation, barrier), &format!("{barrier:?}"));
    }
    check(&Held::start_free, "no barrier");
    // What a child of borrowed memory does to its rights is undone for the parent.
    assert!(fs::read_dir("/proc/self/fd").is_ok());
}

#[test]
fn a_program_that_is_not_there_is_refused() {
    let dir = folder();
    let invocation = Invocation { program: "/no/such".into(), ..invocation("", dir.path()) };
    let error = Held::start_free(&invocation).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

#[test]
fn exit_codes_and_signals_are_told() {
    let check = |script: &str, expected: Result<i32, i32>| {
        assert_eq!(run(script).status, expected, "{script}");
    };
    check("exit 0", Ok(0));
    check("exit 3", Ok(3));
    check("exit 255", Ok(255));
    check("kill -TERM $$", Err(libc::SIGTERM));
    check("kill -KILL $$", Err(libc::SIGKILL));
    check("kill -SEGV $$", Err(libc::SIGSEGV));
    // The harness, being a Rust program, ignores it itself.
    check("kill -PIPE $$", Err(libc::SIGPIPE));
    // Stopped and continued is not ended.
    check("(while kill -CONT $$; do :; done) 2>&- & kill -STOP $$; exit 4", Ok(4));
}

#[test]
fn what_a_process_used_is_told() {
    let ended = run("i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done");
    assert!(ended.user + ended.system > Duration::ZERO, "{ended:?}");
    assert!(ended.max_rss_kib > 0, "{ended:?}");
}

#[test]
fn both_streams_are_read_whole_and_beyond_what_a_pipe_holds() {
    let ended = run("head -c 1000000 /dev/zero; head -c 300000 /dev/zero >&2; printf end");
    assert_eq!((ended.stdout.bytes, ended.stderr.bytes), (1_000_003, 300_000));
    assert_eq!(ended.stdout.kept.len(), 1_000_003);
    assert!(ended.stdout.kept.ends_with(b"\0end"));
    let silent = run("exec >&- 2>&-; exit 5");
    assert_eq!((silent.stdout.bytes, silent.stderr.bytes, silent.status), (0, 0, Ok(5)));
}

#[test]
fn a_process_that_outlives_its_deadline_is_told_and_killed_with_its_group() {
    for barrier in barriers() {
        let dir = folder();
        in_runtime(async {
            let script = "sleep 600 & sleep 600 & wait";
            let mut notices = start(script, &dir, barrier, Duration::from_millis(300));
            let overdue = notices.recv().await;
            assert!(
                matches!(overdue, Some(Notice::Overdue { client: ClientId(3), .. })),
                "{overdue:?}"
            );
            let Some(Notice::Ended(ended)) = notices.recv().await else { panic!("it has no end") };
            assert_eq!(ended.status, Err(libc::SIGKILL));
            assert_eq!(ended.left_behind, [] as [u32; 0], "its children died with it");
        });
    }
}

#[test]
fn those_of_its_group_that_outlive_a_process_are_told_and_killed() {
    let ended = run("sleep 600 & echo $!; exit 0");
    assert_eq!(ended.status, Ok(0));
    let child = String::from_utf8(ended.stdout.kept).unwrap().trim().parse::<u32>().unwrap();
    assert_eq!(ended.left_behind, [child]);
    until("it is dead", || !lives(child));
    // One that ends soon after is no stray.
    assert_eq!(run("(exit 0) & exit 0").left_behind, [] as [u32; 0]);
}

/// Whether a process is there and no zombie.
fn lives(pid: u32) -> bool {
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => !stat[stat.rfind(')').unwrap()..].starts_with(") Z"),
        Err(_) if Path::new("/proc/self").exists() => false,
        Err(_) => send(pid, 0, Scope::Process).is_ok(),
    }
}

#[test]
fn one_that_was_never_let_go_ends_with_its_handle() {
    for barrier in barriers() {
        let dir = folder();
        let held = hold(&invocation(": > ran", dir.path()), barrier).unwrap();
        let pid = held.pid();
        drop(held);
        assert!(!lives(pid), "{barrier:?}");
        assert!(!dir.path().join("ran").exists(), "{barrier:?}");
    }
}

#[test]
fn a_panic_of_the_harness_ends_processes_that_are_held_and_that_run() {
    let mut pids = Vec::new();
    let dir = folder();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        in_runtime(async {
            let spawn = || hold(&invocation("sleep 600", dir.path()), barrier_kind()).unwrap();
            let (_held, running) = (spawn(), spawn());
            pids = vec![_held.pid(), running.pid()];
            let _notices = watch(running, PATIENCE);
            tokio::task::yield_now().await;
            assert!(pids.iter().all(|pid| lives(*pid)));
            // What a fault of the harness does, without the noise of its message.
            std::panic::resume_unwind(Box::new("a fault of the harness"));
        })
    }));
    let text = panicked.unwrap_err();
    assert_eq!(text.downcast_ref::<&str>(), Some(&"a fault of the harness"));
    for pid in pids {
        until("it is dead", || !lives(pid));
    }
}

#[test]
fn a_wave_comes_back_in_order_whoever_started_it() {
    let dir = folder();
    for barrier in barriers() {
        let mut launcher = Launcher::new(barrier);
        for count in [1, 40] {
            let mut wave: Vec<Invocation> =
                (0..count).map(|_| invocation(": > ran", dir.path())).collect();
            let numbered = |index: usize| format!("echo {index}");
            for (index, invocation) in wave.iter_mut().enumerate() {
                invocation.args[1] = numbered(index).into();
            }
            let held = launcher.launch(wave);
            in_runtime(async {
                for (index, held) in held.into_iter().enumerate() {
                    let ended = until_end(watch(held.unwrap(), PATIENCE)).await;
                    assert_eq!(ended.stdout.kept, format!("{index}\n").as_bytes(), "{barrier:?}");
                }
            });
        }
    }
}

#[test]
fn one_of_a_wave_that_is_refused_spoils_no_other() {
    let dir = folder();
    let mut wave: Vec<Invocation> = (0..9).map(|_| invocation(":", dir.path())).collect();
    wave[4].program = "/no/such".into();
    let mut launcher = Launcher::new(barrier_kind());
    let fine: Vec<bool> = launcher.launch(wave).iter().map(Result::is_ok).collect();
    assert_eq!(
        fine,
        [true, true, true, true, cfg!(not(target_os = "linux")), true, true, true, true]
    );
}
