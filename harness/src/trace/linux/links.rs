//! What lies outside of the territory, and is a file of it all the same: links in the territory lead there.
//!
//! The published path may be a symbolic link, or one of several names of a file, or lie below a folder that is a link.
//! Whoever writes to that file under another name changes what is published, and so does whoever gives a name on the
//! way to another file. Files are told by their numbers, and names by the way that leads through them. It is found out
//! at every call, since links come and go at any time.
//!
//! A lock or a file that belongs to the published one is known so from when a client has opened it by its name in the
//! territory, as its description has patterns for these, and no names.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use super::paths;
use crate::model::call::{CallName, Place};
use crate::model::record::Role;
use crate::trace::terms::Territory;

/// The kernel follows no more links than this on one way.
const LINKS_MAX: usize = 40;

/// The files of the territory that may be links, by their whole paths.
#[derive(Debug, Default)]
pub(super) struct Links(BTreeMap<PathBuf, Place>);

impl Links {
    /// Those of a territory: the published file.
    pub fn of(territory: &Territory) -> Self {
        let mut links = Self::default();
        if let Some(root) = territory.roots.last() {
            let path = root.join(territory.roles.published());
            let place = territory.place(&path);
            links.0.insert(path, place);
        }
        links
    }

    /// A thread has opened a file of the territory, and the descriptor may lead out of that.
    pub fn opened(&mut self, tid: i32, fd: u64, place: &Place, territory: &Territory) {
        let belongs = matches!(place.role, Some(Role::Lock | Role::Sidecar));
        let Some(root) = territory.roots.last().filter(|_| belongs) else { return };
        if let Some(paths::Open::File(path)) = paths::open(tid, fd)
            && territory.place(&path).role.is_none()
        {
            self.0.insert(root.join(&place.path), place.clone());
        }
    }

    /// The file of the territory that a thread's descriptor stands for, by its name there.
    pub fn descriptor(&self, tid: i32, fd: u64) -> Option<Place> {
        let file = paths::of_descriptor(tid, fd);
        let found = self.0.iter().find(|(link, _)| are_one_file(link, &file));
        found.map(|(_, place)| place.clone())
    }

    /// What a path outside of the territory is there, for a call that names it. It keeps its own name.
    pub fn named(&self, path: &Path, call: CallName) -> Option<Place> {
        let is = |link: &Path| match about(call) {
            About::File => are_one_file(link, path),
            About::Name => leads_through(link, path, call),
            About::Either => {
                are_one_file(link, path) || !path.exists() && leads_through(link, path, call)
            }
        };
        let (_, place) = self.0.iter().find(|(link, _)| is(link))?;
        Some(Place { path: path.to_string_lossy().into_owned(), role: place.role })
    }
}

/// What a call changes or asks for.
enum About {
    /// The file that a path leads to.
    File,
    /// The path itself, as a name in its directory.
    Name,
    /// The file, or the name where there is none.
    Either,
}

fn about(call: CallName) -> About {
    match call {
        CallName::Readlink => About::Name,
        CallName::Open => About::Either,
        name if name.changes_names() => About::Name,
        _ => About::File,
    }
}

/// Whether two paths lead to the same file.
fn are_one_file(link: &Path, path: &Path) -> bool {
    let Ok(link) = fs::metadata(link) else { return false };
    fs::metadata(path).is_ok_and(|file| (file.dev(), file.ino()) == (link.dev(), link.ino()))
}

/// Whether the way from a path to its file leads through a name, which need not be there, so that a call can change
/// where it leads.
///
/// The way is gone part by part, as the kernel goes it (path_resolution(7)): folders on it may be links, too.
fn leads_through(path: &Path, name: &Path, call: CallName) -> bool {
    let Some(name) = in_its_directory(name) else { return false };
    let mut at = PathBuf::new();
    // The parts that are still to be gone, the next one last.
    let mut rest = parts(path);
    let mut links = 0;
    while let Some(part) = rest.pop() {
        match Path::new(&part).components().next() {
            None | Some(Component::CurDir) => {}
            Some(Component::ParentDir) => {
                at.pop();
            }
            Some(Component::Normal(part)) => {
                let here = at.join(part);
                let to = fs::read_link(&here);
                let is_folder = to.is_err() && !rest.is_empty() && here.is_dir();
                // Of a folder that is none, only a rename makes another one: programs that make or resolve a whole
                // path ask `mkdir` and `readlink` about every part of it, and change nothing.
                if here == name && (!is_folder || call == CallName::Rename) {
                    return true;
                }
                match to {
                    Ok(to) if links < LINKS_MAX => {
                        links += 1;
                        rest.extend(parts(&to));
                    }
                    // It is there, and no link.
                    Err(error) if error.kind() == ErrorKind::InvalidInput => at = here,
                    _ => return false,
                }
            }
            Some(root) => at = PathBuf::from(root.as_os_str()),
        }
    }
    false
}

/// The parts of a path, the first one last.
fn parts(path: &Path) -> Vec<OsString> {
    path.components().rev().map(|part| part.as_os_str().to_owned()).collect()
}

/// A path by the true path of the directory that it is a name in.
fn in_its_directory(path: &Path) -> Option<PathBuf> {
    Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?))
}
