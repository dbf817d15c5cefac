//! One listener on one port: open, closed, or open to no good.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::catwalk::connection::{Connection, Fate, ended};
use crate::catwalk::error::CatwalkError;
use crate::catwalk::state::State;
use crate::model::fault::Fault;
use crate::model::record::AbortedBy;
use crate::model::units::ClientId;

/// Connections that may wait to be accepted; the system cuts it to its own limit.
const BACKLOG: u32 = 4096;

/// How much of a response the system may hold back, in bytes. Left to itself it takes megabytes, and half
/// of a body counts as sent before the client has read a byte.
const SEND_BUFFER: u32 = 64 * 1024;

/// How long the server waits before it accepts again after the system ran out of something.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// A listener with its port, which stays reserved while nobody listens.
#[derive(Debug)]
pub struct Door {
    addr: SocketAddr,
    /// The only client that was told of this port; `None` where clients share it.
    owner: Option<ClientId>,
    /// Bound and never listening: it keeps the port ours while the door is closed.
    _reservation: TcpSocket,
    /// What accepted connections meet.
    manner: Manner,
    front: Mutex<Front>,
}

type Manner = Arc<Mutex<Option<Fault>>>;

#[derive(Debug, Default)]
struct Front {
    /// There while the door is open.
    accepting: Option<JoinHandle<()>>,
    /// Tells every connection when to end; it is closed once all of them have.
    fate: Option<watch::Sender<Option<AbortedBy>>>,
}

impl Drop for Door {
    fn drop(&mut self) {
        let front = self.front.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(accepting) = front.accepting.take() {
            accepting.abort();
        }
    }
}

impl Door {
    /// A closed door on `port`, 0 for any.
    pub fn new(port: u16, owner: Option<ClientId>) -> Result<Self, CatwalkError> {
        let (reservation, addr) = reserve(port)?;
        let (manner, front) = Default::default();
        Ok(Self { addr, owner, _reservation: reservation, manner, front })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What connections meet from now on once they are accepted; `None` for nothing bad.
    pub fn set_manner(&self, fault: Option<Fault>) {
        *self.manner.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    /// Accepts connections from now on. Does nothing where the door is open.
    pub fn open(&self, state: &Arc<State>) -> Result<(), CatwalkError> {
        let mut front = self.front();
        if front.accepting.is_none() {
            let listener = listen(self.addr)?;
            let fate = front.fate.get_or_insert_with(|| watch::channel(None).0).subscribe();
            let usher = Usher {
                state: Arc::clone(state),
                owner: self.owner,
                manner: Arc::clone(&self.manner),
                fate,
            };
            front.accepting = Some(tokio::spawn(usher.accept(listener)));
        }
        Ok(())
    }

    /// Refuses connections from now on; those that are open stay.
    pub async fn close(&self) {
        let accepting = self.front().accepting.take();
        if let Some(accepting) = accepting {
            accepting.abort();
            // Only when the task is gone is its listener closed.
            let _ = accepting.await;
        }
    }

    /// The same, and ends those that are open. When this returns, that has happened and was told.
    pub async fn end(&self, by: AbortedBy) {
        self.close().await;
        let fate = self.front().fate.take();
        if let Some(fate) = fate {
            fate.send_replace(Some(by));
            fate.closed().await;
        }
    }

    fn front(&self) -> std::sync::MutexGuard<'_, Front> {
        self.front.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets connections in.
struct Usher {
    state: Arc<State>,
    owner: Option<ClientId>,
    manner: Manner,
    fate: Fate,
}

impl Usher {
    async fn accept(self, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    self.state.desk.tally.add(|counts| counts.connections += 1);
                    let manner = *self.manner.lock().unwrap_or_else(PoisonError::into_inner);
                    let state = Arc::clone(&self.state);
                    tokio::spawn(welcome(state, stream, self.owner, manner, self.fate.clone()));
                }
                Err(error) if is_of_the_peer(&error) => {}
                Err(error) => {
                    self.state.desk.tally.add(|counts| counts.accept_failures += 1);
                    self.state.fail(format!("cannot accept a connection: {error}"));
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

async fn welcome(
    state: Arc<State>,
    stream: TcpStream,
    owner: Option<ClientId>,
    manner: Option<Fault>,
    mut fate: Fate,
) {
    match manner {
        Some(fault @ Fault::AcceptHang) => {
            state.tell_fault(None, owner, fault);
            ended(&mut fate).await;
            return;
        }
        Some(fault @ Fault::AcceptDelay(time)) => {
            state.tell_fault(None, owner, fault);
            tokio::select! { biased;
                _ = ended(&mut fate) => return,
                () = tokio::time::sleep(time.0) => {}
            }
        }
        _ => {}
    }
    Connection::new(state, stream, fate).run().await;
}

/// Whether `accept` failed for something that the peer or the network did to that one connection: a
/// client that was killed between its `connect` and our `accept`, say (accept(2), "Error handling").
fn is_of_the_peer(error: &io::Error) -> bool {
    let network = [
        libc::ECONNABORTED,
        libc::ECONNRESET,
        libc::EINTR,
        libc::ENETDOWN,
        libc::EPROTO,
        libc::ENOPROTOOPT,
        libc::EHOSTDOWN,
        libc::EHOSTUNREACH,
        libc::EOPNOTSUPP,
        libc::ENETUNREACH,
    ];
    error.raw_os_error().is_some_and(|code| network.contains(&code))
}

/// Binds a port without listening on it. The system refuses connections to such a port, gives it to
/// nobody else, and lets this process listen on it through another socket, as both share the port.
/// Without `SO_REUSEADDR`, since two sockets that both have it may bind beside one another as long as
/// neither listens, and so would a foreign one while the server is down.
fn reserve(port: u16) -> Result<(TcpSocket, SocketAddr), CatwalkError> {
    let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let bind = || {
        if port != 0 {
            // A socket that shares its port would bind beside another server that does so too.
            let alone = TcpSocket::new_v4()?;
            alone.set_reuseaddr(true)?;
            alone.bind(wanted)?;
        }
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseport(true)?;
        socket.bind(wanted)?;
        let addr = socket.local_addr()?;
        Ok((socket, addr))
    };
    bind().map_err(|error| CatwalkError::from_listen(port, error))
}

fn listen(addr: SocketAddr) -> Result<TcpListener, CatwalkError> {
    let listen = || {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseport(true)?;
        // Inherited by connections in TIME_WAIT, which then do not keep a later server from the port.
        socket.set_reuseaddr(true)?;
        // Inherited by every connection.
        socket.set_send_buffer_size(SEND_BUFFER)?;
        socket.bind(addr)?;
        socket.listen(BACKLOG)
    };
    listen().map_err(|error| CatwalkError::from_listen(addr.port(), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_leaves_before_it_is_accepted_is_no_failure_of_the_server() {
        let check = |code, expected| {
            assert_eq!(is_of_the_peer(&io::Error::from_raw_os_error(code)), expected);
        };
        check(libc::ECONNABORTED, true);
        check(libc::EPROTO, true);
        check(libc::EMFILE, false);
        check(libc::ENOBUFS, false);
        assert!(!is_of_the_peer(&io::Error::other("no code")));
    }
}
