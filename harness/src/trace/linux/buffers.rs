//! The buffers that a call names: an array of `iovec`, by itself or in a `msghdr` (readv(2), sendmsg(2)).

use super::calls::{self, Extra};
use super::sys::memory;

/// `IOV_MAX`: no call takes more buffers.
const BUFFERS_MAX: u64 = 1024;

/// The bytes of an `iovec`, and where it has the length of its buffer.
const VECTOR: u64 = 16;
const LENGTH: u64 = 8;

/// Where a `msghdr` has the address of its vectors, and their number.
const MESSAGE_ARRAY: u64 = 16;
const MESSAGE_COUNT: u64 = 24;

/// One buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buffer {
    /// Where its `iovec` is.
    pub vector: u64,
    /// How many bytes it has.
    pub length: u64,
}

impl Buffer {
    /// Where its length is.
    pub fn length_at(&self) -> u64 {
        self.vector.wrapping_add(LENGTH)
    }
}

/// Where a call names its vectors and their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// In these arguments.
    Arguments(usize, usize),
    /// At these addresses, where these numbers are.
    Words((u64, u64), (u64, u64)),
}

/// The buffers of a call, of the first of its messages where it has several, and where it names them; `None`
/// where it names none, or they are not there.
pub fn of_call(tid: i32, extra: Extra, args: &[u64; 6]) -> Option<(Named, Vec<Buffer>)> {
    let (named, array, count) = match extra {
        // The kernel takes the number as an unsigned int.
        Extra::Vectors(array, count) => {
            let named = Named::Arguments(array, count);
            (named, args[array], calls::int(args[count]).into())
        }
        Extra::Messages(_, count) if calls::int(args[count]) == 0 => return None,
        Extra::Message(at) | Extra::Messages(at, _) => {
            let place = |offset| args[at].wrapping_add(offset);
            let (array_at, count_at) = (place(MESSAGE_ARRAY), place(MESSAGE_COUNT));
            let (array, count) = (word(tid, array_at)?, word(tid, count_at)?);
            (Named::Words((array_at, array), (count_at, count)), array, count)
        }
        _ => return None,
    };
    Some((named, vectors(tid, array, count)?))
}

fn vectors(tid: i32, array: u64, count: u64) -> Option<Vec<Buffer>> {
    let room = usize::try_from(count.min(BUFFERS_MAX) * VECTOR).ok()?;
    let bytes = memory::bytes(tid, array, room).ok()?;
    let lengths = bytes.chunks_exact(16).filter_map(|vector| vector[8..].try_into().ok());
    let places = (0..).map(|number: u64| array.wrapping_add(number * VECTOR));
    let buffers = places.zip(lengths.map(u64::from_ne_bytes));
    Some(buffers.map(|(vector, length)| Buffer { vector, length }).collect())
}

/// Eight bytes at an address of another process.
pub fn word(tid: i32, address: u64) -> Option<u64> {
    memory::bytes(tid, address, 8).ok()?.try_into().ok().map(u64::from_ne_bytes)
}
