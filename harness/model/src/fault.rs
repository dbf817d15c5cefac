//! Faults of the network: what each puts on the wire, what can detect it, and what it does to a client.
//!
//! The three go together. What arrives is decided by the fault; whether a client can know is the label
//! ([`Detectable`]); whether the client may fail for it is the harm ([`Harm`]). The judge demands no
//! more than the label allows and excuses no more than the harm does.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::{ByteSize, Span};

mod facts;
mod text;

pub use facts::{Detectable, Facts, Harm, Place};

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
