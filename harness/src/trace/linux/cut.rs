//! A call that is to transfer fewer bytes than its program has asked for.
//!
//! The number of bytes is an argument of the call or, where it names an array of buffers, the length of the
//! first of them that has room, which then is the only one; of several messages, the first is the only one. What was
//! changed is put back behind the call: programs keep what they have passed in registers and buffers, and go on with
//! it. A call that the kernel makes again is cut again, since it is made with what its program has passed.
//!
//! Other threads of a program see its memory while it is changed. What they write there meanwhile stays, and what one
//! cut has changed no other does, for it would take that for the program's.

use std::io;

use super::buffers::{self, Named};
use super::calls::{self, Extra};
use super::sys::{memory, ptrace};

/// The bytes of a `msghdr`, behind which a `mmsghdr` has the number of bytes that its message has transferred.
const MESSAGE: u64 = 56;

/// What is changed so that a call transfers fewer bytes.
#[derive(Debug)]
pub(super) struct Cut {
    changes: Vec<Change>,
    /// How many bytes the call transfers at most.
    most: u64,
    /// Where the kernel counts them, for a call that returns a number of messages.
    counted_at: Option<u64>,
}

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
            return (args[number] > bytes).then(|| Self {
                changes: vec![argument(number, bytes)],
                most: bytes,
                counted_at: None,
            });
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
        let most = first.length.min(bytes);
        let mut changes = vec![word(first.length_at(), first.length, most)];
        match named {
            Named::Arguments(at, number) => {
                changes.extend([argument(at, first.vector), argument(number, 1)]);
            }
            Named::Words((at, array), (number, count)) => {
                changes.extend([word(at, array, first.vector), word(number, count, 1)]);
            }
        }
        let mut counted_at = None;
        if let Extra::Messages(array, count) = extra {
            changes.push(argument(count, 1));
            counted_at = Some(args[array].wrapping_add(MESSAGE));
        }
        Some(Self { changes, most, counted_at })
    }

    /// Cuts the call that a thread stands before.
    pub fn make(&self, tid: i32) -> io::Result<()> {
        self.changes.iter().try_for_each(|change| set(tid, change.place, change.within))
    }

    /// Puts back what was changed, behind the call, but for what another thread has written over that meanwhile.
    pub fn undo(&self, tid: i32) {
        for change in &self.changes {
            let is_ours = match change.place {
                // Each thread has its own.
                Place::Argument(_) => true,
                Place::Word(address) => buffers::word(tid, address) == Some(change.within),
            };
            if is_ours {
                // A process that is gone has nothing to be put back.
                let _ = set(tid, change.place, change.before);
            }
        }
    }

    /// The addresses of the words of memory that it changes.
    pub fn words(&self) -> impl Iterator<Item = u64> {
        self.changes.iter().filter_map(|change| match change.place {
            Place::Argument(_) => None,
            Place::Word(address) => Some(address),
        })
    }

    /// Whether a call that has returned this has come to where it was cut, and might have transferred more. One that
    /// has not, because there was nothing more, went as it would have gone anyway.
    pub fn was_felt(&self, tid: i32, returned: i64) -> bool {
        let transferred = match self.counted_at {
            None => u64::try_from(returned).ok(),
            Some(address) if returned > 0 => {
                let bytes = memory::bytes(tid, address, 4).ok();
                bytes.and_then(|it| it.try_into().ok()).map(|it| u32::from_ne_bytes(it).into())
            }
            Some(_) => None,
        };
        transferred.is_some_and(|transferred| transferred >= self.most)
    }
}

fn set(tid: i32, place: Place, value: u64) -> io::Result<()> {
    match place {
        Place::Argument(number) => ptrace::set_argument(tid, number, value),
        Place::Word(address) => ptrace::set_word(tid, address, value),
    }
}
