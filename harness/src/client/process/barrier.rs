//! The barrier: every process of a wave exists before any of them runs.
//!
//! On Linux a process asks to be traced, which makes it stop right after `exec`, before the first
//! instruction of the program, and is then let go by the tracer with a SIGSTOP in its place: the
//! process is unmodified, untraced and stopped, and a SIGCONT starts it. Elsewhere, and where tracing
//! is forbidden, a shell stops itself and becomes the program when it is continued.
//!
//! Either way a process is first started and then held. Between the two there is time for the start of
//! another, since the first has something left to do by itself.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::child::{Child, Streams};
#[cfg(target_os = "linux")]
use super::launch::Tracing;
use super::limits;
use crate::client::prepare::Invocation;
use crate::model::record::Barrier;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
use crate::trace::terms::Attention;

/// What the shell of the portable barrier runs: it stops, and then becomes the program.
const GATE: &str = "kill -STOP $$; exec \"$0\" \"$@\"";

/// The barrier of this system, tried once.
pub fn kind() -> Barrier {
    static KIND: OnceLock<Barrier> = OnceLock::new();
    *KIND.get_or_init(|| if after_exec::works() { Barrier::AfterExec } else { Barrier::BeforeExec })
}

/// Starts a process in its own group, on its way to the barrier.
pub fn start(invocation: &Invocation, barrier: Barrier) -> io::Result<Child> {
    match barrier {
        Barrier::AfterExec => after_exec::start(invocation),
        Barrier::BeforeExec => start_by_fork(
            Command::new("/bin/sh").args(["-c", GATE]).arg(&invocation.program),
            invocation,
        ),
    }
}

/// Starts a process in its own group that runs at once.
pub fn start_free(invocation: &Invocation) -> io::Result<Child> {
    if cfg!(target_os = "linux") {
        after_exec::start_free(invocation)
    } else {
        start_by_fork(&mut Command::new(&invocation.program), invocation)
    }
}

/// Starts a process in its own group that stops after its `exec`, traced by this thread, and then before the
/// calls that the tracer attends to.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub fn start_filtered(invocation: &Invocation, attention: Attention) -> io::Result<Child> {
    after_exec::start_as(invocation, Tracing::Filter(crate::trace::filter(attention)))
}

/// Waits until a started process has arrived at the barrier, and leaves it stopped there. Must be
/// called by the thread that started it.
pub fn hold(child: Child, barrier: Barrier) -> io::Result<Child> {
    wait_for_stop(child.pid())?;
    match barrier {
        Barrier::AfterExec => after_exec::detach_stopped(child.pid())?,
        Barrier::BeforeExec => {}
    }
    Ok(child)
}

fn start_by_fork(command: &mut Command, invocation: &Invocation) -> io::Result<Child> {
    command
        .args(&invocation.args)
        .env_clear()
        .envs(&invocation.env)
        .current_dir(&invocation.dir)
        .stdin(if invocation.asked { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let restore = limits::restore();
    let confinement = invocation.confinement.clone();
    let dir = CString::new(invocation.dir.as_os_str().as_bytes())?;
    // SAFETY: between fork and exec only plain system calls are made.
    unsafe {
        command.pre_exec(move || {
            restore()?;
            confinement.enter()?;
            // Who joins another namespace is at its root.
            Ok(rustix::process::chdir(dir.as_c_str())?)
        })
    };
    die_with_parent(command);
    let mut child = command.spawn()?;
    let pid = child.id();
    let stdin = child.stdin.take().map(Into::into);
    match (child.stdout.take(), child.stderr.take()) {
        (Some(stdout), Some(stderr)) => {
            let streams = Streams { stdin, stdout: stdout.into(), stderr: stderr.into() };
            Ok(Child::new(pid, streams))
        }
        _ => Err(io::Error::other("the process has no pipes")),
    }
}

/// Waits until the process has stopped, whichever way the barrier stops it. One that has ended instead
/// is not reaped here.
fn wait_for_stop(pid: u32) -> io::Result<()> {
    let wanted = libc::WSTOPPED | libc::WEXITED | libc::WNOWAIT;
    loop {
        // SAFETY: siginfo_t is a plain C structure, valid when zeroed, and a valid place is passed.
        let (waited, info) = unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            (libc::waitid(libc::P_PID, pid, &raw mut info, wanted), info)
        };
        let error = io::Error::last_os_error();
        match (waited, info.si_code) {
            (0, libc::CLD_STOPPED | libc::CLD_TRAPPED) => return Ok(()),
            (0, _) => return Err(io::Error::other("the process ended before it was let go")),
            _ if error.kind() == io::ErrorKind::Interrupted => {}
            _ => return Err(error),
        }
    }
}

/// Makes the kernel kill the process when the thread that forked it ends.
#[cfg(target_os = "linux")]
fn die_with_parent(command: &mut Command) {
    let harness = std::process::id();
    // SAFETY: between fork and exec only prctl and getppid are called, which are plain system calls.
    unsafe {
        command.pre_exec(move || {
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
                return Err(io::Error::last_os_error());
            }
            // The harness may have died before the call, and then no signal comes any more.
            if libc::getppid().cast_unsigned() != harness {
                return Err(io::Error::from_raw_os_error(libc::ESRCH));
            }
            Ok(())
        });
    }
}

