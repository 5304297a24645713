import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { missing, missingPython, ROOT, requirePython, run } from './run.ts';

/** Python's LanceDB: the versions that docs/output.md names as the least, and the newest. The folders are test/clients/*.txt. */
export const CLIENTS = [
  { version: '0.24.3', folder: join(ROOT, '.tools/lancedb-0.24') },
  { version: '0.30.0', folder: join(ROOT, '.tools/lancedb-0.30') },
  { version: 'newest', folder: undefined },
] as const;

export type Client = (typeof CLIENTS)[number];

/** True where tests with all these clients are to be skipped; see `missing`. */
export function missingClients(): boolean {
  const there = CLIENTS.every(({ folder }) => folder === undefined || existsSync(join(folder, 'lancedb')));
  return missingPython() || missing(there, 'older LanceDB clients (npm run setup:python)');
}

/** Runs Python code with one of the clients and gives what it printed as JSON on its last line. */
export async function runClient<T>({ folder }: Client, code: string, ...args: string[]): Promise<T> {
  const env = { ...process.env, ...(folder ? { PYTHONPATH: folder } : {}) };
  // An older client may abort when the interpreter ends, after all is said.
  const whole = `${code}\nsys.stdout.flush()\nos._exit(0)`;
  const {
    code: exit,
    stdout,
    stderr,
  } = await run(requirePython(), ['-c', `import os, sys\n${whole}`, ...args], { env });
  if (exit !== 0) throw new Error(`Python ended with ${exit}:\n${stderr}`);
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as T;
}
