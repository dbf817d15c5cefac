//! The report beside a baseline.

use std::fs;
use std::path::{Path, PathBuf};

use cachestorm_model::run::RunResult;
use cachestorm_model::verdict::Outcome;
use cachestorm_reports::html::{Beside, Scene, render_beside};

use crate::compared::{baseline, comparison};
use crate::samples::{result, run, verdict};
use crate::{Page, records};

fn report(folder: &Path) -> PathBuf {
    let (told, _, _) = records::herd(14);
    let judged = RunResult::Judged(verdict(Outcome::Pass));
    let run = run(vec![result("crash/holder-killed", "Beside a baseline.", judged)]);
    let scenes = [Scene { result: 0, record: told, windows: Vec::new() }];
    let (baseline, comparison) = (baseline(), comparison());
    let beside = Beside { baseline: &baseline, comparison: &comparison };
    let file = folder.join("beside.html");
    let html = render_beside(&run, false, &scenes, Some(beside)).expect("a report");
    fs::write(&file, html).expect("a place for it");
    file
}

pub fn it_shows_then_and_now() {
    let mut page = Page::of(report);
    page.go("#overview");
    assert!(page.text(".beside h2").contains("worse Beside baseline main"));
    assert!(
        page.text(".beside .quiet").contains("crash/holder-killed recovery: 0.10 s, now 0.13 s")
    );
    let rows = page.shown(".beside .pairs tbody tr");
    assert_eq!(rows, 6, "three figures of two scenarios");
    assert_eq!(page.shown(".beside .pairs i.before"), rows);
    page.browser.js("document.querySelector('.beside').scrollIntoView({ behavior: 'instant' })");
    page.picture("beside");
    page.browser.scheme("dark");
    page.picture("beside-dark");
    page.browser.scheme("light");
    page.go("#crash/holder-killed.1");
    assert_eq!(page.shown(".page:not([hidden]) .curve .before"), 1);
    assert!(page.text(".page:not([hidden]) .figures + .then").contains("0.10 s in the middle"));
    page.browser.js("document.querySelector('.page:not([hidden]) .columns').scrollIntoView({ behavior: 'instant' })");
    page.picture("beside-page");
    page.browser.size(400, 850);
    page.go("#overview");
    assert_eq!(page.browser.js("document.documentElement.scrollWidth"), 400);
    page.browser.js("document.querySelector('.beside').scrollIntoView({ behavior: 'instant' })");
    page.picture("beside-400");
    page.end();
}
