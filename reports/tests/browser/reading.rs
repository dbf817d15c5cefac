//! What a reader does, step by step.

use serde_json::json;

use crate::{Page, pictures, records};

const KILLED: &str = "#crash/holder-killed.1";

/// The moments between which the timeline lies, in seconds.
fn range(page: &mut Page) -> (f64, f64) {
    let text = page.text(".page:not([hidden]) .range");
    let number = |word: usize| text.split(' ').nth(word).and_then(|it| it.parse().ok());
    match (number(0), number(3)) {
        (Some(from), Some(to)) => (from, to),
        _ => panic!("no range: {text}"),
    }
}

pub fn the_overview_finds_and_filters() {
    let mut page = Page::of_herd(14);
    let all = page.shown("tr.scenario");
    assert_eq!(all, 9);
    assert!(page.text("#overview h1").contains("fail"));
    page.browser.click(".chip.fail");
    assert_eq!(page.shown("tr.scenario"), 2);
    assert_eq!(page.text("#found"), "2 of 9 scenarios");
    page.browser.click(".chip.fail");
    page.browser.key("/");
    for key in ["d", "i", "s", "k", "/"] {
        page.browser.key(key);
    }
    assert_eq!(page.shown("tr.scenario"), 3);
    assert_eq!(page.shown("tr.theme"), 1);
    page.browser.key("Escape");
    assert!(page.text(".quiet").contains("root ignores permissions"));
    page.picture("overview");
    page.browser.js("document.getElementById('find').value = ''; document.getElementById('find').dispatchEvent(new Event('input'))");
    page.browser.click("tr.scenario a.name");
    page.browser.wait("!document.getElementById('overview').checkVisibility()");
    assert!(page.text(".page:not([hidden]) h1").contains("crash/holder-killed"));
    page.browser.key("]");
    page.browser.wait("location.hash === '#stampede/cold-herd.1'");
    page.browser.key("Escape");
    page.browser.wait("document.getElementById('overview').checkVisibility()");
    page.end();
}

pub fn a_violation_is_shown() {
    let mut page = Page::of_herd(14);
    page.go(KILLED);
    page.picture("page-1280");
    let whole = range(&mut page);
    assert_eq!(page.shown(".over .ring"), 0);
    page.browser.click("a.violation[data-violation='1']");
    page.browser.wait("location.hash.endsWith('@v1')");
    page.browser.wait("document.querySelector('.page:not([hidden]) .detail p') !== null");
    page.browser.drawn();
    let near = range(&mut page);
    assert!(near.0 > whole.0 && near.1 < whole.1, "{near:?} in {whole:?}");
    assert_eq!(page.shown(".over .ring"), 2);
    assert_eq!(page.shown("a.violation[aria-current]"), 1);
    assert!(page.text(".page:not([hidden]) .detail").contains("c03 sent request #3"));
    page.picture("violation");
    page.browser.key("n");
    page.browser.wait("location.hash.endsWith('@v2')");
    assert!(page.text(".page:not([hidden]) .detail").contains("no </script> catalogue"));
    page.browser.key("Escape");
    page.browser.wait("location.hash === '#crash/holder-killed.1'");
    page.browser.drawn();
    assert_eq!(page.shown(".over .ring"), 0);
    // The address of an injection's event leads to it, and it names what fired it.
    page.browser.click(".page:not([hidden]) .injections a");
    page.browser.wait("document.querySelector('.page:not([hidden]) .detail .link') !== null");
    assert!(
        page.text(".page:not([hidden]) .detail").contains("the herd at rest around request #1")
    );
    page.end();
}

