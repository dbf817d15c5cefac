//! What all connections of a server share: the numbers of requests, and the way to the observer.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::answer::Desk;
use super::backend::Answerer;
use super::http::Head;
use super::observe::{Directive, Observation, Observer};
use super::proxy::Standing;
use crate::model::fault::Fault;
use crate::model::record::{Request, What};
use crate::model::units::{ClientId, RequestId};

/// Where a connection waits for the observer's directive.
pub(super) type Hold = oneshot::Receiver<Directive>;

#[derive(Debug)]
pub(super) struct State {
    pub desk: Desk,
    pub answerer: Answerer,
    pub latency: Duration,
    /// What fixes everything that faults draw by lot.
    pub seed: u64,
    /// The faults that hit answers until they are mended.
    pub standing: Standing,
    pub observer: Observer,
    pub numbers: Mutex<Numbers>,
    /// The last thing that went wrong in the server itself.
    pub failure: Mutex<Option<String>>,
}

/// The last numbers given out.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    request: u32,
    fetch: u32,
}

impl State {
    /// Numbers a request and tells of it; the hold is there for fetches.
    pub fn arrive(&self, head: &Head) -> (RequestId, Option<Hold>) {
        // The lock is held until the observer has been told, so that it hears the numbers in order.
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        numbers.request += 1;
        let request = RequestId(numbers.request);
        let fetch = head.is_fetch().then(|| {
            numbers.fetch += 1;
            numbers.fetch
        });
        self.desk.tally.add(|counts| {
            counts.requests += 1;
            counts.fetches += u64::from(fetch.is_some());
        });
        let what = What::Request(Request {
            request,
            fetch,
            client: head.client,
            method: head.method.clone(),
            path: head.path.clone(),
            if_none_match: head.if_none_match.clone(),
        });
        (request, self.tell_step(what, fetch.is_some()))
    }

    /// Tells of a step after which there is a next one; with `hold`, that one waits for a directive.
    pub fn tell_step(&self, what: What, hold: bool) -> Option<Hold> {
        let (reply, wait) = oneshot::channel();
        self.send(what, hold.then_some(reply));
        hold.then_some(wait)
    }

    /// Tells that a fault goes on the wire.
    pub fn tell_fault(&self, request: Option<RequestId>, client: Option<ClientId>, fault: Fault) {
        self.desk.tally.add(|counts| counts.faulted += 1);
        self.send(What::Faulted { request, client, fault }, None);
    }

    /// Notes that the server itself failed.
    pub fn fail(&self, why: String) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    /// Tells of the end of a response.
    pub fn tell_end(&self, what: What) {
        self.send(what, None);
    }

    fn send(&self, what: What, reply: Option<oneshot::Sender<Directive>>) {
        // An observer that is gone means that nobody wants to interfere: the reply is dropped with
        // the observation, which reads as "proceed".
        let _ = self.observer.send(Observation { at: Instant::now(), what, reply });
    }
}
