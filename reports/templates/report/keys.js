// The pointer and the keyboard on a timeline, and the words that they bring up.

/** The facts of an event, for the panel below the timeline. */
function facts(timeline, event) {
  const { data } = timeline;
  const [at, kind, who, , , told, raw] = data.events[event];
  const go = (to, words) =>
    el("button", { type: "button", disabled: !data.events[to], onclick: () => timeline.select(to) }, words);
  const because = raw.because ?? null;
  const cause = because !== null && data.events[because];
  const spoken = data.violations.filter((it) => it.events.includes(event));
  const parts = [
    el("p", { class: "facts" }, el("b", {}, `Event ${event}`), ` · ${(at / 1e6).toFixed(6)} s · ${data.whos[who]} · ${data.kinds[kind]}`),
    el("p", { class: "told" }, `${data.whos[who]} ${told}`),
    cause
      ? el("p", {}, "Fired by ", el("button", { type: "button", class: "link", onclick: () => timeline.select(because) }, `event ${because}`), `: ${data.whos[cause[2]]} ${cause[5]}`)
      : null,
    ...spoken.map((it) => el("p", { class: "spoken" }, el("span", { class: "flag" }, String(it.number)), ` ${it.invariant}: ${it.sentence}`)),
    el("p", { class: "buttons" }, go(event - 1, "← before"), go(event + 1, "after →"), el("button", { type: "button", onclick: () => timeline.clear() }, "Let go")),
    el("details", {}, el("summary", {}, "As recorded"), el("pre", {}, JSON.stringify(raw, null, 1))),
  ];
  return parts.filter(Boolean);
}

/** What the box at the pointer says of a thing of the drawing; nothing where there is nothing to say. */
function hint(timeline, target) {
  const { data } = timeline;
  const mark = target.closest?.("g.mark");
  if (mark) {
    const marks = mark._cluster.marks;
    const lines = marks.slice(0, 6).map(([at, event]) => {
      const [, , who, , , told, raw] = data.events[event];
      const because = raw.because ?? null;
      const cause = because === null ? "" : ` (${data.whos[data.events[because][2]]} ${data.events[because][5]})`;
      const text = `${data.whos[who]} ${told}${cause}`;
      return el("p", {}, el("b", {}, moment(at)), ` ${text.length > 260 ? `${text.slice(0, 260)}…` : text}`);
    });
    if (marks[0][2] === "violation") marks.slice(0, 6).forEach((it, i) => (lines[i] = el("p", {}, el("b", {}, moment(it[0])), ` ${it[3]}`)));
    if (marks.length > 6) lines.push(el("p", { class: "dim" }, `and ${marks.length - 6} more; zoom in to tell them apart`));
    return lines;
  }
  if (target._item && target.dataset.span !== undefined) {
    const [kind, from, to, , label] = target._item.row.spans[target.dataset.span];
    const words = (SPANS[kind]?.[1] ?? kind).split(":");
    const what = target._item.type === "lane" ? words[0] : label || words[0];
    const extra = target._item.type === "lane" && label ? ` · ${label}` : "";
    return [
      el("p", {}, el("b", {}, target._item.row.name.split(" ")[0]), ` ${what}${extra}`),
      el("p", {}, `${moment(from)} to ${moment(to)}, ${length(to - from)}`),
    ];
  }
  return null;
}

/** Puts the box with words near a point, inside the window. */
function tipAt(lines, x, y) {
  const tip = document.getElementById("tip");
  if (!lines) {
    tip.hidden = true;
    return;
  }
  tip.replaceChildren(...lines);
  tip.hidden = false;
  const { offsetWidth: width, offsetHeight: height } = tip;
  tip.style.left = `${clamp(x + 14, 4, innerWidth - width - 4)}px`;
  tip.style.top = `${y + 18 + height > innerHeight ? Math.max(y - height - 12, 4) : y + 18}px`;
}

