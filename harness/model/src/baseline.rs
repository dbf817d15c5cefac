//! A baseline: what a run came to, kept small, for later runs to be compared with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::run::{Host, Run, RunResult};
use crate::verdict::{Invariant, Measures, Outcome, Waits};

/// The version of the format of a baseline; a reader refuses any other.
pub const BASELINE_SCHEMA: &str = "cachestorm-baseline/1";

/// The verdicts and figures of one run, without what happened in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// [`BASELINE_SCHEMA`].
    pub schema: String,
    /// Its own name, which is its file's.
    pub name: String,
    /// The version of cachestorm that made the run.
    pub version: String,
    /// The client's name.
    pub client: String,
    /// The run's name.
    pub run: String,
    /// When the run began, in RFC 3339.
    pub started: String,
    /// What seeded the run.
    pub seed: u64,
    /// The machine that the run was made on.
    pub host: Host,
    /// The repetitions of each scenario, by its name, in order.
    pub scenarios: BTreeMap<String, Vec<Repetition>>,
}

/// What one repetition of one scenario came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repetition {
    /// The verdict's word.
    pub outcome: Outcome,
    /// The invariants that it broke.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub broken: Vec<Invariant>,
    /// The figures; `None` where it was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures: Option<Figures>,
}

/// The figures of one repetition that a comparison looks at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// Requests for the catalogue.
    pub requests: u32,
    /// TTL windows that opened.
    pub windows: u32,
    /// Clients of the waves that failed without having been killed.
    pub failed: u32,
    /// Temporaries that lay about at the end.
    pub residue: u32,
    /// From the last fault to the next success, in milliseconds; `None` where nobody succeeded after it, or
    /// where there was no fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_ms: Option<u64>,
    /// How long the clients of the waves lived.
    pub waits: Waits,
    /// How long the machine took to start a process, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_us: Option<u64>,
}

impl Figures {
    fn of(measures: &Measures) -> Self {
        Self {
            requests: measures.requests,
            windows: measures.windows,
            failed: measures.failed,
            residue: measures.residue,
            recovery_ms: measures.recovery_ms,
            waits: measures.waits.clone(),
            start_us: measures.start_us,
        }
    }
}

impl Baseline {
    /// The baseline of a run. What was not judged because a file or the harness was at fault is left out; see
    /// [`faults`] for whether there is any.
    pub fn of(run: &Run, name: &str) -> Self {
        let mut scenarios: BTreeMap<String, Vec<Repetition>> = BTreeMap::new();
        for result in &run.results {
            let repetition = match &result.result {
                RunResult::Judged(verdict) => Repetition {
                    outcome: verdict.outcome,
                    broken: verdict.broken(),
                    figures: Some(Figures::of(&verdict.measures)),
                },
                RunResult::Skipped(_) => {
                    Repetition { outcome: Outcome::Skipped, broken: Vec::new(), figures: None }
                }
                RunResult::Invalid(_) | RunResult::HarnessFault(_) => continue,
            };
            scenarios.entry(result.scenario.clone()).or_default().push(repetition);
        }
        Self {
            schema: BASELINE_SCHEMA.to_owned(),
            name: name.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            client: run.client.clone(),
            run: run.id.clone(),
            started: run.started.clone(),
            seed: run.seed,
            host: run.host.clone(),
            scenarios,
        }
    }

    /// Repetitions in all.
    pub fn repetitions(&self) -> usize {
        self.scenarios.values().map(Vec::len).sum()
    }

    /// The file's text: JSON with a line for each repetition, so that a change shows as lines of a diff.
    ///
    /// # Errors
    /// None that the data can cause; the serialiser's are passed on.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let head = Self { scenarios: BTreeMap::new(), ..self.clone() };
        let head = serde_json::to_string_pretty(&head)?;
        let head = head.trim_end_matches("{}\n}");
        let mut scenarios = Vec::new();
        for (name, repetitions) in &self.scenarios {
            let lines: Result<Vec<String>, _> =
                repetitions.iter().map(serde_json::to_string).collect();
            let name = serde_json::to_string(name)?;
            scenarios.push(format!("    {name}: [\n      {}\n    ]", lines?.join(",\n      ")));
        }
        Ok(format!("{head}{{\n{}\n  }}\n}}\n", scenarios.join(",\n")))
    }
}

/// The scenarios of a run that have no verdict because a file or the harness was at fault.
pub fn faults(run: &Run) -> Vec<&str> {
    let at_fault =
        |result: &&RunResult| matches!(result, RunResult::Invalid(_) | RunResult::HarnessFault(_));
    let found = run.results.iter().filter(|result| at_fault(&&result.result));
    let mut names: Vec<&str> = found.map(|result| result.scenario.as_str()).collect();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_baseline_reads_back_with_a_line_for_each_repetition() {
        let repetition = |outcome, recovery_ms| Repetition {
            outcome,
            broken: vec![Invariant::Freshness],
            figures: Some(Figures {
                requests: 2,
                windows: 1,
                failed: 0,
                residue: 0,
                recovery_ms,
                waits: Waits::of(vec![3, 1, 2]),
                start_us: None,
            }),
        };
        let some = vec![repetition(Outcome::Fail, Some(4)), repetition(Outcome::Fail, None)];
        let mut baseline = Baseline {
            schema: BASELINE_SCHEMA.to_owned(),
            name: "main".to_owned(),
            version: "0.1.0".to_owned(),
            client: "toy \"{}\n}\"".to_owned(),
            run: "1".to_owned(),
            started: String::new(),
            seed: 7,
            host: Host::default(),
            scenarios: [("a/b".to_owned(), some.clone()), ("c".to_owned(), some)].into(),
        };
        let text = baseline.to_json().expect("JSON");
        assert_eq!(text.matches("\n      {").count(), 4, "{text}");
        assert_eq!(serde_json::from_str::<Baseline>(&text).expect("it reads back"), baseline);
        baseline.scenarios.clear();
        let text = baseline.to_json().expect("JSON");
        assert_eq!(serde_json::from_str::<Baseline>(&text).expect("it reads back"), baseline);
    }
}
