//! A call that is to transfer fewer bytes than its program has asked for.
//!
//! The number of bytes is an argument of the call or, where it names an array of buffers, the length of the
//! first of them that has room, which then is the only one. What was changed is put back behind the call: programs keep
//! what they have passed in registers and buffers, and go on with it.

use super::calls::{Extra, Known};
use super::sys::{memory, ptrace};

/// What was changed, and what it was before.
#[derive(Debug)]
pub(super) enum Cut {
    /// An argument, by its number.
    Argument { number: usize, was: u64 },
    /// Where the buffers are and how many, and the length of the first that is not empty.
    Vector { array: (usize, u64), count: (usize, u64), length: (u64, u64) },
}

/// Where an `iovec` has its length.
const LENGTH: u64 = 8;

/// `IOV_MAX`: no call takes more buffers.
const BUFFERS_MAX: u64 = 1024;

impl Cut {
    /// Cuts the call that a thread stands before to `bytes`; `None` where it asks for no more than that, or
    /// not for a number of bytes at all.
    pub fn make(tid: i32, known: &Known, args: &[u64; 6], bytes: u64) -> Option<Self> {
        match known.extra {
            Extra::Bytes(number) if args[number] > bytes => {
                ptrace::set_argument(tid, number, bytes).ok()?;
                Some(Self::Argument { number, was: args[number] })
            }
            Extra::Vectors(array, count) => {
                // Empty buffers, which some C libraries put first, would be the end of the file by themselves.
                let buffers = (0..args[count].min(BUFFERS_MAX)).map_while(|number| {
                    let buffer = args[array].checked_add(number.checked_mul(2 * LENGTH)?)?;
                    let place = buffer.checked_add(LENGTH)?;
                    let length = memory::bytes(tid, place, 8).ok()?.try_into().ok()?;
                    Some((buffer, place, u64::from_ne_bytes(length)))
                });
                let mut full = buffers.filter(|(_, _, length)| *length > 0);
                let (buffer, place, length) = full.next()?;
                if length <= bytes && full.next().is_none() {
                    return None;
                }
                ptrace::set_word(tid, place, length.min(bytes)).ok()?;
                ptrace::set_argument(tid, array, buffer).ok()?;
                ptrace::set_argument(tid, count, 1).ok()?;
                let (array, count) = ((array, args[array]), (count, args[count]));
                Some(Self::Vector { array, count, length: (place, length) })
            }
            _ => None,
        }
    }

    /// Puts back what was changed, behind the call.
    pub fn undo(self, tid: i32) {
        // A process that is gone has nothing to be put back.
        match self {
            Self::Argument { number, was } => drop(ptrace::set_argument(tid, number, was)),
            Self::Vector { array, count, length: (place, length) } => {
                for (number, was) in [array, count] {
                    drop(ptrace::set_argument(tid, number, was));
                }
                drop(ptrace::set_word(tid, place, length));
            }
        }
    }
}
