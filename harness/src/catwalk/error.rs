//! What can keep the server from running, and what to do about it.

use std::io;

use crate::model::fault::Fault;
use crate::model::units::{ByteSize, ClientId};

/// Why the mock server cannot run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatwalkError {
    /// Another program listens on the port that was asked for.
    #[error("port {0} is taken; end the program that listens there, or choose another port")]
    PortTaken(u16),
    /// The system has no port left to give.
    #[error(
        "no free port on 127.0.0.1; run fewer scenarios at once, or wait a minute until closed connections have left TIME_WAIT"
    )]
    NoFreePort,
    /// The process or the system has no file descriptor left.
    #[error(
        "too many open files; raise the limit with `ulimit -n`, or run fewer scenarios at once"
    )]
    TooManyFiles,
    /// The machine does not let anybody come to the server.
    #[error(
        "127.0.0.1 cannot be reached ({0}), so that no client can ask the mock server; bring the loopback interface up (`ip link set lo up`)"
    )]
    NoLoopback(io::Error),
    /// The system refused to listen for another reason.
    #[error("cannot listen on 127.0.0.1 (port {port}): {source}; port 0 takes any free port")]
    Listen {
        /// The port asked for; 0 for any.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// wiremock, which answers behind the front, could not be started.
    #[error(
        "wiremock, which answers behind the mock server, does not start: {0}; run fewer scenarios at once (`--jobs 1`), or raise the limits of processes and open files"
    )]
    Wiremock(String),
    /// A fault of connections was aimed at a client that shares its listener.
    #[error(
        "{0} has no listener of its own, so its connections cannot be told from those of others"
    )]
    SharedListener(ClientId),
    /// A fault of connections was to hit single fetches.
    #[error(
        "the fault {0} hits connections, before there is a fetch; leave the numbers of fetches out"
    )]
    FetchesOfDoor(Fault),
    /// The size of a catalogue is out of bounds.
    #[error("a catalogue cannot have {0}; ask for 4KiB to 2MiB")]
    BodySize(ByteSize),
    /// The value for `Cache-Control` cannot stand in a header.
    #[error("{0:?} cannot be sent as Cache-Control; use visible ASCII, such as \"max-age=60\"")]
    CacheControl(String),
}

impl CatwalkError {
    /// Sorts an error of `socket`, `bind` or `listen`. `port` is the one asked for, 0 for any.
    pub(super) fn from_listen(port: u16, source: io::Error) -> Self {
        match (source.raw_os_error(), source.kind()) {
            (Some(libc::EMFILE | libc::ENFILE), _) => Self::TooManyFiles,
            (_, io::ErrorKind::AddrInUse | io::ErrorKind::AddrNotAvailable) if port == 0 => {
                Self::NoFreePort
            }
            (_, io::ErrorKind::AddrInUse) => Self::PortTaken(port),
            _ => Self::Listen { port, source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(port: u16, errno: i32, expected: &str) {
        let error = CatwalkError::from_listen(port, io::Error::from_raw_os_error(errno));
        assert!(error.to_string().contains(expected), "{error}");
    }

    #[test]
    fn errors_of_the_system_say_what_to_do() {
        check(0, libc::EMFILE, "ulimit -n");
        check(8080, libc::ENFILE, "ulimit -n");
        check(0, libc::EADDRINUSE, "no free port");
        check(0, libc::EADDRNOTAVAIL, "no free port");
        check(8080, libc::EADDRINUSE, "port 8080 is taken");
        check(80, libc::EACCES, "(port 80)");
    }
}
