// Runs npm's kaitai-struct-compiler: {compiler, schema, targets} as JSON on stdin,
// {version, files: {target: {name: text}}} as JSON on stdout.
'use strict';
const {compiler, schema, targets} = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const loaded = require(compiler);
// Up to 0.10 the module was a constructor.
const kaitai = typeof loaded === 'function' ? new loaded() : loaded;
(async () => {
  const files = {};
  for (const target of targets) {
    files[target] = await kaitai.compile(target, schema, null, false);
  }
  process.stdout.write(JSON.stringify({version: kaitai.version, files}));
})().catch((error) => {
  process.stderr.write(String(error && error.message || error) + '\n');
  process.exitCode = 1;
});
