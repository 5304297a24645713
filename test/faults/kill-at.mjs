// Loaded into a command and its threads (node --import): kills the command before the n-th call (KILL_AT) that changes the file system,
// of its main thread, or of its thread with the name KILL_THREAD. With KILL_AT=0 it only counts the calls, and writes their number to
// the file KILL_COUNT.
import syncFs, { writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { isMainThread, threadName } from 'node:worker_threads';

const killAt = Number(process.env.KILL_AT);
const isCounted = process.env.KILL_THREAD ? threadName === process.env.KILL_THREAD : isMainThread;
let calls = 0;

/** @returns whether the process is being killed */
function countCall() {
  if (++calls !== killAt) return false;
  process.kill(process.pid, 'SIGKILL');
  return true;
}

if (isCounted) {
  for (const name of ['copyFile', 'link', 'mkdir', 'rename', 'rm', 'rmdir', 'symlink', 'writeFile']) {
    const original = fs[name];
    fs[name] = async (...args) => {
      // Until the signal arrives.
      if (countCall()) await new Promise(() => {});
      return original(...args);
    };
  }
  for (const name of isMainThread ? [] : ['openSync', 'writevSync']) {
    const original = syncFs[name];
    syncFs[name] = (...args) => {
      if (countCall()) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      return original(...args);
    };
  }
  syncBuiltinESMExports();
  if (killAt === 0) process.on('exit', () => writeFileSync(process.env.KILL_COUNT ?? '', String(calls)));
}
