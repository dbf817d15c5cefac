//! Figures, by the rank-sum test over repetitions.

use crate::model::baseline::{Figures, Repetition};
use crate::model::comparison::{Figure, FigureChange, Finding, Spread, Test};
use crate::model::verdict::Outcome;
use crate::statistics::effect::{a12, median, shift};
use crate::statistics::rank_sum::rank_sum;
use crate::statistics::stratified::stratified;
use crate::statistics::{Tail, needed};

use super::{Family, LEAST_EFFECT, LEAST_TIME, Sides, Times};

/// A test for each figure that both sides have. `timed` are the repetitions with which times are compared.
pub(super) fn draft(
    before: &[Repetition],
    now: &[Repetition],
    timed: &[Repetition],
    times: &Times<'_>,
    changes: &mut Vec<FigureChange>,
    sides: &mut Vec<Sides>,
) {
    let busier = if times.in_turns { None } else { busier(&[(starts(now), starts(before))]) };
    for figure in Figure::ALL {
        let before = if figure.is_time() { timed } else { before };
        let (then, here) = (values(figure, before), values(figure, now));
        let (Some(spread), Some(spread_now)) = (spread(&then), spread(&here)) else { continue };
        let void = times.void.as_ref().filter(|_| figure.is_time());
        let test = rank_sum(&here, &then);
        let Some(a12) = a12(&here, &then) else { continue };
        // What is not compared takes no part in the correction either.
        let blind = Sides { worse: Tail::BLIND, better: Tail::BLIND };
        let both = Sides { worse: test.greater, better: test.less };
        sides.push(if void.is_some() { blind } else { both });
        changes.push(FigureChange {
            figure,
            before: spread,
            now: spread_now,
            shift: shift(&here, &then).filter(|shift| shift.is_finite()),
            a12,
            test: Test { p: test.greater.p, corrected: None },
            finding: if void.is_some() { Finding::NotCompared } else { Finding::Same },
            note: void.or(busier.as_ref().filter(|_| figure.is_time())).cloned(),
        });
    }
}

/// The values of a figure over the repetitions that proved something: where nothing happened that a scenario is
/// about, its figures are those of another scenario.
pub(super) fn values(figure: Figure, repetitions: &[Repetition]) -> Vec<f64> {
    let proved =
        repetitions.iter().filter(|it| matches!(it.outcome, Outcome::Pass | Outcome::Fail));
    let figures: Vec<&Figures> = proved.filter_map(|it| it.figures.as_ref()).collect();
    // Nobody ever recovered where there was nothing to recover from.
    let recovers = figures.iter().any(|it| it.recovery_ms.is_some());
    figures.into_iter().filter_map(|it| value(figure, it, recovers)).collect()
}

#[allow(clippy::cast_precision_loss, reason = "milliseconds and counts are far below 2^52")]
fn value(figure: Figure, figures: &Figures, recovers: bool) -> Option<f64> {
    let millis = |micros: u64| micros as f64 / 1_000.0;
    match figure {
        Figure::RequestsPerWindow => {
            Some(f64::from(figures.requests) / f64::from(figures.windows.max(1)))
        }
        // One that never recovered did worse than any that did, and may not be left out.
        Figure::Recovery => match figures.recovery_ms {
            Some(millis) => Some(millis as f64),
            None => recovers.then_some(f64::INFINITY),
        },
        Figure::MedianWait => figures.waits.at(50.0).map(millis),
        Figure::LongestWait => figures.waits.at(100.0).map(millis),
        Figure::Residue => Some(f64::from(figures.residue)),
        Figure::FailedClients => Some(f64::from(figures.failed)),
    }
}

pub(super) fn spread(values: &[f64]) -> Option<Spread> {
    let finite = |value: f64| value.is_finite().then_some(value);
    Some(Spread {
        count: values.len(),
        least: finite(values.iter().copied().min_by(f64::total_cmp)?),
        median: finite(median(values.to_vec())?),
        most: finite(values.iter().copied().max_by(f64::total_cmp)?),
    })
}

/// How long the machine took to start a process in each repetition, in microseconds.
#[allow(clippy::cast_precision_loss, reason = "microseconds are far below 2^52")]
pub(super) fn starts(repetitions: &[Repetition]) -> Vec<f64> {
    let figures = repetitions.iter().filter_map(|it| it.figures.as_ref());
    figures.filter_map(|it| it.start_us).map(|micros| micros as f64).collect()
}

/// A sentence where the machine was slower at starting processes than it was then, by the repetitions now and then
/// of some scenarios. Not corrected for the number of tests: it can only take a finding back.
pub(super) fn busier(strata: &[(Vec<f64>, Vec<f64>)]) -> Option<String> {
    let test = match strata {
        [(now, then)] => rank_sum(now, then),
        many => stratified(many),
    };
    let ratios = strata
        .iter()
        .filter_map(|(now, then)| Some(median(now.clone())? / median(then.clone())?.max(1.0)));
    let ratio = median(ratios.collect())?;
    (test.greater.p <= 0.05 && ratio > 1.1).then(|| {
        format!(
            "the machine was busier: starting a process took {ratio:.1} times as long as then; --beside runs the \
             old client in turns with this one"
        )
    })
}

pub(super) fn conclude(change: &mut FigureChange, [worse, better]: [Test; 2], family: &Family) {
    if change.finding == Finding::NotCompared {
        return;
    }
    let busier = change.note.take();
    let alpha = family.settings.alpha;
    let found = |test: Test| test.corrected.is_some_and(|p| p <= alpha);
    change.test = worse;
    let grown = matters(change, 1.0, family);
    if found(worse) && grown {
        change.finding = if busier.is_some() { Finding::CannotTell } else { Finding::Worse };
        change.note = busier;
    } else if found(better) && matters(change, -1.0, family) {
        change.finding = Finding::Better;
        change.test = better;
    } else if worse.p <= alpha && grown {
        // One in so many of these is chance.
        let needed = needed::to_find(change.a12, family.tests, family.share);
        change.note = Some(format!(
            "may be chance among {} tests; {needed} repetitions of each would tell",
            family.tests
        ));
    }
}

/// Whether a difference is large enough to be a finding, upwards or downwards.
fn matters(change: &FigureChange, sign: f64, family: &Family) -> bool {
    if (change.a12 - 0.5) * sign < LEAST_EFFECT - 0.5 {
        return false;
    }
    if !change.figure.is_time() {
        return true;
    }
    let share = change.before.median.unwrap_or(0.0) * family.settings.least_change;
    // Without a shift, one side never ended, which is as much as can be.
    change.shift.is_none_or(|shift| shift * sign >= share.max(LEAST_TIME))
}
