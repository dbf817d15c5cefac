//! The actions on files: plant, remove, age, permissions.

use std::fs::{self, File, FileTimes, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use crate::client::prepare::Surroundings;
use crate::model::record::Role;
use crate::model::scenario::{Content, Mtime, Plant};
use crate::record::roles::{BadGlob, Pattern, Roles};
use crate::record::watch::{FileId, Planted, found_below};

/// What is added to a TTL so that an aged cache is beyond doubt too old.
pub const AGE_MARGIN: Duration = Duration::from_secs(1);

/// The cache directory, as a hand that reaches into it needs it.
#[derive(Debug)]
pub struct Disk {
    /// Where the client runs, its TTL included.
    pub surroundings: Surroundings,
    /// What the files are.
    pub roles: Roles,
    /// The lock file to plant at `path = "lock"`: the first lock of the description without wildcards.
    pub lock: Option<PathBuf>,
    /// A directory on the same file system, for files on their way in.
    pub staging: PathBuf,
    /// The files that the harness itself has planted.
    pub planted: Planted,
}

/// Why an action on files did not take effect.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The system refused.
    #[error("{action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// There is nothing that the action could act on.
    #[error("{0}")]
    Nothing(String),
    /// A pattern does not compile.
    #[error(transparent)]
    Glob(#[from] BadGlob),
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DiskError {
    let path = path.display().to_string();
    move |source| DiskError::Io { action, path, source }
}

impl Disk {
    /// Puts a file into the cache directory by a rename, so that no client sees half of it.
    ///
    /// # Errors
    /// When there is no lock to plant, or the system refuses.
    pub fn plant(&self, plant: &Plant, catalogue: &[u8]) -> Result<(), DiskError> {
        let path = self.path_of(&plant.path)?;
        let bytes = self.content(plant.content, &path, catalogue)?;
        let parent = path.parent().unwrap_or(&self.surroundings.cache_dir);
        fs::create_dir_all(parent).map_err(io_error("create", parent))?;
        let staged = self.staging.join("planted");
        fs::write(&staged, bytes).map_err(io_error("write", &staged))?;
        set_mtime(&staged, self.mtime(plant.mtime)).map_err(io_error("date", &staged))?;
        let metadata = staged.metadata().map_err(io_error("stat", &staged))?;
        self.planted.add(FileId::of(&metadata));
        fs::rename(&staged, &path).map_err(io_error("rename to", &path))
    }

    /// Removes every file that `pattern` names; it must be at least one.
    ///
    /// # Errors
    /// When there is none, or the system refuses.
    pub fn remove(&self, pattern: &str) -> Result<(), DiskError> {
        let wanted = Pattern::new(pattern)?;
        let dir = &self.surroundings.cache_dir;
        let mut removed = 0;
        for (path, role) in self.files()? {
            if wanted.matches(role, &path) {
                let path = dir.join(path);
                match remove(&path) {
                    // Gone with its folder, or by a client's own doing.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    done => {
                        done.map_err(io_error("remove", &path))?;
                        removed += 1;
                    }
                }
            }
        }
        if removed == 0 {
            return Err(DiskError::Nothing(format!("there is no file \"{pattern}\" to remove")));
        }
        Ok(())
    }

    /// By how much a cache is made older so that its window has ended.
    pub fn age_by(&self) -> Duration {
        self.surroundings.ttl.0 + AGE_MARGIN
    }

    /// Moves the modification times of the published file and its sidecars into the past, by
    /// [`Disk::age_by`].
    ///
    /// # Errors
    /// When nothing is published, or the system refuses.
    pub fn age_mtimes(&self) -> Result<(), DiskError> {
        let by = self.age_by();
        let mut aged = 0;
        for (path, role) in self.files()? {
            if !matches!(role, Role::Published | Role::Sidecar) {
                continue;
            }
            let path = self.surroundings.cache_dir.join(path);
            let metadata = path.metadata().map_err(io_error("stat", &path))?;
            let modified = metadata.modified().map_err(io_error("stat", &path))?;
            let older = modified.checked_sub(by).unwrap_or(SystemTime::UNIX_EPOCH);
            let id = FileId::of(&metadata);
            if self.planted.contains(id) {
                // What the harness has planted stays its own when it makes it older.
                self.planted.add(id.dated(older));
            }
            set_mtime(&path, older).map_err(io_error("date", &path))?;
            aged += 1;
        }
        if aged == 0 {
            return Err(DiskError::Nothing("nothing is published that could be aged".to_owned()));
        }
        Ok(())
    }

    /// Takes or gives the write permission of the cache directory and the folders in it.
    ///
    /// # Errors
    /// For root, whom no permission stops, and when the system refuses.
    pub fn set_writable(&self, writable: bool) -> Result<(), DiskError> {
        if !writable && rustix::process::geteuid().is_root() {
            return Err(DiskError::Nothing(
                "root may write into a read-only directory; run as an ordinary user".to_owned(),
            ));
        }
        let mode = if writable { 0o755 } else { 0o555 };
        let mut folders = vec![self.surroundings.cache_dir.clone()];
        while let Some(folder) = folders.pop() {
            fs::set_permissions(&folder, Permissions::from_mode(mode))
                .map_err(io_error("chmod", &folder))?;
            let entries = fs::read_dir(&folder).map_err(io_error("read", &folder))?;
            folders.extend(entries.flatten().map(|e| e.path()).filter(|path| path.is_dir()));
        }
        Ok(())
    }

    /// Every file below the cache directory, with what it is; folders only where they are something, such
    /// as a lock that is made by `mkdir`.
    ///
    /// # Errors
    /// When the harness lacks descriptors or memory to look.
    pub fn files(&self) -> Result<Vec<(PathBuf, Role)>, DiskError> {
        let dir = &self.surroundings.cache_dir;
        let all = found_below(dir).map_err(io_error("read", dir))?;
        let with_role = all.into_iter().filter_map(|found| {
            let role = self.roles.of(&found.path);
            (!found.is_folder || role != Role::Other).then_some((found.path, role))
        });
        Ok(with_role.collect())
    }

    fn path_of(&self, path: &str) -> Result<PathBuf, DiskError> {
        let relative = match path {
            "published" => self.roles.published().to_path_buf(),
            "lock" => self.lock.clone().ok_or_else(|| {
                DiskError::Nothing("the client's description names no lock file".to_owned())
            })?,
            path => PathBuf::from(path),
        };
        Ok(self.surroundings.cache_dir.join(relative))
    }

    fn content(
        &self,
        content: Content,
        path: &Path,
        catalogue: &[u8],
    ) -> Result<Vec<u8>, DiskError> {
        Ok(match content {
            Content::Empty => Vec::new(),
            Content::Garbage => b"\0\x01garbage: neither JSON nor a catalogue\xff\n".to_vec(),
            Content::Truncated => {
                let whole = fs::read(path).unwrap_or_else(|_| catalogue.to_vec());
                whole[..whole.len() / 2].to_vec()
            }
            Content::Unchanged => fs::read(path).map_err(io_error("read", path))?,
            Content::Catalogue => catalogue.to_vec(),
            Content::DeadPid => format!("{}\n", dead_pid().map_err(io_error("run", path))?).into(),
        })
    }

    fn mtime(&self, mtime: Mtime) -> SystemTime {
        let now = SystemTime::now();
        match mtime {
            Mtime::Now => now,
            Mtime::Future => now + Duration::from_secs(365 * 24 * 3600),
            Mtime::Expired => now
                .checked_sub(self.surroundings.ttl.0 + AGE_MARGIN)
                .unwrap_or(SystemTime::UNIX_EPOCH),
            Mtime::Epoch => SystemTime::UNIX_EPOCH,
        }
    }
}

/// Removes a file, or a folder with all that is in it.
fn remove(path: &Path) -> io::Result<()> {
    if path.symlink_metadata()?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

fn set_mtime(path: &Path, time: SystemTime) -> io::Result<()> {
    File::open(path)?.set_times(FileTimes::new().set_modified(time))
}

/// The number of a process that has just ended, and so is no one's for a while.
fn dead_pid() -> io::Result<u32> {
    let mut child = Command::new("/bin/sh").args(["-c", "exit 0"]).stdin(Stdio::null()).spawn()?;
    let pid = child.id();
    child.wait()?;
    Ok(pid)
}

#[cfg(test)]
#[path = "disk_tests.rs"]
mod tests;
