//! System calls in a story, as the tracer tells them.

use super::Story;
use crate::model::call::{Call, CallName, CallResult, Place};
use crate::model::errno::Errno;
use crate::model::record::{Role, What};
use crate::model::scenario::Action;
use crate::model::units::ClientId;

fn call(client: u32, name: CallName) -> Call {
    Call {
        client: ClientId(client),
        pid: 1000 + client,
        tid: 1000 + client,
        name,
        path: None,
        to: None,
        flags: String::new(),
        bytes: None,
        result: CallResult::Pending,
    }
}

impl Story {
    /// The client stands before a system call.
    pub(in crate::judge) fn call(self, client: u32, name: CallName) -> Self {
        self.push(What::Call(call(client, name)))
    }

    /// A process that the client has started stands before a system call.
    pub(in crate::judge) fn child_call(self, client: u32, name: CallName) -> Self {
        self.push(What::Call(Call { pid: 2000 + client, ..call(client, name) }))
    }

    /// The client has taken the lock.
    pub(in crate::judge) fn lock(self, client: u32) -> Self {
        let path = Place { path: "providers.json.lock".to_owned(), role: Some(Role::Lock) };
        let result = CallResult::Returned(0);
        self.push(What::Call(Call {
            path: Some(path),
            flags: "LOCK_EX".to_owned(),
            result,
            ..call(client, CallName::Flock)
        }))
    }

    /// A system call of the client fails.
    pub(in crate::judge) fn fail_call(self, client: u32, name: CallName, errno: Errno) -> Self {
        self.call(client, name).inject(Action::Errno(errno), &[client])
    }
}
