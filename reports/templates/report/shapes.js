// What spans and marks look like and what they are called. A kind differs from the others by its shape
// or height too, never by its colour alone.

/** Height as a share of the lane, and words for the legend. */
const SPANS = {
  start: [0.16, "start: the process exists and is held until all are there"],
  wait: [0.4, "waiting: it runs with no request under way: it waits for another, or reads the cache"],
  fetch: [0.82, "fetch: from its request to the end of the response"],
  write: [0.82, "write: from there to the publish that only it can have made, else to its exit"],
  exit: [0.16, "exit: from its publish to its end"],
  window: [0.8, "TTL window: the cache is fresh, and nobody has a reason to fetch"],
  "whole-odd": [0.7, "cache file: a whole catalogue, by its number"],
  "whole-even": [0.7, "cache file: the next catalogue"],
  absent: [0.12, "cache file: none"],
  damaged: [0.9, "cache file: damaged"],
  planted: [0.7, "cache file: planted by the harness"],
  lock: [0.45, "lock file exists"],
  down: [0.9, "Catwalk, or a service of the client's, is down"],
  "read-only": [0.9, "the directory is read-only, or its disk full"],
};

const box = "M-5-5h10v10h-10z";
const ring = "M0-5a5 5 0 1 0 .01 0z";
const cross = "M-4-4L4 4M4-4L-4 4";
const diamond = "M0-6.5L6.5 0L0 6.5L-6.5 0z";

/** The path around the middle of the mark, whether it is filled, and words for the legend. */
const MARKS = {
  violation: ["M-1.2 8V-8H9L6-4.5L9-1H1.2V8z", true, "an invariant is broken, by its number"],
  inject: [diamond, true, "injection that landed"],
  missed: [diamond, false, "injection that missed"],
  step: ["M-5-5L5 0L-5 5z", true, "step between waves"],
  wave: ["M-1.5-8h3v16h-3z", true, "a wave starts"],
  "wave-end": ["M-.8-8h1.6v16h-1.6z", true, "a wave has ended"],
  rest: ["M-4-5h3v10h-3zM1-5h3v10h-3z", true, "the herd is at rest around a held response"],
  healed: ["M-1.6-6h3.2v4.4H6v3.2H1.6V6h-3.2V1.6H-6v-3.2h4.4z", true, "faults taken back"],
  warn: ["M0-6L6.5 5.5h-13z", false, "something that makes the record less certain"],
  note: ["M0-3a3 3 0 1 0 .01 0z", true, "note"],
  "req-200": [ring, true, "request answered with 200, whole"],
  "req-304": [ring, false, "request answered with 304"],
  "req-error": [box, true, "request answered with an error"],
  "req-cut": [cross, false, "request whose response was cut off"],
  "req-open": [box, false, "request that got no end of an answer"],
  created: ["M0-5L5.5 4.5h-11z", false, "file created"],
  renamed: ["M-5-5L5 0L-5 5z", false, "file renamed into place"],
  removed: ["M0 5L5.5-4.5h-11z", true, "file removed"],
  written: ["M-.8-5h1.6v10h-1.6z", true, "file written and closed, or touched"],
  look: ["M0-2.6a2.6 2.6 0 1 0 .01 0z", true, "the harness looked at the published path"],
  damage: ["M-6-6h12v12h-12zM-3-3L3 3M3-3L-3 3", false, "the published path was damaged"],
  ok: ["M-4.5 0L-1.5 3.5L5-4", false, "process ended well"],
  failed: ["M-5-5h10v10h-10zM-2.5-2.5L2.5 2.5M2.5-2.5L-2.5 2.5", false, "process failed"],
  killed: ["M0-6V6M-3.5-2.5H3.5", false, "process killed by the harness"],
  overdue: ["M-4-6h8L0 0L4 6h-8L0 0z", false, "process outlived its deadline, or left others behind"],
};

/** The shape of a mark with its middle at x, y. */
function shape(kind, x, y) {
  const [path, filled] = MARKS[kind] ?? MARKS.note;
  const classes = `shape ${kind} ${filled ? "filled" : "outlined"}`;
  return svg("path", { class: classes, d: path, transform: `translate(${x.toFixed(1)} ${y})` });
}

/** All kinds that occur in these rows, each with its words. */
function legend(rows) {
  const spans = new Set(rows.flatMap((row) => row.spans.map((span) => span[0])));
  const marks = new Set(rows.flatMap((row) => row.marks.map((mark) => mark[2])));
  const list = el("ul", { class: "legend" });
  const entry = (picture, words) => {
    const drawing = svg("svg", { width: 28, height: 20, "aria-hidden": "true" }, ...picture);
    list.append(el("li", {}, drawing, words));
  };
  for (const [kind, [height, words]] of Object.entries(SPANS)) {
    if (spans.has(kind)) entry(spanShape(kind, 2, 26, 10, 20 * height), words);
  }
  for (const [kind, [, , words]] of Object.entries(MARKS)) {
    if (marks.has(kind)) entry([shape(kind, 14, 10)], words);
  }
  return list;
}

/** The shapes of a span between two x around the height y. */
function spanShape(kind, from, to, y, height) {
  const width = Math.max(to - from, 1);
  const place = { x: from.toFixed(1), y: (y - height / 2).toFixed(1), width: width.toFixed(1), height };
  const shapes = [svg("rect", { class: `span ${kind}`, ...place, rx: Math.min(2, height / 2) })];
  if (kind === "write" || kind === "damaged" || kind === "down" || kind === "read-only") {
    shapes.push(svg("rect", { class: "hatch", ...place, fill: "url(#hatch)" }));
  }
  return shapes;
}
