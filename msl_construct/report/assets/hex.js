/* The small blocks: their fields, and which bytes each of them is. */

class BlockBytes {
  constructor(place, dump) {
    this.blocks = dump.blocks;
    this.fields = make("div", { class: "fields scroll", tabindex: 0, role: "region", "aria-label": "Fields" });
    this.bytes = make("div", { class: "bytes scroll mono", tabindex: 0, role: "region", "aria-label": "Bytes" });
    const rows = this.blocks.map((one) => [one.index === null ? "" : one.index, words(one.type), one.offset, bytesOf(one.data).length]);
    place.append(make("h3", null, "Blocks, byte by byte"));
    const reasons = dump.blocks_left_out.map(([why, count]) => `${grouped(count)} × ${why}`);
    const memory = dump.memory_blocks ? `The ${many(dump.memory_blocks, "block")} of memory ${dump.memory_blocks === 1 ? "is" : "are"} not among them, on purpose.` : "";
    const left = reasons.length ? ` Nor are these (msl inspect --yaml --offsets shows them): ${reasons.join("; ")}.` : "";
    place.append(make("p", { class: "quiet" }, `The file's header and the small blocks. ${memory}${left}`));
    const table = plainTable(place, "Blocks", { columns: ["block", "type", "offset", "size"], rows });
    table.chosen = (i) => this.show(i);
    this.title = make("h4", { "aria-live": "polite" });
    place.append(this.title, make("div", { class: "dissected" }, this.fields, this.bytes));
    this.show(0);
  }

  show(number) {
    const block = this.blocks[number];
    this.data = bytesOf(block.data);
    this.owner = new Int32Array(this.data.length).fill(-1);
    block.fields.forEach(([, start, length], n) => this.owner.fill(n, start, start + length));
    const compressed = block.compressed ? " (its payload is compressed, and shown by its header alone)" : "";
    this.title.textContent = `${words(block.type)}${block.index === null ? "" : `, block ${block.index}`} at ${block.offset}${compressed}`;
    const items = block.fields.map(([path, start, length, text, redacted], n) =>
      make(
        "tr",
        { tabindex: 0, onmouseenter: () => this.mark(n), onfocus: () => this.mark(n) },
        make("th", { scope: "row", class: `tint-${n % 6}` }, foreign(path)),
        make("td", { class: "number" }, `+${start}`),
        make("td", { class: "number" }, String(length)),
        make("td", { class: "mono" }, redacted ? "(redacted)" : foreign(text)),
      ),
    );
    const head = make("tr", null, ["field", "at", "bytes", "value"].map((one) => make("th", { scope: "col" }, one)));
    this.fields.replaceChildren(make("table", null, make("thead", null, head), make("tbody", null, items)));
    this.bytes.replaceChildren(...this.lines(block));
  }

  lines(block) {
    const found = [];
    for (let at = 0; at < this.data.length; at += 16) {
      const cells = [];
      let text = "";
      for (let i = at; i < Math.min(at + 16, this.data.length); i++) {
        const owner = this.owner[i];
        const hidden = owner >= 0 && block.fields[owner][4];
        const value = this.data[i];
        text += hidden ? "·" : value > 32 && value < 127 ? String.fromCharCode(value) : ".";
        cells.push(
          make(
            "span",
            { class: owner < 0 ? "byte" : `byte tint-${owner % 6}`, "data-field": owner, onclick: () => this.mark(owner) },
            hidden ? "··" : value.toString(16).padStart(2, "0"),
          ),
        );
      }
      found.push(
        make(
          "div",
          { class: "line" },
          make("span", { class: "at" }, at.toString(16).padStart(4, "0")),
          make("span", { class: "cells" }, cells),
          make("span", { class: "text" }, text),
        ),
      );
    }
    return found;
  }

  mark(field) {
    for (const one of this.bytes.querySelectorAll(".marked")) one.classList.remove("marked");
    for (const one of this.fields.querySelectorAll(".marked")) one.classList.remove("marked");
    if (field < 0) return;
    for (const one of this.bytes.querySelectorAll(`[data-field="${field}"]`)) one.classList.add("marked");
    const row = this.fields.querySelectorAll("tbody tr")[field];
    if (row) row.classList.add("marked");
  }
}
