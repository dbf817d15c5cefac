//! Which events of a long record are shown, and which are counted instead.

use std::collections::BTreeSet;
use std::ops::Range;

/// A piece of a record as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// The event with this index.
    Event(usize),
    /// Events that are counted instead of shown.
    LeftOut(Range<usize>),
}

/// Picks at most `limit` of `total` events: those in `marked` in any case, be they more than that, then
/// those in `notable`, and then as many of the first and the last as there is room for.
pub fn pick(
    total: usize,
    marked: &BTreeSet<usize>,
    notable: &BTreeSet<usize>,
    limit: usize,
) -> Vec<Piece> {
    let mut shown: BTreeSet<usize> =
        marked.iter().copied().filter(|index| *index < total).collect();
    // Alternating ends: neither the beginning nor the end of a story may be missing.
    let ends = (0..total).map(|step| if step % 2 == 0 { step / 2 } else { total - 1 - step / 2 });
    for index in notable.iter().copied().chain(ends) {
        if shown.len() >= limit.min(total) {
            break;
        }
        shown.insert(index);
    }
    pieces(total, &shown)
}

fn pieces(total: usize, shown: &BTreeSet<usize>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut next = 0;
    for index in shown.iter().copied().chain([total]) {
        // A single event takes no more room than the line that would say that it is missing.
        match index - next {
            0 => {}
            1 => pieces.push(Piece::Event(next)),
            _ => pieces.push(Piece::LeftOut(next..index)),
        }
        if index < total {
            pieces.push(Piece::Event(index));
        }
        next = index + 1;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(total: usize, marked: &[usize], notable: &[usize], limit: usize, expected: &str) {
        let set = |indices: &[usize]| indices.iter().copied().collect();
        let words: Vec<String> = pick(total, &set(marked), &set(notable), limit)
            .into_iter()
            .map(|piece| match piece {
                Piece::Event(index) => index.to_string(),
                Piece::LeftOut(range) => format!("({}-{})", range.start, range.end - 1),
            })
            .collect();
        assert_eq!(words.join(" "), expected);
    }

    #[test]
    fn a_short_record_is_shown_whole() {
        check(0, &[], &[], 10, "");
        check(3, &[1], &[2], 3, "0 1 2");
    }

    #[test]
    fn a_long_record_keeps_its_ends() {
        check(10, &[], &[], 4, "0 1 (2-7) 8 9");
        check(10, &[], &[], 0, "(0-9)");
    }

    #[test]
    fn marked_events_are_shown_whatever_the_limit() {
        check(10, &[4, 5, 99], &[], 1, "(0-3) 4 5 (6-9)");
    }

    #[test]
    fn notable_events_come_before_the_ends() {
        check(20, &[10], &[5, 15], 4, "0 (1-4) 5 (6-9) 10 (11-14) 15 (16-19)");
    }

    #[test]
    fn one_missing_event_is_shown_instead_of_a_gap() {
        check(5, &[0, 2, 4], &[], 3, "0 1 2 3 4");
    }
}
