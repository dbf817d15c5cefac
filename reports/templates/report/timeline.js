// The timeline of one record: what is in view, what is chosen, and where that goes. draw.js draws it.

const SHORTEST = 20; // microseconds across the whole width, zoomed in as far as it goes

class Timeline {
  constructor(slot, data, hooks) {
    this.data = data;
    this.hooks = hooks;
    this.rows = new Rows(data);
    this.full = [0, Math.max(data.end * 1.03, 1000)];
    [this.from, this.to] = this.full;
    this.cursor = null; // { item, x index of the mark } for the keyboard
    this.violation = null;
    this.selected = null;
    this.build(slot);
    this.draw = onFrame(() => this.render());
    new ResizeObserver(() => this.draw()).observe(this.root);
    this.draw();
  }

  build(slot) {
    const button = (label, title, action) =>
      el("button", { type: "button", title, "aria-label": title, onclick: action }, label);
    this.range = el("span", { class: "range", role: "status" });
    const bar = el(
      "div",
      { class: "bar", role: "group", "aria-label": "Zoom" },
      button("+", "Zoom in", () => this.zoom(0.5)),
      button("−", "Zoom out", () => this.zoom(2)),
      button("All", "Show everything", () => this.show(...this.full)),
      button("◂", "Earlier", () => this.pan(-0.4)),
      button("▸", "Later", () => this.pan(0.4)),
      this.range,
    );
    this.head = el("div", { class: "fixed", role: "rowgroup" });
    this.axis = svg("svg", { class: "axis", "aria-hidden": "true" });
    this.rowsBox = el("div", { class: "lanes", role: "rowgroup" });
    this.scroll = el("div", { class: "scroll" }, this.rowsBox);
    this.under = svg("svg", { class: "under", "aria-hidden": "true" });
    this.over = svg("svg", { class: "over", "aria-hidden": "true" });
    const count = this.rows.lanes.length;
    this.root = el(
      "div",
      {
        class: "tl",
        role: "grid",
        tabindex: 0,
        "aria-label": `Timeline of ${counted(count, "process")} over ${length(this.data.end)}. The arrow keys go from mark to mark; the question mark lists all keys.`,
      },
      this.under,
      this.axis,
      this.head,
      this.scroll,
      this.over,
    );
    this.thumb = el("i");
    this.scrubber = el("div", { class: "scrubber", "aria-hidden": "true" }, this.thumb);
    this.detail = el("section", { class: "detail", "aria-live": "polite", "aria-label": "Chosen event" });
    const all = [...this.rows.fixed.map((item) => item.row), ...this.rows.lanes];
    const key = el("details", { class: "key" }, el("summary", {}, "What the shapes mean"), legend(all));
    slot.replaceChildren(bar, this.root, this.scrubber, this.detail, key);
    this.scroll.addEventListener("scroll", () => this.draw());
    pointer(this);
    keyboard(this);
  }

  /** Where a moment is, in pixels after the names. */
  x(at) {
    return ((at - this.from) / (this.to - this.from)) * this.width;
  }

  /** Shows the time between two moments. */
  show(from, to) {
    const most = this.full[1] - this.full[0];
    const span = clamp(to - from, Math.min(SHORTEST, most), most);
    const middle = (from + to) / 2;
    this.from = clamp(middle - span / 2, this.full[0], this.full[1] - span);
    this.to = this.from + span;
    this.draw();
    this.hooks.moved?.();
  }

  /** Shows `factor` times as much time, with the moment `at` staying where it is. */
  zoom(factor, at = this.focus()) {
    const span = clamp((this.to - this.from) * factor, SHORTEST, this.full[1] - this.full[0]);
    const share = (at - this.from) / (this.to - this.from);
    this.show(at - span * share, at + span * (1 - share));
  }

  /** Moves by a share of what is in view. */
  pan(share) {
    const by = (this.to - this.from) * share;
    this.show(this.from + by, this.to + by);
  }

  /** What the keyboard zooms around: the mark at the cursor, if it is in view. */
  focus() {
    const mark = this.cursor?.mark;
    const inView = mark && mark[0] >= this.from && mark[0] <= this.to;
    return inView ? mark[0] : (this.from + this.to) / 2;
  }

  /** Chooses an event: brings it into view and tells its facts. */
  select(event, { tell = true, move = true } = {}) {
    this.selected = event;
    const row = this.rows.rowOf(event);
    const item = row && this.rows.reveal(row);
    if (move) this.bring(this.data.events[event][0], item);
    const mark = row?.marks.find((it) => it[1] === event);
    this.cursor = item ? { item, mark: mark ?? [this.data.events[event][0], event, "note", ""] } : null;
    this.detail.replaceChildren(...facts(this, event));
    if (tell) this.hooks.selected?.(event);
    this.draw();
  }

  /** Chooses a violation: shows its events, with a little time around them. */
  breaks(number) {
    const violation = this.data.violations[number - 1];
    if (!violation) return;
    this.violation = violation;
    const times = violation.events.map((event) => this.data.events[event]?.[0]).filter((it) => it !== undefined);
    if (times.length) {
      for (const event of violation.events) {
        const row = this.rows.rowOf(event);
        if (row) this.rows.reveal(row);
      }
      const first = Math.min(...times);
      const last = Math.max(...times);
      const around = Math.max((last - first) * 0.25, this.data.end * 0.02, SHORTEST);
      this.show(first - around, last + around);
      this.select(Math.max(...violation.events), { tell: false });
    }
    this.hooks.broke?.(number);
    this.draw();
  }

  clear() {
    const had = this.selected !== null || this.violation !== null;
    this.selected = this.violation = this.cursor = null;
    this.detail.replaceChildren();
    if (had) this.hooks.cleared?.();
    this.draw();
    return had;
  }

  /** Scrolls and moves as little as brings a moment and a row into view. */
  bring(at, item) {
    if (at < this.from || at > this.to) {
      const half = (this.to - this.from) / 2;
      this.show(at - half, at + half);
    }
    if (!item || item.type === "track") return;
    this.render();
    const { scrollTop, clientHeight } = this.scroll;
    if (item.y < scrollTop) this.scroll.scrollTop = item.y;
    else if (item.y + item.height > scrollTop + clientHeight) {
      this.scroll.scrollTop = item.y + item.height - clientHeight;
    }
  }
}
