//! The files under `reports/ci` that people copy: what they say fits together, this program takes every command
//! line in them, the README names them, and the engines' own schemas take them.
//!
//! All but the last needs Rust alone. For the last, `kubernetes-validate` and `check-jsonschema` are looked for on
//! the PATH; without them these tests are counted as ignored. Both bring their schemas and need no network.

mod command_lines;
mod engines;
mod files;
mod readme;
mod schemas;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let test = |name: &str, body: fn()| {
        Trial::test(name, move || {
            body();
            Ok(())
        })
    };
    let mut trials = vec![
        test("every_command_line_is_taken", command_lines::every_one_is_taken),
        test("a_wrong_command_line_is_not", command_lines::a_wrong_one_is_not),
        test("the_shards_of_github_are_a_whole_and_are_joined", engines::github),
        test("the_shards_of_gitlab_are_a_whole_and_are_joined", engines::gitlab),
        test("the_shards_of_kubernetes_are_a_whole", engines::kubernetes),
        test("the_shards_of_slurm_are_a_whole", engines::slurm),
        test("the_readme_names_the_files", readme::names_the_files),
    ];
    trials.extend(schemas::trials());
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
