//! The commands of a page are run, one after another, in a folder of the page's own.

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::page::{Block, Page};
use crate::{Found, repository};

/// Languages whose blocks something is done with.
const LANGUAGES: [&str; 4] = ["console", "toml", "rust", "yaml"];

/// Runs a page from its first block to its last.
pub fn run(page: &Page) -> Found {
    let place = tempfile::tempdir().map_err(|error| error.to_string())?;
    for folder in &page.given {
        let folder = place.path().join(folder);
        let from = repository().join("fixtures/clients/reference");
        copy_folder(&from, &folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    for block in &page.blocks {
        let at = format!("{}:{}", page.path.display(), block.line);
        let done = match block.language.as_str() {
            "console" if block.is("ci") => ci_runs(block),
            "console" => session(block, &place),
            "toml" => write(block, place.path()),
            language if LANGUAGES.contains(&language) => Ok(()),
            other => Err(format!(
                "nothing is done with a block of \"{other}\"; write one of {LANGUAGES:?}"
            )),
        };
        done.map_err(|wrong| format!("{at}: {wrong}"))?;
    }
    Ok(())
}

/// Copies a client: its description, and the files beside it.
fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

fn write(block: &Block, place: &Path) -> Found {
    let Some(name) = block.value("file") else { return Ok(()) };
    let file = place.join(name);
    let folder = file.parent().unwrap_or(place);
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&file, &block.text));
    written.map_err(|error| format!("{}: {error}", file.display()))
}

/// A command with the lines that it is expected to print.
struct Step<'a> {
    command: &'a str,
    expected: Vec<&'a str>,
}

impl Step<'_> {
    /// Whether it said what the page shows.
    fn prints(&self, said: &str) -> bool {
        let lines: Vec<&str> = said.lines().map(str::trim_end).collect();
        self.expected.is_empty() || matches(&self.expected, &lines)
    }
}

fn steps(block: &Block) -> Result<Vec<Step<'_>>, String> {
    let mut steps: Vec<Step<'_>> = Vec::new();
    for line in block.text.lines() {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push(Step { command, expected: Vec::new() }),
            (None, Some(step)) => step.expected.push(line),
            (None, None) => return Err("the block does not begin with a command".to_owned()),
        }
    }
    Ok(steps)
}

fn session(block: &Block, place: &TempDir) -> Found {
    let codes: Result<Vec<i32>, _> =
        block.value("exit").unwrap_or("0").split(',').map(str::parse).collect();
    let codes = codes.map_err(|_| "exit= takes numbers")?;
    let steps = steps(block)?;
    let last = steps.len().saturating_sub(1);
    for (index, step) in steps.iter().enumerate() {
        let is_interrupted = index == last && block.is("interrupt");
        let (status, said) =
            if is_interrupted { interrupted(step, place)? } else { shell(step.command, place)? };
        let wanted = if index == last { codes.as_slice() } else { &[0] };
        if status.is_none_or(|status| !wanted.contains(&status)) {
            return Err(format!(
                "`{}` ended with {status:?}, not {wanted:?}:\n{said}",
                step.command
            ));
        }
        // Where nothing is shown, nothing is said about it.
        if !step.prints(&said) {
            let expected = step.expected.join("\n");
            return Err(format!(
                "`{}` does not print this:\n{expected}\n\nbut this:\n{said}",
                step.command
            ));
        }
    }
    Ok(())
}

/// Runs a command and returns its exit code, and what it said on either stream.
fn shell(command: &str, place: &TempDir) -> Result<(Option<i32>, String), String> {
    let output = prepared(command, place)?.output().map_err(|error| error.to_string())?;
    Ok((output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned()))
}

/// The same for a command that goes on until Ctrl-C, which it gets once it has said what it is to say.
fn interrupted(step: &Step<'_>, place: &TempDir) -> Result<(Option<i32>, String), String> {
    let mut shell = prepared(&format!("exec {}", step.command), place)?;
    let mut child = shell.stdout(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
    let pid = Pid::from_child(&child);
    let mut said = String::new();
    // Where it never says it, it waits until whoever runs the tests loses patience.
    for line in BufReader::new(child.stdout.take().ok_or("no output")?).lines() {
        said.push_str(&format!("{}\n", line.map_err(|error| error.to_string())?));
        if !step.expected.is_empty() && step.prints(&said) {
            kill_process(pid, Signal::INT).map_err(|error| error.to_string())?;
            break;
        }
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    Ok((status.code(), said))
}

fn prepared(command: &str, place: &TempDir) -> Result<Command, String> {
    let program = Path::new(env!("CARGO_BIN_EXE_cachestorm"));
    let own = program.parent().unwrap_or(Path::new("."));
    let paths = env::var_os("PATH").unwrap_or_default();
    let paths = env::join_paths([own.to_path_buf()].into_iter().chain(env::split_paths(&paths)));
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("exec 2>&1\n{command}")]).current_dir(place.path());
    shell.env("PATH", paths.map_err(|error| error.to_string())?);
    shell.env("COLUMNS", "100").stdin(Stdio::null());
    for name in ["GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "CLICOLOR_FORCE", "NO_COLOR", "BROWSER"] {
        shell.env_remove(name);
    }
    Ok(shell)
}

/// Whether the lines are as expected, where `...` stands for any lines, also for none.
fn matches(expected: &[&str], lines: &[&str]) -> bool {
    match expected {
        [] => lines.is_empty(),
        ["...", rest @ ..] => (0..=lines.len()).any(|skip| matches(rest, &lines[skip..])),
        [first, rest @ ..] => {
            lines.first().is_some_and(|line| is_like(first, line)) && matches(rest, &lines[1..])
        }
    }
}

/// Whether a line is as expected, where `[..]` stands for anything.
fn is_like(expected: &str, line: &str) -> bool {
    match expected.split_once("[..]") {
        None => expected == line,
        Some((before, after)) => line.strip_prefix(before).is_some_and(|rest| {
            rest.char_indices()
                .map(|(index, _)| index)
                .chain([rest.len()])
                .any(|index| is_like(after, &rest[index..]))
        }),
    }
}

/// Whether CI runs each command of the block. There they are bound to the committed lock file.
fn ci_runs(block: &Block) -> Found {
    let file = repository().join(".ci/run");
    let script = fs::read_to_string(&file).map_err(|error| error.to_string())?;
    let script: Vec<String> = script.lines().map(|line| line.replace(" --locked", "")).collect();
    for step in steps(block)? {
        let is_run = script.iter().any(|line| {
            let line = line.split("step ").nth(1).unwrap_or_default();
            line == step.command || line.starts_with(&format!("{} -", step.command))
        });
        if !is_run || !step.expected.is_empty() {
            return Err(format!(
                "`{}` is no step of .ci/run, or its output is shown",
                step.command
            ));
        }
    }
    Ok(())
}
