// Which rows the timeline has and where: the shared things above, then groups of processes, which fold.

/** Groups of more processes than this are folded at first. */
const MANY = 40;
/** A folded group still shows so many of its processes: those that a reader looks for. */
const PICKED = 10;
const HEIGHTS = { lane: 22, track: 26, "TTL windows": 20, faults: 20, Catwalk: 40, temporaries: 36, group: 34 };

/** Rows of a record: `fixed` stay above, `items` scroll below them. */
class Rows {
  constructor(data) {
    this.data = data;
    this.all = data.rows;
    const violations = {
      name: "violations",
      about: "The moments at which invariants were broken.",
      spans: [],
      marks: data.violations
        .filter((it) => it.events.length)
        .map((it) => {
          const event = Math.max(...it.events);
          const words = `${it.number} ${it.invariant}: ${it.sentence}`;
          return [data.events[event][0], event, "violation", words, it.number];
        })
        .sort((one, other) => one[0] - other[0]),
    };
    const windows = {
      name: "TTL windows",
      about: "When the cache was fresh, as the judge found it.",
      spans: data.windows.map((it) => ["window", it.from, it.to, it.event, it.label]),
      marks: [],
    };
    const tracks = this.all.filter((row) => row.group === null && row.end === "");
    // What an injection began lasts beside the marks of others: it has a row of its own.
    const faults = { name: "faults", about: "What was taken away, and for how long.", spans: [], marks: [] };
    const injections = tracks.findIndex((row) => row.name === "injections");
    if (tracks[injections]?.spans.length) {
      faults.spans = tracks[injections].spans;
      tracks[injections].spans = [];
      tracks.splice(injections + 1, 0, faults);
    }
    const worth = (row) => row.marks.length || row.spans.length || row.load;
    this.fixed = [violations, windows, ...tracks].filter(worth).map((row) => this.place(row, "track"));
    this.lanes = this.all.filter((row) => row.end !== "");
    this.groups = [];
    for (const lane of this.lanes) {
      const name = lane.group ?? "others";
      let group = this.groups.find((it) => it.name === name);
      if (!group) this.groups.push((group = { name, lanes: [], folded: false }));
      group.lanes.push(lane);
    }
    for (const group of this.groups) group.folded = group.lanes.length > MANY;
    this.layout();
  }

  place(row, type) {
    return { type, row, height: HEIGHTS[row.name] ?? HEIGHTS[type], y: 0 };
  }

  /** Says where everything is, from what is folded. */
  layout() {
    this.items = [];
    for (const group of this.groups) {
      this.items.push({ type: "group", group, height: HEIGHTS.group, y: 0 });
      const lanes = group.folded ? this.picked(group) : group.lanes;
      this.items.push(...lanes.map((lane) => this.place(lane, "lane")));
      const more = group.lanes.length - lanes.length;
      if (more) this.items.push({ type: "more", group, more, height: HEIGHTS.lane, y: 0 });
    }
    const stack = (items) => {
      let y = 0;
      items.forEach((item, index) => {
        item.y = y;
        item.index = index;
        y += item.height;
      });
      return y;
    };
    this.fixedHeight = stack(this.fixed);
    this.height = stack(this.items);
    const drawn = [...this.fixed, ...this.items].filter((item) => item.type !== "more");
    this.of = new Map(drawn.map((item) => [item.row ?? item.group, item]));
  }

  /** The processes of a folded group that a reader looks for, in their order. */
  picked(group) {
    const ranked = [...group.lanes].sort((one, other) => other.rank - one.rank);
    const kept = new Set(ranked.filter((lane) => lane.rank > 0).slice(0, PICKED));
    if (group.shown) kept.add(group.shown);
    return group.lanes.filter((lane) => kept.has(lane));
  }

  /** The item that draws a row, unfolding as much as that needs. */
  reveal(row) {
    if (!this.of.has(row)) {
      const group = this.groups.find((it) => it.lanes.includes(row));
      if (!group) return undefined;
      group.shown = row;
      this.layout();
    }
    return this.of.get(row);
  }

  fold(group, folded) {
    group.folded = folded;
    this.layout();
  }

  /** The row on which an event is drawn. */
  rowOf(event) {
    return this.all[this.data.events[event]?.[3]];
  }

  /** How many processes of a group were doing what, in `columns` slices of the time from `from` to `to`. */
  density(group, from, to, columns) {
    const kinds = ["start", "wait", "fetch", "write", "exit"];
    const counts = kinds.map(() => new Float64Array(columns + 1));
    const scale = columns / (to - from);
    for (const lane of group.lanes) {
      for (const [kind, begin, end] of lane.spans) {
        if (end < from || begin > to) continue;
        const count = counts[kinds.indexOf(kind)];
        // Both ends alike, so that no process counts twice where one span follows another.
        count[clamp(Math.round((begin - from) * scale), 0, columns)] += 1;
        count[clamp(Math.round((end - from) * scale), 0, columns)] -= 1;
      }
    }
    for (const count of counts) for (let i = 1; i <= columns; i++) count[i] += count[i - 1];
    return kinds.map((kind, index) => ({ kind, counts: counts[index] }));
  }
}

/** Marks that would lie on each other become one. `x` says where a moment is. */
function clusters(marks, x, from, to) {
  const found = [];
  for (const mark of marks) {
    if (mark[0] < from || mark[0] > to) continue;
    const last = found.at(-1);
    const at = x(mark[0]);
    if (last && at - last.x < 7) last.marks.push(mark);
    else found.push({ x: at, marks: [mark] });
  }
  return found;
}

const GRAVITY = ["violation", "damage", "inject", "failed", "overdue", "killed", "req-error", "req-cut", "missed"];

/** The kind by which a cluster is drawn: the gravest in it. */
function gravest(marks) {
  const rank = (mark) => (GRAVITY.includes(mark[2]) ? GRAVITY.indexOf(mark[2]) : GRAVITY.length);
  return marks.reduce((best, mark) => (rank(mark) < rank(best) ? mark : best))[2];
}
