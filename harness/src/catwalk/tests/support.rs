//! A server with a scripted observer, and a client that speaks raw HTTP.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot, watch};

use crate::catwalk::{Backend, Catwalk, Directive, Settings};
use crate::model::record::What;
use crate::model::units::ByteSize;

/// How long a test waits for what must happen before it gives up.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Settings for tests: the smallest body, and no hop.
pub fn direct() -> Settings {
    Settings { body: ByteSize(4096), backend: Backend::Direct, ..Settings::default() }
}

/// What the script says about a step that waits for a directive.
pub enum Reply {
    Now(Directive),
    /// The answer comes from [`Rig::release`].
    Later,
}

/// Obeys to everything at once.
pub fn proceed(_: &What) -> Reply {
    Reply::Now(Directive::Proceed)
}

/// A running server whose observations are kept as short lines.
pub struct Rig {
    pub catwalk: Catwalk,
    lines: watch::Receiver<Vec<String>>,
    held: Arc<Mutex<Vec<oneshot::Sender<Directive>>>>,
}

impl Rig {
    pub async fn start(
        settings: Settings,
        mut script: impl FnMut(&What) -> Reply + Send + 'static,
    ) -> Self {
        let (observer, mut observations) = mpsc::unbounded_channel();
        let catwalk = Catwalk::start(settings, observer).await.expect("the server starts");
        let (sender, lines) = watch::channel(Vec::new());
        let held = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&held);
        tokio::spawn(async move {
            while let Some(observation) = observations.recv().await {
                if let Some(reply) = observation.reply {
                    match script(&observation.what) {
                        Reply::Now(directive) => drop(reply.send(directive)),
                        Reply::Later => keep.lock().expect("held").push(reply),
                    }
                }
                sender.send_modify(|lines| lines.push(line(&observation.what)));
            }
        });
        Self { catwalk, lines, held }
    }

    pub async fn connect(&self) -> Peer {
        Peer::connect(&self.catwalk).await.expect("the server accepts")
    }

    /// Waits until `count` steps were told, and returns them all.
    pub async fn steps(&self, count: usize) -> Vec<String> {
        let mut lines = self.lines.clone();
        let enough = lines.wait_for(|lines| lines.len() >= count);
        match tokio::time::timeout(PATIENCE, enough).await {
            Ok(lines) => lines.expect("the observer lives").clone(),
            Err(_) => panic!("{count} steps awaited, only {:?} came", *self.lines.borrow()),
        }
    }

    /// Answers the step that waits.
    pub fn release(&self, directive: Directive) {
        let reply = self.held.lock().expect("held").pop().expect("a step waits");
        reply.send(directive).expect("the server waits for the reply");
    }
}

fn line(what: &What) -> String {
    match what {
        What::Request(request) => {
            let client = request.client.map_or("-".to_owned(), |client| client.to_string());
            let fetch = request.fetch.map_or(String::new(), |fetch| format!(" fetch {fetch}"));
            format!("{} {client} {} {}{fetch}", request.request, request.method, request.path)
        }
        What::HeadSent { request, status, serial, body, .. } => {
            let serial = serial.map_or(String::new(), |serial| format!(" {serial}"));
            format!("{request} head {status}{serial} {body}")
        }
        What::Faulted { request: Some(request), fault, .. } => format!("{request} fault {fault}"),
        What::Faulted { request: None, client, fault } => {
            let client = client.map_or("-".to_owned(), |client| client.to_string());
            format!("{client} fault {fault}")
        }
        What::HalfSent { request, sent } => format!("{request} half {sent}"),
        What::ResponseDone { request, sent } => format!("{request} done {sent}"),
        What::ResponseAborted { request, sent, by } => {
            let sent = sent.map_or("-".to_owned(), |sent| sent.to_string());
            format!("{request} aborted {sent} by {by:?}")
        }
        other => panic!("not a step of a response: {other:?}"),
    }
}

/// A client on a raw socket.
pub struct Peer {
    pub stream: TcpStream,
    buffer: Vec<u8>,
}

/// A response as it came.
#[derive(Debug, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

impl Peer {
    pub async fn connect(catwalk: &Catwalk) -> io::Result<Self> {
        Ok(Self::over(TcpStream::connect(catwalk.addr()).await?))
    }

    pub fn over(stream: TcpStream) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    pub async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.expect("the server reads");
    }

    /// Sends a request without body, with these header lines (each ended by CRLF).
    pub async fn request(&mut self, method: &str, path: &str, headers: &str) {
        self.send(&format!("{method} {path} HTTP/1.1\r\nHost: test\r\n{headers}\r\n")).await;
    }

    /// How many bytes are there that no response has taken.
    pub fn has(&self) -> usize {
        self.buffer.len()
    }

    /// Fetches the catalogue as client 7.
    pub async fn fetch(&mut self) {
        self.request("GET", "/c/07/v2/providers", "").await;
    }

    async fn more(&mut self) -> io::Result<usize> {
        tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.buffer))
            .await
            .expect("the server answers")
    }

    /// Reads up to the end of a head, which stays in the buffer.
    pub async fn head(&mut self) -> String {
        loop {
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                return String::from_utf8(self.buffer[..end + 4].to_vec()).expect("ASCII");
            }
            let count = self.more().await.expect("no error before the end of the head");
            assert_ne!(count, 0, "the stream ended within a head");
        }
    }

    /// Reads a response to anything but HEAD.
    pub async fn response(&mut self) -> Response {
        self.response_to("GET").await
    }

    pub async fn response_to(&mut self, method: &str) -> Response {
        let head = self.head().await;
        self.buffer.drain(..head.len());
        let status = head[9..12].parse().expect("a status");
        let mut response = Response { status, head, body: Vec::new() };
        let length =
            response.header("Content-Length").map_or(0, |text| text.parse().expect("length"));
        let length = if method == "HEAD" { 0 } else { length };
        while self.buffer.len() < length {
            assert_ne!(self.more().await.expect("the body"), 0, "the stream ended within a body");
        }
        response.body = self.buffer.drain(..length).collect();
        response
    }

    /// Waits until this many bytes are there that no response has taken.
    pub async fn buffered(&mut self, count: usize) {
        while self.buffer.len() < count {
            assert_ne!(self.more().await.expect("bytes"), 0, "the stream ended early");
        }
    }

    /// Reads on to the end of the stream, whichever it is, and returns all bytes that no response took.
    pub async fn end(mut self) -> (Vec<u8>, io::Result<()>) {
        loop {
            match self.more().await {
                Ok(0) => return (self.buffer, Ok(())),
                Ok(_) => {}
                Err(error) => return (self.buffer, Err(error)),
            }
        }
    }

    /// Expects a reset, and returns the bytes before it.
    pub async fn reset(self) -> Vec<u8> {
        let (bytes, end) = self.end().await;
        let error = end.expect_err("a reset, and not the end of the stream");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{error}");
        bytes
    }
}
