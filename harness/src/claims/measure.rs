//! From a judged record to "holds", "refuted" or "not shown", with a figure.

use std::collections::BTreeMap;
use std::time::Duration;

use cachestorm_reports::claims::ClaimCell;

use crate::model::record::{Effect, ExitStatus, Exited, Part, Record, Sighting, What};
use crate::model::units::{ClientId, Nanos, Serial};
use crate::model::verdict::{Invariant, Verdict};

/// A judged record.
pub struct Seen<'a> {
    /// What happened.
    pub record: &'a Record,
    /// What it means.
    pub verdict: &'a Verdict,
}

/// How long a process may be delayed by a lock that nobody gives back: the second of the report, and
/// as much again for a slow machine.
const GRACEFUL: Duration = Duration::from_secs(2);

fn cell(holds: bool, measured: String) -> ClaimCell {
    ClaimCell { holds: Some(holds), measured, note: None }
}

fn noted(holds: bool, measured: String, note: &str) -> ClaimCell {
    ClaimCell { holds: Some(holds), measured, note: Some(note.to_owned()) }
}

impl Seen<'_> {
    /// The ends of the processes whose part is as wanted.
    fn ends(&self, wanted: impl Fn(Part) -> bool) -> Vec<&Exited> {
        let parts: BTreeMap<ClientId, Part> = self
            .record
            .events
            .iter()
            .filter_map(|event| match event.what {
                What::Spawned { client, part, .. } => Some((client, part)),
                _ => None,
            })
            .collect();
        let events = self.record.events.iter();
        events
            .filter_map(|event| match &event.what {
                What::Exited(exited) => Some(exited),
                _ => None,
            })
            .filter(|exited| parts.get(&exited.client).copied().is_some_and(&wanted))
            .collect()
    }

    fn herd(&self) -> Vec<&Exited> {
        self.ends(|part| matches!(part, Part::Wave(_)))
    }

    fn breaks(&self, invariant: Invariant) -> bool {
        self.verdict.invariants.iter().any(|r| r.invariant == invariant && r.broken())
    }

    fn damaged_sightings(&self) -> usize {
        let damaged = |what: &What| match what {
            What::Published { sighting, .. } => matches!(sighting, Sighting::Damaged { .. }),
            What::Exited(exited) => {
                exited.status.success() && matches!(exited.got, Sighting::Damaged { .. })
            }
            _ => false,
        };
        self.record.events.iter().filter(|event| damaged(&event.what)).count()
    }

    /// How long the process lived, from its release to its end.
    fn life(&self, client: ClientId) -> Option<Duration> {
        let at = |wanted: &dyn Fn(&What) -> bool| -> Option<Nanos> {
            self.record.events.iter().find(|event| wanted(&event.what)).map(|event| event.at)
        };
        let began = at(&|what| matches!(what, What::Released { client: c } if *c == client))?;
        let ended = at(&|what| matches!(what, What::Exited(exited) if exited.client == client))?;
        Some(ended.since(began))
    }
}

/// Whether each injection of the scenario took effect.
pub fn faults_landed(record: &Record) -> bool {
    let landed = |wanted: usize| {
        record.events.iter().any(|event| {
            matches!(
                &event.what,
                What::Injected { injection: Some(index), effect: Effect::Landed, .. }
                    if *index as usize == wanted
            )
        })
    };
    (0..record.scenario.inject.len()).all(landed)
}

/// The same, and what was killed had not published yet.
pub fn killed_before_publishing(record: &Record) -> bool {
    let published = record.events.iter().position(
        |event| matches!(&event.what, What::Published { sighting, .. } if sighting.serial().is_some()),
    );
    let healed = record.events.iter().position(|event| event.what == What::Healed);
    faults_landed(record) && published.is_none_or(|published| Some(published) > healed)
}

fn succeeded(exited: &Exited) -> bool {
    exited.status.success() && !matches!(exited.got, Sighting::Absent | Sighting::Damaged { .. })
}

/// One request for the whole herd.
pub fn requests_of_herd(seen: &Seen) -> ClaimCell {
    let figures = &seen.verdict.measures;
    let failed = figures.failed;
    let requests = requests_in_words(figures.herd_requests);
    let measured = format!("{requests}, {failed} of {} failed", figures.clients);
    cell(figures.herd_requests == 1 && failed == 0, measured)
}

