//! Whether the peer has everything that was sent.
//!
//! A reset throws away what the system has not delivered yet, so a fault that says how many bytes come
//! before the reset must wait for their delivery. The system tells it in the table of its connections
//! (proc_pid_net(5), `tx_queue`); asking the socket itself would need an `ioctl` of our own.

use std::fs;
use std::net::SocketAddr;

/// Whether nothing that was sent from `local` to `peer` is still on its way. Where the system does not
/// say, or the connection is no more, the answer is yes.
pub(in crate::catwalk) fn is_delivered(local: SocketAddr, peer: SocketAddr) -> bool {
    // The table of the thread: it may be in another network namespace than the process's first.
    let table = fs::read_to_string("/proc/thread-self/net/tcp").unwrap_or_default();
    unacknowledged(&table, local, peer).is_none_or(|bytes| bytes == 0)
}

/// The bytes that the table says are not acknowledged.
fn unacknowledged(table: &str, local: SocketAddr, peer: SocketAddr) -> Option<u64> {
    let (local, peer) = (entry(local)?, entry(peer)?);
    table.lines().skip(1).find_map(|line| {
        let mut words = line.split_ascii_whitespace().skip(1);
        let ours = words.next()? == local && words.next()? == peer;
        let (sent, _) = words.nth(1).filter(|_| ours)?.split_once(':')?;
        u64::from_str_radix(sent, 16).ok()
    })
}

/// An address as the table writes it: hexadecimal, the four bytes in the order of the machine.
fn entry(addr: SocketAddr) -> Option<String> {
    let SocketAddr::V4(addr) = addr else { return None };
    Some(format!("{:08X}:{:04X}", u32::from_ne_bytes(addr.ip().octets()), addr.port()))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn what_the_peer_has_no_room_for_is_not_delivered() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        let (local, remote) = (stream.local_addr().unwrap(), stream.peer_addr().unwrap());
        assert!(is_delivered(local, remote));
        stream.set_nonblocking(true).unwrap();
        let mut total = 0;
        while let Ok(count) = stream.write(&[7; 64 << 10]) {
            total += count;
        }
        assert!(!is_delivered(local, remote));
        peer.read_exact(&mut vec![0; total]).unwrap();
        while !is_delivered(local, remote) {
            std::thread::yield_now();
        }
    }
}
