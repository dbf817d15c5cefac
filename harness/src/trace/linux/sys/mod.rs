//! What the tracer asks of the kernel. All the unsafe code of the tracer is in this folder.
//!
//! - `ptrace`: the calls by which a thread controls another process;
//! - [`wait`]: what has become of the processes of this thread;
//! - `memory`: reading what a call's pointers lead to;
//! - [`filter`]: which calls stop a process at all;
//! - [`bell`]: waking a thread that waits;
//! - [`core`](mod@core): keeping a thread, and all that it starts, on one core.

pub mod bell;
pub mod core;
pub mod filter;
pub mod memory;
pub mod ptrace;
pub mod wait;
