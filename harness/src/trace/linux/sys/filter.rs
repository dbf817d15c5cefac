//! The filter that decides in the kernel which calls stop a process: classic BPF for seccomp(2).
//!
//! Everything else runs at full speed. Calls by `io_uring` would pass the tracer by, and so its set-up is
//! answered `ENOSYS`, after which programs fall back to ordinary calls. The same goes for calls of the x32
//! table. Calls of a 32-bit program have other numbers, and stop under one number of their own.

use std::sync::LazyLock;

use libc::sock_filter;

use crate::trace::linux::calls::{Guard, RETURN_FROM_HANDLER, guard, numbers, numbers_of_changes};
use crate::trace::terms::Attention;

/// Where seccomp_data has the number, the architecture, and the low half of the first argument.
const OFFSET_NUMBER: u32 = 0;
const OFFSET_ARCH: u32 = 4;
const OFFSET_ARGS: u32 = 16;

/// The architecture of the numbers in the filter (`AUDIT_ARCH_X86_64`).
pub const ARCH: u32 = 0xC000_003E;

/// The bit that marks calls of the x32 table.
const X32: u32 = 0x4000_0000;

/// Calls that are answered `ENOSYS`.
const REFUSED: [libc::c_long; 3] =
    [libc::SYS_io_uring_setup, libc::SYS_io_setup, libc::SYS_userfaultfd];

/// The answer to those.
const NO_SUCH_CALL: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.cast_unsigned();

fn statement(code: u32, k: u32) -> sock_filter {
    jump(code, k, 0, 0)
}

fn jump(code: u32, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code: u16::try_from(code).unwrap_or(0), jt, jf, k }
}

/// Where the low half of an argument is.
fn offset_of(argument: usize) -> u32 {
    OFFSET_ARGS + 8 * u32::try_from(argument).unwrap_or(0)
}

/// So many calls are looked through one by one; more are halved first.
const FEW: usize = 3;

/// A filter that stops a process at these calls.
pub fn program(calls: impl IntoIterator<Item = libc::c_long>) -> Vec<sock_filter> {
    let mut numbers: Vec<u32> =
        calls.into_iter().filter_map(|call| u32::try_from(call).ok()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut program = vec![
        load(OFFSET_ARCH),
        jump(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, ARCH, 1, 0),
        answer(libc::SECCOMP_RET_TRACE),
        load(OFFSET_NUMBER),
        jump(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, X32, 0, 1),
        answer(NO_SUCH_CALL),
    ];
    for number in REFUSED {
        program.extend([equal(u32::try_from(number).unwrap_or(X32)), answer(NO_SUCH_CALL)]);
    }
    program.extend(search(&numbers));
    program
}

/// What answers for these numbers, which are in order, and allows all others: a binary search. The kernel goes
/// through the filter for every number there is when a process gets it, and one comparison after the other for
/// each of them was a fortieth of the time of a sweep.
fn search(numbers: &[u32]) -> Vec<sock_filter> {
    if numbers.len() <= FEW {
        let mut all: Vec<sock_filter> = numbers.iter().flat_map(|number| stop(*number)).collect();
        all.push(answer(libc::SECCOMP_RET_ALLOW));
        return all;
    }
    let (lower, upper) = numbers.split_at(numbers.len() / 2);
    let (middle, above) = (upper.first().copied().unwrap_or_default(), search(upper));
    // Only this jump reaches further than 255 instructions.
    let past = u32::try_from(above.len()).unwrap_or_default();
    let mut all = vec![
        jump(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, middle, 1, 0),
        statement(libc::BPF_JMP | libc::BPF_JA, past),
    ];
    all.extend(above);
    all.extend(search(lower));
    all
}

/// Stops at a call, where its condition holds if it has one, and passes over any other.
fn stop(number: u32) -> Vec<sock_filter> {
    let Some(guard) = guard(number.into()) else {
        return vec![equal(number), answer(libc::SECCOMP_RET_TRACE)];
    };
    // A call with a condition has a block of its own, which answers either way.
    let mut block = Vec::new();
    match guard {
        Guard::OneOf(argument, values) => {
            block.push(load(offset_of(argument)));
            for value in values {
                block.extend([equal(*value), answer(libc::SECCOMP_RET_TRACE)]);
            }
        }
        Guard::Without(argument, bits) => block.extend([
            load(offset_of(argument)),
            jump(libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K, bits, 1, 0),
            answer(libc::SECCOMP_RET_TRACE),
        ]),
    }
    block.push(answer(libc::SECCOMP_RET_ALLOW));
    let past = u8::try_from(block.len()).unwrap_or(u8::MAX);
    block.insert(0, jump(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, number, 0, past));
    block
}

fn load(offset: u32) -> sock_filter {
    statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset)
}

/// Passes over the next instruction unless what was loaded is `k`.
fn equal(k: u32) -> sock_filter {
    jump(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, k, 0, 1)
}

