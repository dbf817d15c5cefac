//! A wave of processes started at once, over a few threads.
//!
//! A thread that starts a process sleeps until its `exec`, so one thread alone would leave all cores
//! but one idle. The kernel ties a process's death signal to the thread that started it, so the
//! threads live as long as the launcher.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, mpsc};
use std::thread::{self, JoinHandle};

use super::{Held, barrier, explain};
use crate::client::prepare::Invocation;
use crate::model::record::Barrier;

/// The most threads that start processes. More would only wait for one another in the kernel.
const THREADS_MAX: usize = 4;

/// A wave that is smaller is started by the calling thread alone.
const FEW: usize = 4;

/// What starts processes. It must outlive them: dropping it ends those that are left.
#[derive(Debug)]
pub struct Launcher {
    barrier: Barrier,
    helpers: Vec<Helper>,
}

#[derive(Debug)]
struct Helper {
    waves: mpsc::Sender<Arc<Wave>>,
    thread: Option<JoinHandle<()>>,
}

/// Processes to start, of which each thread takes the next.
#[derive(Debug)]
struct Wave {
    invocations: Vec<Invocation>,
    next: AtomicUsize,
    started: mpsc::Sender<(usize, Result<Held, String>)>,
}

impl Launcher {
    /// A launcher whose processes are held at `barrier`.
    pub fn new(barrier: Barrier) -> Self {
        Self { barrier, helpers: Vec::new() }
    }

    /// Where its processes are held.
    pub fn barrier(&self) -> Barrier {
        self.barrier
    }

    /// Starts a process for each invocation and returns them in the same order, all of them at the
    /// barrier. Each fails for itself, with the system's refusal explained.
    pub fn launch(&mut self, invocations: Vec<Invocation>) -> Vec<Result<Held, String>> {
        let count = invocations.len();
        if count > FEW && self.helpers.is_empty() {
            self.start_helpers();
        }
        let (started, results) = mpsc::channel();
        let wave = Arc::new(Wave { invocations, next: AtomicUsize::new(0), started });
        if count > FEW {
            for helper in &self.helpers {
                // A helper that is no more leaves its part to the others.
                let _ = helper.waves.send(Arc::clone(&wave));
            }
        }
        wave.start_some(self.barrier);
        drop(wave);
        let mut held: Vec<Option<Result<Held, String>>> = (0..count).map(|_| None).collect();
        for (index, result) in results {
            held[index] = Some(result);
        }
        let lost = || Err("a thread that starts processes has ended".to_owned());
        held.into_iter().map(|result| result.unwrap_or_else(lost)).collect()
    }

    fn start_helpers(&mut self) {
        // Asked once, because it takes a dozen files to tell.
        static CORES: LazyLock<usize> =
            LazyLock::new(|| thread::available_parallelism().map_or(1, usize::from));
        let barrier = self.barrier;
        for _ in 1..THREADS_MAX.min(*CORES) {
            let (waves, to_start) = mpsc::channel::<Arc<Wave>>();
            let work = move || to_start.iter().for_each(|wave| wave.start_some(barrier));
            // Where there is no thread to be had, there are fewer helpers.
            if let Ok(thread) = thread::Builder::new().name("launcher".into()).spawn(work) {
                self.helpers.push(Helper { waves, thread: Some(thread) });
            }
        }
    }
}

impl Wave {
    /// Starts processes until there is none left to start, and then sees that each is at the barrier:
    /// by then it has got there by itself.
    fn start_some(&self, barrier: Barrier) {
        let mut started = Vec::new();
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(invocation) = self.invocations.get(index) else { break };
            started.push((index, invocation, barrier::start(invocation, barrier)));
        }
        for (index, invocation, child) in started {
            let held = child.and_then(|child| Held::hold(child, barrier));
            let held = held.map_err(|error| explain(&error, &invocation.program));
            // Nobody hears of it only where the launching thread has panicked.
            let _ = self.started.send((index, held));
        }
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        for Helper { waves, thread } in self.helpers.drain(..) {
            drop(waves);
            // A panic of the thread has been printed, and is no reason for a second one here.
            let _ = thread.map(JoinHandle::join);
        }
    }
}
