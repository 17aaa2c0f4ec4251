/* Elements, of which everything that comes from a dump is text; numbers for people. */

function make(name, attributes, ...children) {
  const found = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === "class") found.className = value;
    else if (key.startsWith("on")) found.addEventListener(key.slice(2), value);
    else if (value === true) found.setAttribute(key, "");
    else if (value !== false && value !== null) found.setAttribute(key, value);
  }
  for (const child of children.flat(Infinity)) if (child !== null) found.append(child);
  return found;
}

/** A text from a dump: no character of it turns what stands beside it. */
function foreign(text) {
  return make("bdi", null, String(text));
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

function sizeText(bytes) {
  let value = Number(bytes);
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit ? `${value.toFixed(1)} ${UNITS[unit]}` : `${value} B`;
}

function hex(address) {
  return `0x${address.toString(16)}`;
}

function grouped(number) {
  return Number(number).toLocaleString("en");
}

function many(count, thing) {
  return `${grouped(count)} ${thing}${count === 1 ? "" : "s"}`;
}

/** ``2 rows more are``. */
function more(count, thing) {
  return `${many(count, thing)} more ${count === 1 ? "is" : "are"}`;
}

function words(name) {
  return name.replaceAll("_", " ");
}

/** The beginning of a long text; tables have all of it. */
function shortened(text) {
  return text.length > 160 ? `${text.slice(0, 120)}… (${many(text.length, "character")})` : text;
}

/** A function that is called once things have been quiet for a while. */
function later(milliseconds, call) {
  let waiting = 0;
  return () => {
    clearTimeout(waiting);
    waiting = setTimeout(call, milliseconds);
  };
}

function cssColor(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** `#rrggbb` as the number that a pixel of an image is. */
function pixel(color) {
  const value = parseInt(color.slice(1), 16);
  const [red, green, blue] = [value >> 16, (value >> 8) & 255, value & 255];
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}
