//! What is answered, by both backends.

use super::support::{Peer, Rig, direct, proceed};
use crate::catwalk::{Backend, CatwalkError, Settings};
use crate::model::scenario::EtagMode;
use crate::model::units::ByteSize;

async fn check(rig: &Rig, method: &str, path: &str, headers: &str, status: u16, body: &str) {
    let mut peer = rig.connect().await;
    peer.request(method, path, headers).await;
    let response = peer.response_to(method).await;
    let text = String::from_utf8_lossy(&response.body);
    assert_eq!(response.status, status, "{method} {path}");
    assert!(text.contains(body) && (body.is_empty() == text.is_empty()), "{method} {path}: {text}");
}

#[tokio::test]
async fn the_routes_are_those_of_the_real_server() {
    let rig = Rig::start(direct(), proceed).await;
    check(&rig, "GET", "/v2/providers", "", 200, "\"id\":\"openai\"").await;
    check(&rig, "GET", "/c/07/v2/providers?x=1", "", 200, "\"id\":\"openai\"").await;
    check(&rig, "HEAD", "/v2/providers", "", 200, "").await;
    check(&rig, "GET", "/providers", "", 200, "Please use /v2/providers instead").await;
    check(&rig, "GET", "/health", "", 200, "OK").await;
    check(&rig, "GET", "/c/12/healthz", "", 200, "OK").await;
    check(&rig, "HEAD", "/healthz", "", 200, "").await;
    check(&rig, "POST", "/v2/providers", "", 405, "Method not allowed").await;
    check(&rig, "BREW", "/healthz", "", 405, "Method not allowed").await;
    check(&rig, "GET", "/v3/providers", "", 404, "404 page not found").await;
    check(&rig, "GET", "/x/../v2/providers", "", 404, "404 page not found").await;
    let counted = "catwalk_providers_requests_total 2\n";
    check(&rig, "GET", "/metrics", "", 200, counted).await;
}

#[tokio::test]
async fn a_known_validator_gets_a_304() {
    let rig = Rig::start(direct(), proceed).await;
    let catalogue = rig.catwalk.library().current();
    let etag = catalogue.etag(EtagMode::Served).expect("a tag").to_owned();
    check(&rig, "GET", "/v2/providers", &format!("If-None-Match: {etag}\r\n"), 304, "").await;
    check(&rig, "GET", "/v2/providers", &format!("If-None-Match: \"x\", W/{etag}\r\n"), 304, "")
        .await;
    check(&rig, "GET", "/v2/providers", "If-None-Match: *\r\n", 304, "").await;
    check(&rig, "GET", "/v2/providers", "If-None-Match: \"x\"\r\n", 200, "openai").await;
    check(&rig, "HEAD", "/v2/providers", &format!("If-None-Match: {etag}\r\n"), 200, "").await;
    rig.catwalk.bump();
    check(&rig, "GET", "/v2/providers", &format!("If-None-Match: {etag}\r\n"), 200, "openai").await;
    let steps = rig.steps(18).await;
    assert_eq!(
        steps[..3],
        ["#1 - GET /v2/providers fetch 1", "#1 head 304 catalogue 1 0", "#1 done 0"]
    );
    let counts = rig.catwalk.counts();
    assert_eq!((counts.fetches, counts.ok, counts.not_modified, counts.requests), (5, 2, 3, 6));
}

async fn headers(settings: Settings) -> String {
    let rig = Rig::start(settings, proceed).await;
    let mut peer = rig.connect().await;
    peer.fetch().await;
    let head = peer.response().await.head;
    // The tag's own digits are another test's business.
    let at = head.find("ETag: \"").map(|at| at + 7);
    at.map_or(head.clone(), |at| head.replace(&head[at..at + 16], "0123456789abcdef"))
}

#[tokio::test]
async fn headers_follow_the_settings() {
    let plain = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: \"0123456789abcdef\"\r\nContent-Length: 4096\r\n\r\n";
    assert_eq!(headers(direct()).await, plain);
    let indented = Settings { etag: EtagMode::Indented, ..direct() };
    assert_eq!(headers(indented).await, plain);
    let other = Settings {
        etag: EtagMode::Absent,
        cache_control: Some("max-age=60".to_owned()),
        ..direct()
    };
    let expected = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: max-age=60\r\nContent-Length: 4096\r\n\r\n";
    assert_eq!(headers(other).await, expected);
}

