//! What closes descriptors without `close`, and how processes end.

use std::time::Instant;

use super::calls::{Move, int};
use super::descriptors::Closed;
use super::paths;
use super::sys::ptrace::{self, Stop};
use super::task::{Pending, State};
use super::world::World;
use crate::client::process::End;
use crate::model::call::{Call, CallName, CallResult};
use crate::model::units::ClientId;
use crate::trace::terms::Heard;

impl World {
    /// A thread stands before a call that moves descriptors.
    pub(super) fn at_move(&mut self, tid: i32, moved: Move) {
        let pid = self.tasks.get(&tid).map(|task| task.pid);
        if pid.is_some_and(|pid| self.descriptors.concern(pid, moved)) {
            self.set(tid, State::Moving(moved));
            let _ = ptrace::to_exit(tid);
        } else {
            let _ = ptrace::resume(tid, 0);
        }
    }

    /// A thread stands behind it.
    pub(super) fn has_moved(&mut self, tid: i32, moved: Move) {
        self.set(tid, State::Running);
        if let Ok(Stop::Exit { value, .. }) = ptrace::stop(tid)
            && let Ok(value) = u32::try_from(value)
            && let Some(task) = self.tasks.get(&tid)
        {
            let (client, pid) = (task.client, task.pid);
            let by = match moved {
                Move::Over(_, _, name) => name,
                _ => "close_range",
            };
            let closed = self.descriptors.moved(pid, moved, value);
            self.tell_closed(client, (pid, tid), by, closed);
        }
        let _ = ptrace::resume(tid, 0);
    }

    /// Keeps account of what is open, behind a call that has returned `value`.
    pub(super) fn keep_account(&mut self, pending: &Pending, value: i64) {
        let call = &pending.call;
        let (Ok(pid), Some(place)) = (i32::try_from(call.pid), &call.path) else { return };
        let first = int(pending.raw.1[0]);
        match call.name {
            CallName::Open if place.role.is_some() => {
                if let (Ok(fd), Ok(tid)) = (u32::try_from(value), i32::try_from(call.tid)) {
                    self.descriptors.opened(pid, fd, place.clone());
                    self.links.opened(tid, fd.into(), place, &self.settings.territory);
                }
            }
            CallName::Connect if value == 0 || value == -i64::from(libc::EINPROGRESS) => {
                self.descriptors.opened(pid, first, place.clone());
            }
            // Also where it fails: the descriptor is closed all the same, or never was there.
            CallName::Close => self.descriptors.closed(pid, first),
            _ => {}
        }
    }

    /// A process has become another program.
    pub(super) fn closed_by_exec(&mut self, pid: i32) {
        let Some(client) = self.tasks.get(&pid).map(|task| task.client) else { return };
        let is_open = |fd: u32| paths::open(pid, fd.into()).is_some();
        let closed = self.descriptors.became(pid, is_open);
        self.tell_closed(client, (pid, pid), "exec", closed);
    }

    /// A thread is about to end its process: what is open is closed with it.
    pub(super) fn at_end(&mut self, tid: i32, call: Call) {
        if let Ok(pid) = i32::try_from(call.pid) {
            self.told_ends.insert(pid);
            let closed = self.descriptors.ended(pid);
            self.tell_closed(call.client, (pid, tid), "exit", closed);
        }
        self.tell(Heard::Call { at: Instant::now(), call });
    }

    /// A process has ended. Where it did not ask for that, a signal came, or its last thread has ended: what was
    /// closed by that is told now.
    pub(super) fn has_ended(&mut self, client: ClientId, pid: i32, end: End) {
        let closed = self.descriptors.ended(pid);
        if self.told_ends.remove(&pid) {
            return;
        }
        self.tell_closed(client, (pid, pid), "exit", closed);
        let flags = match end.status {
            Ok(code) => code.to_string(),
            Err(signal) => format!("signal {signal}"),
        };
        let call = ended_call(client, (pid, pid), CallName::Exit, flags);
        self.tell(Heard::Call { at: Instant::now(), call });
    }

    fn tell_closed(&mut self, client: ClientId, who: (i32, i32), by: &str, closed: Vec<Closed>) {
        for (fd, place) in closed {
            if let Some(behind) = &mut self.behind {
                behind.closed_unasked(who.0.cast_unsigned(), fd);
            }
            let call = Call {
                path: Some(place),
                result: CallResult::Returned(0),
                ..ended_call(client, who, CallName::Close, format!("by {by}"))
            };
            self.tell(Heard::Call { at: Instant::now(), call });
        }
    }
}

/// A call that nobody made, of a process and one of its threads.
fn ended_call(client: ClientId, (pid, tid): (i32, i32), name: CallName, flags: String) -> Call {
    Call {
        client,
        pid: pid.cast_unsigned(),
        tid: tid.cast_unsigned(),
        name,
        path: None,
        to: None,
        flags,
        bytes: None,
        result: CallResult::Never,
    }
}
