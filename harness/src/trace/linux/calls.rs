//! The calls that the tracer knows: what each is named, and where its arguments tell what it is about.

use crate::model::call::CallName;

/// Where an argument leads. Numbers are those of arguments, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// A path relative to the working directory.
    Path(usize),
    /// A directory's descriptor and a path relative to it.
    At(usize, usize),
    /// A descriptor.
    Fd(usize),
    /// A socket's address, and its length.
    Peer(usize, usize),
    /// What `ioctl` clones from: by the command, a descriptor or the structure that begins with one.
    Cloned(usize, usize),
    /// The file that is mapped at an address.
    Mapped(usize),
    /// No argument: everything, the cache directory with it.
    Everything,
}

/// What the remaining arguments say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extra {
    /// Nothing of interest.
    None,
    /// A number of bytes.
    Bytes(usize),
    /// Buffers, as an array of `iovec` and its length.
    Vectors(usize, usize),
    /// A message, as a `msghdr` that names its buffers.
    Message(usize),
    /// Messages, as an array of `mmsghdr` and its length.
    Messages(usize, usize),
    /// The flags of `open`.
    Open(usize),
    /// The flags of `openat2`, in a structure.
    OpenHow(usize),
    /// The operation of `flock`.
    Flock(usize),
    /// The command of `fcntl`, and the lock it is about.
    Fcntl(usize, usize),
    /// The flags of `renameat2`.
    Rename(usize),
    /// The flags of `unlinkat`, which make it an `rmdir`.
    Unlink(usize),
    /// The protection and the flags of `mmap`.
    Mmap(usize, usize),
    /// A number that is shown as it is.
    Number(usize),
    /// A length that a file is given.
    Length(usize),
    /// The family and the type of `socket`.
    Socket(usize, usize),
    /// The length and the flags of `msync`.
    Msync(usize, usize),
}

/// One call.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// Its number.
    pub number: libc::c_long,
    /// Its family.
    pub name: CallName,
    /// What it is about.
    pub path: Option<Where>,
    /// The second place, for calls that have one.
    pub to: Option<Where>,
    /// What else it says.
    pub extra: Extra,
}

