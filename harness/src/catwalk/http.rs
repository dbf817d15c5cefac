//! The little of HTTP/1.1 (RFC 9112) that the front reads and writes itself.

use hyper::StatusCode;

use super::answer::{Answer, Route, Verb};
use super::proxy::{LOOPS, REDIRECTED};
use crate::model::units::ClientId;

/// Bytes of a request's head that are read before it is refused.
pub(super) const HEAD_LIMIT: usize = 16 << 10;
/// Bytes of a request's body that are read, and thrown away, before it is refused.
pub(super) const BODY_LIMIT: u64 = 1 << 20;
const HEADER_LIMIT: usize = 64;

/// A request's head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub method: String,
    /// The path without the client's prefix and without the query.
    pub path: String,
    pub client: Option<ClientId>,
    /// The path as it was sent, with the prefix and without the query: what a redirect starts from.
    pub target: String,
    /// What follows the first `?` of the path as it was sent.
    pub query: String,
    pub if_none_match: Option<String>,
    pub body: BodyLength,
    /// The client waits for `100 Continue` before it sends the body.
    pub expects_continue: bool,
    pub connection: KeepAlive,
}

/// How much body follows a request's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyLength {
    Bytes(u64),
    Chunked,
}

/// What becomes of the connection after the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeepAlive {
    /// It stays, as HTTP/1.1 has it.
    Implied,
    /// It stays, and an HTTP/1.0 client must be told so.
    Announced,
    /// It is closed.
    Close,
}

/// A request that is not answered, with the status that says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal(pub u16);

impl Head {
    /// Reads the head at the start of `bytes`, with its length; `None` where it is not complete yet.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Refusal> {
        let mut headers = [httparse::EMPTY_HEADER; HEADER_LIMIT];
        let mut request = httparse::Request::new(&mut headers);
        let length = match request.parse(bytes) {
            Ok(httparse::Status::Complete(length)) if length <= HEAD_LIMIT => length,
            Ok(httparse::Status::Partial) if bytes.len() <= HEAD_LIMIT => return Ok(None),
            Ok(_) | Err(httparse::Error::TooManyHeaders) => return Err(Refusal(431)),
            Err(httparse::Error::Version) => return Err(Refusal(505)),
            Err(_) => return Err(Refusal(400)),
        };
        let method = request.method.unwrap_or_default().to_owned();
        let (target, query) = split_query(request.path.unwrap_or_default());
        let (client, path) = split_client(target);
        let fields = Fields(request.headers);
        let head = Self {
            method,
            path: path.to_owned(),
            client,
            target: target.to_owned(),
            query: query.to_owned(),
            if_none_match: fields.joined("if-none-match"),
            body: fields.body_length()?,
            expects_continue: fields.has_token("expect", "100-continue"),
            connection: fields.keep_alive(request.version == Some(1)),
        };
        Ok(Some((head, length)))
    }

    pub fn verb(&self) -> Verb {
        Verb::of(&self.method)
    }

    pub fn route(&self) -> Route {
        Route::of(&self.path)
    }

    /// Whether it follows a redirect that leads to the catalogue.
    pub fn is_redirected(&self) -> bool {
        self.query == REDIRECTED
    }

    /// Whether it follows a redirect that leads nowhere.
    pub fn is_in_loop(&self) -> bool {
        self.query == LOOPS
    }

    /// Whether this is a fetch of the catalogue: `GET /v2/providers`.
    pub fn is_fetch(&self) -> bool {
        self.verb() == Verb::Get && self.route() == Route::Providers
    }
}

struct Fields<'h, 'b>(&'h [httparse::Header<'b>]);

impl Fields<'_, '_> {
    fn values(&self, name: &str) -> impl Iterator<Item = String> {
        let named = move |header: &&httparse::Header<'_>| header.name.eq_ignore_ascii_case(name);
        self.0.iter().filter(named).map(|header| String::from_utf8_lossy(header.value).into_owned())
    }

    /// All values of a header as one list (RFC 9110, section 5.3).
    fn joined(&self, name: &str) -> Option<String> {
        let values: Vec<String> = self.values(name).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    fn has_token(&self, name: &str, token: &str) -> bool {
        let value = self.joined(name).unwrap_or_default();
        value.split(',').any(|part| part.trim().eq_ignore_ascii_case(token))
    }

    fn body_length(&self) -> Result<BodyLength, Refusal> {
        match (self.joined("transfer-encoding"), self.joined("content-length")) {
            (None, None) => Ok(BodyLength::Bytes(0)),
            (Some(coding), None) if coding.trim().eq_ignore_ascii_case("chunked") => {
                Ok(BodyLength::Chunked)
            }
            (None, Some(length)) => match length.trim().parse() {
                Ok(length) if length <= BODY_LIMIT => Ok(BodyLength::Bytes(length)),
                Ok(_) => Err(Refusal(413)),
                Err(_) => Err(Refusal(400)),
            },
            // Both at once is how requests are smuggled (RFC 9112, section 6.1).
            (Some(_), _) => Err(Refusal(400)),
        }
    }

    fn keep_alive(&self, version_1_1: bool) -> KeepAlive {
        if self.has_token("connection", "close") {
            KeepAlive::Close
        } else if version_1_1 {
            KeepAlive::Implied
        } else if self.has_token("connection", "keep-alive") {
            KeepAlive::Announced
        } else {
            KeepAlive::Close
        }
    }
}

/// Splits a request target into its path and its query. A target in absolute form, as sent to a proxy,
/// counts by its path.
fn split_query(target: &str) -> (&str, &str) {
    let path = match target.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => target,
    };
    let path = path.split('#').next().unwrap_or_default();
    path.split_once('?').unwrap_or((path, ""))
}

