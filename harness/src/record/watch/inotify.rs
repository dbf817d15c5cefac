//! The watch by inotify (inotify(7)): every change in the order in which it was made.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, PipeReader};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init};
use tokio::sync::mpsc::UnboundedSender;

use super::eye::{Eye, found_below};
use super::{FileNotice, Watch, Watched, lock, relative};
use crate::model::record::{Change, Role};

/// A queue of changes below a directory.
pub struct Queue {
    fd: Arc<Descriptor>,
    dir: PathBuf,
    folders: BTreeMap<i32, PathBuf>,
}

/// How many queues are being closed.
static CLOSING: AtomicUsize = AtomicUsize::new(0);
const CLOSING_MAX: usize = 32;

/// The descriptor of a queue.
pub struct Descriptor(Option<OwnedFd>);

impl AsFd for Descriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_ref().expect("it is taken by drop alone").as_fd()
    }
}

impl Drop for Descriptor {
    /// Closing takes the kernel ten milliseconds and more, in which it waits for all that may still look at a watch
    /// (`fsnotify_destroy_group`). Nobody else has to wait for that.
    fn drop(&mut self) {
        let Some(fd) = self.0.take() else { return };
        // A user may have so many queues and no more, of which those that are being closed are some.
        if CLOSING.fetch_add(1, Ordering::Relaxed) < CLOSING_MAX {
            let close = move || {
                drop(fd);
                CLOSING.fetch_sub(1, Ordering::Relaxed);
            };
            if std::thread::Builder::new().name("watch-closer".into()).spawn(close).is_ok() {
                return;
            }
            // Where there can be no thread, it was closed here.
        }
        CLOSING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A queue with what becomes of its changes.
pub struct Inotify {
    queue: Queue,
    watched: Watched,
    eye: Eye,
    notices: UnboundedSender<FileNotice>,
}

/// Watches until the other end of `stopped` is closed. `queue` is the descriptor of the queue.
pub fn run(inotify: &Mutex<Inotify>, queue: &Descriptor, stopped: &PipeReader) {
    loop {
        lock(inotify).look();
        let mut wait = [PollFd::new(queue, PollFlags::IN), PollFd::new(stopped, PollFlags::IN)];
        // A failed wait is a wait that was short: the queue is looked at again in any case.
        if poll(&mut wait, None).is_ok() && !wait[1].revents().is_empty() {
            return;
        }
    }
}

impl Watch for Inotify {
    fn look(&mut self) {
        if self.drain() {
            self.eye.look(&self.notices);
        }
    }

    fn look_at_all(&mut self) {
        self.drain();
        self.eye.look(&self.notices);
    }
}

impl Inotify {
    /// Tells what comes through `queue`.
    pub fn new(queue: Queue, watched: Watched, notices: UnboundedSender<FileNotice>) -> Self {
        Self { eye: Eye::of(&watched), queue, watched, notices }
    }

    /// Tells every change in the queue. Returns whether one of them concerns the published file.
    fn drain(&mut self) -> bool {
        let mut buffer = [MaybeUninit::uninit(); 16 << 10];
        let mut to_look = false;
        loop {
            let batch = self.queue.read_batch(&mut buffer);
            if batch.is_empty() {
                return to_look;
            }
            for (index, raw) in batch.iter().enumerate() {
                to_look |= self.tell(raw, batch.get(index + 1));
            }
        }
    }

    /// Tells one event of the queue. Returns whether the published file must be looked at.
    fn tell(&mut self, raw: &Raw, next: Option<&Raw>) -> bool {
        if raw.flags.contains(ReadFlags::QUEUE_OVERFLOW) {
            // The engine being gone ends the watch soon.
            let _ = self.notices.send(FileNotice::Overflow);
            return true;
        }
        let Some(path) = raw.path.clone() else { return false };
        if raw.flags.contains(ReadFlags::ISDIR) {
            if let Err(error) = self.folder_changed(raw, &path) {
                let blind = FileNotice::Blind { at: raw.at, error: error.to_string() };
                let _ = self.notices.send(blind);
            }
            return true;
        }
        let published = self.watched.roles.of(&path) == Role::Published;
        if published && raw.flags.intersects(ReadFlags::MODIFY | ReadFlags::CREATE) {
            // This look must follow the change at once: a write in place lasts microseconds.
            self.eye.look(&self.notices);
        }
        if let Some(change) = raw.change(next) {
            self.send(raw.at, change, path);
        }
        published
    }

    fn send(&self, at: Instant, change: Change, path: PathBuf) {
        let role = self.watched.roles.of(&path);
        // As above.
        let _ = self.notices.send(FileNotice::Changed { at, change, path, role });
    }

    /// A folder that appears is watched; what appeared in it before it was is told as created.
    fn folder_changed(&mut self, raw: &Raw, path: &Path) -> io::Result<()> {
        let folder = self.watched.dir.join(path);
        if raw.flags.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO) {
            // Lock directories (`mkdir` as a lock) are files to a reader of the record.
            self.send(raw.at, Change::Created, path.to_path_buf());
            match self.queue.add_folder(&folder) {
                // It has gone again already, which is told next.
                Err(error) if is_gone(&error) => return Ok(()),
                added => added?,
            }
            for found in found_below(&folder)? {
                self.send(raw.at, Change::Created, path.join(found.path));
            }
        } else if raw.flags.intersects(ReadFlags::DELETE | ReadFlags::MOVED_FROM) {
            self.send(raw.at, Change::Removed, path.to_path_buf());
        }
        Ok(())
    }
}

impl Queue {
    /// Opens a queue. Folders that exist or appear below `dir` are watched too.
    pub fn new(dir: &Path) -> io::Result<Self> {
        let fd = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let fd = Arc::new(Descriptor(Some(fd)));
        let mut queue = Self { fd, dir: dir.to_path_buf(), folders: BTreeMap::new() };
        queue.add_folder(dir)?;
        Ok(queue)
    }

