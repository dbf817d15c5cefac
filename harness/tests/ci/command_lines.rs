//! Every command line of this program in the files is one that it takes.

use super::engines::{github_lines, gitlab_lines, kubernetes_line, slurm_line};
use super::files::text;

/// What was found in prose and in scripts: after `cachestorm `, to the end of the line or of the code.
fn quoted(name: &str) -> Vec<String> {
    let text = text(name);
    let in_code = text.split('`').skip(1).step_by(2);
    let in_blocks = text.lines().filter_map(|line| line.strip_prefix("$ "));
    let lines = in_code.chain(in_blocks).filter_map(|code| code.strip_prefix("cachestorm "));
    let concrete = |line: &str| {
        line.replace("K/N", "1/3")
            .replace("auto/N", "auto/3")
            .replace("$SLURM_ARRAY_JOB_ID", "7")
            .replace("RUN...", "latest")
    };
    // A command's bare name in a sentence is no command line.
    lines.filter(|line| line.contains(' ')).map(concrete).collect()
}

pub fn every_one_is_taken() {
    let mut lines: Vec<String> = github_lines().concat();
    lines.extend(gitlab_lines().concat());
    lines.extend([kubernetes_line(), slurm_line()]);
    let found = lines.len();
    for file in ["reports/ci/README.md", "reports/ci/kubernetes-job.yaml", "reports/ci/slurm.sh"] {
        let quoted = quoted(file);
        assert!(!quoted.is_empty(), "{file} says nothing of the program");
        lines.extend(quoted);
    }
    assert!(found >= 8, "{lines:#?}");
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().map(|word| word.trim_matches('"')).collect();
        if let Err(said) = cachestorm::cli::accepts(words) {
            panic!("cachestorm {line}\n{said}");
        }
    }
}

pub fn a_wrong_one_is_not() {
    for wrong in
        ["run --shard 0/3", "run --shard auto/x", "run --sharp 1/3", "merge", "merge --seed 1 x"]
    {
        assert!(cachestorm::cli::accepts(wrong.split(' ')).is_err(), "{wrong}");
    }
}
