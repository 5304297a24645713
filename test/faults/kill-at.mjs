// Loaded into a command (node --import): kills it before its n-th call that changes the file system (KILL_AT). With KILL_AT=0 it only
// counts the calls, and writes their number to the file KILL_COUNT.
import { writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

const killAt = Number(process.env.KILL_AT);
let calls = 0;

for (const name of ['copyFile', 'link', 'mkdir', 'rename', 'rm', 'rmdir', 'symlink', 'writeFile']) {
  const original = fs[name];
  fs[name] = async (...args) => {
    if (++calls === killAt) {
      process.kill(process.pid, 'SIGKILL');
      // Until the signal arrives.
      await new Promise(() => {});
    }
    return original(...args);
  };
}
syncBuiltinESMExports();
if (killAt === 0) process.on('exit', () => writeFileSync(process.env.KILL_COUNT ?? '', String(calls)));
