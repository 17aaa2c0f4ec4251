/* The map of an address space: zoomed and moved with the mouse, the keyboard, or fingers. */

class MemoryMap {
  constructor(place, memory, chosen) {
    this.memory = memory;
    this.chosen = chosen;
    this.followers = [];
    this.first = 0;
    this.last = memory.length;
    this.waiting = false;
    this.pointers = new Map();
    this.canvas = make("canvas", {
      class: "map",
      tabindex: 0,
      role: "img",
      "aria-label": this.summary(),
    });
    this.told = make("p", { class: "told mono", "aria-live": "polite" }, "Point at the map: here it says what is there.");
    this.range = make("p", { class: "range quiet" });
    place.append(this.legend(), this.buttons(), this.canvas, this.range, this.told);
    this.listen();
    new ResizeObserver(() => this.measure()).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.measure());
    this.measure();
  }

  summary() {
    const shares = capturedFirst(this.memory)
      .map((state) => `${sizeText(this.memory.totals[state])} ${this.memory.wordsOf(state)}`);
    return `Map of ${many(this.memory.count, "region")}: ${shares.join(", ")}. The table of regions has the same in words.`;
  }

  legend() {
    const states = capturedFirst(this.memory)
      .map((state) => swatch(stateColor(state), `${this.memory.wordsOf(state)} ${sizeText(this.memory.totals[state])}`));
    if (anyAltered(this.memory)) states.push(swatch("--state-altered", "striped: captured, and contradicted by the hash of its block"));
    const rights = [
      ["--right-marked", "W+X, or code without a file"],
      ["--right-execute", "executable"],
      ["--right-write", "writable"],
      ["--right-read", "read only"],
    ].map(([color, text]) => swatch(color, text));
    return make(
      "div",
      { class: "legend" },
      make("ul", { "aria-label": "Pages" }, states),
      make("ul", { "aria-label": "Rights, the thin line below" }, rights),
    );
  }

  buttons() {
    const button = (text, label, act) =>
      make("button", { type: "button", title: label, "aria-label": label, onclick: act }, text);
    return make(
      "div",
      { class: "bar" },
      button("+", "Zoom in", () => this.zoom(0.5)),
      button("−", "Zoom out", () => this.zoom(2)),
      button("◀", "Towards lower addresses", () => this.move(-0.5)),
      button("▶", "Towards higher addresses", () => this.move(0.5)),
      button("All", "Show all of memory", () => this.view(0, this.memory.length)),
      anyAltered(this.memory) ? button("Next damaged", "Go to the next region that its hash contradicts", () => this.nextAltered()) : null,
      button("Next unread", "Go to the next pages that could not be read", () => this.nextBad()),
      button("Next W+X", "Go to the next region that is written and executed, or code without a file", () => this.nextMarked()),
    );
  }

  listen() {
    const canvas = this.canvas;
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey && !event.metaKey && document.activeElement !== canvas) return;
        event.preventDefault();
        this.zoom(event.deltaY > 0 ? 1.25 : 0.8, this.placeOf(event));
      },
      { passive: false },
    );
    canvas.addEventListener("dblclick", (event) => this.zoom(0.25, this.placeOf(event)));
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.moved(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => this.up(event));
  }

  measure() {
    const ratio = Math.min(2, Math.ceil(devicePixelRatio || 1));
    const width = Math.max(64, Math.round(this.canvas.clientWidth * ratio));
    if (!this.canvas.clientWidth || !this.memory.count) return;
    this.colors = mapColors(this.memory.states);
    this.picture = new MapPicture(this.memory, width, ratio);
    this.canvas.width = this.picture.width;
    this.canvas.height = this.picture.height;
    this.context = this.canvas.getContext("2d", { alpha: false });
    this.draw(); // what is printed, or looked at, before the next frame would be black
    this.later(); // for those that follow, and are not there yet
  }

  later() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.draw();
    });
  }

  draw() {
    if (!this.picture) return;
    this.context.putImageData(this.picture.draw(this.first, this.last, this.colors), 0, 0);
    const { memory } = this;
    const whole = this.last - this.first >= memory.length;
    const shown = whole ? `all regions, ${sizeText(memory.length)}` : `zoomed to ${sizeText(this.last - this.first)} of ${sizeText(memory.length)}`;
    this.range.textContent = `${hex(memory.address(this.first))} to ${hex(memory.address(Math.max(this.first, this.last - 1)))}: ${shown}, gaps between regions left out`;
    for (const one of this.followers) one.draw(this.first, this.last);
  }

  view(first, last) {
    const size = Math.min(this.memory.length, Math.max(64, last - first));
    this.first = Math.max(0, Math.min(first, this.memory.length - size));
    this.last = this.first + size;
    this.later();
  }

  zoom(factor, place = (this.first + this.last) / 2) {
    const size = (this.last - this.first) * factor;
    const share = (place - this.first) / (this.last - this.first);
    this.view(place - share * size, place - share * size + size);
  }

  move(share) {
    const step = (this.last - this.first) * share;
    this.view(this.first + step, this.last + step);
  }

  key(event) {
    const acts = {
      "+": () => this.zoom(0.5),
      "=": () => this.zoom(0.5),
      "-": () => this.zoom(2),
      0: () => this.view(0, this.memory.length),
      ArrowLeft: () => this.move(-0.1),
      ArrowRight: () => this.move(0.1),
      ArrowUp: () => this.move(-1 / LINES),
      ArrowDown: () => this.move(1 / LINES),
      PageUp: () => this.move(-0.9),
      PageDown: () => this.move(0.9),
      Home: () => this.view(0, this.last - this.first),
      End: () => this.view(this.memory.length, Infinity),
      n: () => this.nextBad(),
      x: () => this.nextMarked(),
      d: () => this.nextAltered(),
    };
    if (!(event.key in acts) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    acts[event.key]();
    this.tell((this.first + this.last) / 2);
  }

  placeOf(event) {
    const box = this.canvas.getBoundingClientRect();
    const line = Math.min(LINES - 1, Math.max(0, Math.floor(((event.clientY - box.top) / box.height) * LINES)));
    const across = Math.min(0.9999, Math.max(0, (event.clientX - box.left) / box.width));
    return this.first + ((this.last - this.first) * (line + across)) / LINES;
  }

  down(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, [event.clientX, event.clientY]);
    this.travelled = 0;
  }

  moved(event) {
    this.tell(this.placeOf(event));
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = [event.clientX, event.clientY];
    const box = this.canvas.getBoundingClientRect();
    const span = this.last - this.first;
    if (this.pointers.size === 2) {
      const [other] = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
      const ratio = distance(before, other) / Math.max(1, distance(now, other));
      this.zoom(ratio, this.placeOf(event));
    } else {
      const lines = (before[0] - now[0]) / box.width + ((before[1] - now[1]) / box.height) * LINES;
      this.view(this.first + (lines * span) / LINES, this.last + (lines * span) / LINES);
    }
    this.travelled += distance(before, now);
    this.pointers.set(event.pointerId, now);
  }

  up(event) {
    const there = this.pointers.delete(event.pointerId);
    if (there && event.type === "pointerup" && this.travelled < 5) {
      this.tell(this.placeOf(event));
      this.chosen(this.memory.at(this.placeOf(event)));
    }
  }

  tell(place) {
    this.told.textContent = placeText(this.memory, Math.min(place, this.memory.length - 1));
  }

  /** Zoom to a region, with some of what is around it. */
  showRegion(i) {
    const size = this.memory.size[i];
    this.view(this.memory.start[i] - size, this.memory.start[i] + 2 * size);
    this.tell(this.memory.start[i]);
  }

  nextBad() {
    const bad = this.memory.states.map((state) => BAD.includes(state));
    this.next(this.memory.runState.length, this.memory.runStart, (run) => bad[this.memory.runState[run]]);
  }

  nextMarked() {
    this.next(this.memory.count, this.memory.start, (i) => (this.memory.marks[i] & 3) > 0);
  }

  nextAltered() {
    this.next(this.memory.count, this.memory.start, (i) => isAltered(this.memory, i));
  }

  next(count, starts, wanted) {
    const middle = (this.first + this.last) / 2;
    const whole = this.last - this.first >= this.memory.length;
    const begin = whole ? 0 : below(starts, middle, count) + 1;
    for (let n = 0; n < count; n++) {
      const i = (begin + n) % count;
      if (!wanted(i)) continue;
      const size = Math.max(starts[i + 1] - starts[i], 1) * 8;
      const centre = (starts[i] + starts[i + 1]) / 2;
      this.view(centre - size, centre + size);
      this.tell(starts[i]);
      return;
    }
    this.told.textContent = "There are none.";
  }
}

/** The states that there are, for people. */
function capturedFirst(memory) {
  const found = memory.states.filter((state) => memory.totals[state]);
  return found.sort((a, b) => (b === "captured") - (a === "captured"));
}

function distance(a, b) {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}

function swatch(color, text) {
  const box = make("span", { class: "swatch", "aria-hidden": "true" });
  box.style.background = `var(${color})`;
  return make("li", null, box, text);
}
