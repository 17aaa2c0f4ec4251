"use strict";
/* Reading what is embedded: JSON, and columns of numbers packed as LEB128 in base64. */

const REPORT = JSON.parse(document.getElementById("data").textContent);

function bytesOf(text) {
  const raw = atob(text);
  const found = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) found[i] = raw.charCodeAt(i);
  return found;
}

/** Numbers up to 2 to the 53rd; larger ones lose their lowest bits. */
function numbersOf(column, count) {
  const found = new Float64Array(count);
  if (typeof column !== "string") return found.fill(column.all);
  const bytes = bytesOf(column);
  let at = 0;
  for (let i = 0; i < count; i++) {
    let value = 0;
    let scale = 1;
    while (bytes[at] > 127) {
      value += (bytes[at++] & 127) * scale;
      scale *= 128;
    }
    found[i] = value + bytes[at++] * scale;
  }
  return found;
}

/** Numbers of either sign, exactly: zigzag, of any size. */
function exactSteps(column, count) {
  const found = new Array(count);
  if (typeof column !== "string") return found.fill(unzigzag(BigInt(column.all)));
  const bytes = bytesOf(column);
  let at = 0;
  for (let i = 0; i < count; i++) {
    let value = 0;
    let scale = 1;
    let large = 0n;
    let digits = 0;
    for (;;) {
      const byte = bytes[at++];
      if (digits < 7) value += (byte & 127) * scale;
      else large |= BigInt(byte & 127) << BigInt(7 * digits);
      scale *= 128;
      digits++;
      if (byte < 128) break;
    }
    found[i] = unzigzag(large | BigInt(value));
  }
  return found;
}

function unzigzag(value) {
  return value & 1n ? -((value + 1n) >> 1n) : value >> 1n;
}

/** The regions of a dump, and their places on an axis that has no gaps. */
class Memory {
  constructor(packed) {
    const count = (this.count = packed.count);
    this.states = packed.states;
    this.stateWords = packed.state_words;
    this.texts = packed.texts;
    this.totals = packed.totals;
    this.coarse = packed.coarse;
    this.leftOut = packed.left_out;
    this.size = numbersOf(packed.size, count);
    this.pageSize = numbersOf(packed.page_size, count);
    this.rights = numbersOf(packed.rights, count);
    this.type = numbersOf(packed.type, count);
    this.name = numbersOf(packed.name, count);
    this.marks = numbersOf(packed.marks, count);
    this.counts = {};
    for (const state of this.states) this.counts[state] = numbersOf(packed.counts[state], count);
    this.base = new BigUint64Array(count);
    this.start = new Float64Array(count + 1);
    const gaps = exactSteps(packed.gap, count);
    let end = 0n;
    for (let i = 0; i < count; i++) {
      this.base[i] = end + gaps[i];
      end = end + gaps[i] + BigInt(this.size[i]);
      this.start[i + 1] = this.start[i] + this.size[i];
    }
    this.length = this.start[count];
    this.readRuns(packed);
  }

  readRuns(packed) {
    const perRegion = numbersOf(packed.run_counts, this.count);
    const total = perRegion.reduce((sum, one) => sum + one, 0);
    const runs = numbersOf(packed.runs, total);
    this.firstRun = new Uint32Array(this.count + 1);
    this.runStart = new Float64Array(total + 1);
    this.runPages = new Float64Array(total);
    this.runState = new Uint8Array(total);
    let run = 0;
    for (let i = 0; i < this.count; i++) {
      let at = this.start[i];
      for (let left = perRegion[i]; left > 0; left--, run++) {
        this.runStart[run] = at;
        this.runState[run] = runs[run] % 16;
        this.runPages[run] = Math.floor(runs[run] / 16);
        at = Math.min(at + this.runPages[run] * this.pageSize[i], this.start[i + 1]);
      }
      this.firstRun[i + 1] = run;
    }
    this.runStart[total] = this.length;
  }

  pages(i) {
    let sum = 0;
    for (const state of this.states) sum += this.counts[state][i];
    return sum;
  }

  text(column, i) {
    return this.texts[column[i]];
  }

  /** The region at a place on the axis. */
  at(place) {
    return Math.min(this.count - 1, below(this.start, place, this.count));
  }

  address(place) {
    const i = this.at(place);
    return this.base[i] + BigInt(Math.max(0, Math.floor(place - this.start[i])));
  }

  /** What became of pages of a state. */
  wordsOf(state) {
    return this.stateWords[this.states.indexOf(state)];
  }

  stateAt(place) {
    return this.states[this.runState[below(this.runStart, place, this.runState.length)]];
  }
}

/** The last of ascending starts that is not behind a place. */
function below(starts, place, count) {
  let low = 0;
  let high = count;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (starts[middle] <= place) low = middle;
    else high = middle;
  }
  return low;
}
