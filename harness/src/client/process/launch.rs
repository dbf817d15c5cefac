//! A process of its own group, started without copying this one, and stopped right after `exec` if wanted.
//!
//! `fork` copies the page tables of the whole harness for a child that throws them away at once, and
//! costs more than everything else about a start. `posix_spawn` does not, but can neither ask for
//! tracing nor for a death signal. So this is what posix_spawn does inside (glibc,
//! `sysdeps/unix/sysv/linux/spawni.c`), with these two added: `clone` with `CLONE_VM | CLONE_VFORK`,
//! whose child borrows our memory while the calling thread sleeps until the child's `exec` or end.
#![allow(unsafe_code)]

use std::ffi::{CString, NulError, OsStr};
use std::io;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::ptr;

use libc::{c_char, c_int, c_void};

use super::{Confinement, limits};
use crate::client::prepare::Invocation;

/// The child's stack until its `exec`. It calls nothing that needs much; glibc takes 32 KiB too.
const STACK: usize = 32 << 10;

/// The exit code of a child whose `exec` failed; nobody sees it.
const NO_EXEC: c_int = 127;

/// Whether a process is traced by the thread that starts it.
#[derive(Debug, Clone, Copy)]
pub enum Tracing<'a> {
    /// Not at all.
    None,
    /// It stops after its `exec`.
    Stop,
    /// It stops after its `exec`, and then before the calls that this filter names.
    Filter(&'a [libc::sock_filter]),
}

/// Starts the program in a group of its own. `stdio` become its standard input, output and error. Returns
/// its process id.
pub fn launch(invocation: &Invocation, stdio: [RawFd; 3], tracing: Tracing<'_>) -> io::Result<u32> {
    let text = Text::new(invocation)?;
    let (argv, envp) = (pointers(&text.args), pointers(&text.env));
    let restore_limits = limits::restore();
    let filter = match tracing {
        Tracing::Filter(filter) => Some(libc::sock_fprog {
            len: u16::try_from(filter.len()).map_err(io::Error::other)?,
            // The kernel only reads it.
            filter: filter.as_ptr().cast_mut(),
        }),
        _ => None,
    };
    let mut request = Request {
        program: text.program.as_ptr(),
        argv: argv.as_ptr(),
        envp: envp.as_ptr(),
        dir: text.dir.as_ptr(),
        stdio,
        harness: std::process::id(),
        traced: !matches!(tracing, Tracing::None),
        filter: filter.as_ref().map_or(ptr::null(), ptr::from_ref),
        restore_limits: &restore_limits,
        confinement: &invocation.confinement,
        error: 0,
    };
    let mut stack = vec![0_u128; STACK / size_of::<u128>()];
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    let signals = BlockedSignals::new();
    // SAFETY: the stack grows downwards from its end, which is aligned as u128 is; it and the request
    // outlive the child's use of them, because this thread sleeps until the child's exec or end. The
    // child makes system calls only, touches no memory of ours but its stack, the request and this
    // thread's errno, and runs no signal handler of ours (see `child`).
    let pid = unsafe {
        let top = stack.as_mut_ptr_range().end;
        libc::clone(child, top.cast(), flags, (&raw mut request).cast())
    };
    let refused = io::Error::last_os_error();
    drop(signals);
    if pid < 0 {
        return Err(refused);
    }
    // SAFETY: the request is a local variable. It is read as volatile because another process wrote it.
    let error = unsafe { ptr::read_volatile(&raw const request.error) };
    if error != 0 {
        // SAFETY: a null status pointer is allowed. The child is ours and has called _exit.
        unsafe { libc::waitpid(pid, ptr::null_mut(), 0) };
        return Err(io::Error::from_raw_os_error(error));
    }
    u32::try_from(pid).map_err(io::Error::other)
}

/// What the child needs, made before it exists: it must not allocate.
struct Request<'a> {
    program: *const c_char,
    argv: *const *const c_char,
    envp: *const *const c_char,
    dir: *const c_char,
    stdio: [RawFd; 3],
    /// Whose child it must be.
    harness: u32,
    traced: bool,
    /// Null where there is none.
    filter: *const libc::sock_fprog,
    restore_limits: &'a dyn Fn() -> io::Result<()>,
    confinement: &'a Confinement,
    /// Why there was no `exec`, written by the child.
    error: c_int,
}

