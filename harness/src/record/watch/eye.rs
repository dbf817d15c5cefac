//! A look at the published file: what it holds now, told only when that is news.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use tokio::sync::mpsc;

use super::{FileNotice, Identify, Watched};
use crate::model::record::Sighting;

/// The identity of a file's content as it was planted: any write or replacement changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileId {
    dev: u64,
    ino: u64,
    size: u64,
    mtime_ns: i128,
}

impl FileId {
    /// The identity of the file that `metadata` is of.
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            dev: metadata.dev(),
            ino: metadata.ino(),
            size: metadata.size(),
            mtime_ns: i128::from(metadata.mtime()) * 1_000_000_000
                + i128::from(metadata.mtime_nsec()),
        }
    }

    /// The same file with another modification time.
    pub fn dated(self, time: SystemTime) -> Self {
        let mtime_ns = match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => i128::try_from(since.as_nanos()),
            Err(before) => i128::try_from(before.duration().as_nanos()).map(|before| -before),
        };
        Self { mtime_ns: mtime_ns.unwrap_or(i128::MAX), ..self }
    }
}

/// What the harness itself has done to files, so that it is not taken for a client's doing.
#[derive(Debug, Clone, Default)]
pub struct Planted(Arc<Mutex<Deeds>>);

#[derive(Debug, Default)]
struct Deeds {
    /// What was put there.
    planted: Vec<FileId>,
    /// What was closed to readers, with the permission bits that it had.
    closed: Vec<(PathBuf, u32)>,
}

impl Planted {
    /// Remembers a planted file.
    pub fn add(&self, id: FileId) {
        self.deeds().planted.push(id);
    }

    /// Remembers that the permission bits of a file were changed, and what they had been.
    pub fn close(&self, path: &Path, mode: u32) {
        let mut deeds = self.deeds();
        if !deeds.closed.iter().any(|(known, _)| known == path) {
            deeds.closed.push((path.to_path_buf(), mode));
        }
    }

    /// The files whose permission bits were changed, with what they had been. They count as open again.
    pub fn open_all(&self) -> Vec<(PathBuf, u32)> {
        std::mem::take(&mut self.deeds().closed)
    }

    /// Whether a file is one of the planted, with the time that it was given.
    pub fn contains(&self, id: FileId) -> bool {
        self.deeds().planted.contains(&id)
    }

    fn is_closed(&self, path: &Path) -> bool {
        self.deeds().closed.iter().any(|(known, _)| known == path)
    }

    fn deeds(&self) -> MutexGuard<'_, Deeds> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at one path.
pub struct Eye {
    path: PathBuf,
    identify: Identify,
    planted: Planted,
    last: Option<Look>,
    /// The permission bits at the last look.
    mode: Option<u32>,
    /// What was identified last.
    known: Option<Known>,
}

/// What a look saw, all of which is news: what is read, the modification time, and the permission bits, which a client
/// may change long after it has put the file there.
type Look = (Sighting, Option<i64>, Option<u32>);

/// Bytes that were identified, so that a file that stays is not parsed at every look. The times and the
/// size of a file do not tell that it stays: what is written in place within one tick of the file system's
/// clock leaves them as they are.
struct Known {
    id: FileId,
    bytes: Vec<u8>,
    sighting: Sighting,
}

/// The part of a file's mode that says who may do what with it.
const MODE_BITS: u32 = 0o777;

/// Looks in a row after a change: a file that is being written in place is caught in the act.
const LOOKS_MAX: u32 = 64;

impl Eye {
    /// An eye on the published file of `watched`.
    pub fn of(watched: &Watched) -> Self {
        Self {
            path: watched.dir.join(watched.roles.published()),
            identify: watched.identify.clone(),
            planted: watched.planted.clone(),
            last: Some((Sighting::Absent, None, None)),
            mode: None,
            known: None,
        }
    }

    /// Looks until nothing changes any more, and tells what is new.
    pub fn look(&mut self, notices: &mpsc::UnboundedSender<FileNotice>) {
        for _ in 0..LOOKS_MAX {
            let seen = self.see();
            let mode = self.mode.take();
            let at = Instant::now();
            let seen = match seen {
                Ok((sighting, modified_ms)) => (sighting, modified_ms, mode),
                Err(error) => {
                    let _ = notices.send(FileNotice::Blind { at, error: error.to_string() });
                    return;
                }
            };
            if self.last.as_ref() == Some(&seen) {
                return;
            }
            let (sighting, modified_ms, mode) = seen.clone();
            self.last = Some(seen);
            // The engine being gone ends the watch soon.
            let _ = notices.send(FileNotice::Published { at, sighting, modified_ms, mode });
        }
    }

