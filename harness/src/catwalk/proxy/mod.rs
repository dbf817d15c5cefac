//! The fault layer between the clients and whatever answers them.
//!
//! It stands where a proxy would stand, and is one: clients speak to it alone, and behind it answers
//! wiremock or a function. But it is no pipe of bytes. It reads each request and writes each response
//! itself, so that what the log says was sent is what was sent; a second hop would hide from the log
//! what became of it behind.
//!
//! - `door`: one listener, with what happens to connections before there is a request;
//! - `doors`: the listener that clients share, and those of single clients. One for each client would be
//!   2,000 ports and descriptors for a large herd, and only a fault of connections that hits some clients
//!   and not others needs it: everywhere else the path of the base URL tells who asks;
//! - `standing`: the faults that hit answers until they are mended;
//! - `forge`: an answer becomes what goes over the wire instead;
//! - `pace`: in which pieces and when;
//! - `queue`: whether the peer has what was sent.

mod door;
mod doors;
mod forge;
mod pace;
mod queue;
mod standing;

pub(super) use doors::Doors;
pub(super) use forge::{After, Cut, Ending, Forge, LOOPS, Parcel, REDIRECTED};
pub(super) use pace::Pace;
pub(super) use queue::is_delivered;
pub(super) use standing::Standing;
