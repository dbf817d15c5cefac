//! The limit of open files: raised for the harness, and not for the programs under test.

use std::io;
use std::sync::OnceLock;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit that this program was started with.
static STARTED_WITH: OnceLock<Rlimit> = OnceLock::new();

/// Raises the limit of open files to what the system allows: a herd of two thousand needs some six
/// descriptors a process. Where the system refuses, a herd that is too large fails with the reason.
pub fn raise_limits() {
    let limit = *STARTED_WITH.get_or_init(|| getrlimit(Resource::Nofile));
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    // What the refusal leads to is reported where it does.
    let _ = setrlimit(Resource::Nofile, raised);
}

/// What a process that was forked and is not yet another program does to have the limit that it would
/// have without the harness: some programs close every descriptor that they might have, one by one. It
/// makes one system call, and nothing where the limit was never raised.
pub fn restore() -> impl Fn() -> io::Result<()> + Send + Sync + 'static {
    let limit = STARTED_WITH.get().copied();
    move || match limit {
        Some(limit) => Ok(setrlimit(Resource::Nofile, limit)?),
        None => Ok(()),
    }
}