    /// What the file holds now, or why the harness itself could not look.
    fn see(&mut self) -> io::Result<(Sighting, Option<i64>)> {
        Ok(match read(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => (Sighting::Absent, None),
            Err(error) if is_shortage(&error) => return Err(error),
            Err(error)
                if error.kind() == ErrorKind::PermissionDenied
                    && self.planted.is_closed(&self.path) =>
            {
                (Sighting::Planted, None)
            }
            Err(error) => {
                (Sighting::Damaged { bytes: 0, how: format!("unreadable: {error}") }, None)
            }
            Ok((metadata, bytes)) => {
                self.mode = Some(metadata.mode() & MODE_BITS);
                let modified_ms = metadata.mtime() * 1000 + metadata.mtime_nsec() / 1_000_000;
                (self.tell_apart(&metadata, bytes), Some(modified_ms))
            }
        })
    }

    fn tell_apart(&mut self, metadata: &Metadata, bytes: Vec<u8>) -> Sighting {
        let id = FileId::of(metadata);
        if let Some(known) = &self.known
            && known.id == id
            && known.bytes == bytes
        {
            return known.sighting.clone();
        }
        let stable = id.size == bytes.len() as u64;
        let sighting = match (self.identify)(&bytes) {
            // Planted bytes that are no catalogue are the harness's own doing; a planted catalogue
            // is a catalogue.
            Sighting::Damaged { .. } if stable && self.planted.contains(id) => Sighting::Planted,
            sighting => sighting,
        };
        if stable {
            self.known = Some(Known { id, bytes, sighting: sighting.clone() });
        }
        sighting
    }
}

/// Whether an error says that the harness lacks descriptors or memory, which is nothing about the file.
pub fn is_shortage(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM))
}

/// The bytes that a reader gets now, and what the file was when it was opened.
fn read(path: &Path) -> io::Result<(Metadata, Vec<u8>)> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1);
    file.read_to_end(&mut bytes)?;
    Ok((metadata, bytes))
}

/// Something in a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// Where, relative to the directory.
    pub path: PathBuf,
    /// It is a folder, such as a lock that is made by `mkdir`.
    pub is_folder: bool,
}

/// Everything below `dir`, in order.
///
/// # Errors
/// When the harness lacks descriptors or memory to look. A folder that vanishes while it is read, or
/// that may not be read, is empty.
pub fn found_below(dir: &Path) -> io::Result<Vec<Found>> {
    let mut all = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Err(error) if is_shortage(&error) => return Err(error),
            entries => entries.into_iter().flatten().flatten(),
        };
        for entry in entries {
            let Ok(kind) = entry.file_type() else { continue };
            let is_folder = kind.is_dir();
            if is_folder {
                folders.push(entry.path());
            }
            all.extend(super::relative(dir, &entry.path()).map(|path| Found { path, is_folder }));
        }
    }
    all.sort();
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::model::units::Serial;
    use crate::record::roles::Roles;

    /// The path `p` in this directory, in which a digit is a catalogue.
    fn watched(dir: &Path) -> Watched {
        let files = serde_json::from_str(r#"{"published": "p"}"#).unwrap();
        Watched {
            dir: dir.to_path_buf(),
            roles: Roles::new(&files).unwrap(),
            identify: Arc::new(|bytes| match bytes {
                [digit @ b'0'..=b'9'] => {
                    Sighting::Whole { serial: Serial(u32::from(digit - b'0')), exact: true }
                }
                _ => Sighting::Absent,
            }),
            planted: Planted::default(),
        }
    }

    #[test]
    fn bytes_that_change_while_the_times_do_not_are_news() {
        let dir = tempfile::tempdir().unwrap();
        let watched = watched(dir.path());
        let (notices, mut told) = mpsc::unbounded_channel();
        let mut eye = Eye::of(&watched);
        let time = SystemTime::UNIX_EPOCH;
        for bytes in ["1", "2", "2"] {
            // In place, and dated as if no tick of the clock lay between.
            fs::write(dir.path().join("p"), bytes).unwrap();
            File::options()
                .write(true)
                .open(dir.path().join("p"))
                .unwrap()
                .set_modified(time)
                .unwrap();
            eye.look(&notices);
        }
        let mut serials = Vec::new();
        while let Ok(FileNotice::Published { sighting, .. }) = told.try_recv() {
            serials.extend(sighting.serial().map(|serial| serial.0));
        }
        assert_eq!(serials, [1, 2]);
    }

    #[test]
    fn permissions_that_change_after_the_file_was_put_there_are_news() {
        let dir = tempfile::tempdir().unwrap();
        let (notices, mut told) = mpsc::unbounded_channel();
        let mut eye = Eye::of(&watched(dir.path()));
        let path = dir.path().join("p");
        fs::write(&path, "1").unwrap();
        for bits in [0o640, 0o600, 0o600] {
            fs::set_permissions(&path, fs::Permissions::from_mode(bits)).unwrap();
            eye.look(&notices);
        }
        let mut modes = Vec::new();
        while let Ok(FileNotice::Published { mode, .. }) = told.try_recv() {
            modes.extend(mode);
        }
        assert_eq!(modes, [0o640, 0o600]);
    }
}
