//! An answer becomes what goes over the wire: as it is, or as a fault has it.

use std::time::Duration;

use hyper::body::Bytes;
use rand::RngExt;
use sha2::{Digest, Sha256};

use super::pace::{self, Pace};
use crate::catwalk::answer::{Answer, Desk};
use crate::catwalk::catalogue::hex;
use crate::catwalk::etag;
use crate::catwalk::http::{Framing, Head};
use crate::model::fault::{self, Fault, Truncate, WrongLength};
use crate::model::units::{RequestId, Serial, Span};

/// Bytes by which a wrong `Content-Length` is wrong.
const OFF_BY: u64 = 16;
/// Bytes of a huge body that are in memory at a time.
const PIECE: usize = 64 << 10;
/// The beginning and the end of a huge body.
const HUGE: (&[u8], &[u8]) = (b"{\"huge\":\"", b"\"}");

/// The query of where a redirect leads to, and of where one leads to that goes on for ever.
pub const REDIRECTED: &str = "redirected";
pub const LOOPS: &str = "redirect-loop";

/// A response, ready to be sent.
#[derive(Debug)]
pub struct Parcel {
    /// Status and headers; its body is not looked at.
    pub answer: Answer,
    /// What is sent after the head.
    pub body: Body,
    /// How the head says where the body ends.
    pub framing: Framing,
    /// The catalogue that the client can have from it, or that a 304 confirms.
    pub serial: Option<Serial>,
    /// How long the head waits.
    pub latency: Duration,
    /// Where it breaks off.
    pub cut: Option<Cut>,
    /// In which pieces it is sent.
    pub pace: Option<Pace>,
    /// What comes after it.
    pub after: After,
}

/// Bytes that are sent after a head.
#[derive(Debug)]
pub enum Body {
    /// These.
    Bytes(Bytes),
    /// One JSON object of so many bytes.
    Huge(u64),
}

/// Where a response breaks off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Bytes of the body before it; `None` before the head.
    pub after: Option<u64>,
    /// How.
    pub ending: Ending,
}

/// How the peer sees a connection end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By a reset (RST): ECONNRESET.
    Reset,
    /// In order (FIN): the end of the stream.
    Close,
}

/// What comes after a response that was sent whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// What the request and its version ask for.
    AsAsked,
    /// The connection is closed, whatever was said.
    Close,
    /// Nothing, for as long as the client waits.
    Silence,
}

/// What a forger must know.
pub struct Forge<'a> {
    pub desk: &'a Desk,
    pub seed: u64,
    pub request: RequestId,
    pub head: &'a Head,
}

impl Parcel {
    /// An answer as it is; without its body where there can be none.
    pub fn plain(answer: Answer, serial: Option<Serial>, bodiless: bool) -> Self {
        let framing = match answer.may_have_body() {
            true => Framing::Length(answer.length),
            false => Framing::None,
        };
        let body = if bodiless { Bytes::new() } else { answer.body.clone() };
        let (latency, after) = (Duration::ZERO, After::AsAsked);
        Self {
            answer,
            body: Body::Bytes(body),
            framing,
            serial,
            latency,
            cut: None,
            pace: None,
            after,
        }
    }

    /// The same with another body, of which it is told how long it is; no catalogue any more.
    fn with_body(mut self, body: Body) -> Self {
        self.framing = Framing::Length(body.len());
        self.body = body;
        self.serial = None;
        self
    }

    /// The same with a body whose ETag is its own, as the real server makes it.
    fn with_other(self, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let own = etag::of_digest(&hex(&Sha256::digest(&bytes)));
        let has_etag = self.answer.header("ETag").is_some();
        let mut other = self.with_body(Body::Bytes(bytes));
        if has_etag {
            other.answer.set("ETag", Some(own));
        }
        other
    }
}

