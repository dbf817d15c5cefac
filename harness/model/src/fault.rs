//! Faults of the network: what each puts on the wire, what can detect it, and what it does to a client.
//!
//! The three go together. What arrives is decided by the fault; whether a client can know is the label
//! ([`Detectable`]); whether the client may fail for it is the harm ([`Harm`]). The judge demands no
//! more than the label allows and excuses no more than the harm does.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::{ByteSize, Span};

mod text;

/// A fault of the network. Numbers of bytes count the body, without the framing around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Connections are refused (ECONNREFUSED); those that are open stay.
    Refuse,
    /// Connections are accepted, and then nothing is read or sent.
    AcceptHang,
    /// Connections are accepted, and nothing is read from them for this time.
    AcceptDelay(Span),
    /// The connection is reset (RST) in place of an answer.
    ResetBeforeHead,
    /// The connection is closed (FIN) in place of an answer.
    CloseBeforeHead,
    /// The connection is reset (RST) once this many bytes of the body have been delivered.
    ResetAfter(ByteSize),
    /// The body is cut short and the connection closed (FIN).
    Truncate(Truncate),
    /// The response comes in pieces with a pause between one and the next.
    Drip(Drip),
    /// The response comes with this many bytes a second.
    Bandwidth(ByteSize),
    /// The response comes in writes of this many bytes, one right after the other.
    Slicer(ByteSize),
    /// The head waits for a time that the seed and the request's number fix.
    Latency(Latency),
    /// An error status with a short error object.
    Status(Status),
    /// A 302 to where the catalogue is to be had.
    Redirect,
    /// A 302 to a place that answers with the same 302.
    RedirectLoop,
    /// `Content-Length` is not the length of the body.
    WrongLength(WrongLength),
    /// The catalogue is called `text/html`.
    WrongContentType,
    /// The body is bytes that are no text at all.
    Garbage,
    /// The body is valid JSON that is no catalogue: an object around one.
    WrongShape,
    /// The body is `[]`.
    EmptyArray,
    /// The body is one JSON object of this size.
    HugeBody(ByteSize),
    /// The catalogue comes with the ETag of the one that follows it.
    WrongEtag,
    /// The catalogue comes without an ETag.
    MissingEtag,
    /// A 304 whether or not the request holds a validator.
    #[serde(rename = "unasked-304")]
    Unasked304,
    /// The response is whole and says nothing of closing, and then the connection is closed (FIN).
    KeepAliveClosed,
}

/// How a body is cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Truncate {
    /// How the response says where its body ends.
    pub framing: Framing,
    /// Bytes of the body that are sent; half of it if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<ByteSize>,
}

/// How a response says where its body ends (RFC 9112, section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Framing {
    /// By `Content-Length`.
    ContentLength,
    /// By chunks, the last of which is empty.
    Chunked,
    /// By closing the connection, which looks the same wherever it happens.
    Close,
}

/// A response in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Drip {
    /// Bytes in each piece, head and framing included.
    pub bytes: ByteSize,
    /// The pause between one piece and the next.
    pub every: Span,
}

/// A time that differs from request to request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Latency {
    /// The shortest time.
    pub base: Span,
    /// The most that is added to it.
    #[serde(default)]
    pub jitter: Span,
}

/// An error status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Status {
    /// The status code, from 400 to 599.
    pub code: u16,
    /// When to come back, sent as `Retry-After` in whole seconds, rounded up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Span>,
}

/// How a wrong `Content-Length` differs from the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WrongLength {
    /// 16 bytes more are announced than the body has, and the connection stays open.
    Longer,
    /// 16 bytes fewer are announced than the body has, and all are sent.
    Shorter,
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_written_and_read_by_its_name() {
        for fault in Fault::EXAMPLES {
            let json = serde_json::to_value(fault).unwrap();
            let name = match &json {
                serde_json::Value::String(name) => name.clone(),
                serde_json::Value::Object(object) => object.keys().next().unwrap().clone(),
                other => panic!("{other}"),
            };
            assert_eq!(name, fault.facts().name);
            assert_eq!(serde_json::from_value::<Fault>(json).unwrap(), fault);
            assert_eq!(fault.to_string().parse::<Fault>(), Ok(fault));
        }
    }

    #[test]
    fn every_kind_is_among_the_examples() {
        // One more than the kinds for each further framing, status and direction of a wrong length.
        let kinds: std::collections::BTreeSet<_> =
            Fault::EXAMPLES.iter().map(|fault| fault.facts().name).collect();
        let schema = schemars::schema_for!(Fault);
        let schema = serde_json::to_string(&schema).unwrap();
        for kind in &kinds {
            assert!(schema.contains(&format!("\"{kind}\"")), "{kind}");
        }
        assert_eq!(kinds.len(), Fault::EXAMPLES.len() - 4);
    }
}
