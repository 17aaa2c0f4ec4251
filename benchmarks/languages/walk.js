// A dump walked with the generated JavaScript parser: node walk.js DUMP headers|full
const fs = require('fs');
const KaitaiStream = require('kaitai-struct/KaitaiStream');
const Msl = require('./Msl').Msl;

const [path, how] = process.argv.slice(2);
const begin = performance.now();
let blocks = 0, pages = 0, size = 0, total = 0;
const dump = new Msl(new KaitaiStream(fs.readFileSync(path)));
for (const block of dump.blocks) {
  blocks += 1;
  size += block.blockLength;
  if (how === 'full' && block.payload instanceof Msl.MemoryRegion) {
    const region = block.payload;
    for (const state of region.pageStates) if (state === Msl.PageState.CAPTURED) pages += 1;
    const data = region.pageData, step = region.pageSize;
    for (let at = 0; at < data.length; at += step) total += data[at];
  }
}
const seconds = (performance.now() - begin) / 1000;
const peak = Number(fs.readFileSync('/proc/self/status', 'utf8').match(/VmHWM:\s*(\d+)/)[1]);
console.log(JSON.stringify([seconds, peak, blocks, size, pages, total]));