/// Splits a path into the client that its prefix `/c/07` names and the path proper.
fn split_client(path: &str) -> (Option<ClientId>, &str) {
    let prefixed = path.strip_prefix("/c/").and_then(|rest| {
        let digits = rest.find('/').unwrap_or(rest.len());
        let number = rest[..digits].parse().ok().filter(|_| !rest.starts_with('+'))?;
        Some((ClientId(number), &rest[digits..]))
    });
    match prefixed {
        Some((client, "")) => (Some(client), "/"),
        Some((client, path)) => (Some(client), path),
        None => (None, path),
    }
}

/// How the head of a response says where its body ends (RFC 9112, section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is none, and it is said nowhere: by the status.
    None,
    /// By `Content-Length`.
    Length(u64),
    /// By chunks.
    Chunked,
    /// By the end of the connection.
    Close,
}

/// The head of a response, with the empty line that ends it.
pub(super) fn response_head(answer: &Answer, framing: Framing, connection: KeepAlive) -> Vec<u8> {
    let code = StatusCode::from_u16(answer.status).ok();
    let reason = code.and_then(|code| code.canonical_reason()).unwrap_or("Unknown");
    let mut text = format!("HTTP/1.1 {} {reason}\r\n", answer.status);
    for (name, value) in &answer.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    match framing {
        Framing::Length(length) => text.push_str(&format!("Content-Length: {length}\r\n")),
        Framing::Chunked => text.push_str("Transfer-Encoding: chunked\r\n"),
        Framing::None | Framing::Close => {}
    }
    text.push_str(match (framing, connection) {
        (Framing::Close, _) | (_, KeepAlive::Close) => "Connection: close\r\n",
        (_, KeepAlive::Announced) => "Connection: keep-alive\r\n",
        (_, KeepAlive::Implied) => "",
    });
    text.push_str("\r\n");
    text.into_bytes()
}

/// The whole response to a request that is not answered.
pub(super) fn refusal(Refusal(status): Refusal) -> Vec<u8> {
    let answer = Answer::injected(status);
    let mut bytes = response_head(&answer, Framing::Length(answer.length), KeepAlive::Close);
    bytes.extend_from_slice(&answer.body);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_target(target: &str, client: Option<u32>, path: &str) {
        let (found, _) = split_query(target);
        assert_eq!(split_client(found), (client.map(ClientId), path), "{target}");
    }

    #[test]
    fn the_prefix_names_the_client() {
        check_target("/c/07/v2/providers", Some(7), "/v2/providers");
        check_target("/c/7/v2/providers", Some(7), "/v2/providers");
        check_target("/c/1234/v2/providers?x=/y", Some(1234), "/v2/providers");
        check_target("http://127.0.0.1:1/c/02/healthz", Some(2), "/healthz");
        check_target("http://127.0.0.1:1", None, "/");
        check_target("/c/07", Some(7), "/");
        check_target("/c/x/v2/providers", None, "/c/x/v2/providers");
        check_target("/c/+1/v2/providers", None, "/c/+1/v2/providers");
        check_target("/c/99999999999/a", None, "/c/99999999999/a");
        check_target("/v2/providers", None, "/v2/providers");
        check_target("*", None, "*");
        assert_eq!(split_query("/c/07/v2/providers?redirected#x").1, "redirected");
    }

    fn parse(text: &str) -> Result<Option<(Head, usize)>, Refusal> {
        Head::parse(text.as_bytes())
    }

    fn check_refused(text: &str, status: u16) {
        assert_eq!(parse(text), Err(Refusal(status)), "{text}");
    }

    #[test]
    fn bad_requests_are_refused() {
        check_refused("GET\r\n\r\n", 400);
        check_refused("GET / HTTP/2.0\r\n\r\n", 505);
        check_refused("PUT / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400);
        check_refused("PUT / HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n", 413);
        check_refused("PUT / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 400);
        check_refused(
            "PUT / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
        );
        check_refused(&format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(65)), 431);
        check_refused(&format!("GET /{}", "a".repeat(HEAD_LIMIT)), 431);
    }

    fn check_keep_alive(version: &str, header: &str, expected: KeepAlive) {
        let text = format!("GET / HTTP/{version}\r\n{header}\r\n");
        let (head, length) = parse(&text).expect(&text).expect("complete");
        assert_eq!((head.connection, length), (expected, text.len()), "{text}");
    }

    #[test]
    fn connections_stay_as_the_version_has_it() {
        check_keep_alive("1.1", "", KeepAlive::Implied);
        check_keep_alive("1.1", "Connection: foo, Close\r\n", KeepAlive::Close);
        check_keep_alive("1.0", "", KeepAlive::Close);
        check_keep_alive("1.0", "Connection: Keep-Alive\r\n", KeepAlive::Announced);
    }

    #[test]
    fn a_head_is_read_when_it_is_complete() {
        assert_eq!(parse("GET / HTTP/1.1\r\nHost: x\r\n"), Ok(None));
        let text = "GET /v2/providers HTTP/1.1\r\nIf-None-Match: \"a\"\r\nif-none-match: \"b\"\r\n\r\nrest";
        let (head, length) = parse(text).expect("valid").expect("complete");
        assert_eq!(head.if_none_match.as_deref(), Some("\"a\", \"b\""));
        assert_eq!((&text[length..], head.is_fetch()), ("rest", true));
    }
}
