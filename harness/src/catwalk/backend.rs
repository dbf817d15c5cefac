//! Who answers behind the front: wiremock, or the same function with nothing in between.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{CONTENT_LENGTH, IF_NONE_MATCH};
use hyper::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use wiremock::matchers::{any, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::answer::{Answer, Ask, Desk, HEADERS, Route, Verb};
use super::error::CatwalkError;
use crate::model::units::Serial;

/// Pins the catalogue of a forwarded request, since a bump may overtake it.
const SERIAL_HEADER: &str = "x-cachestorm-serial";

/// Who answers behind the front. Both give the same bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Backend {
    /// A wiremock server, asked over loopback on pooled connections. It keeps about 5 KB for each
    /// request, and one more thread.
    #[default]
    Wiremock,
    /// A function call: for soaks and benchmarks.
    Direct,
}

/// Why wiremock failed to answer a request.
#[derive(Debug)]
pub(super) struct BackendError(pub String);

#[derive(Debug)]
pub(super) enum Answerer {
    Wiremock(Box<Wiremock>),
    Direct(Desk),
}

impl Answerer {
    pub async fn start(backend: Backend, desk: Desk) -> Result<Self, CatwalkError> {
        match backend {
            Backend::Wiremock => Wiremock::start(desk).await.map(Box::new).map(Self::Wiremock),
            Backend::Direct => Ok(Self::Direct(desk)),
        }
    }

    pub async fn ask(&self, ask: &Ask) -> Result<Answer, BackendError> {
        match self {
            Self::Direct(desk) => Ok(desk.answer(ask)),
            Self::Wiremock(wiremock) => wiremock.ask(ask).await,
        }
    }
}

#[derive(Debug)]
pub(super) struct Wiremock {
    server: MockServer,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Wiremock {
    async fn start(desk: Desk) -> Result<Self, CatwalkError> {
        // wiremock panics where it cannot bind, so it is handed a socket that is bound already.
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .map_err(|error| CatwalkError::from_listen(0, error))?;
        let starting = MockServer::builder().listener(listener).disable_request_recording().start();
        // It also panics where no thread can be had; a task turns that into an error.
        let server = tokio::spawn(starting)
            .await
            .map_err(|error| CatwalkError::Wiremock(error.to_string()))?;
        for route in Route::KNOWN {
            for verb in ["GET", "HEAD"] {
                let responder = responder(desk.clone(), route);
                let mock = Mock::given(method(verb)).and(path(route.path()));
                mock.respond_with(responder).mount(&server).await;
            }
            let responder = responder(desk.clone(), route);
            let other = Mock::given(path(route.path())).respond_with(responder).with_priority(6);
            other.mount(&server).await;
        }
        let unknown = Mock::given(any()).respond_with(responder(desk, Route::Unknown));
        unknown.with_priority(7).mount(&server).await;

        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { server, client })
    }

    async fn ask(&self, ask: &Ask) -> Result<Answer, BackendError> {
        let failed = |error: &dyn std::fmt::Display| {
            BackendError(format!("wiremock does not answer: {error}"))
        };
        let method = match ask.verb {
            Verb::Get => Method::GET,
            Verb::Head => Method::HEAD,
            // Any method that the mocks do not know gets the same answer.
            Verb::Other => Method::POST,
        };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{}", self.server.address(), ask.route.path()))
            .header(SERIAL_HEADER, ask.serial.0);
        if let Some(tags) = &ask.if_none_match {
            request = request.header(IF_NONE_MATCH, tags);
        }
        let request = request.body(Full::default()).map_err(|error| failed(&error))?;
        let response = self.client.request(request).await.map_err(|error| failed(&error))?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| failed(&error))?.to_bytes();
        let text = |name: &str| Some(head.headers.get(name)?.to_str().ok()?.to_owned());
        let length = text(CONTENT_LENGTH.as_str()).and_then(|length| length.parse().ok());
        Ok(Answer {
            status: head.status.as_u16(),
            headers: HEADERS.iter().filter_map(|name| Some((*name, text(name)?))).collect(),
            length: length.unwrap_or(body.len() as u64),
            body,
        })
    }
}

/// Answers one route from within wiremock, where one request is answered at a time.
fn responder(desk: Desk, route: Route) -> impl Fn(&wiremock::Request) -> ResponseTemplate {
    move |request| {
        let header = |name: &str| Some(request.headers.get(name)?.to_str().ok()?.to_owned());
        let serial = header(SERIAL_HEADER).and_then(|serial| serial.parse().ok());
        // wiremock's server, being hyper, withholds the body of an answer to HEAD itself and needs
        // it to tell its length.
        let verb = Verb::of(request.method.as_str());
        let ask = Ask {
            verb: if verb == Verb::Head { Verb::Get } else { verb },
            route,
            if_none_match: header(IF_NONE_MATCH.as_str()).filter(|_| verb == Verb::Get),
            serial: serial.map_or_else(|| desk.library.serial(), Serial),
        };
        let answer = desk.answer(&ask);
        let template = ResponseTemplate::new(answer.status).set_body_bytes(answer.body);
        answer
            .headers
            .into_iter()
            .fold(template, |template, (name, value)| template.insert_header(name, value.as_str()))
    }
}
