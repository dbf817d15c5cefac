//! The server on its own, for people who want to try a client by hand: one line for each request.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Instant;

use tokio::sync::mpsc;

use super::counts::Counts;
use super::error::CatwalkError;
use super::observe::Observation;
use super::server::{Catwalk, Settings};
use crate::model::record::{AbortedBy, Request, What};
use crate::model::units::{RequestId, Serial};

/// Serves on `port` (0 for any free one) until `until` completes; nothing interferes with responses.
/// `ready` is called once with the running server, and `line` with one line for each response that has
/// ended, such as `#3 c07 GET /v2/providers: 200 catalogue 2, 16384 bytes in 301 ms`.
///
/// # Errors
/// Whatever keeps the server from starting.
pub async fn serve_until(
    settings: Settings,
    port: u16,
    until: impl Future<Output = ()>,
    ready: impl FnOnce(&Catwalk),
    mut line: impl FnMut(&str),
) -> Result<Counts, CatwalkError> {
    let (observer, mut observations) = mpsc::unbounded_channel();
    let catwalk = Catwalk::start_on(port, settings, observer).await?;
    ready(&catwalk);
    let mut log = Log::default();
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

/// The requests whose responses have not ended.
#[derive(Default)]
struct Log(BTreeMap<RequestId, Entry>);

struct Entry {
    since: Instant,
    request: Request,
    answer: Option<(u16, Option<Serial>)>,
}

impl Log {
    /// Takes in one step. The reply, where there is one, is dropped with it, which means "proceed".
    fn take(&mut self, Observation { at, what, .. }: Observation, line: &mut impl FnMut(&str)) {
        match what {
            What::Request(request) => {
                self.0.insert(request.request, Entry { since: at, request, answer: None });
            }
            What::HeadSent { request, status, serial, .. } => {
                if let Some(entry) = self.0.get_mut(&request) {
                    entry.answer = Some((status, serial));
                }
            }
            What::ResponseDone { request, sent } => {
                if let Some(entry) = self.0.remove(&request) {
                    line(&entry.line(at, &format!("{sent} bytes")));
                }
            }
            What::ResponseAborted { request, sent, by } => {
                if let Some(entry) = self.0.remove(&request) {
                    let who = match by {
                        AbortedBy::Client => "the client left",
                        AbortedBy::Injection => "reset by an injection",
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
        let answer = match self.answer {
            Some((status, Some(serial))) => format!("{status} {serial}, "),
            Some((status, None)) => format!("{status}, "),
            None => String::new(),
        };
        let time = end.saturating_duration_since(self.since).as_millis();
        format!("{request} {client} {method} {path}: {answer}{how} in {time} ms")
    }
}
