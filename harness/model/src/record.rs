//! What happened in one run of one scenario, as data: one closed event enum, one file per run.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::client::Client;
use crate::fault::Fault;
use crate::scenario::{Action, Scenario};
use crate::units::{ClientId, Nanos, RequestId, Serial, Span};

pub use crate::ending::{Excerpt, ExitStatus, Exited};
pub use crate::sighting::Sighting;

/// The version of the record format; a reader refuses any other.
pub const RECORD_SCHEMA: &str = "cachestorm-record/1";

/// One run of one scenario against one client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// [`RECORD_SCHEMA`].
    pub schema: String,
    /// The scenario's name: its path below `scenarios/` without the ending, such as `crash/holder-killed`.
    pub name: String,
    /// The scenario as it was read.
    pub scenario: Scenario,
    /// The client as it was described.
    pub client: Client,
    /// The TTL in force: the client's own where it has a fixed one.
    pub ttl: Span,
    /// Which repetition of the scenario this is, counted from 1.
    pub repetition: u32,
    /// What seeds the choices that the harness makes.
    pub seed: u64,
    /// How processes were held until all were ready.
    pub barrier: Barrier,
    /// Everything that was observed, in order; an event's number is its index.
    pub events: Vec<Event>,
}

/// How processes were held until all were ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Barrier {
    /// Stopped after `exec`, before the first instruction of the program.
    AfterExec,
    /// Held between `fork` and `exec`, where the system cannot stop a program right after `exec`.
    BeforeExec,
}

/// Something observed, with the time at which it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// When the harness saw it.
    pub at: Nanos,
    /// What it was.
    pub what: What,
}

/// The closed set of everything that a record may hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "kind")]
pub enum What {
    /// A wave was let go: every process of it exists, and none had run before.
    WaveStarted {
        /// Counted from 1.
        wave: u32,
        /// Its processes.
        clients: Vec<ClientId>,
    },
    /// Every process of a wave has ended.
    WaveEnded {
        /// Counted from 1.
        wave: u32,
    },
    /// A process exists.
    Spawned {
        /// Which.
        client: ClientId,
        /// Its process id, which is its process group's too.
        pid: u32,
        /// Why it runs.
        part: Part,
        /// The client's command by name: `get`, `update`.
        command: String,
        /// The client that it runs, where that is not the one under test.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        with: Option<String>,
        /// The catalogue that its command is to publish, where that is not the server's: the one in the file that it
        /// was told, or the one that is built in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        publishes: Option<Serial>,
        /// Where it is one reading of a session: the first one, in whose process all are made.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<ClientId>,
    },
    /// A process was let go: from here on its own time counts.
    Released {
        /// Which.
        client: ClientId,
    },
    /// A process could not be started.
    SpawnFailed {
        /// Which.
        client: ClientId,
        /// What the system said.
        error: String,
    },
    /// A process ended, and all that it printed was read; or a session has answered.
    Exited(Exited),
    /// The process of a session ended: after it was told to, by the end of its standard input, or by itself. A reading
    /// that was under way has ended with it.
    SessionEnded {
        /// The first of its readings.
        session: ClientId,
        /// How.
        status: ExitStatus,
        /// It had been told to.
        told: bool,
        /// What it printed on standard error in its whole life.
        stderr: Excerpt,
    },
    /// Processes that a client left behind; the harness ended them.
    LeftBehind {
        /// The client that had started them.
        client: ClientId,
        /// Their process ids.
        pids: Vec<u32>,
    },
    /// A client outlived its deadline; the harness killed its process group.
    Overdue {
        /// Which.
        client: ClientId,
        /// The deadline.
        deadline: Span,
        /// For how long the threads of it and its children were at most ready to run and had no processor, in
        /// microseconds; `None` where the system does not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        delayed_us: Option<u64>,
    },
    /// A request arrived at Catwalk; nothing of the answer has been sent.
    Request(Request),
    /// Catwalk began to put a fault on the wire. Its own word for what it did, whoever asked for it; a
    /// refused connection never reaches it, and so is never told of.
    Faulted {
        /// The request whose answer is faulted; `None` where a connection is, before any request.
        request: Option<RequestId>,
        /// Whose request or connection; `None` for a stranger, and on a listener that clients share.
        client: Option<ClientId>,
        /// The fault.
        fault: Fault,
    },
    /// The head of a response was handed to the network.
    HeadSent {
        /// Which request it answers.
        request: RequestId,
        /// The status code.
        status: u16,
        /// The catalogue in the body, or the one that a 304 confirms.
        serial: Option<Serial>,
        /// The ETag header as sent.
        etag: Option<String>,
        /// The length of the body to follow, in bytes.
        body: u64,
    },
    /// Half of a response's body was handed to the network.
    HalfSent {
        /// Which request it answers.
        request: RequestId,
        /// Bytes of the body so far.
        sent: u64,
    },
    /// A response was handed to the network whole.
    ResponseDone {
        /// Which request it answers.
        request: RequestId,
        /// Bytes of the body.
        sent: u64,
    },
    /// A response ended early.
    ResponseAborted {
        /// Which request it answers.
        request: RequestId,
        /// Bytes of the body so far; `None` where not even the head had been sent.
        sent: Option<u64>,
        /// Who ended it.
        by: AbortedBy,
    },
    /// The herd came to rest around a held response.
    HerdWaits {
        /// The request whose response is held.
        request: RequestId,
        /// Live clients that sleep in the kernel or have asked too, without the one that is held for.
        waiting: Vec<ClientId>,
        /// Clients of the wave that have ended.
        ended: u32,
        /// The harness gave up waiting for rest.
        gave_up: bool,
    },
    /// A change in the cache directory.
    File {
        /// What became of the file.
        change: Change,
        /// The path relative to the cache directory.
        path: String,
        /// What the client's description says that the file is.
        role: Role,
    },
    /// The published path was looked at and found changed.
    Published {
        /// What it held.
        sighting: Sighting,
        /// Its modification time, in milliseconds after the Unix epoch.
        modified_ms: Option<i64>,
        /// Its permission bits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mode: Option<u32>,
    },
    /// A client made a system call on the cache directory or the network, and the tracer saw what came of it.
    /// Only where the run is traced.
    Call(Call),
    /// A client waits for a lock: its call sleeps in the kernel, or was refused because the lock is taken.
    /// Only where the run is traced.
    LockWaited {
        /// Which.
        client: ClientId,
        /// The lock, relative to the cache directory.
        path: String,
    },
    /// Closing a file failed by an injection, and what had been written to it and not synced was lost, as it is where
    /// the system writes behind. Only where the run is traced.
    Lost {
        /// Whose call it was.
        client: ClientId,
        /// The file, relative to the cache directory.
        path: String,
        /// How many bytes.
        bytes: u64,
    },
    /// An injection fired.
    Injected {
        /// Its index in the scenario's list, from 0; `None` for an action between waves.
        injection: Option<u32>,
        /// What was done.
        action: Action,
        /// Whom it was done to.
        targets: Vec<ClientId>,
        /// The event that fired it, as an index into the record.
        because: Option<u32>,
        /// What came of it.
        effect: Effect,
    },
    /// The faults have ended: what they took away was given back, and the probes follow.
    Healed,
    /// What lies in the cache directory now that every process has ended.
    Residue {
        /// Every file, with what the client's description says that it is.
        files: Vec<(String, Role)>,
        /// Files of each role.
        counts: BTreeMap<Role, u32>,
    },
    /// The harness stopped before the scenario's end: its own deadline, or Ctrl-C.
    Interrupted {
        /// Why.
        why: String,
    },
    /// Changes on disk were lost: more came than the system keeps.
    WatchLost,
    /// Something that a reader of the record should know, and that no invariant uses.
    Note {
        /// The sentence.
        text: String,
    },
}

