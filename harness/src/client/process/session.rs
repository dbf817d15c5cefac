//! A session: a process that reads more than once, asked on its standard input each time.
//!
//! It answers a line `get` with a line `CODE BYTES WORDS` and so many bytes: what the command `get` would have ended
//! with, printed, and said on standard error. The length comes first because a catalogue may hold any line.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe;
use tokio::sync::mpsc;
use tokio::time::sleep_until;

use super::output::Captured;
use super::watch::{DRAINING, Notice, Ready};
use crate::client::family;
use crate::model::units::ClientId;

/// What a session is asked.
const QUESTION: &[u8] = b"get\n";

/// The longest line before an answer: room for any warning.
const HEAD_MAX: usize = 4 << 10;

/// What a session has answered.
#[derive(Debug)]
pub struct Answer {
    /// Which session: the client that its process was started as.
    pub client: ClientId,
    /// When the whole answer had been read.
    pub at: Instant,
    /// What the command `get` would have ended with.
    pub code: i32,
    /// What it would have printed.
    pub body: Captured,
    /// What it would have said on standard error.
    pub words: String,
    /// CPU time in user mode and in the kernel, and the largest resident set in KiB, of the whole process so far.
    pub used: family::Used,
    /// For how long its threads were at most ready to run and had no processor, since the process was started.
    pub delayed: Option<Duration>,
}

/// Asks a session. Dropping it tells the session to end.
#[derive(Debug)]
pub struct Asker(mpsc::UnboundedSender<()>);

impl Asker {
    /// Asks once more. Nobody hears it where the process has ended, which is told by other means.
    pub fn ask(&self) {
        let _ = self.0.send(());
    }
}

/// The harness's side of a session.
pub(super) struct Conversation {
    client: ClientId,
    /// Closed once the session is told to end.
    stdin: Option<pipe::Sender>,
    asks: mpsc::UnboundedReceiver<()>,
    deadline: Duration,
    /// Until when it is to answer, or to end.
    until: Option<Instant>,
    /// It has not, and was killed: what it says now is not listened to.
    overdue: bool,
    reader: Reader,
}

impl Conversation {
    pub(super) fn new(client: ClientId, stdin: pipe::Sender, deadline: Duration) -> (Asker, Self) {
        let (asker, asks) = mpsc::unbounded_channel();
        let (stdin, reader) = (Some(stdin), Reader::default());
        (Asker(asker), Self { client, stdin, asks, deadline, until: None, overdue: false, reader })
    }

