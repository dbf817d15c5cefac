//! System calls in a story, as the tracer tells them.

use super::Story;
use crate::model::call::{Call, CallName, CallResult};
use crate::model::errno::Errno;
use crate::model::record::What;
use crate::model::scenario::Action;
use crate::model::units::ClientId;

impl Story {
    /// The client stands before a system call.
    pub(in crate::judge) fn call(self, client: u32, name: CallName) -> Self {
        self.push(What::Call(Call {
            client: ClientId(client),
            pid: 1000 + client,
            tid: 1000 + client,
            name,
            path: None,
            to: None,
            flags: String::new(),
            bytes: None,
            result: CallResult::Pending,
        }))
    }

    /// A system call of the client fails.
    pub(in crate::judge) fn fail_call(self, client: u32, name: CallName, errno: Errno) -> Self {
        self.call(client, name).inject(Action::Errno(errno), &[client])
    }
}
