//! Whether everybody can read it: contrast by WCAG 2.2, and names by the accessibility tree.

use serde_json::json;

use crate::Page;

/// Every text that is drawn with too little contrast to its ground (WCAG 2.2, 1.4.3: 4.5, or 3 where the
/// text is large), and every colour of a shape with less than 3 (1.4.11).
const FAINT: &str = r#"
(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3])).concat(1);
  const light = ([r, g, b]) => {
    const part = (c) => ((c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const ratio = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const ground = (element) => {
    const layers = [];
    for (let it = element; it; it = it.parentElement) layers.push(rgba(getComputedStyle(it).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255, 1]);
  };
  const faint = [];
  let seen = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest("script, option")) continue;
    const style = getComputedStyle(element);
    const drawn = element instanceof SVGElement;
    // On a span of the timeline a text is measured against the span that it lies in, below.
    if (drawn && element.classList.contains("in-span")) continue;
    const under = ground(element);
    const ink = over(rgba(drawn ? style.fill : style.color), under);
    const size = parseFloat(style.fontSize);
    const needed = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
    const found = ratio(ink, under);
    seen += 1;
    if (found < needed) faint.push(`${found.toFixed(2)}: "${walker.currentNode.data.trim().slice(0, 40)}" in ${element.tagName}.${element.getAttribute("class")}`);
  }
  const root = getComputedStyle(document.documentElement);
  const token = (name) => {
    const probe = document.createElement("i");
    probe.style.color = `var(--${name})`;
    document.body.append(probe);
    const colour = rgba(getComputedStyle(probe).color);
    probe.remove();
    return colour;
  };
  const pairs = [
    ...["pass", "fail", "vacuous", "inconclusive", "start", "wait-edge", "fetch", "write", "exit", "whole-edge", "even-edge", "focus", "dim"].map((it) => [it, "bg", 3]),
    ["in-fetch", "fetch", 4.5], ["ink", "whole-odd", 4.5], ["ink", "whole-even", 4.5], ["bg", "fail", 4.5],
    ["tip-ink", "tip", 4.5], ["ink", "fail-ground", 4.5],
  ];
  for (const [one, other, needed] of pairs) {
    const found = ratio(token(one), token(other));
    if (found < needed) faint.push(`${found.toFixed(2)}: --${one} on --${other}`);
  }
  return { seen, faint };
})()
"#;

pub fn in_both_schemes() {
    let mut page = Page::of_herd(14);
    for scheme in ["light", "dark"] {
        page.browser.scheme(scheme);
        for hash in ["#overview", "#crash/holder-killed.1", "#crash/holder-killed.1@v1"] {
            page.go(hash);
            page.browser.js("document.querySelector('.chip').setAttribute('aria-pressed', 'true')");
            page.browser.js("document.querySelectorAll('.page:not([hidden]) details').forEach((it) => (it.open = true))");
            let found = page.browser.js(FAINT);
            assert!(found["seen"].as_u64() > Some(40), "{hash}: {found}");
            assert_eq!(found["faint"], json!([]), "{scheme} {hash}");
        }
    }
    page.end();
}

/// Names of what can be used or read, as a screen reader is told them.
pub fn everything_has_a_name() {
    let mut page = Page::of_herd(14);
    for hash in ["#overview", "#crash/holder-killed.1@v1"] {
        page.go(hash);
        let tree = page.browser.call("Accessibility.getFullAXTree", &json!({}));
        let nodes = tree["nodes"].as_array().expect("a tree").clone();
        let needs = [
            "button",
            "link",
            "gridcell",
            "searchbox",
            "combobox",
            "checkbox",
            "grid",
            "listbox",
            "option",
            "rowheader",
            "table",
            "dialog",
        ];
        let mut seen = 0;
        for node in nodes.iter().filter(|node| node["ignored"] == false) {
            let role = node["role"]["value"].as_str().unwrap_or_default();
            if needs.contains(&role) {
                seen += 1;
                let name = node["name"]["value"].as_str().unwrap_or_default();
                let of_table = role == "table" || (role == "rowheader" && name.is_empty());
                assert!(
                    !name.trim().is_empty() || of_table,
                    "{hash}: a {role} without a name: {node}"
                );
            }
        }
        assert!(seen > 20, "{hash}: {seen}");
        let twice = page
            .browser
            .js("(() => { const ids = [...document.querySelectorAll('[id]')].map((it) => it.id);
              return ids.filter((id, i) => ids.indexOf(id) !== i); })()");
        assert_eq!(twice, json!([]), "ids that occur twice");
        // A mark says in words what it shows by its shape.
        let silent = page.browser.js(
            "[...document.querySelectorAll('g.mark')].filter((it) => !it.getAttribute('aria-label')).length",
        );
        assert_eq!(silent, 0);
    }
    page.end();
}
