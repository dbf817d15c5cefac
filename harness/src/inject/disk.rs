//! The actions on files: plant, remove.

use std::fs::{self, File, FileTimes};
use std::io;
use std::os::unix::fs::{MetadataExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::times::AGE_MARGIN;
use crate::client::prepare::Surroundings;
use crate::client::volume::Volume;
use crate::model::record::Role;
use crate::model::scenario::{Content, Mtime, Plant};
use crate::record::roles::{BadGlob, Pattern, Roles};
use crate::record::watch::{FileId, Planted, found_below};

/// The cache directory, as a hand that reaches into it needs it.
#[derive(Debug)]
pub struct Disk {
    /// Where the client runs, its TTL included.
    pub surroundings: Surroundings,
    /// The cache directory as the harness sees it: without links, and within the disk of its own.
    pub dir: PathBuf,
    /// The disk of its own, where it has one.
    pub volume: Option<Volume>,
    /// Permissions bind the clients: they do not run as root.
    pub permissions_bind: bool,
    /// The temporary to plant at `path = "temp"`.
    pub temporary: Option<PathBuf>,
    /// Processes that live and are no clients, for their numbers.
    pub innocents: Innocents,
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

pub(super) fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DiskError {
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
        if matches!(plant.content, Content::Link | Content::DanglingLink) {
            return self.plant_link(&path, plant.content == Content::Link);
        }
        let bytes = self.content(plant.content, &path, catalogue)?;
        let parent = path.parent().unwrap_or(&self.dir);
        self.make_folder(parent)?;
        let staged = self.staging.join("planted");
        fs::write(&staged, bytes).map_err(io_error("write", &staged))?;
        self.give_to_clients(&staged)?;
        set_mtime(&staged, self.mtime(plant.mtime)).map_err(io_error("date", &staged))?;
        let metadata = staged.metadata().map_err(io_error("stat", &staged))?;
        self.planted.add(FileId::of(&metadata));
        fs::rename(&staged, &path).map_err(io_error("rename to", &path))
    }

    /// Puts a symbolic link in the place of a file: to the file itself, which is moved out of the cache
    /// directory, or to nothing.
    fn plant_link(&self, path: &Path, keep: bool) -> Result<(), DiskError> {
        let aside = self.staging.join("linked");
        let target = if keep {
            self.make_folder(&aside)?;
            // What is moved may be a link itself, to what was moved before.
            let moved = fs::read_dir(&aside).map_err(io_error("read", &aside))?.count();
            let aside = aside.join(moved.to_string());
            fs::rename(path, &aside).map_err(io_error("move", path))?;
            self.seen_by_clients(&aside)
        } else {
            self.make_folder(path.parent().unwrap_or(&self.dir))?;
            "nowhere".into()
        };
        let staged = self.staging.join("planted");
        symlink(target, &staged).map_err(io_error("link", &staged))?;
        fs::rename(&staged, path).map_err(io_error("rename to", path))
    }

    /// Makes a folder that belongs to whom the cache directory belongs to, unless it is there.
    fn make_folder(&self, folder: &Path) -> Result<(), DiskError> {
        if folder.is_dir() {
            return Ok(());
        }
        fs::create_dir_all(folder).map_err(io_error("create", folder))?;
        self.give_to_clients(folder)
    }

    /// Gives a file of the harness's to whom the cache directory belongs to: clients may run as somebody else, and a
    /// lock that they cannot open is another fault than the one that is planted.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn give_to_clients(&self, path: &Path) -> Result<(), DiskError> {
        let owner = self.dir.metadata().map_err(io_error("stat", &self.dir))?;
        let (user, group) = (owner.uid(), owner.gid());
        if rustix::process::geteuid().as_raw() == user {
            return Ok(());
        }
        chown(path, Some(user), Some(group)).map_err(io_error("give away", path))
    }

    /// A path of the harness's as clients see it, on a disk of its own too.
    fn seen_by_clients(&self, path: &Path) -> PathBuf {
        match &self.volume {
            Some(volume) => volume.seen_by_clients(path),
            None => path.to_path_buf(),
        }
    }

    /// Removes every file that `pattern` names; it must be at least one.
    ///
    /// # Errors
    /// When there is none, or the system refuses.
    pub fn remove(&self, pattern: &str) -> Result<(), DiskError> {
        let wanted = Pattern::new(pattern)?;
        let dir = &self.dir;
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

    /// Every file below the cache directory, with what it is; folders only where they are something, such
    /// as a lock that is made by `mkdir`.
    ///
    /// # Errors
    /// When the harness lacks descriptors or memory to look.
    pub fn files(&self) -> Result<Vec<(PathBuf, Role)>, DiskError> {
        let dir = &self.dir;
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
            "temp" => self.temporary.clone().ok_or_else(|| {
                let why = "no temporary of the client has a name that can be told from its globs";
                DiskError::Nothing(why.to_owned())
            })?,
            path => PathBuf::from(path),
        };
        Ok(self.dir.join(relative))
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
            Content::Catalogue | Content::Previous => catalogue.to_vec(),
            Content::LivePid => {
                format!("{}\n", self.innocents.one_more().map_err(io_error("run", path))?).into()
            }
            // These have no bytes of their own.
            Content::Link | Content::DanglingLink => Vec::new(),
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
            Mtime::Ahead(span) => now.checked_add(span.0).unwrap_or(now),
            Mtime::Ago(span) => now.checked_sub(span.0).unwrap_or(SystemTime::UNIX_EPOCH),
        }
    }
}

/// Removes a file, or a folder with all that is in it.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    if path.symlink_metadata()?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

pub(super) fn set_mtime(path: &Path, time: SystemTime) -> io::Result<()> {
    File::open(path)?.set_times(FileTimes::new().set_modified(time))
}

/// The number of a process that has just ended, and so is no one's for a while.
fn dead_pid() -> io::Result<u32> {
    let mut child = Command::new("/bin/sh").args(["-c", "exit 0"]).stdin(Stdio::null()).spawn()?;
    let pid = child.id();
    child.wait()?;
    Ok(pid)
}

/// Processes that live and have nothing to do with the cache. They end with this value.
#[derive(Debug, Default)]
pub struct Innocents(Mutex<Vec<Child>>);

impl Innocents {
    /// Starts one and returns its number.
    fn one_more(&self) -> io::Result<u32> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "read forever"]).env_clear();
        // It ends when its input does, whichever way the harness ends.
        let child = command.stdin(Stdio::piped()).process_group(0).spawn()?;
        let pid = child.id();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(child);
        Ok(pid)
    }
}

impl Drop for Innocents {
    fn drop(&mut self) {
        for child in self.0.get_mut().unwrap_or_else(PoisonError::into_inner) {
            drop(child.stdin.take());
            // It was reading what has just ended; a client may have killed it before.
            let _ = child.wait();
        }
    }
}

#[cfg(test)]
#[path = "disk_tests.rs"]
mod tests;
