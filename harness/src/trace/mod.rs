//! The tracer: every system call by which a client touches the cache directory or the network, seen and,
//! where an injection asks for it, held, failed or cut short, on programs that nobody modified.
//!
//! A filter in the kernel (seccomp) stops a process before the calls of interest, and the tracer (ptrace)
//! sees both sides of each. It follows whatever a client starts, in any language, static or not. Reading
//! order:
//!
//! 1. [`terms`]: what is said between a tracer and the rest of the harness;
//! 2. `linux/calls`: which calls there are, and where their arguments tell what they are about;
//! 3. `sys`: what is asked of the kernel, and all the unsafe code;
//! 4. `paths`, `links`, `buffers`, `connections` and `decode`: from numbers to a [`crate::model::call::Call`];
//! 5. `tracer`: a tracer on a thread of its own, and how to speak with it;
//! 6. `world`: its loop; `turn`: who changes the territory; `launch`: how a process comes into it; `steps`: the two sides
//!    of a call, and `cut`, which makes it transfer less; `endings`: what
//!    ends without a call of its own, with the account of open descriptors in `descriptors`.
//!
//! A call that a signal interrupts, and that the kernel makes again, is one call; where it fails with `EINTR`
//! instead, that is told, and what its program then makes is another.
//!
//! What lies outside of the territory and is reached through a link in it is told of as `links` says.
//!
//! What is closed without `close` (by `dup2`, `close_range`, `exec` or an end) is told as a `close` with the flags
//! `by dup2` and so on. Of a process that a signal ends, that is told when it has ended; who waits for a lock of it
//! may be told to have it before.
//!
//! What passes it by: stores into a file that is mapped shared and writable (the `mmap` itself is seen, and so is
//! `msync`), descriptors that come over a socket (`SCM_RIGHTS`) or from processes that share them without being one
//! (`CLONE_FILES`), where something else than `close` closes them, 32-bit programs (said in the record), and
//! processes started with `CLONE_UNTRACED`: these have the filter and no tracer, and so the kernel answers `ENOSYS`
//! to every call that the filter names. A process can have one tracer only: no debugger can be used on a client
//! meanwhile, and strace fails in one.
//!
//! `tests/trace` holds its calls against those that strace tells of, on twelve real programs, and
//! `benches/trace.rs` its cost.
//!
//! The mechanism is that of strace with `--seccomp-bpf` and of rr: see ptrace(2) and seccomp(2). Linux on
//! x86-64 only; elsewhere [`lacks`] says so and [`Tracer::start`] fails.

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
mod elsewhere;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod linux;
pub mod terms;
#[cfg(all(test, target_os = "linux", target_arch = "x86_64"))]
mod tests;

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
pub use elsewhere::Tracer;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub use linux::{Tracer, filter};

/// What keeps this machine from tracing, as half a sentence; `None` where it can. Tried once.
pub fn lacks() -> Option<&'static str> {
    static LACKS: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    LACKS.get_or_init(trial::lacks).as_deref()
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
mod trial {
    pub fn lacks() -> Option<String> {
        Some("system calls are traced on Linux on x86-64 only".to_owned())
    }
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod trial {
    use std::collections::BTreeMap;

    use super::Tracer;
    use super::terms::{Attention, Reach, Settings, Territory};
    use crate::client::prepare::Invocation;
    use crate::model::units::ClientId;
    use crate::record::roles::Roles;

    /// Starts a process under a tracer, as a run would.
    pub fn lacks() -> Option<String> {
        let settings = Settings {
            territory: Territory { roots: Vec::new(), roles: Roles::default() },
            reach: Reach::Territory,
            gates: Vec::new(),
            look: Box::new(|| {}),
        };
        let trial = Invocation {
            program: "/bin/sh".into(),
            args: ["-c", "exit 0"].map(Into::into).into(),
            env: BTreeMap::new(),
            dir: "/".into(),
            confinement: crate::client::process::Confinement::default(),
            asked: false,
        };
        let (heard, _) = tokio::sync::mpsc::unbounded_channel();
        let started = Tracer::start(settings, heard)
            .and_then(|tracer| tracer.launch(ClientId(0), trial, Attention::All).map(drop));
        started
            .err()
            .map(|error| format!("this machine does not let processes be traced ({error})"))
    }
}
