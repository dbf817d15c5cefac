//! Ctrl-C and its like: the run stops, its processes are ended, and what was recorded is kept.

use std::io;
use std::process;
use std::sync::Arc;
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tokio::sync::watch;

/// The exit code of a program that a signal ends, as shells count it, without the signal's number.
const SIGNALLED: i32 = 128;

/// Whether the run is to stop. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Cancel(Arc<watch::Sender<bool>>);

impl Default for Cancel {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Cancel {
    /// Stops the run.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    /// Whether the run was stopped.
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Where an engine hears of it.
    pub fn subscribe(&self) -> watch::Receiver<bool> {
        self.0.subscribe()
    }

    /// Listens to SIGINT, SIGTERM and SIGHUP for the rest of this program's life. The first stops the
    /// run in order; the second ends the program at once, and the guardian ends the clients.
    ///
    /// # Errors
    /// When the system refuses a handler.
    pub fn on_signals(&self) -> io::Result<()> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        let cancel = self.clone();
        thread::Builder::new().name("signals".into()).spawn(move || {
            for signal in signals.forever() {
                if cancel.is_cancelled() {
                    process::exit(SIGNALLED + signal);
                }
                cancel.cancel();
            }
        })?;
        Ok(())
    }
}
