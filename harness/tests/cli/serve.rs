//! The mock server alone.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use rustix::process::Signal;

use super::support::{Place, until};

/// The port in the line that tells where the server listens.
fn port(said: &str) -> Option<u16> {
    let address = said.split("http://127.0.0.1:").nth(1)?;
    address.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

/// Sends one request, and returns the response's head and body.
fn ask(port: u16, path: &str, headers: &str) -> (String, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

#[test]
fn it_answers_prints_a_line_for_each_request_and_sums_up_at_the_end() {
    let place = Place::empty();
    let running = place.start(place.command(&["serve", "--body", "8KiB"]));
    until("it listens", || port(&running.stderr()).is_some());
    let port = port(&running.stderr()).unwrap();
    assert!(running.stderr().contains(&format!("CATWALK_URL=http://127.0.0.1:{port}/c/01")));

    let (head, body) = ask(port, "/c/01/v2/providers", "");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let providers: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert!(!providers.as_array().unwrap().is_empty());
    let etag =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("etag: ").map(str::to_owned));
    let validator = format!("If-None-Match: {}\r\n", etag.unwrap());
    let (head, body) = ask(port, "/v2/providers", &validator);
    assert!(head.starts_with("HTTP/1.1 304 ") && body.is_empty(), "{head}");
    let (head, _) = ask(port, "/healthz", "");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");

    until("each request has its line", || running.stdout().lines().count() == 3);
    let lines = running.stdout();
    let lines: Vec<_> = lines.lines().collect();
    assert!(lines[0].starts_with("#1 c01 GET /v2/providers: 200 catalogue 1, "), "{lines:?}");
    assert!(lines[1].starts_with("#2 - GET /v2/providers: 304 catalogue 1, "), "{lines:?}");
    running.signal(Signal::INT);
    let said = "3 requests: 2 fetches, 1 answered with 200, 1 with 304";
    running.end().check(0, &[said]);
}

#[test]
fn a_fault_is_met_by_whom_it_is_for_and_by_no_one_else() {
    let place = Place::empty();
    let faulty = ["serve", "--fault", "truncate=close,1000B", "--fault-client", "7"];
    let running = place.start(place.command(&faulty));
    until("it listens", || port(&running.stderr()).is_some());
    let port = port(&running.stderr()).unwrap();
    until("it says what is met", || {
        running.stderr().contains("truncate=close,1000B is met by c07")
    });
    let (head, body) = ask(port, "/c/07/v2/providers", "");
    assert!(!head.contains("Content-Length") && body.len() == 1000, "{head}");
    assert_eq!(ask(port, "/c/08/v2/providers", "").1.len(), 16384);
    until("each request has its line", || running.stdout().lines().count() == 2);
    let lines = running.stdout();
    let expected = "#1 c07 GET /v2/providers: truncate=close,1000B: 200 catalogue 1, ended by the fault after 1000 bytes";
    assert!(lines.starts_with(expected), "{lines}");
    running.signal(Signal::INT);
    running.end().check(0, &["2 requests"]);

    let running =
        place.start(place.command(&["serve", "--fault", "empty-array", "--fault-fetches", "2"]));
    until("it listens", || self::port(&running.stderr()).is_some());
    let port = self::port(&running.stderr()).unwrap();
    let lengths = [(); 3].map(|()| ask(port, "/v2/providers", "").1.len());
    assert_eq!(lengths, [16384, 2, 16384]);
    running.signal(Signal::INT);
    running.end().check(0, &["3 requests"]);
}

#[test]
fn one_client_can_be_refused_alone() {
    let place = Place::empty();
    let refused = ["serve", "--fault", "refuse", "--fault-client", "7"];
    let running = place.start(place.command(&refused));
    until("it listens", || running.stderr().contains("is met by c07"));
    let shared = port(&running.stderr()).unwrap();
    let said = running.stderr();
    let own = port(said.split("CATWALK_URL=").nth(1).unwrap()).unwrap();
    assert_ne!(own, shared);
    let refusal = TcpStream::connect(("127.0.0.1", own)).unwrap_err();
    assert_eq!(refusal.kind(), std::io::ErrorKind::ConnectionRefused);
    assert!(ask(shared, "/c/08/v2/providers", "").0.starts_with("HTTP/1.1 200 "));
    running.signal(Signal::INT);
    running.end().check(0, &["1 requests"]);
}

#[test]
fn a_port_that_is_taken_is_named_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let ended = Place::empty().cachestorm(&["serve", "--port", &port.to_string()]);
    ended.check(
        64,
        &[&format!(
            "port {port} is taken; end the program that listens there, or choose another port"
        )],
    );
}

#[test]
fn settings_out_of_bounds_are_mistakes() {
    let check = |args: &[&str], said: &str| {
        Place::empty().cachestorm(&[&["serve"], args].concat()).check(64, &[said]);
    };
    check(&["--port", "99999"], "99999");
    check(&["--body", "8"], "write a whole number with B, KiB or MiB");
    check(&["--body", "1KiB"], "ask for 4KiB to 2MiB");
    check(&["--latency", "3"], "write a number with a unit");
    check(&["--etag", "strong"], "unknown variant `strong`");
    check(&["--fault", "gargabe"], "there is no fault \"gargabe\"");
    check(&["--fault", "drip=1KiB"], "write it like `drip=1KiB,20ms`");
    check(&["--fault-client", "7"], "--fault <FAULT>");
    let twice = ["--fault", "refuse", "--fault-fetches", "1"];
    check(&twice, "hits connections, before there is a fetch");
}