    /// What becomes readable when there are changes.
    pub fn descriptor(&self) -> Arc<Descriptor> {
        Arc::clone(&self.fd)
    }

    /// One read of the queue, with names resolved to paths.
    fn read_batch(&self, buffer: &mut [MaybeUninit<u8>]) -> Vec<Raw> {
        let mut reader = Reader::new(self.fd.as_fd(), buffer);
        let mut batch: Vec<Raw> = Vec::new();
        while let Ok(event) = reader.next() {
            let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
            let path = match (self.folders.get(&event.wd()), name) {
                (Some(folder), Some(name)) => relative(&self.dir, &folder.join(name)),
                _ => None,
            };
            let cookie = event.cookie();
            let from = batch
                .last()
                .filter(|last| cookie != 0 && last.cookie == cookie)
                .and_then(|last| last.path.as_ref())
                .map(|path| path.to_string_lossy().into_owned());
            batch.push(Raw { at: Instant::now(), flags: event.events(), cookie, path, from });
            if reader.is_buffer_empty() {
                break;
            }
        }
        batch
    }

    fn add_folder(&mut self, folder: &Path) -> io::Result<()> {
        let flags = WatchFlags::CREATE
            | WatchFlags::MODIFY
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::MOVE
            | WatchFlags::DELETE
            | WatchFlags::ATTRIB
            | WatchFlags::ONLYDIR;
        let number = add_watch(self.fd.as_fd(), folder, flags)?;
        self.folders.insert(number, folder.to_path_buf());
        for entry in fs::read_dir(folder)?.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                match self.add_folder(&entry.path()) {
                    Err(error) if is_gone(&error) => {}
                    added => added?,
                }
            }
        }
        Ok(())
    }
}

/// Whether a folder had gone, or something else had taken its name, before it could be watched.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// An event of the queue.
struct Raw {
    at: Instant,
    flags: ReadFlags,
    cookie: u32,
    path: Option<PathBuf>,
    /// The old name, for the second half of a rename.
    from: Option<String>,
}

impl Raw {
    /// What the event means; a mere `MODIFY` makes a look, not an event. A rename is two events with
    /// one cookie, the old name and the new: the second speaks for both.
    fn change(&self, next: Option<&Self>) -> Option<Change> {
        let has = |flag| self.flags.contains(flag);
        if has(ReadFlags::MOVED_FROM) {
            let within = next.is_some_and(|next| next.cookie == self.cookie);
            (!within).then_some(Change::Removed)
        } else if has(ReadFlags::MOVED_TO) {
            Some(Change::Renamed { from: self.from.clone() })
        } else if has(ReadFlags::CREATE) {
            Some(Change::Created)
        } else if has(ReadFlags::CLOSE_WRITE) {
            Some(Change::Written)
        } else if has(ReadFlags::DELETE) {
            Some(Change::Removed)
        } else if has(ReadFlags::ATTRIB) {
            Some(Change::Touched)
        } else {
            None
        }
    }
}
