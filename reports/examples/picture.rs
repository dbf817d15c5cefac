//! Turns a coloured report into a picture, as the README shows one:
//!
//! ```console
//! $ CLICOLOR_FORCE=1 COLUMNS=100 cachestorm run crash/holder-killed stampede/cold-herd \
//!     stampede/warm-herd --client status-report-fetch \
//!     | cargo run -p cachestorm-reports --example picture > reports/pictures/run.svg
//! ```

use std::io::{self, Read, Write};

fn main() -> io::Result<()> {
    let mut report = String::new();
    io::stdin().read_to_string(&mut report)?;
    let picture = anstyle_svg::Term::new().min_width_px(840).render_svg(&report);
    // The default is too faint to read on a web page.
    let picture = picture.replace(".dimmed { opacity: 0.4; }", ".dimmed { opacity: 0.75; }");
    io::stdout().write_all(picture.as_bytes())
}