struct Text {
    program: CString,
    args: Vec<CString>,
    env: Vec<CString>,
    dir: CString,
}

impl Text {
    fn new(invocation: &Invocation) -> Result<Self, NulError> {
        let c_string = |text: &OsStr| CString::new(text.as_bytes());
        let program = c_string(invocation.program.as_os_str())?;
        let rest = invocation.args.iter().map(|arg| c_string(arg));
        let args = std::iter::once(Ok(program.clone())).chain(rest).collect::<Result<_, _>>()?;
        let variable = |(name, value): (&_, &_)| {
            CString::new([OsStr::as_bytes(name), b"=", OsStr::as_bytes(value)].concat())
        };
        let env = invocation
            .env
            .iter()
            .map(|(name, value)| variable((name.as_os_str(), value.as_os_str())))
            .collect::<Result<_, _>>()?;
        Ok(Self { program, args, env, dir: c_string(invocation.dir.as_os_str())? })
    }
}

fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect()
}

/// The child's life in borrowed memory.
extern "C" fn child(request: *mut c_void) -> c_int {
    let request: *mut Request<'_> = request.cast();
    // SAFETY: `launch` passes a valid request and leaves it alone until this function is over, and the
    // strings and arrays behind it end with a zero byte or pointer.
    unsafe {
        become_program(&*request);
        // Only a failed call leads here.
        (*request).error = *libc::__errno_location();
        libc::_exit(NO_EXEC)
    }
}

/// Returns only where a call failed, with `errno` set.
unsafe fn become_program(request: &Request<'_>) {
    // SAFETY: these are system calls with pointers to locals or to the request, whose strings and
    // arrays are as execve demands them.
    unsafe {
        // A change of user forgets the death signal, so it comes first.
        let confined = (request.restore_limits)().and_then(|()| request.confinement.enter());
        if let Err(error) = confined {
            *libc::__errno_location() = error.raw_os_error().unwrap_or(libc::EINVAL);
            return;
        }
        if libc::setpgid(0, 0) != 0 || libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
            return;
        }
        // The harness may have died before the call, and then no signal comes any more.
        if libc::getppid().cast_unsigned() != request.harness {
            *libc::__errno_location() = libc::ESRCH;
            return;
        }
        for (target, descriptor) in (0..).zip(request.stdio) {
            if libc::dup2(descriptor, target) < 0 {
                return;
            }
        }
        if libc::chdir(request.dir) != 0 {
            return;
        }
        if request.traced && libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) != 0 {
            return;
        }
        forget_handlers();
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
        // Last, because the calls above would stop by it, and the tracer sleeps until the `exec`.
        if !request.filter.is_null() && !install(request.filter) {
            return;
        }
        libc::execve(request.program, request.argv, request.envp);
    }
}

/// Installs a filter. Who has no right to must give up the right to gain any by `exec` first.
unsafe fn install(filter: *const libc::sock_fprog) -> bool {
    // SAFETY: seccomp reads the filter, which is valid by the caller's word; prctl takes no pointers.
    unsafe {
        let install =
            || libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, filter) == 0;
        install() || (libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && install())
    }
}

/// Resets what would run our code in the child as long as it borrows our memory, and SIGPIPE, which
/// Rust programs ignore and others do not.
unsafe fn forget_handlers() {
    // SAFETY: the structures are plain C, valid when zeroed, and local.
    unsafe {
        let default: libc::sigaction = std::mem::zeroed();
        for signal in 1..=libc::SIGRTMAX() {
            let mut action: libc::sigaction = std::mem::zeroed();
            libc::sigaction(signal, ptr::null(), &raw mut action);
            let kept = [libc::SIG_DFL, libc::SIG_IGN].contains(&action.sa_sigaction);
            if !kept || signal == libc::SIGPIPE {
                libc::sigaction(signal, &raw const default, ptr::null_mut());
            }
        }
    }
}

/// Every signal is blocked in this thread until this is dropped.
struct BlockedSignals(libc::sigset_t);

impl BlockedSignals {
    fn new() -> Self {
        // SAFETY: both sets are local, plain C, and valid when zeroed.
        unsafe {
            let (mut all, mut before): (libc::sigset_t, libc::sigset_t) = std::mem::zeroed();
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const all, &raw mut before);
            Self(before)
        }
    }
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        // SAFETY: the set is the one that pthread_sigmask has filled in.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, ptr::null_mut()) };
    }
}
