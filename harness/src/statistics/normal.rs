//! The standard normal distribution.

use std::f64::consts::SQRT_2;

/// The probability of a value of at least `z`.
pub(super) fn upper(z: f64) -> f64 {
    0.5 * libm::erfc(z / SQRT_2)
}

/// The value that is exceeded with probability `p`, between -10 and 10.
pub(super) fn quantile(p: f64) -> f64 {
    let (mut low, mut high) = (-10.0, 10.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if upper(middle) > p {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantiles_of_the_tables() {
        for (p, z) in [(0.5, 0.0), (0.05, 1.644_854), (0.025, 1.959_964), (0.001, 3.090_232)] {
            assert!((quantile(p) - z).abs() < 1e-6, "{p}: {}", quantile(p));
            assert!((upper(z) - p).abs() < 1e-7, "{z}: {}", upper(z));
        }
        assert!((upper(6.0) / 9.865_876_450_376_9e-10 - 1.0).abs() < 1e-9, "far out too");
    }
}
