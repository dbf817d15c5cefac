//! What the tracer tells, some at a time.
//!
//! Each thing that is told wakes the engine, which takes longer than the tracer takes for a whole call, and
//! where both share a core takes it from the tracer. Calls are stamped when they happen and nothing is decided
//! by one alone, so they can wait for the next thing that somebody acts upon. Nothing overtakes anything.

use tokio::sync::mpsc::UnboundedSender;

use crate::model::call::CallResult;
use crate::trace::terms::Heard;

/// The most calls that wait to be told of.
const AT_ONCE: usize = 64;

/// What is to be told, and to whom.
#[derive(Debug)]
pub(super) struct Telling {
    heard: UnboundedSender<Heard>,
    untold: Vec<Heard>,
}

impl Telling {
    /// To this listener.
    pub fn to(heard: UnboundedSender<Heard>) -> Self {
        Self { heard, untold: Vec::with_capacity(AT_ONCE) }
    }

    /// Tells something: a call that returned at some time, all else at once.
    pub fn tell(&mut self, heard: Heard) {
        // The last call of a process never returns, and after it there may be nothing to wait for.
        let can_wait =
            matches!(&heard, Heard::Call { call, .. } if call.result != CallResult::Never);
        self.untold.push(heard);
        if !can_wait || self.untold.len() >= AT_ONCE {
            self.all();
        }
    }

    /// Tells what has waited.
    pub fn all(&mut self) {
        for heard in self.untold.drain(..) {
            // The engine being gone ends the tracer soon.
            let _ = self.heard.send(heard);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::model::call::{Call, CallName};
    use crate::model::scenario::Phase;
    use crate::model::units::ClientId;

    fn call(tid: u32, result: CallResult) -> Call {
        let (path, to, flags, bytes) = (None, None, String::new(), None);
        let name = CallName::Read;
        Call { client: ClientId(1), pid: tid, tid, name, path, to, flags, bytes, result }
    }

    /// What the listener has heard: a number for each call, and 0 for a gate.
    fn check(told: impl FnOnce(&mut Telling), expected: &[u32]) {
        let (tell, mut listener) = tokio::sync::mpsc::unbounded_channel();
        let mut telling = Telling::to(tell);
        told(&mut telling);
        let mut heard = Vec::new();
        while let Ok(one) = listener.try_recv() {
            heard.push(match one {
                Heard::Call { call, .. } => call.tid,
                _ => 0,
            });
        }
        assert_eq!(heard, expected);
    }

    #[test]
    fn calls_wait_for_what_is_acted_upon_and_keep_their_order() {
        let at = Instant::now();
        let over = |tid| Heard::Call { at, call: call(tid, CallResult::Returned(0)) };
        check(|it| it.tell(over(1)), &[]);
        check(
            |it| {
                it.tell(over(1));
                it.all();
            },
            &[1],
        );
        let gate = || Heard::Gate { at, call: call(7, CallResult::Pending), phase: Phase::Before };
        check(
            |it| {
                it.tell(over(1));
                it.tell(over(2));
                it.tell(gate());
                it.tell(over(3));
            },
            &[1, 2, 0],
        );
        let last = Heard::Call { at, call: call(2, CallResult::Never) };
        check(
            |it| {
                it.tell(over(1));
                it.tell(last);
            },
            &[1, 2],
        );
        let all: Vec<u32> = (1..=64).collect();
        check(|it| all.iter().for_each(|tid| it.tell(over(*tid))), &all);
    }
}
