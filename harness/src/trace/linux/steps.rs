//! The two sides of a call: a thread stands before it, and behind it.

use std::time::Instant;

use super::calls::{self, RETURN_FROM_HANDLER};
use super::cut::Cut;
use super::decode::{Decoded, Known, decode};
use super::paths::{self, Open};
use super::sys::filter::ARCH;
use super::sys::ptrace::{self, Stop};
use super::task::{Interrupted, Pending, State, Task};
use super::world::World;
use crate::model::call::{self, Call, CallName, CallResult};
use crate::model::record::Role;
use crate::model::scenario::Phase;
use crate::trace::terms::{Decision, Heard};

/// What the kernel returns within itself from a call that a signal has interrupted, before it makes the call
/// again or says `EINTR` (`include/linux/errno.h`).
const RESTARTS: std::ops::RangeInclusive<i64> = -516..=-512;

impl World {
    /// A thread stands before a call that the filter stops.
    pub(super) fn at_entry(&mut self, tid: i32) {
        let Ok(Stop::Entry { arch, number, args, stack }) = ptrace::stop(tid) else {
            let _ = ptrace::resume(tid, 0);
            return;
        };
        if arch == ARCH && number == RETURN_FROM_HANDLER.cast_unsigned() {
            return self.returns(tid);
        }
        if arch == ARCH
            && let Some(moved) = calls::moves(number, &args)
        {
            return self.at_move(tid, moved);
        }
        match self.pending(tid, arch, number, args) {
            Some(pending) => self.before(tid, pending, stack),
            None => {
                let _ = ptrace::resume(tid, 0);
            }
        }
    }

    /// A thread comes back from a signal's handler. That matters where the signal has interrupted a call.
    fn returns(&mut self, tid: i32) {
        match self.tasks.get_mut(&tid) {
            Some(task) if !task.interrupted.is_empty() => {
                task.state = State::Returning;
                let _ = ptrace::to_exit(tid);
            }
            _ => {
                let _ = ptrace::resume(tid, 0);
            }
        }
    }

    /// A thread has come back from a signal's handler to where its stack ends there. Either it is about to
    /// make an interrupted call again, or the call has failed.
    fn returned(&mut self, tid: i32) {
        let Some(task) = self.tasks.get_mut(&tid) else { return };
        task.state = State::Running;
        if let Ok(Stop::Exit { value, stack }) = ptrace::stop(tid)
            && value == -i64::from(libc::EINTR)
            && let Some(at) = task.interrupted.iter().rposition(|it| it.stack == stack)
        {
            let Interrupted { pending, .. } = task.interrupted.remove(at);
            let at = Instant::now();
            let call = self.over(at, pending, value);
            self.tell(Heard::Call { at, call });
        }
        let _ = ptrace::resume(tid, 0);
    }

    /// The call that a thread stands before, where it is of interest.
    fn pending(&mut self, tid: i32, arch: u32, number: u64, args: [u64; 6]) -> Option<Pending> {
        let task = self.tasks.get(&tid)?;
        let (client, pid) = (task.client, task.pid);
        if arch != ARCH {
            if self.blind.insert(pid) {
                let text = format!(
                    "{client} runs a 32-bit program (process {pid}): its calls are not seen"
                );
                self.tell(Heard::Blind { at: Instant::now(), text });
            }
            return None;
        }
        let row = calls::known(number)?;
        let known = Known {
            territory: &self.settings.territory,
            links: &self.links,
            connections: &self.connections,
            reach: self.settings.reach,
        };
        let decoded = decode(tid, row, &args, known)?;
        let Decoded { name, path, to, flags, bytes, connects, blocks_on_lock, tries_lock, .. } =
            decoded;
        let (pid, tid) = (pid.cast_unsigned(), tid.cast_unsigned());
        let result = CallResult::Pending;
        let call = Call { client, pid, tid, name, path, to, flags, bytes, result };
        let takes_turn = call.is_mutating() && call.role().is_some();
        let raw = (number, args);
        Some(Pending {
            call,
            raw,
            fd: row.descriptor(&args),
            short: None,
            cut: None,
            fails: None,
            connects,
            blocks_on_lock,
            tries_lock,
            takes_turn,
        })
    }

    fn before(&mut self, tid: i32, mut pending: Pending, stack: u64) {
        let Some(task) = self.tasks.get_mut(&tid) else { return };
        // A call that the kernel makes again is the same call, has passed its gate, and is cut as it was.
        let same = |it: &Interrupted| it.stack == stack && it.pending.raw == pending.raw;
        let again = task.interrupted.iter().rposition(same);
        if let Some(at) = again {
            pending.short = task.interrupted.remove(at).pending.short;
            let taken = self.words_cut(tid);
            cut_short(tid, &mut pending, &taken);
        }
        let stands = again.is_none() && self.stands_at_gate(&pending.call, Phase::Before);
        self.set(tid, State::Before(Box::new(pending)));
        if !stands {
            self.go_on(tid);
        }
    }

