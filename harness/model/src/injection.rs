//! What goes wrong in a scenario: triggers, targets and actions.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::call::CallName;
use crate::disk::{Chmod, Plant};
use crate::errno::Errno;
use crate::fault::Fault;
use crate::units::{ByteSize, Signal, Span};

/// Something that is made to happen when something else was observed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Injection {
    /// The event that fires it.
    pub on: Trigger,
    /// Fires on the n-th such event instead of the first; for triggers that name a path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u32>,
    /// Counts the events from the start of each wave, and so fires once in every wave.
    #[serde(default, skip_serializing_if = "is_false")]
    pub each_wave: bool,
    /// Fires on so many such events in a row instead of one, the first being the one that is awaited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// Whom it hits; by default the process behind the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// What is done.
    #[serde(rename = "do")]
    pub action: Action,
    /// The scenario proves something even where this never fires; without it that is `vacuous`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub optional: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// A system call of a client, seen by the tracer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OnCall {
    /// The call, by the name of its family: `open`, `rename`, `flock` ...
    pub call: CallName,
    /// What it must be about: `published`, `lock`, `temp`, `sidecar`, several of them as in `published|temp`,
    /// or a glob relative to the cache directory; any file of the cache directory, or any peer, where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Before the call takes effect, or after.
    #[serde(default)]
    pub phase: Phase,
    /// Only where a process of this command makes it, as the waves name it: `update`, `rollback` ... Any where
    /// absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// On which side of a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// It has not been made: a process that is killed there never makes it.
    #[default]
    Before,
    /// It has returned in the kernel, and the process has not learned what.
    After,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Before => "before",
            Self::After => "after",
        })
    }
}

/// An observed event. Never a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// Before the first wave, after the cache was brought into its initial state.
    Begin,
    /// The n-th request for the catalogue arrived; nothing of the answer has been sent.
    Request(u32),
    /// The head of the n-th response was sent; nothing of its body has been.
    HeadSent(u32),
    /// Half of the n-th response's body was sent.
    HalfSent(u32),
    /// The n-th response was sent whole.
    ResponseDone(u32),
    /// A file appeared: `published`, `lock`, `temp`, several as in `published|temp`, or a glob relative to the
    /// cache directory.
    Created(String),
    /// A file that was open for writing was closed.
    Written(String),
    /// A file got its name by a rename.
    Renamed(String),
    /// A file was removed.
    Removed(String),
    /// The n-th process was let go.
    Started(u32),
    /// The n-th process ended.
    Exited(u32),
    /// Every process of the n-th wave has ended; the next wave waits until the action is done.
    AllExited(u32),
    /// The herd came to rest around a held response, for the n-th time (`answer = "when-herd-waits"`).
    HerdWaits(u32),
    /// One client makes a system call for the n-th time (`nth`), counted for each client by itself: the first
    /// that comes so far fires it. Needs the tracer, and so Linux on x86-64.
    Syscall(OnCall),
    /// The n-th client waits for a lock: its call sleeps, or was refused because the lock is taken. Each
    /// client counts once. Needs the tracer.
    LockWaited(u32),
}

impl Trigger {
    /// Whether it takes the tracer to see the event.
    pub fn needs_tracer(&self) -> bool {
        matches!(self, Self::Syscall(_) | Self::LockWaited(_))
    }

    /// Whether it is a step of a request or response.
    pub fn is_about_response(&self) -> bool {
        matches!(
            self,
            Self::Request(_) | Self::HeadSent(_) | Self::HalfSent(_) | Self::ResponseDone(_)
        )
    }

    /// Whether one process is behind the event.
    pub fn has_process(&self) -> bool {
        self.is_about_response()
            || matches!(self, Self::Exited(_) | Self::Syscall(_) | Self::LockWaited(_))
    }
}

/// As sentences use it: `request 2 arrives`.
impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begin => f.write_str("the scenario begins"),
            Self::Request(n) => write!(f, "request {n} arrives"),
            Self::HeadSent(n) => write!(f, "the head of response {n} is sent"),
            Self::HalfSent(n) => write!(f, "half of response {n} is sent"),
            Self::ResponseDone(n) => write!(f, "response {n} is sent whole"),
            Self::Created(path) => write!(f, "{path} is created"),
            Self::Written(path) => write!(f, "{path} is written"),
            Self::Renamed(path) => write!(f, "{path} is renamed into place"),
            Self::Removed(path) => write!(f, "{path} is removed"),
            Self::Started(n) => write!(f, "process {n} is let go"),
            Self::Exited(n) => write!(f, "{n} processes have ended"),
            Self::AllExited(n) => write!(f, "wave {n} has ended"),
            Self::HerdWaits(n) => write!(f, "the herd comes to rest for the time {n}"),
            Self::Syscall(on) => {
                write!(f, "{} {}", on.phase, on.call)?;
                on.path.as_ref().map_or(Ok(()), |path| write!(f, " of {path}"))
            }
            Self::LockWaited(n) => write!(f, "client {n} waits for a lock"),
        }
    }
}

