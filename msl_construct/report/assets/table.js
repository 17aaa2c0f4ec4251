/* A table of any length: only the rows in sight are elements. */

const ROW_HEIGHT = 28;
const PRINTED = 400;
const TABLES = [];

/**
 * columns: [{label, text(i), value(i) to sort by, class, width}]
 * filters: [{label, options: [[text, keeps(i)]]}]
 */
class RowTable {
  constructor(place, { title, count, columns, filters = [], chosen = null, note = "" }) {
    this.count = count;
    this.columns = columns;
    this.chosen = chosen;
    this.order = null;
    this.selected = -1;
    this.sorted = [-1, 1];
    this.haystack = null;
    this.keeps = filters.map((one) => one.options[0][1]);
    this.search = make("input", {
      type: "search",
      placeholder: "Filter",
      "aria-label": `Filter ${title}`,
      oninput: later(120, () => this.arrange()),
    });
    this.status = make("span", { class: "quiet", role: "status" });
    const selects = filters.map((one, n) => this.select(one, n));
    this.heads = columns.map((one, n) => this.head(one, n));
    this.body = make("tbody");
    this.detail = make("dl", { class: "detail", "aria-live": "polite", hidden: true });
    const widths = columns.map((one) => make("col", { class: classes(one.width || "w-text", one) }));
    this.table = make(
      "table",
      { "aria-rowcount": count + 1, "aria-label": title },
      make("colgroup", null, widths),
      make("thead", null, make("tr", null, this.heads)),
      this.body,
    );
    this.view = make(
      "div",
      {
        class: "rows",
        tabindex: 0,
        role: "region",
        "aria-label": `${title}; arrow keys choose a row`,
        onscroll: () => this.paint(),
        onkeydown: (event) => this.key(event),
      },
      this.table,
    );
    const bar = make("div", { class: "bar" }, count > 8 ? [this.search, selects] : [], this.status);
    place.append(bar, this.view, this.detail);
    if (note) place.append(make("p", { class: "quiet" }, note));
    this.arrange();
    TABLES.push(this);
    new ResizeObserver(() => this.paint()).observe(this.view);
  }

  select(one, number) {
    const found = make("select", {
      "aria-label": one.label,
      onchange: () => {
        this.keeps[number] = one.options[found.selectedIndex][1];
        this.arrange();
      },
    });
    for (const [text] of one.options) found.append(make("option", null, text));
    return found;
  }

  head(column, number) {
    const sort = () => {
      this.sorted = [number, this.sorted[0] === number ? -this.sorted[1] : 1];
      this.heads.forEach((head, n) => {
        if (n === number) head.setAttribute("aria-sort", this.sorted[1] > 0 ? "ascending" : "descending");
        else head.removeAttribute("aria-sort");
      });
      this.arrange();
    };
    const button = make("button", { type: "button", onclick: sort }, column.label);
    return make("th", { scope: "col", class: classes(column.class, column) }, button);
  }

  /** Filter and sort anew. */
  arrange() {
    const wanted = this.search.value.toLowerCase();
    const keeps = this.keeps.filter((one) => one !== null);
    const found = [];
    if (wanted && this.haystack === null) this.haystack = this.texts();
    for (let i = 0; i < this.count; i++) {
      if (wanted && !this.haystack[i].includes(wanted)) continue;
      if (keeps.every((keep) => keep(i))) found.push(i);
    }
    const [number, direction] = this.sorted;
    if (number >= 0) {
      const value = this.columns[number].value || this.columns[number].text;
      const values = new Map(found.map((i) => [i, value(i)]));
      found.sort((a, b) => direction * compare(values.get(a), values.get(b)));
    }
    this.order = found;
    const all = many(this.count, "row");
    this.status.textContent = found.length === this.count ? all : `${grouped(found.length)} of ${all}`;
    this.view.scrollTop = 0;
    this.paint();
  }

  texts() {
    const found = new Array(this.count);
    for (let i = 0; i < this.count; i++) {
      found[i] = this.columns.map((one) => one.text(i)).join("\n").toLowerCase();
    }
    return found;
  }

  paint(all = false) {
    if (this.order === null) return;
    const total = this.order.length;
    let first = Math.max(0, Math.floor(this.view.scrollTop / ROW_HEIGHT) - 6);
    let stop = Math.min(total, first + Math.ceil(this.view.clientHeight / ROW_HEIGHT) + 12);
    if (all) [first, stop] = [0, Math.min(total, PRINTED)];
    const rows = [];
    if (first && !all) rows.push(filler(first));
    for (let place = first; place < stop; place++) rows.push(this.row(place));
    if (stop < total && !all) rows.push(filler(total - stop));
    if (stop < total && all) {
      const text = `and ${many(total - stop, "row")} more, which are not printed`;
      rows.push(make("tr", null, make("td", { colspan: this.columns.length }, text)));
    }
    this.body.replaceChildren(...rows);
  }

