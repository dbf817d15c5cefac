//! The command `cachestorm` from outside: what it says, how it exits, what it leaves.
//!
//! One file for each theme. Clients are shell scripts written for the test; where one has to behave, it
//! becomes the reference client that the program holds. No test waits for a time to pass: it waits for
//! something to be so, with a bound that only a fault reaches.

mod support;

mod bad_input;
mod claims;
mod crash;
mod hygiene;
mod limits;
mod listings;
mod matrix;
mod misbehaviour;
mod network;
mod outputs;
mod publishers;
mod regression;
mod serve;
mod sessions;
mod shards;
mod storm;
mod strays;
mod terminal;
