//! What a client needs on this machine, and whether that is there: programs on the `PATH` (`requires`), and
//! packages that a command of its description looks for (`needs`).
//!
//! Where something is missing, the client's scenarios are skipped with the reason, and the reason says how to
//! install it.

use std::collections::{BTreeMap, HashMap};
use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

use super::prepare::find_program;
use crate::model::client::{Client, Need};

/// The variable that names the folder with a folder of installed packages for each client.
pub const PACKAGES: &str = "CACHESTORM_PACKAGES";

/// Where packages are installed in a checkout of the project.
const IN_A_CHECKOUT: &str = "target/foreign";

/// What checks that were run have printed, where they succeeded: a suite asks for each of its trials.
static ANSWERS: LazyLock<Mutex<HashMap<Vec<OsString>, Option<OsString>>>> =
    LazyLock::new(Mutex::default);

/// What `{packages}` stands for: the folder for the packages of the client called `name`, whether it is
/// there or not. It is in the folder that the variable [`PACKAGES`] names, else in `target/foreign` of the
/// nearest folder above the working directory that has one.
pub fn packages(name: &str) -> PathBuf {
    let here = env::current_dir().unwrap_or_default();
    let given = env::var_os(PACKAGES).filter(|folder| !folder.is_empty());
    root_of_packages(given.as_deref(), &here).join(name)
}

fn root_of_packages(given: Option<&OsStr>, here: &Path) -> PathBuf {
    if let Some(folder) = given {
        return here.join(folder);
    }
    let mut folders = here.ancestors().map(|folder| folder.join(IN_A_CHECKOUT));
    folders.find(|folder| folder.is_dir()).unwrap_or_else(|| here.join(IN_A_CHECKOUT))
}

/// What `client`, whose helper files are in `dir`, needs and this machine does not have: a name each, with the
/// way to install it where the description knows one.
pub fn missing(client: &Client, dir: &Path) -> Vec<String> {
    let program = |name: &&String| find_program(OsStr::new(name), Path::new("/")).is_err();
    let mut missing: Vec<_> = client.requires.iter().filter(program).cloned().collect();
    if !missing.is_empty() {
        return missing; // what the packages are for is not there itself
    }
    for (name, need) in &client.needs {
        if answer(&need.check, client, dir).is_none() {
            missing.push(match &need.install {
                Some(install) => format!("{name} (in a checkout, `{install}` installs it)"),
                None => name.clone(),
            });
        }
    }
    missing
}

/// What `{need-NAME}` stands for in the commands of `client`: the line that each check prints, such as where an
/// interpreter is that the `PATH` only leads to by a wrapper. A need that is missing has none.
pub fn printed(client: &Client, dir: &Path) -> BTreeMap<String, OsString> {
    let line = |need: &Need| answer(&need.check, client, dir);
    client.needs.iter().filter_map(|(name, need)| Some((name.clone(), line(need)?))).collect()
}

/// The first word of a command with the placeholders of a check and those of needs filled in.
pub(super) fn fill_program(word: &str, client: &Client, dir: &Path) -> OsString {
    let need = word.strip_prefix("{need-").and_then(|rest| rest.strip_suffix('}'));
    let need = need.and_then(|name| client.needs.get(name));
    need.and_then(|need| answer(&need.check, client, dir))
        .unwrap_or_else(|| fill(word, client, dir))
}

/// A word with the placeholders of a check filled in.
fn fill(word: &str, client: &Client, dir: &Path) -> OsString {
    let mut filled = OsString::new();
    let mut rest = word;
    while let Some(open) = rest.find('{') {
        filled.push(&rest[..open]);
        rest = &rest[open..];
        if let Some(after) = rest.strip_prefix("{packages}") {
            filled.push(packages(&client.name));
            rest = after;
        } else if let Some(after) = rest.strip_prefix("{client_dir}") {
            filled.push(dir);
            rest = after;
        } else {
            filled.push("{");
            rest = &rest[1..];
        }
    }
    filled.push(rest);
    filled
}

