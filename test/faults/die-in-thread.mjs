// Loaded into a command (node --import): at its first write, the thread named DIE_THREAD ends in the manner DIE_BY.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { isMainThread, threadName } from 'node:worker_threads';

if (!isMainThread && threadName === process.env.DIE_THREAD) {
  fs.writevSync = () => {
    if (process.env.DIE_BY === 'exit') process.exit(9);
    const kept = [];
    for (;;) kept.push({ number: kept.length + 0.5 });
  };
  syncBuiltinESMExports();
}
