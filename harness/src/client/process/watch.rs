//! A process from its release to its end: its streams, its deadline, what it leaves in its group.
#![allow(unsafe_code)]

use std::io;
use std::time::{Duration, Instant};

use tokio::net::unix::pipe;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::child::{self, Child};
use super::output::{Captured, Stream};
use super::session::{Answer, Asker, Conversation};
use super::{Gate, Held, Scope, group, send};
use crate::client::family;
use crate::client::guardian::Guarded;
use crate::model::units::ClientId;

/// How long a group may take to empty itself after its leader has ended, before what is left counts as
/// left behind. A tolerance for helpers that are on their way out, not a trigger.
const EMPTYING: Duration = Duration::from_millis(500);

/// How long the streams of an ended process are read on where a stray holds them open.
pub(super) const DRAINING: Duration = Duration::from_millis(200);

/// What a watched process tells the engine.
#[derive(Debug)]
pub enum Notice {
    /// It was let go, or could not be, which means that it had ended at the barrier.
    Released {
        /// Which.
        client: ClientId,
        /// When its own time began.
        at: io::Result<Instant>,
    },
    /// It outlived its deadline; its group was sent SIGKILL.
    Overdue {
        /// Which.
        client: ClientId,
        /// When.
        at: Instant,
        /// As of [`Ended::delayed`], with its children's threads.
        delayed: Option<Duration>,
    },
    /// It ended.
    Ended(Box<Ended>),
    /// A session has answered.
    Answered(Box<Answer>),
    /// A session has said something that is no answer.
    Garbled {
        /// Which.
        client: ClientId,
        /// When.
        at: Instant,
        /// What, and what it should have been.
        problem: String,
    },
    /// It ended, and how could not be learned.
    Lost {
        /// Which.
        client: ClientId,
        /// When.
        at: Instant,
        /// What the system said.
        error: String,
    },
}

/// The end of a process.
#[derive(Debug)]
pub struct Ended {
    /// Which.
    pub client: ClientId,
    /// When the process itself ended.
    pub at: Instant,
    /// The exit code, or the signal.
    pub status: Result<i32, i32>,
    /// CPU time in user mode.
    pub user: Duration,
    /// CPU time in the kernel.
    pub system: Duration,
    /// The largest resident set, in KiB.
    pub max_rss_kib: u64,
    /// For how long its threads were at most ready to run and had no processor.
    pub delayed: Option<Duration>,
    /// Standard output.
    pub stdout: Captured,
    /// Standard error.
    pub stderr: Captured,
    /// Others of its group that outlived it; they were killed.
    pub left_behind: Vec<u32>,
}

/// A process with everything in place to watch it, so that letting it go takes one call. Dropping it
/// kills and reaps it.
#[derive(Debug)]
pub struct Ready {
    /// Since when it runs, where it was at no barrier.
    runs_since: Option<Instant>,
    pub(super) child: Child,
    guarded: Guarded,
    pub(super) streams: Streams,
    pub(super) exit: exit::Exit,
}

#[derive(Debug)]
pub(super) struct Streams {
    /// Of a session.
    pub(super) stdin: Option<pipe::Sender>,
    pub(super) stdout: Stream,
    pub(super) stderr: Stream,
}

impl Held {
    /// Puts everything in place to watch the process. Must be called within a runtime.
    ///
    /// # Errors
    /// When the system refuses what watching needs, usually for want of descriptors.
    pub fn ready(self) -> io::Result<Ready> {
        let Self { at, runs, mut child, guarded } = self;
        let Some(child::Streams { stdin, stdout, stderr }) = child.streams.take() else {
            return Err(io::Error::other("the process has no pipes"));
        };
        let streams = Streams {
            stdin: stdin.map(pipe::Sender::from_owned_fd).transpose()?,
            stdout: Stream::new(stdout)?,
            stderr: Stream::new(stderr)?,
        };
        let exit = exit::Exit::new(child.pid())?;
        Ok(Ready { runs_since: runs.then_some(at), child, guarded, streams, exit })
    }
}

impl Ready {
    /// What letting the process go takes, which a thread may do that does not watch it.
    pub fn gate(&self) -> Gate {
        Gate { pid: self.child.pid(), runs_since: self.runs_since }
    }

    /// Watches the process to its end on a task of the current runtime, and tells `notices` about it.
    /// `deadline` counts from now; of a session, whose asker is returned, from each time that it is asked.
    pub fn watch(
        self,
        client: ClientId,
        deadline: Duration,
        notices: mpsc::UnboundedSender<Notice>,
    ) -> Option<Asker> {
        let (mut ready, mut asker) = (self, None);
        let conversation = ready.streams.stdin.take().map(|stdin| {
            let (asks, conversation) = Conversation::new(client, stdin, deadline);
            asker = Some(asks);
            conversation
        });
        tokio::spawn(async move {
            match conversation {
                Some(conversation) => conversation.hold(&mut ready, &notices).await,
                None => ready.until_exit(client, deadline, &notices).await,
            }
            let end = ready.end(client).await;
            // An engine that is gone has killed the group by other means.
            let _ = notices.send(end);
        });
        asker
    }