/// The first line that a check prints where it ends with exit code 0. It sees of the environment what a client
/// does.
fn answer(check: &[String], client: &Client, dir: &Path) -> Option<OsString> {
    let words: Vec<_> = check.iter().map(|word| fill(word, client, dir)).collect();
    // Held while it runs: trials at the same time ask the same, and one answer serves them all.
    let mut answers = ANSWERS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(answer) = answers.get(&words) {
        return answer.clone();
    }
    let program = words.first().and_then(|name| find_program(name, dir).ok());
    let answer = program.and_then(|program| {
        let home = env::temp_dir();
        let mut command = Command::new(program);
        command.args(&words[1..]).env_clear().env("HOME", &home).env("TMPDIR", &home);
        command.env("LANG", "C.UTF-8").envs(env::var_os("PATH").map(|path| ("PATH", path)));
        command.stdin(Stdio::null()).stderr(Stdio::null()).current_dir(home);
        let output = command.output().ok().filter(|output| output.status.success())?;
        let line = output.stdout.split(|byte| *byte == b'\n').next().unwrap_or_default();
        Some(OsString::from_vec(line.trim_ascii().to_vec()))
    });
    answers.insert(words, answer.clone());
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(description: &str, expected: &[&str]) {
        let text = format!(
            "name = 'c'\nsummary = 'x'\ncommand = ['c']\n{description}\n[files]\npublished = 'p'"
        );
        let client: Client = toml::from_str(&text).unwrap();
        assert_eq!(missing(&client, Path::new("/clients/c")), expected, "{description}");
    }

    #[test]
    fn what_is_missing_is_named_with_the_way_to_install_it() {
        check("requires = ['sh']\n[needs.it]\ncheck = ['sh', '-c', 'true']", &[]);
        check("[needs.it]\ncheck = ['sh', '-c', 'false']", &["it"]);
        check(
            "[needs.it]\ncheck = ['{packages}/none']\ninstall = 'make it'\n[needs.other]\ncheck = ['sh', '-c', 'exit 3']",
            &["it (in a checkout, `make it` installs it)", "other"],
        );
        check(
            "[needs.it]\ncheck = ['sh', '-c', '[ \"$1\" = /clients/c ]', '', '{client_dir}']",
            &[],
        );
        check(
            "[needs.it]\ncheck = ['sh', '-c', 'case $1 in */c/{x}) ;; *) exit 1; esac', '', '{packages}/{x}']",
            &[],
        );
    }

    #[test]
    fn packages_are_not_looked_for_where_their_program_is_missing() {
        check(
            "requires = ['no-such-program-anywhere']\n[needs.it]\ncheck = ['sh', '-c', 'false']",
            &["no-such-program-anywhere"],
        );
    }

    #[test]
    fn packages_are_in_the_nearest_target_folder_unless_a_variable_says_where() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("checkout/fixtures");
        let installed = root.path().join("checkout/target/foreign");
        std::fs::create_dir_all(&deep).unwrap();
        assert_eq!(root_of_packages(None, &deep), deep.join(IN_A_CHECKOUT));
        std::fs::create_dir_all(&installed).unwrap();
        assert_eq!(root_of_packages(None, &deep), installed);
        assert_eq!(
            root_of_packages(Some(OsStr::new("/elsewhere")), &deep),
            Path::new("/elsewhere")
        );
        assert_eq!(root_of_packages(Some(OsStr::new("near")), &deep), deep.join("near"));
    }

    #[test]
    fn what_a_check_prints_is_what_its_placeholder_stands_for() {
        let text = "name = 'c'\nsummary = 'x'\ncommand = ['{need-it}', 'x']\n[files]\npublished = 'p'\n\
            [needs.it]\ncheck = ['sh', '-c', 'echo /a/b; echo more']\n\
            [needs.none]\ncheck = ['sh', '-c', 'echo /c; exit 1']\n\
            [needs.quiet]\ncheck = ['sh', '-c', 'true']";
        let client: Client = toml::from_str(text).unwrap();
        let dir = Path::new("/clients/c");
        let expected = [("it".to_owned(), "/a/b".into()), ("quiet".to_owned(), OsString::new())];
        assert_eq!(printed(&client, dir), BTreeMap::from(expected));
        assert_eq!(fill_program("{need-it}", &client, dir), "/a/b");
        assert_eq!(fill_program("{need-none}", &client, dir), "{need-none}");
        assert_eq!(fill_program("{client_dir}/x", &client, dir), "/clients/c/x");
    }
}
