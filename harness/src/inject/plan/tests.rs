use super::*;
use crate::model::scenario::{Action, OnCall};

fn injection(on: Trigger) -> Injection {
    Injection {
        on,
        nth: None,
        each_wave: false,
        times: None,
        target: None,
        action: Action::Bump,
        optional: false,
    }
}

/// Tells a plan of one injection what occurs, and says at which occurrences it fired. `None` is the
/// start of a wave.
fn check(injection: Injection, occurrences: &[Option<Occurrence>], expected: &[usize]) {
    let mut plan = Plan::new(&[injection]).unwrap();
    let mut fired = Vec::new();
    for (index, occurrence) in occurrences.iter().enumerate() {
        match occurrence {
            None => plan.wave_starts(),
            Some(occurrence) if plan.occurs(*occurrence) == [0] => fired.push(index),
            Some(_) => {}
        }
    }
    assert_eq!(fired, expected);
}

#[test]
fn ordinals_count_over_the_whole_scenario() {
    use Occurrence::{HeadSent, Request};
    let occurrences = [Some(Request(1)), None, Some(Request(2)), Some(HeadSent(2))];
    check(injection(Trigger::Request(2)), &occurrences, &[2]);
    check(injection(Trigger::HeadSent(2)), &occurrences, &[3]);
    check(injection(Trigger::HeadSent(1)), &occurrences, &[]);
}

#[test]
fn ordinals_count_anew_in_each_wave_when_asked_to() {
    use Occurrence::Request;
    let mut each = injection(Trigger::Request(1));
    each.each_wave = true;
    let occurrences =
        [None, Some(Request(1)), Some(Request(2)), None, Some(Request(3)), Some(Request(4))];
    check(each, &occurrences, &[1, 4]);
}

#[test]
fn an_injection_may_fire_so_many_times_in_a_row() {
    use Occurrence::{Removed, Request};
    let mut twice = injection(Trigger::Request(2));
    twice.times = Some(2);
    let requests = [1, 2, 3, 4].map(|n| Some(Request(n)));
    check(twice.clone(), &requests, &[1, 2]);
    twice.each_wave = true;
    let waves = [None, Some(Request(1)), Some(Request(2)), None, Some(Request(4))];
    check(twice, &waves, &[2, 4]);
    let mut removed = injection(Trigger::Removed("lock".into()));
    (removed.nth, removed.times) = (Some(2), Some(2));
    let gone = Some(Removed(Role::Lock, Path::new("l")));
    check(removed, &[gone; 5], &[1, 2]);
}

#[test]
fn files_are_counted_by_pattern() {
    let path = Path::new("crush/x.tmp");
    let created = Some(Occurrence::Created(Role::Temp, path));
    let other = Some(Occurrence::Created(Role::Lock, Path::new("crush/x.lock")));
    let mut second = injection(Trigger::Created("temp".into()));
    check(second.clone(), &[other, created, created], &[1]);
    second.nth = Some(2);
    check(second.clone(), &[created, other, created, created], &[2]);
    second.each_wave = true;
    check(second, &[created, None, created, created], &[3]);
}

#[test]
fn calls_may_count_for_one_command_only() {
    let call = Call {
        client: ClientId(1),
        pid: 1,
        tid: 1,
        name: CallName::Rename,
        path: None,
        to: None,
        flags: String::new(),
        bytes: None,
        result: crate::model::call::CallResult::Pending,
    };
    let phase = Phase::Before;
    let on = |by: Option<&str>| {
        let by = by.map(str::to_owned);
        injection(Trigger::Syscall(OnCall { call: CallName::Rename, path: None, phase, by }))
    };
    let made = ["update", "rollback"].map(|by| Some(Occurrence::Call(&call, phase, by)));
    check(on(None), &made, &[0]);
    check(on(Some("rollback")), &made, &[1]);
    check(on(Some("clear")), &made, &[]);
}

#[test]
fn nothing_fires_twice_or_after_the_end() {
    let mut plan =
        Plan::new(&[injection(Trigger::AllExited(1)), injection(Trigger::Begin)]).unwrap();
    assert_eq!(plan.occurs(Occurrence::AllExited(1)), [0]);
    assert_eq!(plan.occurs(Occurrence::AllExited(1)), [] as [usize; 0]);
    plan.end();
    assert_eq!(plan.occurs(Occurrence::Begin), [] as [usize; 0]);
}
