//! On a terminal there is a bar, and colours.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{FromRawFd, OwnedFd};
use std::process::Stdio;
use std::thread;

use super::support::{BEHAVE, Place, RUN};

/// The two ends of a terminal: ours and the program's (openpty(3)).
fn terminal() -> (File, OwnedFd) {
    let (mut ours, mut its) = (-1, -1);
    let mut size = libc::winsize { ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
    let null = std::ptr::null_mut();
    // SAFETY: all pointers are to valid places of their types or null where that is allowed, and the
    // descriptors that come back are nobody else's.
    unsafe {
        let made = libc::openpty(&raw mut ours, &raw mut its, null, null.cast(), &raw mut size);
        assert_eq!(made, 0, "{}", io::Error::last_os_error());
        (File::from_raw_fd(ours), OwnedFd::from_raw_fd(its))
    }
}

#[test]
fn progress_is_a_bar_on_a_terminal() {
    let place = Place::new("", BEHAVE);
    let (mut ours, its) = terminal();
    let mut command = place.command(&[RUN, &["--repeat", "2", "--jobs", "1"]].concat());
    // Without a kind of terminal there would be no colours.
    command.env("TERM", "xterm-256color");
    command.stdout(Stdio::from(its.try_clone().unwrap())).stderr(Stdio::from(its));
    let reader = thread::spawn(move || {
        let mut shown = Vec::new();
        let mut piece = [0; 4096];
        // The system tells that the other end is closed by an error.
        while let Ok(count @ 1..) = ours.read(&mut piece) {
            shown.extend_from_slice(&piece[..count]);
        }
        String::from_utf8_lossy(&shown).into_owned()
    });
    let status = command.spawn().unwrap().wait().unwrap();
    // It holds the program's end, too.
    drop(command);
    let shown = reader.join().unwrap();
    assert_eq!(status.code(), Some(0), "{shown}");
    assert!(shown.contains('█') && shown.contains("2/2"), "there is a bar: {shown}");
    assert!(shown.contains("\u{1b}[32mpass"), "a pass is green: {shown}");
    let report = shown.rfind("Summary").expect("there is a report");
    assert!(!shown[report..].contains('█'), "the bar is taken away: {shown}");
}
