//! What a process printed: the first bytes are kept, the rest is counted and thrown away.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;

/// The most that is kept of one stream: room for the largest catalogue, indented.
const KEPT_MAX: usize = 16 << 20;

/// One stream of a process, from its start to its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Captured {
    /// The first bytes.
    pub kept: Vec<u8>,
    /// All bytes, kept or not.
    pub bytes: u64,
}

impl Captured {
    /// Adds what came next.
    pub fn take(&mut self, bytes: &[u8]) {
        let room = KEPT_MAX.saturating_sub(self.kept.len()).min(bytes.len());
        self.kept.extend_from_slice(&bytes[..room]);
        self.bytes += bytes.len() as u64;
    }
}

/// The harness's end of a stream, read while the process runs so that it never blocks on a full pipe.
#[derive(Debug)]
pub struct Stream {
    pipe: Receiver,
    captured: Captured,
    open: bool,
}

impl Stream {
    /// Must be called within a runtime.
    pub fn new(pipe: impl Into<OwnedFd>) -> io::Result<Self> {
        let pipe = Receiver::from_owned_fd(pipe.into())?;
        Ok(Self { pipe, captured: Captured::default(), open: true })
    }

    /// Reads until every process that can write has closed the stream. Cancel-safe.
    pub async fn read_to_end(&mut self) {
        let mut buffer = [0; 16 << 10];
        while self.open {
            match self.pipe.read(&mut buffer).await {
                Ok(0) | Err(_) => self.open = false,
                Ok(read) => self.captured.take(&buffer[..read]),
            }
        }
    }

    /// Whether anybody may still write to it.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// What comes next, which is not kept; nothing once the stream is closed. Cancel-safe.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        let mut buffer = vec![0; 16 << 10];
        match self.pipe.read(&mut buffer).await {
            Ok(read) if read > 0 && self.open => {
                buffer.truncate(read);
                Some(buffer)
            }
            _ => {
                self.open = false;
                None
            }
        }
    }

    /// Keeps something of it that was read by [`Self::next`].
    pub fn keep(&mut self, bytes: &[u8]) {
        self.captured.take(bytes);
    }

    /// Reads what is there, for at most `patience`: a stray process may hold the stream open for ever.
    pub async fn finish(mut self, patience: Duration) -> Captured {
        // Running out of patience loses nothing that was printed by the process itself: it has ended,
        // and what it wrote is in the pipe and read first.
        let _ = tokio::time::timeout(patience, self.read_to_end()).await;
        self.captured
    }
}
