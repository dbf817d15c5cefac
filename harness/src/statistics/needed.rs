//! How many repetitions are needed.

use super::{fisher, normal};

/// Beyond this nobody repeats.
pub const MOST: usize = 10_000;

/// The smallest p-value that any test of `n` repetitions against `m` can have: one way of all in which the pooled
/// repetitions can be dealt.
pub fn least(n: usize, m: usize) -> f64 {
    if n == 0 || m == 0 { 1.0 } else { fisher::more_often(n, n, 0, m).p }
}

/// So many repetitions of both sides are needed before one of `tests` tests can claim anything at all at `alpha`.
pub fn to_claim(tests: usize, alpha: f64) -> usize {
    let bound = share(alpha, tests);
    (1..MOST).find(|n| least(*n, *n) <= bound).unwrap_or(MOST)
}

/// So many repetitions of both sides are needed to find a difference of effect size `a12` in four of five
/// comparisons (Noether, 1987, *Sample size determination for some common nonparametric tests*).
pub fn to_find(a12: f64, tests: usize, alpha: f64) -> usize {
    let sum = normal::quantile(share(alpha, tests)) + normal::quantile(0.2);
    // A difference without any overlap needs no more than the smallest possible p-value.
    let far = (a12 - 0.5).abs().max(0.005);
    let per_side = (sum * sum / (6.0 * far * far)).ceil();
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 1 and MOST"
    )]
    let per_side = per_side.clamp(1.0, 10_000.0) as usize;
    per_side.max(to_claim(tests, alpha))
}

/// So many repetitions of both sides would show that something happens more often, if it happened in the same
/// share of them as in these and never on the other side.
pub fn to_show(hits: usize, n: usize, tests: usize, alpha: f64) -> usize {
    let bound = share(alpha, tests);
    let times = |repetitions: usize| (repetitions * hits).div_ceil(n.max(1));
    (1..MOST).find(|it| fisher::more_often(times(*it), *it, 0, *it).p <= bound).unwrap_or(MOST)
}

#[allow(clippy::cast_precision_loss, reason = "tests are few")]
fn share(alpha: f64, tests: usize) -> f64 {
    alpha / tests.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fewest_that_can_claim_anything() {
        // C(6, 3) = 20 is one in twenty, C(10, 5) = 252 is less than one in two hundred.
        assert_eq!(to_claim(1, 0.05), 3);
        assert_eq!(to_claim(10, 0.05), 5);
        assert_eq!(to_claim(900, 0.05), 9);
    }

    #[test]
    fn a_small_difference_needs_more_than_a_large_one() {
        // Noether's formula by hand: (1.645 + 0.842)^2 / (6 * 0.2^2) = 25.8.
        assert_eq!(to_find(0.7, 1, 0.05), 26);
        assert_eq!(to_find(1.0, 1, 0.05), 5);
        assert!(to_find(0.5, 1, 0.05) == MOST);
        assert_eq!(to_show(10, 10, 1, 0.05), 3);
        // Once in ten: five of fifty against none of fifty.
        assert_eq!(to_show(1, 10, 1, 0.05), 41);
    }
}
