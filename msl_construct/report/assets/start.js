/* Putting the parts where the page has places for them. */

const TITLES = {
  modules: "Modules",
  threads: "Threads",
  connections: "Sockets and connections",
  report_sockets: "Sockets of the process, from the acquisition's report",
  handles: "Open files and handles",
  report_files: "Open files, from the acquisition's report",
  processes: "Processes of the machine",
  process: "Process",
  system: "Machine",
  hints: "Key hints",
  related: "Related dumps",
  origin: "Import",
  connectivity: "Routes, neighbours and interfaces",
  kernel: "Kernel",
  kernel_modules: "Kernel modules",
  persistence: "Files that start programs",
  introspection: "What the system said of the process",
  physical: "Physical memory",
  build_ids: "Build-ids",
  omissions: "Left out by the acquirer",
};
const FIRST = Object.keys(TITLES);
const HIDDEN = ["block", "block_uuid", "local_addr", "local_port", "remote_addr", "remote_port", "handle_code", "ipv4_order", "start_time_unit"];
const IN_FACTS = ["process", "system", "origin"];
/** Columns that a narrow screen has; a row that is chosen shows all of them below. */
const SMALL = {
  modules: ["base_addr", "path"],
  threads: ["thread_id", "thread_name", "pc"],
  connections: ["is_target", "local", "state_name"],
  report_sockets: ["protocol", "local", "state"],
  handles: ["is_target", "fd", "path"],
  report_files: ["fd", "target"],
  processes: ["pid", "user", "exe"],
};
const MAPS = [];

function memoryPart(place, dump) {
  place.append(make("h3", null, "Address space"));
  if (!dump.memory.count) {
    place.append(make("p", { class: "quiet" }, "The dump holds no memory."));
    return;
  }
  const memory = new Memory(dump.memory);
  let table = null;
  const map = new MemoryMap(place, memory, (i) => table.show(i));
  MAPS.push(map);
  if (dump.entropy.count) map.followers.push(new EntropyStrip(place, memory, dump.entropy));
  place.append(
    make("p", { class: "quiet keys" }, "With the map in focus: + and − zoom, arrow keys move, 0 shows all, n goes to the next unread pages, x to the next W+X, d to the next that its hash contradicts. A mouse wheel zooms with Ctrl; a drag moves."),
    make("h4", null, "Regions"),
  );
  table = regionTable(place, memory, (i) => map.showRegion(i));
}

function tablesPart(place, dump) {
  place.classList.remove("card");
  const names = Object.keys(dump.tables).sort((a, b) => FIRST.indexOf(a) - FIRST.indexOf(b));
  for (const name of names) {
    const { columns, rows } = dump.tables[name];
    if (IN_FACTS.includes(name) && rows.length === 1) continue;
    const inWords = columns.filter((one) => columns.includes(`${one}_utc`));
    const named = columns.includes("state_name") ? ["state"] : [];
    const packed = withoutColumns(dump.tables[name], [...HIDDEN, ...inWords, ...named]);
    if (!packed.columns.length) continue;
    const note = packed.left_out ? `${more(packed.left_out, "row")} not in this page: msl inspect --show ${name} lists them.` : "";
    const section = make("section", { class: "card" }, make("h3", null, TITLES[name] || words(name)));
    place.append(section);
    plainTable(section, TITLES[name] || words(name), packed, { is_target: "of the process" }, note, SMALL[name]);
  }
  if (dump.environment && dump.environment.length) {
    const section = make("section", { class: "card" }, make("h3", null, "Environment"));
    place.append(section);
    plainTable(section, "Environment", { columns: ["variable", "value"], rows: dump.environment });
  }
}

function withoutColumns(packed, hidden) {
  const places = packed.columns.map((name, n) => [name, n]).filter(([name]) => !hidden.includes(name));
  return {
    ...packed,
    columns: places.map(([name]) => name),
    rows: packed.rows.map((row) => places.map(([, n]) => row[n])),
  };
}

function comparisonPart(place, found) {
  if (!found.differ && !found.rows.length) place.append(make("p", null, "Nothing else differs."));
  if (found.rows.length) {
    const left = found.rows_left_out ? `${many(found.rows_left_out, "row")} more: msl diff lists them.` : "";
    place.append(make("h3", null, "What came, went and changed"));
    plainTable(place, "Differences", { columns: ["part", "change", "row"], rows: found.rows }, {}, left);
  }
  if (found.changes.length) {
    const rows = found.changes.map(([address, size, where, rebased]) => [address, size, where, rebased ? "moved pointers" : ""]);
    const left = found.changes_left_out ? `The largest; ${many(found.changes_left_out, "change")} more: msl diff lists them.` : "";
    place.append(make("h3", null, "Memory that changed"));
    plainTable(place, "Changes", { columns: ["address", "size", "where", "kind"], rows }, {}, left);
  }
}

function fill() {
  for (const place of document.querySelectorAll("[data-part]")) {
    const dump = REPORT.dumps[Number(place.dataset.dump)];
    if (place.dataset.part === "memory") memoryPart(place, dump);
    else if (place.dataset.part === "tables") tablesPart(place, dump);
    else if (place.dataset.part === "blocks") new BlockBytes(place, dump);
    else comparisonPart(place, REPORT.comparisons.find((one) => one.a === Number(place.dataset.number)));
  }
}

fill();
addEventListener("beforeprint", () => {
  for (const one of TABLES) one.paint(true);
});
addEventListener("afterprint", () => {
  for (const one of TABLES) one.paint();
});
