//! Whether the machine lets anybody connect to the server at all.
//!
//! A client that the machine keeps from connecting fails like one that is broken, and would be blamed for
//! it. So the harness looks for itself, without a connection: one would be counted, and might meet a
//! fault that is meant for a client.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use rustix::net::{AddressFamily, SocketType, bind, socket};

use super::error::CatwalkError;

/// Looks once; takes some microseconds.
///
/// # Errors
/// [`CatwalkError::NoFreePort`], [`CatwalkError::TooManyFiles`] or [`CatwalkError::NoLoopback`].
pub fn check(server: SocketAddr) -> Result<(), CatwalkError> {
    free_port().map_err(|error| CatwalkError::from_listen(0, error))?;
    route(server).map_err(|error| match CatwalkError::from_listen(0, error) {
        CatwalkError::Listen { source, .. } => CatwalkError::NoLoopback(source),
        shortage => shortage,
    })
}

/// Takes a port and gives it back. Connections that have left TIME_WAIT behind keep theirs, as they do
/// from a client that connects; std would take those, too.
fn free_port() -> io::Result<()> {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    Ok(bind(&socket, &SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?)
}

/// Asks for the way to the server: UDP connects without sending anything.
fn route(server: SocketAddr) -> io::Result<()> {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.connect(server)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_reached_is_reached() {
        check(SocketAddr::from((Ipv4Addr::LOCALHOST, 1))).unwrap();
    }

    #[test]
    fn what_cannot_be_reached_is_told() {
        // Documentation addresses (RFC 5737) have no way from the loopback interface.
        let error = check(SocketAddr::from(([192, 0, 2, 1], 1))).unwrap_err();
        assert!(error.to_string().contains("127.0.0.1 cannot be reached"), "{error}");
    }
}
