// Loaded into a command and its threads (node --import): ends one thread with the name DIE_IN, in the way DIE_BY, when it opens its
// first file for DIE_AT, or its first file at all.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { threadName } from 'node:worker_threads';

const { DIE_IN, DIE_BY, DIE_AT = '' } = process.env;

function die() {
  if (DIE_BY === 'exit') process.exit(3);
  // As native code that crashes.
  if (DIE_BY === 'crash') process.kill(process.pid, 'SIGSEGV');
  const kept = [];
  for (;;) kept.push(new Array(100_000).fill(kept.length + 0.5));
}

if (threadName === DIE_IN) {
  const { openSync } = fs;
  fs.openSync = (path, ...args) => {
    if (`${path}`.includes(DIE_AT)) die();
    return openSync(path, ...args);
  };
  syncBuiltinESMExports();
}
