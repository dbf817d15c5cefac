//! Directives, clients that leave, and the server going down.

use std::io::ErrorKind;
use std::time::Duration;

use super::support::{Peer, Reply, Rig, direct, proceed};
use crate::catwalk::{Directive, Settings};
use crate::model::record::{Sighting, What};
use crate::model::units::{Serial, Span};

/// Where a response can be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Request,
    Head,
    Half,
}

impl At {
    fn of(what: &What) -> Self {
        match what {
            What::Request(_) => Self::Request,
            What::HeadSent { .. } => Self::Head,
            _ => Self::Half,
        }
    }

    /// The steps told of one response of 4 KiB up to here.
    fn steps(self) -> usize {
        1 + self as usize
    }
}

/// A server that holds each response at this step until it is released.
async fn holding(at: At, settings: Settings) -> Rig {
    let script = move |what: &What| match At::of(what) {
        step if step == at => Reply::Later,
        _ => Reply::Now(Directive::Proceed),
    };
    Rig::start(settings, script).await
}

/// Fetches from a server that holds the response at this step, and waits until the client has all
/// that was sent before it.
async fn held(at: At) -> (Rig, Peer) {
    let rig = holding(at, direct()).await;
    let mut peer = rig.connect().await;
    peer.fetch().await;
    rig.steps(at.steps()).await;
    if at != At::Request {
        let head = peer.head().await.len();
        peer.buffered(head + if at == At::Half { 2048 } else { 0 }).await;
    }
    (rig, peer)
}

/// Another client's request from end to end, by which time the server has seen all that came before.
async fn round_trip(rig: &Rig) {
    let mut peer = rig.connect().await;
    peer.request("GET", "/healthz", "").await;
    assert_eq!(peer.response().await.status, 200);
}

/// Bytes of the body among the bytes of a response; `None` where there is not even a whole head.
fn body_of(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some(bytes.len() - end - 4)
}

async fn check_reset(at: At, body: Option<usize>, last: &str) {
    let (rig, peer) = held(at).await;
    rig.release(Directive::Reset);
    assert_eq!(body_of(&peer.reset().await), body, "{at:?}");
    assert_eq!(rig.steps(at.steps() + 1).await.last().map(String::as_str), Some(last));
    assert_eq!(rig.catwalk.counts().aborted_by_injection, 1);
}

#[tokio::test]
async fn a_reset_is_a_reset_wherever_it_strikes() {
    check_reset(At::Request, None, "#1 aborted - by Injection").await;
    check_reset(At::Head, Some(0), "#1 aborted 0 by Injection").await;
    check_reset(At::Half, Some(2048), "#1 aborted 2048 by Injection").await;
}

#[tokio::test]
async fn a_held_response_sends_nothing_and_goes_on_when_released() {
    for at in [At::Request, At::Head, At::Half] {
        for directive in [Directive::Proceed, Directive::Delay(Duration::from_millis(20))] {
            let (rig, mut peer) = held(at).await;
            assert_eq!(rig.steps(at.steps()).await.len(), at.steps());
            rig.release(directive);
            assert_eq!(peer.response().await.status, 200);
            assert_eq!(rig.steps(4).await[3], "#1 done 4096");
        }
    }
}

#[tokio::test]
async fn a_client_that_leaves_while_it_is_held_is_noticed_at_once() {
    for (at, sent) in [(At::Request, "-"), (At::Head, "0"), (At::Half, "2048")] {
        let (rig, peer) = held(at).await;
        drop(peer);
        let last = rig.steps(at.steps() + 1).await.pop();
        assert_eq!(last, Some(format!("#1 aborted {sent} by Client")));
        assert_eq!(rig.catwalk.counts().aborted_by_client, 1);
    }
}

#[tokio::test]
async fn a_client_that_leaves_during_latency_or_delay_or_stall_is_noticed_too() {
    let forever = Duration::from_secs(3600);
    let slow = Settings { latency: Span(forever), ..direct() };
    let scripts: [(Settings, Directive); 3] = [
        (slow, Directive::Proceed),
        (direct(), Directive::Delay(forever)),
        (direct(), Directive::Stall),
    ];
    for (settings, directive) in scripts {
        let rig = Rig::start(settings, move |_| Reply::Now(directive)).await;
        let mut peer = rig.connect().await;
        peer.fetch().await;
        rig.steps(1).await;
        drop(peer);
        assert_eq!(rig.steps(2).await[1], "#1 aborted - by Client");
    }
}

#[tokio::test]
async fn a_client_that_resets_counts_as_having_left() {
    let (rig, peer) = held(At::Half).await;
    peer.stream.set_zero_linger().expect("linger");
    drop(peer);
    assert_eq!(rig.steps(4).await[3], "#1 aborted 2048 by Client");
}

