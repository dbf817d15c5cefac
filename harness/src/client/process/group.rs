//! Who is in a process group, besides the leader that has ended.
#![allow(unsafe_code)]

/// Reaps the ended orphans of a group. They have become ours (see [`crate::client::strays`]), and as
/// zombies they would count as members for ever.
pub fn reap_orphans(group: u32) {
    let Ok(group) = i32::try_from(group) else { return };
    // SAFETY: a null status pointer is allowed; the call takes no other pointer.
    while unsafe { libc::waitpid(-group, std::ptr::null_mut(), libc::WNOHANG) } > 0 {}
}

/// The process ids of the living members of a group. Where the system does not list processes, a group
/// that has members is told by its own number.
pub fn members(group: u32) -> Vec<u32> {
    imp::members(group)
}

#[cfg(target_os = "linux")]
mod imp {
    use std::fs;

    pub fn members(group: u32) -> Vec<u32> {
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let mut members: Vec<u32> = processes
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|pid| {
                let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
                stat.ok().as_deref().and_then(parse_stat) == Some((true, group))
            })
            .collect();
        members.sort_unstable();
        members
    }

    /// Whether the process lives, and its group, in a line of `/proc/PID/stat` (proc_pid_stat(5)).
    pub fn parse_stat(line: &str) -> Option<(bool, u32)> {
        // The second field is the program's name in parentheses and may itself hold any character.
        let mut fields = line.get(line.rfind(')')? + 1..)?.split_whitespace();
        let lives = !matches!(fields.next()?, "Z" | "X");
        Some((lives, fields.nth(1)?.parse().ok()?))
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    pub fn members(group: u32) -> Vec<u32> {
        match crate::client::process::send(group, 0, crate::client::process::Scope::Group) {
            Ok(()) => vec![group],
            Err(_) => Vec::new(),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    use super::*;

    #[test]
    fn a_line_of_stat_tells_the_group_past_any_program_name() {
        let check = |line: &str, expected| assert_eq!(imp::parse_stat(line), expected, "{line}");
        check("12 (sh) S 1 7 9 0 -1", Some((true, 7)));
        check("12 (a) R (b) T 1 7 9 0 -1", Some((true, 7)));
        check("12 (sh) Z 1 7 9 0 -1", Some((false, 7)));
        check("12 (sh", None);
        check("", None);
    }

    #[test]
    fn members_are_those_that_live() {
        let mut leader = Command::new("sleep").arg("600").process_group(0).spawn().unwrap();
        let group = leader.id();
        let joined = i32::try_from(group).unwrap();
        let mut other = Command::new("sleep").arg("600").process_group(joined).spawn().unwrap();
        let mut both = vec![group, other.id()];
        both.sort_unstable();
        assert_eq!(members(group), both);
        other.kill().unwrap();
        other.wait().unwrap();
        assert_eq!(members(group), [group]);
        leader.kill().unwrap();
        leader.wait().unwrap();
        assert_eq!(members(group), [] as [u32; 0]);
    }
}
