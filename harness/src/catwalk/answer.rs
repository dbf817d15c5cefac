//! A request becomes a response: the routes of the real Catwalk, with no network.

use hyper::StatusCode;
use hyper::body::Bytes;

use super::catalogue::Library;
use super::counts::Tally;
use super::etag;
use crate::model::scenario::EtagMode;
use crate::model::units::Serial;

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";
/// What the real server says where the catalogue used to be.
const MOVED: &str = r#"{"error":"This endpoint was removed. Please use /v2/providers instead."}"#;

/// Every header that a [`Desk`] may put on an answer, in the order in which they are sent.
pub(super) const HEADERS: [&str; 4] = ["Content-Type", "ETag", "Cache-Control", "Allow"];

/// Where a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Providers,
    Deprecated,
    Health,
    Healthz,
    Metrics,
    Unknown,
}

impl Route {
    pub const KNOWN: [Self; 5] =
        [Self::Providers, Self::Deprecated, Self::Health, Self::Healthz, Self::Metrics];

    /// The route's path, without query.
    pub fn path(self) -> &'static str {
        match self {
            Self::Providers => "/v2/providers",
            Self::Deprecated => "/providers",
            Self::Health => "/health",
            Self::Healthz => "/healthz",
            Self::Metrics => "/metrics",
            Self::Unknown => "/unknown",
        }
    }

    pub fn of(path: &str) -> Self {
        Self::KNOWN.into_iter().find(|route| route.path() == path).unwrap_or(Self::Unknown)
    }
}

/// The methods that the server tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Head,
    Other,
}

impl Verb {
    pub fn of(method: &str) -> Self {
        match method {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            _ => Self::Other,
        }
    }
}

/// A request, as far as the answer depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ask {
    pub verb: Verb,
    pub route: Route,
    pub if_none_match: Option<String>,
    /// The catalogue that was current when the answer was decided on.
    pub serial: Serial,
}

/// A response. To `HEAD`, `length` is that of the body which a `GET` would have got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub length: u64,
    pub body: Bytes,
}

impl Answer {
    fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let headers = vec![("Content-Type", content_type.to_owned())];
        Self { status, headers, length: body.len() as u64, body }
    }

    fn with(mut self, name: &'static str, value: Option<&str>) -> Self {
        self.headers.extend(value.map(|value| (name, value.to_owned())));
        self
    }

    /// A status with nothing to it.
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), length: 0, body: Bytes::new() }
    }

    /// Sets a header in its place, adds it at the end, or takes it away.
    pub fn set(&mut self, name: &'static str, value: Option<String>) {
        let known = self.headers.iter().position(|(known, _)| *known == name);
        match (known, value) {
            (Some(index), Some(value)) => self.headers[index].1 = value,
            (Some(index), None) => drop(self.headers.remove(index)),
            (None, Some(value)) => self.headers.push((name, value)),
            (None, None) => {}
        }
    }

    /// What [`super::Directive::Answer`] asks for: a status with a short error object.
    pub fn injected(status: u16) -> Self {
        let reason = StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason());
        let reason = reason.unwrap_or("Unknown Status");
        Self::new(status, JSON, format!(r#"{{"error":"{status} {reason}"}}"#))
    }

    /// Whether the status allows a body at all (RFC 9110, section 6.4.1).
    pub fn may_have_body(&self) -> bool {
        !matches!(self.status, 100..=199 | 204 | 304)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

/// Everything that answers depend on besides the request.
#[derive(Debug, Clone)]
pub(super) struct Desk {
    pub library: Library,
    pub etag: EtagMode,
    pub cache_control: Option<String>,
    pub tally: Tally,
}

impl Desk {
    pub fn answer(&self, ask: &Ask) -> Answer {
        if ask.route == Route::Unknown {
            return Answer::new(404, TEXT, "404 page not found\n");
        }
        let answer = match (ask.verb, ask.route) {
            (Verb::Other, _) => {
                return Answer::new(405, TEXT, "Method not allowed\n")
                    .with("Allow", Some("GET, HEAD"));
            }
            (_, Route::Providers) => self.providers(ask),
            (_, Route::Deprecated) => Answer::new(200, JSON, MOVED),
            (_, Route::Metrics) => Answer::new(200, METRICS, self.tally.counts().prometheus()),
            (_, Route::Health | Route::Healthz | Route::Unknown) => Answer::new(200, TEXT, "OK"),
        };
        if ask.verb == Verb::Head { Answer { body: Bytes::new(), ..answer } } else { answer }
    }

    fn providers(&self, ask: &Ask) -> Answer {
        let catalogue = self.library.get(ask.serial).unwrap_or_else(|| self.library.current());
        let etag = catalogue.etag(self.etag);
        let validator = ask.if_none_match.as_deref().zip(etag);
        // The real server answers HEAD before it looks at the validator.
        let fresh = ask.verb == Verb::Get
            && validator.is_some_and(|(received, own)| etag::matches(received, own));
        let (status, body) =
            if fresh { (304, Bytes::new()) } else { (200, catalogue.body().clone()) };
        Answer::new(status, JSON, body)
            .with("ETag", etag)
            .with("Cache-Control", self.cache_control.as_deref())
    }
}
