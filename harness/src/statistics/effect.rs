//! How large a difference is, which no p-value says.

use std::cmp::Ordering;

/// The effect size of Vargha and Delaney (2000): the probability that a value of the first sample is larger than
/// one of the second, where a tie counts half. 0.5 is no difference; they call 0.56 small, 0.64 medium and 0.71
/// large. Cliff's delta is `2 A - 1`. `None` where a sample is empty.
#[allow(clippy::cast_precision_loss, reason = "repetitions are few")]
pub fn a12(first: &[f64], second: &[f64]) -> Option<f64> {
    let pairs = first.len() * second.len();
    let wins = first.iter().flat_map(|one| second.iter().map(move |other| one.total_cmp(other)));
    let halves: u64 = wins
        .map(|it| match it {
            Ordering::Greater => 2,
            Ordering::Equal => 1,
            Ordering::Less => 0,
        })
        .sum();
    (pairs > 0).then(|| halves as f64 / (2 * pairs) as f64)
}

/// The estimator of Hodges and Lehmann (1963) of how much larger the values of the first sample are: the median of
/// all differences between one of each. Two infinities differ by nothing. `None` where a sample is empty.
pub fn shift(first: &[f64], second: &[f64]) -> Option<f64> {
    let difference = |one: f64, other: f64| if one == other { 0.0 } else { one - other };
    let all = first.iter().flat_map(|one| second.iter().map(move |it| difference(*one, *it)));
    median(all.collect())
}

/// The middle value, or the mean of the two. `None` of nothing.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let high = *values.get(values.len() / 2)?;
    let low = values[(values.len() - 1) / 2];
    Some(if low == high { low } else { f64::midpoint(low, high) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_counted_on_fingers() {
        assert_eq!(a12(&[2.0, 4.0], &[1.0, 3.0]), Some(0.75));
        assert_eq!(a12(&[1.0, 1.0], &[1.0]), Some(0.5));
        assert_eq!(a12(&[], &[1.0]), None);
        assert_eq!(shift(&[10.0, 12.0, 14.0], &[1.0, 2.0, 3.0]), Some(10.0));
        assert_eq!(shift(&[f64::INFINITY], &[f64::INFINITY]), Some(0.0));
        assert_eq!(median(vec![3.0, 1.0, 2.0, 10.0]), Some(2.5));
    }
}
