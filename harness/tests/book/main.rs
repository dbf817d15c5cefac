//! The book is tested: every command in it is run, every file and fragment read by the real parser, every
//! list held against the code, every link followed.
//!
//! A page cannot hold anything else: a fenced block is one of those below, or the page fails.
//!
//! | fence | what becomes of it |
//! |---|---|
//! | `console` | each `$ ` line is run by a shell in the page's own folder, with `cachestorm` on the `PATH`; what follows is what it prints, where `...` stands for any lines and `[..]` for anything within one |
//! | `console exit=1` | the same, and the last command ends with this exit code, or with one of several: `exit=0,2` |
//! | `console interrupt` | the same; the last command goes on for ever, and Ctrl-C ends it when it has printed that |
//! | `console ci` | run by `.ci/run`, which must hold each of its commands |
//! | `toml file=NAME` | read as a scenario or a client's description, and written to that file of the page's folder |
//! | `toml part`, `toml client-part` | read as a part of a scenario or of a description |
//! | `rust example=FILE`, `toml example=FILE` | stands word for word in that file of `fixtures/example-project`, which CI builds and runs |
//! | `yaml of=FILE` | is that file of the repository, word for word |
//!
//! The README of the repository and that of the files for CI are held to the same. A page that says
//! `<!-- given: my-cache -->` finds a folder of this name with the description of the reference client.

mod commands;
mod lists;
mod page;
mod rest;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use page::Page;

/// The folder of the book.
const BOOK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/book");

/// Pages that stand elsewhere.
const ELSEWHERE: [(&str, &str); 2] =
    [("readme", "README.md"), ("ci-files", "reports/ci/README.md")];

/// The top of the repository.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What a test says where something is wrong.
type Found = Result<(), String>;

/// A test of all pages together.
type OfAll = fn(&[Page]) -> Found;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Much of a page is waiting for clients that wait.
    arguments.test_threads.get_or_insert(4);
    let mut pages = page::read_all(Path::new(BOOK));
    let of_the_book = pages.len();
    pages.extend(ELSEWHERE.map(|(name, file)| page::elsewhere(name, repository().join(file))));
    let pages = Arc::new(pages);
    let mut trials = Vec::new();
    for (index, page) in pages.iter().enumerate() {
        let mut add = |what: &str, test: fn(&Page) -> Found| {
            let pages = Arc::clone(&pages);
            let name = format!("{}::{what}", page.name);
            trials.push(Trial::test(name, move || test(&pages[index]).map_err(Failed::from)));
        };
        add("commands", commands::run);
        add("files", rest::files_are_right);
        add("links", rest::links_lead_somewhere);
    }
    for name in lists::NAMES {
        let pages = Arc::clone(&pages);
        trials.push(Trial::test(format!("lists::{name}"), move || {
            lists::is_complete(name, &pages).map_err(Failed::from)
        }));
    }
    let more: [(&str, OfAll); 4] = [
        ("book::lists_are_known", lists::are_known),
        ("book::faults_are_labelled", lists::faults_are_labelled),
        ("book::invariants_are_told", rest::invariants_are_told),
        ("book::every_page_is_reached", rest::every_page_is_reached),
    ];
    for (name, test) in more {
        let pages = Arc::clone(&pages);
        trials.push(Trial::test(name, move || test(&pages[..of_the_book]).map_err(Failed::from)));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