  row(place) {
    const i = this.order[place];
    const cells = this.columns.map((one) => make("td", { class: classes(one.class, one) }, foreign(one.text(i))));
    return make(
      "tr",
      {
        "aria-rowindex": place + 2,
        "aria-selected": i === this.selected ? "true" : null,
        onclick: () => this.choose(i),
      },
      cells,
    );
  }

  choose(i, quietly = false) {
    this.selected = i;
    const pairs = this.columns.map((one) => [make("dt", null, one.label), make("dd", null, foreign(one.text(i)))]);
    this.detail.replaceChildren(...pairs.flat());
    this.detail.hidden = false;
    this.paint();
    if (this.chosen && !quietly) this.chosen(i);
  }

  /** Bring a row into sight and choose it. */
  show(i) {
    const place = this.order.indexOf(i);
    if (place < 0) return;
    this.view.scrollTop = Math.max(0, place * ROW_HEIGHT - this.view.clientHeight / 2);
    this.choose(i, true);
  }

  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 12, PageUp: -12 }[event.key];
    if (step === undefined || event.target !== this.view || !this.order.length) return;
    event.preventDefault();
    const place = this.order.indexOf(this.selected) + step;
    const next = this.order[Math.min(this.order.length - 1, Math.max(0, place))];
    const top = this.order.indexOf(next) * ROW_HEIGHT;
    const [low, high] = [this.view.scrollTop, this.view.scrollTop + this.view.clientHeight - 2 * ROW_HEIGHT];
    if (top < low) this.view.scrollTop = top;
    else if (top > high) this.view.scrollTop = top - this.view.clientHeight + 2 * ROW_HEIGHT;
    this.choose(next);
  }
}

/** The classes of a column, of which a narrow screen leaves out the minor ones. */
function classes(own, column) {
  return [own || "", column.minor ? "minor" : ""].join(" ").trim();
}

function filler(rows) {
  const cell = make("td"); // over no other column: a narrow screen has fewer of them
  cell.style.height = `${rows * ROW_HEIGHT}px`;
  return make("tr", { class: "filler", "aria-hidden": "true" }, cell);
}

function compare(a, b) {
  if (a === b) return 0;
  if (a === null || a === undefined) return 1;
  if (b === null || b === undefined) return -1;
  if (typeof a === "string" && typeof b === "string") return a.localeCompare(b, "en", { numeric: true });
  return a < b ? -1 : 1;
}

/** A table of rows as the data has them. */
function plainTable(place, title, packed, labels = {}, note = "", small = null) {
  const columns = packed.columns.map((name, n) => ({
    label: labels[name] || words(name),
    text: (i) => cellText(name, packed.rows[i][n]),
    value: (i) => packed.rows[i][n],
    class: typeof packed.rows[0][n] === "number" ? "number" : /addr|hash|uuid|^pc$|^sp$/.test(name) ? "mono" : /path|exe/.test(name) ? "tail" : "",
    width: widthOf(name, packed.rows[0][n]),
    minor: small !== null && !small.includes(name),
  }));
  return new RowTable(place, { title, count: packed.rows.length, columns, filters: choices(packed, labels), note });
}

/** For columns of few different values a choice of them. */
function choices(packed, labels) {
  const found = [];
  packed.columns.forEach((name, n) => {
    if (!/state|type|protocol|target|source|found_in|reason|kind|part|change/.test(name)) return;
    const label = labels[name] || words(name);
    const values = [...new Set(packed.rows.map((row) => row[n]))].filter((one) => one !== null);
    if (values.length < 2 || values.length > 12) return;
    const options = values.sort(compare).map((one) => [`${label}: ${cellText(name, one)}`, (i) => packed.rows[i][n] === one]);
    found.push({ label, options: [[`any ${label}`, null], ...options] });
  });
  return found.slice(0, 3);
}

function cellText(name, value) {
  if (value === null || value === undefined) return "";
  if (/size$|^rss$/.test(name) && typeof value === "number") return sizeText(value);
  if (name === "is_target") return value ? "yes" : "no";
  if (name === "disk_hash" && /^0+$/.test(value)) return "not known";
  if (name === "handle_type" && /^0x/.test(value)) return `${value} (unnamed)`;
  return String(value);
}

function widthOf(name, value) {
  if (/addr|^pc$|^sp$|time|modified/.test(name)) return "w-address";
  if (/path|name|cmd|exe|text|value|note|local|remote|row|target|where/.test(name) && name !== "is_target") return "w-text";
  return typeof value === "number" ? "w-number" : "w-short";
}
