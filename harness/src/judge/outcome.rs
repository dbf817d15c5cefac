//! The one word, and why.
//!
//! A violation wins over everything. Then comes what kept the harness from telling (`inconclusive`), then
//! what should have happened for a pass to mean something and did not (`vacuous`).

use super::findings::counted;
use super::history::History;
use super::measures;
use super::no_blocking_leftover::permissions;
use super::telling;
use crate::model::fault::Fault;
use crate::model::record::{Effect, ExitStatus, What};
use crate::model::scenario::Action;
use crate::model::verdict::{InvariantReport, Measures, Outcome, Verdict, Witness};

/// Puts the verdict together.
pub(super) fn conclude(history: &History<'_>, invariants: Vec<InvariantReport>) -> Verdict {
    let measures = measures::measure(history);
    let witnesses = witnesses(history, &invariants, &measures);
    let doubts = doubts(history);
    let gaps: Vec<String> = gaps(history, &invariants, &measures);
    let (outcome, reasons) = if invariants.iter().any(InvariantReport::broken) {
        (Outcome::Fail, Vec::new())
    } else if !doubts.is_empty() {
        (Outcome::Inconclusive, doubts)
    } else if !gaps.is_empty() {
        (Outcome::Vacuous, gaps)
    } else {
        (Outcome::Pass, Vec::new())
    };
    Verdict { outcome, reasons, invariants, witnesses, measures }
}

/// Why the harness could not tell, a sentence each.
fn doubts(history: &History<'_>) -> Vec<String> {
    let mut doubts = Vec::new();
    if let Some((moment, why)) = history.interrupted {
        doubts.push(format!("the harness stopped at {moment}, before the scenario's end: {why}"));
    }
    if history.record.events.iter().any(|event| event.what == What::WatchLost) {
        let why = "more came than the system keeps, or a program could not be traced";
        doubts.push(format!("changes on disk were lost: {why}"));
    }
    for (moment, client, error) in &history.spawn_failures {
        doubts.push(format!("{client} could not be started at {moment}: {error}"));
    }
    for process in &history.processes {
        let client = process.client;
        if let Some((moment, number)) = process.foreign_signal() {
            doubts.push(format!(
                "{client} was ended at {moment} by signal {number}, which neither the harness sent nor a program brings upon itself"
            ));
        }
        if let Some(released) = process.released
            && process.ended().is_none()
            && history.interrupted.is_none()
        {
            doubts.push(format!("{client}, let go at {released}, has no end in the record"));
        }
        if let Some((moment, exited)) = process.exited
            && matches!(exited.status, ExitStatus::Signal { ours: true, .. })
            && process.kills.is_empty()
            && process.overdue.is_none()
            && history.interrupted.is_none()
        {
            doubts.push(format!(
                "{client} was ended at {moment} by the harness, and the record does not say why"
            ));
        }
    }
    shorten(doubts)
}

/// The most reasons that a verdict lists.
const REASONS: usize = 10;

fn shorten(mut reasons: Vec<String>) -> Vec<String> {
    if reasons.len() > REASONS {
        let more = reasons.len() - REASONS;
        reasons.truncate(REASONS);
        reasons.push(format!("and {more} more of the like"));
    }
    reasons
}

/// What did not happen although the scenario is about it, a sentence each.
fn gaps(history: &History<'_>, invariants: &[InvariantReport], measures: &Measures) -> Vec<String> {
    let mut gaps = Vec::new();
    if clients_run(history) == 0 {
        gaps.push("no client of any wave ran".to_owned());
    }
    let required = history.record.scenario.required_contention().unwrap_or(0);
    if measures.contention < required {
        gaps.push(format!(
            "{} waited or raced while a fetch was under way, and the scenario needs {required}",
            counted(measures.contention, "client", "clients")
        ));
    }
    let injections = &history.record.scenario.inject;
    for (fired, (number, injection)) in firings(history).into_iter().zip((1..).zip(injections)) {
        if fired.landed > 0 && !fired.released && matches!(injection.action, Action::HoldUntil(_)) {
            gaps.push(format!(
                "injection {number} ({}) held a process, and what it waited for never happened",
                injection.action
            ));
        }
        if fired.landed > 0 || injection.optional {
            continue;
        }
        gaps.push(match fired.missed {
            Some(why) => {
                format!("injection {number} ({}) fired and missed: {why}", injection.action)
            }
            None => format!("injection {number} ({}) never fired", injection.action),
        });
    }
    gaps.extend(missed_steps(history));
    if let Some(fault) = history.record.scenario.catwalk.fault.filter(|it| !is_met(history, *it, 0))
    {
        gaps.push(format!("no client met the fault {fault} that stood from the beginning"));
    }
    for report in proven(history, invariants).filter(|report| report.evaluations == 0) {
        let why = report.not_evaluated.as_deref().unwrap_or("nothing to evaluate it on");
        gaps.push(format!(
            "the scenario is to prove {}, which was never evaluated: {why}",
            report.invariant
        ));
    }
    gaps.extend(telling::demanded(history).filter(|(_, times)| *times == 0).map(|(fact, _)| {
        format!("nothing that a command told of \"{fact}\" could be held against what was so")
    }));
    gaps.extend(permissions::gap(history));
    gaps.extend(super::truthful_exit::sessions::gaps(history));
    shorten(gaps)
}

