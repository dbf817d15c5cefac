//! Each fault puts on the wire exactly what it says, as a raw socket sees it.

use std::io;
use std::time::{Duration, Instant};

use super::support::{Peer, Reply, Rig, direct, proceed};
use crate::catwalk::{Directive, Settings};
use crate::model::fault::{Drip, Fault, Framing, Latency, Status, Truncate, WrongLength};
use crate::model::record::{Sighting, What};
use crate::model::units::{ByteSize, Serial, Span};

/// Longer than any test is willing to wait.
const FOREVER: Span = Span::from_secs(3600);

/// A server on which this fault hits the first fetch.
async fn faulty(fault: Fault, settings: Settings) -> Rig {
    let script = move |what: &What| match what {
        What::Request(request) if request.fetch == Some(1) => Reply::Now(Directive::Fault(fault)),
        _ => Reply::Now(Directive::Proceed),
    };
    Rig::start(settings, script).await
}

/// Fetches as client 7 from a server on which this fault hits that fetch.
async fn fetch(fault: Fault) -> (Rig, Peer) {
    let rig = faulty(fault, direct()).await;
    let mut peer = rig.connect().await;
    peer.fetch().await;
    (rig, peer)
}

/// The catalogue that a fault-free fetch gets.
fn catalogue(rig: &Rig) -> Vec<u8> {
    rig.catwalk.library().current().body().to_vec()
}

/// A response whose connection ends after it, split at the end of its head.
async fn whole(peer: Peer) -> (String, Vec<u8>, io::Result<()>) {
    let (bytes, end) = peer.end().await;
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
    let (head, body) = bytes.split_at(head);
    (String::from_utf8(head.to_vec()).expect("ASCII"), body.to_vec(), end)
}

fn is_reset(end: &io::Result<()>) -> bool {
    matches!(end, Err(error) if error.raw_os_error() == Some(libc::ECONNRESET))
}

#[tokio::test]
async fn nothing_comes_before_a_reset_or_an_end_in_place_of_the_head() {
    for (fault, reset) in [(Fault::ResetBeforeHead, true), (Fault::CloseBeforeHead, false)] {
        let (rig, peer) = fetch(fault).await;
        let (bytes, end) = peer.end().await;
        assert_eq!((bytes, is_reset(&end), end.is_ok()), (vec![], reset, !reset), "{fault}");
        let told = ["#1 fault ", "#1 aborted - by Injection"];
        let steps = rig.steps(3).await;
        assert!(
            steps[1..].iter().zip(told).all(|(step, told)| step.starts_with(told)),
            "{steps:?}"
        );
    }
}

/// The bytes of the body before a cut are exactly those, and the end is of its kind.
async fn check_cut(fault: Fault, settings: Settings, expected: usize, reset: bool) {
    let rig = faulty(fault, settings).await;
    let mut peer = rig.connect().await;
    peer.fetch().await;
    let (head, body, end) = whole(peer).await;
    assert_eq!((is_reset(&end), end.is_ok()), (reset, !reset), "{fault}: {end:?}");
    let served = catalogue(&rig);
    let all = served.len();
    let (announced, body) = match fault {
        Fault::Truncate(Truncate { framing: Framing::Chunked, .. }) => {
            assert!(head.contains("\r\nTransfer-Encoding: chunked\r\n"), "{head}");
            let (chunks, complete) = chunks(&body);
            assert!(!complete, "{fault}");
            (None, chunks)
        }
        Fault::Truncate(Truncate { framing: Framing::Close, .. }) => {
            assert!(head.contains("\r\nConnection: close\r\n"), "{head}");
            assert!(!head.contains("Transfer-Encoding"), "{head}");
            (None, body)
        }
        _ => (Some(all), body),
    };
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    assert_eq!(length.map(|text| text.parse().expect("a length")), announced, "{fault}");
    assert_eq!(body.len(), expected, "{fault}");
    assert!(served.starts_with(&body), "{fault}");
    let last = format!("#1 aborted {expected} by Injection");
    let steps = if expected > all / 2 { 5 } else { 4 };
    assert_eq!(rig.steps(steps).await.last(), Some(&last), "{fault}");
}

/// The bytes in all chunks, and whether the empty one came that ends them.
fn chunks(mut wire: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        let Ok(httparse::Status::Complete((line, size))) = httparse::parse_chunk_size(wire) else {
            assert_eq!(wire, b"");
            return (body, false);
        };
        if size == 0 {
            return (body, true);
        }
        let size = usize::try_from(size).expect("small");
        let data = &wire[line..];
        body.extend_from_slice(&data[..size.min(data.len())]);
        wire = data.get(size + 2..).unwrap_or_default();
    }
}

