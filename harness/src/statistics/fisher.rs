//! Fisher's exact test (*The Design of Experiments*, 1935, section 11), one-sided.

use super::Tail;

/// Whether something happened in a larger share of the first `n` repetitions than of the other `m`, where it
/// happened `hits` times and `others` times. More hits than repetitions count as all.
pub fn more_often(hits: usize, n: usize, others: usize, m: usize) -> Tail {
    let (hits, others) = (hits.min(n), others.min(m));
    let together = hits + others;
    let chance = Hypergeometric { n, m, together };
    let most = together.min(n);
    let tail: f64 = (hits..=most).map(|it| chance.of(it)).sum();
    Tail { p: tail.min(1.0), least: chance.of(most).min(1.0) }
}

/// How many of `together` hits fall to the first `n` of `n + m` repetitions.
struct Hypergeometric {
    n: usize,
    m: usize,
    together: usize,
}

impl Hypergeometric {
    fn of(&self, hits: usize) -> f64 {
        let Some(others) = self.together.checked_sub(hits).filter(|it| *it <= self.m) else {
            return 0.0;
        };
        let ways = ln_choose(self.n, hits) + ln_choose(self.m, others);
        (ways - ln_choose(self.n + self.m, self.together)).exp()
    }
}

#[allow(clippy::cast_precision_loss, reason = "repetitions are few")]
fn ln_choose(n: usize, k: usize) -> f64 {
    let factorial = |number: usize| libm::lgamma(number as f64 + 1.0);
    factorial(n) - factorial(k) - factorial(n - k)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(hits: usize, n: usize, others: usize, m: usize, expected: f64) {
        let tail = more_often(hits, n, others, m);
        assert!((tail.p - expected).abs() < 1e-9, "{hits}/{n} {others}/{m}: {}", tail.p);
    }

    #[test]
    fn the_lady_tastes_tea() {
        // Fisher's own: three of four cups right has 17 of 70 ways, all four have one.
        check(3, 4, 1, 4, 17.0 / 70.0);
        check(4, 4, 0, 4, 1.0 / 70.0);
    }

    #[test]
    fn one_failure_of_ten_is_chance_and_six_are_not() {
        check(1, 10, 0, 10, 0.5);
        check(6, 10, 0, 10, 0.005_417_956_656_346_749);
        check(0, 10, 0, 10, 1.0);
        assert!((more_often(10, 10, 10, 10).least - 1.0).abs() < 1e-9, "all of both tell nothing");
        assert!((more_often(0, 0, 0, 10).p - 1.0).abs() < 1e-9, "nothing tells nothing");
    }
}
