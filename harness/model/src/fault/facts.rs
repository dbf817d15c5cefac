//! What is known of each fault: where it acts, what arrives, what can tell, and what it does to a client.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Drip, Fault, Framing, Latency, Status, Truncate, WrongLength};
use crate::units::{ByteSize, Span};

/// Where a fault is injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// At the listener: before there is a request, and so of one client only if it has a listener of its
    /// own.
    Door,
    /// In the answer to a fetch.
    Answer,
}

/// What can tell that something is wrong with what arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Detectable {
    /// The connection, the framing or the head: no body need be looked at.
    Transport,
    /// Only the body: whoever does not parse and check it takes it for the catalogue.
    Content,
    /// Nothing: what arrives is right as far as it goes, and nothing can be demanded for it.
    None,
}

impl Detectable {
    /// The word that scenario files and listings use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transport => "transport",
            Self::Content => "content",
            Self::None => "none",
        }
    }
}

impl fmt::Display for Detectable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a fault does to a client that behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Harm {
    /// No catalogue arrives: the client may fail, ask again, or serve what it has.
    Denies,
    /// Something else arrives, or the catalogue with a head that belies it: the same.
    Spoils,
    /// The catalogue arrives whole, but late: a client that runs out of patience before it is all there
    /// may fail.
    Slows,
    /// The catalogue arrives whole and at once: nothing excuses a failure.
    Spares,
}

/// Everything that is known of a fault.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// The word that scenario files use.
    pub name: &'static str,
    /// Where it is injected.
    pub place: Place,
    /// What can tell.
    pub detectable: Detectable,
    /// What it does.
    pub harm: Harm,
    /// What the wire carries, in words.
    pub wire: &'static str,
}

impl Fault {
    /// One of each kind, in the order in which listings show them, with the values of an example.
    pub const EXAMPLES: [Self; 28] = [
        Self::Refuse,
        Self::AcceptHang,
        Self::AcceptDelay(Span::from_millis(300)),
        Self::ResetBeforeHead,
        Self::CloseBeforeHead,
        Self::ResetAfter(ByteSize(1000)),
        Self::Truncate(Truncate { framing: Framing::ContentLength, after: Some(ByteSize(1000)) }),
        Self::Truncate(Truncate { framing: Framing::Chunked, after: Some(ByteSize(1000)) }),
        Self::Truncate(Truncate { framing: Framing::Close, after: Some(ByteSize(1000)) }),
        Self::Drip(Drip { bytes: ByteSize(1024), every: Span::from_millis(20) }),
        Self::Bandwidth(ByteSize(64 << 10)),
        Self::Slicer(ByteSize(7)),
        Self::Latency(Latency { base: Span::from_millis(50), jitter: Span::from_millis(100) }),
        Self::Status(Status { code: 500, retry_after: None }),
        Self::Status(Status { code: 429, retry_after: Some(Span::from_secs(120)) }),
        Self::Redirect,
        Self::RedirectLoop,
        Self::WrongLength(WrongLength::Longer),
        Self::WrongLength(WrongLength::Shorter),
        Self::WrongContentType,
        Self::Garbage,
        Self::WrongShape,
        Self::EmptyArray,
        Self::HugeBody(ByteSize(80 << 20)),
        Self::WrongEtag,
        Self::MissingEtag,
        Self::Unasked304,
        Self::KeepAliveClosed,
    ];