#[tokio::test]
async fn a_cut_comes_after_exactly_so_many_bytes() {
    for after in [0, 1, 1000, 2047, 2048, 2049, 4095, 4096] {
        let size = ByteSize(after as u64);
        check_cut(Fault::ResetAfter(size), direct(), after, true).await;
        for framing in [Framing::ContentLength, Framing::Chunked, Framing::Close] {
            let fault = Fault::Truncate(Truncate { framing, after: Some(size) });
            check_cut(fault, direct(), after, false).await;
        }
    }
    for framing in [Framing::ContentLength, Framing::Chunked, Framing::Close] {
        let half = Fault::Truncate(Truncate { framing, after: None });
        check_cut(half, direct(), 2048, false).await;
    }
}

#[tokio::test]
async fn a_cut_beyond_what_the_system_buffers_is_exact_too() {
    let large = || Settings { body: ByteSize(2 << 20), ..direct() };
    let after = (2 << 20) - 4096;
    let size = ByteSize(after as u64);
    check_cut(Fault::ResetAfter(size), large(), after, true).await;
    let framing = Framing::ContentLength;
    let fault = Fault::Truncate(Truncate { framing, after: Some(size) });
    check_cut(fault, large(), after, false).await;
}

#[tokio::test]
async fn a_drip_sends_one_piece_and_then_waits() {
    let drip = Fault::Drip(Drip { bytes: ByteSize(64), every: FOREVER });
    let (rig, mut peer) = fetch(drip).await;
    peer.buffered(64).await;
    // By the time that another client has had a whole response, a second piece would have come.
    let mut other = rig.connect().await;
    other.fetch().await;
    assert_eq!(other.response().await.status, 200);
    let more = peer.stream.try_read(&mut [0; 1]).map_err(|error| error.kind());
    assert_eq!((peer.has(), more), (64, Err(io::ErrorKind::WouldBlock)));
}

/// A fault that only changes when the bytes come. Returns how long they took.
async fn check_whole(fault: Fault) -> Duration {
    let began = Instant::now();
    let (rig, mut peer) = fetch(fault).await;
    let response = peer.response().await;
    let took = began.elapsed();
    assert_eq!((response.status, response.body), (200, catalogue(&rig)), "{fault}");
    let expected = [
        "#1 c07 GET /v2/providers fetch 1".to_owned(),
        format!("#1 fault {fault}"),
        "#1 head 200 catalogue 1 4096".to_owned(),
        "#1 half 2048".to_owned(),
        "#1 done 4096".to_owned(),
    ];
    assert_eq!(rig.steps(5).await, expected);
    peer.fetch().await;
    assert_eq!(peer.response().await.status, 200, "{fault}: the connection stays");
    took
}

#[tokio::test]
async fn slow_responses_are_whole_and_never_faster_than_they_may_be() {
    // No pause is shorter than asked for, so these bounds hold on any machine. 4,096 bytes of body are
    // 16 pieces of 256, with a pause before each.
    let drip = Drip { bytes: ByteSize(256), every: Span::from_millis(2) };
    assert!(check_whole(Fault::Drip(drip)).await >= Duration::from_millis(16 * 2));
    // 40 KiB a second are 2 KiB a tick of 50 ms: two ticks for the body.
    assert!(check_whole(Fault::Bandwidth(ByteSize(40 << 10))).await >= Duration::from_millis(100));
    let latency = Latency { base: Span::from_millis(30), jitter: Span::from_millis(20) };
    assert!(check_whole(Fault::Latency(latency)).await >= Duration::from_millis(30));
    check_whole(Fault::Slicer(ByteSize(7))).await;
}

#[tokio::test]
async fn a_status_comes_with_its_retry_after_or_without() {
    let check = async |code, retry_after, expected: Option<&str>| {
        let (_rig, mut peer) = fetch(Fault::Status(Status { code, retry_after })).await;
        let response = peer.response().await;
        assert_eq!((response.status, response.header("Retry-After")), (code, expected));
        assert_eq!(response.header("ETag"), None);
        assert!(String::from_utf8_lossy(&response.body).contains("\"error\""));
        peer.fetch().await;
        assert_eq!(peer.response().await.status, 200);
    };
    check(500, None, None).await;
    check(503, Some(Span::from_secs(2)), Some("2")).await;
    check(429, Some(Span::from_millis(100)), Some("1")).await;
}

