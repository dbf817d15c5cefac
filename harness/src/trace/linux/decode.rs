//! From a number and six arguments to a call that a person can read.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::buffers;
use super::calls::{Extra, FICLONERANGE, Known as Row, Where, int};
use super::connections::Connections;
use super::links::Links;
use super::paths::{self, Open};
use super::sys::memory;
use crate::model::call::{CallName, IN_MESSAGES, Place};
use crate::trace::terms::{Reach, Territory};

/// A call before it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// Which.
    pub name: CallName,
    /// What it is about.
    pub path: Option<Place>,
    /// The second place.
    pub to: Option<Place>,
    /// What else it asks for.
    pub flags: String,
    /// The bytes that it asks for, where it may transfer fewer.
    pub bytes: Option<u64>,
    /// It transfers a datagram, which goes whole or not at all.
    pub is_whole: bool,
    /// The socket that becomes a connection of the internet by it.
    pub connects: Option<String>,
    /// It waits until a lock is free.
    pub blocks_on_lock: bool,
    /// It would fail rather than wait where somebody else has the lock.
    pub tries_lock: bool,
}

/// What is known of files and sockets when a call is decoded.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    /// The directory that matters.
    pub territory: &'a Territory,
    /// The files outside of it that it leads to.
    pub links: &'a Links,
    /// The sockets that were seen to be made.
    pub connections: &'a Connections,
    /// Which calls are of interest.
    pub reach: Reach,
}

/// Decodes a call that the thread `tid` stands before; `None` where it is of no interest.
pub(super) fn decode(tid: i32, row: &Row, args: &[u64; 6], known: Known<'_>) -> Option<Decoded> {
    let mut call = Decoded {
        name: row.name,
        path: None,
        to: None,
        flags: String::new(),
        bytes: None,
        is_whole: false,
        connects: None,
        blocks_on_lock: false,
        tries_lock: false,
    };
    let reader = Reader { tid, args, known };
    if let Some(place) = row.path {
        call.path = reader.place(place, true, &mut call);
    }
    if let Some(place) = row.to {
        call.to = reader.place(place, false, &mut call);
    }
    let inside = [&call.path, &call.to].into_iter().flatten().any(|place| place.role.is_some());
    let told = match call.name {
        CallName::Connect => call.connects.is_some(),
        CallName::Exit | CallName::Socket => true,
        name if name.is_network() => call.path.is_some(),
        CallName::Close => {
            let leads = |place: &Place| known.connections.lead_to(&place.path);
            inside || call.path.as_ref().is_some_and(leads)
        }
        _ => inside,
    };
    if !told && known.reach == Reach::Territory {
        return None;
    }
    reader.extra(row.extra, &mut call);
    if call.is_whole {
        call.bytes = None;
    }
    Some(call)
}

struct Reader<'a> {
    tid: i32,
    args: &'a [u64; 6],
    known: Known<'a>,
}

