//! Responses that are held until the herd waits (`answer = "when-herd-waits"`).

use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::act::Cause;
use super::world::Herd;
use crate::catwalk::observe::Directive;
use crate::client::rest::RestWatch;
use crate::inject::plan::Occurrence;
use crate::model::record::{Part, What};
use crate::model::units::{ClientId, RequestId};

/// The time between two looks at a herd that may have come to rest.
pub const LOOK_EVERY: Duration = Duration::from_millis(4);

/// How long a herd may take to come to rest, in all the holds of a wave together. It is less than the
/// patience of a client that waits for its response, or for a lock whose holders are killed one after
/// another while they are held: what a client does whose patience is used up would be the harness's doing.
const PATIENCE: Duration = Duration::from_secs(4);

/// A response that is held.
#[derive(Debug)]
struct HeldResponse {
    request: RequestId,
    client: Option<ClientId>,
    reply: oneshot::Sender<Directive>,
    directive: Directive,
}

/// The held responses, and what is known of the herd around them.
#[derive(Debug, Default)]
pub struct Hold {
    responses: Vec<HeldResponse>,
    rest: RestWatch,
    since: Option<Instant>,
    /// For how long the earlier holds of the wave have lasted.
    used: Duration,
    times: u32,
}

impl Hold {
    /// A wave starts, whose clients have not waited for anything yet.
    pub fn wave_starts(&mut self) {
        self.used = Duration::ZERO;
    }

    /// Nothing is held any more.
    fn end(&mut self) {
        self.used += self.since.take().map_or(Duration::ZERO, |since| since.elapsed());
    }

    fn has_given_up(&self) -> bool {
        self.since.is_some_and(|since| self.used + since.elapsed() > PATIENCE)
    }

    /// Whether any response is held.
    pub fn is_active(&self) -> bool {
        !self.responses.is_empty()
    }

    /// Holds one more response.
    pub fn add(
        &mut self,
        request: RequestId,
        client: Option<ClientId>,
        reply: oneshot::Sender<Directive>,
        directive: Directive,
    ) {
        if self.responses.is_empty() {
            self.rest = RestWatch::default();
            self.since = Some(Instant::now());
        }
        self.responses.push(HeldResponse { request, client, reply, directive });
    }
}

impl Herd<'_> {
    /// Looks at the herd once, and answers every held request if it has come to rest.
    pub async fn look_at_herd(&mut self) {
        // A client that was killed while its response was held waits for nothing any more.
        self.hold.responses.retain(|held| !held.reply.is_closed());
        let Some(first) = self.hold.responses.first().map(|held| held.request) else {
            self.hold.end();
            return;
        };
        let asked: Vec<ClientId> = self.hold.responses.iter().filter_map(|h| h.client).collect();
        let others: Vec<(ClientId, u32)> = self
            .processes
            .iter()
            .filter(|(client, proc)| proc.lives() && !asked.contains(client))
            // Whom an injection holds at a call is as much at rest as can be.
            .filter(|(client, _)| self.traced.as_ref().is_none_or(|it| !it.holds(**client)))
            .map(|(client, proc)| (*client, proc.pid))
            .collect();
        let rested =
            others.is_empty() || self.hold.rest.look(others.iter().map(|o| o.1)) != Some(false);
        let gave_up = self.hold.has_given_up();
        if !rested && !gave_up {
            return;
        }
        let waiting = asked.iter().skip(1).copied().chain(others.iter().map(|o| o.0)).collect();
        let ended = self.ended_in_current_wave();
        let at = Instant::now();
        let what = What::HerdWaits { request: first, waiting, ended, gave_up };
        let event = Some(self.recorder.add(at, what));
        self.hold.times += 1;
        let times = self.hold.times;
        self.fire(Occurrence::HerdWaits(times), Cause { event, ..Cause::default() }).await;
        self.hold.end();
        for held in std::mem::take(&mut self.hold.responses) {
            // A client that has left meanwhile needs no answer.
            let _ = held.reply.send(held.directive);
        }
    }

    fn ended_in_current_wave(&self) -> u32 {
        let wave = self.processes.values().filter_map(|proc| match proc.part() {
            Part::Wave(wave) => Some(wave),
            _ => None,
        });
        let Some(current) = wave.max() else { return 0 };
        let ended =
            self.processes.values().filter(|p| p.part() == Part::Wave(current) && p.ended).count();
        u32::try_from(ended).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holds_of_a_wave_share_its_patience() {
        let mut hold = Hold::default();
        assert!(!hold.has_given_up(), "nothing is held");
        let held = |hold: &mut Hold, time| hold.since = Instant::now().checked_sub(time);
        held(&mut hold, PATIENCE * 3 / 4);
        assert!(!hold.has_given_up());
        hold.end();
        held(&mut hold, PATIENCE * 3 / 4);
        assert!(hold.has_given_up(), "the second hold comes on top");
        hold.end();
        hold.wave_starts();
        held(&mut hold, Duration::ZERO);
        assert!(!hold.has_given_up(), "another wave begins anew");
    }
}
