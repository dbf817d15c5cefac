//! The server on real sockets, and the catalogues it serves. No test relies on a time: each waits for
//! what it is about, and only gives up after [`support::PATIENCE`].

mod catalogue;
mod curl;
mod doors;
mod faults;
mod protocol;
mod routes;
mod support;
mod tracing;
mod wire;