    /// A thread may make its call as soon as it is its turn.
    fn go_on(&mut self, tid: i32) {
        let Some(Task { state: State::Before(pending), .. }) = self.tasks.get(&tid) else { return };
        if !pending.takes_turn || self.take_turn(tid) {
            self.go_within(tid);
        }
    }

    /// A thread makes its call, or what an injection has made of it.
    pub(super) fn go_within(&mut self, tid: i32) {
        let Some(task) = self.tasks.get_mut(&tid) else { return };
        if !matches!(task.state, State::Before(_)) {
            return;
        }
        let State::Before(pending) = std::mem::replace(&mut task.state, State::Running) else {
            return;
        };
        if pending.takes_turn && !self.take_turn(tid) {
            self.set(tid, State::Before(pending));
            return;
        }
        self.write_behind(tid, &pending);
        // A `close` that fails has closed its descriptor all the same (close(2)), and so it is made.
        if let Some(error) = pending.fails.filter(|_| pending.call.name != CallName::Close) {
            // One that is gone is heard of as ended.
            let _ = ptrace::skip(tid, -i64::from(error));
        }
        if pending.call.name == CallName::Exit {
            self.at_end(tid, Call { result: CallResult::Never, ..pending.call.clone() });
        }
        let waits = pending.blocks_on_lock && pending.call.role().is_some();
        self.set(tid, State::Within(pending));
        let _ = ptrace::to_exit(tid);
        if waits {
            self.at_locks.push(tid);
        }
    }

    /// Keeps account of what is written behind, before a call is made: what a `close` that fails has lost.
    fn write_behind(&mut self, tid: i32, pending: &Pending) {
        let (Some(behind), Some(fd)) = (&mut self.behind, pending.fd) else { return };
        if pending.call.role().is_none() {
            return;
        }
        match pending.call.name {
            CallName::Write | CallName::Sendfile | CallName::CopyFileRange
                if pending.call.is_mutating() =>
            {
                behind.writes(tid, pending.call.pid, fd);
            }
            CallName::Close => {
                if let Some(bytes) = behind.closes(tid, fd, pending.fails) {
                    let path = pending.call.path.as_ref().map(|place| place.path.clone());
                    let (client, path) = (pending.call.client, path.unwrap_or_default());
                    self.tell(Heard::Lost { at: Instant::now(), client, path, bytes });
                }
            }
            _ => {}
        }
    }

    /// Says how a thread goes on that stands at a gate.
    pub(super) fn decide(&mut self, tid: i32, decision: Decision) {
        let taken = self.words_cut(tid);
        let Some(task) = self.tasks.get_mut(&tid) else { return };
        match &mut task.state {
            State::Before(pending) => {
                match decision {
                    Decision::Proceed => {}
                    Decision::Fail(error) => {
                        pending.fails = Some(error);
                        // What is lost with it changes a file.
                        pending.takes_turn |= pending.call.role().is_some();
                    }
                    Decision::Short(bytes) => {
                        pending.short = Some(bytes);
                        cut_short(tid, pending, &taken);
                    }
                }
                self.go_on(tid);
            }
            State::Behind => {
                task.state = State::Running;
                let _ = ptrace::resume(tid, 0);
            }
            _ => {}
        }
    }

