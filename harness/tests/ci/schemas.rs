//! The schemas of the engines take the files, and do not take what is wrong.

use std::fs;
use std::process::{Command, Stdio};

use libtest_mimic::{Completion, Failed, Trial};

use super::files::{path, text};

/// A program that knows a schema, with the arguments that come before the file.
type Validator = &'static [&'static str];

const KUBERNETES: Validator = &["kubernetes-validate", "--strict"];
const WORKFLOWS: Validator = &["check-jsonschema", "--builtin-schema", "vendor.github-workflows"];
const ACTIONS: Validator = &["check-jsonschema", "--builtin-schema", "vendor.github-actions"];
const GITLAB: Validator = &["check-jsonschema", "--builtin-schema", "vendor.gitlab-ci"];

/// Each file, and a change that makes it wrong.
const FILES: [(&str, Validator, &str, &str); 4] = [
    ("kubernetes-job.yaml", KUBERNETES, "completions: 3", "completionz: 3"),
    ("github.yml", WORKFLOWS, "runs-on: ubuntu-latest", "run-on: ubuntu-latest"),
    ("action.yml", ACTIONS, "using: composite", "using: composition"),
    ("gitlab.yml", GITLAB, "parallel: 3", "parallel: many"),
];

pub fn trials() -> Vec<Trial> {
    let trial =
        |(name, validator, right, wrong): (&'static str, Validator, &'static str, &'static str)| {
            Trial::ignorable_test(format!("the_schema_takes::{name}"), move || {
                check(name, validator, right, wrong)
            })
        };
    FILES.map(trial).into()
}

fn check(name: &str, validator: Validator, right: &str, wrong: &str) -> Result<Completion, Failed> {
    let probe = Command::new(validator[0]).arg("--version").stdout(Stdio::null()).status();
    if probe.is_err() {
        return Ok(Completion::ignored_with(format!("not installed: {}", validator[0])));
    }
    let file = format!("reports/ci/{name}");
    valid(validator, &path(&file)).map_err(|said| format!("{file} is refused:\n{said}"))?;
    let text = text(&file);
    assert!(text.contains(right), "{file} has no `{right}` to be made wrong");
    let dir = tempfile::tempdir()?;
    let broken = dir.path().join(name);
    fs::write(&broken, text.replace(right, wrong))?;
    match valid(validator, &broken) {
        Ok(()) => Err(format!("{file} is taken with `{wrong}` in it").into()),
        Err(_) => Ok(Completion::Completed),
    }
}

fn valid(validator: Validator, file: &std::path::Path) -> Result<(), String> {
    let output = Command::new(validator[0]).args(&validator[1..]).arg(file).output();
    let output = output.map_err(|error| error.to_string())?;
    let said = [output.stdout, output.stderr].concat();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&said).into_owned()) }
}
