//! Which descriptors of which process lead to the territory or to a connection.
//!
//! `close` says what it closes. What else closes descriptors does not: a `dup2` over one, `close_range`, `exec`
//! for those that are to be closed by it, and the end of their process, by which locks are released and
//! connections end. So what was opened is kept account of.

use std::collections::{BTreeMap, HashMap};

use super::calls::Move;
use crate::model::call::Place;

/// The open descriptors of interest of one process, by number.
type Open = BTreeMap<u32, Place>;

/// A descriptor that was closed, and what it led to.
pub(super) type Closed = (u32, Place);

/// Those of all processes.
#[derive(Debug, Default)]
pub(super) struct Descriptors(HashMap<i32, Open>);

impl Descriptors {
    /// A process has a new descriptor of this number.
    pub fn opened(&mut self, pid: i32, fd: u32, place: Place) {
        self.0.entry(pid).or_default().insert(fd, place);
    }

    /// A process has closed it by name.
    pub fn closed(&mut self, pid: i32, fd: u32) {
        if let Some(open) = self.0.get_mut(&pid) {
            open.remove(&fd);
        }
    }

    /// A process was started by another, and has what that had.
    pub fn forked(&mut self, parent: i32, child: i32) {
        if let Some(open) = self.0.get(&parent).cloned() {
            self.0.insert(child, open);
        }
    }

    /// Whether a call that a process stands before touches any of them.
    pub fn concern(&self, pid: i32, moved: Move) -> bool {
        let Some(open) = self.0.get(&pid) else { return false };
        match moved {
            Move::Duplicate(fd) => open.contains_key(&fd),
            Move::Over(from, to, _) => {
                from != to && (open.contains_key(&from) || open.contains_key(&to))
            }
            Move::CloseRange(first, last) => {
                first <= last && open.range(first..=last).next().is_some()
            }
        }
    }

    /// That call has returned `value`, which is no error. Returns what it closed.
    pub fn moved(&mut self, pid: i32, moved: Move, value: u32) -> Vec<Closed> {
        let Some(open) = self.0.get_mut(&pid) else { return Vec::new() };
        match moved {
            Move::Duplicate(fd) => {
                if let Some(place) = open.get(&fd).cloned() {
                    open.insert(value, place);
                }
                Vec::new()
            }
            Move::Over(from, to, _) => {
                let closed = open.remove(&to).map(|place| (to, place));
                if let Some(place) = open.get(&from).cloned() {
                    open.insert(to, place);
                }
                closed.into_iter().collect()
            }
            Move::CloseRange(first, last) => {
                let closed: Vec<Closed> =
                    open.range(first..=last).map(|(fd, place)| (*fd, place.clone())).collect();
                closed.iter().for_each(|(fd, _)| drop(open.remove(fd)));
                closed
            }
        }
    }

    /// A process has become another program. Returns what is not open any more, as `is_open` says.
    pub fn became(&mut self, pid: i32, is_open: impl Fn(u32) -> bool) -> Vec<Closed> {
        let Some(open) = self.0.get_mut(&pid) else { return Vec::new() };
        let (left, closed) = std::mem::take(open).into_iter().partition(|(fd, _)| is_open(*fd));
        *open = left;
        let closed: Open = closed;
        closed.into_iter().collect()
    }

    /// A process has ended, or is about to. Returns all that it had.
    pub fn ended(&mut self, pid: i32) -> Vec<Closed> {
        self.0.remove(&pid).unwrap_or_default().into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: &str) -> Place {
        Place { path: path.to_owned(), role: None }
    }

    /// The names of what was closed.
    fn names(closed: Vec<Closed>) -> Vec<String> {
        closed.into_iter().map(|(fd, place)| format!("{fd} {place}")).collect()
    }

    fn with(open: &[(u32, &str)]) -> Descriptors {
        let mut all = Descriptors::default();
        open.iter().for_each(|(fd, path)| all.opened(1, *fd, place(path)));
        all
    }

    #[test]
    fn a_descriptor_over_another_closes_that() {
        let mut all = with(&[(3, "a"), (9, "b")]);
        let over = Move::Over(3, 9, "dup2");
        assert!(all.concern(1, over));
        assert_eq!(names(all.moved(1, over, 9)), ["9 b"]);
        assert_eq!(names(all.ended(1)), ["3 a", "9 a"]);
        // What leads elsewhere closes it too, and is itself of no interest.
        let mut all = with(&[(9, "b")]);
        assert_eq!(names(all.moved(1, Move::Over(4, 9, "dup3"), 9)), ["9 b"]);
        assert_eq!(names(all.ended(1)), [""; 0]);
        assert!(!with(&[(9, "b")]).concern(1, Move::Over(9, 9, "dup2")), "that does nothing");
        assert!(!with(&[(9, "b")]).concern(2, over), "of another process");
    }

    #[test]
    fn a_range_is_closed_with_both_its_ends() {
        let mut all = with(&[(3, "a"), (4, "b"), (6, "c"), (7, "d")]);
        assert!(!all.concern(1, Move::CloseRange(8, u32::MAX)));
        assert!(!all.concern(1, Move::CloseRange(7, 3)));
        assert_eq!(names(all.moved(1, Move::CloseRange(4, 6), 0)), ["4 b", "6 c"]);
        assert_eq!(names(all.ended(1)), ["3 a", "7 d"]);
    }

    #[test]
    fn a_child_has_what_its_parent_had_and_loses_it_by_itself() {
        let mut all = with(&[(3, "a")]);
        assert_eq!(names(all.moved(1, Move::Duplicate(3), 5)), [""; 0]);
        all.forked(1, 2);
        all.closed(2, 3);
        assert_eq!(names(all.became(2, |fd| fd != 5)), ["5 a"]);
        assert_eq!(names(all.ended(2)), [""; 0]);
        assert_eq!(names(all.ended(1)), ["3 a", "5 a"]);
    }
}
