//! Who holds the lock, as far as that can be observed of programs that nobody modified.
//!
//! - An advisory lock is known to the kernel: `/proc/PID/fdinfo/N` lists the locks that were taken
//!   through a descriptor (proc_pid_fdinfo(5)), and `/proc/PID/fd/N` leads to its file. Unlike
//!   `/proc/locks` this holds also where a file system gives its files another device number than its
//!   locks (btrfs, overlayfs), and for locks without a process (open file description locks).
//! - A lock that *is* a file is known to whoever wrote it. Most write their process id into it, or into
//!   a file in the folder that is the lock.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::client::family;
use crate::model::units::ClientId;

/// A live client: which, and its process id.
pub type Live = (ClientId, u32);

/// The longest lock file that is read for a process id, in bytes.
const NOTE_MAX: u64 = 4096;

/// Who holds a lock, and how that is known, in a sentence.
pub type Known = (ClientId, String);

/// The live client that holds one of `locks`, the paths of the lock files there are, below `dir`.
///
/// # Errors
/// Why nobody can be said to hold one.
pub fn holder(dir: &Path, locks: &[PathBuf], live: &[Live]) -> Result<Known, String> {
    if locks.is_empty() {
        return Err("there is no lock file".to_owned());
    }
    let of_kernel = || locks.iter().find_map(|lock| by_kernel(dir, lock, live));
    let of_note = || locks.iter().find_map(|lock| by_note(dir, lock, live));
    of_kernel().or_else(of_note).ok_or_else(|| {
        "no live client has an advisory lock on the lock file, or its process id in it".to_owned()
    })
}

/// By what the kernel tells about the descriptors of each client and its descendants.
fn by_kernel(dir: &Path, lock: &Path, live: &[Live]) -> Option<Known> {
    let wanted = fs::metadata(dir.join(lock)).ok()?;
    for (client, pid) in live {
        for member in family::members(*pid) {
            if let Some(what) = locked_by(member, (wanted.dev(), wanted.ino())) {
                let lock = lock.display();
                return Some((*client, format!("{client} holds {lock}: {what} (pid {member})")));
            }
        }
    }
    None
}

/// The lock that a process has on the file of this device and inode, in words.
fn locked_by(pid: u32, wanted: (u64, u64)) -> Option<String> {
    for entry in fs::read_dir(format!("/proc/{pid}/fd")).ok()?.flatten() {
        // A descriptor that was closed meanwhile holds nothing.
        let same = fs::metadata(entry.path()).is_ok_and(|it| (it.dev(), it.ino()) == wanted);
        if !same {
            continue;
        }
        let number = entry.file_name().to_string_lossy().into_owned();
        let info = fs::read_to_string(format!("/proc/{pid}/fdinfo/{number}")).ok()?;
        if let Some(kind) = info.lines().find_map(lock_kind) {
            return Some(format!("the kernel lists a {kind} lock on its descriptor {number}"));
        }
    }
    None
}

/// The kind of a lock that is held, in a line of `/proc/PID/fdinfo/N`: `lock:\t1: FLOCK  ADVISORY ...`.
fn lock_kind(line: &str) -> Option<&str> {
    let mut words = line.strip_prefix("lock:")?.split_whitespace();
    // An arrow in the place of the kind marks one who waits.
    words.nth(1).filter(|kind| *kind != "->")
}

/// By the process ids that stand in the lock.
fn by_note(dir: &Path, lock: &Path, live: &[Live]) -> Option<Known> {
    let noted = numbers_in(&dir.join(lock));
    let (client, pid) = live.iter().find_map(|(client, pid)| {
        let member = family::members(*pid).into_iter().find(|member| noted.contains(member))?;
        Some((*client, member))
    })?;
    let lock = lock.display();
    Some((client, format!("{client} holds {lock}: its process id stands in it (pid {pid})")))
}

/// The numbers in a small file, or in the small files of a folder.
fn numbers_in(path: &Path) -> Vec<u32> {
    let Ok(metadata) = fs::symlink_metadata(path) else { return Vec::new() };
    if metadata.is_dir() {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        let files = entries.map(|entry| entry.path()).filter(|path| path.is_file());
        return files.flat_map(|file| numbers_in(&file)).collect();
    }
    if !metadata.is_file() || metadata.len() > NOTE_MAX {
        return Vec::new();
    }
    let bytes = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    text.split(|it: char| !it.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// A process that has done what `script` does in `dir` and then waits.
    fn client(dir: &Path, script: &str) -> Child {
        let done = dir.join("done");
        let child = Command::new("sh")
            .args(["-c", &format!("{script}; : > done; read wait")])
            .current_dir(dir)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        while !done.exists() {
            std::thread::yield_now();
        }
        fs::remove_file(done).unwrap();
        child
    }

    fn check(script: &str, locks: &[&str], expected: Result<&str, &str>) {
        let dir = tempfile::tempdir().unwrap();
        let (mut other, mut one) = (client(dir.path(), ":"), client(dir.path(), script));
        let live = [(ClientId(1), other.id()), (ClientId(2), one.id())];
        let locks: Vec<PathBuf> = locks.iter().map(PathBuf::from).collect();
        let found = holder(dir.path(), &locks, &live);
        match (found, expected) {
            (Ok((client, how)), Ok(part)) => {
                assert_eq!(client, ClientId(2));
                assert!(how.contains(part), "{how}");
            }
            (Err(why), Err(part)) => assert!(why.contains(part), "{why}"),
            (found, expected) => panic!("{script}: {found:?}, expected {expected:?}"),
        }
        for child in [&mut one, &mut other] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    #[test]
    fn the_kernel_knows_who_has_an_advisory_lock() {
        if Command::new("flock").arg("--version").stdout(Stdio::null()).status().is_err() {
            return;
        }
        check("exec 9> l; flock 9", &["no", "l"], Ok("a FLOCK lock on its descriptor 9"));
        check("exec 9> l", &["l"], Err("no live client"));
        check(":", &[], Err("there is no lock file"));
    }

    #[test]
    fn a_lock_that_is_a_file_tells_by_the_process_id_in_it() {
        check("echo \"{\\\"pid\\\": $$}\" > l", &["l"], Ok("its process id stands in it"));
        check("mkdir l; echo $$ > l/owner", &["l"], Ok("its process id stands in it"));
        check("mkdir l", &["l"], Err("no live client"));
        check("echo 4 > l", &["l"], Err("no live client"));
    }

    #[test]
    fn a_line_of_fdinfo_tells_the_kind_of_a_lock_that_is_held() {
        let check = |line: &str, expected| assert_eq!(lock_kind(line), expected, "{line}");
        check("lock:\t1: FLOCK  ADVISORY  WRITE 359 00:13:11691 0 EOF", Some("FLOCK"));
        check("lock:\t1: POSIX  ADVISORY  WRITE 359 00:13:11691 0 EOF", Some("POSIX"));
        check("lock:\t1: -> FLOCK  ADVISORY  WRITE 359 00:13:11691 0 EOF", None);
        check("pos:\t0", None);
    }
}
