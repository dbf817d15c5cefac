//! What the guardian does for processes that have left their group: it finds them by the variable in
//! their environment, and kills them.
//!
//! It runs in a process that was forked from one with several threads, so nothing here allocates, takes
//! a lock or calls anything that is not async-signal-safe (signal-safety(7)).

/// Kills every process whose marker says that the harness `harness` started it, and repeats that until
/// none is found. Does nothing where the system does not show the environment of processes.
pub fn kill_all(harness: u32) {
    imp::kill_all(harness);
}

#[cfg(target_os = "linux")]
mod imp {
    #![allow(unsafe_code)]

    use std::ffi::CStr;

    use crate::client::prepare::MARKER;

    /// Searches before giving up on processes that SIGKILL does not end, a millisecond apart.
    const PASSES: u32 = 5_000;

    /// Room for `CACHESTORM_CLIENT=4294967295-` and for `/proc/4294967295/environ`.
    const TEXT: usize = 64;

    /// A short text on the stack.
    pub struct Text {
        bytes: [u8; TEXT],
        length: usize,
    }

    impl Text {
        pub fn new() -> Self {
            Self { bytes: [0; TEXT], length: 0 }
        }

        /// Appends as much as there is room for and leaves a zero at the end.
        pub fn push(mut self, text: &[u8]) -> Self {
            for byte in text {
                if self.length + 1 < TEXT {
                    self.bytes[self.length] = *byte;
                    self.length += 1;
                }
            }
            self
        }

        pub fn push_number(self, number: u32) -> Self {
            let mut digits = [0_u8; 10];
            let mut first = digits.len();
            let mut rest = number;
            loop {
                first -= 1;
                // The remainder of a division by ten is one digit.
                digits[first] = b'0' + (rest % 10) as u8;
                rest /= 10;
                if rest == 0 {
                    break;
                }
            }
            self.push(&digits[first..])
        }

        pub fn as_bytes(&self) -> &[u8] {
            &self.bytes[..self.length]
        }
    }

    pub fn kill_all(harness: u32) {
        let prefix = Text::new().push(MARKER.as_bytes()).push(b"=").push_number(harness).push(b"-");
        for _ in 0..PASSES {
            if !kill_once(prefix.as_bytes()) {
                return;
            }
            let pause = libc::timespec { tv_sec: 0, tv_nsec: 1_000_000 };
            // SAFETY: the pointer is to a local value, and a null second pointer is allowed.
            unsafe { libc::nanosleep(&raw const pause, std::ptr::null_mut()) };
        }
    }

    /// One search through `/proc`. Returns whether it killed anything.
    fn kill_once(prefix: &[u8]) -> bool {
        // Aligned as the records of getdents64(2) are.
        let mut buffer = [0_u64; 1024];
        let mut killed = false;
        // SAFETY: the path ends with a zero, the buffer is as long as is said, and the descriptor is
        // this function's own.
        unsafe {
            let folder = libc::open(c"/proc".as_ptr(), libc::O_RDONLY | libc::O_DIRECTORY);
            if folder < 0 {
                return false;
            }
            loop {
                let length = size_of_val(&buffer);
                let read = libc::syscall(libc::SYS_getdents64, folder, buffer.as_mut_ptr(), length);
                let Some(read) = usize::try_from(read).ok().filter(|read| *read > 0) else { break };
                let bytes = std::slice::from_raw_parts(buffer.as_ptr().cast::<u8>(), read);
                for_each_pid(bytes, &mut |pid| {
                    if has_marker(pid, prefix) {
                        killed = true;
                        libc::kill(pid.cast_signed(), libc::SIGKILL);
                    }
                });
            }
            libc::close(folder);
        }
        killed
    }

    /// Calls `found` for each name in a buffer of getdents64(2) that is a number.
    fn for_each_pid(mut records: &[u8], found: &mut dyn FnMut(u32)) {
        // struct linux_dirent64: an inode and an offset of eight bytes each, the record's length in two,
        // a type in one, and the name.
        const LENGTH: usize = 16;
        const NAME: usize = 19;
        while let [low, high, ..] = *records.get(LENGTH..).unwrap_or_default() {
            let length = usize::from(u16::from_ne_bytes([low, high]));
            let (Some(name), Some(rest)) = (records.get(NAME..length), records.get(length..))
            else {
                return;
            };
            if let Some(pid) = number(name) {
                found(pid);
            }
            records = rest;
        }
    }

