// Draws what of a timeline lies in view: the axis, bands behind the rows, the rows, lines over them.

Object.assign(Timeline.prototype, {
  render() {
    const names = parseFloat(getComputedStyle(this.root).getPropertyValue("--names")) || 140;
    this.names = names;
    this.width = Math.max(this.scroll.clientWidth - names, 40);
    this.rowsBox.style.height = `${this.rows.height}px`;
    this.drawAxis();
    this.head.replaceChildren(...this.rows.fixed.map((item) => this.drawRow(item)));
    const top = this.scroll.scrollTop;
    const bottom = top + (this.printing ? Infinity : this.scroll.clientHeight || 600);
    const seen = this.rows.items.filter((item) => item.y + item.height >= top && item.y <= bottom);
    this.rowsBox.replaceChildren(...seen.map((item) => this.drawRow(item)));
    this.root.setAttribute("aria-rowcount", this.rows.fixed.length + this.rows.items.length);
    this.drawOver();
    const whole = this.full[1] - this.full[0];
    this.thumb.style.left = `${(this.from / whole) * 100}%`;
    this.thumb.style.width = `${Math.max(((this.to - this.from) / whole) * 100, 0.5)}%`;
    this.range.textContent = `${moment(Math.max(this.from, 0))} to ${moment(this.to)}, ${length(this.to - this.from)}`;
    const active = this.root.querySelector(".at-cursor");
    if (active) this.root.setAttribute("aria-activedescendant", active.id);
    else this.root.removeAttribute("aria-activedescendant");
  },

  drawAxis() {
    const { found, step } = ticks(Math.max(this.from, 0), this.to, this.width / 90);
    const lines = found.flatMap((at) => {
      const x = this.x(at).toFixed(1);
      return [
        svg("line", { x1: x, x2: x, y1: 18, y2: 24 }),
        svg("text", { x, y: 14, "text-anchor": this.x(at) < 24 ? "start" : this.x(at) > this.width - 30 ? "end" : "middle" }, tickLabel(at, step)),
      ];
    });
    this.axis.replaceChildren(...lines);
    this.axis.style.marginLeft = `${this.names}px`;
    this.axis.setAttribute("width", this.width);
    this.under.replaceChildren(...this.drawBands(found));
    for (const layer of [this.under, this.over]) {
      layer.style.left = `${this.names}px`;
      layer.setAttribute("width", this.width);
    }
  },

  drawBands(tickMoments) {
    const shapes = tickMoments.map((at) => {
      const x = this.x(at).toFixed(1);
      return svg("line", { class: "grid", x1: x, x2: x, y1: 24, y2: 4000 });
    });
    this.data.windows.forEach((band, index) => {
      const [left, right] = [this.x(band.from), this.x(band.to)];
      if (right < 0 || left > this.width) return;
      const [x, end] = [Math.max(left, -4), Math.min(right, this.width + 4)];
      const kind = index % 2 ? "band odd" : "band";
      shapes.push(svg("rect", { class: kind, x, y: 24, width: Math.max(end - x, 1), height: 4000 }));
      shapes.push(svg("line", { class: "edge", x1: left, x2: left, y1: 24, y2: 4000 }));
    });
    return shapes;
  },

  /** A row of the grid: its name, and a drawing with its spans and marks. */
  drawRow(item) {
    const { row, height } = item;
    const number = item.type === "track" ? item.index : this.rows.fixed.length + item.index;
    const line = el("div", {
      class: `row ${item.type}`,
      role: "row",
      "aria-rowindex": number + 1,
      style: item.type === "track" ? `height:${height}px` : `height:${height}px;top:${item.y}px`,
    });
    const drawing = svg("svg", { width: this.width, height, role: "presentation" });
    if (item.type === "more") {
      const unfold = el("button", { type: "button", class: "more-lanes", tabindex: -1, onclick: () => this.fold(item.group) }, `and ${counted(item.more, "further process")} of ${item.group.name}: show all`);
      line.append(el("div", { class: "name", role: "rowheader" }), unfold);
      return line;
    }
    if (item.type === "group") {
      line.append(this.groupName(item), drawing);
      this.drawDensity(item, drawing);
      return line;
    }
    const end = { ok: "✓", failed: "✕", killed: "†", alive: "…" }[row.end] ?? "";
    const words = { ok: "ended well", failed: "failed", killed: "killed", alive: "never ended" }[row.end];
    const about = [row.about, words].filter(Boolean).join("; ");
    const most = row.load && Math.max(...row.load.map(([, number]) => number), 0);
    const [first, ...rest] = `${row.name}${row.load ? ` peak ${most}` : ""}`.split(" ");
    const name = rest.length ? el("span", {}, `${first} `, el("small", {}, rest.join(" "))) : el("span", {}, first);
    const tail = end && el("span", { class: `end ${row.end}`, "aria-label": words }, end);
    line.append(el("div", { class: "name", role: "rowheader", title: `${row.name}: ${about}` }, name, tail || ""), drawing);
    this.drawLoad(row, drawing, height);
    row.spans.forEach((span, index) => this.drawSpan(item, span, index, drawing));
    if (row.name === "injections") this.drawCauses(item, drawing);
    this.drawMarks(item, drawing);
    return line;
  },

  groupName(item) {
    const { group } = item;
    const ends = (end) => group.lanes.filter((lane) => lane.end === end).length;
    const parts = [["ok", "✓"], ["failed", "✕"], ["killed", "†"], ["alive", "…"]]
      .map(([end, sign]) => [ends(end), sign])
      .filter(([number]) => number)
      .map(([number, sign]) => `${number.toLocaleString("en")} ${sign}`);
    const title = `${group.name}: ${counted(group.lanes.length, "process")}; ${group.folded ? "unfold" : "fold"}`;
    const button = el(
      "button",
      {
        class: "name group-name" + (this.cursor?.item?.group === group ? " at-cursor" : ""),
        id: `g${this.data.number}-${item.index}`,
        type: "button",
        tabindex: -1,
        title,
        "aria-expanded": String(!group.folded),
        onclick: () => this.fold(group),
      },
      el("span", {}, el("span", {}, `${group.folded ? "▸" : "▾"} ${group.name}`), el("small", {}, parts.join(" "))),
    );
    return el("div", { class: "name-cell", role: "rowheader", "aria-label": title }, button);
  },

  fold(group) {
    this.rows.fold(group, !group.folded);
    const item = this.rows.of.get(group);
    this.cursor = { item, mark: null };
    this.draw();
  },

  /** What a group was doing: areas stacked on each other, as high as the group is large. */
  drawDensity(item, drawing) {
    const columns = Math.max(Math.floor(this.width / 3), 8);
    const density = this.rows.density(item.group, this.from, this.to, columns);
    const most = item.group.lanes.length;
    const usable = item.height - 6;
    const base = new Float64Array(columns + 1);
    for (const { kind, counts } of density) {
      let up = "";
      let down = "";
      for (let i = 0; i < columns; i++) {
        const [left, right] = [(i / columns) * this.width, ((i + 1) / columns) * this.width];
        const low = item.height - 3 - (base[i] / most) * usable;
        base[i] += counts[i];
        const high = item.height - 3 - (base[i] / most) * usable;
        up += `${i ? "L" : "M"}${left.toFixed(1)} ${high.toFixed(1)}L${right.toFixed(1)} ${high.toFixed(1)}`;
        down = `L${right.toFixed(1)} ${low.toFixed(1)}L${left.toFixed(1)} ${low.toFixed(1)}${down}`;
      }
      drawing.append(svg("path", { class: `area ${kind}`, d: `${up}${down}Z` }));
    }
    drawing.dataset.group = item.index;
  },

  drawLoad(row, drawing, height) {
    if (!row.load) return;
    const most = Math.max(...row.load.map(([, number]) => number), 1);
    const y = (number) => (height - 2 - (number / most) * (height - 18)).toFixed(1);
    let path = `M-2 ${y(0)}`;
    let last = 0;
    for (const [at, number] of row.load) {
      const x = clamp(this.x(at), -2, this.width + 2).toFixed(1);
      path += `L${x} ${y(last)}L${x} ${y(number)}`;
      last = number;
    }
    path += `L${this.width + 2} ${y(last)}L${this.width + 2} ${y(0)}Z`;
    drawing.append(svg("path", { class: `area load ${row.name}`, d: path }));
  },

  /** From what fired an injection to the injection. */
  drawCauses(item, drawing) {
    for (const [at, event] of item.row.marks) {
      const because = this.data.events[event][6].because ?? null;
      if (because === null) continue;
      const y = item.height / 2;
      const [x1, x2] = [this.x(this.data.events[because][0]), this.x(at)].map((x) => clamp(x, -9, this.width + 9).toFixed(1));
      drawing.append(svg("line", { class: "cause-line", x1, x2, y1: y, y2: y }));
    }
  },

  drawSpan(item, span, index, drawing) {
    const [kind, from, to, , label] = span;
    if (to < this.from || from > this.to) return;
    const left = Math.max(this.x(from), -4);
    const right = Math.min(this.x(to), this.width + 4);
    const height = Math.max(item.height * (SPANS[kind]?.[0] ?? 0.5), 3);
    const shapes = spanShape(kind, left, right, item.height / 2, height);
    for (const it of shapes) {
      it.dataset.span = index;
      it._item = item;
    }
    drawing.append(...shapes);
    const told = kind.startsWith("whole") || ["damaged", "fetch", "down", "read-only", "window"].includes(kind);
    const room = right - Math.max(left, 0) - 18;
    // The whole label, or its beginning: `window 2` of `window 2: catalogue 1, published once`.
    const text = [label, label.split(/[:,]/)[0]].find((it) => room > it.length * 6.2);
    if (told && text) {
      const x = Math.max(left, 0) + 12;
      drawing.append(svg("text", { class: `in-span ${kind}`, x, y: item.height / 2 + 3.5 }, text));
    }
  },

  drawMarks(item, drawing) {
    const middle = item.row.load ? 10 : item.height / 2;
    const pad = (this.to - this.from) * 0.005;
    const found = clusters(item.row.marks, (at) => this.x(at), this.from - pad, this.to + pad);
    found.forEach((cluster, index) => {
      const [at, event] = cluster.marks[0];
      const kind = gravest(cluster.marks);
      const many = cluster.marks.length > 1;
      const here = this.cursor?.item === item && cluster.marks.some((mark) => mark[1] === this.cursor.mark?.[1] && mark[0] === this.cursor.mark?.[0]);
      const chosen = cluster.marks.some((mark) => mark[1] === this.selected);
      const words = many
        ? `${counted(cluster.marks.length, "mark")} from ${moment(at)}: ${cluster.marks.slice(0, 3).map((mark) => mark[3]).join("; ")}${cluster.marks.length > 3 ? " ..." : ""}`
        : `${moment(at)}: ${cluster.marks[0][3]}`;
      const group = svg(
        "g",
        {
          class: `mark${here ? " at-cursor" : ""}${chosen ? " chosen" : ""}`,
          id: `m${this.data.number}-${item.type}${item.index}-${event}`,
          role: "gridcell",
          "aria-label": `${item.row.name}, ${words}`,
          "aria-selected": String(chosen),
        },
        svg("circle", { class: "hit", cx: cluster.x.toFixed(1), cy: middle, r: 9 }),
        shape(kind, cluster.x, middle),
      );
      if (kind === "violation" || (kind === "inject" && item.type === "track")) {
        const label = kind === "violation" ? cluster.marks[0][4] : cluster.marks[0][3].split(":")[0];
        const text = many ? `${cluster.marks.length}×` : label;
        const room = (found[index + 1]?.x ?? Infinity) - cluster.x - 14;
        if (String(text).length * 7 < Math.min(room, 40)) group.append(svg("text", { class: `number ${kind}`, x: (cluster.x + (kind === "violation" ? 11 : 9)).toFixed(1), y: middle + 4 }, text));
      }
      group._cluster = cluster;
      group._item = item;
      drawing.append(group);
    });
  },

  /** Lines through all rows: where invariants were broken, and what is chosen. */
  drawOver() {
    const shapes = [];
    const line = (at, kind) => {
      const x = this.x(at);
      if (x < 0 || x > this.width) return;
      shapes.push(svg("line", { class: kind, x1: x.toFixed(1), x2: x.toFixed(1), y1: 24, y2: 4000 }));
    };
    const broken = this.rows.fixed.find((item) => item.row.name === "violations");
    if (broken && broken.row.marks.length <= 60) for (const mark of broken.row.marks) line(mark[0], "moment");
    const ringed = new Set(this.violation?.events ?? []);
    for (const event of ringed) line(this.data.events[event]?.[0], "moment strong");
    if (this.selected !== null) {
      line(this.data.events[this.selected][0], "chosen");
      const because = this.data.events[this.selected][6].because;
      if (because !== undefined && because !== null) ringed.add(because);
    }
    for (const event of ringed) this.ring(event, shapes);
    this.over.replaceChildren(...shapes);
  },

  ring(event, shapes) {
    const row = this.rows.rowOf(event);
    const item = row && this.rows.of.get(row);
    if (!item) return;
    const head = 24 + this.rows.fixedHeight;
    const y = item.type === "track" ? 24 + item.y : head + item.y - this.scroll.scrollTop;
    if (item.type !== "track" && (y < head - 2 || y > head + this.scroll.clientHeight)) return;
    const middle = row.load ? 10 : item.height / 2;
    const x = this.x(this.data.events[event][0]);
    if (x < -9 || x > this.width + 9) return;
    shapes.push(svg("circle", { class: "ring", cx: x.toFixed(1), cy: y + middle, r: 9.5 }));
  },
});