/// Sends the same requests to a server, each on a connection of its own, and returns all bytes.
async fn conversation(backend: Backend) -> Vec<String> {
    let cache_control = Some("no-cache".to_owned());
    let rig = Rig::start(Settings { backend, cache_control, ..direct() }, proceed).await;
    let etag = rig.catwalk.library().current().etag(EtagMode::Served).expect("a tag").to_owned();
    let mut answers = Vec::new();
    for round in 0..2 {
        for method in ["GET", "HEAD", "POST", "OPTIONS", "BREW"] {
            for path in [
                "/v2/providers",
                "/c/3/providers",
                "/health",
                "/healthz",
                "/metrics",
                "/",
                "/a%20b?c",
            ] {
                for tags in ["\"x\"", &etag, "*"] {
                    let mut peer = Peer::connect(&rig.catwalk).await.expect("accepted");
                    let headers = format!("If-None-Match: {tags}\r\nConnection: close\r\n");
                    peer.request(method, path, &headers).await;
                    let (bytes, end) = peer.end().await;
                    end.expect("the end of the stream");
                    let text = String::from_utf8(bytes).expect("UTF-8");
                    answers.push(format!("{round} {method} {path} {tags}\n{text}"));
                }
            }
        }
        rig.catwalk.bump();
    }
    assert_eq!(rig.catwalk.failure(), None);
    answers
}

#[tokio::test]
async fn both_backends_give_the_same_bytes() {
    let (direct, wiremock) =
        tokio::join!(conversation(Backend::Direct), conversation(Backend::Wiremock));
    for (direct, wiremock) in direct.iter().zip(&wiremock) {
        assert_eq!(direct, wiremock);
    }
    assert_eq!(direct.len(), wiremock.len());
}

#[tokio::test]
async fn the_largest_body_passes_both_backends() {
    for backend in [Backend::Direct, Backend::Wiremock] {
        let rig =
            Rig::start(Settings { backend, body: ByteSize(2 << 20), ..direct() }, proceed).await;
        let mut peer = rig.connect().await;
        peer.fetch().await;
        assert!(peer.response().await.body == rig.catwalk.library().current().body()[..]);
    }
}

async fn check_refused(settings: Settings, expected: &str) {
    let (observer, _observations) = tokio::sync::mpsc::unbounded_channel();
    let error = crate::catwalk::Catwalk::start(settings, observer).await.expect_err("refused");
    assert!(error.to_string().contains(expected), "{error}");
}

#[tokio::test]
async fn settings_out_of_bounds_are_refused() {
    check_refused(Settings { body: ByteSize(4095), ..direct() }, "4KiB to 2MiB").await;
    check_refused(Settings { body: ByteSize(3 << 20), ..direct() }, "cannot have 3MiB").await;
    let cache_control = Some("a\r\nb".to_owned());
    check_refused(Settings { cache_control, ..direct() }, "Cache-Control").await;
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_says_so() {
    let rig = Rig::start(direct(), proceed).await;
    let port = rig.catwalk.addr().port();
    let (observer, _observations) = tokio::sync::mpsc::unbounded_channel();
    let second = crate::catwalk::Catwalk::start_on(port, direct(), observer).await;
    assert!(matches!(second, Err(CatwalkError::PortTaken(taken)) if taken == port), "{second:?}");
}

#[tokio::test]
async fn serving_alone_prints_a_line_for_each_response() {
    let (addr, address) = tokio::sync::oneshot::channel();
    let (done, until) = tokio::sync::oneshot::channel::<()>();
    let mut lines = Vec::new();
    let client = async {
        let addr = address.await.expect("an address");
        let stream = tokio::net::TcpStream::connect(addr).await.expect("accepted");
        let mut peer = Peer::over(stream);
        peer.fetch().await;
        assert_eq!(peer.response().await.status, 200);
        peer.request("GET", "/nowhere", "").await;
        assert_eq!(peer.response().await.status, 404);
        done.send(()).expect("still serving");
    };
    let serve = crate::catwalk::serve_until(
        direct(),
        0,
        None,
        async { until.await.expect("the client is done") },
        |catwalk| addr.send(catwalk.addr()).expect("the client waits"),
        |line| lines.push(line.rsplit_once(" in ").expect("a time").0.to_owned()),
    );
    let (counts, ()) = tokio::join!(serve, client);
    assert_eq!(counts.expect("served").requests, 2);
    let expected = [
        "#1 c07 GET /v2/providers: 200 catalogue 1, 4096 bytes",
        "#2 - GET /nowhere: 404, 19 bytes",
    ];
    assert_eq!(lines, expected);
}
