// Loaded into a command and its threads (node --import): ends one thread with the name DIE_IN, in the way DIE_BY, when it opens its
// first file for DIE_AT, or its first file at all. With DIE_BY=full it only fills the disk of the file DIE_FILL, as another program may.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { threadName } from 'node:worker_threads';

const { DIE_IN, DIE_BY, DIE_AT = '', DIE_FILL = '' } = process.env;

function die() {
  if (DIE_BY === 'exit') process.exit(3);
  // As native code that crashes.
  if (DIE_BY === 'crash') process.kill(process.pid, 'SIGSEGV');
  if (DIE_BY === 'full') return fill();
  const kept = [];
  for (;;) kept.push(new Array(100_000).fill(kept.length + 0.5));
}

/** Other threads may fill it too. */
function fill() {
  try {
    for (const file = openSync(DIE_FILL, 'a'); ; ) fs.writeSync(file, new Uint8Array(4096));
  } catch (error) {
    if (error.code !== 'ENOSPC') throw error;
  }
}

const { openSync } = fs;
if (threadName === DIE_IN) {
  fs.openSync = (path, ...args) => {
    if (`${path}`.includes(DIE_AT)) die();
    return openSync(path, ...args);
  };
  const { open } = fs.promises;
  fs.promises.open = async (path, ...args) => {
    if (`${path}`.includes(DIE_AT)) die();
    return open(path, ...args);
  };
  syncBuiltinESMExports();
}
