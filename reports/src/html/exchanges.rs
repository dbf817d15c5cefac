//! Requests with what became of them.

use std::collections::HashMap;

use cachestorm_model::record::{AbortedBy, Record, What};
use cachestorm_model::units::{ClientId, RequestId};

use super::row::{Mark, micros};

/// A request and its response.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Which.
    pub request: RequestId,
    /// Whether it asked for the catalogue, and so counts.
    pub is_fetch: bool,
    /// Who asked.
    pub client: Option<ClientId>,
    /// When it arrived, in microseconds.
    pub arrived: u64,
    /// The event at which it did.
    pub event: u32,
    /// The status that was sent.
    pub status: Option<u16>,
    /// When the response was over, and the event at which it was.
    pub over: Option<(u64, u32)>,
    /// Who ended it early.
    pub aborted: Option<AbortedBy>,
    method: String,
}

impl Exchange {
    /// Whether a catalogue came through whole.
    pub fn is_whole(&self) -> bool {
        self.status == Some(200) && self.aborted.is_none() && self.over.is_some()
    }

    /// The word for what became of it: `200`, `304`, `error`, `cut`, `open`.
    pub fn fate(&self) -> &'static str {
        match (self.aborted, self.over, self.status) {
            (Some(_), _, _) => "cut",
            (None, None, _) | (_, _, None) => "open",
            (_, _, Some(200)) => "200",
            (_, _, Some(304)) => "304",
            _ => "error",
        }
    }

    /// `#3 GET, status 200`.
    pub fn words(&self) -> String {
        let status = self.status.map(|status| format!("status {status}"));
        let by = self.aborted.map(|by| match by {
            AbortedBy::Client => "cut off by the client",
            AbortedBy::Injection => "cut off by an injection",
            AbortedBy::Harness => "cut off by the end of the scenario",
        });
        let fate = match (status, by) {
            (Some(status), Some(by)) => format!("{status}, {by}"),
            (Some(status), None) => status,
            (None, Some(by)) => by.to_owned(),
            (None, None) => "no answer".to_owned(),
        };
        format!("{} {}, {fate}", self.request, self.method)
    }

    /// Its tick on a row.
    pub fn mark(&self) -> Mark {
        let kind = match self.fate() {
            "200" => "req-200",
            "304" => "req-304",
            "error" => "req-error",
            "cut" => "req-cut",
            _ => "req-open",
        };
        Mark::new(self.arrived, self.event, kind, self.words())
    }
}

/// The requests of a record in order of arrival.
pub fn exchanges(record: &Record) -> Vec<Exchange> {
    let mut all: Vec<Exchange> = Vec::new();
    let mut by_id: HashMap<RequestId, usize> = HashMap::new();
    for (event, index) in record.events.iter().zip(0..) {
        let at = micros(event.at);
        match &event.what {
            What::Request(request) => {
                by_id.insert(request.request, all.len());
                all.push(Exchange {
                    request: request.request,
                    is_fetch: request.fetch.is_some(),
                    client: request.client,
                    arrived: at,
                    event: index,
                    status: None,
                    over: None,
                    aborted: None,
                    method: request.method.clone(),
                });
            }
            What::HeadSent { request, status, .. } => {
                if let Some(&it) = by_id.get(request) {
                    all[it].status = Some(*status);
                }
            }
            What::ResponseDone { request, .. } => {
                if let Some(&it) = by_id.get(request) {
                    all[it].over = Some((at, index));
                }
            }
            What::ResponseAborted { request, by, .. } => {
                if let Some(&it) = by_id.get(request) {
                    all[it].over = Some((at, index));
                    all[it].aborted = Some(*by);
                }
            }
            _ => {}
        }
    }
    all
}