impl Reader<'_> {
    fn place(&self, place: Where, is_first: bool, call: &mut Decoded) -> Option<Place> {
        let path = match place {
            Where::Path(at) => paths::named(self.tid, None, self.args[at])?,
            Where::At(dir, at) => {
                // `utimensat` and its like may name a descriptor alone.
                if self.args[at] == 0 {
                    return self.descriptor(self.args[dir], is_first, call);
                }
                paths::named(self.tid, Some(self.args[dir]), self.args[at])?
            }
            Where::Fd(at) => return self.descriptor(self.args[at], is_first, call),
            Where::Peer(at, length) => {
                let peer = self.peer(self.args[at], self.args[length])?;
                if let Some(Open::Socket(socket)) = paths::open(self.tid, self.args[0]) {
                    call.connects = Some(socket);
                }
                return Some(Place { path: peer, role: None });
            }
            Where::Cloned(command, at) => {
                return self.descriptor(self.cloned(command, at)?, is_first, call);
            }
            Where::Mapped(at) => paths::mapped(self.tid, self.args[at])?,
            Where::Everything => self.known.territory.roots.first()?.clone(),
        };
        let place = self.known.territory.place(&path);
        let linked = || self.known.links.named(&path, call.name);
        if place.role.is_some() { Some(place) } else { linked().or(Some(place)) }
    }

    /// The descriptor that is cloned from.
    fn cloned(&self, command: usize, at: usize) -> Option<u64> {
        if int(self.args[command]) != FICLONERANGE {
            return Some(self.args[at]);
        }
        // `struct file_clone_range` begins with it, in eight bytes.
        let bytes = memory::bytes(self.tid, self.args[at], 8).ok()?;
        bytes.try_into().ok().map(u64::from_ne_bytes)
    }

    /// What a descriptor stands for; reading and writing are other calls where it is a connection, by whether
    /// it is the first that the call names.
    fn descriptor(&self, fd: u64, is_first: bool, call: &mut Decoded) -> Option<Place> {
        match paths::open(self.tid, fd)? {
            Open::File(path) => {
                let place = self.known.territory.place(&path);
                let linked = || self.known.links.descriptor(self.tid, fd);
                if place.role.is_some() { Some(place) } else { linked().or(Some(place)) }
            }
            Open::Socket(socket) => {
                let peer = self.known.connections.peer(&socket)?;
                call.is_whole = !self.known.connections.is_stream(&socket);
                let name = &mut call.name;
                match name {
                    CallName::Read => *name = CallName::Recv,
                    CallName::Write => *name = CallName::Send,
                    // From a connection into something, or from something into a connection.
                    CallName::Sendfile if is_first => *name = CallName::Recv,
                    CallName::Sendfile => *name = CallName::Send,
                    _ => {}
                }
                Some(Place { path: peer.clone(), role: None })
            }
            Open::Other(_) => None,
        }
    }

    /// The address in a `sockaddr`, where it is one of the internet.
    fn peer(&self, address: u64, length: u64) -> Option<String> {
        let length = usize::try_from(int(length)).ok()?.min(28);
        let bytes = memory::bytes(self.tid, address, length).ok()?;
        let family = u16::from_ne_bytes(bytes.get(..2)?.try_into().ok()?);
        let port = u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?);
        let address: SocketAddr = match i32::from(family) {
            libc::AF_INET => {
                let ip: [u8; 4] = bytes.get(4..8)?.try_into().ok()?;
                (Ipv4Addr::from(ip), port).into()
            }
            libc::AF_INET6 => {
                let ip: [u8; 16] = bytes.get(8..24)?.try_into().ok()?;
                (Ipv6Addr::from(ip), port).into()
            }
            _ => return None,
        };
        Some(address.to_string())
    }

    fn extra(&self, extra: Extra, call: &mut Decoded) {
        let arg = |at: usize| self.args[at];
        let low = |at: usize| u64::from(int(self.args[at]));
        match extra {
            Extra::None => {
                // The only call of this shape that makes a file is `creat`.
                if call.name == CallName::Open {
                    call.flags = "O_WRONLY|O_CREAT|O_TRUNC".to_owned();
                }
            }
            Extra::Bytes(at) => call.bytes = Some(arg(at)),
            Extra::Vectors(..) | Extra::Message(_) | Extra::Messages(..) => {
                let buffers = buffers::of_call(self.tid, extra, self.args);
                let lengths = buffers.map(|(_, all)| all.into_iter().map(|it| it.length));
                call.bytes = lengths.map(|all| all.fold(0, u64::wrapping_add));
                if matches!(extra, Extra::Messages(..)) {
                    call.flags = IN_MESSAGES.to_owned();
                }
            }
            Extra::Open(at) => call.flags = open_flags(low(at)),
            Extra::OpenHow(at) => {
                let how = memory::bytes(self.tid, arg(at), 8).ok();
                let flags = how.and_then(|bytes| bytes.try_into().ok()).map(u64::from_ne_bytes);
                call.flags = flags.map(open_flags).unwrap_or_default();
            }
            Extra::Flock(at) => flock(int(arg(at)), call),
            Extra::Fcntl(at, lock) => self.fcntl(int(arg(at)), arg(lock), call),
            Extra::Rename(at) => {
                call.flags = words(low(at), &[(1, "RENAME_NOREPLACE"), (2, "RENAME_EXCHANGE")]);
            }
            Extra::Unlink(at) if low(at) & AT_REMOVEDIR != 0 => call.name = CallName::Rmdir,
            Extra::Unlink(_) => {}
            Extra::Mmap(protection, flags) => {
                let shared = arg(flags) & 0xf;
                let shared = if shared == 1 || shared == 3 { "MAP_SHARED" } else { "MAP_PRIVATE" };
                let writes = if arg(protection) & 2 != 0 { "|PROT_WRITE" } else { "" };
                call.flags = format!("{shared}{writes}");
            }
            Extra::Number(at) => call.flags = (arg(at) & 0xff).to_string(),
            Extra::Length(at) => call.flags = format!("to {} bytes", arg(at)),
            Extra::Socket(family, kind) => {
                let family = if low(family) == 2 { "AF_INET" } else { "AF_INET6" };
                let kind = match low(kind) & 0xf {
                    1 => ", SOCK_STREAM",
                    2 => ", SOCK_DGRAM",
                    _ => "",
                };
                call.flags = format!("{family}{kind}");
            }
            Extra::Msync(length, flags) => {
                call.bytes = Some(arg(length));
                call.flags =
                    words(low(flags), &[(1, "MS_ASYNC"), (2, "MS_INVALIDATE"), (4, "MS_SYNC")]);
            }
        }
        if call.name == CallName::Open && call.flags.contains("O_EXCL") {
            call.tries_lock = true;
        }
        call.tries_lock |=
            matches!(call.name, CallName::Mkdir | CallName::Link | CallName::Symlink);
    }

    fn fcntl(&self, command: u32, lock: u64, call: &mut Decoded) {
        let (text, waits) = match command {
            6 => ("F_SETLK", false),
            7 => ("F_SETLKW", true),
            37 => ("F_OFD_SETLK", false),
            _ => ("F_OFD_SETLKW", true),
        };
        // `struct flock` begins with the type of the lock.
        let kind = memory::bytes(self.tid, lock, 2).ok();
        let kind = kind.and_then(|bytes| bytes.try_into().ok()).map(i16::from_ne_bytes);
        let kind = match kind.map(i32::from) {
            Some(libc::F_RDLCK) => "F_RDLCK",
            Some(libc::F_WRLCK) => "F_WRLCK",
            Some(libc::F_UNLCK) => "F_UNLCK",
            _ => "",
        };
        call.flags = format!("{text}, {kind}");
        let takes = kind != "F_UNLCK";
        (call.tries_lock, call.blocks_on_lock) = (takes && !waits, takes && waits);
    }
}

