//! What an injection was fired by.

use crate::model::call::Call;
use crate::model::record::{Record, What};
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
