//! ptrace(2), as far as the tracer needs it. Every call but the first is for a process that stands in a
//! stop of this thread's.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::io;
use std::mem::{MaybeUninit, size_of};
use std::ptr;

/// What the kernel tells this thread of a process, and that the process dies with this thread.
const OPTIONS: i32 = libc::PTRACE_O_TRACESYSGOOD
    | libc::PTRACE_O_TRACEFORK
    | libc::PTRACE_O_TRACEVFORK
    | libc::PTRACE_O_TRACECLONE
    | libc::PTRACE_O_TRACEEXEC
    | libc::PTRACE_O_TRACESECCOMP
    | libc::PTRACE_O_EXITKILL;

/// A call that a process stands before, or has come out of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Before it.
    Entry {
        /// The audit architecture (`AUDIT_ARCH_*`), which the number is of.
        arch: u32,
        /// Its number.
        number: u64,
        /// Its arguments.
        args: [u64; 6],
        /// Where the thread's stack ends, by which two calls in the same place are known.
        stack: u64,
    },
    /// Behind it.
    Exit {
        /// What it returned: an error is negative.
        value: i64,
        /// Where the thread's stack ends.
        stack: u64,
    },
    /// Neither.
    None,
}

/// Begins to trace a process that this thread does not trace, without stopping it.
pub fn seize(pid: i32) -> io::Result<()> {
    request(libc::PTRACE_SEIZE, pid, 0, OPTIONS.cast_unsigned().into())
}

/// Lets a process run to its next stop, and delivers a signal to it; 0 is none.
pub fn resume(tid: i32, signal: i32) -> io::Result<()> {
    request(libc::PTRACE_CONT, tid, 0, signal.cast_unsigned().into())
}

/// Lets a process run until the end of the call that it stands before.
pub fn to_exit(tid: i32) -> io::Result<()> {
    request(libc::PTRACE_SYSCALL, tid, 0, 0)
}

/// Leaves a process that has been suspended by a signal suspended, until SIGCONT wakes it.
pub fn listen(tid: i32) -> io::Result<()> {
    request(libc::PTRACE_LISTEN, tid, 0, 0)
}

/// Ends the tracing of a process that stands in a stop, and delivers a signal to it.
pub fn detach(tid: i32, signal: i32) -> io::Result<()> {
    request(libc::PTRACE_DETACH, tid, 0, signal.cast_unsigned().into())
}

/// What belongs to an event: the new process of a fork, the former thread of an `exec`.
pub fn message(tid: i32) -> io::Result<u64> {
    let mut message: libc::c_ulong = 0;
    let place = (&raw mut message).addr() as u64;
    request(libc::PTRACE_GETEVENTMSG, tid, 0, place).map(|()| message)
}

/// Which call a process stands before or behind.
pub fn stop(tid: i32) -> io::Result<Stop> {
    let mut info = MaybeUninit::<libc::ptrace_syscall_info>::zeroed();
    let size = size_of::<libc::ptrace_syscall_info>() as u64;
    request(libc::PTRACE_GET_SYSCALL_INFO, tid, size, info.as_mut_ptr().addr() as u64)?;
    // SAFETY: all zeroes are a valid value of this plain C structure, and the kernel has filled in what it
    // knows. Which member of the union that is, `op` says.
    unsafe {
        let info = info.assume_init();
        let stack = info.stack_pointer;
        Ok(match info.op {
            libc::PTRACE_SYSCALL_INFO_ENTRY => {
                let entry = info.u.entry;
                Stop::Entry { arch: info.arch, number: entry.nr, args: entry.args, stack }
            }
            libc::PTRACE_SYSCALL_INFO_SECCOMP => {
                let entry = info.u.seccomp;
                Stop::Entry { arch: info.arch, number: entry.nr, args: entry.args, stack }
            }
            libc::PTRACE_SYSCALL_INFO_EXIT => Stop::Exit { value: info.u.exit.sval, stack },
            _ => Stop::None,
        })
    }
}

/// Makes a process that stands before a call skip it, as if the call had returned this.
pub fn skip(tid: i32, result: i64) -> io::Result<()> {
    let mut registers = registers(tid)?;
    // No call has this number, and the kernel then makes none and leaves the result alone.
    registers.orig_rax = u64::MAX;
    registers.rax = result.cast_unsigned();
    set_registers(tid, &registers)
}

/// Changes what the call that a process stands behind has returned.
pub fn set_result(tid: i32, result: i64) -> io::Result<()> {
    let mut registers = registers(tid)?;
    registers.rax = result.cast_unsigned();
    set_registers(tid, &registers)
}

/// Changes an argument of the call that a process stands before or behind, by its number from 0.
pub fn set_argument(tid: i32, number: usize, value: u64) -> io::Result<()> {
    let mut registers = registers(tid)?;
    let argument = match number {
        0 => &mut registers.rdi,
        1 => &mut registers.rsi,
        2 => &mut registers.rdx,
        3 => &mut registers.r10,
        4 => &mut registers.r8,
        _ => &mut registers.r9,
    };
    *argument = value;
    set_registers(tid, &registers)
}

/// Changes eight bytes of a process's memory, also where it may not write there itself.
pub fn set_word(tid: i32, address: u64, value: u64) -> io::Result<()> {
    request(libc::PTRACE_POKEDATA, tid, address, value)
}

fn registers(tid: i32) -> io::Result<libc::user_regs_struct> {
    let mut registers = MaybeUninit::<libc::user_regs_struct>::zeroed();
    request(libc::PTRACE_GETREGS, tid, 0, registers.as_mut_ptr().addr() as u64)?;
    // SAFETY: all zeroes are a valid value of this plain C structure, and the kernel has filled it in.
    Ok(unsafe { registers.assume_init() })
}

fn set_registers(tid: i32, registers: &libc::user_regs_struct) -> io::Result<()> {
    request(libc::PTRACE_SETREGS, tid, 0, ptr::from_ref(registers).addr() as u64)
}

/// One request. `address` and `data` are numbers or addresses of local values of the right type, as the
/// functions above see to.
fn request(what: libc::c_uint, tid: i32, address: u64, data: u64) -> io::Result<()> {
    // SAFETY: where the request reads or writes through `data`, the caller passes the address of a local
    // value of the type that the request demands, which outlives the call.
    let done = unsafe {
        libc::ptrace(
            what,
            tid,
            ptr::with_exposed_provenance::<c_void>(usize::try_from(address).unwrap_or(0)),
            ptr::with_exposed_provenance::<c_void>(usize::try_from(data).unwrap_or(0)),
        )
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
