//! The watch for systems without inotify, or where it is exhausted: looking again and again.
//!
//! It sees what stands at each look. A file that comes and goes between two looks is not seen, so a
//! scenario that waits for one may end as vacuous here; none ends as passed that would fail elsewhere
//! for what was seen.

use std::collections::BTreeMap;
use std::fs;
use std::io::PipeReader;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::mpsc::UnboundedSender;

use super::eye::{Eye, FileId, found_below};
use super::{FileNotice, Watch, Watched, lock};
use crate::model::record::Change;

/// The time between two looks.
const PERIOD: Timespec = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };

/// The directory, and what stood in it when last looked at.
pub struct Polling {
    watched: Watched,
    eye: Eye,
    known: Known,
    notices: UnboundedSender<FileNotice>,
}

/// What is known of a name: the identity of its file; `None` for a folder, which only comes and goes.
type Known = BTreeMap<PathBuf, Option<FileId>>;

/// Watches until the other end of `stopped` is closed.
pub fn run(polling: &Mutex<Polling>, stopped: &PipeReader) {
    loop {
        lock(polling).look();
        let mut wait = [PollFd::new(stopped, PollFlags::IN)];
        // A failed wait is a wait that was short.
        if poll(&mut wait, Some(&PERIOD)).is_ok_and(|ready| ready > 0) {
            return;
        }
    }
}

impl Polling {
    /// Watches what there will be, in a directory that is empty now.
    pub fn new(watched: Watched, notices: UnboundedSender<FileNotice>) -> Self {
        Self { eye: Eye::of(&watched), known: Known::new(), watched, notices }
    }

    fn compare(&mut self) {
        let dir = &self.watched.dir;
        let found = match found_below(dir) {
            Ok(found) => found,
            Err(error) => {
                // What was not seen has not gone.
                let blind = FileNotice::Blind { at: Instant::now(), error: error.to_string() };
                let _ = self.notices.send(blind);
                return;
            }
        };
        let now: Known = found
            .into_iter()
            .filter_map(|found| {
                if found.is_folder {
                    return Some((found.path, None));
                }
                let metadata = fs::symlink_metadata(dir.join(&found.path)).ok()?;
                (metadata.nlink() > 0).then(|| (found.path, Some(FileId::of(&metadata))))
            })
            .collect();
        for path in self.known.keys().filter(|path| !now.contains_key(*path)) {
            self.tell(Change::Removed, path);
        }
        for (path, id) in &now {
            match self.known.get(path) {
                None => self.tell(Change::Created, path),
                Some(before) if before != id => self.tell(Change::Written, path),
                Some(_) => {}
            }
        }
        self.known = now;
    }

    fn tell(&self, change: Change, path: &Path) {
        let role = self.watched.roles.of(path);
        let at = Instant::now();
        // The engine being gone ends the watch soon.
        let _ =
            self.notices.send(FileNotice::Changed { at, change, path: path.to_path_buf(), role });
    }
}

impl Watch for Polling {
    fn look(&mut self) {
        self.compare();
        self.eye.look(&self.notices);
    }

    fn look_at_all(&mut self) {
        self.look();
    }
}
