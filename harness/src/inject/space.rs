//! The actions on what the disk allows: space, permissions, the directory itself.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::disk::{Disk, DiskError, io_error, remove};
use crate::model::scenario::Chmod;
use crate::record::roles::Pattern;

/// What the space is used up with, beside the cache directory.
const FILLER: &str = "filler";

/// How much of it is written at a time: a page, which is what a tmpfs counts in.
const PIECE: usize = 4 << 10;

impl Disk {
    /// Uses up the space of the cache's own disk until no more than `left` bytes can be written.
    ///
    /// # Errors
    /// Where the cache has no disk of its own, less than that was free, or the system refuses.
    pub fn fill(&self, left: u64) -> Result<(), DiskError> {
        let volume = self.volume.as_ref().ok_or_else(|| {
            DiskError::Nothing("the cache has no disk of its own that could be filled".to_owned())
        })?;
        let path = volume.view().join(FILLER);
        let refused = || io_error("fill", &path);
        let free = free_space(&volume.view()).map_err(refused())?;
        let Some(used_up) = free.checked_sub(left) else {
            let why = format!("only {free} bytes were free, and {left} are to be left");
            return Err(DiskError::Nothing(why));
        };
        let mut filler = File::options().append(true).create(true).open(&path).map_err(refused())?;
        for _ in 0..used_up.div_ceil(PIECE as u64) {
            match filler.write_all(&[b'x'; PIECE]) {
                // A client was faster.
                Err(error) if error.kind() == io::ErrorKind::StorageFull => break,
                written => written.map_err(refused())?,
            }
        }
        Ok(())
    }

    /// Gives the space back.
    ///
    /// # Errors
    /// When it had not been used up, or the system refuses.
    pub fn free(&self) -> Result<(), DiskError> {
        let filler = self.volume.as_ref().map(|volume| volume.view().join(FILLER));
        match filler.filter(|filler| filler.exists()) {
            Some(filler) => fs::remove_file(&filler).map_err(io_error("remove", &filler)),
            None => Err(DiskError::Nothing("the disk was not filled".to_owned())),
        }
    }

    /// Makes the cache directory read-only or writable: its own disk as a whole, else by permissions.
    ///
    /// # Errors
    /// Where the clients run as root, whom no permission stops; where a file on the disk is open for
    /// writing; and when the system refuses.
    pub fn set_writable(&self, writable: bool) -> Result<(), DiskError> {
        if let Some(volume) = &self.volume {
            return volume.set_read_only(!writable).map_err(io_error("remount", &self.dir));
        }
        if !writable {
            self.must_be_bound()?;
        }
        let mode = if writable { 0o755 } else { 0o555 };
        let mut folders = vec![self.dir.clone()];
        while let Some(folder) = folders.pop() {
            set_mode(&folder, mode)?;
            let entries = fs::read_dir(&folder).map_err(io_error("read", &folder))?;
            folders.extend(entries.flatten().map(|e| e.path()).filter(|path| path.is_dir()));
        }
        Ok(())
    }

    /// Changes the permission bits of the files that are named; it must be at least one.
    ///
    /// # Errors
    /// Where the clients run as root, where there is no such file, and when the system refuses.
    pub fn chmod(&self, chmod: &Chmod) -> Result<(), DiskError> {
        self.must_be_bound()?;
        let wanted = Pattern::new(&chmod.path)?;
        let named: Vec<_> = self
            .files()?
            .into_iter()
            .filter(|(path, role)| wanted.matches(*role, path))
            .map(|(path, _)| self.dir.join(path))
            .collect();
        if named.is_empty() {
            let why = format!("there is no file \"{}\" to change", chmod.path);
            return Err(DiskError::Nothing(why));
        }
        for path in named {
            let before = path.metadata().map_err(io_error("stat", &path))?.permissions();
            // Known before it is done, since the watch sees it at once.
            self.planted.close(&path, before.mode());
            set_mode(&path, chmod.mode)?;
        }
        Ok(())
    }

    /// Removes everything in the cache directory, folders included; it must be something.
    ///
    /// # Errors
    /// When there is nothing, or the system refuses.
    pub fn wipe(&self) -> Result<(), DiskError> {
        let entries: Vec<_> =
            fs::read_dir(&self.dir).map_err(io_error("read", &self.dir))?.flatten().collect();
        if entries.is_empty() {
            return Err(DiskError::Nothing("the cache directory is empty already".to_owned()));
        }
        for entry in entries {
            let path = entry.path();
            // A client may make a file in a folder while it is being emptied.
            let mut tries = 0;
            while let Err(error) = remove(&path) {
                tries += 1;
                match error.kind() {
                    io::ErrorKind::NotFound => break,
                    io::ErrorKind::DirectoryNotEmpty if tries < 100 => {}
                    _ => return Err(io_error("remove", &path)(error)),
                }
            }
        }
        Ok(())
    }

    /// Takes back what lasts: a full or read-only disk, permissions.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn heal(&self) -> Result<(), DiskError> {
        // Most often there is nothing to give back.
        let _ = self.set_writable(true);
        let _ = self.free();
        for (path, mode) in self.planted.open_all() {
            match set_mode(&path, mode) {
                // It was replaced or removed meanwhile.
                Err(DiskError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                done => done?,
            }
        }
        Ok(())
    }

    fn must_be_bound(&self) -> Result<(), DiskError> {
        if self.permissions_bind {
            return Ok(());
        }
        Err(DiskError::Nothing(
            "no permission binds root; run as an ordinary user, or write `under = { user = \"ordinary\" }`"
                .to_owned(),
        ))
    }
}

fn set_mode(path: &Path, mode: u32) -> Result<(), DiskError> {
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(io_error("chmod", path))
}

/// How many bytes can still be written to the disk below a folder.
fn free_space(folder: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}