    /// A thread stands behind a call.
    pub(super) fn at_exit(&mut self, tid: i32) {
        let Some(task) = self.tasks.get_mut(&tid) else { return };
        match task.state {
            State::Returning => return self.returned(tid),
            State::Moving(moved) => return self.has_moved(tid, moved),
            _ => {}
        }
        let State::Within(mut pending) = std::mem::replace(&mut task.state, State::Running) else {
            let _ = ptrace::resume(tid, 0);
            return;
        };
        let at = Instant::now();
        let Ok(Stop::Exit { value, stack }) = ptrace::stop(tid) else {
            // It was killed meanwhile: the call counts as one that never returned.
            task.state = State::Within(pending);
            return;
        };
        if let Some(cut) = pending.cut.take() {
            if cut.was_felt(tid, value) {
                pending.call.mark(call::CUT_SHORT);
            }
            cut.undo(tid);
        }
        let value = match pending.fails.filter(|_| pending.call.name == CallName::Close) {
            Some(error) => {
                let _ = ptrace::set_result(tid, -i64::from(error));
                -i64::from(error)
            }
            None => value,
        };
        if RESTARTS.contains(&value) {
            task.interrupted.push(Interrupted { pending: *pending, stack });
            self.at_locks.retain(|waiting| *waiting != tid);
            self.end_turn(tid);
            let _ = ptrace::resume(tid, 0);
            return;
        }
        if let Some(behind) = &mut self.behind
            && value == 0
        {
            match (pending.call.name, pending.fd) {
                (CallName::Fsync | CallName::Fdatasync, Some(fd)) => behind.synced(tid, fd),
                (CallName::Sync, fd) => behind.all_synced(tid, fd),
                _ => {}
            }
        }
        let call = self.over(at, *pending, value);
        self.at_locks.retain(|waiting| *waiting != tid);
        self.end_turn(tid);
        let stands = self.settings.gates.iter().any(|gate| gate.matches(&call, Phase::After));
        // Before it goes on, so that whatever it does next is heard of later.
        if stands {
            self.tell(Heard::Call { at, call: call.clone() });
            self.set(tid, State::Behind);
            self.tell(Heard::Gate { at, call, phase: Phase::After });
        } else {
            self.tell(Heard::Call { at, call });
            let _ = ptrace::resume(tid, 0);
        }
    }

    /// A call with what came of it.
    fn over(&mut self, at: Instant, pending: Pending, value: i64) -> Call {
        self.keep_account(&pending, value);
        let Pending { mut call, connects, tries_lock, .. } = pending;
        let error = i32::try_from(-value).ok().filter(|error| (1..4096).contains(error));
        call.result = error.map_or(CallResult::Returned(value), CallResult::Failed);
        if call.name == CallName::Connect
            && matches!(error, None | Some(libc::EINPROGRESS))
            && let (Some(socket), Some(peer)) = (connects, &call.path)
        {
            self.connections.connected(socket, peer.path.clone());
        }
        if call.name == CallName::Socket
            && let (Ok(tid), Ok(fd)) = (i32::try_from(call.tid), u64::try_from(value))
            && let Some(Open::Socket(socket)) = paths::open(tid, fd)
        {
            self.connections.made(socket, call.flags.contains("SOCK_STREAM"));
        }
        // POSIX lets a lock of fcntl(2) be refused by `EACCES`; of a file or directory it says something else.
        let refused = call.name == CallName::Fcntl && error == Some(libc::EACCES);
        let taken = refused || matches!(error, Some(libc::EAGAIN | libc::EEXIST));
        if tries_lock && taken && call.role() == Some(Role::Lock) && pending.fails.is_none() {
            let path = call.subject().map(|place| place.path.clone()).unwrap_or_default();
            self.tell(Heard::LockWaited { at, client: call.client, path });
        }
        call
    }

    /// The words of memory that are changed at the moment to cut the calls of other threads of the same process.
    pub(super) fn words_cut(&self, tid: i32) -> Vec<u64> {
        let Some(pid) = self.tasks.get(&tid).map(|task| task.pid) else { return Vec::new() };
        let others = self.tasks.iter().filter(|(other, task)| **other != tid && task.pid == pid);
        let pending = others.filter_map(|(_, task)| match &task.state {
            State::Before(pending) | State::Within(pending) => pending.cut.as_ref(),
            _ => None,
        });
        pending.flat_map(Cut::words).collect()
    }

    pub(super) fn set(&mut self, tid: i32, state: State) {
        if let Some(task) = self.tasks.get_mut(&tid) {
            task.state = state;
        }
    }
}

/// What cuts the call that a thread stands before to so many bytes, where it can be cut without a change of what is
/// `taken`: the words that cuts of other threads have changed.
pub(super) fn cut_of(tid: i32, pending: &Pending, bytes: u64, taken: &[u64]) -> Option<Cut> {
    let (number, args) = &pending.raw;
    pending.call.bytes?;
    let cut = Cut::of(tid, calls::known(*number)?.extra, args, bytes)?;
    let is_taken = |word: u64| taken.iter().any(|other| other.abs_diff(word) < 8);
    let is_free = !cut.words().any(is_taken);
    is_free.then_some(cut)
}

/// Cuts it to as many as it is to transfer, if that was said.
fn cut_short(tid: i32, pending: &mut Pending, taken: &[u64]) {
    pending.cut = pending.short.and_then(|bytes| cut_of(tid, pending, bytes, taken));
    if let Some(cut) = &pending.cut {
        // One that is gone is heard of as ended.
        let _ = cut.make(tid);
    }
}
