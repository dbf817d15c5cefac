//! The crash engine: does it hold when a process dies, or a call fails, at *every* call, one by one?
//!
//! It runs a scenario some times, traced, and numbers the calls of the client that fetches. Then it makes one
//! scenario for each thing that can go wrong at each of them, and leaves them to the herd engine: every run
//! has its record and its verdict, by the same rules as any other, and a fresh client after it, and one
//! more past the TTL.
//!
//! - [`points`]: from a record to the calls at which something can go wrong, and what;
//! - `both`: the points that two runs have both, since what one alone has hangs on chance;
//! - `company`: which of a client's processes live beside the one that makes a call;
//! - `receives`: the reads of an answer, which are the same in every run where all of it is there;
//! - [`sweep`]: all the runs, over some threads.

mod both;
mod company;
pub mod points;
mod receives;
pub mod sweep;