/// Whom an injection hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// The client whose request is the latest that has not ended, else the latest of all.
    Fetcher,
    /// The live client that holds the lock: as the system tells of advisory locks, as the lock file tells of
    /// others.
    Holder,
    /// The live client with the lowest number that has sent no request in this wave.
    Waiter,
    /// The n-th client of the scenario, counted from 1.
    Client(u32),
    /// Every live client.
    Everyone,
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Send a signal to the process alone; its children live on.
    Kill(Signal),
    /// Send a signal to the whole process group.
    KillGroup(Signal),
    /// Send a signal to the process that makes the call, alone: what else its client consists of lives on. Only for
    /// `on = { syscall = ... }`.
    KillAlone(Signal),
    /// Suspend the process group (SIGSTOP).
    Stop,
    /// Wake a suspended process group (SIGCONT).
    Continue,
    /// Start one more process of the client under test in the wave that is running, with this command. Only for
    /// triggers within a wave.
    Run(String),
    /// Start so many processes at once that end at once, beside the clients: a machine that is busy
    /// starting and burying.
    ForkStorm(u32),
    /// Hold this response for a time before its next byte, or this call before it is made. Only for triggers of
    /// a request, a response or a system call.
    Delay(Span),
    /// The call fails with this error and is not made. Only before a call: `on = { syscall = ... }`.
    Errno(Errno),
    /// The call transfers no more than so many bytes. Only before a call that reads or writes.
    Short(ByteSize),
    /// The process stands still at its call until this happens. Only for `on = { syscall = ... }`.
    HoldUntil(Box<Trigger>),
    /// Never send the rest of this response. Only for triggers of a request or response.
    Stall,
    /// Answer this request with a status and a short error body. Only for `on = { request = n }`.
    Answer(u16),
    /// Break the connection here with a reset. Only for triggers of a request or response.
    Reset,
    /// A fault of the network. On a trigger of a request it hits the answer to that request; on any
    /// other, and where it acts on connections, it stands from now on until `mend`: for the target if
    /// there is one or the trigger has a process, else for every client.
    Fault(Fault),
    /// End every fault that stands, and open what refused.
    Mend,
    /// Catwalk refuses every connection from now on, and drops the open ones.
    CatwalkDown,
    /// Catwalk accepts connections again.
    CatwalkUp,
    /// Put a file into the cache directory, over what is there.
    Plant(Plant),
    /// Remove the files of this role or glob.
    Remove(String),
    /// From now on Catwalk serves the next catalogue.
    Bump,
    /// Make the cache older by its TTL and a second, so that its window ends without waiting.
    Age,
    /// Make the cache older by so much: to just before its edge, or from there to just after it.
    AgeBy(Span),
    /// Make the cache older than what the client promises to serve when the server is away, by a second.
    AgePastBound,
    /// As after a clock that was set back by so much: every file of the cache is dated so much later. The
    /// clock itself stays as it is, since no process has one of its own (`CLOCK_REALTIME` is in no namespace).
    ClockBack(Span),
    /// As on a file system with coarse times: the files of the cache are dated back to a whole multiple
    /// of this, such as `"1s"` or `"2s"` (FAT).
    CoarseTimes(Span),
    /// Take the write permission from the cache directory; a disk of its own (`[disk]`) is made read-only
    /// as a whole. Permissions bind nobody who is root: see `under.user`.
    ReadOnly,
    /// Give the write permission back.
    Writable,
    /// Change the permission bits of files.
    Chmod(Chmod),
    /// Remove everything in the cache directory, folders included.
    Wipe,
    /// Use up the space of the cache's own disk (`[disk]`) until no more than this is left: `"0B"` stops every
    /// write, half a catalogue stops one in its middle.
    Fill(ByteSize),
    /// Give the space back.
    Free,
    /// Kill a service of the client's: until it is brought up, connections to it are refused, and what it
    /// kept in memory is lost.
    ServiceDown(String),
    /// Suspend a service of the client's: the system takes connections to it, and nobody answers.
    ServiceHang(String),
    /// Let a service answer again: it goes on where it was suspended, or is started anew.
    ServiceUp(String),
}

