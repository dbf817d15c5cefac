//! One request and its response, step by step; every step is told before the next one is taken.

use std::convert::Infallible;
use std::future::pending;

use tokio::time::sleep;

use super::answer::{Answer, Ask, Route, Verb};
use super::backend::BackendError;
use super::connection::Connection;
use super::http::{Framing, Head, response_head};
use super::observe::Directive;
use super::proxy::{After, Cut, Ending, Forge, Parcel};
use super::state::Hold;
use crate::model::fault::Fault;
use crate::model::record::{AbortedBy, What};
use crate::model::units::{RequestId, Serial};

/// What becomes of the connection after an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It stays, unless the request asked for something else.
    Stay,
    /// It is closed in order; nothing more is sent.
    Close,
    /// It is of no further use.
    Gone,
}

/// A response that ended early.
struct Broken {
    by: AbortedBy,
    ending: Ending,
}

impl From<AbortedBy> for Broken {
    fn from(by: AbortedBy) -> Self {
        Self { by, ending: Ending::Reset }
    }
}

/// How far a response has come.
struct Progress {
    request: RequestId,
    fetch: bool,
    /// Bytes of the body so far; `None` before the head.
    sent: Option<u64>,
}

/// What an observer wants sent in place of the answer.
enum Instead {
    Status(u16),
    Fault(Fault),
}

impl Connection {
    /// Answers one request.
    pub async fn exchange(&mut self, head: &Head) -> Next {
        let (request, hold) = self.state.arrive(head);
        let mut progress = Progress { request, fetch: hold.is_some(), sent: None };
        let ended = self.respond(head, hold, &mut progress).await;
        let (sent, fetch) = (progress.sent, progress.fetch);
        let tally = self.state.desk.tally.clone();
        match ended {
            Ok((status, next)) => {
                tally.add(|counts| {
                    if fetch {
                        counts.answered(status);
                    }
                });
                // What a fault does to the connection comes first: whoever is told may rely on it.
                if next == Next::Close {
                    self.finish().await;
                }
                let sent = sent.unwrap_or_default();
                self.state.tell_end(What::ResponseDone { request, sent });
                next
            }
            Err(Broken { by, ending }) => {
                tally.add(|counts| {
                    if fetch {
                        counts.aborted(by);
                    }
                });
                match ending {
                    Ending::Close => self.finish().await,
                    Ending::Reset if by != AbortedBy::Client => self.reset_on_drop(),
                    Ending::Reset => {}
                }
                self.state.tell_end(What::ResponseAborted { request, sent, by });
                if ending == Ending::Close { Next::Close } else { Next::Gone }
            }
        }
    }

    async fn respond(
        &mut self,
        head: &Head,
        hold: Option<Hold>,
        progress: &mut Progress,
    ) -> Result<(u16, Next), Broken> {
        let instead = self.obey(hold).await?;
        let parcel = self.pack(head, instead, progress).await?;
        let latency = self.state.latency + parcel.latency;
        if !latency.is_zero() {
            self.unless_broken(sleep(latency)).await?;
        }
        if let Some(Cut { after: None, ending }) = parcel.cut {
            return Err(Broken { by: AbortedBy::Injection, ending });
        }
        let (answer, framing) = (&parcel.answer, parcel.framing);
        let bytes = response_head(answer, framing, head.connection);
        self.write_at(parcel.pace, &bytes, &mut 0, true).await?;
        let sent = progress.sent.insert(0);
        let step = What::HeadSent {
            request: progress.request,
            status: answer.status,
            serial: parcel.serial,
            etag: answer.header("ETag").map(str::to_owned),
            body: parcel.body.len(),
        };
        let hold = self.state.tell_step(step, progress.fetch);
        if parcel.body.len() == 0 {
            self.obey_when_complete(hold).await?;
        } else {
            self.obey(hold).await?;
            self.send_body(&parcel, progress.request, progress.fetch, sent).await?;
        }
        match parcel.after {
            After::AsAsked => Ok((answer.status, Next::Stay)),
            After::Close => Ok((answer.status, Next::Close)),
            After::Silence => match self.unless_broken(pending::<Infallible>()).await? {},
        }
    }

