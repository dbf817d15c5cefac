//! Choices on a command line, against files on disk.

use std::fs;

use super::*;

fn known() -> Vec<Entry> {
    ["crash/holder-killed", "crash/waiter-killed", "crash-like/other", "ttl/fresh-hit"]
        .into_iter()
        .map(|name| Entry {
            name: name.to_owned(),
            file: None,
            scenario: super::super::parse("x.toml", "summary = 'x'"),
        })
        .collect()
}

fn check(arguments: &[&str], expected: Result<&[&str], &str>) {
    let arguments: Vec<_> = arguments.iter().map(|&argument| argument.to_owned()).collect();
    match (scenarios(&arguments, known()), expected) {
        (Ok(entries), Ok(names)) => {
            assert_eq!(entries.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(), names);
        }
        (Err(error), Err(message)) => assert_eq!(error.to_string(), message),
        (found, expected) => panic!("{arguments:?}: {found:?}, expected {expected:?}"),
    }
}

#[test]
fn arguments_choose_by_name_folder_and_glob() {
    check(
        &[],
        Ok(&["crash/holder-killed", "crash/waiter-killed", "crash-like/other", "ttl/fresh-hit"]),
    );
    check(&["ttl/fresh-hit"], Ok(&["ttl/fresh-hit"]));
    check(&["crash"], Ok(&["crash/holder-killed", "crash/waiter-killed"]));
    check(&["crash/"], Ok(&["crash/holder-killed", "crash/waiter-killed"]));
    check(&["crash/*"], Ok(&["crash/holder-killed", "crash/waiter-killed"]));
    check(&["*holder*", "crash/holder-killed"], Ok(&["crash/holder-killed"]));
    check(&["ttl", "crash/h*"], Ok(&["crash/holder-killed", "ttl/fresh-hit"]));
}

#[test]
fn what_chooses_nothing_is_an_error_with_a_way_out() {
    check(
        &["ttl/fresh-hti"],
        Err("no scenario is called \"ttl/fresh-hti\"; did you mean \"ttl/fresh-hit\"?"),
    );
    check(
        &["nothing-like-it"],
        Err("no scenario is called \"nothing-like-it\"; `cachestorm list` shows every scenario"),
    );
    check(
        &["network/*"],
        Err("no scenario is called \"network/*\"; `cachestorm list` shows every scenario"),
    );
    check(
        &["crash/["],
        Err(
            "\"crash/[\" is no glob: unclosed character class; missing ']'; write one such as \"crash/*\"",
        ),
    );
    check(
        &["./gone.toml"],
        Err("\"./gone.toml\" cannot be read: No such file or directory (os error 2)"),
    );
}

fn temporary(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let file = root.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    root
}

#[test]
fn paths_choose_files_on_disk() {
    let root = temporary(&[("own.toml", "summary = 'x'"), ("deep/er.toml", "summary = 'x'")]);
    let path = |name: &str| root.path().join(name).display().to_string();
    check(&[&path("own.toml"), "ttl"], Ok(&["own", "ttl/fresh-hit"]));
    check(&[&path("")], Ok(&["deep/er", "own"]));
}

#[test]
fn two_files_of_one_name_are_an_error() {
    let root = temporary(&[("a/x.toml", "summary = 'x'"), ("b/x.toml", "summary = 'x'")]);
    let path = |name: &str| root.path().join(name).display().to_string();
    let (a, b) = (path("a/x.toml"), path("b/x.toml"));
    let message =
        format!("\"{a}\" and \"{b}\" are both called \"x\"; rename one or run them apart");
    check(&[&a, &b], Err(&message));
    check(&[&a, &a], Ok(&["x"]));
}

const DESCRIPTION: &str = "\
name = 'own'
summary = 'x'
command = ['sh', '{client_dir}/own.sh', '{catwalk_url}', '{cache_dir}', '{ttl}']
files = { published = 'p' }
";

#[test]
fn a_client_is_chosen_by_its_file_or_its_folder() {
    let root = temporary(&[("own/client.toml", DESCRIPTION)]);
    let folder = root.path().join("own");
    for path in [folder.clone(), folder.join("client.toml")] {
        let chosen = client(&path.display().to_string()).unwrap();
        assert_eq!(chosen.client.name, "own");
        assert_eq!(chosen.materialise(root.path()).unwrap(), folder.canonicalize().unwrap());
    }
}

#[test]
fn a_client_that_is_not_there_or_broken_is_an_error() {
    let root = temporary(&[("empty/x", ""), ("broken/client.toml", "name = 3")]);
    let fails = |argument: &str| client(argument).unwrap_err().to_string();
    let path = |name: &str| root.path().join(name).display().to_string();
    assert!(fails("no-such-client").starts_with("no client is called \"no-such-client\"; "));
    assert!(fails(&path("gone")).contains("cannot be read"));
    assert!(fails(&path("empty")).ends_with("holds no client.toml"));
    assert!(fails(&path("broken")).contains("expected a string, found the integer 3"));
}
