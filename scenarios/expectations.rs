//! What each client is expected to break: data beside the client.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use cachestorm_model::verdict::{Invariant, Outcome, Verdict};
use serde::Deserialize;

/// The file beside `client.toml`. A client without one is right: it must pass every scenario.
pub const FILE: &str = "expected.toml";

/// What a client breaks, by the scenario's name.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectations {
    /// Why the client is wrong, in a sentence.
    pub bug: String,
    /// The scenarios that are run against it.
    pub scenario: BTreeMap<String, Expected>,
}

/// What one scenario shows.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Expected {
    /// The invariants that break every time.
    #[serde(default)]
    pub breaks: Vec<Invariant>,
    /// Of these, at least one breaks; which one hangs on the system's schedule.
    #[serde(default)]
    pub breaks_one_of: Vec<Invariant>,
    /// The invariants that may break as well, where that hangs on the system's schedule.
    #[serde(default)]
    pub may_break: Vec<Invariant>,
    /// Why it is so, for whoever wonders.
    #[serde(default)]
    #[expect(dead_code, reason = "for readers of the file")]
    pub why: Option<String>,
}

impl Expectations {
    /// Reads the expectations of the client in `folder`, if it has any.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let file = folder.join(FILE);
        if !file.exists() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&file)?;
        let expectations: Self =
            toml::from_str(&text).with_context(|| format!("{} is wrong", file.display()))?;
        // A wrong client that nothing catches would make the harness look right by default.
        let breaks =
            |expected: &Expected| !expected.breaks.is_empty() || !expected.breaks_one_of.is_empty();
        if !expectations.scenario.values().any(breaks) {
            bail!("{} names no scenario that breaks anything", file.display());
        }
        Ok(Some(expectations))
    }
}

impl Expected {
    /// Whether the verdict is the expected one; if not, says how it differs.
    pub fn check(&self, verdict: &Verdict) -> Result<(), String> {
        let broken: Vec<Invariant> =
            verdict.invariants.iter().filter(|r| r.broken()).map(|r| r.invariant).collect();
        let missing: Vec<_> = self.breaks.iter().filter(|i| !broken.contains(i)).collect();
        let excess: Vec<_> = broken
            .iter()
            .filter(|i| {
                let known = [&self.breaks, &self.breaks_one_of, &self.may_break];
                !known.into_iter().any(|list| list.contains(i))
            })
            .collect();
        let one_of = &self.breaks_one_of;
        if !missing.is_empty() {
            return Err(format!("was expected to break {}, and did not", names(&missing)));
        }
        if !one_of.is_empty() && !one_of.iter().any(|i| broken.contains(i)) {
            let names = names(&one_of.iter().collect::<Vec<_>>());
            return Err(format!("was expected to break one of {names}, and did not"));
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

fn names(invariants: &[&Invariant]) -> String {
    invariants.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
