//! Requests and their responses, step by step.

use super::Fold;
use crate::judge::history::{Exchange, Head, InsertNew, Moment};
use crate::model::fault::{Fault, Harm};
use crate::model::record::What;
use crate::model::units::{RequestId, Serial, Span};

impl<'a> Fold<'a> {
    /// Takes the steps of a request and its response.
    pub(super) fn respond(&mut self, now: Moment, what: &'a What) {
        match what {
            What::Request(request) => {
                let index = self.history.exchanges.len();
                if !self.history.by_request.try_insert_new(request.request, index) {
                    return;
                }
                let sender = request.client.and_then(|it| self.history.by_client.get(&it).copied());
                if let Some(sender) = sender {
                    self.history.processes[sender].exchanges.push(index);
                }
                self.history.exchanges.push(Exchange::new(request, now, sender));
            }
            What::HeadSent { request, status, serial, etag, body } => {
                let etag = etag.as_deref();
                let serial = self.believed(*request, *status, *serial, etag);
                let head = Head { moment: now, status: *status, serial, etag, body: *body };
                let bound = self.bound_of_answers();
                self.with_exchange(*request, |it| {
                    it.owed(now, bound);
                    it.head = it.head.or(Some(head));
                });
            }
            What::ResponseDone { request, .. } => {
                self.with_exchange(*request, |it| it.end = it.end.or(Some((now, None))));
            }
            What::ResponseAborted { request, by, .. } => {
                let bound = self.bound_of_answers();
                self.with_exchange(*request, |it| {
                    if it.head.is_none() {
                        it.owed(now, bound);
                    }
                    it.end = it.end.or(Some((now, Some(*by))));
                });
            }
            _ => {}
        }
    }

    /// How long an answer may take that nothing delays: beyond what the scenario says, half of the time that clients
    /// are told to wait. They count from before the request arrived.
    fn bound_of_answers(&self) -> Span {
        let scenario = &self.history.record.scenario;
        Span(scenario.catwalk.latency.0.saturating_add(scenario.clients.patience.0 / 2))
    }

    /// The catalogue that a client takes the answer for. It differs from the server's only where the
    /// client holds an ETag that had come with another catalogue than its own.
    fn believed(
        &mut self,
        request: RequestId,
        status: u16,
        serial: Option<Serial>,
        etag: Option<&'a str>,
    ) -> Option<Serial> {
        let exchange = self.history.exchange(request)?;
        let sent = exchange.request.if_none_match.as_deref().map(str::trim);
        if status == 304 {
            return sent.and_then(|sent| self.lies.get(sent).copied()).or(serial);
        }
        if exchange.faults.iter().any(|(_, fault)| *fault == Fault::WrongEtag)
            && let (Some(etag), Some(serial)) = (etag, serial)
        {
            self.lies.insert(etag, serial);
        } else if let Some(etag) = etag {
            // From now on it comes with its own catalogue, and whoever holds it holds that.
            self.lies.remove(etag);
        }
        serial
    }
}

impl Exchange<'_> {
    /// The harness owed the answer until now. Where that was long, as on a machine that is too busy to run it, that
    /// is a delay of its own making, like one that it injects.
    fn owed(&mut self, now: Moment, bound: Span) {
        if now.since(self.arrived) >= bound.0 {
            self.hits.push((now, Harm::Slows));
        }
    }
}
