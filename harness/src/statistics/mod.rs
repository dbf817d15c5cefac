//! Statistics for few repetitions: pure functions that know nothing of caches.
//!
//! - [`rank_sum`]: whether one sample tends to larger values than another (Mann-Whitney, exact with ties);
//! - [`stratified`]: the same over many scenarios at once;
//! - [`fisher`]: whether something happened in a larger share of one sample than of another;
//! - [`effect`]: how much, as a probability and as a shift;
//! - [`several`]: what many tests at once may claim;
//! - [`needed`]: how many repetitions a test needs before it can claim anything.
//!
//! Every test is one-sided and conditional on the pooled values: its p-value is the share of all ways in which
//! the pooled repetitions could have been dealt to the two sides that look at least as bad. So it assumes no
//! distribution, only that the repetitions are exchangeable where nothing has changed.

pub mod effect;
pub mod fisher;
pub mod needed;
mod normal;
pub mod rank_sum;
pub mod several;
pub mod stratified;

#[cfg(test)]
mod properties;

/// One side of a test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tail {
    /// The probability, where nothing has changed, of something at least as far on this side.
    pub p: f64,
    /// The smallest `p` that any outcome could have had with these pooled values: where it is not small, the
    /// test could not have found anything (Tarone, 1990).
    pub least: f64,
}

impl Tail {
    /// The tail of a test that cannot tell anything.
    pub const BLIND: Self = Self { p: 1.0, least: 1.0 };
}