/// A condition on an argument without which a call is of no interest, told in the kernel.
#[derive(Debug, Clone, Copy)]
pub enum Guard {
    /// The low half of the argument is one of these.
    OneOf(usize, &'static [u32]),
    /// None of these bits is set in the low half of the argument.
    Without(usize, u32),
}

const FICLONE: u32 = 0x4004_9409;
pub const FICLONERANGE: u32 = 0x4020_940D;

/// `F_DUPFD` and `F_DUPFD_CLOEXEC`.
pub const DUPLICATES: [u32; 2] = [0, 1030];

/// The commands of `fcntl` that matter: those that duplicate, and those about locks, `F_SETLK`, `F_SETLKW`,
/// `F_OFD_SETLK`, `F_OFD_SETLKW`.
const FCNTL_COMMANDS: [u32; 6] = [DUPLICATES[0], DUPLICATES[1], 6, 7, 37, 38];

/// `AF_INET` and `AF_INET6`: other sockets, such as those to the system's own services, lead to no server.
const INTERNET: [u32; 2] = [2, 10];

/// The condition on a call, where it has one.
pub fn guard(number: libc::c_long) -> Option<Guard> {
    match number {
        libc::SYS_fcntl => Some(Guard::OneOf(1, &FCNTL_COMMANDS)),
        libc::SYS_ioctl => Some(Guard::OneOf(1, &[FICLONE, FICLONERANGE])),
        libc::SYS_socket => Some(Guard::OneOf(0, &INTERNET)),
        libc::SYS_mmap => Some(Guard::Without(3, libc::MAP_ANONYMOUS.cast_unsigned())),
        _ => None,
    }
}

const fn call(
    number: libc::c_long,
    name: CallName,
    path: Where,
    to: Option<Where>,
    extra: Extra,
) -> Known {
    Known { number, name, path: Some(path), to, extra }
}

/// A call that is about nothing that has a name.
const fn bare(number: libc::c_long, name: CallName, extra: Extra) -> Known {
    Known { number, name, path: None, to: None, extra }
}

use CallName as N;
use Extra as E;
use Where::{At, Cloned, Everything, Fd, Mapped, Path, Peer};

/// Every call that is told of.
const KNOWN: [Known; 84] = [
    call(libc::SYS_open, N::Open, Path(0), None, E::Open(1)),
    call(libc::SYS_openat, N::Open, At(0, 1), None, E::Open(2)),
    call(libc::SYS_openat2, N::Open, At(0, 1), None, E::OpenHow(2)),
    call(libc::SYS_creat, N::Open, Path(0), None, E::None),
    call(libc::SYS_read, N::Read, Fd(0), None, E::Bytes(2)),
    call(libc::SYS_pread64, N::Read, Fd(0), None, E::Bytes(2)),
    call(libc::SYS_readv, N::Read, Fd(0), None, E::Vectors(1, 2)),
    call(libc::SYS_preadv, N::Read, Fd(0), None, E::Vectors(1, 2)),
    call(libc::SYS_preadv2, N::Read, Fd(0), None, E::Vectors(1, 2)),
    call(libc::SYS_write, N::Write, Fd(0), None, E::Bytes(2)),
    call(libc::SYS_pwrite64, N::Write, Fd(0), None, E::Bytes(2)),
    call(libc::SYS_writev, N::Write, Fd(0), None, E::Vectors(1, 2)),
    call(libc::SYS_pwritev, N::Write, Fd(0), None, E::Vectors(1, 2)),
    call(libc::SYS_pwritev2, N::Write, Fd(0), None, E::Vectors(1, 2)),
    call(libc::SYS_sendfile, N::Sendfile, Fd(1), Some(Fd(0)), E::Bytes(3)),
    call(libc::SYS_splice, N::Sendfile, Fd(0), Some(Fd(2)), E::Bytes(4)),
    call(libc::SYS_copy_file_range, N::CopyFileRange, Fd(0), Some(Fd(2)), E::Bytes(4)),
    call(libc::SYS_ioctl, N::CopyFileRange, Cloned(1, 2), Some(Fd(0)), E::None),
    call(libc::SYS_rename, N::Rename, Path(0), Some(Path(1)), E::None),
    call(libc::SYS_renameat, N::Rename, At(0, 1), Some(At(2, 3)), E::None),
    call(libc::SYS_renameat2, N::Rename, At(0, 1), Some(At(2, 3)), E::Rename(4)),
    call(libc::SYS_link, N::Link, Path(0), Some(Path(1)), E::None),
    call(libc::SYS_linkat, N::Link, At(0, 1), Some(At(2, 3)), E::None),
    call(libc::SYS_symlink, N::Symlink, Path(1), None, E::None),
    call(libc::SYS_symlinkat, N::Symlink, At(1, 2), None, E::None),
    call(libc::SYS_unlink, N::Unlink, Path(0), None, E::None),
    call(libc::SYS_unlinkat, N::Unlink, At(0, 1), None, E::Unlink(2)),
    call(libc::SYS_mkdir, N::Mkdir, Path(0), None, E::None),
    call(libc::SYS_mkdirat, N::Mkdir, At(0, 1), None, E::None),
    call(libc::SYS_rmdir, N::Rmdir, Path(0), None, E::None),
    call(libc::SYS_mknod, N::Mknod, Path(0), None, E::None),
    call(libc::SYS_mknodat, N::Mknod, At(0, 1), None, E::None),
    call(libc::SYS_truncate, N::Truncate, Path(0), None, E::Length(1)),
    call(libc::SYS_ftruncate, N::Truncate, Fd(0), None, E::Length(1)),
    call(libc::SYS_fallocate, N::Fallocate, Fd(0), None, E::Length(3)),
    call(libc::SYS_fsync, N::Fsync, Fd(0), None, E::None),
    call(libc::SYS_fdatasync, N::Fdatasync, Fd(0), None, E::None),
    call(libc::SYS_sync, N::Sync, Everything, None, E::None),
    call(libc::SYS_syncfs, N::Sync, Fd(0), None, E::None),
    call(libc::SYS_sync_file_range, N::SyncFileRange, Fd(0), None, E::None),
    call(libc::SYS_msync, N::Msync, Mapped(0), None, E::Msync(1, 2)),
    call(libc::SYS_flock, N::Flock, Fd(0), None, E::Flock(1)),
    call(libc::SYS_fcntl, N::Fcntl, Fd(0), None, E::Fcntl(1, 2)),
    call(libc::SYS_utime, N::Utimens, Path(0), None, E::None),
    call(libc::SYS_utimes, N::Utimens, Path(0), None, E::None),
    call(libc::SYS_futimesat, N::Utimens, At(0, 1), None, E::None),
    call(libc::SYS_utimensat, N::Utimens, At(0, 1), None, E::None),
    call(libc::SYS_chmod, N::Chmod, Path(0), None, E::None),
    call(libc::SYS_fchmod, N::Chmod, Fd(0), None, E::None),
    call(libc::SYS_fchmodat, N::Chmod, At(0, 1), None, E::None),
    call(libc::SYS_fchmodat2, N::Chmod, At(0, 1), None, E::None),
    call(libc::SYS_chown, N::Chown, Path(0), None, E::None),
    call(libc::SYS_lchown, N::Chown, Path(0), None, E::None),
    call(libc::SYS_fchown, N::Chown, Fd(0), None, E::None),
    call(libc::SYS_fchownat, N::Chown, At(0, 1), None, E::None),
    call(libc::SYS_stat, N::Stat, Path(0), None, E::None),
    call(libc::SYS_lstat, N::Stat, Path(0), None, E::None),
    call(libc::SYS_fstat, N::Stat, Fd(0), None, E::None),
    call(libc::SYS_newfstatat, N::Stat, At(0, 1), None, E::None),
    call(libc::SYS_statx, N::Stat, At(0, 1), None, E::None),
    call(libc::SYS_access, N::Access, Path(0), None, E::None),
    call(libc::SYS_faccessat, N::Access, At(0, 1), None, E::None),
    call(libc::SYS_faccessat2, N::Access, At(0, 1), None, E::None),
    call(libc::SYS_readlink, N::Readlink, Path(0), None, E::None),
    call(libc::SYS_readlinkat, N::Readlink, At(0, 1), None, E::None),
    call(libc::SYS_mmap, N::Mmap, Fd(4), None, E::Mmap(2, 3)),
    call(libc::SYS_connect, N::Connect, Peer(1, 2), None, E::None),
    call(libc::SYS_sendto, N::Send, Fd(0), None, E::Bytes(2)),
    call(libc::SYS_sendmsg, N::Send, Fd(0), None, E::Message(1)),
    call(libc::SYS_sendmmsg, N::Send, Fd(0), None, E::Messages(1, 2)),
    call(libc::SYS_recvfrom, N::Recv, Fd(0), None, E::Bytes(2)),
    call(libc::SYS_recvmsg, N::Recv, Fd(0), None, E::Message(1)),
    call(libc::SYS_recvmmsg, N::Recv, Fd(0), None, E::Messages(1, 2)),
    call(libc::SYS_close, N::Close, Fd(0), None, E::None),
    bare(libc::SYS_socket, N::Socket, E::Socket(0, 1)),
    bare(libc::SYS_exit_group, N::Exit, E::Number(0)),
    // What changes a file's attributes otherwise is a change of its bits here.
    call(libc::SYS_setxattr, N::Chmod, Path(0), None, E::None),
    call(libc::SYS_fsetxattr, N::Chmod, Fd(0), None, E::None),
    // Directories are read so too, and programs that sweep temporaries do. The third argument is the room for
    // whole entries, and too little of it is an error and no shorter list.
    call(libc::SYS_getdents64, N::Read, Fd(0), None, E::None),
    call(libc::SYS_getdents, N::Read, Fd(0), None, E::None),
    call(libc::SYS_lsetxattr, N::Chmod, Path(0), None, E::None),
    call(libc::SYS_removexattr, N::Chmod, Path(0), None, E::None),
    call(libc::SYS_lremovexattr, N::Chmod, Path(0), None, E::None),
    call(libc::SYS_fremovexattr, N::Chmod, Fd(0), None, E::None),
];

/// The call by which a thread comes back from a signal's handler. What it returns tells how a call ended that
/// the signal has interrupted; otherwise it is of no interest.
pub const RETURN_FROM_HANDLER: libc::c_long = libc::SYS_rt_sigreturn;

impl Known {
    /// The descriptor that the call is about, or that it changes where it names two.
    pub fn descriptor(&self, args: &[u64; 6]) -> Option<u64> {
        match self.to.or(self.path)? {
            Fd(argument) => args.get(argument).copied(),
            Path(_) | At(..) | Peer(..) | Cloned(..) | Mapped(_) | Everything => None,
        }
    }
}

/// What a call makes of descriptors without opening or closing any by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// The descriptor gets another number, which the call returns.
    Duplicate(u32),
    /// The first descriptor gets the second number, and what had that is closed. With the call's name.
    Over(u32, u32, &'static str),
    /// All descriptors from one number to another are closed.
    CloseRange(u32, u32),
}

/// The calls that do so, but for `fcntl`.
const MOVING: [libc::c_long; 4] =
    [libc::SYS_dup, libc::SYS_dup2, libc::SYS_dup3, libc::SYS_close_range];

/// What a call makes of descriptors, where it is such a call.
pub fn moves(number: u64, args: &[u64; 6]) -> Option<Move> {
    let low = |at: usize| int(args[at]);
    match libc::c_long::try_from(number).ok()? {
        libc::SYS_dup => Some(Move::Duplicate(low(0))),
        libc::SYS_fcntl if DUPLICATES.contains(&low(1)) => Some(Move::Duplicate(low(0))),
        libc::SYS_dup2 => Some(Move::Over(low(0), low(1), "dup2")),
        libc::SYS_dup3 => Some(Move::Over(low(0), low(1), "dup3")),
        // With `CLOSE_RANGE_CLOEXEC` it closes nothing yet.
        libc::SYS_close_range if low(2) & libc::CLOSE_RANGE_CLOEXEC == 0 => {
            Some(Move::CloseRange(low(0), low(1)))
        }
        _ => None,
    }
}

/// An argument as the kernel takes it where it is an int: a descriptor, a command, flags. The upper half of the register
/// may hold anything, and the filter does not look at it either.
pub fn int(argument: u64) -> u32 {
    (argument & 0xffff_ffff) as u32
}

/// The numbers of all calls that stop a process.
pub fn numbers() -> impl Iterator<Item = libc::c_long> {
    KNOWN.iter().map(|known| known.number).chain(MOVING)
}

/// Those of them at which something may be changed, or a descriptor comes or goes.
pub fn numbers_of_changes() -> impl Iterator<Item = libc::c_long> {
    let changing = KNOWN.iter().filter(|known| !known.name.is_without_trace());
    changing.map(|known| known.number).chain(MOVING)
}

/// The call of a number, where it is known.
pub fn known(number: u64) -> Option<&'static Known> {
    static BY_NUMBER: std::sync::LazyLock<Vec<Option<&'static Known>>> =
        std::sync::LazyLock::new(|| {
            let mut table = vec![None; 512];
            for known in &KNOWN {
                let index = usize::try_from(known.number).ok();
                if let Some(slot) = index.and_then(|index| table.get_mut(index)) {
                    *slot = Some(known);
                }
            }
            table
        });
    BY_NUMBER.get(usize::try_from(number).ok()?).copied().flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_call_is_listed_once_and_found() {
        let all: BTreeSet<_> = numbers().collect();
        assert_eq!(all.len(), KNOWN.len() + MOVING.len());
        for number in KNOWN.iter().map(|known| known.number) {
            let found = known(number.cast_unsigned()).map(|known| known.number);
            assert_eq!(found, Some(number));
        }
        assert!(known(libc::SYS_getpid.cast_unsigned()).is_none());
    }

    #[test]
    fn what_moves_descriptors_is_told_from_what_only_looks_so() {
        let check = |number: libc::c_long, args: [u64; 3], expected| {
            let args = [args[0], args[1], args[2], 0, 0, 0];
            assert_eq!(moves(number.cast_unsigned(), &args), expected, "{number} {args:?}");
        };
        check(libc::SYS_dup, [3, 0, 0], Some(Move::Duplicate(3)));
        check(libc::SYS_fcntl, [3, 1030, 10], Some(Move::Duplicate(3)));
        check(libc::SYS_fcntl, [3, 6, 0], None);
        check(libc::SYS_dup2, [3, 9, 0], Some(Move::Over(3, 9, "dup2")));
        let all = u64::from(u32::MAX);
        check(libc::SYS_close_range, [3, all, 0], Some(Move::CloseRange(3, u32::MAX)));
        check(libc::SYS_close_range, [3, all, 4], None);
        check(libc::SYS_close, [3, 0, 0], None);
    }
}
