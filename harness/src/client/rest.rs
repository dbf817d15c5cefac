//! Whether a process sleeps in the kernel, which is how a herd is seen to wait.
//!
//! A process is at rest when every thread of it and of its descendants sleeps (or is stopped, or has
//! ended) and has used no CPU time since it was last looked at. This is a heuristic and may be one: it
//! only decides how long a response is held, and no verdict rests on it but the count of contenders.

use std::collections::BTreeMap;

/// Looks in a row at which a process must have been at rest, so that a nap in start-up is no rest.
const LOOKS: u32 = 4;

/// The herd as it was when last looked at.
///
/// A process that has been found at rest is taken to wait from then on: one that polls for its turn
/// wakes up again and again, and in a large herd some process is awake at every moment.
#[derive(Debug, Default)]
pub struct RestWatch {
    seen: BTreeMap<u32, Seen>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    ticks: u64,
    calm: u32,
}

impl RestWatch {
    /// Looks at the processes `pids` once, and says whether all of them wait. Where the system does
    /// not tell, it says so with `None`.
    pub fn look(&mut self, pids: impl IntoIterator<Item = u32>) -> Option<bool> {
        let mut all_wait = true;
        for pid in pids {
            let before = self.seen.get(&pid).copied();
            if before.is_some_and(|seen| seen.calm >= LOOKS) {
                continue;
            }
            let state = imp::state(pid)?;
            let calm = match before {
                Some(seen) if state.asleep && seen.ticks == state.ticks => seen.calm + 1,
                _ => 0,
            };
            self.seen.insert(pid, Seen { ticks: state.ticks, calm });
            all_wait &= calm >= LOOKS;
        }
        Some(all_wait)
    }
}

/// A process with its descendants at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    asleep: bool,
    /// CPU time of the whole family, in clock ticks.
    ticks: u64,
}

#[cfg(target_os = "linux")]
mod imp {
    use std::fs;

    use super::State;
    use crate::client::family;

    /// `None` where there is no `/proc` to tell.
    pub fn state(pid: u32) -> Option<State> {
        if !fs::exists("/proc/self/stat").unwrap_or(false) {
            return None;
        }
        let mut state = State { asleep: true, ticks: 0 };
        // One that is gone is at rest.
        family::for_each_thread(pid, &mut |thread| {
            if let Some((asleep, ticks)) =
                fs::read_to_string(thread.join("stat")).ok().as_deref().and_then(parse_stat)
            {
                state.asleep &= asleep;
                state.ticks += ticks;
            }
        });
        Some(state)
    }

    /// The state letter and the CPU time in a line of `/proc/PID/stat` (proc_pid_stat(5)).
    pub fn parse_stat(line: &str) -> Option<(bool, u64)> {
        // The second field is the program's name in parentheses and may itself hold any character.
        let fields: Vec<&str> = line.get(line.rfind(')')? + 1..)?.split_whitespace().collect();
        let asleep = matches!(*fields.first()?, "S" | "T" | "t" | "Z" | "X" | "I");
        let user: u64 = fields.get(11)?.parse().ok()?;
        let system: u64 = fields.get(12)?.parse().ok()?;
        Some((asleep, user + system))
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use super::State;

    pub fn state(_: u32) -> Option<State> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn check(line: &str, expected: Option<(bool, u64)>) {
        assert_eq!(imp::parse_stat(line), expected, "{line}");
    }

    #[test]
    fn a_line_of_stat_is_read_past_any_program_name() {
        let tail = "1 2 3 0 -1 4194304 100 0 0 0 7 5 0 0 20 0 1 0 100";
        check(&format!("12 (sh) S {tail}"), Some((true, 12)));
        check(&format!("12 (a) R (b) R {tail}"), Some((false, 12)));
        check(&format!("12 (x) D {tail}"), Some((false, 12)));
        check("12 (sh) S", None);
        check("", None);
    }

    #[test]
    fn rest_takes_several_looks_and_a_busy_process_never_rests() {
        let mut sleeper = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let mut watch = RestWatch::default();
        let looks = (1..1000).find(|_| {
            // Time for the process to reach its sleep; how much does not matter.
            std::thread::sleep(std::time::Duration::from_millis(5));
            watch.look([sleeper.id()]) == Some(true)
        });
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
        assert!(looks.is_some_and(|looks| looks > LOOKS), "{looks:?}");
        // This very process runs while it looks.
        let mut busy = RestWatch::default();
        assert!((0..10).all(|_| busy.look([std::process::id()]) == Some(false)));
    }
}
