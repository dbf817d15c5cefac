//! A session lives until it is told to end, and then ends with exit code 0.
//!
//! What it was asked last it has answered by then, so that nothing of that is lost; but who embeds such a cache has a
//! process that died of it. One that met an injection, or that died by a signal from elsewhere, is indeterminate.

use super::said;
use crate::judge::findings::Findings;
use crate::judge::history::{History, Process, SessionEnd};
use crate::model::record::{Event, ExitStatus, Part, What};

/// Evaluates it.
pub(super) fn evaluate(history: &History<'_>, findings: &mut Findings) {
    for end in &history.session_ends {
        let disturbed = |process: &Process<'_>| {
            let met = !process.kills.is_empty() || !process.stops.is_empty();
            met || !process.broken_calls.is_empty() || process.overdue.is_some()
        };
        let mut readings = readings(history, end);
        let cut_short = history.interrupted.is_some_and(|(at, _)| at.index < end.moment.index);
        let from_elsewhere = matches!(end.status, ExitStatus::Signal { ours: false, .. });
        if cut_short || from_elsewhere || readings.any(disturbed) {
            findings.indeterminate();
            continue;
        }
        findings.evaluated();
        let problem = match (end.told, end.status) {
            (true, ExitStatus::Code(0)) => continue,
            (true, ExitStatus::Code(_)) => "when its standard input was closed",
            (true, ExitStatus::Signal { .. }) => {
                "because it had not ended by its deadline when its standard input was closed"
            }
            (false, _) => "although its standard input was open",
        };
        findings.violated(&[end.moment], || {
            format!(
                "the session of {} ended with {} at {}, {problem}{}",
                end.session,
                end.status,
                end.moment,
                said(end.stderr)
            )
        });
    }
}

/// Waves of a scenario that is to prove something which asked nobody again, since none of those lived.
pub(in crate::judge) fn gaps(history: &History<'_>) -> Vec<String> {
    let scenario = &history.record.scenario;
    let ran = |number| {
        let ends = |event: &Event| event.what == What::WaveEnded { wave: number };
        history.record.events.iter().any(ends)
    };
    let asked = |number| history.processes.iter().any(|it| it.part == Part::Wave(number));
    let waves =
        scenario.resolved_waves().into_iter().filter(|_| !scenario.expect.proves.is_empty());
    let nobody = waves.filter_map(|wave| {
        let (number, first) = (wave.number, wave.again?);
        let gap = || format!("nobody of wave {first} lived to be asked again in wave {number}");
        (ran(number) && !asked(number)).then(gap)
    });
    nobody.collect()
}

/// What was asked of a session.
fn readings<'h, 'a>(
    history: &'h History<'a>,
    end: &SessionEnd<'_>,
) -> impl Iterator<Item = &'h Process<'a>> {
    let session = end.session;
    history.processes.iter().filter(move |process| process.session == Some(session))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::testing::{Story, check, check_counts, check_sentences, story};
    use crate::model::scenario::{Action, Scenario, Wave};
    use crate::model::units::Signal;
    use crate::model::verdict::Invariant;

    const CODE: fn(i32) -> ExitStatus = ExitStatus::Code;

    /// A session that has read twice.
    fn told() -> Story {
        let first = story().again(&[(1, 1)]).fetch(1, 1).publish(1).exit(1, 1).wave_ended();
        first.again(&[(2, 1)]).exit(2, 1)
    }

    #[test]
    fn a_session_ends_when_it_is_told_to() {
        check(told().session_ends(1, CODE(0), true).wave_ended(), "pass");
        check(told().wave_ended(), "pass");
        let killed = ExitStatus::Signal { number: 9, ours: true };
        for (status, told_to, sentence) in [
            (CODE(1), true, "exit code 1 at 0.130 s, when its standard input was closed"),
            (CODE(0), false, "exit code 0 at 0.130 s, although its standard input was open"),
            (
                killed,
                true,
                "signal 9 from the harness at 0.130 s, because it had not ended by its deadline when its standard input was closed",
            ),
        ] {
            let ended = told().session_ends(1, status, told_to);
            check_sentences(
                ended,
                Invariant::TruthfulExit,
                &[&format!("the session of c01 ended with {sentence}")],
            );
        }
    }

    #[test]
    fn whom_nobody_could_ask_again_proves_nothing() {
        let waves = |it: &mut Scenario| {
            let wave = |again| Wave { again, command: Some("s".to_owned()), ..Wave::default() };
            it.waves = vec![wave(None), wave(Some(1)), wave(Some(1))];
            it.expect.proves = vec![Invariant::TruthfulExit];
        };
        let killed = told().wave_ended().again(&[(3, 1)]);
        check(killed.clone().exit(3, 1).wave_ended().scenario(waves), "pass");
        check(told().wave_ended().again(&[]).wave_ended().scenario(waves), "vacuous");
    }

    #[test]
    fn what_others_have_done_to_it_is_not_its_own() {
        let count = |told: Story| check_counts(told, Invariant::TruthfulExit, (2, 1));
        let elsewhere = ExitStatus::Signal { number: 15, ours: false };
        count(told().session_ends(1, elsewhere, false));
        let stopped = |it: Story| it.inject(Action::Stop, &[3]).inject(Action::Continue, &[3]);
        let again = stopped(told().wave_ended().again(&[(3, 1)]));
        check_counts(
            again.exit(3, 1).session_ends(1, CODE(1), true),
            Invariant::TruthfulExit,
            (3, 1),
        );
        let interrupted = told().push(What::Interrupted { why: "x".into() });
        count(interrupted.session_ends(1, CODE(1), false));
        // Who dies while it reads is judged as whoever dies.
        let dying = told().wave_ended().again(&[(3, 1)]).inject(Action::Kill(Signal::Kill), &[3]);
        check(dying.kill(3).wave_ended(), "pass");
    }
}
