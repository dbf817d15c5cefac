//! A crash sweep.

use cachestorm_model::call::CallName;
use cachestorm_model::errno::Errno;
use cachestorm_model::scenario::Phase;
use cachestorm_model::sweep::{Case, Deed, Point, SWEEP_SCHEMA, Sweep};
use cachestorm_model::verdict::{Invariant, Outcome};
use cachestorm_reports::style::Options;
use cachestorm_reports::sweep::{json, markdown, terminal};

fn case(deed: Option<Deed>, broken: &[Invariant]) -> Case {
    let outcome = if broken.is_empty() { Outcome::Pass } else { Outcome::Fail };
    Case {
        deeds: deed.map(|deed| (0, deed)).into_iter().collect(),
        name: "sweep/cold/rename-published-1/x".to_owned(),
        reached: true,
        both: false,
        outcome: Some(outcome),
        broken: broken.to_vec(),
        sentences: broken.iter().map(|it| format!("{it} is broken")).collect(),
    }
}

/// One call, with these deeds at it, of a client that was seen as so many processes.
fn sweep(processes: u32, deeds: &[(Deed, &[Invariant])]) -> Sweep {
    let at = deeds.iter().map(|(deed, broken)| case(Some(*deed), broken));
    Sweep {
        schema: SWEEP_SCHEMA.to_owned(),
        client: "some".to_owned(),
        scenario: "sweep/cold".to_owned(),
        left_out: Vec::new(),
        points: vec![Point {
            call: CallName::Rename,
            path: Some("published".to_owned()),
            by: None,
            nth: 1,
            shown: "rename(a|b -> p) = 0".to_owned(),
            is_step: true,
            bytes: None,
            among_others: processes > 1,
            by_child: processes > 1,
        }],
        cases: [case(None, &[])].into_iter().chain(at).collect(),
        processes: Some(processes),
    }
}

/// Killed altogether and in parts, and failed: one of the parts is broken.
fn in_parts() -> Sweep {
    let broken = &[Invariant::NoPartialFile][..];
    sweep(
        2,
        &[
            (Deed::Kill(Phase::Before), &[]),
            (Deed::Kill(Phase::After), &[]),
            (Deed::KillAlone(Phase::Before), broken),
            (Deed::KillAlone(Phase::After), &[]),
            (Deed::Orphan, &[]),
            (Deed::Fail(Errno::Io), &[]),
        ],
    )
}

#[test]
fn a_client_of_several_processes_has_a_column_of_its_parts() {
    insta::assert_snapshot!("sweep-markdown", markdown(&in_parts()).unwrap());
    insta::assert_snapshot!("sweep", terminal(&in_parts(), &Options::plain()));
}

#[test]
fn of_a_client_of_one_process_it_is_said_that_it_has_no_parts() {
    let said = "it is one process, and was not killed in parts";
    let killed = sweep(1, &[(Deed::Kill(Phase::Before), &[])]);
    let page = markdown(&killed).unwrap();
    assert!(page.contains(said) && !page.contains("killed in parts |"), "{page}");
    // Nor where nothing was killed, or nobody counted.
    let failed = sweep(1, &[(Deed::Fail(Errno::Io), &[])]);
    let earlier = Sweep { processes: None, ..killed };
    for sweep in [failed, earlier] {
        assert!(!markdown(&sweep).unwrap().contains(said));
    }
}

#[test]
fn json_is_read_again_as_what_it_was() {
    let text = json(&in_parts()).unwrap();
    assert_eq!(serde_json::from_str::<Sweep>(&text).unwrap(), in_parts());
}
