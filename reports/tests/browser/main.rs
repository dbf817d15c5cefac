//! The HTML report in a real browser: what a reader does with it, and that nothing goes wrong meanwhile.
//!
//! Where no Chromium is installed, each test is counted as ignored, with the reason beside its name. The
//! screenshots of the latest run lie in `target/tmp/browser`.

mod beside;
mod chromium;
#[path = "../outputs/compared.rs"]
mod compared;
mod contrast;
mod reading;
mod records;
#[allow(dead_code, reason = "the samples of the other tests, of which these need some")]
#[path = "../outputs/samples.rs"]
mod samples;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chromium::Browser;
use libtest_mimic::{Arguments, Trial};
use tempfile::TempDir;

/// A report in a browser.
pub struct Page {
    /// The browser that shows it.
    pub browser: Browser,
    address: String,
    pictures: PathBuf,
    _report: TempDir,
}

impl Page {
    /// Opens the report of a herd at 1280 by 900.
    pub fn of_herd(count: u32) -> Self {
        Self::of(|folder| records::report(count, folder))
    }

    /// Opens a report at 1280 by 900.
    pub fn of(report: impl FnOnce(&Path) -> PathBuf) -> Self {
        // One of its own, because tests run side by side.
        let folder = tempfile::tempdir().expect("a folder for the report");
        let file = report(folder.path());
        let mut browser = Browser::start(1280, 900);
        let address = format!("file://{}", file.display());
        browser.open(&address);
        Self { browser, address, pictures: pictures(), _report: folder }
    }

    /// Opens a part of the report, such as `#crash/holder-killed.1`.
    pub fn go(&mut self, hash: &str) {
        let address = format!("{}{hash}", self.address);
        self.browser.open(&address);
    }

    /// Keeps a picture of the window for people to look at.
    pub fn picture(&mut self, name: &str) {
        let png = self.browser.screenshot();
        assert!(png.starts_with(b"\x89PNG") && png.len() > 8_000, "{name}: {} bytes", png.len());
        fs::write(self.pictures.join(format!("{name}.png")), png).expect("a place for the picture");
    }

    /// The text of what a selector finds, with single spaces.
    pub fn text(&mut self, selector: &str) -> String {
        let text = self.browser.js(&format!("document.querySelector({selector:?})?.textContent"));
        let text = text.as_str().unwrap_or_else(|| panic!("there is no {selector}"));
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// How many elements a selector finds that are drawn.
    pub fn shown(&mut self, selector: &str) -> u64 {
        let found = format!(
            "[...document.querySelectorAll({selector:?})].filter((it) => it.checkVisibility()).length"
        );
        self.browser.js(&found).as_u64().unwrap_or(0)
    }

    /// Nothing was thrown, nothing complained, nothing was fetched.
    pub fn end(mut self) {
        self.browser.drawn();
        assert!(self.browser.complaints.is_empty(), "{:#?}", self.browser.complaints);
    }
}

/// Where pictures go.
fn pictures() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    fs::create_dir_all(&folder).expect("a folder for the pictures");
    folder
}

fn main() -> ExitCode {
    let tests: [(&str, fn()); 14] = [
        ("the_overview_finds_and_filters", reading::the_overview_finds_and_filters),
        ("a_violation_is_shown_where_it_is_clicked", reading::a_violation_is_shown),
        ("the_timeline_zooms_and_moves", reading::the_timeline_zooms_and_moves),
        ("the_keyboard_reaches_every_mark", reading::the_keyboard_reaches_every_mark),
        ("a_pointer_brings_up_facts", reading::a_pointer_brings_up_facts),
        ("events_are_filtered_and_chosen", reading::events_are_filtered_and_chosen),
        ("two_thousand_processes_stay_few_elements", reading::two_thousand_processes),
        ("it_reads_at_400_pixels", reading::it_reads_at_400_pixels),
        ("it_prints_light_and_whole", reading::it_prints),
        ("it_reads_without_a_script", reading::it_reads_without_a_script),
        ("one_scenario_alone_opens_at_once", reading::one_scenario_alone),
        ("a_baseline_stands_beside_the_run", beside::it_shows_then_and_now),
        ("contrast_is_enough_in_both_schemes", contrast::in_both_schemes),
        ("everything_has_a_name", contrast::everything_has_a_name),
    ];
    let arguments = Arguments::from_args();
    let missing = chromium::program().err();
    let trial = |(name, test): (&str, fn())| {
        let trial = Trial::test(name, move || {
            test();
            Ok(())
        });
        match &missing {
            Some(why) => trial.with_kind(format!("skipped: {why}")).with_ignored_flag(true),
            None => trial,
        }
    };
    libtest_mimic::run(&arguments, tests.into_iter().map(trial).collect()).exit_code()
}
