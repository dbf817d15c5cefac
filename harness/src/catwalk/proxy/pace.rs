//! In which pieces a response goes over the wire, and when.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::model::fault::{Drip, Fault, Latency};
use crate::model::units::RequestId;

/// How often a response with a bandwidth sends.
const TICK: Duration = Duration::from_millis(50);

/// Pieces of so many bytes, with a pause between one and the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::catwalk) struct Pace {
    /// Bytes in a piece; never 0.
    pub piece: usize,
    /// The time between it and the next.
    pub pause: Duration,
}

impl Pace {
    /// The pace that a fault sets, if it sets one.
    pub fn of(fault: Fault) -> Option<Self> {
        let (bytes, pause) = match fault {
            Fault::Drip(Drip { bytes, every }) => (bytes.0, every.0),
            // So many pieces a second that the rate is kept to the byte where it can be.
            Fault::Bandwidth(rate) if rate.0 >= 20 => (rate.0 / 20, TICK),
            Fault::Bandwidth(rate) => (1, Duration::from_secs(1) / rate.0.max(1) as u32),
            Fault::Slicer(bytes) => (bytes.0, Duration::ZERO),
            _ => return None,
        };
        Some(Self { piece: usize::try_from(bytes).unwrap_or(usize::MAX).max(1), pause })
    }
}

/// How long the head of this answer waits: the same for the same seed and number, whatever the schedule.
pub(super) fn latency(latency: Latency, seed: u64, request: RequestId) -> Duration {
    let most = u64::try_from(latency.jitter.0.as_nanos()).unwrap_or(u64::MAX);
    let mut dice = dice(seed, request);
    latency.base.0.saturating_add(Duration::from_nanos(dice.random_range(0..=most)))
}

/// What is drawn for one request.
pub(super) fn dice(seed: u64, RequestId(number): RequestId) -> StdRng {
    StdRng::seed_from_u64(seed ^ (u64::from(number) << 32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::units::{ByteSize, Span};

    fn check(fault: Fault, expected: Option<(usize, u64)>) {
        let found = Pace::of(fault).map(|pace| (pace.piece, pace.pause.as_millis()));
        assert_eq!(found, expected.map(|(piece, millis)| (piece, u128::from(millis))), "{fault}");
    }

    #[test]
    fn a_fault_sets_a_pace() {
        check(Fault::Bandwidth(ByteSize(64 << 10)), Some((3276, 50)));
        check(Fault::Bandwidth(ByteSize(4)), Some((1, 250)));
        check(Fault::Slicer(ByteSize(7)), Some((7, 0)));
        let drip = Drip { bytes: ByteSize(0), every: Span::from_millis(9) };
        check(Fault::Drip(drip), Some((1, 9)));
        check(Fault::Garbage, None);
    }

    #[test]
    fn a_latency_is_fixed_by_the_seed_and_the_request() {
        let bounds = Latency { base: Span::from_millis(50), jitter: Span::from_millis(100) };
        let draw = |seed, number| latency(bounds, seed, RequestId(number));
        let drawn: Vec<_> = (1..50).map(|number| draw(1, number)).collect();
        assert!(drawn.iter().all(|time| (50..=150).contains(&time.as_millis())), "{drawn:?}");
        assert!(drawn.iter().collect::<std::collections::BTreeSet<_>>().len() > 40);
        assert_eq!(draw(1, 7), draw(1, 7));
        assert_ne!(draw(1, 7), draw(2, 7));
        let still = Latency { base: Span::from_millis(50), jitter: Span::default() };
        assert_eq!(latency(still, 1, RequestId(1)), Duration::from_millis(50));
    }
}