function pointer(timeline) {
  const { root } = timeline;
  const held = new Map();
  let moved = 0;
  const at = (event) => {
    const x = event.clientX - root.getBoundingClientRect().left - timeline.names;
    return timeline.from + (x / timeline.width) * (timeline.to - timeline.from);
  };
  root.addEventListener("wheel", (event) => {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      timeline.zoom(clamp(1.0015 ** event.deltaY, 0.5, 2), at(event));
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      timeline.pan((event.deltaX || event.deltaY) / timeline.width);
    }
  }, { passive: false });
  root.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.target.closest("button")) return;
    held.set(event.pointerId, event.clientX);
    moved = 0;
  });
  root.addEventListener("pointermove", (event) => {
    if (!held.has(event.pointerId)) {
      tipAt(hint(timeline, event.target), event.clientX, event.clientY);
      return;
    }
    const by = event.clientX - held.get(event.pointerId);
    if (held.size === 2) {
      const [one, other] = [...held.values()];
      const before = Math.max(Math.abs(one - other), 1);
      held.set(event.pointerId, event.clientX);
      const [first, second] = [...held.values()];
      timeline.zoom(clamp(before / Math.max(Math.abs(first - second), 1), 0.5, 2), at({ clientX: (first + second) / 2 }));
      moved = 99;
      return;
    }
    moved += Math.abs(by);
    if (moved > 4) {
      root.setPointerCapture(event.pointerId);
      root.classList.add("dragged");
      tipAt(null);
      timeline.pan(-by / timeline.width);
      held.set(event.pointerId, event.clientX);
    }
  });
  const release = (event) => {
    held.delete(event.pointerId);
    root.classList.remove("dragged");
  };
  root.addEventListener("pointerup", release);
  root.addEventListener("pointercancel", release);
  root.addEventListener("pointerleave", () => tipAt(null));
  root.addEventListener("click", (event) => {
    if (moved > 4) return;
    const mark = event.target.closest("g.mark");
    if (mark) choose(timeline, mark._item, mark._cluster);
    else if (event.target._item && event.target.dataset.span !== undefined) {
      timeline.select(event.target._item.row.spans[event.target.dataset.span][3], { move: false });
    }
  });
  root.addEventListener("dblclick", (event) => {
    if (!event.target.closest("button, g.mark")) timeline.zoom(0.4, at(event));
  });
  timeline.scrubber.addEventListener("pointerdown", (event) => {
    const place = timeline.scrubber.getBoundingClientRect();
    const move = (it) => {
      const share = (it.clientX - place.left) / place.width;
      const half = (timeline.to - timeline.from) / 2;
      const middle = share * timeline.full[1];
      timeline.show(middle - half, middle + half);
    };
    move(event);
    timeline.scrubber.setPointerCapture(event.pointerId);
    timeline.scrubber.onpointermove = (it) => it.buttons && move(it);
  });
}

/** A mark was clicked or entered: its event, or where many lie together, closer to them. */
function choose(timeline, item, cluster) {
  const times = cluster.marks.map((mark) => mark[0]);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  timeline.cursor = { item, mark: cluster.marks[0] };
  if (cluster.marks.length > 1 && last - first > SHORTEST && timeline.to - timeline.from > SHORTEST) {
    timeline.show(first - (last - first) * 0.3, last + (last - first) * 0.3);
    return;
  }
  const violation = cluster.marks.find((mark) => mark[2] === "violation");
  if (violation) timeline.breaks(violation[4]);
  else timeline.select(cluster.marks[0][1], { move: false });
}

function keyboard(timeline) {
  const { root, rows } = timeline;
  const items = () => [...rows.fixed, ...rows.items];
  const marksOf = (item) => item.row?.marks ?? [];
  const put = (item, mark) => {
    timeline.cursor = { item, mark };
    if (mark) timeline.bring(mark[0], item);
    else timeline.bring(timeline.focus(), item);
    timeline.draw();
    requestAnimationFrame(() => requestAnimationFrame(() => {
      const active = root.querySelector(".at-cursor");
      const place = active?.getBoundingClientRect();
      tipAt(active && mark ? hint(timeline, active) : null, place?.right ?? 0, place?.bottom ?? 0);
    }));
  };
  const start = () => {
    const item = items().find((it) => marksOf(it).length);
    if (item) put(item, marksOf(item)[0]);
  };
  const along = (step) => {
    const { item, mark } = timeline.cursor;
    const marks = marksOf(item);
    if (!mark || !marks.length) return;
    const now = marks.indexOf(mark);
    // Marks that are drawn as one are passed as one.
    const apart = (it) => Math.abs(timeline.x(it[0]) - timeline.x(mark[0])) >= 7;
    let next = now + step;
    while (marks[next] && !apart(marks[next]) && marks[next + step]) next += step;
    const found = marks[clamp(next, 0, marks.length - 1)];
    put(item, found);
  };
  const across = (step) => {
    const all = items();
    const near = timeline.focus();
    for (let i = all.indexOf(timeline.cursor.item) + step; all[i]; i += step) {
      if (all[i].type === "group") return put(all[i], null);
      const marks = marksOf(all[i]);
      if (!marks.length) continue;
      return put(all[i], marks.reduce((best, mark) => (Math.abs(mark[0] - near) < Math.abs(best[0] - near) ? mark : best)));
    }
  };
  root.addEventListener("focus", () => timeline.cursor || start());
  root.addEventListener("blur", () => tipAt(null));
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== root) return;
    const side = event.key === "ArrowRight" ? 1 : -1;
    const actions = {
      ArrowLeft: () => (event.shiftKey ? timeline.pan(0.15 * side) : along(side)),
      ArrowRight: () => (event.shiftKey ? timeline.pan(0.15 * side) : along(side)),
      ArrowUp: () => across(-1),
      ArrowDown: () => across(1),
      Home: () => timeline.cursor.mark && put(timeline.cursor.item, marksOf(timeline.cursor.item)[0]),
      End: () => timeline.cursor.mark && put(timeline.cursor.item, marksOf(timeline.cursor.item).at(-1)),
      Enter: enter,
      " ": enter,
      "+": () => timeline.zoom(0.5),
      "=": () => timeline.zoom(0.5),
      "-": () => timeline.zoom(2),
      0: () => timeline.show(...timeline.full),
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    if (!timeline.cursor) start();
    if (timeline.cursor) actions[event.key]();
  });
  function enter() {
    const { item, mark } = timeline.cursor;
    if (item.type === "group") return timeline.fold(item.group);
    const drawn = root.querySelector("g.at-cursor");
    if (drawn) choose(timeline, item, drawn._cluster);
    else if (mark) timeline.select(mark[1]);
  }
}
