//! What an injection was fired by, and what the tracer tells of calls.

use crate::model::call::{Call, CallName, CallResult};
use crate::model::record::{Record, Role, What};
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