    async fn until_exit(
        &mut self,
        client: ClientId,
        deadline: Duration,
        notices: &mpsc::UnboundedSender<Notice>,
    ) {
        let Self { exit, streams, .. } = self;
        if timeout(deadline, until_exit(exit, streams)).await.is_err() {
            self.overdue(client, notices);
            let Self { exit, streams, .. } = self;
            until_exit(exit, streams).await;
        }
    }

    /// Tells that it has outlived its deadline, and kills its group.
    pub(super) fn overdue(&self, client: ClientId, notices: &mpsc::UnboundedSender<Notice>) {
        let pid = self.child.pid();
        let delayed = family::delayed(pid);
        // As of its end.
        let _ = notices.send(Notice::Overdue { client, at: Instant::now(), delayed });
        // The group can only be gone because it has just ended by itself.
        let _ = send(pid, libc::SIGKILL, Scope::Group);
    }

    /// Reaps the process, which has ended, and ends what it left in its group.
    async fn end(self, client: ClientId) -> Notice {
        let Self { child, guarded, streams, .. } = self;
        let (pid, traced) = (child.pid(), child.is_traced());
        let at = Instant::now();
        let delayed = family::delayed(pid);
        let reaped = child.reap();
        let left_behind =
            if group_empties(pid, traced).await { Vec::new() } else { group::members(pid) };
        if left_behind.is_empty() {
            guarded.release();
        } else {
            drop(guarded);
            // What was killed is not left to lie about as zombies either.
            group_empties(pid, traced).await;
        }
        let Streams { stdout, stderr, .. } = streams;
        let (stdout, stderr) = tokio::join!(stdout.finish(DRAINING), stderr.finish(DRAINING));
        match reaped {
            Err(error) => Notice::Lost { client, at, error: error.to_string() },
            Ok(end) => Notice::Ended(Box::new(Ended {
                client,
                at,
                status: end.status,
                user: end.user,
                system: end.system,
                max_rss_kib: end.max_rss_kib,
                delayed,
                stdout,
                stderr,
                left_behind,
            })),
        }
    }
}

/// Reads both streams until the process has ended. Cancel-safe.
async fn until_exit(exit: &mut exit::Exit, streams: &mut Streams) {
    let Streams { stdout, stderr, .. } = streams;
    let reading = async { tokio::join!(stdout.read_to_end(), stderr.read_to_end()) };
    tokio::select! {
        () = exit.wait() => {},
        _ = reading => exit.wait().await,
    }
}

/// Whether the group of the ended leader `pid` is empty, now or within [`EMPTYING`]. Where it is traced, its
/// members are the tracer's to reap, and asking for them here would take from it what it waits for.
async fn group_empties(pid: u32, traced: bool) -> bool {
    let since = Instant::now();
    loop {
        if !traced {
            group::reap_orphans(pid);
        }
        if send(pid, 0, Scope::Group).is_err() {
            return true;
        }
        if since.elapsed() > EMPTYING {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[cfg(target_os = "linux")]
pub(super) mod exit {
    use std::io;
    use std::os::fd::{FromRawFd, OwnedFd};

    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    /// The end of a process, as a descriptor that becomes readable.
    #[derive(Debug)]
    pub struct Exit(AsyncFd<OwnedFd>);

    impl Exit {
        pub fn new(pid: u32) -> io::Result<Self> {
            // SAFETY: pidfd_open takes no pointers and returns a new descriptor that nothing else owns.
            let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
            let fd = i32::try_from(fd).map_err(io::Error::other)?;
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: as above.
            let fd = unsafe { OwnedFd::from_raw_fd(fd) };
            // SAFETY: the descriptor is moved in, stays open and stays the same for the value's life.
            let fd = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) };
            fd.map(Self).map_err(io::Error::from)
        }

        /// Returns when the process has ended. It is a zombie then, and not reaped.
        pub async fn wait(&mut self) {
            // An error here means that the runtime is shutting down, and the run with it.
            if let Ok(mut ready) = self.0.readable().await {
                ready.retain_ready();
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) mod exit {
    use std::io;

    use tokio::sync::oneshot;

    /// The end of a process, told by a thread that waits for it.
    #[derive(Debug)]
    pub struct Exit(Option<oneshot::Receiver<()>>);

    impl Exit {
        pub fn new(pid: u32) -> io::Result<Self> {
            let (ended, receiver) = oneshot::channel();
            std::thread::Builder::new().name(format!("wait-{pid}")).spawn(move || {
                // SAFETY: siginfo_t is a plain C structure, and a valid place for one is passed.
                unsafe {
                    let mut info: libc::siginfo_t = std::mem::zeroed();
                    libc::waitid(libc::P_PID, pid, &raw mut info, libc::WEXITED | libc::WNOWAIT);
                }
                let _ = ended.send(());
            })?;
            Ok(Self(Some(receiver)))
        }

        /// Returns when the process has ended. It is a zombie then, and not reaped.
        pub async fn wait(&mut self) {
            if let Some(receiver) = self.0.as_mut() {
                let _ = receiver.await;
                self.0 = None;
            }
        }
    }
}