    /// What is known of it.
    pub fn facts(&self) -> Facts {
        use Detectable::{Content, Transport};
        use Harm::{Denies, Slows, Spares, Spoils};
        use Place::{Answer, Door};
        let facts =
            |name, place, detectable, harm, wire| Facts { name, place, detectable, harm, wire };
        match self {
            Self::Refuse => facts("refuse", Door, Transport, Denies, "ECONNREFUSED"),
            Self::AcceptHang => {
                facts("accept-hang", Door, Transport, Denies, "a connection, and never a byte")
            }
            Self::AcceptDelay(_) => {
                facts("accept-delay", Door, Detectable::None, Slows, "the answer, after a silence")
            }
            Self::ResetBeforeHead => {
                facts("reset-before-head", Answer, Transport, Denies, "no byte, then RST")
            }
            Self::CloseBeforeHead => {
                facts("close-before-head", Answer, Transport, Denies, "no byte, then FIN")
            }
            Self::ResetAfter(_) => {
                facts("reset-after", Answer, Transport, Denies, "head, n bytes, then RST")
            }
            Self::Truncate(Truncate { framing, .. }) => {
                let (detectable, harm, wire) = match framing {
                    Framing::ContentLength => {
                        (Transport, Denies, "head with the whole length, n bytes, then FIN")
                    }
                    Framing::Chunked => {
                        (Transport, Denies, "n bytes within a chunk that holds more, then FIN")
                    }
                    Framing::Close => (Content, Spoils, "head without a length, n bytes, then FIN"),
                };
                facts("truncate", Answer, detectable, harm, wire)
            }
            Self::Drip(_) => facts(
                "drip",
                Answer,
                Detectable::None,
                Slows,
                "the answer, with a pause between its pieces",
            ),
            Self::Bandwidth(_) => facts(
                "bandwidth",
                Answer,
                Detectable::None,
                Slows,
                "the answer, so many bytes a second",
            ),
            Self::Slicer(_) => facts(
                "slicer",
                Answer,
                Detectable::None,
                Spares,
                "the answer, in many small writes",
            ),
            Self::Latency(_) => {
                facts("latency", Answer, Detectable::None, Slows, "the answer, after a seeded time")
            }
            Self::Status(_) => facts(
                "status",
                Answer,
                Transport,
                Denies,
                "the status, Retry-After if asked for, an error object",
            ),
            Self::Redirect => facts(
                "redirect",
                Answer,
                Transport,
                Denies,
                "302 to a place that has the catalogue",
            ),
            Self::RedirectLoop => facts(
                "redirect-loop",
                Answer,
                Transport,
                Denies,
                "302, and 302 again for whoever follows",
            ),
            Self::WrongLength(WrongLength::Longer) => facts(
                "wrong-length",
                Answer,
                Transport,
                Denies,
                "16 bytes fewer than announced, then silence",
            ),
            Self::WrongLength(WrongLength::Shorter) => {
                facts("wrong-length", Answer, Content, Spoils, "16 bytes more than announced")
            }
            Self::WrongContentType => {
                facts("wrong-content-type", Answer, Transport, Spoils, "the catalogue as text/html")
            }
            Self::Garbage => {
                facts("garbage", Answer, Content, Spoils, "200 with bytes that are no text")
            }
            Self::WrongShape => facts(
                "wrong-shape",
                Answer,
                Content,
                Spoils,
                "200 with an object around the catalogue",
            ),
            Self::EmptyArray => facts("empty-array", Answer, Content, Spoils, "200 with []"),
            Self::HugeBody(_) => {
                facts("huge-body", Answer, Content, Spoils, "200 with one JSON object of that size")
            }
            Self::WrongEtag => facts(
                "wrong-etag",
                Answer,
                Detectable::None,
                Spares,
                "the ETag of the catalogue that follows",
            ),
            Self::MissingEtag => facts("missing-etag", Answer, Detectable::None, Spares, "no ETag"),
            Self::Unasked304 => {
                facts("unasked-304", Answer, Transport, Denies, "304, no ETag and no body")
            }
            Self::KeepAliveClosed => facts(
                "keep-alive-closed",
                Answer,
                Transport,
                Spares,
                "the answer, then FIN without a word",
            ),
        }
    }

    /// Whether it acts at the listener, before there is a request.
    pub fn is_at_door(&self) -> bool {
        self.facts().place == Place::Door
    }

    /// Whether it is about the body of a 200, so that the request's validator is not looked at.
    pub fn needs_body(&self) -> bool {
        matches!(
            self,
            Self::ResetAfter(_)
                | Self::Truncate(_)
                | Self::WrongLength(_)
                | Self::WrongContentType
                | Self::Garbage
                | Self::WrongShape
                | Self::EmptyArray
                | Self::HugeBody(_)
                | Self::WrongEtag
                | Self::MissingEtag
        )
    }
}
