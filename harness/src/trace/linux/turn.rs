//! Whose turn it is to change the territory.
//!
//! Calls that change it are made one at a time: a process that stands before one waits for its turn. So between two
//! of them nothing changes, whoever else runs, and what is looked at there is exactly what any reader would have
//! found. One that waits within its call for something that another has to do first, such as a `splice` from an empty
//! pipe, gives its turn away, and that is noted: until it ends, a look is a sample.

use std::collections::{HashSet, VecDeque};
use std::time::Instant;

use super::task::{State, Task};
use super::world::World;
use crate::trace::terms::Heard;

/// Looks at a call that holds the turn and has not returned, before it is taken for one that waits for
/// something, such as an `open` of a pipe.
const LOOKS_AT_SLOW: u32 = 200;

/// Who changes the territory, and who is next.
#[derive(Debug, Default)]
pub(super) struct Turns {
    holder: Option<i32>,
    /// How often the holder was found in its call while others waited.
    slow_looks: u32,
    queue: VecDeque<i32>,
    /// Those that have given their turn away, and are in their calls still.
    late: HashSet<i32>,
}

impl Turns {
    /// Whether somebody waits for a turn.
    pub fn are_waited_for(&self) -> bool {
        !self.queue.is_empty()
    }

    /// A thread is no more, and waits for nothing.
    pub fn forget(&mut self, tid: i32) {
        self.queue.retain(|waiting| *waiting != tid);
    }
}

impl World {
    /// Whether a thread may change the territory now; else it is put in the queue.
    pub(super) fn take_turn(&mut self, tid: i32) -> bool {
        let turns = &mut self.turns;
        if turns.holder.is_none() || turns.holder == Some(tid) {
            (turns.holder, turns.slow_looks) = (Some(tid), 0);
            return true;
        }
        if !turns.queue.contains(&tid) {
            turns.queue.push_back(tid);
        }
        false
    }

    /// A thread has changed the territory, if it was its turn or it has given that away: what that made is looked
    /// at, and the next goes on.
    pub(super) fn end_turn(&mut self, tid: i32) {
        if self.turns.holder == Some(tid) {
            (self.settings.look)();
            self.pass_turn();
        } else if self.turns.late.remove(&tid) {
            // Another may be within its change, at whose end the next look follows.
            (self.settings.look)();
        }
    }

    fn pass_turn(&mut self) {
        self.turns.holder = None;
        while self.turns.holder.is_none()
            && let Some(next) = self.turns.queue.pop_front()
        {
            self.go_within(next);
        }
    }

    /// A call may wait for something that another has to do first: it gives its turn away.
    pub(super) fn look_at_turn(&mut self) {
        let Some(tid) = self.turns.holder else { return };
        self.turns.slow_looks += 1;
        if self.turns.slow_looks <= LOOKS_AT_SLOW || !sleeps(tid) {
            return;
        }
        self.turns.late.insert(tid);
        if let Some(Task { client, state: State::Within(pending), .. }) = self.tasks.get(&tid) {
            let call = pending.call.to_string();
            let text = format!(
                "{client} waits within {} and lets others change the cache directory meanwhile: until it returns, what \
                 is published is sampled, and not seen at every change",
                call.trim_end_matches(" ...")
            );
            self.tell(Heard::Note { at: Instant::now(), text });
        }
        // It may have done a part of what it does.
        (self.settings.look)();
        self.pass_turn();
    }
}

/// Whether a thread sleeps in the kernel until something comes for it.
pub(super) fn sleeps(tid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{tid}/stat")).unwrap_or_default();
    let after_name = stat.rfind(')').and_then(|end| stat.get(end + 1..));
    after_name.is_some_and(|rest| rest.trim_start().starts_with('S'))
}
