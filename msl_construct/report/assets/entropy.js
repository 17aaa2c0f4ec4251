/* How much captured pages look like chance, over the part of memory that the map shows. */

const STRIP = 72;

class EntropyStrip {
  constructor(place, memory, packed) {
    this.memory = memory;
    const count = packed.count;
    const regions = numbersOf(packed.region, count);
    const pages = numbersOf(packed.page, count);
    this.values = bytesOf(packed.value);
    this.places = new Float64Array(count + 1).fill(memory.length);
    let region = 0;
    this.count = 0;
    for (let i = 0; i < count; i++) {
      region += regions[i];
      if (region >= memory.count) break;
      this.places[i] = memory.start[region] + pages[i] * memory.pageSize[region];
      this.count++;
    }
    const all = packed.captured <= count + packed.unread;
    const said = all
      ? `All ${many(count, "captured page")} were looked at.`
      : `A sample: ${grouped(count)} of ${many(packed.captured, "captured page")}, spread evenly.`;
    const unread = packed.unread ? ` ${many(packed.unread, "page")} could not be read.` : "";
    this.canvas = make("canvas", {
      class: "strip",
      role: "img",
      "aria-label": `Entropy of captured pages. ${said} ${this.summary()}`,
    });
    place.append(
      make("h4", null, "Entropy"),
      make("p", { class: "quiet" }, `In bits a byte, from 0 at the bottom (all bytes of a page alike) to 8 at the top (bytes as if drawn by lot). Usual are near 0 for zeros, 3 to 5 for text, 5 to 7 for code, and nearly 8 for what is compressed, encrypted or random. ${said}${unread} ${this.summary()}`),
      this.canvas,
    );
  }

  summary() {
    let [low, high] = [0, 0];
    for (let i = 0; i < this.count; i++) {
      if (this.values[i] < 32) low++;
      else if (this.values[i] >= 240) high++;
    }
    return `${grouped(high)} have more than 7.5 bits a byte, ${grouped(low)} less than 1.`;
  }

  draw(first, last) {
    const ratio = Math.min(2, Math.ceil(devicePixelRatio || 1));
    const width = Math.round(this.canvas.clientWidth * ratio);
    if (!width) return;
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== STRIP * ratio) this.canvas.height = STRIP * ratio;
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, width, STRIP * ratio);
    context.fillStyle = cssColor("--entropy");
    const scale = width / (last - first);
    for (let i = below(this.places, first, this.count); i < this.count && this.places[i] < last; i++) {
      if (this.places[i] < first) continue;
      const height = Math.max(ratio, (this.values[i] / 255) * STRIP * ratio);
      context.fillRect((this.places[i] - first) * scale, STRIP * ratio - height, Math.max(ratio, 4096 * scale), height);
    }
  }
}
