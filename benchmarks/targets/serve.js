// Answers every line that a client sends with the same line, from a heap of ARGV[3] MiB.
const net = require("net");
const size = Number(process.argv[3] || 32);
const kept = [];
for (let index = 0; index < size * 1024; index += 1) kept.push(Buffer.alloc(1024, index & 255));
net
  .createServer((client) => client.on("data", (data) => client.write(data)))
  .listen(process.argv[2], () => console.log("ready"));