/// The steps between waves that came to nothing. What is done for the probes, after the faults have
/// ended, is not the scenario's.
fn missed_steps(history: &History<'_>) -> impl Iterator<Item = String> {
    let healed = history.record.events.iter().position(|event| event.what == What::Healed);
    let healed = healed.unwrap_or(usize::MAX);
    history.injected.iter().filter_map(move |step| match step.effect {
        Effect::Missed(why) if step.injection.is_none() && step.moment.index < healed => {
            Some(format!(
                "a step before a wave ({}) came to nothing at {}: {why}",
                step.action, step.moment
            ))
        }
        _ => None,
    })
}

fn witnesses(
    history: &History<'_>,
    invariants: &[InvariantReport],
    measures: &Measures,
) -> Vec<Witness> {
    let witness =
        |name: &str, observed, required| Witness { name: name.to_owned(), observed, required };
    let required = history.record.scenario.required_contention().unwrap_or(0);
    let mut witnesses = vec![
        witness("clients ran", clients_run(history), 1),
        witness("contention", measures.contention, required),
    ];
    let injections = &history.record.scenario.inject;
    for (fired, (number, injection)) in firings(history).into_iter().zip((1..).zip(injections)) {
        let name = format!("injection {number} fired");
        witnesses.push(witness(&name, fired.landed, u32::from(!injection.optional)));
    }
    for report in proven(history, invariants) {
        witnesses.push(witness(&format!("{} evaluated", report.invariant), report.evaluations, 1));
    }
    let told = telling::demanded(history);
    witnesses.extend(told.map(|(fact, times)| witness(&format!("{fact} told"), times, 1)));
    witnesses
}

/// The processes of the waves that were let go.
fn clients_run(history: &History<'_>) -> u32 {
    let wave = history.processes.iter().filter(|process| process.is_in_wave());
    u32::try_from(wave.filter(|process| process.released.is_some()).count()).unwrap_or(u32::MAX)
}

fn proven<'r>(
    history: &History<'_>,
    invariants: &'r [InvariantReport],
) -> impl Iterator<Item = &'r InvariantReport> {
    let proves = &history.record.scenario.expect.proves;
    invariants.iter().filter(move |report| proves.contains(&report.invariant))
}

/// Whether a fault of the network went on the wire after an event. A refused connection reaches nobody
/// who could tell: that a process lived to whom connections were refused is all that can be asked for.
fn is_met(history: &History<'_>, fault: Fault, event: usize) -> bool {
    if fault == Fault::Refuse {
        let cut_off = &history.faults.cut_off;
        return history.processes.iter().filter(|process| process.is_in_wave()).any(|process| {
            let life = process.life().filter(|(_, last)| *last > event);
            life.is_some_and(|(first, last)| {
                cut_off.overlap(process.started_as(), first.max(event), last)
            })
        });
    }
    history.met.iter().any(|(moment, met)| *met == fault && moment.index > event)
}

/// What came of one injection of the scenario.
#[derive(Clone, Default)]
struct Firings<'a> {
    landed: u32,
    /// Why it last missed.
    missed: Option<&'a str>,
    /// Whom it held, it has let go.
    released: bool,
}

