// Small things that the other scripts share. All scripts stand in one function, in the order of
// `SCRIPTS` in reports/src/html/mod.rs.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element with attributes and children; text becomes a text node, never markup. */
function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same for SVG. */
function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const clamp = (value, least, most) => Math.min(Math.max(value, least), most);

/** `1 mark`, `3 marks`, `2 processes`. */
function counted(number, noun) {
  const ending = number === 1 ? "" : noun.endsWith("s") ? "es" : "s";
  return `${number.toLocaleString("en")} ${noun}${ending}`;
}

/** A moment, in seconds with milliseconds as the sentences of the report have it. */
function moment(microseconds) {
  return `${(microseconds / 1e6).toFixed(3)} s`;
}

/** A length of time with as many digits as a person wants. */
function length(microseconds) {
  if (microseconds < 1e3) return `${Math.round(microseconds)} µs`;
  if (microseconds < 1e5) return `${(microseconds / 1e3).toFixed(microseconds < 1e4 ? 2 : 1)} ms`;
  if (microseconds < 1e6) return `${Math.round(microseconds / 1e3)} ms`;
  return `${(microseconds / 1e6).toFixed(2)} s`;
}

/** Runs `draw` once before the next frame, however often it is asked for. */
function onFrame(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
}

/** Moments of the axis: at most `most` of them, at round numbers. */
function ticks(from, to, most) {
  const rough = (to - from) / Math.max(most, 1);
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
  const step = [1, 2, 5, 10].map((it) => it * power).find((it) => it >= rough) ?? rough;
  const found = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) found.push(at);
  return { found, step };
}

/** A moment for the axis, with the digits that its step needs. */
function tickLabel(at, step) {
  if (at === 0) return "0";
  const digits = clamp(Math.ceil(-Math.log10(step / 1e6)), 0, 6);
  return `${(at / 1e6).toFixed(digits)} s`;
}
