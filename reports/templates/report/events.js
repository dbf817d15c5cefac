// The raw events of a record: a table that draws only the rows in view, with filters.

class Events {
  constructor(slot, data, hooks) {
    this.data = data;
    this.hooks = hooks;
    this.spoken = new Set(data.violations.flatMap((it) => it.events));
    this.chosen = null;
    this.build(slot);
    this.draw = onFrame(() => this.render());
    new ResizeObserver(() => this.draw()).observe(this.box);
    this.filter();
  }

  build(slot) {
    const { data } = this;
    const again = () => this.filter();
    this.words = el("input", { type: "search", placeholder: "c07 status 200", autocomplete: "off", oninput: again });
    const counts = data.kinds.map((_, kind) => data.events.filter((event) => event[1] === kind).length);
    const kinds = data.kinds
      .map((name, kind) => ({ name, kind }))
      .sort((one, other) => one.name.localeCompare(other.name))
      .map(({ name, kind }) => el("option", { value: kind }, `${name} (${counts[kind]})`));
    this.kind = el("select", { onchange: again }, el("option", { value: "" }, "every kind"), ...kinds);
    const box = (words) => {
      const input = el("input", { type: "checkbox", onchange: again });
      return [input, el("label", {}, input, ` ${words}`)];
    };
    const [inView, inViewLabel] = box("in the timeline's view");
    const [broken, brokenLabel] = box("of violations");
    const [notable, notableLabel] = box("faults and failures");
    Object.assign(this, { inView, broken, notable });
    this.count = el("span", { role: "status", class: "dim" });
    this.inner = el("div", { class: "inner" });
    this.box = el("div", {
      class: "event-list",
      role: "listbox",
      tabindex: 0,
      "aria-label": "Events; the up and down keys choose one",
      onscroll: () => this.draw(),
      onkeydown: (event) => this.key(event),
      onclick: (event) => {
        const line = event.target.closest("[data-event]");
        if (line) this.choose(Number(line.dataset.event));
      },
    }, this.inner);
    slot.replaceChildren(
      el("div", { class: "filters", role: "group", "aria-label": "Filter events" },
        el("label", { class: "find" }, "Filter ", this.words),
        el("label", {}, "Kind ", this.kind),
        inViewLabel,
        ...(this.spoken.size ? [brokenLabel] : []),
        notableLabel,
        this.count),
      this.box,
    );
  }

  filter() {
    const { events, whos, kinds } = this.data;
    const words = this.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const kind = this.kind.value === "" ? null : Number(this.kind.value);
    const [from, to] = this.inView.checked ? this.hooks.view() : [-Infinity, Infinity];
    this.shown = [];
    events.forEach((event, index) => {
      const [at, its, who, , notable, told] = event;
      if (kind !== null && its !== kind) return;
      if (at < from || at > to) return;
      if (this.broken.checked && !this.spoken.has(index)) return;
      if (this.notable.checked && !notable) return;
      if (words.length) {
        const text = `${whos[who]} ${kinds[its]} ${told}`.toLowerCase();
        if (!words.every((word) => text.includes(word))) return;
      }
      this.shown.push(index);
    });
    this.count.textContent = `${this.shown.length.toLocaleString("en")} of ${counted(events.length, "event")}`;
    this.box.scrollTop = 0;
    this.draw();
  }

  /** The timeline shows another time. */
  moved() {
    if (this.inView.checked) this.filter();
  }

  choose(event, tell = true) {
    this.chosen = event;
    const place = this.shown.indexOf(event);
    const height = this.lineHeight();
    if (place >= 0) {
      const { scrollTop, clientHeight } = this.box;
      if (place * height < scrollTop || (place + 1) * height > scrollTop + clientHeight) {
        this.box.scrollTop = (place + 0.5) * height - clientHeight / 2;
      }
    }
    if (tell) this.hooks.selected(event);
    this.draw();
  }

  key(event) {
    const page = Math.max(Math.floor(this.box.clientHeight / this.lineHeight()) - 1, 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (steps[event.key] === undefined || !this.shown.length) return;
    event.preventDefault();
    const now = this.shown.indexOf(this.chosen);
    this.choose(this.shown[clamp(now + steps[event.key], 0, this.shown.length - 1)]);
  }

  lineHeight() {
    return parseFloat(getComputedStyle(this.box).getPropertyValue("--line-height")) || 26;
  }

  render() {
    const height = this.lineHeight();
    const first = Math.max(Math.floor(this.box.scrollTop / height) - 4, 0);
    const last = Math.min(first + Math.ceil((this.box.clientHeight || 400) / height) + 8, this.shown.length);
    this.inner.style.height = `${this.shown.length * height}px`;
    const lines = [];
    for (let place = first; place < last; place++) lines.push(this.line(place, height));
    this.inner.replaceChildren(...lines);
    const active = this.inner.querySelector("[aria-selected=true]");
    if (active) this.box.setAttribute("aria-activedescendant", active.id);
    else this.box.removeAttribute("aria-activedescendant");
  }

  line(place, height) {
    const event = this.shown[place];
    const [at, kind, who, , notable, told] = this.data.events[event];
    const chosen = event === this.chosen;
    const flags = this.data.violations
      .filter((it) => it.events.includes(event))
      .slice(0, 3)
      .map((it) => el("span", { class: "flag" }, String(it.number)));
    return el(
      "div",
      {
        class: `event${notable ? " notable" : ""}`,
        role: "option",
        id: `e${this.data.number}-${event}`,
        "data-event": event,
        "aria-selected": String(chosen),
        "aria-posinset": place + 1,
        "aria-setsize": this.shown.length,
        title: told,
        style: `top:${place * height}px`,
      },
      el("span", { class: "index" }, String(event)),
      el("span", { class: "at" }, moment(at)),
      el("span", { class: "who" }, this.data.whos[who]),
      el("span", { class: "kind" }, this.data.kinds[kind]),
      el("span", { class: "told" }, ...flags, told),
    );
  }
}
