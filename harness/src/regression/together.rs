//! Times over all scenarios at once: a client that has become slower everywhere by a little shows there long before
//! it does in any one scenario. Each scenario is a stratum, so only its own repetitions are compared.

use crate::model::baseline::{Baseline, Repetition};
use crate::model::comparison::{Figure, FigureChange, Finding, Test};
use crate::model::verdict::Outcome;
use crate::statistics::effect::{a12, median, shift};
use crate::statistics::stratified::stratified;

use super::figures::{busier, spread, starts, values};
use super::{Family, LEAST_TIME, Sides, Times};

/// A change over all scenarios, with the median over them of how much longer it took, in milliseconds.
pub(super) struct Draft {
    pub(super) change: FigureChange,
    pub(super) sides: Sides,
    shift_ms: f64,
}

/// One for each time that several scenarios have on both sides. Its values are shares of the scenario's median.
pub(super) fn draft(before: &Baseline, now: &Baseline, times: &Times<'_>) -> Vec<Draft> {
    let Some(timed) = times.baseline.filter(|_| times.void.is_none()) else { return Vec::new() };
    let pairs = |side: &Baseline| -> Vec<(Vec<Repetition>, Vec<Repetition>)> {
        let both = side.scenarios.iter().filter_map(|(name, then)| {
            let judged = |side: &[Repetition]| {
                side.iter().filter(|it| it.outcome != Outcome::Skipped).cloned().collect()
            };
            // A scenario that is not in the baseline is compared with nothing.
            before.scenarios.get(name)?;
            Some((judged(now.scenarios.get(name)?), judged(then)))
        });
        both.collect()
    };
    let pairs = pairs(timed);
    let busier = if times.in_turns {
        None
    } else {
        busier(&pairs.iter().map(|(now, then)| (starts(now), starts(then))).collect::<Vec<_>>())
    };
    let times = Figure::ALL.into_iter().filter(|figure| figure.is_time());
    times.filter_map(|figure| one(figure, &pairs, busier.as_ref())).collect()
}

fn one(
    figure: Figure,
    pairs: &[(Vec<Repetition>, Vec<Repetition>)],
    busier: Option<&String>,
) -> Option<Draft> {
    let strata = pairs.iter().map(|(now, then)| (values(figure, now), values(figure, then)));
    let strata: Vec<_> = strata.filter(|(now, then)| !now.is_empty() && !then.is_empty()).collect();
    if strata.len() < 2 {
        return None;
    }
    let mut shares = (Vec::new(), Vec::new());
    let mut shifts = (Vec::new(), Vec::new());
    let mut effects = Vec::new();
    for (now, then) in &strata {
        let middle = median(then.clone()).filter(|it| it.is_finite() && *it > 0.0)?;
        shares.0.extend(now.iter().map(|it| it / middle));
        shares.1.extend(then.iter().map(|it| it / middle));
        let by = shift(now, then)?;
        shifts.0.push(by / middle);
        shifts.1.push(by);
        effects.push(a12(now, then)?);
    }
    let test = stratified(&strata);
    #[allow(clippy::cast_precision_loss, reason = "scenarios are few")]
    let a12 = effects.iter().sum::<f64>() / effects.len() as f64;
    Some(Draft {
        change: FigureChange {
            figure,
            before: spread(&shares.1)?,
            now: spread(&shares.0)?,
            shift: median(shifts.0).filter(|shift| shift.is_finite()),
            a12,
            test: Test { p: test.greater.p, corrected: None },
            finding: Finding::Same,
            note: busier.cloned(),
        },
        sides: Sides { worse: test.greater, better: test.less },
        shift_ms: median(shifts.1)?,
    })
}

pub(super) fn conclude(draft: Draft, [worse, better]: [Test; 2], family: &Family) -> FigureChange {
    let mut change = draft.change;
    let busier = change.note.take();
    let found = |test: Test| test.corrected.is_some_and(|p| p <= family.settings.alpha);
    // The length itself says whether it matters: over many scenarios a probability is blurred by their noise.
    let matters = |sign: f64| {
        draft.shift_ms * sign >= LEAST_TIME
            && change.shift.is_none_or(|it| it * sign >= family.settings.least_change)
    };
    change.test = worse;
    if found(worse) && matters(1.0) {
        change.finding = if busier.is_some() { Finding::CannotTell } else { Finding::Worse };
        change.note = busier;
    } else if found(better) && matters(-1.0) {
        change.finding = Finding::Better;
        change.test = better;
    }
    change
}
