//! Each fault as curl sees it: its exit code, and the bytes that it hands on.
//!
//! It agrees with the labels: where the transport can tell, curl fails; where only the content or
//! nothing can, it does not.

use std::process::{Command, Output, Stdio};

use super::support::{Rig, direct, proceed};
use crate::model::fault::{
    Detectable, Drip, Fault, Framing, Latency, Status, Truncate, WrongLength,
};
use crate::model::units::{ByteSize, ClientId, Span};

fn curl(url: &str, more: &[&str]) -> std::io::Result<Output> {
    let args = ["-q", "-sS", "--fail", "--noproxy", "*", "--max-time", "60"];
    Command::new("curl").args(args).args(more).arg(url).stdin(Stdio::null()).output()
}

/// What curl says of a fetch that this fault hits: its exit code and the length of what it printed.
/// `None` where there is no curl.
async fn ask(fault: Fault, more: &'static [&'static str]) -> Option<(i32, usize)> {
    let rig = Rig::start(direct(), proceed).await;
    rig.catwalk.impose(None, fault).await.expect("imposed");
    let url = format!("{}/v2/providers", rig.catwalk.base_url(ClientId(7)));
    let asked = tokio::task::spawn_blocking(move || curl(&url, more)).await.expect("no panic");
    match asked {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        asked => {
            let output = asked.expect("curl runs");
            Some((output.status.code().unwrap_or(-1), output.stdout.len()))
        }
    }
}

async fn check(fault: Fault, more: &'static [&'static str], expected: (i32, usize)) {
    let Some(found) = ask(fault, more).await else { return };
    assert_eq!(found, expected, "{fault}");
}

fn truncate(framing: Framing) -> Fault {
    Fault::Truncate(Truncate { framing, after: Some(ByteSize(1000)) })
}

#[tokio::test]
async fn what_the_transport_can_tell_curl_tells() {
    const CONNECT: i32 = 7;
    const PARTIAL: i32 = 18;
    const STATUS: i32 = 22;
    const TIMEOUT: i32 = 28;
    const REDIRECTS: i32 = 47;
    const EMPTY: i32 = 52;
    const RECEIVE: i32 = 56;
    const BRIEFLY: &[&str] = &["--max-time", "1"];
    check(Fault::Refuse, &[], (CONNECT, 0)).await;
    check(Fault::AcceptHang, BRIEFLY, (TIMEOUT, 0)).await;
    check(Fault::ResetBeforeHead, &[], (RECEIVE, 0)).await;
    check(Fault::CloseBeforeHead, &[], (EMPTY, 0)).await;
    check(Fault::ResetAfter(ByteSize(1000)), &[], (RECEIVE, 1000)).await;
    check(truncate(Framing::ContentLength), &[], (PARTIAL, 1000)).await;
    check(truncate(Framing::Chunked), &[], (PARTIAL, 1000)).await;
    check(Fault::Status(Status { code: 503, retry_after: None }), &[], (STATUS, 0)).await;
    check(Fault::RedirectLoop, &["--location", "--max-redirs", "9"], (REDIRECTS, 0)).await;
    check(Fault::WrongLength(WrongLength::Longer), BRIEFLY, (TIMEOUT, 4096)).await;
}

#[tokio::test]
async fn what_only_the_content_can_tell_curl_hands_on() {
    check(truncate(Framing::Close), &[], (0, 1000)).await;
    check(Fault::WrongLength(WrongLength::Shorter), &[], (0, 4080)).await;
    check(Fault::Garbage, &[], (0, 4096)).await;
    check(Fault::WrongShape, &[], (0, 4105)).await;
    check(Fault::EmptyArray, &[], (0, 2)).await;
    check(Fault::HugeBody(ByteSize(1 << 20)), &[], (0, 1 << 20)).await;
}

#[tokio::test]
async fn what_nothing_can_tell_is_the_catalogue() {
    let soon = Span::from_millis(1);
    let faults = [
        Fault::AcceptDelay(soon),
        Fault::Drip(Drip { bytes: ByteSize(512), every: soon }),
        Fault::Bandwidth(ByteSize(1 << 20)),
        Fault::Slicer(ByteSize(7)),
        Fault::Latency(Latency { base: soon, jitter: soon }),
        Fault::WrongEtag,
        Fault::MissingEtag,
    ];
    for fault in faults {
        assert_eq!(fault.facts().detectable, Detectable::None);
        check(fault, &[], (0, 4096)).await;
    }
    // Something is wrong with these, and whoever does not mind gets the catalogue all the same.
    check(Fault::WrongContentType, &[], (0, 4096)).await;
    check(Fault::KeepAliveClosed, &[], (0, 4096)).await;
    check(Fault::Redirect, &["--location"], (0, 4096)).await;
    check(Fault::Unasked304, &[], (0, 0)).await;
}
