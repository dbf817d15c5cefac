//! One request with what became of its response.

use super::Moment;
use crate::model::fault::{Fault, Harm};
use crate::model::record::{AbortedBy, Request};
use crate::model::units::Serial;

/// A request and its response.
pub(in crate::judge) struct Exchange<'a> {
    /// The request as it arrived.
    pub(in crate::judge) request: &'a Request,
    /// When it arrived.
    pub(in crate::judge) arrived: Moment,
    /// Its sender, as an index into [`super::History::processes`].
    pub(in crate::judge) sender: Option<usize>,
    /// The head of the response, once it was sent.
    pub(in crate::judge) head: Option<Head<'a>>,
    /// The end of the response, and who ended it where it ended early.
    pub(in crate::judge) end: Option<(Moment, Option<AbortedBy>)>,
    /// What injected faults did to this response, those left out that spare it.
    pub(in crate::judge) hits: Vec<(Moment, Harm)>,
    /// The faults of the network that went on the wire with it.
    pub(in crate::judge) faults: Vec<(Moment, Fault)>,
    /// When the fetch was over: its response, or its sender's life.
    pub(in crate::judge) over: Option<Moment>,
    /// From when on an injected fault explains that nothing came of it.
    pub(in crate::judge) explained: Option<Moment>,
}

/// The head of a response.
#[derive(Clone, Copy)]
pub(in crate::judge) struct Head<'a> {
    /// When it was sent.
    pub(in crate::judge) moment: Moment,
    /// The status code.
    pub(in crate::judge) status: u16,
    /// The catalogue in the body, or the one that a 304 confirms.
    pub(in crate::judge) serial: Option<Serial>,
    /// The ETag header.
    pub(in crate::judge) etag: Option<&'a str>,
    /// The length of the body to follow, in bytes.
    pub(in crate::judge) body: u64,
}

impl<'a> Exchange<'a> {
    /// A request without a response yet.
    pub(super) fn new(request: &'a Request, arrived: Moment, sender: Option<usize>) -> Self {
        Self {
            request,
            arrived,
            sender,
            head: None,
            end: None,
            hits: Vec::new(),
            faults: Vec::new(),
            over: None,
            explained: None,
        }
    }

    /// A fault of the network goes on the wire.
    pub(super) fn hit_by(&mut self, now: Moment, fault: Fault) {
        self.faults.push((now, fault));
        let harm = fault.facts().harm;
        if harm != Harm::Spares {
            self.hits.push((now, harm));
        }
    }

    /// Whether it is a `GET /v2/providers`.
    pub(in crate::judge) fn is_fetch(&self) -> bool {
        self.request.fetch.is_some()
    }

    /// The catalogue that a 200 held or a 304 confirmed, with the head.
    pub(in crate::judge) fn answer(&self) -> Option<(Head<'a>, Serial)> {
        let head = self.head.filter(|head| matches!(head.status, 200 | 304))?;
        Some((head, head.serial?))
    }

    /// When Catwalk vouched for the answer: the end of a whole 200 with a catalogue, or the head of a 304
    /// that confirms one.
    pub(in crate::judge) fn vouched(&self) -> Option<Moment> {
        match self.answer()?.0 {
            Head { status: 304, moment, .. } => Some(moment),
            _ => self.whole(),
        }
    }

    /// When the response was sent whole, whatever was in it.
    pub(in crate::judge) fn whole(&self) -> Option<Moment> {
        self.end.filter(|(_, aborted)| aborted.is_none()).map(|(moment, _)| moment)
    }

    /// Whether an injected fault harmed the response, or the harness itself could not serve it.
    pub(in crate::judge) fn is_faulted(&self) -> bool {
        let by_us = |by| matches!(by, Some(AbortedBy::Injection | AbortedBy::Harness));
        !self.hits.is_empty() || self.end.is_some_and(|(_, by)| by_us(by))
    }

    /// Whether an injected fault kept the answer from its sender, or made another of it. What was only late and
    /// came to its end was not kept.
    pub(in crate::judge) fn is_kept_from_sender(&self) -> bool {
        let only_slowed = self.hits.iter().all(|(_, harm)| *harm == Harm::Slows);
        self.is_faulted() && !(only_slowed && self.whole().is_some())
    }

    /// Whether the response ended early, by whomever.
    pub(in crate::judge) fn is_aborted(&self) -> bool {
        self.end.is_some_and(|(_, aborted)| aborted.is_some())
    }

    /// What was done, with what is known of the answer: `fetched catalogue 1 (#2)`.
    pub(in crate::judge) fn deed(&self) -> String {
        let number = self.request.request;
        match self.head.map(|head| (head.status, head.serial)) {
            Some((200, Some(serial))) => format!("fetched {serial} ({number})"),
            Some((304, Some(serial))) => format!("asked again for {serial} ({number}, 304)"),
            Some((status, _)) => format!("sent a fetch ({number}, answered {status})"),
            None => format!("sent a fetch ({number})"),
        }
    }
}
