//! Calls that transfer fewer bytes than their programs asked for.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};

use super::programs::needed;
use super::*;

/// What a script of Python's says in the file `said`, where every call of a kind is cut to three bytes.
fn said(python: &Path, gates: Vec<Gate>, script: &str) -> String {
    cut(python, gates, script, |_| 3).0
}

/// The same, and the calls at which it stood, where each is cut to so many bytes.
fn cut(
    python: &Path,
    gates: Vec<Gate>,
    script: &str,
    bytes: impl Fn(&Call) -> u64,
) -> (String, Vec<Call>) {
    let names: Vec<CallName> = gates.iter().map(|gate| gate.name).collect();
    let mut bench = Bench::new(gates);
    let process = bench.start(1, python, &["-c", script]);
    let mut calls = bench.run(vec![process], |call, _| Decision::Short(bytes(call)));
    // Python also reads directories, of which nothing is cut.
    calls.retain(|call| names.contains(&call.name) && call.bytes.is_some());
    (fs::read_to_string(bench.path("said")).unwrap(), calls)
}

fn anywhere(name: CallName) -> Gate {
    Gate { name, path: None, phase: Phase::Before }
}

#[test]
fn messages_of_a_stream_are_cut_at_their_first_buffer_that_has_room() {
    let Some(python) = needed("python3") else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"123456789").unwrap();
        let mut all = String::new();
        stream.read_to_string(&mut all).unwrap();
        all
    });
    // What is left unread would reset the connection. `struct mmsghdr` is a `msghdr` of 56 bytes and the length that was transferred.
    let script = format!(
        "import ctypes, socket, struct\n\
        libc = ctypes.CDLL(None)\n\
        s = socket.create_connection(('127.0.0.1', {port}))\n\
        said = [s.sendmsg([b'', b'abcdef', b'gh']), s.sendmsg([b'ij', b'kl']), s.sendmsg([b'mn'])]\n\
        rooms = [bytearray(0), bytearray(8), bytearray(9)]\n\
        said += [s.recvmsg_into(rooms)[0], bytes(rooms[1]), bytes(rooms[2][:1])]\n\
        data = ctypes.create_string_buffer(b'opqrst')\n\
        buffers = ctypes.create_string_buffer(struct.pack('QQQQ', ctypes.addressof(data), 4, ctypes.addressof(data) + 4, 2))\n\
        one = struct.pack('QQQQQQQQ', 0, 0, ctypes.addressof(buffers), 2, 0, 0, 0, 0)\n\
        many = ctypes.create_string_buffer(one * 2)\n\
        said += [libc.sendmmsg(s.fileno(), many, 2, 0)]\n\
        words = struct.unpack('16Q', many.raw[:128])\n\
        said += [words[7], words[15], words[2:4] == (ctypes.addressof(buffers), 2)]\n\
        said += [struct.unpack('QQQQ', buffers.raw[:32])[1::2]]\n\
        rest = s.recv(9) + s.recv(9)\n\
        open('said', 'w').write(repr(said))\n"
    );
    let gates = [CallName::Send, CallName::Recv].map(anywhere).into();
    let (said, calls) = cut(&python, gates, &script, |_| 3);
    let felt: Vec<bool> = calls.iter().map(Call::was_cut_short).take(5).collect();
    assert_eq!(felt, [true, true, false, true, true], "the third asks for no more: {calls:#?}");
    let received = r"3, b'123\x00\x00\x00\x00\x00', b'\x00'";
    assert_eq!(said, format!("[3, 2, 2, {received}, 1, 3, 0, True, (4, 2)]"));
    assert_eq!(server.join().unwrap(), "abcijmnopq");
}

#[test]
fn a_datagram_goes_whole_or_not_at_all() {
    let Some(python) = needed("python3") else { return };
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let script = format!(
        "import socket\n\
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('127.0.0.1', {port}))\n\
        open('said', 'w').write(repr([s.send(b'abcdef'), s.sendmsg([b'ab', b'cdef'])]))\n"
    );
    assert_eq!(said(&python, vec![anywhere(CallName::Send)], &script), "[6, 6]");
}