    /// Sends the body in two strokes, between which an observer of a fetch is asked.
    async fn send_body(
        &mut self,
        parcel: &Parcel,
        request: RequestId,
        fetch: bool,
        sent: &mut u64,
    ) -> Result<(), Broken> {
        let total = parcel.body.len();
        let half = if fetch { total / 2 } else { 0 };
        for (from, to) in [(0, half), (half, total)].into_iter().filter(|(from, to)| from < to) {
            let cut = parcel.cut.and_then(|cut| Some((cut.after?, cut.ending)));
            let cut = cut.filter(|(after, _)| *after <= to);
            let until = cut.map_or(to, |(after, _)| after);
            if parcel.framing == Framing::Chunked && until > from {
                self.write(format!("{:x}\r\n", to - from).as_bytes(), &mut 0).await?;
            }
            while *sent < until {
                let piece = parcel.body.piece(*sent, until);
                self.write_at(parcel.pace, &piece, sent, false).await?;
            }
            if let Some((_, ending)) = cut {
                if ending == Ending::Reset {
                    self.delivered().await?;
                }
                return Err(Broken { by: AbortedBy::Injection, ending });
            }
            if parcel.framing == Framing::Chunked {
                self.write(b"\r\n", &mut 0).await?;
            }
            if to < total {
                let step = What::HalfSent { request, sent: *sent };
                let hold = self.state.tell_step(step, true);
                self.obey(hold).await?;
            }
        }
        if parcel.framing == Framing::Chunked {
            self.write(b"0\r\n\r\n", &mut 0).await?;
        }
        Ok(())
    }

    /// Decides on the response: the catalogue that is current now is the one that is sent.
    async fn pack(
        &mut self,
        head: &Head,
        instead: Option<Instead>,
        progress: &Progress,
    ) -> Result<Parcel, AbortedBy> {
        let fault = match instead {
            Some(Instead::Status(status)) => {
                return Ok(Parcel::plain(Answer::injected(status), None, false));
            }
            _ if !progress.fetch => None,
            // Where a loop leads, it goes on.
            _ if head.is_in_loop() => Some(Fault::RedirectLoop),
            Some(Instead::Fault(fault)) => Some(fault),
            None => self.state.standing.against(head.client).filter(|fault| {
                // Whoever has followed one redirect has arrived.
                *fault != Fault::Redirect || !head.is_redirected()
            }),
        };
        let ask = Ask {
            verb: head.verb(),
            route: head.route(),
            if_none_match: head
                .if_none_match
                .clone()
                .filter(|_| !fault.is_some_and(|fault| fault.needs_body())),
            serial: self.state.desk.library.serial(),
        };
        let plain = self.plain(&ask).await?;
        let Some(fault) = fault else { return Ok(plain) };
        let state = self.state.clone();
        state.tell_fault(Some(progress.request), head.client, fault);
        let forge = Forge { desk: &state.desk, seed: state.seed, request: progress.request, head };
        Ok(forge.forge(fault, plain))
    }

    /// The response as whatever answers behind the front gives it.
    async fn plain(&mut self, ask: &Ask) -> Result<Parcel, AbortedBy> {
        let state = self.state.clone();
        let answer = match self.unless_broken(state.answerer.ask(ask)).await? {
            Ok(answer) => answer,
            Err(BackendError(why)) => {
                state.desk.tally.add(|counts| counts.backend_failures += 1);
                state.fail(why);
                return Err(AbortedBy::Harness);
            }
        };
        let carries = ask.verb == Verb::Get && ask.route == Route::Providers;
        let serial: Option<Serial> = carries.then_some(ask.serial);
        let bodiless = ask.verb == Verb::Head || !answer.may_have_body();
        Ok(Parcel::plain(answer, serial, bodiless))
    }

    /// Waits for the directive and obeys it; tells what was asked for in place of the answer.
    async fn obey(&mut self, hold: Option<Hold>) -> Result<Option<Instead>, AbortedBy> {
        let Some(hold) = hold else { return Ok(None) };
        match self.unless_broken(hold).await?.unwrap_or(Directive::Proceed) {
            Directive::Proceed => Ok(None),
            Directive::Delay(time) => self.unless_broken(sleep(time)).await.map(|()| None),
            Directive::Stall => match self.unless_broken(pending::<Infallible>()).await? {},
            Directive::Answer(status) => Ok(Some(Instead::Status(status))),
            Directive::Fault(fault) => Ok(Some(Instead::Fault(fault))),
            Directive::Reset => {
                self.delivered().await?;
                Err(AbortedBy::Injection)
            }
        }
    }

    /// The same after a response without a body: the client has it all and may leave, and only a reset
    /// can still do something to it.
    async fn obey_when_complete(&mut self, hold: Option<Hold>) -> Result<(), AbortedBy> {
        let Some(hold) = hold else { return Ok(()) };
        match self.unless_dropped(hold).await?.unwrap_or(Directive::Proceed) {
            Directive::Reset => Err(AbortedBy::Injection),
            _ => Ok(()),
        }
    }
}