impl What {
    /// The start of a process of the client under test that is told nothing to publish, and is no session.
    pub fn spawned(client: ClientId, pid: u32, part: Part, command: String) -> Self {
        Self::Spawned { client, pid, part, command, with: None, publishes: None, session: None }
    }
}

/// Why a process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// It fills the cache before the first wave.
    Setup,
    /// It belongs to a wave.
    Wave(u32),
    /// It runs after the faults have ended, on the cache as they left it.
    ProbeNow,
    /// It runs after the faults have ended and the cache was aged past its TTL.
    ProbeNextWindow,
}

/// A request as it arrived.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Its number among all requests, in order of arrival.
    pub request: RequestId,
    /// Its number among the fetches (`GET /v2/providers`), which triggers count; `None` for others.
    pub fetch: Option<u32>,
    /// The sender, told by the base URL that each process got; `None` for a stranger.
    pub client: Option<ClientId>,
    /// `GET`, `HEAD` ...
    pub method: String,
    /// The path without the client's own prefix.
    pub path: String,
    /// The `If-None-Match` header as received.
    pub if_none_match: Option<String>,
}

/// Who ended a response early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AbortedBy {
    /// The client closed the connection or died.
    Client,
    /// An injection.
    Injection,
    /// The end of the scenario.
    Harness,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It appeared.
    Created,
    /// It was closed after having been open for writing.
    Written,
    /// It got its name by a rename, from this name where that one was inside the directory.
    Renamed {
        /// The old name, relative to the cache directory.
        from: Option<String>,
    },
    /// It was removed.
    Removed,
    /// Its times or permissions changed.
    Touched,
}

/// What the client's description says that a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The file that all processes read.
    Published,
    /// A lock.
    Lock,
    /// A temporary.
    Temp,
    /// A file that belongs to the published one.
    Sidecar,
    /// None of these.
    Other,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Published => "published",
            Self::Lock => "lock",
            Self::Temp => "temp",
            Self::Sidecar => "sidecar",
            Self::Other => "other",
        })
    }
}

/// What came of an injection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It took effect.
    Landed,
    /// It came too late or could not be done, for this reason.
    Missed(String),
}
