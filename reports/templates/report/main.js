// Puts the page together: which view is shown, the overview's filters, colours, keys, printing.

const views = [...document.querySelectorAll(".view")];
const made = new Map(); // a page's section -> its timeline and events

/** The timeline and the events of a page, made when it is first shown. */
function scene(view) {
  if (made.has(view)) return made.get(view);
  const { page } = view.dataset;
  const data = JSON.parse(document.getElementById(`data-${page}`).textContent);
  data.number = page;
  const parts = {};
  const address = (tail) => history.replaceState(null, "", `#${view.id}${tail}`);
  parts.timeline = new Timeline(view.querySelector(".slot-timeline"), data, {
    selected: (event) => {
      parts.events?.choose(event, false);
      address(`@e${event}`);
    },
    broke: (number) => {
      mark(number);
      address(`@v${number}`);
    },
    cleared: () => {
      mark(null);
      if (parts.events) {
        parts.events.chosen = null;
        parts.events.draw();
      }
      address("");
    },
    moved: () => parts.events?.moved(),
  });
  parts.events = new Events(view.querySelector(".slot-events"), data, {
    selected: (event) => parts.timeline.select(event),
    view: () => [parts.timeline.from, parts.timeline.to],
  });
  /** Marks the sentence of a violation. */
  function mark(number) {
    for (const link of view.querySelectorAll("a.violation")) {
      const is = Number(link.dataset.violation) === number;
      if (is) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }
  made.set(view, parts);
  return parts;
}

const current = () => views.find((view) => !view.hidden);

/** Shows what the address names: `#overview`, `#theme/name.1`, `#theme/name.1@v2`, `#theme/name.1@e33`. */
function route({ focus = true } = {}) {
  const [id, tail = ""] = decodeURIComponent(location.hash.slice(1)).split("@");
  if (id === "main") return;
  const alone = views.length === 2 && !id ? views[1] : views[0];
  const view = views.find((it) => it.id === id) ?? alone;
  const changed = current() !== view;
  for (const it of views) it.hidden = it !== view;
  document.title = view.querySelector("h1").textContent.trim().replace(/\s+/g, " ") + " · cachestorm";
  if (view.dataset.page !== undefined) {
    const { timeline } = scene(view);
    const number = Number(tail.slice(1));
    if (tail.startsWith("v")) timeline.breaks(number);
    else if (tail.startsWith("e") && timeline.data.events[number]) timeline.select(number);
    if (tail) view.querySelector(".timeline").scrollIntoView({ block: "start" });
  }
  if (changed && !tail) scrollTo(0, 0);
  if (changed && focus) document.getElementById("main").focus({ preventScroll: true });
  tipAt(null);
}

function filters() {
  const chips = [...document.querySelectorAll(".chip")];
  const find = document.getElementById("find");
  const rows = [...document.querySelectorAll("tr.scenario")];
  const apply = () => {
    const statuses = chips.filter((chip) => chip.getAttribute("aria-pressed") === "true").map((chip) => chip.dataset.status);
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = `${row.closest("tbody").querySelector(".theme").textContent.trim()}/${row.textContent}`.toLowerCase();
      const fits = (!statuses.length || statuses.includes(row.dataset.status)) && words.every((word) => text.includes(word));
      row.hidden = !fits;
      shown += fits;
    }
    for (const body of document.querySelectorAll("table.scenarios tbody")) {
      body.hidden = !body.querySelector("tr.scenario:not([hidden])");
    }
    const all = shown === rows.length;
    document.getElementById("found").textContent = all ? "" : `${shown} of ${counted(rows.length, "scenario")}`;
  };
  find.addEventListener("input", apply);
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
      apply();
    });
  }
}

function colours() {
  const button = document.getElementById("theme");
  const order = ["auto", "light", "dark"];
  button.addEventListener("click", () => {
    const now = document.documentElement.dataset.theme ?? "auto";
    const next = order[(order.indexOf(now) + 1) % order.length];
    if (next === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    button.textContent = `Colours: ${next}`;
  });
}

function keys() {
  const help = document.getElementById("help");
  document.getElementById("help-open").addEventListener("click", () => help.showModal());
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    if (event.target.closest("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const view = current();
    const parts = made.get(view);
    const violation = (step) => {
      const all = parts?.timeline.data.violations.filter((it) => it.events.length) ?? [];
      if (!all.length) return;
      const now = all.indexOf(parts.timeline.violation);
      const next = now < 0 ? (step > 0 ? 0 : all.length - 1) : (now + step + all.length) % all.length;
      parts.timeline.breaks(all[next].number);
    };
    const follow = (rel) => view.querySelector(`a[rel=${rel}]`)?.click();
    const actions = {
      "?": () => help.showModal(),
      "/": () => (parts ? parts.events.words : document.getElementById("find")).focus(),
      n: () => violation(1),
      p: () => violation(-1),
      "[": () => follow("prev"),
      "]": () => follow("next"),
      Escape: () => parts?.timeline.clear() || (location.hash = "#overview"),
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  });
}

/** On paper nothing scrolls and nothing unfolds: the timeline is drawn as high as it is, up to a page. */
function printing(on) {
  for (const { timeline } of made.values()) {
    timeline.printing = on;
    for (const details of document.querySelectorAll(".key, .headline details")) details.open = on;
    timeline.scroll.style.maxHeight = on ? `${Math.min(timeline.rows.height, 1100)}px` : "";
    timeline.render();
  }
}

document.documentElement.classList.add("scripted");
for (const part of document.querySelectorAll("[data-script]")) part.hidden = false;
for (const button of document.querySelectorAll("button.unfold")) {
  button.addEventListener("click", () => {
    button.previousElementSibling.classList.add("all");
    button.remove();
  });
}
document.addEventListener("click", (event) => {
  // The same address again is no change of it, and yet a wish to see it.
  const link = event.target.closest("a[href^='#']");
  if (link && link.getAttribute("href") === location.hash) route({ focus: false });
});
document.body.append(
  svg("svg", { width: 0, height: 0, "aria-hidden": "true", style: "position:absolute" },
    svg("defs", {},
      svg("pattern", { id: "hatch", width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
        svg("line", { class: "hatch-line", x1: 0, x2: 0, y1: 0, y2: 5 })))),
);
filters();
colours();
keys();
addEventListener("hashchange", () => route());
addEventListener("beforeprint", () => printing(true));
addEventListener("afterprint", () => printing(false));
route({ focus: false });
