//! Published values, and what must hold of any samples.

use proptest::collection::vec;
use proptest::prelude::*;

use super::effect::a12;
use super::fisher::more_often;
use super::rank_sum::{choose, rank_sum};
use super::several::corrected;
use super::{Tail, rank_sum::RankSum};

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-9
}

/// Mann and Whitney's U of the first sample.
fn u(first: &[f64], second: &[f64]) -> f64 {
    #[allow(clippy::cast_precision_loss)]
    let pairs = (first.len() * second.len()) as f64;
    a12(first, second).unwrap() * pairs
}

/// Samples of `n` and `m` without ties whose U is as given: the smallest value of the first is moved up past one
/// of the second at a time.
fn samples(n: usize, m: usize, wanted: usize) -> (Vec<f64>, Vec<f64>) {
    #[allow(clippy::cast_precision_loss)]
    let second: Vec<f64> = (1..=m).map(|it| it as f64).collect();
    let mut left = wanted;
    let mut first = Vec::new();
    for place in 0..n {
        let passed = left.min(m);
        left -= passed;
        #[allow(clippy::cast_precision_loss)]
        first.push(passed as f64 + 0.5 + place as f64 * 1e-3);
    }
    (first, second)
}

#[test]
fn the_published_critical_values() {
    // The largest U that is significant at 0.05 one-sided, and at 0.01: the tables of Mann and Whitney (1947) as
    // every textbook prints them. The last is approximated.
    let table = [
        (3, 3, 0, None),
        (5, 5, 4, Some(1)),
        (8, 8, 15, Some(9)),
        (10, 10, 27, Some(19)),
        (10, 20, 62, Some(47)),
        (20, 20, 138, None),
    ];
    for (n, m, at_5, at_1) in table {
        let p = |wanted: usize| {
            let (first, second) = samples(n, m, wanted);
            #[allow(clippy::cast_precision_loss)]
            let wanted = wanted as f64;
            assert!(near(u(&first, &second), wanted));
            rank_sum(&first, &second).less.p
        };
        assert!(p(at_5) <= 0.05 && p(at_5 + 1) > 0.05, "{n} and {m}: {} {}", p(at_5), p(at_5 + 1));
        if let Some(at_1) = at_1 {
            assert!(p(at_1) <= 0.01 && p(at_1 + 1) > 0.01, "{n} and {m} at 0.01");
        }
    }
}

#[test]
fn ties_are_counted_out() {
    // All 20 ways by hand: {2, 2, 3} of {1, 1, 2, 2, 2, 3} has 2 * 3.5 + 6... twice its ranks is 8 + 8 + 12.
    let found = rank_sum(&[2.0, 2.0, 3.0], &[1.0, 1.0, 2.0]);
    assert!(near(found.greater.p, 3.0 / 20.0), "{found:?}");
    assert!(near(found.greater.least, 3.0 / 20.0));
    let blind = RankSum { greater: Tail::BLIND, less: Tail::BLIND };
    assert_eq!(rank_sum(&[1.0; 5], &[1.0; 5]), blind);
    assert_eq!(rank_sum(&[], &[1.0]), blind);
    let never = f64::INFINITY;
    let found = rank_sum(&[never; 4], &[1.0, 2.0, 3.0, 4.0]);
    assert!(near(found.greater.p, 1.0 / 70.0));
}

/// Every way to deal the pooled values, which is what the table must come to.
fn by_hand(first: &[f64], second: &[f64]) -> (f64, f64) {
    let pooled = [first, second].concat();
    let observed = u(first, second);
    let (mut all, mut above, mut below) = (0.0, 0.0, 0.0);
    for mask in 0_u32..1 << pooled.len() {
        if mask.count_ones() as usize != first.len() {
            continue;
        }
        let side = |wanted: bool| {
            let of = move |(place, value): (usize, &f64)| {
                (wanted == (mask >> place & 1 == 1)).then_some(*value)
            };
            pooled.iter().enumerate().filter_map(of).collect::<Vec<_>>()
        };
        let u = u(&side(true), &side(false));
        all += 1.0;
        above += f64::from(u8::from(u >= observed - 1e-9));
        below += f64::from(u8::from(u <= observed + 1e-9));
    }
    (above / all, below / all)
}

fn values(most: usize) -> impl Strategy<Value = Vec<f64>> {
    // Few different values, so that ties are the rule.
    vec((0_u8..6).prop_map(f64::from), 1..=most)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_table_is_what_dealing_by_hand_comes_to(first in values(6), second in values(6)) {
        let found = rank_sum(&first, &second);
        let (above, below) = by_hand(&first, &second);
        prop_assert!(near(found.greater.p, above), "{found:?} for {above}");
        prop_assert!(near(found.less.p, below), "{found:?} for {below}");
        prop_assert!(found.greater.least <= found.greater.p + 1e-12);
        prop_assert!(found.less.least <= found.less.p + 1e-12);
    }

    #[test]
    fn two_samples_change_places(first in values(12), second in values(12)) {
        let (one, other) = (rank_sum(&first, &second), rank_sum(&second, &first));
        prop_assert!(near(one.greater.p, other.less.p) && near(one.less.p, other.greater.p));
        prop_assert!(near(one.greater.least, other.less.least));
        let turned = a12(&first, &second).unwrap() + a12(&second, &first).unwrap();
        prop_assert!(near(turned, 1.0));
    }

    #[test]
    fn of_two_values_it_is_fishers_test(hits in 0_usize..=9, others in 0_usize..=7) {
        let sample = |hits: usize, n: usize| (0..n).map(|it| f64::from(u8::from(it < hits))).collect::<Vec<_>>();
        let ranks = rank_sum(&sample(hits, 9), &sample(others, 7)).greater;
        let exact = more_often(hits, 9, others, 7);
        prop_assert!(near(ranks.p, exact.p) && near(ranks.least, exact.least), "{ranks:?} {exact:?}");
    }

    #[test]
    fn only_the_order_matters(first in values(10), second in values(10)) {
        let stretched = |values: &[f64]| values.iter().map(|it| it.exp()).collect::<Vec<_>>();
        prop_assert_eq!(rank_sum(&first, &second), rank_sum(&stretched(&first), &stretched(&second)));
    }

    #[test]
    fn the_approximation_begins_where_it_is_near(
        first in vec(0.0_f64..1.0, 15),
        second in vec(0.0_f64..1.3, 14),
    ) {
        // Fifteen against fourteen are counted out, three more on each side are not.
        let exact = rank_sum(&first, &second).greater.p;
        let more = |values: &[f64]| [values, &[0.11, 0.51, 0.91]].concat();
        let approximate = rank_sum(&more(&first), &more(&second)).greater.p;
        prop_assert!((exact - approximate).abs() < 0.1, "{exact} {approximate}");
    }

    #[test]
    fn a_correction_only_raises_and_keeps_the_order(ps in vec(0.0_f64..1.0, 0..20)) {
        let family: Vec<Tail> = ps.iter().map(|p| Tail { p: *p, least: p / 50.0 }).collect();
        let found = corrected(&family, 0.05);
        for (one, p) in found.iter().zip(&ps) {
            prop_assert!(one.is_none_or(|it| it >= *p && it <= 1.0));
            for (other, q) in found.iter().zip(&ps) {
                if let (Some(one), Some(other)) = (one, other) {
                    prop_assert!(p > q || one <= other);
                }
            }
        }
    }

    #[test]
    fn choosing_is_symmetric(n in 0_usize..50, k in 0_usize..50) {
        prop_assume!(k <= n);
        prop_assert_eq!(choose(n, k), choose(n, n - k));
    }
}
