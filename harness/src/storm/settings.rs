//! What clients of a storm run under, and with whom: conditions of the whole scenario, and no injections.

use std::collections::BTreeSet;
use std::path::Path;

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::{IndexedMutRandom, IndexedRandom};

use super::faults::Feature;
use crate::client::needs::missing;
use crate::engine::machine;
use crate::model::client::Client;
use crate::model::scenario::{Action, Also, Cache, Scenario, User};
use crate::model::units::Span;
use crate::scenario::builtin;

/// The right clients that come with the program, each in a language of its own.
const NEIGHBOURS: [&str; 3] = ["reference", "python-flock", "shell-flock"];

/// Open files that are few for a program of any language, and enough.
const OPEN_FILES: u32 = 64;

/// How far from its edge a cache is aged to: far enough that the time which a wave takes does not count.
const BEFORE_EDGE: Span = Span::from_secs(120);

/// The clients that may share a cache with this one, since they publish the same file under the same lock and
/// promise the same.
pub fn neighbours(client: &Client) -> Vec<String> {
    let alike = |other: &Client| {
        let (own, theirs) = (&client.files, &other.files);
        other.name != client.name
            && own.published == theirs.published
            && own.form == theirs.form
            && own.locks == theirs.locks
            && own.lock_kind == theirs.lock_kind
            && client.claims.stale_if_error == other.claims.stale_if_error
            && client.ttl == other.ttl
            && missing(other, Path::new("/")).is_empty()
    };
    let known = NEIGHBOURS.iter().filter_map(|name| builtin::client(name)?.ok());
    known.filter(alike).map(|other| other.name).collect()
}

/// Whether another user may run a client that comes with the program.
fn is_open(name: &str) -> bool {
    let client = builtin::client(name).and_then(Result::ok);
    client.is_some_and(|client| machine::is_open_to_others(&client))
}

/// The time to just before the edge of a window and the time from there to just after it, where its TTL is long
/// enough for both.
pub fn edge(client: &Client) -> Option<(Span, Span)> {
    let ttl = client.effective_ttl(Cache::default().ttl);
    let before = ttl.0.checked_sub(BEFORE_EDGE.0).filter(|before| *before > BEFORE_EDGE.0)?;
    Some((Span(before), Span(BEFORE_EDGE.0 * 2)))
}

/// What is done to the cache between one wave and the next.
pub fn ageing(rng: &mut StdRng, features: &BTreeSet<Feature>, client: &Client) -> Option<Action> {
    let edge = edge(client).filter(|_| features.contains(&Feature::Edge) && rng.random_bool(0.5));
    match edge {
        Some((to, past)) => Some(Action::AgeBy(if rng.random_bool(0.5) { to } else { past })),
        None => rng.random_bool(0.7).then_some(Action::Age),
    }
}

/// Draws the conditions of a scenario whose waves and injections are drawn already. Where a feature may have them, it
/// has them more often than not.
pub fn apply(
    rng: &mut StdRng,
    scenario: &mut Scenario,
    features: &BTreeSet<Feature>,
    client: &Client,
) {
    let mut has = |feature| features.contains(&feature) && rng.random_bool(0.7);
    let (limits, other_user, neighbour, link, restart) = (
        has(Feature::Limits),
        has(Feature::OtherUser),
        has(Feature::OtherClient),
        has(Feature::Link),
        has(Feature::Restart),
    );
    scenario.disk.linked = link;
    let by_permission = |action: &Action| match action {
        Action::Chmod(_) => true,
        Action::ReadOnly => scenario.disk.size.is_none(),
        _ => false,
    };
    if scenario.inject.iter().any(|it| by_permission(&it.action)) {
        scenario.clients.under.user = Some(User::Ordinary);
    } else if other_user && let Some(wave) = scenario.waves.choose_mut(rng) {
        wave.under.user = Some(User::Other);
    }
    if limits {
        for wave in &mut scenario.waves {
            wave.under.umask =
                [None, Some(0o000), Some(0o022), Some(0o077)][rng.random_range(0..4)];
            wave.under.open_files = rng.random_bool(0.5).then_some(OPEN_FILES);
        }
    }
    let fewest = scenario.resolved_waves().iter().map(|wave| wave.count).min().unwrap_or(1);
    let names = if neighbour && fewest > 1 { neighbours(client) } else { Vec::new() };
    let as_another = scenario.resolved_waves().iter().any(|wave| wave.under.user.is_some());
    let names: Vec<String> =
        names.into_iter().filter(|name| !as_another || is_open(name)).collect();
    if let Some(with) = names.choose(rng) {
        // A few only: some languages take long to start.
        let count = rng.random_range(1..=(fewest - 1).min(3));
        scenario.clients.also = vec![Also { with: with.clone(), count }];
    }
    if restart && scenario.kills_somebody() {
        scenario.clients.restarts = rng.random_range(1..=3);
    }
}
