//! The server itself: its settings, its listeners, and the ways to take it down.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use hyper::body::Bytes;
use hyper::header::HeaderValue;

use super::answer::Desk;
use super::backend::{Answerer, Backend};
use super::catalogue::{LARGEST, Library, SMALLEST};
use super::counts::{Counts, Tally};
use super::error::CatwalkError;
use super::observe::Observer;
use super::proxy::{Doors, Standing};
use super::reach;
use super::state::State;
use crate::model::fault::Fault;
use crate::model::record::AbortedBy;
use crate::model::scenario::{self, EtagMode, Listeners};
use crate::model::units::{ByteSize, ClientId, Serial, Span};

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
    /// Which clients get a listener of their own.
    pub listeners: Listeners,
    /// What fixes everything that faults draw by lot.
    pub seed: u64,
    /// The catalogue that is built into the client, where it is known.
    pub built_in: Option<Bytes>,
}

impl From<&scenario::Catwalk> for Settings {
    fn from(catwalk: &scenario::Catwalk) -> Self {
        Self {
            latency: catwalk.latency,
            body: catwalk.body,
            etag: catwalk.etag,
            cache_control: catwalk.cache_control.clone(),
            backend: Backend::default(),
            listeners: Listeners::default(),
            seed: 0,
            built_in: None,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::from(&scenario::Catwalk::default())
    }
}

/// A running mock Catwalk. Dropping it ends it, without waiting for its connections.
///
/// It runs on the event loop of whoever started it, and that is on purpose: on a thread of its own a
/// client can have its answer and be gone, and its end be told, before the server comes to tell what it
/// sent. On one loop a step and its telling cannot be parted.
#[derive(Debug)]
pub struct Catwalk {
    state: Arc<State>,
    doors: Doors,
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
        let doors = Doors::new(port, settings.listeners)?;
        let desk = Desk {
            library: Library::beside(settings.body, settings.built_in),
            etag: settings.etag,
            cache_control,
            tally: Tally::default(),
        };
        let state = Arc::new(State {
            answerer: Answerer::start(settings.backend, desk.clone()).await?,
            desk,
            latency: settings.latency.0,
            seed: settings.seed,
            standing: Standing::default(),
            observer,
            numbers: Mutex::default(),
            failure: Mutex::default(),
        });
        let catwalk = Self { state, doors };
        catwalk.up()?;
        catwalk.check_reach()?;
        Ok(catwalk)
    }

    /// Whether the machine lets a client connect at all; says nothing about faults that were asked for.
    ///
    /// # Errors
    /// [`CatwalkError::NoFreePort`], [`CatwalkError::TooManyFiles`] or [`CatwalkError::NoLoopback`].
    pub fn check_reach(&self) -> Result<(), CatwalkError> {
        reach::check(self.addr())
    }

    /// The address that the server listens on for all clients without a listener of their own.
    pub fn addr(&self) -> SocketAddr {
        self.doors.shared_addr()
    }

    /// The base URL for one client, by which the server knows the sender of a request. It ends without
    /// a slash. Where no listener can be had for it alone, it gets the shared one, and that counts as a
    /// failure of the server.
    pub fn base_url(&self, client: ClientId) -> String {
        let addr = self.doors.addr(client, &self.state).unwrap_or_else(|error| {
            self.state.fail(format!("no listener for {client}: {error}"));
            self.addr()
        });
        format!("http://{addr}/c/{:02}", client.0)
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

    /// A fault stands from now on, against one client or against all. When this returns, it does. One
    /// that stood there before gives way; at the door and on answers one can stand each.
    ///
    /// # Errors
    /// [`CatwalkError::SharedListener`], and whatever keeps the server from listening.
    pub async fn impose(&self, whom: Option<ClientId>, fault: Fault) -> Result<(), CatwalkError> {
        if fault.is_at_door() {
            return self.doors.impose(whom, fault, &self.state).await;
        }
        self.state.standing.impose(whom, fault);
        Ok(())
    }

    /// No fault stands any more. Connections that hang go on hanging.
    ///
    /// # Errors
    /// Whatever keeps the server from listening.
    pub fn mend(&self) -> Result<(), CatwalkError> {
        self.state.standing.mend();
        self.doors.mend(&self.state)
    }

    /// Refuses connections from now on, and resets those that carry a response (`by: Injection`). When
    /// this returns, all of that has happened and was told. The ports stay reserved.
    pub async fn down(&self) {
        self.doors.end(AbortedBy::Injection).await;
    }

    /// Accepts connections again, on the same ports. Does nothing where the server is up.
    ///
    /// # Errors
    /// Whatever keeps the server from listening.
    pub fn up(&self) -> Result<(), CatwalkError> {
        self.doors.up(&self.state)
    }

    /// Ends the server: no more connections, and open responses are reset (`by: Harness`). When this
    /// returns, all of that has happened and was told.
    pub async fn shutdown(&self) {
        self.doors.end(AbortedBy::Harness).await;
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