/// A signal comes while the read waits, the kernel makes the call anew, and only then there is something.
#[test]
fn a_call_that_a_signal_has_interrupted_is_cut_when_it_is_made_again() {
    let Some(python) = needed("python3") else { return };
    // Whether it sleeps within the read, and does not stand before it: its state is that of a sleeper after the
    // kernel has said which call it is in.
    let script = "import os, signal\n\
        os.mkfifo('a.tmp'); f = os.open('a.tmp', os.O_RDWR); r, w = os.pipe()\n\
        child = os.fork()\n\
        if child == 0:\n\
        \x20   signal.signal(signal.SIGUSR1, lambda *_: None); signal.siginterrupt(signal.SIGUSR1, False)\n\
        \x20   os.set_blocking(w, False); signal.set_wakeup_fd(w)\n\
        \x20   open('said', 'w').write(repr([os.read(f, 6), os.read(f, 6)])); os._exit(0)\n\
        def sleeps():\n\
        \x20   call = open(f'/proc/{child}/syscall').read().split()\n\
        \x20   if call[:2] != ['0', hex(f)]: return False\n\
        \x20   return open(f'/proc/{child}/stat').read().rsplit(')')[1].split()[0] == 'S'\n\
        for _ in range(3):\n\
        \x20   while not sleeps(): pass\n\
        \x20   os.kill(child, signal.SIGUSR1); os.read(r, 1)\n\
        while not sleeps(): pass\n\
        os.write(f, b'abcdefghijkl'); os.waitpid(child, 0)\n";
    let gates = vec![gate(CallName::Read, "temp", Phase::Before)];
    assert_eq!(said(&python, gates, script), "[b'abc', b'def']");
}

#[test]
fn a_call_that_gets_less_than_it_is_cut_to_was_not_cut() {
    let Some(python) = needed("python3") else { return };
    let script = "import os\n\
        os.mkfifo('a.tmp'); f = os.open('a.tmp', os.O_RDWR | os.O_NONBLOCK)\n\
        os.write(f, b'ab'); said = [os.read(f, 6)]\n\
        try: os.read(f, 6)\n\
        except BlockingIOError: pass\n\
        os.write(f, b'abcdef'); said += [os.read(f, 6)]\n\
        open('said', 'w').write(repr(said))\n";
    let gates = vec![gate(CallName::Read, "temp", Phase::Before)];
    let (said, calls) = cut(&python, gates, script, |_| 3);
    assert_eq!(said, "[b'ab', b'abc']");
    let calls: Vec<String> = calls.iter().map(ToString::to_string).collect();
    assert_eq!(
        calls,
        [
            "read(a.tmp, 6 bytes) = 2",
            "read(a.tmp, 6 bytes) = EAGAIN",
            "read(a.tmp, cut short, 6 bytes) = 3",
        ]
    );
}

/// A thread waits within a `readv` that is cut, and `script` goes on beside it: `length()` is what the thread's only
/// buffer has for its length, of which the program has made 6, and `go_on()` gives the thread something to read.
fn beside_a_cut(python: &Path, script: &str) -> (String, Vec<Call>) {
    let script = format!(
        "import ctypes, os, struct, threading\n\
        libc = ctypes.CDLL(None); said = []\n\
        os.mkfifo('a.tmp'); f = os.open('a.tmp', os.O_RDWR)\n\
        data = ctypes.create_string_buffer(9)\n\
        buffers = ctypes.create_string_buffer(struct.pack('QQ', ctypes.addressof(data), 6))\n\
        length = lambda: struct.unpack_from('Q', buffers, 8)[0]\n\
        thread = threading.Thread(target=lambda: libc.readv(f, buffers, 1)); thread.start()\n\
        task = f'/proc/self/task/{{thread.native_id}}/'\n\
        def sleeps():\n\
        \x20   call = open(task + 'syscall').read().split()\n\
        \x20   if call[:2] != ['{}', hex(f)]: return False\n\
        \x20   return open(task + 'stat').read().rsplit(')')[1].split()[0] == 'S'\n\
        def go_on(): os.write(f, b'abcdef'); thread.join()\n\
        while not sleeps(): pass\n\
        {script}\n\
        open('said', 'w').write(repr(said))\n",
        libc::SYS_readv
    );
    let gates = vec![gate(CallName::Read, "temp", Phase::Before)];
    cut(python, gates, &script, |call| if call.bytes == Some(6) { 3 } else { 2 })
}

#[test]
fn what_another_thread_has_written_where_a_call_was_cut_stays() {
    let Some(python) = needed("python3") else { return };
    let undisturbed = "said += [length()]; go_on(); said += [length()]";
    assert_eq!(beside_a_cut(&python, undisturbed).0, "[3, 6]");
    let written = "struct.pack_into('Q', buffers, 8, 5); go_on(); said += [length()]";
    assert_eq!(beside_a_cut(&python, written).0, "[5]");
}

#[test]
fn what_one_cut_has_changed_no_other_does() {
    let Some(python) = needed("python3") else { return };
    let script = "os.mkfifo('b.tmp'); g = os.open('b.tmp', os.O_RDWR); os.write(g, b'ghijkl')\n\
        said += [libc.readv(g, buffers, 1)]; go_on(); said += [length()]";
    let (said, calls) = beside_a_cut(&python, script);
    assert_eq!(said, "[3, 6]", "it asks for what is left of the buffer meanwhile");
    let calls: Vec<String> = calls.iter().map(ToString::to_string).collect();
    assert_eq!(calls, ["read(b.tmp, 3 bytes) = 3", "read(a.tmp, cut short, 6 bytes) = 3"]);
}
