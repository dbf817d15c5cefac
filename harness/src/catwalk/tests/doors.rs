//! Faults of connections, and the listeners of single clients.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::SocketAddr;

use tokio::net::TcpStream;

use super::support::{Peer, Rig, direct, proceed};
use crate::catwalk::{CatwalkError, Settings};
use crate::model::fault::Fault;
use crate::model::scenario::Listeners;
use crate::model::units::{ClientId, Span};

const SEVEN: ClientId = ClientId(7);
const EIGHT: ClientId = ClientId(8);

/// A server on which clients 7 and 8 have listeners of their own.
async fn rig() -> Rig {
    let listeners = Listeners::Of(BTreeSet::from([SEVEN, EIGHT]));
    Rig::start(Settings { listeners, ..direct() }, proceed).await
}

fn addr(rig: &Rig, client: ClientId) -> SocketAddr {
    let url = rig.catwalk.base_url(client);
    let rest = url.strip_prefix("http://").expect("a URL");
    rest.split('/').next().expect("an address").parse().expect("an address")
}

async fn connect(rig: &Rig, client: ClientId) -> Peer {
    Peer::over(TcpStream::connect(addr(rig, client)).await.expect("accepted"))
}

async fn is_refused(rig: &Rig, client: ClientId) -> bool {
    let refused = TcpStream::connect(addr(rig, client)).await.err();
    refused.is_some_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

/// Whether a fetch as client 7, over whichever listener, gets the catalogue.
async fn is_served(peer: &mut Peer) -> bool {
    peer.fetch().await;
    peer.response().await.status == 200
}

#[tokio::test]
async fn only_those_who_need_it_have_a_listener_of_their_own() {
    let rig = rig().await;
    let (seven, eight, nine) = (addr(&rig, SEVEN), addr(&rig, EIGHT), addr(&rig, ClientId(9)));
    assert_eq!(nine, rig.catwalk.addr());
    assert_eq!(BTreeSet::from([seven, eight, nine]).len(), 3);
    assert_eq!(seven, addr(&rig, SEVEN));
    assert!(is_served(&mut connect(&rig, SEVEN).await).await);
    assert_eq!(rig.steps(1).await[0], "#1 c07 GET /v2/providers fetch 1");
    let refused = rig.catwalk.impose(Some(ClientId(9)), Fault::Refuse).await;
    assert!(matches!(refused, Err(CatwalkError::SharedListener(ClientId(9)))), "{refused:?}");
}

#[tokio::test]
async fn one_client_is_refused_and_the_others_are_not() {
    let rig = rig().await;
    let mut open = connect(&rig, SEVEN).await;
    assert!(is_served(&mut open).await);
    rig.catwalk.impose(Some(SEVEN), Fault::Refuse).await.expect("imposed");
    for _ in 0..3 {
        assert!(is_refused(&rig, SEVEN).await);
        assert!(!is_refused(&rig, EIGHT).await);
        assert!(!is_refused(&rig, ClientId(9)).await);
    }
    assert!(is_served(&mut open).await, "what is open stays open");
    // Down and up again do not mend it.
    rig.catwalk.down().await;
    assert!(is_refused(&rig, EIGHT).await && is_refused(&rig, ClientId(9)).await);
    rig.catwalk.up().expect("up");
    assert!(is_refused(&rig, SEVEN).await && !is_refused(&rig, EIGHT).await);
    rig.catwalk.mend().expect("mended");
    assert!(is_served(&mut connect(&rig, SEVEN).await).await);
}

#[tokio::test]
async fn all_are_refused_also_those_whose_listener_is_yet_to_come() {
    let rig = rig().await;
    rig.catwalk.impose(None, Fault::Refuse).await.expect("imposed");
    for client in [SEVEN, EIGHT, ClientId(9)] {
        assert!(is_refused(&rig, client).await, "{client}");
    }
    rig.catwalk.mend().expect("mended");
    assert!(is_served(&mut connect(&rig, EIGHT).await).await);
}

#[tokio::test]
async fn a_connection_that_hangs_is_accepted_and_nothing_comes() {
    let rig = rig().await;
    rig.catwalk.impose(Some(SEVEN), Fault::AcceptHang).await.expect("imposed");
    let mut peer = connect(&rig, SEVEN).await;
    peer.fetch().await;
    assert_eq!(rig.steps(1).await, ["c07 fault accept-hang"]);
    assert!(is_served(&mut connect(&rig, EIGHT).await).await);
    let more = peer.stream.try_read(&mut [0; 1]).map_err(|error| error.kind());
    assert_eq!(more, Err(ErrorKind::WouldBlock));
    // The request was never read, so there is none: the first is that of the other listener.
    assert_eq!(rig.steps(2).await[1], "#1 c07 GET /v2/providers fetch 1");
    rig.catwalk.mend().expect("mended");
    assert!(is_served(&mut connect(&rig, SEVEN).await).await);
    let more = peer.stream.try_read(&mut [0; 1]).map_err(|error| error.kind());
    assert_eq!(more, Err(ErrorKind::WouldBlock), "who hangs goes on hanging");
    rig.catwalk.down().await;
    peer.reset().await;
}

#[tokio::test]
async fn an_accept_delay_holds_the_request_back() {
    let rig = rig().await;
    let delay = Fault::AcceptDelay(Span::from_secs(3600));
    rig.catwalk.impose(Some(SEVEN), delay).await.expect("imposed");
    let mut peer = connect(&rig, SEVEN).await;
    peer.fetch().await;
    assert_eq!(rig.steps(1).await, ["c07 fault accept-delay=1h"]);
    assert!(is_served(&mut connect(&rig, EIGHT).await).await);
    assert_eq!(rig.steps(2).await[1], "#1 c07 GET /v2/providers fetch 1");

    let short = Fault::AcceptDelay(Span::from_millis(5));
    rig.catwalk.impose(Some(EIGHT), short).await.expect("imposed");
    assert!(is_served(&mut connect(&rig, EIGHT).await).await);
    let steps = rig.steps(7).await;
    assert_eq!(steps[5..7], ["c08 fault accept-delay=5ms", "#2 c07 GET /v2/providers fetch 2"]);
}