pub fn the_timeline_zooms_and_moves() {
    let mut page = Page::of_herd(14);
    page.go(KILLED);
    let whole = range(&mut page);
    let width = |(from, to): (f64, f64)| to - from;
    page.browser.click(".page:not([hidden]) .bar button[aria-label='Zoom in']");
    let half = range(&mut page);
    assert!((width(half) - width(whole) / 2.0).abs() < 0.002, "{half:?} of {whole:?}");
    // What lies under the pointer stays under it.
    let place = page.browser.js(
        "(() => { const at = document.querySelector('.page:not([hidden]) .lanes').getBoundingClientRect();
          return [at.x + 150 + (at.width - 150) / 4, at.y + 60]; })()",
    );
    let under = half.0 + width(half) / 4.0;
    page.browser.call(
        "Input.dispatchMouseEvent",
        &json!({ "type": "mouseWheel", "x": place[0], "y": place[1], "deltaX": 0,
            "deltaY": -300, "modifiers": 2 }),
    );
    let before = width(half);
    page.browser.wait(&format!(
        "parseFloat(document.querySelector('.page:not([hidden]) .range').textContent.split(' ')[3]) \
         - parseFloat(document.querySelector('.page:not([hidden]) .range').textContent) < {before} * 0.9"
    ));
    let closer = range(&mut page);
    let still = closer.0 + width(closer) / 4.0;
    assert!((still - under).abs() < width(half) * 0.02, "{still} was {under}");
    for (kind, x) in
        [("mousePressed", 600), ("mouseMoved", 560), ("mouseMoved", 500), ("mouseReleased", 500)]
    {
        let held = i32::from(kind != "mouseReleased");
        let params = json!({ "type": kind, "x": x, "y": place[1], "button": "left",
            "buttons": held, "clickCount": 1 });
        page.browser.call("Input.dispatchMouseEvent", &params);
    }
    page.browser.drawn();
    let later = range(&mut page);
    assert!(later.0 > closer.0 && (width(later) - width(closer)).abs() < 0.002, "{later:?}");
    page.browser.click(".page:not([hidden]) .bar button[aria-label='Show everything']");
    assert_eq!(range(&mut page), whole);
    // No further in than a few microseconds, no further out than everything.
    for _ in 0..25 {
        page.browser.click(".page:not([hidden]) .bar button[aria-label='Zoom in']");
    }
    assert!(page.text(".page:not([hidden]) .range").ends_with("20 µs"));
    for _ in 0..25 {
        page.browser.click(".page:not([hidden]) .bar button[aria-label='Zoom out']");
    }
    assert_eq!(range(&mut page), whole);
    page.end();
}

pub fn the_keyboard_reaches_every_mark() {
    let mut page = Page::of_herd(14);
    page.go(KILLED);
    // So close that no two marks of a process lie on each other.
    page.browser.js("document.querySelector('.page:not([hidden]) .tl').focus()");
    page.browser.drawn();
    let active = "document.getElementById(document.querySelector('.page:not([hidden]) .tl').getAttribute('aria-activedescendant'))?.getAttribute('aria-label')";
    let first = page.browser.js(active);
    assert!(first.as_str().is_some_and(|it| it.starts_with("violations, ")), "{first}");
    let mut rows = vec![];
    for _ in 0..24 {
        page.browser.key("ArrowDown");
        let here = page.browser.js(active);
        let here =
            here.as_str().unwrap_or("a group").split(',').next().unwrap_or_default().to_owned();
        rows.push(here);
    }
    for row in
        ["injections", "Catwalk", "cache providers.json", "lock providers.json.lock", "c01", "c14"]
    {
        assert!(rows.iter().any(|it| it == row), "{row} in {rows:?}");
    }
    assert!(rows.iter().any(|it| it == "a group"), "{rows:?}");
    // Far up again is the first violation, which Enter shows.
    for _ in 0..26 {
        page.browser.key("ArrowUp");
    }
    page.browser.key("Enter");
    page.browser.wait("location.hash.endsWith('@v1')");
    page.browser.key("0");
    page.browser.key("Home");
    let home = page.browser.js(active);
    page.browser.key("End");
    let end = page.browser.js(active);
    assert!(home.is_string() && end.is_string());
    page.browser.key("ArrowUp");
    page.browser.key("Enter");
    page.browser.wait("document.querySelector('.page:not([hidden]) .detail p') !== null");
    let before = range(&mut page);
    page.browser.key("+");
    let after = range(&mut page);
    assert!(after.1 - after.0 < before.1 - before.0);
    page.picture("keyboard");
    page.browser.key("?");
    page.browser.wait("document.getElementById('help').open");
    page.picture("help");
    page.browser.key("Escape");
    page.browser.wait("!document.getElementById('help').open");
    page.end();
}

