//! The server on its own, for people who want to try a client by hand: one line for each request.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Instant;

use tokio::sync::mpsc;

use super::counts::Counts;
use super::error::CatwalkError;
use super::observe::{Directive, Observation};
use super::server::{Catwalk, Settings};
use crate::model::fault::Fault;
use crate::model::record::{AbortedBy, Request, What};
use crate::model::scenario::Listeners;
use crate::model::units::{ClientId, RequestId, Serial};

/// A fault of the network while the server runs on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interference {
    /// The fault.
    pub fault: Fault,
    /// Who alone meets it; `None` for everyone.
    pub client: Option<ClientId>,
    /// The fetches that alone meet it, counted from 1; empty for all.
    pub fetches: Vec<u32>,
}

impl Interference {
    /// What is done with the answer to a request.
    fn directive(&self, request: &Request) -> Directive {
        let listed = request.fetch.is_some_and(|number| self.fetches.contains(&number));
        let hers = self.client.is_none() || self.client == request.client;
        if listed && hers { Directive::Fault(self.fault) } else { Directive::Proceed }
    }
}

/// Serves on `port` (0 for any free one) until `until` completes.
/// `ready` is called once with the running server, and `line` with one line for each response that has
/// ended, such as `#3 c07 GET /v2/providers: 200 catalogue 2, 16384 bytes in 301 ms`.
///
/// # Errors
/// Whatever keeps the server from starting.
pub async fn serve_until(
    mut settings: Settings,
    port: u16,
    interference: Option<Interference>,
    until: impl Future<Output = ()>,
    ready: impl FnOnce(&Catwalk),
    mut line: impl FnMut(&str),
) -> Result<Counts, CatwalkError> {
    let (observer, mut observations) = mpsc::unbounded_channel();
    let fault = interference.as_ref();
    if let Some(client) = fault.and_then(|it| it.client.filter(|_| it.fault.is_at_door())) {
        settings.listeners = Listeners::Of([client].into());
    }
    if let Some(one) = fault.filter(|it| it.fault.is_at_door() && !it.fetches.is_empty()) {
        return Err(CatwalkError::FetchesOfDoor(one.fault));
    }
    let catwalk = Catwalk::start_on(port, settings, observer).await?;
    if let Some(standing) = fault.filter(|it| it.fetches.is_empty()) {
        catwalk.impose(standing.client, standing.fault).await?;
    }
    ready(&catwalk);
    let mut log = Log { entries: BTreeMap::new(), interference };
    let mut until = pin!(until);
    loop {
        tokio::select! { biased;
            () = &mut until => break,
            Some(observation) = observations.recv() => log.take(observation, &mut line),
        }
    }
    catwalk.shutdown().await;
    while let Ok(observation) = observations.try_recv() {
        log.take(observation, &mut line);
    }
    Ok(catwalk.counts())
}

struct Log {
    /// The requests whose responses have not ended.
    entries: BTreeMap<RequestId, Entry>,
    interference: Option<Interference>,
}

struct Entry {
    since: Instant,
    request: Request,
    fault: Option<Fault>,
    answer: Option<(u16, Option<Serial>)>,
}

impl Log {
    /// Takes in one step. A reply that is dropped with it means "proceed".
    fn take(&mut self, Observation { at, what, reply }: Observation, line: &mut impl FnMut(&str)) {
        match what {
            What::Request(request) => {
                if let (Some(interference), Some(reply)) = (&self.interference, reply) {
                    // A client that has left meanwhile needs no answer.
                    let _ = reply.send(interference.directive(&request));
                }
                let entry = Entry { since: at, request, fault: None, answer: None };
                self.entries.insert(entry.request.request, entry);
            }
            What::Faulted { request: Some(request), fault, .. } => {
                if let Some(entry) = self.entries.get_mut(&request) {
                    entry.fault = Some(fault);
                }
            }
            What::Faulted { request: None, client, fault } => {
                let client = client.map_or_else(|| "-".to_owned(), |client| client.to_string());
                line(&format!("{client} connection: {fault}"));
            }
            What::HeadSent { request, status, serial, .. } => {
                if let Some(entry) = self.entries.get_mut(&request) {
                    entry.answer = Some((status, serial));
                }
            }
            What::ResponseDone { request, sent } => {
                if let Some(entry) = self.entries.remove(&request) {
                    line(&entry.line(at, &format!("{sent} bytes")));
                }
            }
            What::ResponseAborted { request, sent, by } => {
                if let Some(entry) = self.entries.remove(&request) {
                    let who = match by {
                        AbortedBy::Client => "the client left",
                        AbortedBy::Injection => "ended by the fault",
                        AbortedBy::Harness => "the server ended",
                    };
                    line(&entry.line(at, &format!("{who} after {} bytes", sent.unwrap_or(0))));
                }
            }
            _ => {}
        }
    }
}

impl Entry {
    fn line(&self, end: Instant, how: &str) -> String {
        let Request { request, client, method, path, .. } = &self.request;
        let client = client.map_or_else(|| "-".to_owned(), |client| client.to_string());
        let fault = self.fault.map(|fault| format!("{fault}: ")).unwrap_or_default();
        let answer = match self.answer {
            Some((status, Some(serial))) => format!("{status} {serial}, "),
            Some((status, None)) => format!("{status}, "),
            None => String::new(),
        };
        let time = end.saturating_duration_since(self.since).as_millis();
        format!("{request} {client} {method} {path}: {fault}{answer}{how} in {time} ms")
    }
}
