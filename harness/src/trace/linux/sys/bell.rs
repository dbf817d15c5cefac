//! A bell that wakes a thread which waits for its processes.
//!
//! `wait4` ends early when a signal comes, but a signal that comes just before it is lost. So whoever rings
//! goes on ringing until the thread has answered.
#![allow(unsafe_code)]

use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The time between two rings.
const AGAIN: Duration = Duration::from_micros(300);

/// How often the answer is looked for between two rings before whoever rings sleeps.
const LISTENS: u32 = 50;

/// The bell of one thread.
#[derive(Debug)]
pub struct Bell {
    thread: i32,
    /// How much lies there that the thread has not taken.
    waiting: AtomicUsize,
}

impl Bell {
    /// The bell of the calling thread.
    pub fn of_this_thread() -> Self {
        static HANDLER: Once = Once::new();
        HANDLER.call_once(|| {
            // SAFETY: the structure is plain C, valid when zeroed, and local; the handler does nothing, which
            // is safe at any time. Without SA_RESTART, waiting ends when the signal comes.
            unsafe {
                let mut action: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction = (nothing as extern "C" fn(i32)) as libc::sighandler_t;
                libc::sigaction(signal(), &raw const action, std::ptr::null_mut());
            }
        });
        // SAFETY: gettid takes no arguments.
        let thread = unsafe { libc::gettid() };
        Self { thread, waiting: AtomicUsize::new(0) }
    }

    /// Says that something is about to be put where the thread finds it. It may find it, and answer, before
    /// anybody rings.
    pub fn announce(&self) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
    }

    /// Rings until the thread has taken everything, or `gone` says that it never will.
    pub fn ring(&self, gone: &dyn Fn() -> bool) {
        while self.waiting.load(Ordering::SeqCst) > 0 && !gone() {
            // SAFETY: tgkill takes no pointers. The thread is one of this process, or no more.
            unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), self.thread, signal()) };
            // The answer mostly comes at once, and whoever rings has better things to do than to sleep.
            for _ in 0..LISTENS {
                if self.waiting.load(Ordering::SeqCst) == 0 {
                    return;
                }
                std::thread::yield_now();
            }
            std::thread::sleep(AGAIN);
        }
    }

    /// The thread has taken one thing.
    pub fn answer(&self) {
        self.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A signal that nobody else uses.
fn signal() -> i32 {
    libc::SIGRTMIN() + 7
}

extern "C" fn nothing(_: i32) {}
