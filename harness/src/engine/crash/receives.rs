//! The reads of an answer, as points.
//!
//! In how many pieces an answer is read, and written by whoever writes as it reads, hangs on how much of it has come,
//! and is another number in every run. So the client is held at its first read until the server has sent the answer
//! whole: from then on the size of its own buffers alone decides. Where that cannot be, as with an answer that no
//! socket's buffer can hold, or a client that reads before it has asked, its first read is the only point of its
//! reads.

use super::points::{self, victim};
use crate::model::call::CallName;
use crate::model::record::{Effect, Record, What};
use crate::model::run::RunResult;
use crate::model::scenario::{Action, Injection, OnCall, Phase, Trigger};
use crate::model::sweep::Point;

/// Whether a point is a read of an answer.
pub(super) fn is_read(point: &Point) -> bool {
    point.call == CallName::Recv
}

/// What holds the client of a recorded run at its first read until its first answer was sent whole; `None` where it
/// read none.
pub(super) fn hold(record: &Record) -> Option<Injection> {
    let victim = victim(record)?;
    points::points(record).iter().find(|point| is_read(point))?;
    let fetch = record.events.iter().find_map(|event| match &event.what {
        What::Request(request) if request.client == Some(victim) => request.fetch,
        _ => None,
    })?;
    let by = points::command(record);
    let on = OnCall { call: CallName::Recv, path: None, phase: Phase::Before, by };
    Some(Injection {
        on: Trigger::Syscall(on),
        nth: None,
        each_wave: false,
        times: None,
        target: None,
        action: Action::HoldUntil(Box::new(Trigger::ResponseDone(fetch))),
        optional: true,
    })
}

/// Two runs in which the client is held so, made side by side where they may be; `None` where what it was held for
/// did not come. `run` is told which of them it makes.
///
/// # Errors
/// What kept a run from being made.
pub(super) fn recorded(
    hold: &Injection,
    side_by_side: bool,
    run: impl Fn(&str) -> Result<Record, Box<RunResult>> + Sync,
) -> Result<Option<(Record, Record)>, Box<RunResult>> {
    let (first, second) = match side_by_side {
        true => rayon::join(|| run("first"), || run("second")),
        false => (run("first"), run("second")),
    };
    let (first, second) = (first?, second?);
    Ok((went_on(&first, hold) && went_on(&second, hold)).then_some((first, second)))
}

fn went_on(record: &Record, hold: &Injection) -> bool {
    record.events.iter().any(|event| match &event.what {
        What::Injected { injection: Some(index), action: Action::Continue, effect, .. } => {
            let listed = record.scenario.inject.get(*index as usize);
            listed == Some(hold) && *effect == Effect::Landed
        }
        _ => false,
    })
}

/// The points with no more than four reads among them: the first two, which meet the head of the answer, one in the
/// middle of its body, and the last. Those between these find the client as they do.
pub(super) fn few(points: Vec<Point>) -> Vec<Point> {
    let reads = points.iter().filter(|point| is_read(point)).count();
    let kept = [0, 1, reads / 2, reads.saturating_sub(1)];
    let mut seen = 0;
    let stays = |point: &Point| {
        let number = seen;
        seen += usize::from(is_read(point));
        !is_read(point) || kept.contains(&number)
    };
    points.into_iter().filter(stays).collect()
}

/// The points without reads that hang on chance.
pub(super) fn without_later(points: Vec<Point>) -> Vec<Point> {
    points.into_iter().filter(|point| !is_read(point) || point.nth == 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A call before so many reads, and one behind them.
    fn points(reads: u32) -> Vec<Point> {
        let point = |call, nth| {
            let (among_others, by_child) = (false, false);
            let (path, shown, bytes) = (None, String::new(), None);
            let by = None;
            Point { call, path, by, nth, shown, is_step: true, bytes, among_others, by_child }
        };
        let reads = (1..=reads).map(|nth| point(CallName::Recv, nth));
        let (send, close) = (point(CallName::Send, 1), point(CallName::Close, 1));
        std::iter::once(send).chain(reads).chain([close]).collect()
    }

    /// The ordinals of the reads, where what is around them is still there.
    fn ordinals(points: &[Point]) -> Vec<u32> {
        let [send, reads @ .., close] = points else { panic!("{points:?}") };
        assert_eq!((send.call, close.call), (CallName::Send, CallName::Close));
        reads.iter().map(|point| point.nth).collect()
    }

    #[test]
    fn of_many_reads_four_are_points() {
        let check = |count, expected: &[u32]| assert_eq!(ordinals(&few(points(count))), expected);
        check(0, &[]);
        check(1, &[1]);
        check(4, &[1, 2, 3, 4]);
        check(5, &[1, 2, 3, 5]);
        check(40, &[1, 2, 21, 40]);
    }

    #[test]
    fn where_nothing_settles_their_number_only_the_first_is() {
        assert_eq!(ordinals(&without_later(points(3))), [1]);
        assert_eq!(ordinals(&without_later(points(0))), [0; 0]);
    }
}