pub fn a_pointer_brings_up_facts() {
    let mut page = Page::of_herd(14);
    page.go(KILLED);
    let mut over = |selector: &str| {
        let place = page.browser.js(&format!(
            "(() => {{ const it = document.querySelector(\".page:not([hidden]) {selector}\");
              it.scrollIntoView({{ block: 'center', behavior: 'instant' }});
              const at = it.getBoundingClientRect(); return [at.x + at.width / 2, at.y + at.height / 2]; }})()"
        ));
        let params = json!({ "type": "mouseMoved", "x": place[0], "y": place[1] });
        page.browser.call("Input.dispatchMouseEvent", &params);
        page.browser.drawn();
        page.text("#tip")
    };
    let injection = over("g[id*='track'] .shape.inject");
    assert!(injection.contains("injection 1: SIGKILL"), "{injection}");
    assert!(injection.contains("saw the herd at rest"), "what triggered it: {injection}");
    let wait = over(".lane .span.wait");
    assert!(wait.contains("c01 waiting") && wait.contains(" ms"), "{wait}");
    let window = over(".track .span.window");
    assert!(window.contains("window 1: catalogue 1, published 2 times"), "{window}");
    page.browser.js("document.querySelector('.page:not([hidden]) .tl').dispatchEvent(new PointerEvent('pointerleave'))");
    assert_eq!(page.shown("#tip"), 0);
    page.end();
}

pub fn events_are_filtered_and_chosen() {
    let mut page = Page::of_herd(2000);
    page.go(KILLED);
    let count = |page: &mut Page| page.text(".page:not([hidden]) .events [role=status]");
    let all = count(&mut page);
    assert!(all.starts_with("6,018 of 6,018"), "{all}");
    assert!(page.shown(".event") < 60);
    page.browser.click(".page:not([hidden]) .events input[type=search]");
    for key in ["#", "3", " ", "g", "E", "t"] {
        page.browser.key(key);
    }
    assert!(count(&mut page).starts_with("1 of"), "{}", count(&mut page));
    page.browser.click(".page:not([hidden]) .event");
    page.browser.wait("/@e\\d+$/.test(location.hash)");
    assert!(page.text(".page:not([hidden]) .detail").contains("c03 sent request #3"));
    page.browser.js("document.querySelector('.events input[type=search]').value = ''; document.querySelector('.events input[type=search]').dispatchEvent(new Event('input'))");
    page.browser.click(".page:not([hidden]) .events label:nth-of-type(4) input");
    assert!(count(&mut page).starts_with("3 of"), "those of violations: {}", count(&mut page));
    page.browser.click(".page:not([hidden]) .events label:nth-of-type(4) input");
    page.browser.js("document.querySelector('.event-list').focus()");
    page.browser.key("End");
    page.browser.wait("location.hash.endsWith('@e6017')");
    assert_eq!(page.shown(".event[aria-selected=true]"), 1);
    page.picture("events");
    page.end();
}

