//! A small disk of its own for the cache directory: a tmpfs (tmpfs(5)) in a mount namespace, made as root
//! or, in a user namespace, by anybody whom the system allows that (user_namespaces(7)).
//!
//! A process that does nothing keeps the namespace alive; it ends with the pipe that this value holds,
//! and with it the disk, whichever way the harness ends. Clients join the namespace before their `exec`
//! and so see the disk at an ordinary path. The harness stays outside, since a program with several
//! threads cannot change its user namespace, and looks in through `/proc/PID/root` of that process.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, OnceLock};

use libc::{c_char, c_int, c_ulong};
use rustix::process::{getegid, geteuid};

/// The namespaces of a volume, to be joined.
#[derive(Debug)]
pub struct Namespace {
    /// Only where it was not made as root.
    user: Option<OwnedFd>,
    mount: OwnedFd,
}

impl Namespace {
    fn of(pid: u32, own_user: bool) -> io::Result<Self> {
        let open = |kind: &str| File::open(format!("/proc/{pid}/ns/{kind}")).map(OwnedFd::from);
        Ok(Self { user: own_user.then(|| open("user")).transpose()?, mount: open("mnt")? })
    }

    /// Moves the calling process into the namespaces; its working directory is the root then. Makes
    /// system calls only, and so may be called between `fork` and `exec`, also by a child that borrows its
    /// parent's memory.
    ///
    /// # Errors
    /// What the system says.
    pub fn join(&self) -> io::Result<()> {
        // SAFETY: the calls take numbers only.
        unsafe {
            if let Some(user) = &self.user {
                let dumpable = libc::prctl(libc::PR_GET_DUMPABLE);
                check(libc::setns(user.as_raw_fd(), libc::CLONE_NEWUSER))?;
                // New rights make the memory undumpable, which is our parent's too where it is borrowed.
                libc::prctl(libc::PR_SET_DUMPABLE, dumpable);
            }
            check(libc::setns(self.mount.as_raw_fd(), libc::CLONE_NEWNS))
        }
    }
}

/// A mounted disk. Dropping it unmounts it as soon as no client is left that uses it.
#[derive(Debug)]
pub struct Volume {
    at: PathBuf,
    keeper: Child,
    /// The keeper ends when this is closed.
    _alive: Option<ChildStdin>,
    namespace: Arc<Namespace>,
}

impl Volume {
    /// Mounts a disk of `size` bytes over the folder `at`, an absolute path without links.
    ///
    /// # Errors
    /// What the system says when it refuses the namespaces or the mount.
    pub fn mount(at: &Path, size: u64) -> io::Result<Self> {
        let own_user = !geteuid().is_root();
        let target = CString::new(at.as_os_str().as_bytes())?;
        // The root of the disk is a folder like any other that the harness makes.
        let options = CString::new(format!("size={size},mode=0755"))?;
        let ids = [geteuid().as_raw(), getegid().as_raw()].map(|id| format!("{id} {id} 1"));
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "read forever"]).env_clear().current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // Ctrl-C at the terminal is for the harness, which ends its clients first.
        command.process_group(0);
        // SAFETY: the closure makes system calls only and allocates nothing.
        unsafe {
            command.pre_exec(move || {
                if own_user {
                    check(libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS))?;
                    write_to(c"/proc/self/setgroups", b"deny")?;
                    write_to(c"/proc/self/uid_map", ids[0].as_bytes())?;
                    write_to(c"/proc/self/gid_map", ids[1].as_bytes())?;
                } else {
                    check(libc::unshare(libc::CLONE_NEWNS))?;
                }
                // Nothing of this is seen outside.
                mount(None, c"/", None, libc::MS_REC | libc::MS_PRIVATE, None)?;
                mount(Some(c"tmpfs"), &target, Some(c"tmpfs"), 0, Some(&options))
            })
        };
        let mut keeper = command.spawn()?;
        let alive = keeper.stdin.take();
        match Namespace::of(keeper.id(), own_user) {
            Ok(namespace) => {
                let namespace = Arc::new(namespace);
                Ok(Self { at: at.to_path_buf(), keeper, _alive: alive, namespace })
            }
            Err(error) => {
                drop(alive);
                keeper.wait()?;
                Err(error)
            }
        }
    }

    /// What clients join to see the disk.
    pub fn namespace(&self) -> Arc<Namespace> {
        Arc::clone(&self.namespace)
    }

    /// The root of the disk as the harness sees it.
    pub fn view(&self) -> PathBuf {
        let at = self.at.strip_prefix("/").unwrap_or(&self.at);
        PathBuf::from(format!("/proc/{}/root", self.keeper.id())).join(at)
    }

    /// A path below [`Volume::view`] as clients see it.
    pub fn seen_by_clients(&self, path: &Path) -> PathBuf {
        path.strip_prefix(self.view()).map_or_else(|_| path.to_path_buf(), |it| self.at.join(it))
    }

    /// Makes the whole disk read-only, or writable again.
    ///
    /// # Errors
    /// `EBUSY` while a process has a file open for writing, as the system has it for every disk.
    pub fn set_read_only(&self, read_only: bool) -> io::Result<()> {
        let namespace = self.namespace();
        let target = CString::new(self.at.as_os_str().as_bytes())?;
        let flags = libc::MS_REMOUNT | libc::MS_BIND | if read_only { libc::MS_RDONLY } else { 0 };
        let mut command = Command::new("/bin/sh");
        command.args(["-c", ":"]).env_clear().stdin(Stdio::null());
        // SAFETY: as above.
        unsafe {
            command.pre_exec(move || {
                namespace.join()?;
                mount(None, &target, None, flags, None)
            })
        };
        command.status().map(drop)
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        drop(self._alive.take());
        // It was reading what has just ended. Waiting fails for nobody who has a child.
        let _ = self.keeper.wait();
    }
}

