//! A call that is to transfer fewer bytes than its program has asked for.
//!
//! The number of bytes is an argument of the call or, where it names an array of buffers, the length of the
//! first of them, which then is the only one. What was changed is put back behind the call: programs keep
//! what they have passed in registers and buffers, and go on with it.

use super::calls::{Extra, Known};
use super::sys::{memory, ptrace};

/// What was changed, and what it was before.
#[derive(Debug)]
pub(super) enum Cut {
    /// An argument, by its number.
    Argument { number: usize, was: u64 },
    /// The number of buffers, and the length of the first.
    Vector { count: (usize, u64), length: (u64, u64) },
}

/// Where an `iovec` has its length.
const LENGTH: u64 = 8;

impl Cut {
    /// Cuts the call that a thread stands before to `bytes`; `None` where it asks for no more than that, or
    /// not for a number of bytes at all.
    pub fn make(tid: i32, known: &Known, args: &[u64; 6], bytes: u64) -> Option<Self> {
        match known.extra {
            Extra::Bytes(number) if args[number] > bytes => {
                ptrace::set_argument(tid, number, bytes).ok()?;
                Some(Self::Argument { number, was: args[number] })
            }
            Extra::Vectors(array, count) if args[count] > 0 => {
                let place = args[array].checked_add(LENGTH)?;
                let first = memory::bytes(tid, place, 8).ok()?.try_into().ok()?;
                let first = u64::from_ne_bytes(first);
                // An empty first buffer, by itself, would be the end of the file.
                if first == 0 || first <= bytes && args[count] == 1 {
                    return None;
                }
                ptrace::set_word(tid, place, first.min(bytes)).ok()?;
                ptrace::set_argument(tid, count, 1).ok()?;
                Some(Self::Vector { count: (count, args[count]), length: (place, first) })
            }
            _ => None,
        }
    }

    /// Puts back what was changed, behind the call.
    pub fn undo(self, tid: i32) {
        // A process that is gone has nothing to be put back.
        match self {
            Self::Argument { number, was } => drop(ptrace::set_argument(tid, number, was)),
            Self::Vector { count: (number, was), length: (place, length) } => {
                drop(ptrace::set_argument(tid, number, was));
                drop(ptrace::set_word(tid, place, length));
            }
        }
    }
}
