// objects.js MIB [HEARTBEAT]: an ordinary node whose objects occupy so many MiB.
// Speaks as the programs in C do, see target.h. The heartbeat is a timer of 1 ms, of which node
// has none finer; its figures begin at about that.
"use strict";

const NOTABLE = 2_000_000n;
const wanted = Number(process.argv[2]) * 2 ** 20;
const names = ["Ada", "Grace", "Edsger", "Barbara", "Donald", "Frances", "Niklaus", "Margaret"];
const records = [];
let longest = 0n;
let notable = 0n;

while (process.memoryUsage.rss() < wanted) {
  for (let more = 0; more < 1000; more++) {
    const number = records.length;
    const first = names[(number * 7) % names.length];
    const second = names[Math.floor(Math.random() * names.length)];
    records.push({
      id: number,
      name: `${first} ${second}`,
      mail: `${first}.${second}@example.org`.toLowerCase(),
      price: Math.random() * 1000,
      tags: names.slice(0, number % names.length),
      seen: new Set([number % 500, number % 77]),
      text: Buffer.from(`order ${number} of ${first}`).toString("hex"),
    });
  }
}

if (process.argv[3] === "1") {
  let last = process.hrtime.bigint();
  setInterval(() => {
    const now = process.hrtime.bigint();
    const gap = now - last;
    last = now;
    if (gap > longest) longest = gap;
    if (gap > NOTABLE) notable += gap;
  }, 1);
}

process.stdin.on("data", () => {
  process.stdout.write(`${longest} ${notable}\n`);
  longest = notable = 0n;
});
process.stdin.on("end", () => process.exit(records.length > 0 ? 0 : 1));
process.stdout.write("ready\n");