/// Whether such a disk can be had on this machine, tried once.
///
/// # Errors
/// Why not, in half a sentence.
pub fn available() -> Result<(), String> {
    static TRIED: OnceLock<Result<(), String>> = OnceLock::new();
    let attempt = || {
        let dir = std::env::temp_dir().canonicalize()?;
        let volume = Volume::mount(&dir, 1 << 20)?;
        // What matters is that the harness can look in.
        std::fs::write(volume.view().join("cachestorm"), "")
    };
    TRIED
        .get_or_init(|| {
            attempt().map_err(|error| {
                format!("the system allows no disk of its own for the cache directory: {error}")
            })
        })
        .clone()
}

fn check(result: c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// mount(2), with null for what is not given.
fn mount(
    source: Option<&CStr>,
    target: &CStr,
    kind: Option<&CStr>,
    flags: c_ulong,
    options: Option<&CStr>,
) -> io::Result<()> {
    let pointer = |text: Option<&CStr>| text.map_or(std::ptr::null(), CStr::as_ptr);
    let (source, kind, options): (*const c_char, _, _) =
        (pointer(source), pointer(kind), pointer(options));
    // SAFETY: every pointer is null or to a string that outlives the call.
    check(unsafe { libc::mount(source, target.as_ptr(), kind, flags, options.cast()) })
}

/// Writes a few bytes to a file that is there, without allocating.
fn write_to(path: &CStr, bytes: &[u8]) -> io::Result<()> {
    let file = rustix::fs::open(path, rustix::fs::OFlags::WRONLY, rustix::fs::Mode::empty())?;
    rustix::io::write(&file, bytes)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A disk of 64 KiB, where the system allows one.
    fn volume() -> Option<(tempfile::TempDir, Volume)> {
        let dir = tempfile::tempdir().unwrap();
        available().ok()?;
        let volume = Volume::mount(&dir.path().canonicalize().unwrap(), 64 << 10).unwrap();
        Some((dir, volume))
    }

    #[test]
    fn a_disk_is_as_small_as_it_is_made_and_seen_by_whoever_joins() {
        let Some((dir, volume)) = volume() else { return };
        fs::write(volume.view().join("small"), vec![1; 60 << 10]).unwrap();
        let error = fs::write(volume.view().join("more"), vec![1; 8 << 10]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(!dir.path().join("small").exists());
        let namespace = volume.namespace();
        let mut command = Command::new("/bin/cat");
        command.arg(dir.path().canonicalize().unwrap().join("small"));
        // SAFETY: joining makes system calls only.
        unsafe { command.pre_exec(move || namespace.join()) };
        assert_eq!(command.output().unwrap().stdout.len(), 60 << 10);
    }

    #[test]
    fn a_disk_can_be_read_only_for_a_while() {
        let Some((_dir, volume)) = volume() else { return };
        let file = volume.view().join("file");
        volume.set_read_only(true).unwrap();
        let error = fs::write(&file, "").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ReadOnlyFilesystem);
        volume.set_read_only(false).unwrap();
        fs::write(&file, "").unwrap();
        let open = File::create(&file).unwrap();
        assert_eq!(volume.set_read_only(true).unwrap_err().kind(), io::ErrorKind::ResourceBusy);
        drop(open);
    }

    #[test]
    fn nothing_is_left_of_a_disk() {
        let Some((dir, volume)) = volume() else { return };
        let view = volume.view();
        fs::write(view.join("file"), "").unwrap();
        drop(volume);
        assert!(!view.exists());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