    /// Asks and listens until the process has ended.
    pub(super) async fn hold(mut self, ready: &mut Ready, notices: &mpsc::UnboundedSender<Notice>) {
        let mut listening = true;
        loop {
            let wake = self.until;
            let deadline = async {
                match wake {
                    Some(until) => sleep_until(until.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = ready.exit.wait() => break,
                bytes = ready.streams.stdout.next(), if listening => match bytes {
                    Some(bytes) => self.listen(&bytes, ready, notices),
                    None => listening = false,
                },
                () = ready.streams.stderr.read_to_end(), if ready.streams.stderr.is_open() => {}
                // One question at a time: the next one is asked when this one is answered.
                ask = self.asks.recv(), if self.until.is_none() && self.stdin.is_some() && !self.overdue => {
                    self.say(ask.is_some()).await;
                }
                () = deadline => {
                    (self.until, self.overdue) = (None, true);
                    ready.overdue(self.client, notices);
                }
            }
        }
        // What it had answered before it ended is in the pipe.
        let rest = async {
            while let Some(bytes) = ready.streams.stdout.next().await {
                self.listen(&bytes, ready, notices);
            }
        };
        // As where a process is no session: a stray may hold the stream open for ever.
        let _ = tokio::time::timeout(DRAINING, rest).await;
        // Of an answer that was begun, what there is of it is what the process printed in the end.
        ready.streams.stdout.keep(&self.reader.body.kept);
    }

    /// Asks, or closes its standard input.
    async fn say(&mut self, ask: bool) {
        self.until = Instant::now().checked_add(self.deadline);
        match self.stdin.as_mut().filter(|_| ask) {
            Some(stdin) => {
                // One that does not listen any more is heard of as ended, or does not answer in time.
                let _ = stdin.write_all(QUESTION).await;
            }
            None => self.stdin = None,
        }
    }

    fn listen(&mut self, bytes: &[u8], ready: &Ready, notices: &mpsc::UnboundedSender<Notice>) {
        let (client, at, pid) = (self.client, Instant::now(), ready.child.pid());
        let mut rest = bytes;
        while !rest.is_empty() && !self.overdue {
            if self.stdin.is_none() || self.until.is_none() {
                let told = if self.stdin.is_none() { "told to end" } else { "asked nothing" };
                let problem = format!("{}, and had been {told}", shown(rest));
                let _ = notices.send(Notice::Garbled { client, at, problem });
                return;
            }
            // An engine that is gone has killed the group by other means.
            match self.reader.take(&mut rest) {
                Ok(None) => {}
                Ok(Some((code, words, body))) => {
                    self.until = None;
                    let (used, delayed) = (family::used(pid), family::delayed(pid));
                    let answer = Answer { client, at, code, body, words, used, delayed };
                    let _ = notices.send(Notice::Answered(Box::new(answer)));
                }
                Err(problem) => {
                    let _ = notices.send(Notice::Garbled { client, at, problem });
                    return;
                }
            }
        }
    }
}

/// An exit code, words and what was printed.
type Parsed = (i32, String, Captured);

/// Reads answers out of a stream.
#[derive(Debug, Default)]
struct Reader {
    head: Vec<u8>,
    /// The code, the words and how many bytes are to come, once the head was read.
    begun: Option<(i32, String, u64)>,
    body: Captured,
}

impl Reader {
    /// Takes bytes of at most one answer, which is returned once it is whole.
    fn take(&mut self, bytes: &mut &[u8]) -> Result<Option<Parsed>, String> {
        if self.begun.is_none() {
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let (line, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
            self.head.extend_from_slice(line);
            if self.head.len() > HEAD_MAX
                || end.is_none() && rest.is_empty() && is_wrong(&self.head)
            {
                return Err(said(&self.head));
            }
            let Some((_, rest)) = rest.split_first() else {
                *bytes = rest;
                return Ok(None);
            };
            *bytes = rest;
            let head = std::mem::take(&mut self.head);
            self.begun = Some(parse(&head).ok_or_else(|| said(&head))?);
        }
        let Some((_, _, length)) = &self.begun else { return Ok(None) };
        let missing = usize::try_from(length - self.body.bytes).unwrap_or(usize::MAX);
        let (now, rest) = bytes.split_at(bytes.len().min(missing));
        self.body.take(now);
        *bytes = rest;
        if self.body.bytes < *length {
            return Ok(None);
        }
        let body = std::mem::take(&mut self.body);
        Ok(self.begun.take().map(|(code, words, _)| (code, words, body)))
    }
}

/// Whether the beginning of a line can be that of no answer.
fn is_wrong(head: &[u8]) -> bool {
    head.first().is_some_and(|byte| !byte.is_ascii_digit())
}

fn parse(head: &[u8]) -> Option<(i32, String, u64)> {
    let line = std::str::from_utf8(head).ok()?;
    let (code, rest) = line.split_once(' ')?;
    let (bytes, words) = rest.split_once(' ').unwrap_or((rest, ""));
    if !code.bytes().chain(bytes.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let code = code.parse::<u8>().ok()?;
    Some((code.into(), words.to_owned(), bytes.parse().ok()?))
}

fn said(head: &[u8]) -> String {
    format!(
        "{}; an answer begins with a line `CODE BYTES WORDS`, such as `0 16384`, and so many bytes follow",
        shown(head)
    )
}

/// The beginning of what it said, in quotes.
fn shown(said: &[u8]) -> String {
    let shown: String = String::from_utf8_lossy(said).chars().take(60).collect();
    format!("\"{}\"", shown.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers that are read out of a stream that comes in pieces of so many bytes.
    fn read(stream: &[u8], piece: usize) -> Result<Vec<(i32, String, String)>, String> {
        let (mut reader, mut answers) = (Reader::default(), Vec::new());
        for piece in stream.chunks(piece) {
            let mut rest = piece;
            while !rest.is_empty() {
                if let Some((code, words, body)) = reader.take(&mut rest)? {
                    answers.push((code, words, String::from_utf8(body.kept).unwrap()));
                }
            }
        }
        Ok(answers)
    }

    #[test]
    fn answers_are_read_however_they_come() {
        let stream = b"0 4\n1\n2\n1 0 error: no\n0 2 stale, they say\n[]";
        let answer = |code, words: &str, body: &str| (code, words.to_owned(), body.to_owned());
        let expected = [
            answer(0, "", "1\n2\n"),
            answer(1, "error: no", ""),
            answer(0, "stale, they say", "[]"),
        ];
        for piece in 1..stream.len() {
            assert_eq!(read(stream, piece).unwrap(), expected, "{piece}");
        }
    }

    #[test]
    fn what_is_no_answer_is_said_with_what_it_should_be() {
        for wrong in
            ["fresh\n", "0\n", "0 \n", "300 1\n", "0 -1\n", "[1, 2]", "0 1x\n", "0 +1\n", "+0 1\n"]
        {
            let problem = read(wrong.as_bytes(), 99).unwrap_err();
            assert!(problem.contains("`CODE BYTES WORDS`"), "{wrong}: {problem}");
        }
        assert_eq!(read(b"0 5\n1234", 3), Ok(Vec::new()), "it may still come");
        let endless = "0 1 ".to_owned() + &"x".repeat(HEAD_MAX);
        assert!(read(endless.as_bytes(), 64).is_err());
    }
}
