//! A tracer on a thread of its own, and how the rest of the harness speaks with it.

use std::io;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use tokio::sync::mpsc::UnboundedSender;

use super::sys::bell::Bell;
use super::world::World;
use crate::client::prepare::Invocation;
use crate::client::process::{Child, Held};
use crate::model::units::ClientId;
use crate::trace::terms::{Attention, Decision, Heard, Settings};

/// What the thread is asked to do.
pub(super) enum Command {
    Launch {
        client: ClientId,
        invocation: Box<Invocation>,
        attention: Attention,
        started: mpsc::SyncSender<io::Result<Child>>,
    },
    Answer {
        tid: i32,
        decision: Decision,
    },
    CanCut {
        tid: i32,
        bytes: u64,
        can: mpsc::SyncSender<bool>,
    },
    Settle {
        settled: mpsc::SyncSender<()>,
    },
    Quit,
}

/// A running tracer. Dropping it kills whatever it traces.
#[derive(Debug)]
pub struct Tracer {
    commands: mpsc::Sender<Command>,
    bell: Arc<Bell>,
    thread: Option<JoinHandle<()>>,
}

impl Tracer {
    /// Starts a tracer that tells `heard`.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(settings: Settings, heard: UnboundedSender<Heard>) -> io::Result<Self> {
        let (commands, asked) = mpsc::channel();
        let (ready, bell) = mpsc::sync_channel(1);
        let thread = thread::Builder::new().name("tracer".into()).spawn(move || {
            let _place = super::sys::core::take_one();
            let bell = Arc::new(Bell::of_this_thread());
            // Nobody waits for the bell only where the starting thread is gone.
            let _ = ready.send(Arc::clone(&bell));
            World::new(settings, heard).run(&asked, &bell);
        })?;
        let bell = bell.recv().map_err(|_| io::Error::other("the tracer's thread has ended"))?;
        Ok(Self { commands, bell, thread: Some(thread) })
    }

    /// Starts a process in a group of its own, which stands before its first instruction until SIGCONT lets
    /// it go, and stops at the calls that are attended to. The thread of the tracer is its parent, and outlives it.
    ///
    /// # Errors
    /// What the system says when it refuses.
    pub fn launch(
        &self,
        client: ClientId,
        invocation: Invocation,
        attention: Attention,
    ) -> io::Result<Held> {
        let (started, launched) = mpsc::sync_channel(1);
        self.tell(Command::Launch { client, invocation: Box::new(invocation), attention, started });
        let gone = |_| io::Error::other("the tracer's thread has ended");
        // Put under guard here: a guardian that the tracer started would be a process of the tracer's.
        Held::traced(launched.recv().map_err(gone)??)
    }

    /// Says how a thread goes on that stands at a gate. One that is no more needs no answer.
    pub fn answer(&self, tid: u32, decision: Decision) {
        if let Ok(tid) = i32::try_from(tid) {
            self.tell(Command::Answer { tid, decision });
        }
    }

    /// Whether the call before which a thread stands would transfer fewer bytes where it is told to transfer `bytes` at
    /// most: it asks for more than that, of bytes that may go in parts.
    pub fn can_cut(&self, tid: u32, bytes: u64) -> bool {
        let Ok(tid) = i32::try_from(tid) else { return false };
        let (can, answer) = mpsc::sync_channel(1);
        self.tell(Command::CanCut { tid, bytes, can });
        // A thread that is gone cuts nothing.
        answer.recv().unwrap_or(false)
    }

    /// Returns when everything has been told that has come to the tracer by now: the ends, for one, of all
    /// processes that are no more.
    pub fn settle(&self) {
        let (settled, done) = mpsc::sync_channel(1);
        self.tell(Command::Settle { settled });
        // A thread that is gone has told all that it will.
        let _ = done.recv();
    }

    fn tell(&self, command: Command) {
        let gone = || self.thread.as_ref().is_none_or(JoinHandle::is_finished);
        self.bell.announce();
        if self.commands.send(command).is_ok() {
            self.bell.ring(&gone);
        } else {
            self.bell.answer();
        }
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        self.tell(Command::Quit);
        // A panic of the thread has been printed, and is no reason for a second one here.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
