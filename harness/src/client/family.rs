//! A process with its descendants, as far as the system lists them (`/proc`, Linux only).

use std::fs;
use std::path::Path;
use std::time::Duration;

/// A fork bomb must not take the harness with it.
const DEPTH_MAX: u32 = 8;

/// Shows every thread of the process `pid` and of its descendants as its folder below `/proc`, the
/// process itself first. Of one that is gone there is nothing to show.
pub fn for_each_thread(pid: u32, show: &mut dyn FnMut(&Path)) {
    descend(pid, &mut |_| {}, show, 0);
}

/// The process ids of the process `pid` and of its descendants, itself first.
pub fn members(pid: u32) -> Vec<u32> {
    let mut members = Vec::new();
    descend(pid, &mut |member| members.push(member), &mut |_| {}, 0);
    members
}

/// For how long the threads of the process `pid` and of its descendants were at most ready to run and had no
/// processor (`schedstat`). Of a process that has ended and is not reaped, its first thread still tells. `None`
/// where the system does not say.
pub fn delayed(pid: u32) -> Option<Duration> {
    let mut longest = None;
    for_each_thread(pid, &mut |thread| {
        let text = fs::read_to_string(thread.join("schedstat")).unwrap_or_default();
        let nanos = text.split_whitespace().nth(1).and_then(|word| word.parse().ok());
        longest = longest.max(nanos.map(Duration::from_nanos));
    });
    longest
}

/// What a process has used by now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    /// CPU time in user mode.
    pub user: Duration,
    /// CPU time in the kernel.
    pub system: Duration,
    /// The largest resident set, in KiB.
    pub max_rss_kib: u64,
}

/// What the process `pid` has used, in the steps of the system's clock of processes (`/proc/PID/stat`, most often
/// 10 ms). Nothing where the system does not say.
pub fn used(pid: u32) -> Used {
    let text = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let stat = text("stat");
    // Its second field is a name in brackets, which may hold anything; these are the 14th and the 15th.
    let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11);
    let mut next = || {
        let ticks: u64 = fields.next()?.parse().ok()?;
        let nanos = ticks.checked_mul(1_000_000_000)?;
        nanos.checked_div(rustix::param::clock_ticks_per_second()).map(Duration::from_nanos)
    };
    let (user, system) = (next().unwrap_or_default(), next().unwrap_or_default());
    let status = text("status");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let max_rss_kib = peak.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    Used { user, system, max_rss_kib: max_rss_kib.unwrap_or(0) }
}

fn descend(pid: u32, process: &mut dyn FnMut(u32), thread: &mut dyn FnMut(&Path), depth: u32) {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return };
    process(pid);
    for task in tasks.flatten() {
        let path = task.path();
        thread(&path);
        if depth < DEPTH_MAX
            && let Ok(children) = fs::read_to_string(path.join("children"))
        {
            for child in children.split_whitespace().filter_map(|child| child.parse().ok()) {
                descend(child, process, thread, depth + 1);
            }
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_family_is_a_process_with_its_children() {
        let mut parent = Command::new("sh")
            .args(["-c", "sleep 600 & read wait; kill $!"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let pid = parent.id();
        let family = (0..10_000).map(|_| members(pid)).find(|members| members.len() == 2);
        let mut threads = 0;
        for_each_thread(pid, &mut |_| threads += 1);
        // Not every kernel keeps count.
        let counts = fs::exists("/proc/self/schedstat").unwrap();
        assert_eq!(delayed(pid).is_some(), counts);
        drop(parent.stdin.take());
        parent.wait().unwrap();
        assert_eq!(family.map(|family| family[0]), Some(pid));
        assert_eq!(threads, 2);
        assert_eq!(members(pid), [] as [u32; 0]);
        assert_eq!(delayed(pid), None);
    }
}
