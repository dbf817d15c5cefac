//! When something happened.

use std::fmt;
use std::time::Duration;

use crate::model::units::Nanos;

/// Two observers may disagree by this much, in nanoseconds: within it the order of a request, a publish
/// and an injection is not known.
pub(in crate::judge) const SKEW: u64 = 2_000_000;

/// How far the watch of the cache directory may lag behind: it is a thread like any other, and on a
/// loaded machine it may not run for a while.
pub(in crate::judge) const WATCH_LAG: Duration = Duration::from_secs(2);

/// When an event happened: its place in the record, and two clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::judge) struct Moment {
    /// The index in the record.
    pub(in crate::judge) index: usize,
    /// The harness's clock.
    pub(in crate::judge) at: Nanos,
    /// The harness's clock plus all the ageing that landed before, in nanoseconds.
    pub(in crate::judge) cache_time: u64,
}

impl Moment {
    /// The index as verdicts hold it.
    pub(in crate::judge) fn event(self) -> u32 {
        u32::try_from(self.index).unwrap_or(u32::MAX)
    }

    /// The time from `earlier` to `self` on the harness's clock, zero when `earlier` is later.
    pub(in crate::judge) fn since(self, earlier: Self) -> Duration {
        self.at.since(earlier.at)
    }

    /// Whether `self` came before `later`, or so shortly after it that the order is not known.
    pub(in crate::judge) fn may_precede(self, later: Self) -> bool {
        self.index < later.index || self.at.0 <= later.at.0.saturating_add(SKEW)
    }
}

/// Whether two moments lie so close that their order is not known.
pub(in crate::judge) fn near(one: Moment, other: Moment) -> bool {
    one.at.0.abs_diff(other.at.0) < SKEW
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.at.fmt(f)
    }
}
