//! From what a call names (a path, a descriptor) to a place in the cache directory or elsewhere.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use super::calls::int;
use super::sys::memory;

/// What a descriptor stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Open {
    /// A file or directory, by its whole path.
    File(PathBuf),
    /// A socket, by its name in `/proc`, which all descriptors of it share.
    Socket(String),
    /// A pipe, a timer or the like.
    Other(String),
}

/// What the descriptor `fd` of a thread stands for, if it is open.
pub fn open(tid: i32, fd: u64) -> Option<Open> {
    let link = fs::read_link(of_descriptor(tid, fd)).ok()?;
    let bytes = link.as_os_str().as_bytes();
    if bytes.starts_with(b"/") {
        return Some(Open::File(file(bytes)));
    }
    let text = link.to_string_lossy().into_owned();
    Some(if text.starts_with("socket:") { Open::Socket(text) } else { Open::Other(text) })
}

/// Where the descriptor `fd` of a thread leads, as a path by which it can be opened or asked about.
pub fn of_descriptor(tid: i32, fd: u64) -> PathBuf {
    PathBuf::from(format!("/proc/{tid}/fd/{}", int(fd)))
}

/// The file that a process has mapped at an address, if there is one.
pub fn mapped(tid: i32, address: u64) -> Option<PathBuf> {
    let maps = fs::read(format!("/proc/{tid}/maps")).ok()?;
    maps.split(|byte| *byte == b'\n').find_map(|line| {
        // `7f00-7f10 rw-s 00000000 08:02 135522   /usr/lib/x`, in hexadecimal (proc_pid_maps(5)).
        let number = |part: &[u8]| u64::from_str_radix(std::str::from_utf8(part).ok()?, 16).ok();
        let range = line.split(|byte| *byte == b' ').next()?;
        let dash = range.iter().position(|byte| *byte == b'-')?;
        let (from, to) = (number(&range[..dash])?, number(&range[dash + 1..])?);
        if !(from..to).contains(&address) {
            return None;
        }
        let path = &line[line.iter().position(|byte| *byte == b'/')?..];
        Some(file(path))
    })
}

/// A path as `/proc` writes it. A file that was removed or replaced is still the one that it was.
fn file(path: &[u8]) -> PathBuf {
    let path = path.strip_suffix(b" (deleted)").unwrap_or(path);
    PathBuf::from(OsString::from_vec(path.to_vec()))
}

/// The whole path that a call names, by the address of its text.
pub fn named(tid: i32, dir: Option<u64>, address: u64) -> Option<PathBuf> {
    let text = memory::text(tid, address).ok()?;
    let path = PathBuf::from(OsString::from_vec(text));
    if path.is_absolute() {
        return Some(normal(&path));
    }
    let base = match dir {
        Some(fd) if int(fd) != libc::AT_FDCWD.cast_unsigned() => match open(tid, fd)? {
            Open::File(path) => path,
            _ => return None,
        },
        _ => fs::read_link(format!("/proc/{tid}/cwd")).ok()?,
    };
    // An empty path names the descriptor itself (AT_EMPTY_PATH).
    if path.as_os_str().is_empty() { Some(base) } else { Some(normal(&base.join(path))) }
}

/// A path without `.` and `..`. Links on the way are left as they are: the last part of a path is a name that
/// calls such as `rename` and `unlink` do not follow either.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;
    use crate::model::client::{Files, LockKind, PublishedForm};
    use crate::model::record::Role;
    use crate::record::roles::Roles;
    use crate::trace::terms::Territory;

    #[test]
    fn places_are_told_by_where_they_lie() {
        let files = Files {
            published: "p/list.json".into(),
            form: PublishedForm::Catalogue,
            locks: vec!["p/*.lock".into()],
            lock_kind: LockKind::Advisory,
            temporaries: Vec::new(),
            sidecars: Vec::new(),
            embedded: None,
        };
        let roots = vec!["/cache".into(), "/real/cache".into()];
        let territory = Territory { roots, roles: Roles::new(&files).unwrap() };
        let check = |path: &str, expected: &str, role| {
            let place = territory.place(&normal(Path::new(path)));
            assert_eq!((place.path.as_str(), place.role), (expected, role), "{path}");
        };
        check("/cache/p/list.json", "p/list.json", Some(Role::Published));
        check("/real/cache/p/x/../a.lock", "p/a.lock", Some(Role::Lock));
        check("/cache", ".", Some(Role::Other));
        check("/cache2/p/list.json", "/cache2/p/list.json", None);
        check("/etc/./hosts", "/etc/hosts", None);
    }

    #[test]
    fn descriptors_are_told_by_what_they_stand_for() {
        let me = i32::try_from(std::process::id()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap().join("a");
        let file = fs::File::create(&path).unwrap();
        let fd = |raw: i32| u64::from(raw.cast_unsigned());
        assert_eq!(open(me, fd(file.as_raw_fd())), Some(Open::File(path.clone())));
        fs::remove_file(&path).unwrap();
        assert_eq!(open(me, fd(file.as_raw_fd())), Some(Open::File(path)));
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        assert!(matches!(open(me, fd(socket.as_raw_fd())), Some(Open::Socket(_))));
        assert_eq!(open(me, fd(-1)), None);
    }
}
