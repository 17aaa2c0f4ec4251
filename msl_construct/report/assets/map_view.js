/* What part of memory a map shows, as pixels in rows: of what shares a pixel, what is missing is seen. */

const BANDS = { state: 12, rights: 4, gap: 4 };
const LINE = BANDS.state + BANDS.rights + BANDS.gap;
const LINES = 20;

class MapPicture {
  constructor(memory, width, ratio) {
    this.memory = memory;
    this.ratio = ratio;
    this.width = width;
    this.height = LINES * LINE * ratio;
    this.states = new Uint8Array(width * LINES);
    this.rights = new Uint8Array(width * LINES);
    this.image = new ImageData(width, this.height);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.ranks = rightsRanks(memory);
    this.worths = stateWorths(memory);
  }

  /** Draw what stands between two places of the axis. */
  draw(first, last, colors) {
    const scale = (this.width * LINES) / (last - first);
    this.states.fill(0);
    this.rights.fill(0);
    this.fill(this.states, this.memory.runStart, this.memory.runState.length, first, last, scale, (run) => this.worths[run]);
    this.fill(this.rights, this.memory.start, this.memory.count, first, last, scale, (i) => this.ranks[i]);
    this.paint(colors);
    return this.image;
  }

  /** Each thing over all pixels that it touches, unless there is a worse one. */
  fill(bins, starts, count, first, last, scale, worth) {
    const stop = bins.length;
    for (let i = below(starts, first, count); i < count && starts[i] < last; i++) {
      const end = starts[i + 1];
      if (end <= first) continue;
      const value = worth(i);
      const from = Math.max(0, Math.floor((starts[i] - first) * scale));
      const to = Math.min(stop, Math.max(from + 1, Math.ceil((end - first) * scale)));
      for (let at = from; at < to; at++) if (bins[at] < value) bins[at] = value;
    }
  }

  paint(colors) {
    const { width, ratio, pixels } = this;
    for (let line = 0; line < LINES; line++) {
      let top = line * LINE * ratio * width;
      for (const [bins, palette, band] of [
        [this.states, colors.states, BANDS.state],
        [this.rights, colors.rights, BANDS.rights],
      ]) {
        for (let x = 0; x < width; x++) {
          const striped = band === BANDS.state && x % (6 * ratio) < 3 * ratio;
          pixels[top + x] = (striped ? colors.stripes : palette)[bins[line * width + x]];
        }
        for (let y = 1; y < band * ratio; y++) pixels.copyWithin(top + y * width, top, top + width);
        top += band * ratio * width;
      }
      pixels.fill(colors.paper, top, top + BANDS.gap * ratio * width);
    }
  }
}

/** Of each region, how much its rights are to be looked at. */
function rightsRanks(memory) {
  const found = new Uint8Array(memory.count);
  for (let i = 0; i < memory.count; i++) {
    const rights = memory.text(memory.rights, i);
    if (memory.marks[i] & 3) found[i] = 4;
    else if (rights.includes("x")) found[i] = 3;
    else if (rights.includes("w")) found[i] = 2;
    else found[i] = rights.includes("r") ? 1 : 0;
  }
  return found;
}

/**
 * Of each run, how much its state is to be seen: twice its number, and one more where it is captured and its hash
 * differs, so that a page which could not be read is painted over by none of these.
 */
function stateWorths(memory) {
  const found = new Uint8Array(memory.runState.length);
  for (let i = 0; i < memory.count; i++) {
    const altered = isAltered(memory, i);
    for (let run = memory.firstRun[i]; run < memory.firstRun[i + 1]; run++) {
      const captured = memory.states[memory.runState[run]] === "captured";
      found[run] = 2 * (memory.runState[run] + 1) + (altered && captured ? 1 : 0);
    }
  }
  return found;
}

function mapColors(states) {
  const plain = ["--paper", ...states.map((one) => stateColor(one))].flatMap((one) => [one, one]);
  const striped = plain.map((one, place) => (place % 2 ? "--state-altered" : one));
  return {
    states: Uint32Array.from(plain, (one) => pixel(cssColor(one))),
    stripes: Uint32Array.from(striped, (one) => pixel(cssColor(one))),
    rights: Uint32Array.from(["--right-none", "--right-read", "--right-write", "--right-execute", "--right-marked"], (one) => pixel(cssColor(one))),
    paper: pixel(cssColor("--paper")),
  };
}

function stateColor(state) {
  const name = `--state-${state.replaceAll("_", "-")}`;
  return cssColor(name) ? name : "--state-reserved"; // a draft of one's own has others
}
