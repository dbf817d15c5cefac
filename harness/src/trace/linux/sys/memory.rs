//! What the pointers of a call lead to.
#![allow(unsafe_code)]

use std::io;

/// The longest path that the kernel takes, in bytes.
const PATH_MAX: usize = libc::PATH_MAX as usize;

/// Memory of other processes is read up to the end of a page of this size at a time: the next may not be
/// there.
const PAGE: u64 = 4096;

/// The bytes at an address of another process; fewer where the rest is not there.
pub fn bytes(tid: i32, address: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0_u8; length];
    let local = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: length };
    let there = usize::try_from(address).map_err(io::Error::other)?;
    let remote =
        libc::iovec { iov_base: std::ptr::with_exposed_provenance_mut(there), iov_len: length };
    // SAFETY: the local vector is of a buffer of that length; the kernel checks the remote one.
    let read = unsafe { libc::process_vm_readv(tid, &raw const local, 1, &raw const remote, 1, 0) };
    let read = usize::try_from(read).map_err(|_| io::Error::last_os_error())?;
    buffer.truncate(read);
    Ok(buffer)
}

/// The text at an address of another process, up to its zero byte.
pub fn text(tid: i32, address: u64) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let mut at = address;
    while text.len() < PATH_MAX {
        // A path is usually short, so a whole page is read only where it is not.
        let first = if text.is_empty() { 256 } else { PAGE };
        let to_end_of_page = PAGE - at % PAGE;
        let length = usize::try_from(to_end_of_page.min(first)).unwrap_or(0);
        let part = bytes(tid, at, length)?;
        if let Some(end) = part.iter().position(|byte| *byte == 0) {
            text.extend_from_slice(&part[..end]);
            return Ok(text);
        }
        if part.is_empty() {
            break;
        }
        at += part.len() as u64;
        text.extend(part);
    }
    Err(io::Error::from_raw_os_error(libc::ENAMETOOLONG))
}
