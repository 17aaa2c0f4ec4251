"use strict";
// Looks for words in what the page has: structures first, then fields, codes, flags, statements.
const index = JSON.parse(document.getElementById("index").textContent);
const order = { structure: 0, field: 1, flag: 2, code: 2, statement: 3, section: 4 };
const box = document.getElementById("search"), hits = document.getElementById("hits");
function found(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const all = index.filter(one => words.every(word => one.text.includes(word)));
  const named = one => words.every(word => one.title.toLowerCase().includes(word)) ? 0 : 1;
  return all.sort((a, b) => order[a.kind] - order[b.kind] || named(a) - named(b)).slice(0, 12);
}
box.addEventListener("input", () => {
  hits.replaceChildren(...found(box.value).map(one => {
    const item = document.createElement("li"), link = document.createElement("a");
    link.href = "#" + one.anchor; link.textContent = one.title;
    const kind = document.createElement("small"); kind.textContent = " " + one.kind;
    item.append(link, kind); return item;
  }));
});
for (const filter of document.querySelectorAll("input[data-filters]")) {
  const rows = document.querySelectorAll("#" + filter.dataset.filters + " tbody tr");
  filter.addEventListener("input", () => {
    const wanted = filter.value.toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
}
// On a phone the contents would fill the first screens.
if (matchMedia("(max-width: 60rem)").matches) document.querySelector("nav details").open = false;