#[tokio::test]
async fn a_redirect_leads_to_the_catalogue_and_a_loop_nowhere() {
    let standing = |fault| async move {
        let rig = Rig::start(direct(), proceed).await;
        rig.catwalk.impose(None, fault).await.expect("imposed");
        let mut peer = rig.connect().await;
        peer.fetch().await;
        (rig, peer)
    };
    let (rig, mut peer) = standing(Fault::Redirect).await;
    let response = peer.response().await;
    assert_eq!(response.status, 302);
    let place = response.header("Location").expect("a place").to_owned();
    assert!(place.starts_with("/c/07/v2/providers?"), "{place}");
    peer.request("GET", &place, "").await;
    assert_eq!(peer.response().await.body, catalogue(&rig));
    assert_eq!(rig.steps(6).await[5], "#2 c07 GET /v2/providers fetch 2");

    let (rig, mut peer) = standing(Fault::RedirectLoop).await;
    for _ in 0..5 {
        let response = peer.response().await;
        assert_eq!(response.status, 302);
        let place = response.header("Location").expect("a place").to_owned();
        peer.request("GET", &place, "").await;
        // It goes on even where the fault was for the first request only.
        rig.catwalk.mend().expect("mended");
    }
}

#[tokio::test]
async fn a_wrong_length_is_wrong_by_sixteen_bytes() {
    let (rig, mut peer) = fetch(Fault::WrongLength(WrongLength::Longer)).await;
    let head = peer.head().await;
    assert!(head.contains("\r\nContent-Length: 4112\r\n"), "{head}");
    peer.buffered(head.len() + 4096).await;
    rig.steps(4).await;
    let mut other = rig.connect().await;
    other.fetch().await;
    assert_eq!(other.response().await.status, 200);
    let more = peer.stream.try_read(&mut [0; 1]).map_err(|error| error.kind());
    assert_eq!(
        more,
        Err(io::ErrorKind::WouldBlock),
        "the connection stays open, and nothing comes"
    );
    drop(peer);
    let steps = rig.steps(9).await;
    assert_eq!(steps.last().map(String::as_str), Some("#1 aborted 4096 by Client"));

    let (rig, mut peer) = fetch(Fault::WrongLength(WrongLength::Shorter)).await;
    let response = peer.response().await;
    assert_eq!(response.header("Content-Length"), Some("4080"));
    assert_eq!(response.body, catalogue(&rig)[..4080]);
    peer.buffered(16).await;
    assert_eq!(rig.steps(5).await[2], "#1 head 200 4096", "no catalogue that could be had");
}

/// The response to a faulted fetch, with what its body turns out to be.
async fn check_body(fault: Fault, check: impl FnOnce(&[u8], &[u8])) {
    let (rig, mut peer) = fetch(fault).await;
    let response = peer.response().await;
    assert_eq!((response.status, response.header("Content-Type")), (200, Some("application/json")));
    let etag = response.header("ETag").expect("an ETag of its own");
    assert_ne!(Some(etag), rig.catwalk.library().current().etag(direct().etag));
    let sighting = rig.catwalk.library().identify(&response.body);
    assert!(matches!(sighting, Sighting::Damaged { .. }), "{fault}: {sighting:?}");
    check(&response.body, &catalogue(&rig));
}

#[tokio::test]
async fn other_bodies_come_whole_and_are_no_catalogue() {
    check_body(Fault::Garbage, |body, catalogue| {
        assert_eq!(body.len(), catalogue.len());
        assert!(body.iter().all(|byte| *byte >= 0x80));
    })
    .await;
    check_body(Fault::WrongShape, |body, catalogue| {
        let value: serde_json::Value = serde_json::from_slice(body).expect("JSON");
        assert!(value["data"].is_array());
        assert_eq!(body.len(), catalogue.len() + 9);
    })
    .await;
    check_body(Fault::EmptyArray, |body, _| assert_eq!(body, b"[]")).await;
}

#[tokio::test]
async fn garbage_is_the_same_for_the_same_seed_and_request() {
    let get = async |seed| {
        let rig = faulty(Fault::Garbage, Settings { seed, ..direct() }).await;
        let mut peer = rig.connect().await;
        peer.fetch().await;
        peer.response().await.body
    };
    assert_eq!(get(1).await, get(1).await);
    assert_ne!(get(1).await, get(2).await);
}

