//! How long a whole sweep takes: one client, killed at every call and each call failed, in `sweep/cold`.
//!
//! Each round runs the sweep by the program itself, with no pairs of failures, and then as many runs of the same
//! scenario that nothing happens in and that are not traced. Printed for each client are the medians in seconds,
//! beside what is aimed at, and the median ratio of the two, which stays where the machine gets slower: what it
//! costs to trace and to judge at every call. A rise of the ratio is ours, one of the seconds alone the machine's.
//!
//! Run with `cargo bench -p cachestorm --bench sweep`; words after `--` choose clients, and a number says how many
//! rounds (5).

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use cachestorm::model::sweep::Sweep;

const PROGRAM: &str = env!("CARGO_BIN_EXE_cachestorm");
const SCENARIO: &str = "sweep/cold";

/// The clients, and the seconds in which a sweep of each is to be done on two processors.
const CLIENTS: [(&str, f64); 2] = [("reference", 2.0), ("python-flock", 15.0)];

fn main() {
    if let Some(lacks) = cachestorm::trace::lacks() {
        println!("{lacks}");
        return;
    }
    let words: Vec<String> = env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let rounds = words.iter().find_map(|word| word.parse().ok()).unwrap_or(5).max(1);
    let chosen: Vec<&String> = words.iter().filter(|word| word.parse::<usize>().is_err()).collect();
    // As a test it only has to run.
    let is_test =
        env::args().any(|word| word == "--test") || !env::args().any(|word| word == "--bench");
    for (client, aim) in CLIENTS {
        if chosen.is_empty() || chosen.iter().any(|it| *it == client) {
            compare(client, aim, if is_test { 1 } else { rounds }, is_test);
        }
    }
}

fn compare(client: &str, aim: f64, rounds: usize, is_test: bool) {
    let mut times = Vec::new();
    let mut runs = 0;
    for _ in 0..rounds {
        let dir = tempfile::tempdir().expect("a directory");
        let sweep = &["crash", "--client", client, "--scenario", SCENARIO, "--pairs", "0"];
        let only: &[&str] = if is_test { &["--kills-only"] } else { &[] };
        let swept = time(&[sweep, only].concat(), dir.path());
        runs = count(dir.path());
        let (repeat, jobs) = (runs.to_string(), jobs().to_string());
        let plain = ["run", SCENARIO, "--client", client, "--repeat", &repeat, "--jobs", &jobs];
        times.push((swept, time(&plain, dir.path())));
    }
    let swept = median(times.iter().map(|(swept, _)| swept.as_secs_f64()).collect());
    let plain = median(times.iter().map(|(_, plain)| plain.as_secs_f64()).collect());
    let ratio = median(
        times.iter().map(|(swept, plain)| swept.as_secs_f64() / plain.as_secs_f64()).collect(),
    );
    println!(
        "{client}: {runs} runs swept in {swept:.2} s (aim {aim:.0} s), as many plain ones in {plain:.2} s, ratio {ratio:.2}"
    );
}

/// As many as a sweep makes by itself.
fn jobs() -> usize {
    thread::available_parallelism().map_or(1, usize::from) * 3
}

fn time(arguments: &[&str], out: &Path) -> Duration {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).arg("--out").arg(out).stdout(Stdio::null()).stderr(Stdio::null());
    let began = Instant::now();
    let status = command.status().expect("the program runs");
    let took = began.elapsed();
    assert!(status.success(), "cachestorm {} ended with {status}", arguments.join(" "));
    took
}

/// The runs of the sweep that is kept in a folder.
fn count(out: &Path) -> usize {
    let latest = fs::canonicalize(out.join("latest")).expect("the sweep is kept");
    let text = fs::read_to_string(latest.join("sweep.json")).expect("the sweep is written");
    let sweeps: Vec<Sweep> = serde_json::from_str(&text).expect("a list of sweeps");
    sweeps.iter().map(|sweep| sweep.cases.len()).sum()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
