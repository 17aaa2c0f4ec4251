// Print what the layer shows of the dumps, and reads at the addresses, that a file asks for.
'use strict';
const fs = require('fs');
const {Dump} = require('./msl_dump');

const hex = (value) => (value === null ? '-' : value.toString(16));
let dump;
for (const line of fs.readFileSync(process.argv[2], 'utf8').split('\n')) {
  const [what, ...words] = line.split(' ');
  if (what === 'dump') {
    dump = new Dump(words.join(' '));
    console.log(line);
    for (const one of dump.regions) {
      console.log(`region ${hex(one.address)} ${hex(one.size)} ${one.rights}`);
    }
    for (const one of dump.modules) {
      console.log(`module ${hex(one.address)} ${hex(one.size)} ${one.path}`);
    }
    for (const one of dump.threads) {
      for (const [name, value] of one.registers) {
        console.log(`register ${hex(one.id)} ${name} ${hex(value)}`);
      }
    }
    for (const index of dump.damaged.keys()) console.log(`damaged ${index}`);
  } else if (what === 'read') {
    const [address, length] = words.map((word) => BigInt(`0x${word}`));
    for (const run of dump.read(address, length)) {
      const data = run.data ? Buffer.from(run.data).toString('hex') : '';
      console.log(`run ${hex(run.address)} ${hex(run.length)} ${run.state} ${data}`);
    }
  }
}
