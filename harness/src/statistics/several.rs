//! What many tests at once may claim.

use super::Tail;

/// The p-values of a family of tests, corrected so that where nothing has changed, the chance that *any* of them
/// comes to `alpha` or less is `alpha` at the most, however the tests hang together.
///
/// `None` for a test that is left out because nothing it could have seen would have been found: Tarone (1990),
/// *A modified Bonferroni method for discrete data*. That hangs on the pooled values alone, on which each test is
/// conditional, so it costs nothing; and most figures of a cache never move. Holm (1979) corrects the rest.
pub fn corrected(family: &[Tail], alpha: f64) -> Vec<Option<f64>> {
    let kept = can_find(family, alpha);
    let mut order: Vec<usize> = (0..family.len()).filter(|test| kept[*test]).collect();
    order.sort_by(|one, other| family[*one].p.total_cmp(&family[*other].p));
    let mut corrected = vec![None; family.len()];
    let mut before = 0.0_f64;
    for (rank, test) in order.iter().enumerate() {
        #[allow(clippy::cast_precision_loss, reason = "tests are few")]
        let left = (order.len() - rank) as f64;
        before = before.max((family[*test].p * left).min(1.0));
        corrected[*test] = Some(before);
    }
    corrected
}

/// Which tests of a family could find something: the smallest number `k` is looked for at which no more than
/// `k` tests can reach `alpha / k`.
fn can_find(family: &[Tail], alpha: f64) -> Vec<bool> {
    #[allow(clippy::cast_precision_loss, reason = "tests are few")]
    let reach = |k: usize| move |tail: &Tail| tail.least <= alpha / k as f64;
    let k = (1..=family.len().max(1))
        .find(|k| family.iter().filter(|tail| reach(*k)(tail)).count() <= *k)
        .unwrap_or(1);
    family.iter().map(reach(k)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(p: f64, least: f64) -> Tail {
        Tail { p, least }
    }

    #[test]
    fn holm_steps_down() {
        // Holm's procedure on a family in which every test can find anything.
        let family = [0.01, 0.04, 0.03, 0.005].map(|p| tail(p, 1e-9));
        let expected = [0.03, 0.06, 0.06, 0.02];
        for (found, expected) in corrected(&family, 0.05).into_iter().zip(expected) {
            assert!((found.unwrap() - expected).abs() < 1e-12, "{found:?} for {expected}");
        }
    }

    #[test]
    fn a_test_that_could_find_nothing_costs_nothing() {
        let family = [tail(0.004, 0.004), tail(1.0, 1.0), tail(1.0, 1.0), tail(0.2, 0.2)];
        assert_eq!(corrected(&family, 0.05), [Some(0.004), None, None, None]);
        // Three that reach 0.02 cannot all be kept at 0.05: at 0.05 / 3 none is left.
        let family = [tail(0.02, 0.02); 3];
        assert_eq!(corrected(&family, 0.05), [None; 3]);
        assert_eq!(corrected(&[], 0.05), []);
    }
}
