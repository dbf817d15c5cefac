//! Arguments of which the kernel takes the lower half.

use super::programs::needed;
use super::*;

/// What a script of Python's does to descriptor `f`, a file `a.tmp`, as it is told. `high` sets bits that the kernel
/// does not look at.
fn told(script: &str) -> Option<Vec<String>> {
    let python = needed("python3")?;
    let mut bench = Bench::new(Vec::new());
    let script = format!(
        "import ctypes, os, struct\n\
        syscall = ctypes.CDLL(None).syscall\n\
        def high(low): return ctypes.c_long((1 << 40) + low)\n\
        def long(it): return ctypes.c_long(it)\n\
        f = os.open('a.tmp', os.O_RDWR | os.O_CREAT)\n{script}"
    );
    let process = bench.start(1, &python, &["-c", &script]);
    let calls = bench.run_alone(process);
    let within = |call: &&Call| call.path.as_ref().is_some_and(|it| it.path == "a.tmp");
    let told = calls.iter().filter(within).filter(|call| !call.is_implied());
    Some(told.map(ToString::to_string).collect())
}

#[test]
fn what_the_kernel_does_not_look_at_is_not_told() {
    let script = "lock = ctypes.create_string_buffer(struct.pack('hhxxxxqqi', 1, 0, 0, 0, 0))\n\
        at = long(ctypes.addressof(lock))\n\
        assert syscall(72, high(f), high(7), at) == 0\n\
        lock[0] = 2; assert syscall(72, high(f), high(6), at) == 0; lock[0] = 1\n\
        assert syscall(72, high(f), high(37), at) == 0\n\
        name = ctypes.create_string_buffer(b'a.tmp')\n\
        g = syscall(257, high(-100 & 0xffffffff), long(ctypes.addressof(name)), high(os.O_RDWR), long(0))\n\
        assert syscall(73, high(g), high(6)) == 0\n";
    let Some(told) = told(script) else { return };
    assert_eq!(
        told,
        [
            "open(a.tmp, O_RDWR|O_CREAT) = 3",
            "fcntl(a.tmp, F_SETLKW, F_WRLCK) = 0",
            "fcntl(a.tmp, F_SETLK, F_UNLCK) = 0",
            "fcntl(a.tmp, F_OFD_SETLK, F_WRLCK) = 0",
            "open(a.tmp, O_RDWR) = 4",
            "flock(a.tmp, LOCK_EX|LOCK_NB) = 0",
        ]
    );
}
