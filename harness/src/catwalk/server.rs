//! The server itself: its port, its listener, and the ways to take it down.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::header::HeaderValue;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::answer::Desk;
use super::backend::{Answerer, Backend};
use super::catalogue::{LARGEST, Library, SMALLEST};
use super::connection::{Connection, Fate};
use super::counts::{Counts, Tally};
use super::error::CatwalkError;
use super::observe::Observer;
use super::state::State;
use crate::model::record::AbortedBy;
use crate::model::scenario::{self, EtagMode};
use crate::model::units::{ByteSize, ClientId, Serial, Span};

/// Connections that may wait to be accepted; the system cuts it to its own limit.
const BACKLOG: u32 = 4096;

/// How much of a response the system may hold back, in bytes. Left to itself it takes megabytes, and half
/// of a body counts as sent before the client has read a byte.
const SEND_BUFFER: u32 = 64 * 1024;

/// How long the server waits before it accepts again after the system ran out of something.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// How the server behaves.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// How long each response waits before its head is sent.
    pub latency: Span,
    /// The size of a catalogue, from 4 KiB to 2 MiB.
    pub body: ByteSize,
    /// Over which bytes the ETag is computed.
    pub etag: EtagMode,
    /// The value of the `Cache-Control` header; none by default, as on the real server.
    pub cache_control: Option<String>,
    /// Who answers behind the front.
    pub backend: Backend,
}

impl From<&scenario::Catwalk> for Settings {
    fn from(catwalk: &scenario::Catwalk) -> Self {
        Self {
            latency: catwalk.latency,
            body: catwalk.body,
            etag: catwalk.etag,
            cache_control: catwalk.cache_control.clone(),
            backend: Backend::default(),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::from(&scenario::Catwalk::default())
    }
}

/// A running mock Catwalk. Dropping it ends it, without waiting for its connections.
#[derive(Debug)]
pub struct Catwalk {
    state: Arc<State>,
    addr: SocketAddr,
    /// Bound and never listening: it keeps the port ours while the server is down.
    _reservation: TcpSocket,
    front: Mutex<Option<Front>>,
}

/// What exists only while the server is up.
#[derive(Debug)]
struct Front {
    accepting: JoinHandle<()>,
    /// Tells every connection when to end; it is closed once all of them have.
    fate: watch::Sender<Option<AbortedBy>>,
}

impl Drop for Front {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Catwalk {
    /// Starts a server on any free port of 127.0.0.1. Must be called inside a tokio runtime with IO and
    /// time enabled, on which the server's tasks then run.
    ///
    /// # Errors
    /// A setting that is out of bounds, and whatever keeps the server from listening.
    pub async fn start(settings: Settings, observer: Observer) -> Result<Self, CatwalkError> {
        Self::start_on(0, settings, observer).await
    }

    /// The same on a port of the caller's choice; 0 takes any.
    ///
    /// # Errors
    /// As [`Catwalk::start`], and [`CatwalkError::PortTaken`].
    pub async fn start_on(
        port: u16,
        settings: Settings,
        observer: Observer,
    ) -> Result<Self, CatwalkError> {
        let cache_control = checked_cache_control(settings.cache_control)?;
        if !(SMALLEST..=LARGEST).contains(&settings.body) {
            return Err(CatwalkError::BodySize(settings.body));
        }
        let (reservation, addr) = reserve(port)?;
        let desk = Desk {
            library: Library::new(settings.body),
            etag: settings.etag,
            cache_control,
            tally: Tally::default(),
        };
        let state = Arc::new(State {
            answerer: Answerer::start(settings.backend, desk.clone()).await?,
            desk,
            latency: settings.latency.0,
            observer,
            numbers: Mutex::default(),
            failure: Mutex::default(),
        });
        let front = Mutex::default();
        let catwalk = Self { state, addr, _reservation: reservation, front };
        catwalk.up()?;
        Ok(catwalk)
    }

    /// The address that the server listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The base URL for one client, by which the server knows the sender of a request. It ends without
    /// a slash.
    pub fn base_url(&self, ClientId(number): ClientId) -> String {
        format!("http://{}/c/{number:02}", self.addr)
    }

    /// The catalogues served so far.
    pub fn library(&self) -> &Library {
        &self.state.desk.library
    }

    /// Serves the next catalogue from now on, and tells its number. A request whose response has been
    /// decided on already gets the one before.
    pub fn bump(&self) -> Serial {
        self.library().bump()
    }

    /// What has been counted so far.
    pub fn counts(&self) -> Counts {
        self.state.desk.tally.counts()
    }

    /// What last went wrong in the server itself, if anything did: see
    /// [`Counts::accept_failures`] and [`Counts::backend_failures`].
    pub fn failure(&self) -> Option<String> {
        self.state.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Refuses connections from now on, and resets those that carry a response (`by: Injection`). When
    /// this returns, all of that has happened and was told. The port stays reserved.
    pub async fn down(&self) {
        self.end(AbortedBy::Injection).await;
    }

    /// Accepts connections again, on the same port. Does nothing where the server is up.
    ///
    /// # Errors
    /// Whatever keeps the server from listening.
    pub fn up(&self) -> Result<(), CatwalkError> {
        let mut front = self.front.lock().unwrap_or_else(PoisonError::into_inner);
        if front.is_none() {
            let listener = listen(self.addr)?;
            let (fate, watch) = watch::channel(None);
            let accepting = tokio::spawn(accept(listener, Arc::clone(&self.state), watch));
            *front = Some(Front { accepting, fate });
        }
        Ok(())
    }

    /// Ends the server: no more connections, and open responses are reset (`by: Harness`). When this
    /// returns, all of that has happened and was told.
    pub async fn shutdown(&self) {
        self.end(AbortedBy::Harness).await;
    }

    async fn end(&self, by: AbortedBy) {
        let front = self.front.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut front) = front else { return };
        front.accepting.abort();
        // Only when the task is gone is its listener closed.
        let _ = (&mut front.accepting).await;
        front.fate.send_replace(Some(by));
        front.fate.closed().await;
    }
}

async fn accept(listener: TcpListener, state: Arc<State>, fate: Fate) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                state.desk.tally.add(|counts| counts.connections += 1);
                tokio::spawn(Connection::new(Arc::clone(&state), stream, fate.clone()).run());
            }
            Err(error) => {
                state.desk.tally.add(|counts| counts.accept_failures += 1);
                state.fail(format!("cannot accept a connection: {error}"));
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn checked_cache_control(value: Option<String>) -> Result<Option<String>, CatwalkError> {
    match value {
        Some(text) if HeaderValue::from_str(&text).is_err() || !text.is_ascii() => {
            Err(CatwalkError::CacheControl(text))
        }
        value => Ok(value),
    }
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