impl Action {
    /// Whether the action acts on the response whose progress fired it.
    pub fn is_about_response(&self) -> bool {
        matches!(self, Self::Delay(_) | Self::Stall | Self::Answer(_) | Self::Reset)
    }

    /// Whether the action acts on the system call that fired it.
    pub fn is_about_call(&self) -> bool {
        matches!(self, Self::Errno(_) | Self::Short(_) | Self::HoldUntil(_) | Self::KillAlone(_))
    }

    /// Whether the action acts on a process, and so needs a target.
    pub fn is_about_process(&self) -> bool {
        matches!(self, Self::Kill(_) | Self::KillGroup(_) | Self::Stop | Self::Continue)
    }

    /// Whether the action acts on a service, and so needs a client that describes one.
    pub fn is_about_service(&self) -> bool {
        matches!(self, Self::ServiceDown(_) | Self::ServiceHang(_) | Self::ServiceUp(_))
    }

    /// Whether the action makes the cache older.
    pub fn makes_older(&self) -> bool {
        matches!(self, Self::Age | Self::AgeBy(_) | Self::AgePastBound)
    }

    /// Whether the action may be aimed at one client.
    pub fn takes_target(&self) -> bool {
        self.is_about_process() || matches!(self, Self::Fault(_))
    }

    /// Whether the action is a fault, rather than a step of the plot such as ageing the cache.
    pub fn is_fault(&self) -> bool {
        !matches!(
            self,
            Self::Bump
                | Self::Run(_)
                | Self::Age
                | Self::AgeBy(_)
                | Self::AgePastBound
                | Self::Free
                | Self::CatwalkUp
                | Self::Mend
                | Self::Writable
                | Self::Continue
                | Self::ServiceUp(_)
        )
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(signal) => write!(f, "{signal} to the process"),
            Self::KillGroup(signal) => write!(f, "{signal} to the process group"),
            Self::KillAlone(signal) => write!(f, "{signal} to the calling process alone"),
            Self::Stop => f.write_str("stop the process"),
            Self::Continue => f.write_str("continue the process"),
            Self::Run(command) => write!(f, "start one more process, with the command {command}"),
            Self::ForkStorm(count) => write!(f, "start a storm of {count} processes"),
            Self::Delay(span) => write!(f, "delay the next step by {span}"),
            Self::Errno(errno) => write!(f, "fail the call with {errno}"),
            Self::Short(bytes) => write!(f, "let the call transfer {bytes} at most"),
            Self::HoldUntil(trigger) => write!(f, "hold the process until {trigger}"),
            Self::Stall => f.write_str("stall the response for ever"),
            Self::Answer(status) => write!(f, "answer with status {status}"),
            Self::Reset => f.write_str("reset the connection"),
            Self::Fault(fault) => write!(f, "the network fault {fault}"),
            Self::Mend => f.write_str("mend the network"),
            Self::CatwalkDown => f.write_str("take Catwalk down"),
            Self::CatwalkUp => f.write_str("bring Catwalk up"),
            Self::Plant(plant) => write!(f, "plant {} as {}", plant.content, plant.path),
            Self::Remove(path) => write!(f, "remove {path}"),
            Self::Bump => f.write_str("bump the catalogue"),
            Self::Age => f.write_str("age the cache past its TTL"),
            Self::AgeBy(span) => write!(f, "age the cache by {span}"),
            Self::AgePastBound => f.write_str("age the cache past all that may be served stale"),
            Self::ClockBack(span) => {
                write!(f, "date the cache as after a clock set back by {span}")
            }
            Self::CoarseTimes(span) => write!(f, "date the cache in whole multiples of {span}"),
            Self::Chmod(chmod) => write!(f, "give {} the mode {:03o}", chmod.path, chmod.mode),
            Self::Wipe => f.write_str("remove everything in the cache directory"),
            Self::Fill(left) => write!(f, "fill the disk but for {left}"),
            Self::Free => f.write_str("free the disk"),
            Self::ReadOnly => f.write_str("make the cache directory read-only"),
            Self::Writable => f.write_str("make the cache directory writable"),
            Self::ServiceDown(name) => write!(f, "kill the service {name}"),
            Self::ServiceHang(name) => write!(f, "suspend the service {name}"),
            Self::ServiceUp(name) => write!(f, "bring up the service {name}"),
        }
    }
}
