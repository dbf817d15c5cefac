//! The sockets of the internet: which carry a stream, and whom each leads to.

use std::collections::{HashMap, HashSet};

/// All sockets that were seen to be made, by their names in `/proc`, which all descriptors of one share.
#[derive(Debug, Default)]
pub struct Connections {
    peers: HashMap<String, String>,
    streams: HashSet<String>,
}

impl Connections {
    /// A socket was made. Its name may have been that of another before.
    pub fn made(&mut self, socket: String, is_stream: bool) {
        self.peers.remove(&socket);
        if is_stream {
            self.streams.insert(socket);
        } else {
            self.streams.remove(&socket);
        }
    }

    /// A socket was connected.
    pub fn connected(&mut self, socket: String, peer: String) {
        self.peers.insert(socket, peer);
    }

    /// Whom a socket leads to, where it was connected.
    pub fn peer(&self, socket: &str) -> Option<&String> {
        self.peers.get(socket)
    }

    /// Whether what is sent over a socket is a stream of bytes, of which any number may go at a time.
    pub fn is_stream(&self, socket: &str) -> bool {
        self.streams.contains(socket)
    }

    /// Whether any leads to this peer.
    pub fn lead_to(&self, peer: &str) -> bool {
        self.peers.values().any(|it| it == peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_has_the_name_of_an_earlier_one_is_a_new_one() {
        let mut all = Connections::default();
        let named = || "socket:[7]".to_owned();
        all.made(named(), true);
        all.connected(named(), "127.0.0.1:1".to_owned());
        assert!(all.is_stream(&named()) && all.lead_to("127.0.0.1:1"));
        all.made(named(), false);
        assert!(!all.is_stream(&named()) && all.peer(&named()).is_none());
    }
}
