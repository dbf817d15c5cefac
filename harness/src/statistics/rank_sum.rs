//! The rank-sum test of Wilcoxon (1945), and Mann and Whitney (1947).
//!
//! Small samples get the exact permutation distribution of the midranks, so ties cost nothing of its truth
//! (Lehmann, *Nonparametrics*, 1975, section 1.4). Its counts come from a table over the groups of tied values,
//! as Mann and Whitney's recursion does without ties (Streitberg and Röhmel, 1986). Large ones get the normal
//! approximation with the variance corrected for ties, and a correction for continuity.

use super::{Tail, fisher, normal};

/// Up to so many steps the distribution is counted out: fifteen values against fifteen are about that.
const STEPS: usize = 400_000;

/// Both sides of the test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankSum {
    /// The first sample tends to larger values.
    pub greater: Tail,
    /// The first sample tends to smaller values.
    pub less: Tail,
}

/// Compares two samples. Infinities may occur and are tied with each other; no value may be NaN. Without a
/// value on both sides it can tell nothing.
pub fn rank_sum(first: &[f64], second: &[f64]) -> RankSum {
    if first.is_empty() || second.is_empty() {
        return RankSum { greater: Tail::BLIND, less: Tail::BLIND };
    }
    let pooled = Pooled::of(first, second);
    if pooled.groups.len() == 1 {
        return RankSum { greater: Tail::BLIND, less: Tail::BLIND };
    }
    if pooled.groups.len() == 2 {
        pooled.of_two_values()
    } else if pooled.steps() <= STEPS {
        pooled.exact()
    } else {
        pooled.approximate()
    }
}

/// Values that are equal.
pub(super) struct Group {
    /// How many there are.
    size: usize,
    /// Of these, in the first sample.
    of_first: usize,
    /// Twice the rank that they share, which is a whole number.
    rank: usize,
}

/// Two samples in one order.
pub(super) struct Pooled {
    groups: Vec<Group>,
    first: usize,
    second: usize,
}

impl Pooled {
    pub(super) fn of(first: &[f64], second: &[f64]) -> Self {
        let tagged = |values: &[f64], is_first: bool| {
            values.iter().map(move |value| (*value, is_first)).collect::<Vec<_>>()
        };
        let mut all = tagged(first, true);
        all.extend(tagged(second, false));
        all.sort_by(|one, other| one.0.total_cmp(&other.0));
        let mut groups: Vec<Group> = Vec::new();
        let mut before = 0;
        // `==` and not `total_cmp`: zero has no sign here.
        for tied in all.chunk_by(|one, other| one.0 == other.0) {
            let of_first = tied.iter().filter(|(_, is_first)| *is_first).count();
            groups.push(Group { size: tied.len(), of_first, rank: 2 * before + tied.len() + 1 });
            before += tied.len();
        }
        Self { groups, first: first.len(), second: second.len() }
    }

    /// Twice the sum of the ranks of the first sample.
    pub(super) fn observed(&self) -> usize {
        self.groups.iter().map(|group| group.of_first * group.rank).sum()
    }

    /// Twice the largest and the smallest sum that the first sample could have.
    pub(super) fn extremes(&self) -> (usize, usize) {
        let greedy = |groups: &mut dyn Iterator<Item = &Group>| {
            let mut left = self.first;
            let mut sum = 0;
            for group in groups {
                let taken = group.size.min(left);
                sum += taken * group.rank;
                left -= taken;
            }
            sum
        };
        (greedy(&mut self.groups.iter().rev()), greedy(&mut self.groups.iter()))
    }

    /// How many additions the table takes.
    fn steps(&self) -> usize {
        (self.first + self.second) * self.first * (self.extremes().0 + 1)
    }

    /// Of two values the sum of the ranks says how many are the larger one, and that is Fisher's test.
    fn of_two_values(&self) -> RankSum {
        let [low, high] = [0, self.groups.len() - 1].map(|it| &self.groups[it]);
        let tail = |group: &Group| {
            let others = group.size - group.of_first;
            fisher::more_often(group.of_first, self.first, others, self.second)
        };
        RankSum { greater: tail(high), less: tail(low) }
    }

    fn exact(&self) -> RankSum {
        let (most, least) = self.extremes();
        let width = most + 1;
        // For each number of values taken so far and each sum of their ranks: in how many ways. All whole
        // numbers, and below 2^53 for the samples that come here.
        let mut ways = vec![0.0_f64; (self.first + 1) * width];
        ways[0] = 1.0;
        let mut seen = 0;
        for group in &self.groups {
            // From the most taken to the fewest, so that each group is taken from once.
            for taken in (1..=self.first.min(seen + group.size)).rev() {
                for from_here in 1..=group.size.min(taken) {
                    let choices = choose(group.size, from_here);
                    let (before, now) = ways.split_at_mut(taken * width);
                    let before = &before[(taken - from_here) * width..][..width];
                    let shift = from_here * group.rank;
                    if shift < width {
                        for (target, source) in now[shift..width].iter_mut().zip(before) {
                            *target += choices * source;
                        }
                    }
                }
            }
            seen += group.size;
        }
        let last = &ways[self.first * width..][..width];
        let all: f64 = last.iter().sum();
        let observed = self.observed();
        let share = |ways: &[f64]| ways.iter().sum::<f64>() / all;
        RankSum {
            greater: Tail { p: share(&last[observed..]), least: last[most] / all },
            less: Tail { p: share(&last[..=observed]), least: last[least] / all },
        }
    }

    /// The sum of the ranks of the first sample that is expected where nothing differs.
    #[allow(clippy::cast_precision_loss, reason = "sums of ranks are far below 2^52")]
    pub(super) fn mean(&self) -> f64 {
        self.first as f64 * ((self.first + self.second) as f64 + 1.0) / 2.0
    }

    /// The variance of that sum, with the ties taken off.
    #[allow(clippy::cast_precision_loss, reason = "sums of ranks are far below 2^52")]
    pub(super) fn variance(&self) -> f64 {
        let (n, m) = (self.first as f64, self.second as f64);
        let all = n + m;
        let ties: f64 = self.groups.iter().map(|it| it.size as f64).map(|t| t * t * t - t).sum();
        n * m / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)).max(1.0))
    }

    #[allow(clippy::cast_precision_loss, reason = "sums of ranks are far below 2^52")]
    fn approximate(&self) -> RankSum {
        let (mean, deviation) = (self.mean(), self.variance().sqrt());
        let beyond = |distance: f64| normal::upper((distance - 0.5) / deviation).min(1.0);
        let above = |sum: usize| beyond(sum as f64 / 2.0 - mean);
        let below = |sum: usize| beyond(mean - sum as f64 / 2.0);
        let (most, least) = self.extremes();
        let observed = self.observed();
        RankSum {
            greater: Tail { p: above(observed), least: above(most) },
            less: Tail { p: below(observed), least: below(least) },
        }
    }
}

/// The number of ways to choose `k` of `n`, exact below 2^53.
#[allow(clippy::cast_precision_loss, reason = "n is at most a few thousand")]
pub(super) fn choose(n: usize, k: usize) -> f64 {
    let k = k.min(n.saturating_sub(k));
    (0..k).fold(1.0, |ways, step| ways * (n - step) as f64 / (step + 1) as f64).round()
}
