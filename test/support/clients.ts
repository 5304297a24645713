import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { missing, missingPython, ROOT, requirePython, run } from './run.ts';

/** Versions of Python's LanceDB: the oldest supported ones in docs/output.md, and the newest. Installed from test/clients/*.txt. */
export const CLIENTS = [
  { version: '0.24.3', folder: join(ROOT, '.tools/lancedb-0.24') },
  { version: '0.30.0', folder: join(ROOT, '.tools/lancedb-0.30') },
  { version: 'newest', folder: undefined },
] as const;

export type Client = (typeof CLIENTS)[number];

/** Returns true where tests with these clients must be skipped; see `missing`. */
export function missingClients(): boolean {
  const there = CLIENTS.every(({ folder }) => folder === undefined || existsSync(join(folder, 'lancedb')));
  return missingPython() || missing(there, 'older LanceDB clients (npm run setup:python)');
}

/** Runs Python code with one of the clients, and returns the JSON on its last line. */
export async function runClient<T>({ folder }: Client, code: string, ...args: string[]): Promise<T> {
  const env = { ...process.env, ...(folder ? { PYTHONPATH: folder } : {}) };
  // An older client may abort at the interpreter's exit, after the output is printed.
  const whole = `${code}\nsys.stdout.flush()\nos._exit(0)`;
  const {
    code: exit,
    stdout,
    stderr,
  } = await run(requirePython(), ['-c', `import os, sys\n${whole}`, ...args], { env });
  if (exit !== 0) throw new Error(`Python ended with ${exit}:\n${stderr}`);
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as T;
}
