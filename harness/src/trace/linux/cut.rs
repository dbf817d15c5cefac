//! A call that is to transfer fewer bytes than its program has asked for.
//!
//! The number of bytes is an argument of the call or, where it names an array of buffers, the length of the
//! first of them that has room, which then is the only one; of several messages, the first is the only one. What was
//! changed is put back behind the call: programs keep what they have passed in registers and buffers, and go on with
//! it. A call that the kernel makes again is cut again, since it is made with what its program has passed.

use std::io;

use super::buffers::{self, Named};
use super::calls::{self, Extra};
use super::sys::ptrace;

/// What is changed so that a call transfers fewer bytes.
#[derive(Debug)]
pub(super) struct Cut(Vec<Change>);

/// One number, and what it is before and while it is changed.
#[derive(Debug, Clone, Copy)]
struct Change {
    place: Place,
    before: u64,
    within: u64,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    /// An argument, by its number.
    Argument(usize),
    /// Eight bytes at an address.
    Word(u64),
}

impl Cut {
    /// What cuts a call that a thread stands before to `bytes`; `None` where it asks for no more than that, or not for
    /// a number of bytes at all.
    pub fn of(tid: i32, extra: Extra, args: &[u64; 6], bytes: u64) -> Option<Self> {
        let argument = |number: usize, within| Change {
            place: Place::Argument(number),
            before: args[number],
            within,
        };
        if let Extra::Bytes(number) = extra {
            return (args[number] > bytes).then(|| Self(vec![argument(number, bytes)]));
        }
        let (named, buffers) = buffers::of_call(tid, extra, args)?;
        // Empty buffers, which some C libraries put first, would be the end of the file by themselves.
        let mut full = buffers.iter().filter(|buffer| buffer.length > 0);
        let first = full.next()?;
        let more_messages =
            matches!(extra, Extra::Messages(_, count) if calls::int(args[count]) > 1);
        if first.length <= bytes && full.next().is_none() && !more_messages {
            return None;
        }
        let word = |address, before, within| Change { place: Place::Word(address), before, within };
        let mut changes = vec![word(first.length_at(), first.length, first.length.min(bytes))];
        match named {
            Named::Arguments(at, number) => {
                changes.extend([argument(at, first.vector), argument(number, 1)]);
            }
            Named::Words((at, array), (number, count)) => {
                changes.extend([word(at, array, first.vector), word(number, count, 1)]);
            }
        }
        if let Extra::Messages(_, count) = extra {
            changes.push(argument(count, 1));
        }
        Some(Self(changes))
    }

    /// Cuts the call that a thread stands before.
    pub fn make(&self, tid: i32) -> io::Result<()> {
        self.0.iter().try_for_each(|change| set(tid, change.place, change.within))
    }

    /// Puts back what was changed, behind the call.
    pub fn undo(&self, tid: i32) {
        for change in &self.0 {
            // A process that is gone has nothing to be put back.
            let _ = set(tid, change.place, change.before);
        }
    }
}

fn set(tid: i32, place: Place, value: u64) -> io::Result<()> {
    match place {
        Place::Argument(number) => ptrace::set_argument(tid, number, value),
        Place::Word(address) => ptrace::set_word(tid, address, value),
    }
}
