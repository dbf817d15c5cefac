//! Each fault as curl sees it: its exit code, and the bytes that it hands on.
//!
//! It agrees with the labels: where only the content or nothing can tell, curl does not fail; where the transport
//! can, it does, but for what only the head says, which curl leaves to whoever reads it.

use std::collections::BTreeSet;
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
async fn ask(fault: Fault, more: &'static [&'static str]) -> (i32, usize) {
    let rig = Rig::start(direct(), proceed).await;
    rig.catwalk.impose(None, fault).await.expect("imposed");
    let url = format!("{}/v2/providers", rig.catwalk.base_url(ClientId(7)));
    let asked = tokio::task::spawn_blocking(move || curl(&url, more)).await.expect("no panic");
    let output = asked.expect("curl runs");
    (output.status.code().unwrap_or(-1), output.stdout.len())
}

fn truncate(framing: Framing) -> Fault {
    Fault::Truncate(Truncate { framing, after: Some(ByteSize(1000)) })
}

/// What curl makes of a fault: the options that it needs, its exit code, and the length of what it hands on.
type Case = (Fault, &'static [&'static str], (i32, usize));

/// Every fault. Curl's exit codes are those of its manual.
fn cases() -> Vec<Case> {
    const CONNECT: i32 = 7;
    const PARTIAL: i32 = 18;
    const STATUS: i32 = 22;
    const TIMEOUT: i32 = 28;
    const REDIRECTS: i32 = 47;
    const EMPTY: i32 = 52;
    const RECEIVE: i32 = 56;
    const BRIEFLY: &[&str] = &["--max-time", "1"];
    let soon = Span::from_millis(1);
    let status = |code| Fault::Status(Status { code, retry_after: Some(Span::from_secs(2)) });
    vec![
        (Fault::Refuse, &[], (CONNECT, 0)),
        (Fault::AcceptHang, BRIEFLY, (TIMEOUT, 0)),
        (Fault::AcceptDelay(soon), &[], (0, 4096)),
        (Fault::ResetBeforeHead, &[], (RECEIVE, 0)),
        (Fault::CloseBeforeHead, &[], (EMPTY, 0)),
        (Fault::ResetAfter(ByteSize(1000)), &[], (RECEIVE, 1000)),
        (truncate(Framing::ContentLength), &[], (PARTIAL, 1000)),
        (truncate(Framing::Chunked), &[], (PARTIAL, 1000)),
        (truncate(Framing::Close), &[], (0, 1000)),
        (Fault::Drip(Drip { bytes: ByteSize(512), every: soon }), &[], (0, 4096)),
        (Fault::Bandwidth(ByteSize(1 << 20)), &[], (0, 4096)),
        (Fault::Slicer(ByteSize(7)), &[], (0, 4096)),
        (Fault::Latency(Latency { base: soon, jitter: soon }), &[], (0, 4096)),
        (status(500), &[], (STATUS, 0)),
        (status(503), &[], (STATUS, 0)),
        (status(429), &[], (STATUS, 0)),
        (Fault::Redirect, &["--location"], (0, 4096)),
        (Fault::RedirectLoop, &["--location", "--max-redirs", "9"], (REDIRECTS, 0)),
        (Fault::WrongLength(WrongLength::Longer), BRIEFLY, (TIMEOUT, 4096)),
        (Fault::WrongLength(WrongLength::Shorter), &[], (0, 4080)),
        (Fault::WrongContentType, &[], (0, 4096)),
        (Fault::Garbage, &[], (0, 4096)),
        (Fault::WrongShape, &[], (0, 4105)),
        (Fault::EmptyArray, &[], (0, 2)),
        (Fault::HugeBody(ByteSize(1 << 20)), &[], (0, 1 << 20)),
        (Fault::WrongEtag, &[], (0, 4096)),
        (Fault::MissingEtag, &[], (0, 4096)),
        (Fault::Unasked304, &[], (0, 0)),
        (Fault::KeepAliveClosed, &[], (0, 4096)),
    ]
}

/// What only the head or the end of the connection says, and curl leaves to whoever looks.
fn is_left_to_others(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::Redirect | Fault::WrongContentType | Fault::Unasked304 | Fault::KeepAliveClosed
    )
}

#[test]
fn what_curl_says_of_every_fault_agrees_with_its_label() {
    let names = |faults: Vec<Fault>| -> BTreeSet<_> {
        faults.iter().map(|fault| fault.facts().name).collect()
    };
    let known = cases().into_iter().map(|(fault, ..)| fault).collect();
    assert_eq!(names(known), names(Fault::EXAMPLES.into()));
    for (fault, _, (code, _)) in cases() {
        let told = fault.facts().detectable == Detectable::Transport && !is_left_to_others(&fault);
        assert_eq!(code != 0, told, "{fault}");
    }
}

#[tokio::test]
#[cfg_attr(not(has_curl), ignore = "there was no curl when this was built")]
async fn curl_sees_every_fault_as_what_it_is() {
    for (fault, more, expected) in cases() {
        assert_eq!(ask(fault, more).await, expected, "{fault}");
    }
}