impl Forge<'_> {
    /// The response that this fault makes of a plain one.
    pub fn forge(&self, fault: Fault, mut plain: Parcel) -> Parcel {
        let length = plain.body.len();
        plain.pace = Pace::of(fault);
        match fault {
            Fault::ResetBeforeHead => plain.cut = Some(Cut { after: None, ending: Ending::Reset }),
            Fault::CloseBeforeHead => plain.cut = Some(Cut { after: None, ending: Ending::Close }),
            Fault::ResetAfter(size) => {
                plain.cut = Some(Cut { after: Some(size.0.min(length)), ending: Ending::Reset });
            }
            Fault::Truncate(truncate) => {
                plain.cut = Some(cut(truncate, length));
                plain.framing = match truncate.framing {
                    fault::Framing::ContentLength => plain.framing,
                    fault::Framing::Chunked => Framing::Chunked,
                    fault::Framing::Close => Framing::Close,
                };
            }
            Fault::Latency(bounds) => {
                plain.latency = pace::latency(bounds, self.seed, self.request);
            }
            Fault::WrongLength(WrongLength::Longer) => {
                plain.framing = Framing::Length(length + OFF_BY);
                plain.after = After::Silence;
            }
            Fault::WrongLength(WrongLength::Shorter) => {
                plain.framing = Framing::Length(length.saturating_sub(OFF_BY));
                plain.serial = None;
            }
            Fault::WrongContentType => {
                plain.answer.set("Content-Type", Some("text/html; charset=utf-8".to_owned()));
            }
            Fault::Garbage => return plain.with_other(self.garbage(length)),
            Fault::WrongShape => {
                let around = [b"{\"data\":", &plain.answer.body[..], b"}"].concat();
                return plain.with_other(around);
            }
            Fault::EmptyArray => return plain.with_other(&b"[]"[..]),
            Fault::HugeBody(size) => {
                let mut huge = plain.with_body(Body::Huge(size.0));
                huge.answer.set("ETag", None);
                return huge;
            }
            Fault::WrongEtag => {
                let next = self.desk.library.next();
                plain.answer.set("ETag", next.etag(self.desk.etag).map(str::to_owned));
            }
            Fault::MissingEtag => plain.answer.set("ETag", None),
            Fault::KeepAliveClosed => plain.after = After::Close,
            Fault::Status(_) | Fault::Redirect | Fault::RedirectLoop | Fault::Unasked304 => {
                return self.other_status(fault);
            }
            Fault::Refuse
            | Fault::AcceptHang
            | Fault::AcceptDelay(_)
            | Fault::Drip(_)
            | Fault::Bandwidth(_)
            | Fault::Slicer(_) => {}
        }
        plain
    }

    /// A response that has nothing of the one that would have been given.
    fn other_status(&self, fault: Fault) -> Parcel {
        let mut serial = None;
        let mut answer = match fault {
            Fault::Status(status) => Answer::injected(status.code),
            Fault::Unasked304 => {
                serial = self.confirmed();
                Answer::empty(304)
            }
            _ => Answer::injected(302),
        };
        match fault {
            Fault::Status(fault::Status { retry_after: Some(after), .. }) => {
                answer.set("Retry-After", Some(whole_seconds(after).to_string()));
            }
            Fault::Redirect => self.lead_to(REDIRECTED, &mut answer),
            Fault::RedirectLoop => self.lead_to(LOOPS, &mut answer),
            _ => {}
        }
        Parcel::plain(answer, serial, false)
    }

    fn lead_to(&self, query: &str, answer: &mut Answer) {
        answer.set("Location", Some(format!("{}?{query}", self.head.target)));
    }

    /// The catalogue that a 304 confirms: that of the validator, whichever is current.
    fn confirmed(&self) -> Option<Serial> {
        let sent = self.head.if_none_match.as_deref()?;
        let served = self.desk.library.all();
        let named = served.iter().rev().find(|catalogue| {
            catalogue.etag(self.desk.etag).is_some_and(|own| etag::matches(sent, own))
        });
        named.map(|catalogue| catalogue.serial())
    }

    /// Bytes that no encoding of text begins with, and no JSON.
    fn garbage(&self, length: u64) -> Vec<u8> {
        let mut dice = pace::dice(self.seed, self.request);
        (0..length).map(|_| dice.random_range(0x80..=0xff)).collect()
    }
}

impl Body {
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Huge(size) => (*size).max((HUGE.0.len() + HUGE.1.len()) as u64),
        }
    }

    /// Some of the bytes from `from` on, and before `to`: at least one where there is one.
    pub fn piece(&self, from: u64, to: u64) -> Bytes {
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        let bytes = match self {
            Self::Bytes(bytes) => return bytes.slice(place(from)..place(to)),
            Self::Huge(_) => HUGE,
        };
        let (start, end) = (bytes.0.len() as u64, self.len() - bytes.1.len() as u64);
        if from < start {
            Bytes::from_static(&bytes.0[place(from)..place(to.min(start))])
        } else if from < end {
            static FILLER: [u8; PIECE] = [b'a'; PIECE];
            Bytes::from_static(&FILLER[..place(to.min(end) - from).min(PIECE)])
        } else {
            Bytes::from_static(&bytes.1[place(from - end)..place(to - end)])
        }
    }
}

fn cut(truncate: Truncate, length: u64) -> Cut {
    let after = truncate.after.map_or(length / 2, |after| after.0.min(length));
    Cut { after: Some(after), ending: Ending::Close }
}

fn whole_seconds(span: Span) -> u64 {
    span.0.as_secs() + u64::from(span.0.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_huge_body_is_one_object_of_its_size_in_pieces() {
        let body = Body::Huge(200_000);
        let mut bytes = Vec::new();
        while (bytes.len() as u64) < body.len() {
            let piece = body.piece(bytes.len() as u64, body.len());
            assert!((1..=PIECE).contains(&piece.len()));
            bytes.extend_from_slice(&piece);
        }
        assert_eq!(bytes.len(), 200_000);
        let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert!(value["huge"].is_string());
        assert_eq!(Body::Huge(0).len(), 11);
        // A piece may begin and end anywhere.
        for from in (0..200_000).step_by(9973) {
            let to = (from + 70_000).min(200_000);
            let piece = body.piece(from, to);
            let (from, end) = (from as usize, from as usize + piece.len());
            assert_eq!(piece, bytes[from..end]);
        }
    }

    #[test]
    fn retry_after_has_whole_seconds() {
        assert_eq!(whole_seconds(Span::from_secs(120)), 120);
        assert_eq!(whole_seconds(Span::from_millis(1500)), 2);
    }
}
