//! The cache directory is watched, and the published file is looked at whenever it changes.
//!
//! What is seen is evidence, never proof of absence: changes may coalesce, and who made them is not
//! told. A thread of its own does the watching, so that a look follows a change within microseconds
//! whatever the engine is doing.

mod eye;
#[cfg(target_os = "linux")]
mod inotify;
mod polling;
#[cfg(test)]
mod tests;

use std::io::{self, PipeReader, PipeWriter};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::mpsc;

use crate::model::record::{Change, Role, Sighting};
use crate::record::roles::Roles;

pub use eye::{FileId, Found, Planted, found_below};

/// Tells what bytes are; see [`crate::catwalk`].
pub type Identify = Arc<dyn Fn(&[u8]) -> Sighting + Send + Sync>;

/// What the watcher saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileNotice {
    /// A file changed.
    Changed {
        /// When it was seen.
        at: Instant,
        /// How.
        change: Change,
        /// Where, relative to the cache directory.
        path: PathBuf,
        /// What it is.
        role: Role,
    },
    /// The published file was looked at, and is not what it was.
    Published {
        /// When it was seen.
        at: Instant,
        /// What it holds.
        sighting: Sighting,
        /// Its modification time, in milliseconds after the Unix epoch.
        modified_ms: Option<i64>,
        /// Its permission bits.
        mode: Option<u32>,
    },
    /// Changes were lost: more came than the system keeps.
    Overflow,
    /// The harness itself lacked what looking takes, such as a descriptor.
    Blind {
        /// When.
        at: Instant,
        /// What the system said.
        error: String,
    },
}

/// What is watched.
pub struct Watched {
    /// The cache directory. It must exist.
    pub dir: PathBuf,
    /// What the files are.
    pub roles: Roles,
    /// What bytes are.
    pub identify: Identify,
    /// The files that the harness itself has planted.
    pub planted: Planted,
}

/// What the thread and the engine do with whatever sees changes, one at a time.
trait Watch: Send {
    /// Tells what has changed since the last call, and looks at the published file if that did.
    fn look(&mut self);

    /// The same, but looks at the published file in any case.
    fn look_at_all(&mut self);
}

/// The watch; dropping it ends its thread.
pub struct Watcher {
    watch: Arc<Mutex<dyn Watch>>,
    _stop: PipeWriter,
}

impl Watcher {
    /// Starts to watch, and to tell `notices`.
    ///
    /// # Errors
    /// When the directory cannot be watched, with the system's reason.
    pub fn start(watched: Watched, notices: mpsc::UnboundedSender<FileNotice>) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        // Too many users of inotify on this machine: looking again and again sees less, not wrong.
        if let Ok(queue) = inotify::Queue::new(&watched.dir) {
            return Self::by_inotify(queue, watched, notices);
        }
        Self::by_polling(watched, notices)
    }

    /// A watch without a thread of its own, for a run in which a tracer knows when to look: whenever
    /// something may have changed, and while nothing can change. What it tells is no sample, but all.
    ///
    /// # Errors
    /// When the directory cannot be watched, with the system's reason.
    pub fn led(watched: Watched, notices: mpsc::UnboundedSender<FileNotice>) -> io::Result<Self> {
        let watch = Self::without_thread(watched, notices)?;
        let (_, stop) = io::pipe()?;
        Ok(Self { watch, _stop: stop })
    }

    #[cfg(target_os = "linux")]
    fn without_thread(
        watched: Watched,
        notices: mpsc::UnboundedSender<FileNotice>,
    ) -> io::Result<Arc<Mutex<dyn Watch>>> {
        // As in [`Self::start`].
        match inotify::Queue::new(&watched.dir) {
            Ok(queue) => Ok(Arc::new(Mutex::new(inotify::Inotify::new(queue, watched, notices)))),
            Err(_) => Ok(Arc::new(Mutex::new(polling::Polling::new(watched, notices)))),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn without_thread(
        watched: Watched,
        notices: mpsc::UnboundedSender<FileNotice>,
    ) -> io::Result<Arc<Mutex<dyn Watch>>> {
        Ok(Arc::new(Mutex::new(polling::Polling::new(watched, notices))))
    }

    /// What whoever leads the watch calls when there may be something to see. The published file is looked at each
    /// time: its bytes can change under another name, of which no event of its own tells.
    pub fn look(&self) -> Box<dyn FnMut() + Send> {
        let watch = Arc::clone(&self.watch);
        Box::new(move || lock(&*watch).look_at_all())
    }

    #[cfg(target_os = "linux")]
    fn by_inotify(
        queue: inotify::Queue,
        watched: Watched,
        notices: mpsc::UnboundedSender<FileNotice>,
    ) -> io::Result<Self> {
        let changes = queue.descriptor();
        let watch = Arc::new(Mutex::new(inotify::Inotify::new(queue, watched, notices)));
        Self::with(watch, move |watch, stopped| inotify::run(watch, &changes, stopped))
    }

    fn by_polling(
        watched: Watched,
        notices: mpsc::UnboundedSender<FileNotice>,
    ) -> io::Result<Self> {
        Self::with(Arc::new(Mutex::new(polling::Polling::new(watched, notices))), polling::run)
    }

    fn with<W: Watch + 'static>(
        watch: Arc<Mutex<W>>,
        run: impl FnOnce(&Mutex<W>, &PipeReader) + Send + 'static,
    ) -> io::Result<Self> {
        let (stopped, stop) = io::pipe()?;
        let shared = Arc::clone(&watch);
        let builder = std::thread::Builder::new().name("cache-watch".into());
        builder.spawn(move || run(&shared, &stopped))?;
        Ok(Self { watch, _stop: stop })
    }

    /// Tells everything that had changed before the call.
    pub fn sync(&self) {
        lock(&*self.watch).look_at_all();
    }
}

fn lock<W: ?Sized>(watch: &Mutex<W>) -> MutexGuard<'_, W> {
    // A watch that has panicked has told what it could, and its panic was printed.
    watch.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `path` relative to `dir`, where it is below it.
fn relative(dir: &Path, path: &Path) -> Option<PathBuf> {
    path.strip_prefix(dir).ok().map(Path::to_path_buf)
}
