//! What two runs of a scenario have both, and what only one of them has. Pure.

use std::collections::BTreeSet;

use super::points::{Fickle, points, points_with};
use crate::model::record::Record;
use crate::model::sweep::Point;

/// The points of two runs.
pub(super) struct Both {
    /// Those that both have, in the order of the first.
    pub points: Vec<Point>,
    /// The calls of those that one alone has, as they were seen.
    pub left_out: Vec<String>,
}

impl Both {
    /// Compares two runs. Where a file has another name in each, its calls are known by its folder.
    pub fn of(record: &Record, again: &Record) -> Self {
        let paths =
            |record| -> Fickle { points(record).into_iter().filter_map(|it| it.path).collect() };
        let fickle: Fickle = paths(record).symmetric_difference(&paths(again)).cloned().collect();
        let (first, second) = (points_with(record, &fickle), points_with(again, &fickle));
        let ids = |points: &[Point]| points.iter().map(Point::id).collect::<BTreeSet<_>>();
        let (of_first, of_second) = (ids(&first), ids(&second));
        let (points, mut alone): (Vec<_>, Vec<_>) =
            first.into_iter().partition(|point| of_second.contains(&point.id()));
        alone.extend(second.into_iter().filter(|point| !of_first.contains(&point.id())));
        Self { points, left_out: alone.into_iter().map(|point| point.shown).collect() }
    }
}
