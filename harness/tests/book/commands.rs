//! The commands of a page are run, one after another, in a folder of the page's own.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::page::{Block, Page};
use crate::{Found, repository};

/// Languages whose blocks something is done with.
const LANGUAGES: [&str; 3] = ["console", "toml", "rust"];

/// Runs a page from its first block to its last.
pub fn run(page: &Page) -> Found {
    let place = tempfile::tempdir().map_err(|error| error.to_string())?;
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
    let code: i32 =
        block.value("exit").map_or(Ok(0), str::parse).map_err(|_| "exit= takes a number")?;
    let steps = steps(block)?;
    let last = steps.len().saturating_sub(1);
    for (index, step) in steps.iter().enumerate() {
        let (status, said) = shell(step.command, place)?;
        let wanted = if index == last { code } else { 0 };
        if status != Some(wanted) {
            return Err(format!("`{}` ended with {status:?}, not {wanted}:\n{said}", step.command));
        }
        // Where nothing is shown, nothing is said about it.
        let lines: Vec<&str> = said.lines().map(str::trim_end).collect();
        if !step.expected.is_empty() && !matches(&step.expected, &lines) {
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
    let output = shell.output().map_err(|error| error.to_string())?;
    Ok((output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned()))
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
