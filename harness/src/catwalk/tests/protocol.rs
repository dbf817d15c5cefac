//! HTTP/1.1 on raw sockets: connections that stay, requests ahead of their turn, bodies, limits.

use super::support::{Reply, Rig, direct, proceed};
use crate::catwalk::Directive;
use crate::model::record::What;

const FETCH: &str = "GET /c/07/v2/providers HTTP/1.1\r\nHost: test\r\n\r\n";

#[tokio::test]
async fn a_connection_carries_requests_of_several_clients() {
    let rig = Rig::start(direct(), proceed).await;
    let mut peer = rig.connect().await;
    peer.fetch().await;
    assert_eq!(peer.response().await.status, 200);
    peer.request("GET", "/c/112/v2/providers", "").await;
    assert_eq!(peer.response().await.status, 200);
    let expected = [
        "#1 c07 GET /v2/providers fetch 1",
        "#1 head 200 catalogue 1 4096",
        "#1 half 2048",
        "#1 done 4096",
        "#2 c112 GET /v2/providers fetch 2",
        "#2 head 200 catalogue 1 4096",
        "#2 half 2048",
        "#2 done 4096",
    ];
    assert_eq!(rig.steps(8).await, expected);
    assert_eq!(rig.catwalk.counts().connections, 1);
}

#[tokio::test]
async fn requests_ahead_of_their_turn_are_answered_in_order() {
    let rig = Rig::start(direct(), proceed).await;
    let mut peer = rig.connect().await;
    let other = "GET /healthz HTTP/1.1\r\n\r\n";
    peer.send(&format!("{FETCH}{other}{FETCH}")).await;
    assert_eq!(peer.response().await.body.len(), 4096);
    assert_eq!(peer.response().await.body, b"OK");
    assert_eq!(peer.response().await.body.len(), 4096);
    let steps = rig.steps(11).await;
    assert_eq!(steps[4..7], ["#2 - GET /healthz", "#2 head 200 2", "#2 done 2"]);
    assert_eq!(steps[7], "#3 c07 GET /v2/providers fetch 2");
}

#[tokio::test]
async fn bytes_that_come_while_a_response_is_held_are_not_lost() {
    let mut first = true;
    let script = move |what: &What| match what {
        What::Request(_) if std::mem::take(&mut first) => Reply::Later,
        _ => Reply::Now(Directive::Proceed),
    };
    let rig = Rig::start(direct(), script).await;
    let mut peer = rig.connect().await;
    peer.fetch().await;
    rig.steps(1).await;
    let (start, rest) = FETCH.split_at(11);
    peer.send(start).await;
    rig.release(Directive::Proceed);
    assert_eq!(peer.response().await.status, 200);
    peer.send(rest).await;
    assert_eq!(peer.response().await.status, 200);
    assert_eq!(rig.steps(8).await[4], "#2 c07 GET /v2/providers fetch 2");
}

#[tokio::test]
async fn a_request_may_come_byte_by_byte() {
    let rig = Rig::start(direct(), proceed).await;
    let mut peer = rig.connect().await;
    for byte in FETCH.chars() {
        peer.send(&byte.to_string()).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(peer.response().await.status, 200);
}

async fn check_body(request: &str) {
    let rig = Rig::start(direct(), proceed).await;
    let mut peer = rig.connect().await;
    peer.send(&format!("{request}{FETCH}")).await;
    assert_eq!(peer.response().await.status, 405, "{request}");
    assert_eq!(peer.response().await.status, 200, "{request}");
}

#[tokio::test]
async fn bodies_are_read_and_thrown_away() {
    check_body("POST /v2/providers HTTP/1.1\r\nContent-Length: 5\r\n\r\nGET /").await;
    let chunked = "POST /v2/providers HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    check_body(&format!("{chunked}3\r\nGET\r\n2;x=y\r\n /\r\n0\r\n\r\n")).await;
    check_body(&format!("{chunked}0\r\nTrailer: x\r\n\r\n")).await;
}

#[tokio::test]
async fn a_client_that_waits_for_100_continue_gets_it() {
    let rig = Rig::start(direct(), proceed).await;
    let mut peer = rig.connect().await;
    peer.request("PUT", "/v2/providers", "Content-Length: 2\r\nExpect: 100-continue\r\n").await;
    assert_eq!(peer.response().await.head, "HTTP/1.1 100 Continue\r\n\r\n");
    peer.send("hi").await;
    assert_eq!(peer.response().await.status, 405);
}

async fn check_closes(request: &str, status: u16, connection: Option<&str>) {
    let rig = Rig::start(direct(), proceed).await;
    let mut peer = rig.connect().await;
    peer.send(request).await;
    let response = peer.response().await;
    assert_eq!((response.status, response.header("Connection")), (status, connection), "{request}");
    if connection == Some("close") {
        let (rest, end) = peer.end().await;
        end.expect("the end of the stream, and not a reset");
        assert_eq!(rest, b"");
    } else {
        peer.fetch().await;
        assert_eq!(peer.response().await.status, 200);
        rig.steps(8).await;
    }
}

#[tokio::test]
async fn connections_close_when_they_should() {
    check_closes(FETCH, 200, None).await;
    check_closes("GET /v2/providers HTTP/1.1\r\nConnection: close\r\n\r\n", 200, Some("close"))
        .await;
    check_closes("GET /v2/providers HTTP/1.0\r\n\r\n", 200, Some("close")).await;
    let stays = "GET /v2/providers HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    check_closes(stays, 200, Some("keep-alive")).await;
}

#[tokio::test]
async fn what_is_no_request_is_refused_and_not_counted_as_one() {
    check_closes("rubbish\r\n\r\n", 400, Some("close")).await;
    check_closes(&format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(20_000)), 431, Some("close"))
        .await;
    let large = "PUT / HTTP/1.1\r\nContent-Length: 2000000\r\n\r\nand so on";
    check_closes(large, 413, Some("close")).await;
    let bad_chunk = "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
    check_closes(bad_chunk, 400, Some("close")).await;
    let rig = Rig::start(direct(), proceed).await;
    let mut peer = rig.connect().await;
    peer.send("\x16\x03\x01\r\n\r\n").await;
    assert_eq!(peer.response().await.status, 400);
    let counts = rig.catwalk.counts();
    assert_eq!((counts.malformed, counts.requests), (1, 0));
}
