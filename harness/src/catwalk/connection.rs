//! One client connection: requests are read one after another, and the client's leaving is noticed.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::exchange::Next;
use super::http::{self, BODY_LIMIT, BodyLength, HEAD_LIMIT, Head, KeepAlive, Refusal};
use super::proxy::{Pace, is_delivered};
use super::state::State;
use crate::model::record::AbortedBy;

/// Bytes that a client may send ahead of its turn. Beyond them the server reads no more, and does not
/// notice that the client leaves before it writes to it.
const PIPELINE_LIMIT: usize = 64 << 10;
/// How long a connection that the server closes stays open for what the client still sends.
const LINGER: Duration = Duration::from_secs(1);

/// The time between two looks at whether everything was delivered.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Set once the server drops its connections, to who is behind that.
pub(super) type Fate = watch::Receiver<Option<AbortedBy>>;

/// Why a connection takes no further request.
pub(super) enum Stop {
    /// Somebody ended it.
    Gone,
    /// The request is not one that can be answered.
    Refused(Refusal),
}

impl From<AbortedBy> for Stop {
    fn from(_: AbortedBy) -> Self {
        Self::Gone
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

pub(super) struct Connection {
    pub state: Arc<State>,
    stream: TcpStream,
    /// Bytes received that belong to no request yet.
    buffer: Vec<u8>,
    fate: Fate,
}

impl Connection {
    pub fn new(state: Arc<State>, stream: TcpStream, fate: Fate) -> Self {
        // Each write must leave as its own segment; where that cannot be had the peer is gone already.
        let _ = stream.set_nodelay(true);
        Self { state, stream, buffer: Vec::new(), fate }
    }

    /// Answers requests until the connection ends.
    pub async fn run(mut self) {
        loop {
            match self.next_request().await {
                Ok(head) => match self.exchange(&head).await {
                    Next::Gone => return,
                    Next::Stay if head.connection != KeepAlive::Close => {}
                    Next::Stay | Next::Close => return self.close().await,
                },
                Err(Stop::Gone) => return,
                Err(Stop::Refused(refusal)) => {
                    self.state.desk.tally.add(|counts| counts.malformed += 1);
                    let _ = self.write(&http::refusal(refusal), &mut 0).await;
                    return self.close().await;
                }
            }
        }
    }

    /// Reads the next request, and throws its body away.
    async fn next_request(&mut self) -> Result<Head, Stop> {
        let (head, length) = loop {
            if let Some(parsed) = Head::parse(&self.buffer)? {
                break parsed;
            }
            self.receive().await?;
        };
        self.buffer.drain(..length);
        if head.expects_continue && head.body != BodyLength::Bytes(0) {
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n", &mut 0).await?;
        }
        match head.body {
            BodyLength::Bytes(length) => self.discard(length).await?,
            BodyLength::Chunked => self.discard_chunks().await?,
        }
        Ok(head)
    }

    async fn discard(&mut self, mut length: u64) -> Result<(), Stop> {
        loop {
            let have = usize::try_from(length).unwrap_or(usize::MAX).min(self.buffer.len());
            self.buffer.drain(..have);
            length -= have as u64;
            if length == 0 {
                return Ok(());
            }
            self.receive().await?;
        }
    }

    /// Reads past a chunked body and its trailers (RFC 9112, section 7.1).
    async fn discard_chunks(&mut self) -> Result<(), Stop> {
        let mut total = 0;
        loop {
            match httparse::parse_chunk_size(&self.buffer) {
                Ok(httparse::Status::Complete((line, 0))) => {
                    self.buffer.drain(..line);
                    return self.discard_trailers().await;
                }
                Ok(httparse::Status::Complete((line, size))) => {
                    total = size.saturating_add(total);
                    if total > BODY_LIMIT {
                        return Err(Refusal(413).into());
                    }
                    self.buffer.drain(..line);
                    self.discard(size + 2).await?;
                }
                Ok(httparse::Status::Partial) if self.buffer.len() <= HEAD_LIMIT => {
                    self.receive().await?;
                }
                _ => return Err(Refusal(400).into()),
            }
        }
    }

    async fn discard_trailers(&mut self) -> Result<(), Stop> {
        loop {
            match self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                Some(end) => {
                    self.buffer.drain(..end + 2);
                    if end == 0 {
                        return Ok(());
                    }
                }
                None if self.buffer.len() <= HEAD_LIMIT => self.receive().await?,
                None => return Err(Refusal(431).into()),
            }
        }
    }

    /// Waits for more bytes from the client.
    async fn receive(&mut self) -> Result<(), AbortedBy> {
        tokio::select! { biased;
            by = ended(&mut self.fate) => Err(by),
            read = self.stream.read_buf(&mut self.buffer) => match read {
                Ok(0) | Err(_) => Err(AbortedBy::Client),
                Ok(_) => Ok(()),
            },
        }
    }

    /// Awaits `work`, unless the client leaves or the server drops its connections first. A client that
    /// closes only its sending half counts as having left, because TCP does not tell the two apart.
    pub async fn unless_broken<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> Result<T, AbortedBy> {
        tokio::select! { biased;
            by = ended(&mut self.fate) => Err(by),
            () = client_leaves(&mut self.stream, &mut self.buffer) => Err(AbortedBy::Client),
            done = work => Ok(done),
        }
    }

    /// Awaits `work`, unless the server drops its connections first; for when the client has all that
    /// it asked for and may leave as it likes.
    pub async fn unless_dropped<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> Result<T, AbortedBy> {
        tokio::select! { biased;
            by = ended(&mut self.fate) => Err(by),
            done = work => Ok(done),
        }
    }

    /// Hands `bytes` to the network, and adds to `sent` what was taken.
    pub async fn write(&mut self, bytes: &[u8], sent: &mut u64) -> Result<(), AbortedBy> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let written = tokio::select! { biased;
                by = ended(&mut self.fate) => return Err(by),
                written = self.stream.write(rest) => written,
            };
            match written {
                Ok(0) => return Err(AbortedBy::Client),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(AbortedBy::Client),
                Ok(count) => {
                    *sent += count as u64;
                    rest = &rest[count..];
                }
            }
        }
        Ok(())
    }

    /// The same in pieces, with a pause before each but the first of the response, which `first` says that
    /// this is the beginning of. Nothing is paused for once all is sent: the client has it and may leave.
    pub async fn write_at(
        &mut self,
        pace: Option<Pace>,
        bytes: &[u8],
        sent: &mut u64,
        mut first: bool,
    ) -> Result<(), AbortedBy> {
        let Some(pace) = pace else { return self.write(bytes, sent).await };
        for piece in bytes.chunks(pace.piece) {
            if std::mem::take(&mut first) {
            } else if pace.pause.is_zero() {
                tokio::task::yield_now().await;
            } else {
                self.unless_broken(tokio::time::sleep(pace.pause)).await?;
            }
            self.write(piece, sent).await?;
        }
        Ok(())
    }

    /// Waits until the client's system has all that was sent, for as long as [`LINGER`].
    pub async fn delivered(&mut self) -> Result<(), AbortedBy> {
        let (Ok(local), Ok(peer)) = (self.stream.local_addr(), self.stream.peer_addr()) else {
            return Ok(());
        };
        let wait = async {
            while !is_delivered(local, peer) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        // A client that reads nothing at all gets its reset nevertheless.
        self.unless_broken(tokio::time::timeout(LINGER, wait)).await.map(drop)
    }

    /// Tells the client that nothing more comes: the end of the stream.
    pub async fn finish(&mut self) {
        // Only a socket that is closed already refuses.
        let _ = self.stream.shutdown().await;
    }

    /// Makes the connection end with a reset, rather than with the end of the stream.
    pub fn reset_on_drop(&self) {
        // Only a socket that is reset already refuses.
        let _ = self.stream.set_zero_linger();
    }

    /// Closes the connection in order. What the client still sends is read for a while, because to
    /// close with bytes unread would reset the connection and destroy the response on its way.
    async fn close(mut self) {
        self.finish().await;
        let drain = async {
            let mut scrap = [0; 4096];
            let mut total = 0;
            while let Ok(count @ 1..) = self.stream.read(&mut scrap).await {
                total += count;
                if total > PIPELINE_LIMIT {
                    break;
                }
            }
        };
        tokio::select! { biased;
            _ = ended(&mut self.fate) => {}
            _ = tokio::time::timeout(LINGER, drain) => {}
        }
    }
}

/// Waits until the server drops its connections, and tells who is behind that.
pub(super) async fn ended(fate: &mut Fate) -> AbortedBy {
    let by = fate.wait_for(Option::is_some).await.ok().and_then(|by| *by);
    // A server that was dropped without being shut down is the harness's end as well.
    by.unwrap_or(AbortedBy::Harness)
}

async fn client_leaves(stream: &mut TcpStream, buffer: &mut Vec<u8>) {
    while buffer.len() < PIPELINE_LIMIT {
        if matches!(stream.read_buf(buffer).await, Ok(0) | Err(_)) {
            return;
        }
    }
    std::future::pending::<()>().await;
}