fn answer(action: u32) -> sock_filter {
    statement(libc::BPF_RET | libc::BPF_K, action)
}

/// The filter for the calls that are to be attended to.
pub fn for_attention(attention: Attention) -> &'static [sock_filter] {
    static ALL: LazyLock<Vec<sock_filter>> =
        LazyLock::new(|| program(numbers().chain([RETURN_FROM_HANDLER])));
    static CHANGES: LazyLock<Vec<sock_filter>> =
        LazyLock::new(|| program(numbers_of_changes().chain([RETURN_FROM_HANDLER])));
    match attention {
        Attention::All => &ALL,
        Attention::Changes => &CHANGES,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a filter answers, by the rules of classic BPF that it uses.
    fn run(program: &[sock_filter], arch: u32, number: i64, args: [u32; 6]) -> u32 {
        let number = u32::try_from(number).unwrap();
        let (mut at, mut loaded) = (0, 0);
        loop {
            let one = program[at];
            at += 1;
            let code = u32::from(one.code);
            let taken = |is: bool| usize::from(if is { one.jt } else { one.jf });
            match (code & 7, code & 0xf0) {
                (libc::BPF_LD, _) => {
                    loaded = match one.k {
                        OFFSET_ARCH => arch,
                        OFFSET_NUMBER => number,
                        offset => args[((offset - OFFSET_ARGS) / 8) as usize],
                    }
                }
                (libc::BPF_RET, _) => return one.k,
                (_, libc::BPF_JA) => at += one.k as usize,
                (_, libc::BPF_JGE) => at += taken(loaded >= one.k),
                (_, libc::BPF_JSET) => at += taken(loaded & one.k != 0),
                _ => at += taken(loaded == one.k),
            }
        }
    }

    #[test]
    fn known_calls_stop_and_all_others_pass() {
        let program =
            program([libc::SYS_rename, libc::SYS_fcntl, libc::SYS_mmap, libc::SYS_openat]);
        let check = |arch, number: i64, args, expected| {
            assert_eq!(run(&program, arch, number, args), expected, "{number} {args:?}");
        };
        let refused = NO_SUCH_CALL;
        let (stops, passes) = (libc::SECCOMP_RET_TRACE, libc::SECCOMP_RET_ALLOW);
        check(ARCH, libc::SYS_rename, [0; 6], stops);
        check(ARCH, libc::SYS_openat, [0; 6], stops);
        check(ARCH, libc::SYS_getpid, [0; 6], passes);
        check(ARCH, libc::SYS_execve, [0; 6], passes);
        check(ARCH, libc::SYS_io_uring_setup, [0; 6], refused);
        check(ARCH, i64::from(X32) + libc::SYS_rename, [0; 6], refused);
        check(0x4000_0003, 38, [0; 6], stops);
        let fcntl = |command| [3, command, 0, 0, 0, 0];
        check(ARCH, libc::SYS_fcntl, fcntl(libc::F_SETLKW.cast_unsigned()), stops);
        check(ARCH, libc::SYS_fcntl, fcntl(libc::F_GETFD.cast_unsigned()), passes);
        let mmap = |flags: i32| [0, 0, 0, flags.cast_unsigned(), 3, 0];
        check(ARCH, libc::SYS_mmap, mmap(libc::MAP_SHARED), stops);
        check(ARCH, libc::SYS_mmap, mmap(libc::MAP_PRIVATE | libc::MAP_ANONYMOUS), passes);
    }

    #[test]
    fn the_filter_of_all_calls_is_one_that_the_kernel_takes() {
        let program = for_attention(Attention::All);
        assert!(program.len() <= 4096, "{}", program.len());
        for (index, one) in program.iter().enumerate() {
            let code = u32::from(one.code);
            let is_far = code == libc::BPF_JMP | libc::BPF_JA;
            let past = if is_far { one.k as usize } else { usize::from(one.jt.max(one.jf)) };
            assert!(index + 1 + past < program.len() || code & 7 == libc::BPF_RET);
        }
    }

    #[test]
    fn every_call_that_is_attended_to_is_found_and_no_other() {
        let all: Vec<i64> = numbers().collect();
        let changes: Vec<i64> = numbers_of_changes().collect();
        assert!(changes.contains(&libc::SYS_rename) && changes.contains(&libc::SYS_close));
        assert!(!changes.contains(&libc::SYS_fstat) && all.contains(&libc::SYS_fstat));
        for (attention, mut known) in [(Attention::All, all), (Attention::Changes, changes)] {
            known.push(RETURN_FROM_HANDLER);
            let program = for_attention(attention);
            for number in 0..600 {
                // A call with a condition stops with some arguments only.
                let stops = [0, 2, 6, libc::MAP_SHARED.cast_unsigned(), 0x4004_9409]
                    .into_iter()
                    .any(|it| run(program, ARCH, number, [it; 6]) == libc::SECCOMP_RET_TRACE);
                assert_eq!(stops, known.contains(&number), "{number}");
            }
        }
    }
}