/// Other systems have no death signal; there the guardian alone ends what the harness leaves.
#[cfg(not(target_os = "linux"))]
fn die_with_parent(_: &mut Command) {}

#[cfg(target_os = "linux")]
mod after_exec {
    use std::collections::BTreeMap;
    use std::fs::File;
    use std::os::fd::{AsRawFd, OwnedFd};
    use std::sync::OnceLock;

    use super::super::launch::launch;
    use super::{Barrier, Child, Invocation, Streams, Tracing, hold, io};

    /// Whether this process may trace its children, which some containers forbid.
    pub fn works() -> bool {
        let trial = Invocation {
            program: "/bin/sh".into(),
            args: ["-c", "exit 0"].map(Into::into).into(),
            env: BTreeMap::new(),
            dir: "/".into(),
            confinement: Default::default(),
            asked: false,
        };
        // The trial has served its purpose however it ended, and dropping it ends it.
        start(&trial).and_then(|child| hold(child, Barrier::AfterExec)).is_ok()
    }

    /// Starts a process that stops after its `exec`, traced by this thread.
    pub fn start(invocation: &Invocation) -> io::Result<Child> {
        start_as(invocation, Tracing::Stop)
    }

    /// Starts a process that runs at once.
    pub fn start_free(invocation: &Invocation) -> io::Result<Child> {
        start_as(invocation, Tracing::None)
    }

    /// Starts a process.
    pub fn start_as(invocation: &Invocation, tracing: Tracing<'_>) -> io::Result<Child> {
        let (stdout, its_stdout) = io::pipe()?;
        let (stderr, its_stderr) = io::pipe()?;
        let asked = if invocation.asked { Some(io::pipe()?) } else { None };
        let its_stdin = match &asked {
            Some((its_stdin, _)) => its_stdin.as_raw_fd(),
            None => null()?.as_raw_fd(),
        };
        let stdio = [its_stdin, its_stdout.as_raw_fd(), its_stderr.as_raw_fd()];
        let pid = launch(invocation, stdio, tracing)?;
        let stdin = asked.map(|(_, stdin)| OwnedFd::from(stdin));
        Ok(Child::new(pid, Streams { stdin, stdout: stdout.into(), stderr: stderr.into() }))
    }

    /// `/dev/null` for reading, opened once.
    fn null() -> io::Result<&'static File> {
        static NULL: OnceLock<File> = OnceLock::new();
        if NULL.get().is_none() {
            // Where two threads come here at once, one file too many is closed again.
            let _ = NULL.set(File::open("/dev/null")?);
        }
        NULL.get().ok_or_else(|| io::Error::other("/dev/null is not open"))
    }

    /// Ends the tracing of a stopped process and leaves it stopped.
    pub fn detach_stopped(pid: u32) -> io::Result<()> {
        let pid = i32::try_from(pid).map_err(io::Error::other)?;
        let signal = libc::c_long::from(libc::SIGSTOP);
        // SAFETY: the process is stopped and traced by this thread; detaching takes no pointer, only
        // the signal to deliver in its place.
        match unsafe { libc::ptrace(libc::PTRACE_DETACH, pid, 0 as libc::c_long, signal) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod after_exec {
    use super::{Child, Invocation, io};

    pub fn works() -> bool {
        false
    }

    pub fn start(_: &Invocation) -> io::Result<Child> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }

    pub fn start_free(_: &Invocation) -> io::Result<Child> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }

    pub fn detach_stopped(_: u32) -> io::Result<()> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }
}
