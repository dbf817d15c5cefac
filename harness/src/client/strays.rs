//! Processes that a client left behind, also those that fled into a group or session of their own.
//!
//! On Linux the harness makes itself the reaper of its descendants' orphans, so that whatever loses
//! its parent becomes the harness's child, and knows its own by a variable in their environment.
//! Elsewhere a process that leaves its group escapes this search.

use super::prepare::MARKER;

/// Searches before giving up on a program that forks faster than it can be killed.
pub const SEARCHES: u32 = 1_000;

/// A process that a client left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// Its process id.
    pub pid: u32,
    /// The marker of the client that started it, or whose descendant did.
    pub marker: String,
}

/// Whether this program has no children but the guardian, so that all that come will be its own. A shell
/// that becomes this program leaves it the jobs that it had started.
pub fn is_childless() -> bool {
    imp::is_childless()
}

/// Ends every child of this program but the guardian, and returns those that still ran. For a program
/// that was childless, runs nothing else and has ended all its clients: what is left is what a client
/// left behind without its marker, in an environment of its own.
pub fn end_unmarked() -> Vec<u32> {
    imp::end_unmarked()
}

/// Makes orphans of our descendants our children from now on. Does nothing where there is no such call.
pub fn adopt_orphans() {
    imp::adopt_orphans();
}

/// The orphans whose marker begins with `run`, and that are no process of `known`.
pub fn find(run: &str, known: &dyn Fn(u32) -> bool) -> Vec<Stray> {
    imp::find(run, known)
}

/// Kills a stray and reaps it.
pub fn kill(stray: &Stray) {
    imp::kill(stray.pid);
}

#[cfg(target_os = "linux")]
mod imp {
    #![allow(unsafe_code)]

    use std::fs;

    use super::{MARKER, Stray};

    pub fn adopt_orphans() {
        // SAFETY: this prctl takes no pointers. It fails on kernels before 3.4 only, where strays then
        // stay unfound.
        unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) };
    }

    pub fn find(run: &str, known: &dyn Fn(u32) -> bool) -> Vec<Stray> {
        children()
            .into_iter()
            .filter(|pid| !known(*pid))
            .filter_map(|pid| Some(Stray { pid, marker: marker(pid)? }))
            .filter(|stray| stray.marker.starts_with(run))
            .collect()
    }

    /// The children of every thread of this program.
    fn children() -> Vec<u32> {
        let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        tasks
            .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
            .flat_map(|children| {
                children.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>()
            })
            .collect()
    }

    /// The same without the guardian.
    fn others() -> Vec<u32> {
        let guardian = crate::client::guardian::pid();
        children().into_iter().filter(|pid| Some(*pid) != guardian).collect()
    }

    pub fn is_childless() -> bool {
        others().is_empty()
    }

    pub fn end_unmarked() -> Vec<u32> {
        let mut ended = Vec::new();
        // The children of a child that is killed become ours in turn.
        for _ in 0..super::SEARCHES {
            let left = others();
            if left.is_empty() {
                break;
            }
            for pid in left {
                if kill(pid) {
                    ended.push(pid);
                }
            }
        }
        ended
    }

    /// The marker in the environment of `pid`, if it is a process of ours.
    fn marker(pid: u32) -> Option<String> {
        let environ = fs::read(format!("/proc/{pid}/environ")).ok()?;
        let prefix = format!("{MARKER}=");
        environ
            .split(|byte| *byte == 0)
            .find_map(|variable| variable.strip_prefix(prefix.as_bytes()))
            .map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// Returns whether it still ran.
    pub fn kill(pid: u32) -> bool {
        let Ok(pid) = i32::try_from(pid) else { return false };
        // SAFETY: no call takes a pointer that is not null. The process is our child and not reaped, so
        // its number is its own.
        unsafe {
            if libc::waitpid(pid, std::ptr::null_mut(), libc::WNOHANG) == pid {
                return false;
            }
            libc::kill(pid, libc::SIGKILL);
            libc::waitpid(pid, std::ptr::null_mut(), 0) == pid
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use super::Stray;

    pub fn adopt_orphans() {}

    pub fn find(_: &str, _: &dyn Fn(u32) -> bool) -> Vec<Stray> {
        Vec::new()
    }

    pub fn kill(_: u32) {}

    pub fn is_childless() -> bool {
        false
    }

    pub fn end_unmarked() -> Vec<u32> {
        Vec::new()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn an_orphan_in_another_session_is_found_by_its_marker_and_killed() {
        adopt_orphans();
        // No run of a harness has this tag.
        let tag = format!("{}-strays/", std::process::id());
        let parent = Command::new("sh")
            .args(["-c", "setsid sleep 600 > /dev/null 2>&1 & echo $!"])
            .env(MARKER, format!("{tag}c07"))
            .output()
            .unwrap();
        let pid: u32 = String::from_utf8(parent.stdout).unwrap().trim().parse().unwrap();
        let since = Instant::now();
        let found = loop {
            let found = find(&tag, &|_| false);
            if !found.is_empty() {
                break found;
            }
            assert!(since.elapsed() < Duration::from_secs(120), "it was never found");
        };
        assert_eq!(found, [Stray { pid, marker: format!("{tag}c07") }]);
        assert_eq!(find(&tag, &|known| known == pid), []);
        assert_eq!(find(&format!("{tag}c08"), &|_| false), []);
        kill(&found[0]);
        assert_eq!(find(&tag, &|_| false), []);
    }
}