#[tokio::test]
async fn a_huge_body_has_its_size() {
    let (_rig, mut peer) = fetch(Fault::HugeBody(ByteSize(5 << 20))).await;
    let response = peer.response().await;
    assert_eq!(response.body.len(), 5 << 20);
    assert_eq!(response.header("ETag"), None);
    assert!(serde_json::from_slice::<serde_json::Value>(&response.body).is_ok());
}

#[tokio::test]
async fn a_head_may_belie_the_catalogue() {
    let get = async |fault| {
        let (rig, mut peer) = fetch(fault).await;
        let response = peer.response().await;
        assert_eq!(response.body, catalogue(&rig), "{fault}");
        assert_eq!(rig.steps(5).await[2], "#1 head 200 catalogue 1 4096", "{fault}");
        let own = rig.catwalk.library().current().etag(direct().etag).map(str::to_owned);
        rig.catwalk.bump();
        let next = rig.catwalk.library().current().etag(direct().etag).map(str::to_owned);
        (response, own, next)
    };
    let (response, own, _) = get(Fault::WrongContentType).await;
    assert_eq!(response.header("Content-Type"), Some("text/html; charset=utf-8"));
    assert_eq!(response.header("ETag"), own.as_deref());
    let (response, _, next) = get(Fault::WrongEtag).await;
    assert_eq!(response.header("ETag"), next.as_deref());
    let (response, ..) = get(Fault::MissingEtag).await;
    assert_eq!(response.header("ETag"), None);
}

#[tokio::test]
async fn faults_of_the_body_do_not_look_at_the_validator() {
    let rig = faulty(Fault::MissingEtag, direct()).await;
    let mut peer = rig.connect().await;
    peer.request("GET", "/v2/providers", "If-None-Match: *\r\n").await;
    assert_eq!(peer.response().await.status, 200);
    peer.request("GET", "/v2/providers", "If-None-Match: *\r\n").await;
    assert_eq!(peer.response().await.status, 304);
}

#[tokio::test]
async fn a_304_comes_unasked_and_confirms_only_what_was_named() {
    let (rig, mut peer) = fetch(Fault::Unasked304).await;
    let response = peer.response().await;
    assert_eq!((response.status, response.header("ETag")), (304, None));
    assert_eq!(rig.steps(4).await[2..], ["#1 head 304 0", "#1 done 0"]);

    let rig = faulty(Fault::Unasked304, direct()).await;
    let named = rig.catwalk.library().current().etag(direct().etag).expect("an ETag").to_owned();
    assert_eq!(rig.catwalk.bump(), Serial(2));
    let mut peer = rig.connect().await;
    peer.request("GET", "/v2/providers", &format!("If-None-Match: {named}\r\n")).await;
    assert_eq!(peer.response().await.status, 304);
    assert_eq!(rig.steps(3).await[2], "#1 head 304 catalogue 1 0", "it lies: 2 is current");
}

#[tokio::test]
async fn a_connection_that_should_stay_is_closed_in_order() {
    let (rig, peer) = fetch(Fault::KeepAliveClosed).await;
    let (head, body, end) = whole(peer).await;
    assert!(!head.contains("Connection:"), "nothing is said of closing: {head}");
    assert_eq!((body, end.is_ok()), (catalogue(&rig), true));
    assert_eq!(rig.steps(5).await[4], "#1 done 4096");
}

#[tokio::test]
async fn a_fault_that_stands_hits_whom_it_is_against_until_it_is_mended() {
    use crate::model::units::ClientId;
    let rig = Rig::start(direct(), proceed).await;
    rig.catwalk.impose(Some(ClientId(7)), Fault::EmptyArray).await.expect("imposed");
    let mut peer = rig.connect().await;
    let mut ask = async |path: &str| {
        peer.request("GET", path, "").await;
        peer.response().await.body.len()
    };
    assert_eq!(ask("/c/07/v2/providers").await, 2);
    assert_eq!(ask("/c/08/v2/providers").await, 4096);
    assert_eq!(ask("/c/07/healthz").await, 2, "OK, as ever: only fetches are faulted");
    rig.catwalk.impose(None, Fault::WrongShape).await.expect("imposed");
    assert_eq!(ask("/c/07/v2/providers").await, 2);
    assert_eq!(ask("/c/08/v2/providers").await, 4105);
    rig.catwalk.mend().expect("mended");
    assert_eq!(ask("/c/07/v2/providers").await, 4096);
    assert_eq!(rig.catwalk.counts().faulted, 3);
}
