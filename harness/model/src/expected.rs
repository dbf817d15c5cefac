//! What a client that is wrong on purpose is expected to break: `expected.toml` beside its description.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::verdict::{Invariant, Outcome, Verdict};

/// The file beside `client.toml`. A client without one is right: it must pass every scenario.
pub const FILE_NAME: &str = "expected.toml";

/// What a wrong client breaks, by the scenario's name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Expectations {
    /// Why the client is wrong, in a sentence.
    pub bug: String,
    /// Why no scenario catches it yet: what it takes. Such a client passes every scenario, or is only
    /// caught at times; it must have no scenario that breaks something every time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_caught: Option<String>,
    /// The scenarios that are run against it.
    #[serde(default)]
    pub scenario: BTreeMap<String, Expected>,
}

/// What one scenario shows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Expected {
    /// The invariants that break every time, on a machine of any speed.
    #[serde(default)]
    pub breaks: Vec<Invariant>,
    /// Of these, at least one breaks; which one hangs on the system's schedule.
    #[serde(default)]
    pub breaks_one_of: Vec<Invariant>,
    /// The invariants that may break as well, where that hangs on the system's schedule.
    #[serde(default)]
    pub may_break: Vec<Invariant>,
    /// Why it is so, for whoever wonders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Expectations {
    /// What is wrong with the expectations themselves: a wrong client that nothing catches would make
    /// the harness look right by default.
    pub fn fault(&self) -> Option<&'static str> {
        let caught = self.scenario.values().any(Expected::is_certain);
        match (&self.not_caught, caught) {
            (None, false) => Some(
                "names no scenario that breaks anything; write one, or say in `not-caught` what it takes",
            ),
            (Some(_), true) => Some(
                "says `not-caught`, and names a scenario that breaks something; remove one of the two",
            ),
            _ => None,
        }
    }
}

impl Expected {
    /// Whether something breaks every time.
    pub fn is_certain(&self) -> bool {
        !self.breaks.is_empty() || !self.breaks_one_of.is_empty()
    }

    /// Whether the verdict is the expected one.
    ///
    /// # Errors
    /// How it differs, in half a sentence.
    pub fn check(&self, verdict: &Verdict) -> Result<(), String> {
        let broken = verdict.broken();
        let missing: Vec<_> =
            self.breaks.iter().copied().filter(|it| !broken.contains(it)).collect();
        let known = [&self.breaks, &self.breaks_one_of, &self.may_break];
        let is_known = |it: &Invariant| known.into_iter().any(|list| list.contains(it));
        let excess: Vec<_> = broken.iter().copied().filter(|it| !is_known(it)).collect();
        let one_of = &self.breaks_one_of;
        if !missing.is_empty() {
            return Err(format!("was expected to break {}, and did not", names(&missing)));
        }
        if !one_of.is_empty() && !one_of.iter().any(|it| broken.contains(it)) {
            return Err(format!("was expected to break one of {}, and did not", names(one_of)));
        }
        if !excess.is_empty() {
            return Err(format!("broke {}, which was not expected", names(&excess)));
        }
        if broken.is_empty() && verdict.outcome != Outcome::Pass {
            return Err(format!("was expected to pass, and is {}", verdict.outcome));
        }
        Ok(())
    }
}

fn names(invariants: &[Invariant]) -> String {
    invariants.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{InvariantReport, Measures, Violation};

    fn verdict(outcome: Outcome, broken: &[Invariant]) -> Verdict {
        let report = |invariant| {
            let mut report = InvariantReport::new(invariant);
            if broken.contains(&invariant) {
                report.violations.push(Violation { sentence: String::new(), events: Vec::new() });
            }
            report
        };
        Verdict {
            outcome,
            reasons: Vec::new(),
            invariants: Invariant::ALL.map(report).into(),
            witnesses: Vec::new(),
            measures: Measures::default(),
        }
    }

    #[track_caller]
    fn check(expected: &Expected, broken: &[Invariant], differs: Option<&str>) {
        let outcome = if broken.is_empty() { Outcome::Pass } else { Outcome::Fail };
        let found = expected.check(&verdict(outcome, broken)).err();
        assert_eq!(found.as_deref(), differs);
    }

    #[test]
    fn what_breaks_must_be_what_was_expected() {
        use Invariant::{Freshness, NoPartialFile, SingleFlight, TruthfulExit};
        let expected = Expected {
            breaks: vec![SingleFlight],
            breaks_one_of: vec![Freshness, TruthfulExit],
            may_break: vec![NoPartialFile],
            why: None,
        };
        check(&expected, &[SingleFlight, Freshness], None);
        check(&expected, &[SingleFlight, TruthfulExit, NoPartialFile], None);
        check(&expected, &[Freshness], Some("was expected to break single-flight, and did not"));
        check(
            &expected,
            &[SingleFlight],
            Some("was expected to break one of freshness, truthful-exit, and did not"),
        );
        let passes = Expected::default();
        check(&passes, &[], None);
        check(&passes, &[Freshness], Some("broke freshness, which was not expected"));
        let vacuous = passes.check(&verdict(Outcome::Vacuous, &[]));
        assert_eq!(vacuous.unwrap_err(), "was expected to pass, and is vacuous");
    }

    #[test]
    fn a_client_that_nothing_catches_says_so() {
        let certain = Expected { breaks: vec![Invariant::Freshness], ..Expected::default() };
        let expectations = |not_caught: Option<&str>, expected: &Expected| Expectations {
            bug: "x".to_owned(),
            not_caught: not_caught.map(str::to_owned),
            scenario: BTreeMap::from([("ttl/one".to_owned(), expected.clone())]),
        };
        let passes = Expected::default();
        let fault = |not_caught, expected| expectations(not_caught, expected).fault().is_some();
        assert!(!fault(None, &certain));
        assert!(fault(None, &passes));
        assert!(fault(Some("needs the tracer"), &certain));
        assert!(!fault(Some("needs the tracer"), &passes));
    }
}