/// One entry for each injection of the scenario, in its order.
fn firings<'a>(history: &History<'a>) -> Vec<Firings<'a>> {
    let mut firings = vec![Firings::default(); history.record.scenario.inject.len()];
    for injected in &history.injected {
        let index = injected.injection.and_then(|index| usize::try_from(index).ok());
        let Some(firing) = index.and_then(|index| firings.get_mut(index)) else { continue };
        match injected.effect {
            Effect::Landed
                if matches!(injected.action, Action::Fault(fault)
                    if !is_met(history, *fault, injected.moment.index)) =>
            {
                firing.missed = Some("no client met it");
            }
            // A process that was held goes on: the other half of the same injection.
            Effect::Landed if injected.is_second_half(history) => firing.released = true,
            Effect::Landed => firing.landed = firing.landed.saturating_add(1),
            Effect::Missed(why) => firing.missed = Some(why),
        }
    }
    firings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::testing::{Story, check, herd, story};
    use crate::model::record::{Part, Sighting, What};
    use crate::model::units::{ClientId, Signal};
    use crate::model::verdict::Invariant;

    const KILL: Action = Action::Kill(Signal::Kill);

    fn interrupted(told: Story) -> Story {
        told.push(What::Interrupted { why: "its own deadline had passed".to_owned() })
    }

    #[test]
    fn a_step_that_came_to_nothing_is_a_gap_unless_it_was_for_the_probes() {
        let missed = |told: Story| {
            let effect = Effect::Missed("nothing is published".to_owned());
            told.push(What::Injected {
                injection: None,
                action: Action::Age,
                targets: Vec::new(),
                because: None,
                effect,
            })
        };
        check(missed(herd()), "vacuous");
        check(missed(herd().healed()), "pass");
    }

    #[test]
    fn lost_changes_leave_the_harness_in_doubt() {
        check(herd().push(What::WatchLost), "inconclusive");
        check(failing(herd().push(What::WatchLost)), "fail truthful-exit");
    }

    /// No injection of the scenario's list ever fired.
    fn vacuous() -> Story {
        herd().plan(KILL, false)
    }

    /// A client fails and nothing explains it.
    fn failing(told: Story) -> Story {
        told.wave(&[8]).fail(8)
    }

    #[track_caller]
    fn check_reasons(told: Story, expected: &[&str]) {
        assert_eq!(told.verdict().reasons, expected);
    }

    #[test]
    fn a_violation_wins_over_doubt_and_doubt_over_a_gap() {
        check(herd(), "pass");
        check(vacuous(), "vacuous");
        check(interrupted(herd()), "inconclusive");
        check(interrupted(vacuous()), "inconclusive");
        check(interrupted(failing(vacuous())), "fail truthful-exit");
        check(failing(vacuous()), "fail truthful-exit");
        check_reasons(failing(vacuous()), &[]);
        check_reasons(
            interrupted(vacuous()),
            &[
                "the harness stopped at 0.140 s, before the scenario's end: its own deadline had passed",
            ],
        );
    }

    #[test]
    fn an_injection_must_fire_and_land_unless_it_is_optional() {
        check(herd().plan(KILL, true), "pass");
        let effect = |effect| {
            let told = story().plan(KILL, false).wave(&[1, 2]).ask(1);
            let told = told.inject_as(Some(0), KILL, &[1], effect).die(1);
            told.fetch(2, 1).publish(1).exit(2, 1)
        };
        check(effect(Effect::Landed), "pass");
        check_reasons(vacuous(), &["injection 1 (SIGKILL to the process) never fired"]);
        let told = herd().plan(Action::Bump, false);
        let gone = Effect::Missed("c01 had ended".to_owned());
        let told = told.inject_as(Some(0), Action::Bump, &[], gone);
        check_reasons(told, &["injection 1 (bump the catalogue) fired and missed: c01 had ended"]);
    }

    #[test]
    fn contention_that_is_needed_must_be_reached() {
        let needs = |count| herd().scenario(|it| it.expect.contention = Some(count));
        check(needs(3), "pass");
        check(needs(4), "vacuous");
        check_reasons(
            needs(4),
            &["3 clients waited or raced while a fetch was under way, and the scenario needs 4"],
        );
    }

    #[test]
    fn what_a_scenario_proves_must_have_been_evaluated() {
        let proves = |invariant| herd().scenario(|it| it.expect.proves = vec![invariant]);
        check(proves(Invariant::Freshness), "pass");
        check(proves(Invariant::ValidatorFidelity), "vacuous");
        check_reasons(
            proves(Invariant::ValidatorFidelity),
            &[
                "the scenario is to prove validator-fidelity, which was never evaluated: no client sent If-None-Match",
            ],
        );
    }

    #[test]
    fn a_run_without_clients_is_vacuous() {
        check(story(), "vacuous");
        check_reasons(story(), &["no client of any wave ran"]);
        let setup = story().start(1, Part::Setup, "get").fetch(1, 1).publish(1).exit(1, 1);
        check(setup, "vacuous");
    }

    #[test]
    fn what_the_harness_cannot_tell_is_said() {
        let failed = What::SpawnFailed { client: ClientId(4), error: "no such file".to_owned() };
        check(herd().push(failed.clone()), "inconclusive");
        check_reasons(herd().push(failed), &["c04 could not be started at 0.140 s: no such file"]);
        let foreign = ExitStatus::Signal { number: 9, ours: false };
        check_reasons(
            herd().wave(&[4]).end(4, foreign, Sighting::Absent),
            &[
                "c04 was ended at 0.170 s by signal 9, which neither the harness sent nor a program brings upon itself",
            ],
        );
        check_reasons(herd().wave(&[4]), &["c04, let go at 0.160 s, has no end in the record"]);
        check_reasons(
            herd().wave(&[4]).die(4),
            &["c04 was ended at 0.170 s by the harness, and the record does not say why"],
        );
        let many: Vec<u32> = (4..40).collect();
        assert_eq!(herd().wave(&many).verdict().reasons.len(), REASONS + 1);
    }

    #[test]
    fn witnesses_hold_what_was_seen_and_what_was_needed() {
        let told = herd().plan(KILL, false).plan(Action::Bump, true);
        let told = told.inject_as(Some(1), Action::Bump, &[], Effect::Landed);
        let told = told.scenario(|it| {
            it.expect.contention = Some(2);
            it.expect.proves = vec![Invariant::SingleFlight];
        });
        let witnesses = told.verdict().witnesses;
        let lines: Vec<String> = witnesses
            .iter()
            .map(|it| format!("{}: {} of {}", it.name, it.observed, it.required))
            .collect();
        assert_eq!(
            lines,
            [
                "clients ran: 3 of 1",
                "contention: 3 of 2",
                "injection 1 fired: 0 of 1",
                "injection 2 fired: 1 of 0",
                "single-flight evaluated: 1 of 1",
            ]
        );
    }
}
