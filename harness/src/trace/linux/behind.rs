//! What was written and not synced, and how it is lost where closing the file fails.
//!
//! A file system that writes behind (NFS, FUSE, some quotas) takes a `write` into memory, and `close` is the
//! last call that can say that the bytes never arrived (close(2), "Dealing with error returns from close()").
//! A local disk says nothing there. So where an injection makes a `close` fail with such an error, what was
//! written since the last sync goes with it, as far as the file was longer than before; bytes that were
//! written over others stay.

use std::collections::HashMap;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;

use super::calls::int;
use super::paths::of_descriptor;

/// The errors by which a file system says that it could not keep what it had taken.
const LOSES: [i32; 3] = [libc::EIO, libc::ENOSPC, libc::EDQUOT];

/// The device and the number of a file.
type FileId = (u64, u64);

/// What is not synced yet.
#[derive(Debug, Default)]
pub(super) struct Behind {
    /// How long each file was before it was written.
    lengths: HashMap<FileId, u64>,
    /// By which descriptor of which process it was: what closes that without `close` names no more.
    writers: HashMap<(u32, u32), FileId>,
}

impl Behind {
    /// A thread of a process is about to write to a descriptor.
    pub fn writes(&mut self, tid: i32, pid: u32, fd: u64) {
        if let Some((id, length)) = open(tid, fd) {
            self.lengths.entry(id).or_insert(length);
            self.writers.insert((pid, int(fd)), id);
        }
    }

    /// A thread has synced a descriptor.
    pub fn synced(&mut self, tid: i32, fd: u64) {
        if let Some((id, _)) = open(tid, fd) {
            self.lengths.remove(&id);
        }
    }

    /// A thread has synced the whole disk on which a descriptor's file lies, or all disks.
    pub fn all_synced(&mut self, tid: i32, fd: Option<u64>) {
        match fd.map(|fd| fs::metadata(of_descriptor(tid, fd))) {
            None => self.lengths.clear(),
            Some(Ok(file)) => self.lengths.retain(|(device, _), _| *device != file.dev()),
            Some(Err(_)) => {}
        }
    }

    /// A descriptor was closed by another call than `close`, or by the end of its process. Nobody was told of an
    /// error: whatever it had to say is said, and the next `close` answers for what is written from now on.
    pub fn closed_unasked(&mut self, pid: u32, fd: u32) {
        if let Some(id) = self.writers.remove(&(pid, fd)) {
            self.lengths.remove(&id);
        }
    }

    /// A thread is about to close a descriptor, which fails with `error`, if it does. Returns how many bytes
    /// are lost by that.
    pub fn closes(&mut self, tid: i32, fd: u64, error: Option<i32>) -> Option<u64> {
        let (id, length) = open(tid, fd)?;
        let safe = self.lengths.remove(&id)?;
        error.filter(|error| LOSES.contains(error))?;
        let lost = length.checked_sub(safe).filter(|lost| *lost > 0)?;
        // Through the descriptor, for the file may have another name by now, or none.
        let file = File::options().write(true).open(of_descriptor(tid, fd)).ok()?;
        file.set_len(safe).ok()?;
        Some(lost)
    }
}

/// The regular file behind a descriptor, and its length.
fn open(tid: i32, fd: u64) -> Option<(FileId, u64)> {
    let file = fs::metadata(of_descriptor(tid, fd)).ok().filter(fs::Metadata::is_file)?;
    Some(((file.dev(), file.ino()), file.len()))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::fd::AsRawFd as _;

    use super::*;

    /// A file of `before` bytes to which 5 more are written, and how many it has after a `close` that fails
    /// with `error`.
    fn check(before: usize, syncs: bool, error: Option<i32>, lost: Option<u64>, left: u64) {
        let me = i32::try_from(std::process::id()).unwrap();
        let mut file = tempfile::tempfile().unwrap();
        let fd = u64::from(file.as_raw_fd().cast_unsigned());
        file.write_all(&vec![b'-'; before]).unwrap();
        let mut behind = Behind::default();
        for part in [b"new", b"er\n"] {
            behind.writes(me, 1, fd);
            file.write_all(part).unwrap();
        }
        if syncs {
            behind.synced(me, fd);
        }
        assert_eq!(behind.closes(me, fd, error), lost);
        assert_eq!(file.metadata().unwrap().len(), left);
        assert!(behind.lengths.is_empty());
    }

    /// Of 4 bytes and 6 more, how many are lost by a `close` that fails, where `between` happened between them.
    fn lost_after(between: impl FnOnce(&mut Behind, i32, u64)) -> Option<u64> {
        let me = i32::try_from(std::process::id()).unwrap();
        let mut file = tempfile::tempfile().unwrap();
        let fd = u64::from(file.as_raw_fd().cast_unsigned());
        let mut behind = Behind::default();
        behind.writes(me, 1, fd);
        file.write_all(b"old\n").unwrap();
        between(&mut behind, me, fd);
        behind.writes(me, 1, fd);
        file.write_all(b"newer\n").unwrap();
        behind.closes(me, fd, Some(libc::EIO))
    }

    #[test]
    fn what_was_synced_with_its_disk_or_closed_otherwise_is_not_lost_by_a_later_close() {
        assert_eq!(lost_after(|_, _, _| ()), Some(10));
        assert_eq!(lost_after(|behind, me, _| behind.all_synced(me, None)), Some(6));
        assert_eq!(lost_after(|behind, me, fd| behind.all_synced(me, Some(fd))), Some(6));
        assert_eq!(lost_after(|behind, _, fd| behind.closed_unasked(1, int(fd))), Some(6));
        assert_eq!(lost_after(|behind, _, fd| behind.closed_unasked(2, int(fd))), Some(10));
    }

    #[test]
    fn what_was_written_since_the_last_sync_is_lost_with_the_error_that_says_so() {
        check(0, false, Some(libc::EIO), Some(6), 0);
        check(4, false, Some(libc::EDQUOT), Some(6), 4);
        check(4, false, Some(libc::EINTR), None, 10);
        check(4, false, None, None, 10);
        check(4, true, Some(libc::EIO), None, 10);
    }
}