#[tokio::test]
async fn a_client_may_leave_once_it_has_a_304() {
    let rig = holding(At::Head, direct()).await;
    let mut peer = rig.connect().await;
    peer.request("GET", "/v2/providers", "If-None-Match: *\r\n").await;
    assert_eq!(peer.response().await.status, 304);
    drop(peer);
    rig.steps(2).await;
    round_trip(&rig).await;
    rig.release(Directive::Proceed);
    assert_eq!(rig.steps(6).await[5], "#1 done 0");
}

#[tokio::test]
async fn an_injected_status_comes_with_an_error_object() {
    let script = |what: &What| match what {
        What::Request(request) if request.fetch == Some(1) => Reply::Now(Directive::Answer(503)),
        // After the head it is too late.
        _ => Reply::Now(Directive::Answer(500)),
    };
    let rig = Rig::start(direct(), script).await;
    let mut peer = rig.connect().await;
    peer.fetch().await;
    let response = peer.response().await;
    assert_eq!(response.status, 503);
    assert_eq!(response.body, br#"{"error":"503 Service Unavailable"}"#);
    let sighting = rig.catwalk.library().identify(&response.body);
    assert!(matches!(sighting, Sighting::Damaged { .. }), "{sighting:?}");
    let steps = rig.steps(4).await;
    assert_eq!(steps[1..], ["#1 head 503 35", "#1 half 17", "#1 done 35"]);
    peer.fetch().await;
    assert_eq!(peer.response().await.status, 500);
    assert_eq!(rig.catwalk.counts().other_status, 2);
}

#[tokio::test]
async fn the_catalogue_is_the_one_that_is_current_when_the_request_is_released() {
    let (rig, mut peer) = held(At::Request).await;
    rig.catwalk.bump();
    rig.release(Directive::Proceed);
    let body = peer.response().await.body;
    assert_eq!(rig.catwalk.library().identify(&body).serial(), Some(Serial(2)));

    let (rig, mut peer) = held(At::Head).await;
    rig.catwalk.bump();
    rig.release(Directive::Proceed);
    let body = peer.response().await.body;
    assert_eq!(rig.catwalk.library().identify(&body).serial(), Some(Serial(1)));
}

#[tokio::test]
async fn a_stall_lasts_until_the_server_ends() {
    let (rig, peer) = held(At::Head).await;
    rig.release(Directive::Stall);
    round_trip(&rig).await;
    rig.catwalk.shutdown().await;
    assert_eq!(body_of(&peer.reset().await), Some(0));
    assert_eq!(rig.steps(6).await[5], "#1 aborted 0 by Harness");
    assert_eq!(rig.catwalk.counts().aborted_by_harness, 1);
}

#[tokio::test]
async fn a_server_that_is_down_refuses_and_comes_back_on_the_same_port() {
    let rig = holding(At::Half, direct()).await;
    for round in 0..3 {
        let mut idle = rig.connect().await;
        idle.request("GET", "/healthz", "").await;
        assert_eq!(idle.response().await.status, 200);
        let mut peer = rig.connect().await;
        peer.fetch().await;
        rig.steps(7 * round + 6).await;

        rig.catwalk.down().await;
        rig.catwalk.down().await;
        for _ in 0..5 {
            let refused = Peer::connect(&rig.catwalk).await.err().expect("refused");
            assert_eq!(refused.kind(), ErrorKind::ConnectionRefused, "{refused}");
        }
        peer.reset().await;
        assert_eq!(idle.end().await.0, b"");
        let last = rig.steps(7 * round + 7).await.pop().expect("a step");
        assert!(last.ends_with("aborted 2048 by Injection"), "{last}");

        let addr = rig.catwalk.addr();
        let foreign = std::net::TcpListener::bind(addr);
        assert_eq!(foreign.err().map(|error| error.kind()), Some(ErrorKind::AddrInUse));
        rig.catwalk.up().expect("up");
        rig.catwalk.up().expect("up already");
        assert_eq!(rig.catwalk.addr(), addr);
    }
    assert_eq!(rig.connect().await.stream.peer_addr().ok(), Some(rig.catwalk.addr()));
}

#[tokio::test]
async fn a_dropped_server_ends_its_connections() {
    let rig = Rig::start(direct(), proceed).await;
    let peer = rig.connect().await;
    let addr = rig.catwalk.addr();
    drop(rig);
    let (bytes, _) = peer.end().await;
    assert_eq!(bytes, b"");
    let refused = tokio::net::TcpStream::connect(addr).await.expect_err("refused");
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn an_observer_that_is_gone_does_not_interfere() {
    let (observer, observations) = tokio::sync::mpsc::unbounded_channel();
    drop(observations);
    let catwalk = crate::catwalk::Catwalk::start(direct(), observer).await.expect("started");
    let mut peer = Peer::connect(&catwalk).await.expect("accepted");
    peer.fetch().await;
    assert_eq!(peer.response().await.status, 200);
}
