//! The tracer on Linux.

mod behind;
mod buffers;
mod calls;
mod connections;
mod cut;
mod decode;
mod descriptors;
mod endings;
mod launch;
mod links;
mod paths;
mod steps;
mod sys;
mod task;
mod telling;
mod tracer;
mod turn;
mod world;

pub use sys::filter::for_attention as filter;
pub use tracer::Tracer;
