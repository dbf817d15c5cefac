//! What the reports look like, from sample runs that hold every outcome.

mod claims;
mod compared;
mod comparison;
mod formats;
mod history;
mod html;
mod junit;
mod matrix;
mod samples;
mod sweep;
mod traps;