/// Updates succeed, and the file is whole.
pub fn updates(seen: &Seen) -> ClaimCell {
    let herd = seen.herd();
    let good = herd.iter().filter(|exited| succeeded(exited)).count();
    let whole = !seen.breaks(Invariant::NoPartialFile);
    let file = if whole { "whole" } else { "damaged" };
    let measured = format!("{good} of {} succeed, file {file}", herd.len());
    let holds = good == herd.len() && whole;
    if seen.breaks(Invariant::MutualExclusion) {
        return noted(holds, measured, "they fetched at the same time: nothing keeps them apart");
    }
    cell(holds, measured)
}

/// Nothing damaged was seen, on disk or by a reader.
pub fn damage(seen: &Seen) -> ClaimCell {
    let damaged = seen.damaged_sightings();
    let looked = seen.verdict.measures.observations;
    let measured = format!("{damaged} damaged sightings in {looked} looks at the file");
    if damaged == 0 {
        let note = "sampled: a look between two writes can miss a moment";
        return noted(true, measured, note);
    }
    cell(false, measured)
}

/// Every process of the herd succeeds.
pub fn all_succeed(seen: &Seen) -> ClaimCell {
    let herd = seen.herd();
    let good = herd.iter().filter(|exited| succeeded(exited)).count();
    cell(good == herd.len(), format!("{good} of {} succeed", herd.len()))
}

/// The first process after the fault succeeds.
pub fn next_process(seen: &Seen) -> ClaimCell {
    let probes = seen.ends(|part| matches!(part, Part::ProbeNow));
    let Some(probe) = probes.first() else {
        return ClaimCell { holds: None, measured: "no process came after".to_owned(), note: None };
    };
    let time = seen.life(probe.client).map(seconds).unwrap_or_default();
    if succeeded(probe) {
        return cell(true, format!("the next process succeeds after {time}"));
    }
    let how = match probe.status {
        ExitStatus::Code(0) => "ends without a catalogue".to_owned(),
        status => format!("fails ({status})"),
    };
    cell(false, format!("the next process {how} after {time}"))
}

/// A lock that nobody gives back delays a process by a second at most, and it comes away with data.
pub fn stale_lock(seen: &Seen) -> ClaimCell {
    let herd = seen.herd();
    let longest = herd.iter().filter_map(|exited| seen.life(exited.client)).max();
    let good = herd.iter().filter(|exited| succeeded(exited)).count();
    let time = longest.map(seconds).unwrap_or_default();
    let measured = format!("{good} of {} succeed, the last after {time}", herd.len());
    cell(good == herd.len() && longest.is_some_and(|life| life <= GRACEFUL), measured)
}

/// Every process gets the catalogue that is new since the window ended.
pub fn refetched(seen: &Seen) -> ClaimCell {
    let herd = seen.herd();
    let newest = herd.iter().filter_map(|exited| exited.got.serial()).max();
    let current = newest.unwrap_or(Serial(0));
    let good = herd
        .iter()
        .filter(|exited| exited.status.success() && exited.got.serial() == Some(current))
        .count();
    let requests = seen.verdict.measures.herd_requests;
    let measured = format!("{good} of {} get it, by {}", herd.len(), requests_in_words(requests));
    cell(good == herd.len() && current > Serial(1), measured)
}

/// No request while the cache is fresh, and a file that is not touched.
pub fn requests_on_fresh(seen: &Seen) -> ClaimCell {
    let requests = seen.verdict.measures.herd_requests;
    let wave = seen.record.events.iter().position(|e| matches!(e.what, What::WaveStarted { .. }));
    let after = seen.record.events.iter().skip(wave.unwrap_or(0));
    let until = after.take_while(|event| !matches!(event.what, What::WaveEnded { .. }));
    let rewritten = until.filter(|event| matches!(event.what, What::Published { .. })).count();
    let file = if rewritten == 0 { "unchanged" } else { "rewritten" };
    cell(requests == 0 && rewritten == 0, format!("{}, file {file}", requests_in_words(requests)))
}

/// The share of processes that needed no request.
pub fn hit_rate(seen: &Seen) -> ClaimCell {
    let figures = &seen.verdict.measures;
    let rate = f64::from(figures.hits) / f64::from(figures.clients.max(1)) * 100.0;
    let measured = format!("{rate:.0} % of {} processes in 5 windows", figures.clients);
    cell(rate >= 95.0, measured)
}

fn requests_in_words(requests: u32) -> String {
    if requests == 1 { "1 request".to_owned() } else { format!("{requests} requests") }
}

fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}
