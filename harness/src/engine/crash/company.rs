//! Which of a client's processes live beside the one that makes a call, as its calls tell. Pure.

use std::collections::BTreeMap;

use crate::model::call::Call;
use crate::model::record::{Record, What};
use crate::model::units::ClientId;

/// The processes of one client in a recorded run.
pub(super) struct Company<'r> {
    /// The client's own.
    own: Option<u32>,
    /// All of its calls, in their order.
    calls: Vec<&'r Call>,
    /// The first and the last call of each process.
    spans: BTreeMap<u32, (usize, usize)>,
}

impl<'r> Company<'r> {
    /// Those of a client.
    pub fn of(record: &'r Record, client: ClientId) -> Self {
        let own = record.events.iter().find_map(|event| match &event.what {
            What::Spawned { client: it, pid, .. } if *it == client => Some(*pid),
            _ => None,
        });
        let calls: Vec<&Call> = record
            .events
            .iter()
            .filter_map(|event| match &event.what {
                What::Call(call) if call.client == client && call.is_over() => Some(call),
                _ => None,
            })
            .collect();
        Self::new(own, calls)
    }

    fn new(own: Option<u32>, calls: Vec<&'r Call>) -> Self {
        let mut spans = BTreeMap::new();
        // It lives before its first call: it has started all others.
        spans.extend(own.map(|own| (own, (0, 0))));
        for (index, call) in calls.iter().enumerate() {
            spans.entry(call.pid).or_insert((index, index)).1 = index;
        }
        Self { own, calls, spans }
    }

    /// How many processes made calls, the last being their end.
    pub fn size(&self) -> usize {
        self.spans.len()
    }

    /// Whether others of the client's processes live when one of them makes this call.
    pub fn is_around(&self, call: &Call) -> bool {
        let Some(at) = self.calls.iter().position(|it| std::ptr::eq(*it, call)) else {
            return false;
        };
        let mut others = self.spans.iter().filter(|(pid, _)| **pid != call.pid);
        others.any(|(_, (first, last))| (*first..=*last).contains(&at))
    }

    /// Whether a process makes it that the client's own has started.
    pub fn is_child(&self, call: &Call) -> bool {
        self.own.is_some_and(|own| own != call.pid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::call::{CallName, CallResult};

    #[test]
    fn a_process_is_alone_where_no_other_has_begun_and_not_ended() {
        let by = |pid: u32| Call {
            client: ClientId(1),
            pid,
            tid: pid,
            name: CallName::Write,
            path: None,
            to: None,
            flags: String::new(),
            bytes: None,
            result: CallResult::Returned(0),
        };
        let calls = [7, 8, 7, 8, 7].map(by);
        let check = |own, expected: [(bool, bool); 5]| {
            let company = Company::new(own, calls.iter().collect());
            let seen = calls.each_ref().map(|it| (company.is_around(it), company.is_child(it)));
            assert_eq!(seen, expected);
            assert_eq!(company.size(), 2);
        };
        let (alone, beside, child) = ((false, false), (true, false), (true, true));
        check(Some(7), [alone, child, beside, child, alone]);
        // The client's own process lives all the time, also where it makes its first call after its child.
        check(Some(8), [child, beside, child, beside, (false, true)]);
    }
}