fn flock(operation: u32, call: &mut Decoded) {
    let base = match operation & 0xf & !4 {
        1 => "LOCK_SH",
        2 => "LOCK_EX",
        8 => "LOCK_UN",
        _ => "",
    };
    let tries = operation & 4 != 0;
    call.flags = format!("{base}{}", if tries { "|LOCK_NB" } else { "" });
    call.tries_lock = tries && base != "LOCK_UN";
    call.blocks_on_lock = !tries && base != "LOCK_UN";
}

const AT_REMOVEDIR: u64 = 0x200;

/// The words of flags, joined as they would be in a program.
fn words(flags: u64, names: &[(u64, &str)]) -> String {
    let set = names.iter().filter(|(bits, _)| flags & bits == *bits).map(|(_, name)| *name);
    set.collect::<Vec<_>>().join("|")
}

fn open_flags(flags: u64) -> String {
    let mode = match flags & 3 {
        1 => "O_WRONLY",
        2 => "O_RDWR",
        _ => "O_RDONLY",
    };
    let bits = |flag: i32| u64::from(flag.cast_unsigned());
    let rest = words(
        flags,
        &[
            (bits(libc::O_CREAT), "O_CREAT"),
            (bits(libc::O_EXCL), "O_EXCL"),
            (bits(libc::O_TRUNC), "O_TRUNC"),
            (bits(libc::O_APPEND), "O_APPEND"),
            (bits(libc::O_DIRECTORY), "O_DIRECTORY"),
            (bits(libc::O_NOFOLLOW), "O_NOFOLLOW"),
            (bits(libc::O_SYNC), "O_SYNC"),
            (bits(libc::O_TMPFILE), "O_TMPFILE"),
        ],
    );
    if rest.is_empty() { mode.to_owned() } else { format!("{mode}|{rest}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_read_as_in_a_program() {
        let bits = |flags: i32| u64::from(flags.cast_unsigned());
        assert_eq!(open_flags(0), "O_RDONLY");
        assert_eq!(
            open_flags(bits(libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL | libc::O_CLOEXEC)),
            "O_WRONLY|O_CREAT|O_EXCL"
        );
        assert_eq!(words(1, &[(1, "A"), (2, "B")]), "A");
    }
}
