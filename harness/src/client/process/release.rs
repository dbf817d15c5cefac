//! Processes at the barrier are let go: a few by the caller, a large herd from threads of its own.
//!
//! A process that was let go wants the processor at once, and a thread that wakes hundreds of them is
//! soon put behind them. So no thread wakes more than [`BATCH`], and a caller with more than that to
//! wake goes on with its own work meanwhile: whoever is let go first may already be asking for an answer.

use std::io;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread;
use std::time::Instant;

use super::{Scope, send};

/// How many processes one thread lets go.
const BATCH: usize = 128;

/// What letting one process go takes.
#[derive(Debug, Clone, Copy)]
pub struct Gate {
    /// Its process id.
    pub(super) pid: u32,
    /// Since when it runs, where it was at no barrier.
    pub(super) runs_since: Option<Instant>,
}

impl Gate {
    /// Lets the process go, and tells when its own time began.
    ///
    /// # Errors
    /// When the system refuses the signal, which means that the process is no more.
    fn open(self) -> io::Result<Instant> {
        if let Some(since) = self.runs_since {
            return Ok(since);
        }
        let at = Instant::now();
        send(self.pid, libc::SIGCONT, Scope::Process).map(|()| at)
    }
}

/// Lets processes go, as close together as can be, and tells of each when its own time began. `tell` is
/// called from other threads too, and after this has returned.
pub fn release<K, F>(mut gates: Vec<(K, Gate)>, tell: F)
where
    K: Send + 'static,
    F: Fn(K, io::Result<Instant>) + Clone + Send + 'static,
{
    if gates.len() <= BATCH {
        return open_all(gates, &tell);
    }
    let mut batches = Vec::new();
    while !gates.is_empty() {
        let rest = gates.split_off(gates.len().min(BATCH));
        batches.push(std::mem::replace(&mut gates, rest));
    }
    let threads = batches.len();
    let queue = Arc::new(Mutex::new(batches));
    let barrier = Arc::new(RwLock::new(()));
    // Held until every thread stands behind it, so that they begin together.
    let closed = barrier.write();
    let spawned = (0..threads).filter(|_| {
        let (barrier, queue, tell) = (Arc::clone(&barrier), Arc::clone(&queue), tell.clone());
        let work = move || {
            drop(barrier.read());
            drain(&queue, &tell);
        };
        thread::Builder::new().name("release".to_owned()).spawn(work).is_ok()
    });
    let spawned = spawned.count();
    drop(closed);
    if spawned == 0 {
        drain(&queue, &tell);
    }
}

fn drain<K, F: Fn(K, io::Result<Instant>)>(queue: &Mutex<Vec<Vec<(K, Gate)>>>, tell: &F) {
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
    while let Some(batch) = next() {
        open_all(batch, tell);
    }
}

fn open_all<K, F: Fn(K, io::Result<Instant>)>(gates: Vec<(K, Gate)>, tell: &F) {
    // All are let go before any is told of, so that the last follows the first as soon as can be.
    let opened: Vec<_> = gates.into_iter().map(|(key, gate)| (key, gate.open())).collect();
    for (key, opened) in opened {
        tell(key, opened);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_large_herd_is_let_go_whole_and_each_of_it_once() {
        let since = Instant::now();
        for count in [1, BATCH, BATCH + 1, 10 * BATCH + 7] {
            let gates = (0..count).map(|key| (key, Gate { pid: 0, runs_since: Some(since) }));
            let (tell, told) = channel();
            release(gates.collect(), move |key, at| {
                assert_eq!(at.unwrap(), since);
                tell.send(key).unwrap();
            });
            // The channel ends when the last thread has let go of it.
            let mut keys: Vec<usize> = told.into_iter().collect();
            keys.sort_unstable();
            assert_eq!(keys, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_process_that_is_no_more_is_told_of() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let (tell, told) = channel();
        let gate = Gate { pid: child.id(), runs_since: None };
        release(vec![((), gate)], move |(), at| tell.send(at.is_err()).unwrap());
        assert!(told.recv().unwrap());
    }
}
