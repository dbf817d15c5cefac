//! The tracer on real programs: what it tells beside what strace tells, and what it withstands.
//!
//! A program that is not installed leaves its test out, with the reason, and counted: CI installs them all.

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod bench;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod compare;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod programs;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod strace;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod sturdiness;

use libtest_mimic::{Arguments, Completion, Trial};

/// A test that needs programs: left out where one of them is not there, or the machine lets nothing be traced.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn trial(name: &str, needs: &[&'static str], run: impl FnOnce() + Send + 'static) -> Trial {
    let missing = needs.iter().find(|program| bench::find(program).is_none());
    let reason = missing.map(|program| format!("{program} is not installed"));
    Trial::ignorable_test(name, move || {
        let reason = reason.or_else(|| cachestorm::trace::lacks().map(str::to_owned));
        match reason {
            Some(reason) => Ok(Completion::ignored_with(reason)),
            None => {
                run();
                Ok(Completion::Completed)
            }
        }
    })
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn trials() -> Vec<Trial> {
    let mut trials = programs::trials();
    trials.extend(sturdiness::trials());
    trials
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn trials() -> Vec<Trial> {
    let reason = || Ok(Completion::ignored_with(cachestorm::trace::lacks().unwrap_or_default()));
    vec![Trial::ignorable_test("all", reason)]
}

fn main() {
    libtest_mimic::run(&Arguments::from_args(), trials()).exit();
}
