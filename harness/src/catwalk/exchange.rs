//! One request and its response, step by step; every step is told before the next one is taken.

use std::convert::Infallible;
use std::future::pending;

use tokio::time::sleep;

use super::answer::{Answer, Ask, Route, Verb};
use super::backend::BackendError;
use super::connection::Connection;
use super::http::{Head, response_head};
use super::observe::Directive;
use super::state::Hold;
use crate::model::record::{AbortedBy, What};
use crate::model::units::{RequestId, Serial};

/// How far a response has come.
struct Progress {
    request: RequestId,
    fetch: bool,
    /// Bytes of the body so far; `None` before the head.
    sent: Option<u64>,
}

/// What a response will be.
struct Plan {
    answer: Answer,
    /// The catalogue in the body, or the one that a 304 confirms.
    serial: Option<Serial>,
}

impl Connection {
    /// Answers one request. An error means that the connection is of no further use.
    pub async fn exchange(&mut self, head: &Head) -> Result<(), AbortedBy> {
        let (request, hold) = self.state.arrive(head);
        let mut progress = Progress { request, fetch: hold.is_some(), sent: None };
        let ended = self.respond(head, hold, &mut progress).await;
        let (sent, tally) = (progress.sent, &self.state.desk.tally);
        match ended {
            Ok(status) => {
                tally.add(|counts| {
                    if progress.fetch {
                        counts.answered(status);
                    }
                });
                let sent = sent.unwrap_or_default();
                self.state.tell_end(What::ResponseDone { request, sent });
                Ok(())
            }
            Err(by) => {
                tally.add(|counts| {
                    if progress.fetch {
                        counts.aborted(by);
                    }
                });
                // The reset comes first: whoever is told that the response was aborted may rely on it.
                if by != AbortedBy::Client {
                    self.reset_on_drop();
                }
                self.state.tell_end(What::ResponseAborted { request, sent, by });
                Err(by)
            }
        }
    }

    async fn respond(
        &mut self,
        head: &Head,
        hold: Option<Hold>,
        progress: &mut Progress,
    ) -> Result<u16, AbortedBy> {
        let injected = self.obey(hold).await?;
        let Plan { answer, serial } = self.plan(head, injected).await?;
        let latency = self.state.latency;
        if !latency.is_zero() {
            self.unless_broken(sleep(latency)).await?;
        }
        let bodiless = head.verb() == Verb::Head || !answer.may_have_body();
        let body = if bodiless { &[][..] } else { &answer.body[..] };
        self.write(&response_head(&answer, head.connection), &mut 0).await?;
        let sent = progress.sent.insert(0);
        let step = What::HeadSent {
            request: progress.request,
            status: answer.status,
            serial,
            etag: answer.header("ETag").map(str::to_owned),
            body: body.len() as u64,
        };
        let hold = self.state.tell_step(step, progress.fetch);
        if body.is_empty() {
            self.obey_when_complete(hold).await?;
            return Ok(answer.status);
        }
        self.obey(hold).await?;
        let (first, rest) = body.split_at(if progress.fetch { body.len() / 2 } else { 0 });
        if progress.fetch {
            self.write(first, sent).await?;
            let step = What::HalfSent { request: progress.request, sent: *sent };
            let hold = self.state.tell_step(step, true);
            self.obey(hold).await?;
        }
        self.write(rest, sent).await?;
        Ok(answer.status)
    }

    /// Decides on the response: the catalogue that is current now is the one that is sent.
    async fn plan(&mut self, head: &Head, injected: Option<u16>) -> Result<Plan, AbortedBy> {
        if let Some(status) = injected {
            return Ok(Plan { answer: Answer::injected(status), serial: None });
        }
        let ask = Ask {
            verb: head.verb(),
            route: head.route(),
            if_none_match: head.if_none_match.clone(),
            serial: self.state.desk.library.serial(),
        };
        let state = self.state.clone();
        let answer = match self.unless_broken(state.answerer.ask(&ask)).await? {
            Ok(answer) => answer,
            Err(BackendError(why)) => {
                state.desk.tally.add(|counts| counts.backend_failures += 1);
                state.fail(why);
                return Err(AbortedBy::Harness);
            }
        };
        let carries = ask.verb == Verb::Get && ask.route == Route::Providers;
        Ok(Plan { answer, serial: carries.then_some(ask.serial) })
    }

    /// Waits for the directive and obeys it; tells the status of an answer that was asked for.
    async fn obey(&mut self, hold: Option<Hold>) -> Result<Option<u16>, AbortedBy> {
        let Some(hold) = hold else { return Ok(None) };
        match self.unless_broken(hold).await?.unwrap_or(Directive::Proceed) {
            Directive::Proceed => Ok(None),
            Directive::Delay(time) => self.unless_broken(sleep(time)).await.map(|()| None),
            Directive::Stall => match self.unless_broken(pending::<Infallible>()).await? {},
            Directive::Answer(status) => Ok(Some(status)),
            Directive::Reset => Err(AbortedBy::Injection),
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
