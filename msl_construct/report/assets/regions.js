/* The table of regions, and what the map says of one. */

function regionTable(place, memory, chosen) {
  const counted = memory.states.filter((state) => memory.totals[state] && state !== "captured");
  const columns = [
    {
      label: "address",
      text: (i) => hex(memory.base[i]),
      value: (i) => memory.base[i],
      class: "mono",
      width: "w-address",
    },
    { label: "size", text: (i) => sizeText(memory.size[i]), value: (i) => memory.size[i], class: "number", width: "w-number" },
    { label: "rights", text: (i) => memory.text(memory.rights, i), class: "mono", width: "w-number", minor: true },
    ...(memory.marks.some((one) => one > 0)
      ? [{ label: "to look at", text: (i) => marksText(memory.marks[i]), width: "w-look" }]
      : []),
    { label: "name", text: (i) => memory.text(memory.name, i), width: "w-name", class: "tail" },
    { label: "type", text: (i) => words(memory.text(memory.type, i)), width: "w-short", minor: true },
    {
      label: "captured",
      text: (i) => `${grouped(memory.counts.captured[i])} of ${grouped(memory.pages(i))}`,
      value: (i) => memory.counts.captured[i] / (memory.pages(i) || 1),
      class: "number",
      width: "w-short",
      minor: true,
    },
    ...counted.map((state) => ({
      label: memory.wordsOf(state),
      text: (i) => (memory.counts[state][i] ? grouped(memory.counts[state][i]) : ""),
      value: (i) => memory.counts[state][i],
      class: "number",
      width: "w-number",
      minor: true,
    })),
  ];
  const bad = (i) => badPages(memory, i) > 0;
  const filters = [
    {
      label: "Regions",
      options: [
        ["all regions", null],
        ["W+X, or code without a file", (i) => (memory.marks[i] & 3) > 0],
        ...(anyAltered(memory) ? [["contradicted by their hashes", (i) => isAltered(memory, i)]] : []),
        ["executable", (i) => memory.text(memory.rights, i).includes("x")],
        ["writable", (i) => memory.text(memory.rights, i).includes("w")],
        ["with pages that could not be read", bad],
        ["with captured pages", (i) => memory.counts.captured[i] > 0],
      ],
    },
    {
      label: "Type",
      options: [
        ["any type", null],
        ...[...new Set(memory.type)].map((one) => [words(memory.texts[one]), (i) => memory.type[i] === one]),
      ],
    },
  ];
  const notes = [];
  if (memory.leftOut) notes.push(`${more(memory.leftOut, "region")} not in this page: msl inspect --show regions lists them.`);
  if (memory.coarse) notes.push(`Of ${many(memory.coarse, "region")} the page states are drawn coarser, the worst one over all that is put together.`);
  return new RowTable(place, {
    title: "Memory regions",
    count: memory.count,
    columns,
    filters,
    chosen,
    note: notes.join(" "),
  });
}

const BAD = ["truncated", "failed", "damaged"];

/** The mark of a region of which a block does not agree with its hash. */
const ALTERED = 4;

function isAltered(memory, i) {
  return (memory.marks[i] & ALTERED) > 0;
}

function anyAltered(memory) {
  return memory.marks.some((one) => one & ALTERED);
}

function badPages(memory, i) {
  return BAD.reduce((sum, state) => sum + (memory.counts[state] ? memory.counts[state][i] : 0), 0);
}

function marksText(marks) {
  const found = [[ALTERED, "hash differs"], [1, "W+X"], [2, "no file"]];
  return found.filter(([bit]) => marks & bit).map(([, text]) => text).join(", ");
}

/** A place in memory in one line. */
function placeText(memory, place) {
  const i = memory.at(place);
  const rights = memory.text(memory.rights, i);
  const name = shortened(memory.text(memory.name, i)) || "no name";
  const marks = memory.marks[i] ? ` — ${marksText(memory.marks[i])}` : "";
  const state = memory.wordsOf(memory.stateAt(place));
  return `${hex(memory.address(place))}: ${state} — ${rights} ${words(memory.text(memory.type, i))}, ${sizeText(memory.size[i])} at ${hex(memory.base[i])}, ${name}${marks}`;
}
