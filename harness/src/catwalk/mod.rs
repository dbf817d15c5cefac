//! The mock Catwalk server: it counts, it obeys, and its catalogues certify themselves.
//!
//! Reading order:
//!
//! 1. [`catalogue`]: what is served, and how bytes found anywhere are traced back to it;
//! 2. `answer`: a request becomes a response, with no network;
//! 3. `backend`: who calls that function, wiremock or nobody in between;
//! 4. `http`: the little of HTTP/1.1 that a server must read and write itself;
//! 5. `connection` and `exchange`: one connection, and one request on it, step by step;
//! 6. `proxy`: the faults: at the listeners, and on the wire;
//! 7. `server`: all of it together, down and up; `reach`: whether the machine lets anybody come to it;
//! 8. `serve`: the server on its own, for people.
//!
//! The front is our own because no HTTP library lets a test decide between the bytes of a response:
//! every step is told to the [`observe::Observer`] first, and for a fetch of the catalogue the next
//! byte waits for the observer's [`observe::Directive`].

mod answer;
mod backend;
pub mod catalogue;
mod connection;
mod counts;
mod error;
mod etag;
mod exchange;
mod http;
pub mod observe;
mod proxy;
mod reach;
mod serve;
mod server;
mod state;

pub use backend::Backend;
pub use catalogue::{Catalogue, Library};
pub use counts::Counts;
pub use error::CatwalkError;
pub use observe::{Directive, Observation, Observer};
pub use serve::{Interference, serve_until};
pub use server::{Catwalk, Settings};

#[cfg(test)]
mod tests;
