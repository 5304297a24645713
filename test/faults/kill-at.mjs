// Loaded into a command (node --import): ends it with SIGKILL before its n-th call that changes the file system. With
// KILL_AT=0 the calls are only counted, and the number is written to the file KILL_COUNT.
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
      // The signal is on its way.
      await new Promise(() => {});
    }
    return original(...args);
  };
}
syncBuiltinESMExports();
if (killAt === 0) process.on('exit', () => writeFileSync(process.env.KILL_COUNT ?? '', String(calls)));