pub fn two_thousand_processes() {
    let mut page = Page::of_herd(2000);
    page.go(KILLED);
    page.browser.js("document.querySelector('.page:not([hidden]) .timeline').scrollIntoView()");
    page.picture("two-thousand");
    let elements =
        "document.querySelector('.page:not([hidden]) .tl').getElementsByTagName('*').length";
    let folded = page.browser.js(elements).as_u64().unwrap_or(u64::MAX);
    assert!(folded < 1_500, "{folded} elements");
    assert_eq!(page.shown(".row.lane"), 4, "the killed, the two that fetched, the one that failed");
    page.browser.click(".page:not([hidden]) .more-lanes");
    page.browser.wait(
        "document.querySelector('.page:not([hidden]) .tl').getAttribute('aria-rowcount') > 2000",
    );
    let drawn = page.shown(".row.lane");
    assert!((10..60).contains(&drawn), "{drawn} lanes");
    page.browser.js("document.querySelector('.page:not([hidden]) .scroll').scrollTop = 22 * 1500");
    page.browser.wait("[...document.querySelectorAll('.row.lane .name')].some((it) => it.textContent.startsWith('c1500'))");
    let elements = page.browser.js(elements).as_u64().unwrap_or(u64::MAX);
    assert!(elements < 2_500, "{elements} elements");
    page.picture("two-thousand-unfolded");
    page.browser.key("n");
    page.browser.key("n");
    page.browser.wait("[...document.querySelectorAll('.row.lane .name')].some((it) => it.textContent.startsWith('c2000'))");
    page.browser.js("document.querySelector('.page:not([hidden]) .scroll').scrollTop = 0");
    page.browser.wait("document.querySelector('.page:not([hidden]) .group-name') !== null");
    page.browser.click(".page:not([hidden]) .group-name");
    page.browser.wait("document.querySelector('.more-lanes') !== null");
    page.end();
}

pub fn it_reads_at_400_pixels() {
    let mut page = Page::of_herd(14);
    page.browser.size(400, 850);
    for (hash, name) in
        [("", "overview-400"), (KILLED, "page-400"), ("#crash/holder-killed.1@v1", "timeline-400")]
    {
        page.go(hash);
        page.picture(name);
        let width = page.browser.js("document.documentElement.scrollWidth");
        assert_eq!(width, 400, "{name} is wider than the window");
    }
    page.browser.js("document.querySelector('.page:not([hidden]) .events').scrollIntoView()");
    page.picture("events-400");
    page.end();
}

pub fn it_prints() {
    let mut page = Page::of_herd(14);
    page.browser.scheme("dark");
    page.go(KILLED);
    page.picture("page-dark");
    let pdf = page.browser.print();
    assert!(pdf.starts_with(b"%PDF"), "{} bytes", pdf.len());
    std::fs::write(pictures().join("page.pdf"), &pdf).expect("a place for the PDF");
    let features = json!([{ "name": "prefers-color-scheme", "value": "dark" }]);
    let paper = json!({ "media": "print", "features": features });
    page.browser.call("Emulation.setEmulatedMedia", &paper);
    page.browser.js("dispatchEvent(new Event('beforeprint'))");
    page.browser.drawn();
    let ground = page.browser.js("getComputedStyle(document.body).backgroundColor");
    assert_eq!(ground, "rgb(255, 255, 255)");
    assert_eq!(page.shown(".page:not([hidden]) button:not(.group-name)"), 0);
    assert_eq!(page.shown(".row.lane"), 14);
    assert!(page.shown("a.violation") >= 2);
    page.picture("print");
    page.browser.js("dispatchEvent(new Event('afterprint'))");
    page.end();
}

pub fn it_reads_without_a_script() {
    let mut page = Page::of_herd(14);
    page.browser.call("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
    let address = page.browser.js("location.href");
    page.browser.call("Page.navigate", &json!({ "url": "about:blank" }));
    page.browser.call("Page.navigate", &json!({ "url": address }));
    page.browser.wait("location.protocol === 'file:' && document.readyState === 'complete'");
    assert_eq!(page.shown("tr.scenario"), 9);
    assert!(page.shown("a.violation") >= 2);
    assert!(page.text("noscript").contains("cachestorm show"));
    assert_eq!(page.shown("[data-script]"), 0, "no button that does nothing");
    page.browser.call("Emulation.setScriptExecutionDisabled", &json!({ "value": false }));
    page.end();
}

pub fn one_scenario_alone() {
    let mut page = Page::of(records::single);
    assert!(page.text(".page:not([hidden]) h1").contains("pass"));
    page.browser.wait("document.querySelector('.page:not([hidden]) .tl .row') !== null");
    page.go("#overview");
    assert_eq!(page.shown("tr.scenario"), 1);
    page.end();
}
