//! Random storms: scenarios drawn from a seed over all the faults there are, and what fails made small.
//!
//! A scenario file tests what somebody thought of. A storm draws the rest: each one enables a random
//! subset of the faults and composes a plan from it (Groce, Zhang, Eide, Chen, Regehr: "Swarm Testing",
//! ISSTA 2012: leaving out is what finds the bugs that a mix of everything hides). What breaks an
//! invariant is made small, written as a scenario file, and run again until it has failed again.
//!
//! A seed fixes the plans: who starts, what goes wrong, on which event. It does not fix the order in which
//! the system runs the processes, so the same plan may fail once and pass the next time.
//!
//! - [`draw`]: from a seed and a number to a scenario;
//! - [`faults`]: what may go wrong in one; [`moments`] says when, [`kinds`] how, and [`settings`] under what;
//! - [`hunt`]: storms one after another until the time is over;
//! - [`shrink`]: the smaller scenarios that a failing one is tried as;
//! - [`keep`]: a scenario as the text of its file.

pub mod draw;
pub mod faults;
pub mod hunt;
pub mod keep;
pub mod kinds;
pub mod moments;
pub mod settings;
pub mod shrink;
