//! Contention: how many clients waited or raced while one fetch was under way, the fetcher included.
//!
//! Where the server held responses until the herd had come to rest, it counted them itself. Elsewhere
//! the count is taken when the head of a response is sent: the clients that are alive then and were let
//! go before the request arrived, or have sent a request themselves. One pass, with two Fenwick trees
//! (Fenwick 1994, "A new data structure for cumulative frequency tables") over the order of release.

use super::history::{Exchange, History, Process};
use crate::model::record::What;

/// The most clients that contended for any one fetch.
pub(super) fn most(history: &History<'_>) -> u32 {
    let held = history.record.events.iter().filter_map(|event| match &event.what {
        // Where the harness gave up, the herd was not at rest, and who was under way waited for nothing.
        What::HerdWaits { waiting, gave_up: false, .. } => Some(waiting.len().saturating_add(1)),
        _ => None,
    });
    let most = held.max().unwrap_or_else(|| at_heads(history));
    u32::try_from(most).unwrap_or(u32::MAX)
}

fn at_heads(history: &History<'_>) -> usize {
    let events = history.record.events.len();
    let mut living = Fenwick::new(events);
    let mut asking = Fenwick::new(events);
    let mut asked = vec![false; history.processes.len()];
    let mut most = 0;
    for (kind, process, exchange) in steps(history) {
        let Some(released) = history.processes[process].released else { continue };
        match kind {
            Kind::Released => living.add(released.index, 1),
            Kind::Asked => {
                if !std::mem::replace(&mut asked[process], true) {
                    asking.add(released.index, 1);
                }
            }
            Kind::HeadSent => {
                let Some(arrived) = exchange.map(|it| it.arrived.index) else { continue };
                let waiting = living.up_to(arrived);
                let racing = asking.up_to(events).saturating_sub(asking.up_to(arrived));
                most = most.max(usize::try_from(waiting + racing).unwrap_or(0));
            }
            Kind::Ended => {
                living.add(released.index, -1);
                if asked[process] {
                    asking.add(released.index, -1);
                }
            }
        }
    }
    most
}

#[derive(Clone, Copy)]
enum Kind {
    Released,
    Asked,
    HeadSent,
    Ended,
}

/// What changes the count or asks for it, in the order of the record, each with its process.
fn steps<'h, 'a>(history: &'h History<'a>) -> Vec<(Kind, usize, Option<&'h Exchange<'a>>)> {
    let mut steps = Vec::new();
    for (index, process) in history.processes.iter().enumerate() {
        let ended = process.ended();
        steps.extend(process.released.map(|it| (it.index, Kind::Released, index, None)));
        let lived = process
            .released
            .is_some_and(|released| ended.is_some_and(|ended| ended.index > released.index));
        if lived {
            steps.extend(ended.map(|it| (it.index, Kind::Ended, index, None)));
        }
    }
    let known = history.fetches().filter_map(|fetch| Some((fetch, fetch.sender?)));
    for (fetch, sender) in known.filter(|(fetch, sender)| lives(fetch, &history.processes[*sender]))
    {
        steps.push((fetch.arrived.index, Kind::Asked, sender, Some(fetch)));
        let head = fetch.head.map(|head| head.moment.index);
        steps.extend(head.map(|head| (head, Kind::HeadSent, sender, Some(fetch))));
    }
    steps.sort_by_key(|(event, ..)| *event);
    steps.into_iter().map(|(_, kind, process, exchange)| (kind, process, exchange)).collect()
}

/// Whether a fetch arrived within the life of its sender, as it must in any record of an engine.
fn lives(fetch: &Exchange<'_>, sender: &Process<'_>) -> bool {
    sender.life().is_some_and(|(first, last)| (first..last).contains(&fetch.arrived.index))
}

/// Prefix sums under changes, both in logarithmic time.
struct Fenwick(Vec<i64>);

impl Fenwick {
    fn new(places: usize) -> Self {
        Self(vec![0; places.saturating_add(1)])
    }

    fn add(&mut self, place: usize, change: i64) {
        let mut node = place + 1;
        while let Some(sum) = self.0.get_mut(node) {
            *sum += change;
            node += node & node.wrapping_neg();
        }
    }

    /// The sum over all places up to `place`.
    fn up_to(&self, place: usize) -> i64 {
        let mut node = place.saturating_add(1).min(self.0.len() - 1);
        let mut sum = 0;
        while node > 0 {
            sum += self.0[node];
            node &= node - 1;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use crate::judge::testing::{Story, herd, story};
    use crate::model::record::{Part, What};
    use crate::model::units::{ClientId, RequestId};

    #[track_caller]
    fn check(told: Story, expected: u32) {
        assert_eq!(told.verdict().measures.contention, expected);
    }

    #[test]
    fn whoever_waits_when_the_head_is_sent_counts() {
        check(story(), 0);
        check(herd(), 3);
        check(story().wave(&[1]).fetch(1, 1), 1);
        let one_by_one = story().wave(&[1]).fetch(1, 1).exit(1, 1).wave(&[2]).fetch(2, 1);
        check(one_by_one.exit(2, 1), 1);
        let ended_before = story().wave(&[1, 2, 3]).ask(1).fail(2).head(1, 1).done(1);
        check(ended_before, 2);
        check(story().wave(&[1, 2]).ask(1), 0);
    }

    #[test]
    fn a_latecomer_counts_only_if_it_asked() {
        let late = || story().wave(&[1]).ask(1).start(2, Part::Wave(1), "get");
        check(late().head(1, 1).done(1), 1);
        check(late().ask(2).head(1, 1).done(1), 2);
        check(late().ask(2).kill(2).head(1, 1).done(1), 1);
    }

    #[test]
    fn the_count_of_the_server_is_preferred() {
        let waits = |waiting: &[u32]| What::HerdWaits {
            request: RequestId(1),
            waiting: waiting.iter().copied().map(ClientId).collect(),
            ended: 0,
            gave_up: false,
        };
        check(herd().push(waits(&[2])), 2);
        check(herd().push(waits(&[2])).push(waits(&[2, 3, 4])), 4);
        // A count of a herd that never came to rest is none.
        let mut gave_up = waits(&[2, 3, 4, 5]);
        if let What::HerdWaits { gave_up, .. } = &mut gave_up {
            *gave_up = true;
        }
        check(herd().push(gave_up), 3);
    }
}
