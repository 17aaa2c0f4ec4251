// Print what the generated JavaScript parser finds, one JSON document a file and line.
//
// Usage: node driver.js PLAN.json LIST; LIST names the files, one a line, and each is answered as
// soon as it is named: LIST may be a pipe. The generated Msl.js and the kaitai-struct runtime are
// found on NODE_PATH. What there is to print, the plan says: see ../plan.py.
"use strict";

const fs = require("fs");
const { StringDecoder } = require("string_decoder");
const KaitaiStream = require("kaitai-struct/KaitaiStream");
const { Msl } = require("Msl");

const [planFile, listFile] = process.argv.slice(2);
const plan = JSON.parse(fs.readFileSync(planFile, "utf8"));

/** page_size_log2 -> pageSizeLog2: what the generated parser calls a field. */
const camel = (name) => name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());
const get = (found, id) => found[camel(id)];
let byteOrder; // of the file at hand
const hex = (bytes) => Buffer.from(bytes).toString("hex");

function document(path) {
  const data = fs.readFileSync(path);
  const parser = new Msl(new KaitaiStream(data));
  const header = structure("root", parser);
  byteOrder = header.endianness;
  Object.assign(header, structure("file_header", parser.fileHeader));
  const blocks = [];
  let offset = parser.headerSize;
  for (const block of parser.blocks || []) {
    const end = offset + block.blockLength;
    const kind = plan.payloads[block.payloadKind] || plan.other_payloads;
    const shown = { offset: address(offset), ...structure("block", block) };
    try {
      shown.payload = structure(kind, block.payload, end);
    } catch (error) { // it does not hold what its layout says
      shown.error = String(error);
      shown.payload = structure(plan.other_payloads, block.stored, end);
    }
    blocks.push(shown);
    offset = end;
  }
  const behind = parser.trailingData;
  const trailing = behind.length ? extent(behind, offset + behind.length) : null;
  return { file: path, header, blocks, trailing };
}

/** The fields of one structure; `end` is the file offset behind it, where it is known. */
function structure(name, found, end) {
  const shown = {};
  for (const field of plan.structures[name]) {
    const value = get(found, field.id); // an absent optional field is undefined
    if (value === undefined && field.optional) continue;
    if (value === undefined) throw new Error(`${name} has no ${field.id}`);
    if (field.hidden && !value.length) continue;
    shown[field.key] = show(found, field, value, end);
  }
  return shown;
}

function show(found, field, value, end) {
  switch (field.shown) {
    case "number":
      return value;
    case "hex":
      return address(value, field.digits);
    case "time":
      return BigInt(value).toString();
    case "magic":
      return Buffer.from(value).toString("latin1");
    case "bytes":
      return hex(value);
    case "uuid":
      return hex(value).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
    case "code": // the enumeration's member, or just the number that was stored
      return field.names[value] || address(get(found, field.code), field.digits);
    case "flags":
      return flags(found, field, value);
    case "text":
      return text(found, field, value);
    case "blob":
      return padded("bytes", "", value, found, field);
    case "register":
      return padded("value", "0x", value, found, field);
    case "runs":
      return runs(found, field, value);
    case "data":
      return extent(value, end);
    case "raw":
      return value.length <= plan.raw_limit ? hex(value) : extent(value, end);
    case "table":
      return value.map((entry) => structure(field.structure, entry));
    case "structure":
      return structure(field.structure, value);
    case "choice":
      return structure(field.cases[get(found, field.tag)] || field.otherwise, value);
    default:
      throw new Error(`${field.shown} is unknown to this driver`);
  }
}

/** A u8 is a double here: above 2^53 it is the nearest one. BigInt shows just that. */
function address(value, digits = 1) {
  return "0x" + BigInt(value).toString(16).padStart(digits, "0");
}

/** Names of the set bits: known ones by their booleans, the others by their number. */
function flags(found, field, word) {
  const names = new Map();
  const known = new Set();
  for (const [bit, name, boolean] of field.bits) {
    known.add(bit);
    if (get(found, boolean)) names.set(bit, name);
  }
  for (const number of field.numbers) {
    const value = get(found, number.id);
    if (value) names.set(number.bit, number.names[value]);
    for (let bit = 0; bit < number.bits; bit++) known.add(number.bit + bit);
  }
  for (let bit = 0; bit < field.width; bit++) {
    if (!known.has(bit) && (BigInt(word) >> BigInt(bit)) & 1n) names.set(bit, `bit_${bit}`);
  }
  return [...names.keys()].sort((a, b) => a - b).map((bit) => names.get(bit));
}

/** The text, and the stored bytes beside it where they don't follow from it. */
function text(found, field, decoded) {
  const length = get(found, field.length);
  if (length === 0) return null;
  const raw = get(found, field.raw);
  const padding = field.padding ? get(found, field.padding) : [];
  const stored = field.terminated ? Buffer.from(raw.stored) : Buffer.from([...raw, ...padding]);
  const encoded = Buffer.from(decoded + (field.terminated ? "\0" : ""));
  const padded = Buffer.concat([encoded, Buffer.alloc(7)], stored.length);
  if (encoded.length === length && padded.equals(stored)) return decoded;
  return { text: decoded, raw: hex(stored) };
}

const isZero = (bytes) => bytes.every((byte) => byte === 0);

/** Bytes; with the padding behind them where that isn't zero. */
function padded(key, prefix, value, found, field) {
  const padding = get(found, field.padding) || []; // undefined where there is nothing left
  const shown = Buffer.from(value);
  if (field.shown === "register" && byteOrder === "little") shown.reverse();
  if (isZero(padding)) return prefix + hex(shown);
  return { [key]: prefix + hex(shown), raw: hex(value) + hex(padding) };
}

/** Page states as [first page, pages, state], and the map's padding where it isn't zero. */
function runs(found, field, states) {
  const shown = [];
  states.forEach((state, page) => {
    const last = shown[shown.length - 1];
    if (last && last[2] === field.names[state]) last[1]++;
    else shown.push([page, 1, field.names[state]]);
  });
  const padding = get(found, field.raw).slice(Math.floor(states.length / 4));
  const unused = padding.length ? padding[0] & (0xff >> (2 * (states.length % 4))) : 0;
  if (!unused && isZero(padding.slice(1))) return shown;
  return { runs: shown, padding: hex(padding) };
}

/** Bytes with their place in the file, where that is known. */
function extent(data, end) {
  const place = end === undefined ? {} : { offset: address(end - data.length) };
  return { ...place, length: data.length, data: Buffer.from(data).toString("base64") };
}

/** The lines of a file, each as soon as it is there. */
function* lines(name) {
  const file = fs.openSync(name);
  const piece = Buffer.alloc(1 << 16);
  const decoder = new StringDecoder("utf8");
  let text = "";
  for (let length; (length = fs.readSync(file, piece)); ) {
    const parts = (text + decoder.write(piece.subarray(0, length))).split("\n");
    text = parts.pop();
    yield* parts;
  }
}

/** Write to stdout, and come back when all is written: nothing is left to the event loop. */
function print(text) {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) done += fs.writeSync(1, bytes, done);
}

for (const path of lines(listFile)) {
  let shown;
  try {
    shown = document(path);
  } catch (error) {
    shown = { file: path, error: `${error.name}: ${error.message}` };
  }
  print(JSON.stringify(shown) + "\n");
}