    /// The number that a name, which ends with a zero, consists of.
    pub fn number(name: &[u8]) -> Option<u32> {
        let name = CStr::from_bytes_until_nul(name).ok()?.to_bytes();
        let digit = |number: u32, byte: &u8| {
            let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
            number.checked_mul(10)?.checked_add(digit)
        };
        if name.is_empty() { None } else { name.iter().try_fold(0, digit) }
    }

    /// Whether a variable in the environment of `pid` begins with `prefix`.
    fn has_marker(pid: u32, prefix: &[u8]) -> bool {
        let path = Text::new().push(b"/proc/").push_number(pid).push(b"/environ");
        let mut buffer = [0_u8; 4096];
        let mut search = Search::new(prefix);
        let mut found = false;
        // SAFETY: the path ends with a zero, the buffer is as long as is said, and the descriptor is
        // this function's own.
        unsafe {
            let file = libc::open(path.bytes.as_ptr().cast(), libc::O_RDONLY);
            if file < 0 {
                return false;
            }
            while !found {
                let read = libc::read(file, buffer.as_mut_ptr().cast(), buffer.len());
                let Some(read) = usize::try_from(read).ok().filter(|read| *read > 0) else { break };
                found = search.feed(&buffer[..read]);
            }
            libc::close(file);
        }
        found
    }

    /// Looks for a prefix at the start of every variable, over as many pieces as there are.
    pub struct Search<'p> {
        prefix: &'p [u8],
        /// Bytes matched since the start of the variable; `None` where it has begun otherwise.
        matched: Option<usize>,
    }

    impl<'p> Search<'p> {
        pub fn new(prefix: &'p [u8]) -> Self {
            Self { prefix, matched: Some(0) }
        }

        pub fn feed(&mut self, bytes: &[u8]) -> bool {
            for byte in bytes {
                self.matched = match self.matched {
                    _ if *byte == 0 => Some(0),
                    Some(matched) if self.prefix.get(matched) == Some(byte) => Some(matched + 1),
                    _ => None,
                };
                if self.matched == Some(self.prefix.len()) {
                    return true;
                }
            }
            false
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    pub fn kill_all(_: u32) {}
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::Command;

    use super::imp::{Search, Text, number};
    use super::*;
    use crate::client::prepare::MARKER;

    #[test]
    fn texts_are_made_without_allocation() {
        let check = |number: u32, expected: &str| {
            let text = Text::new().push(b"/proc/").push_number(number).push(b"/environ");
            assert_eq!(text.as_bytes(), expected.as_bytes());
        };
        check(0, "/proc/0/environ");
        check(4711, "/proc/4711/environ");
        check(u32::MAX, "/proc/4294967295/environ");
    }

    #[test]
    fn names_are_process_ids_only_if_they_are_numbers() {
        let check = |name: &[u8], expected| assert_eq!(number(name), expected, "{name:?}");
        check(b"4711\0\0\0", Some(4711));
        check(b"self\0", None);
        check(b"47x\0", None);
        check(b"\0", None);
        check(b"99999999999\0", None);
        check(b"4711", None);
    }

    #[test]
    fn a_marker_is_found_at_the_start_of_a_variable_wherever_the_pieces_end() {
        let check = |environ: &str, expected: bool| {
            for cut in 0..=environ.len() {
                let (one, two) = environ.as_bytes().split_at(cut);
                let mut search = Search::new(b"M=7-");
                assert_eq!(search.feed(one) || search.feed(two), expected, "{environ} {cut}");
            }
        };
        check("A=1\0M=7-0/c01\0B=2\0", true);
        check("M=7-0/c01\0", true);
        check("XM=7-0/c01\0", false);
        check("A=M=7-0\0", false);
        check("M=77-0/c01\0", false);
        check("MM=7-\0", false);
        check("", false);
    }

    #[test]
    fn a_process_in_another_session_is_killed_by_its_marker() {
        // No harness has this number: it is beyond the largest that Linux gives to a process.
        let harness = 4_000_000_000;
        let sleeper = |marker: &str| {
            let mut command = Command::new("sleep");
            command.arg("600").env(MARKER, marker).process_group(0).spawn().unwrap()
        };
        let mut ours = sleeper(&format!("{harness}-3/c01"));
        let mut other = sleeper(&format!("{}-3/c01", harness + 1));
        // Killing repeats until nothing is found, and what has been killed is found until it is reaped
        // or has let go of its memory; so it is waited for beside.
        let killer = std::thread::spawn(move || kill_all(harness));
        assert_eq!(ours.wait().unwrap().signal(), Some(9));
        killer.join().unwrap();
        assert!(other.try_wait().unwrap().is_none(), "the client of another harness was killed");
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
