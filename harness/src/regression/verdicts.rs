//! Ways of not passing, by how often they occur.

use crate::model::baseline::Repetition;
use crate::model::comparison::{Finding, Test, VerdictChange};
use crate::model::verdict::{Invariant, Outcome};
use crate::statistics::{fisher, needed};

use super::{Family, Sides};

/// What a repetition that is vacuous or inconclusive counts as.
const UNPROVEN: &str = "proved nothing";

/// A test for each way of not passing that occurs on either side.
pub(super) fn draft(
    before: &[Repetition],
    now: &[Repetition],
    changes: &mut Vec<VerdictChange>,
    sides: &mut Vec<Sides>,
) {
    let mut test = |what: String, has: &dyn Fn(&Repetition) -> bool| {
        let count = |side: &[Repetition]| side.iter().filter(|it| has(it)).count();
        let times = [count(before), count(now)];
        if times == [0, 0] {
            return;
        }
        let of = [before.len(), now.len()];
        sides.push(Sides {
            worse: fisher::more_often(times[1], of[1], times[0], of[0]),
            better: fisher::more_often(times[0], of[0], times[1], of[1]),
        });
        changes.push(VerdictChange {
            what,
            times,
            of,
            test: Test { p: 1.0, corrected: None },
            finding: Finding::Same,
            note: None,
        });
    };
    for invariant in Invariant::ALL {
        test(format!("{invariant} broken"), &|it| it.broken.contains(&invariant));
    }
    test(UNPROVEN.to_owned(), &|it| matches!(it.outcome, Outcome::Vacuous | Outcome::Inconclusive));
}

pub(super) fn conclude(change: &mut VerdictChange, [worse, better]: [Test; 2], family: &Family) {
    let alpha = family.settings.alpha;
    let found = |test: Test| test.corrected.is_some_and(|p| p <= alpha);
    change.test = worse;
    let [then, now] = change.times;
    if found(worse) {
        change.finding = Finding::Worse;
    } else if found(better) {
        change.finding = Finding::Better;
        change.test = better;
    } else if then == 0 && now > 0 {
        // What was never seen before is no pass, and may be chance.
        change.finding = Finding::CannotTell;
        let needed = needed::to_show(now, change.of[1], family.tests, family.share);
        change.note = Some(match needed {
            needed::MOST => "so rare that no number of repetitions would show it".to_owned(),
            needed => format!("{needed} repetitions of each would show such a share"),
        });
    }
}
