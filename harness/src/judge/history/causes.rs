//! What an injection was fired by, and what the tracer tells of calls.

use crate::model::call::{Call, CallName, CallResult};
use crate::model::record::{Record, Role, What};
use crate::model::scenario::Trigger;
use crate::model::units::RequestId;

/// What happened that fired an injection, from the index of the event.
pub(super) fn of(record: &Record, because: Option<u32>) -> Option<&What> {
    record.events.get(because? as usize).map(|event| &event.what)
}

/// The system call that did.
pub(super) fn call(record: &Record, because: Option<u32>) -> Option<&Call> {
    match of(record, because)? {
        What::Call(call) => Some(call),
        _ => None,
    }
}

/// Whether a process that an injection holds for this waits for no more than it would anyway: it stands before a read
/// of an answer, until that answer was sent.
pub(super) fn waits_for_own_answer(record: &Record, until: &Trigger, because: Option<u32>) -> bool {
    let (Trigger::ResponseDone(number), Some(call)) = (until, call(record, because)) else {
        return false;
    };
    let is_own = |what: &What| {
        matches!(what, What::Request(request)
            if request.fetch == Some(*number) && request.client == Some(call.client))
    };
    call.name == CallName::Recv && record.events.iter().any(|event| is_own(&event.what))
}

/// Whether a call took a lock: an advisory one, or one that is its file.
pub(super) fn takes_a_lock(call: &Call) -> bool {
    let takes = match call.name {
        CallName::Flock | CallName::Fcntl => !call.flags.contains("UN"),
        CallName::Open => call.flags.contains("O_EXCL"),
        CallName::Link | CallName::Symlink | CallName::Mkdir => true,
        _ => false,
    };
    takes && call.role() == Some(Role::Lock) && matches!(call.result, CallResult::Returned(_))
}

/// The request that what did is a step of.
pub(super) fn request(record: &Record, because: Option<u32>) -> Option<RequestId> {
    match of(record, because)? {
        What::Request(request) => Some(request.request),
        What::HeadSent { request, .. }
        | What::HalfSent { request, .. }
        | What::ResponseDone { request, .. }
        | What::ResponseAborted { request, .. }
        | What::HerdWaits { request, .. } => Some(*request),
        _ => None,
    }
}
