//! The rank-sum test over several strata at once (van Elteren, 1960; Lehmann, *Nonparametrics*, 1975, section 3.3).
//!
//! Values are ranked within their stratum only, so strata may lie far apart; each counts by the reciprocal of its
//! size plus one, which is best where they shift alike. The normal approximation over all of them together.

use super::rank_sum::{Pooled, RankSum};
use super::{Tail, normal};

/// Fewer values in all are too few for the approximation, and nothing is claimed.
pub const FEWEST: usize = 20;

/// Whether the first samples tend to larger or smaller values than the second, over all strata.
#[allow(clippy::cast_precision_loss, reason = "sums of ranks are far below 2^52")]
pub fn stratified(strata: &[(Vec<f64>, Vec<f64>)]) -> RankSum {
    let strata = strata.iter().filter(|(first, second)| !first.is_empty() && !second.is_empty());
    let (mut values, mut variance, mut observed, mut most, mut least) = (0, 0.0, 0.0, 0.0, 0.0);
    for (first, second) in strata {
        let pooled = Pooled::of(first, second);
        let size = first.len() + second.len();
        values += size;
        let weight = 1.0 / (size + 1) as f64;
        let off = |sum: usize| weight * (sum as f64 / 2.0 - pooled.mean());
        let (highest, lowest) = pooled.extremes();
        observed += off(pooled.observed());
        most += off(highest);
        least += off(lowest);
        variance += weight * weight * pooled.variance();
    }
    if values < FEWEST || variance <= 0.0 {
        return RankSum { greater: Tail::BLIND, less: Tail::BLIND };
    }
    let above = |distance: f64| normal::upper(distance / variance.sqrt());
    RankSum {
        greater: Tail { p: above(observed), least: above(most) },
        less: Tail { p: above(-observed), least: above(-least) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strata_that_lie_far_apart_add_up() {
        // Within each stratum three of four comparisons are won; the strata themselves are worlds apart.
        let one = |base: f64| {
            let first = [2.0, 4.0, 6.0, 8.0].map(|it| base + it).to_vec();
            let second = [1.0, 3.0, 5.0, 7.0].map(|it| base + it).to_vec();
            (first, second)
        };
        let strata: Vec<_> = (0..30).map(|it| one(f64::from(it) * 1000.0)).collect();
        let found = stratified(&strata);
        // By hand: each stratum is 2 above its mean of 18 with a variance of 12, so z = 2 sqrt(30 / 12) = 3.1623.
        assert!((found.greater.p - 0.000_782_7).abs() < 1e-6, "{found:?}");
        assert!(found.less.p > 0.99 && found.greater.least < 1e-9);
        assert!(
            (stratified(&strata[..2]).greater.p - 1.0).abs() < 1e-9,
            "too few to claim anything"
        );
        let tied = vec![(vec![1.0; 20], vec![1.0; 20])];
        assert!((stratified(&tied).greater.p - 1.0).abs() < 1e-9);
    }
}
