import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { parseCatalogEntry } from '../../workers/src/database/catalog/parse-entry.ts';
import { fileSizes, hasFiles } from '../../workers/src/lance/table-files.ts';
import { namesIn } from './database.ts';
import { lanceflow, ROOT } from './run.ts';

const KILL_AT = join(ROOT, 'test/faults/kill-at.mjs');

/** Counts the calls of a command that change the file system: of its main thread, or of the thread with a name. */
export async function countCalls(argv: readonly string[], countFile: string, thread = ''): Promise<number> {
  const { code, stderr } = await lanceflow(argv, { env: killer(0, countFile, thread) });
  if (code !== 0) throw new Error(stderr);
  return Number(await readFile(countFile, 'utf8'));
}

/** Runs a command, and kills it before its n-th call that changes the file system. */
export async function killAtCall(argv: readonly string[], call: number, thread = ''): Promise<void> {
  expect(await lanceflow(argv, { env: killer(call, '', thread) })).toMatchObject({ signal: 'SIGKILL' });
}

function killer(call: number, countFile: string, thread: string): NodeJS.ProcessEnv {
  const options = { NODE_OPTIONS: `--import ${KILL_AT}`, KILL_THREAD: thread };
  return { ...process.env, ...options, KILL_AT: `${call}`, KILL_COUNT: countFile };
}

/**
 * Runs a command and sends it a signal after a delay, or once a matching file is in a folder.
 * @returns its end; the command may finish before the signal
 */
export function signalAfter(
  argv: readonly string[],
  when: number | { folder: string; file: RegExp },
  signal: NodeJS.Signals,
) {
  return new Promise<{ code: number | null; signal: NodeJS.Signals | null; stderr: string }>((resolve, reject) => {
    // The script replaces itself by Node, so the signal reaches the command.
    const child = spawn(join(ROOT, 'bin/lanceflow'), argv, { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    const timer =
      typeof when === 'number'
        ? setTimeout(() => child.kill(signal), when)
        : setInterval(async () => {
            const names = await readdir(when.folder, { recursive: true }).catch(() => []);
            if (names.some((name) => when.file.test(name))) child.kill(signal);
          }, 20);
    child.on('close', (code, ended) => {
      clearInterval(timer);
      resolve({ code, signal: ended, stderr });
    });
  });
}

/** Makes the locks of killed processes stale at once, so that tests need not wait. */
export async function expireLocks(database: string): Promise<void> {
  const pending = join(database, '_pending');
  for (const name of await readdir(pending).catch(() => []))
    if (name.endsWith('.lock')) await rm(join(pending, name), { recursive: true });
}

/** Expects every bucket in the catalog to be complete. */
export async function expectWholeCatalog(database: string): Promise<void> {
  for (const name of await readdir(join(database, '_catalog')).catch(() => [])) {
    if (name.startsWith('.')) continue;
    const path = join(database, '_catalog', name);
    const bucket = name.replace(/\.json$/, '');
    const { files } = parseCatalogEntry(await readFile(path, 'utf8'), bucket, path);
    expect(await hasFiles(await fileSizes(join(database, `${bucket}.lance`)), files), `${bucket} is whole`).toBe(true);
  }
}

/** Expects no leftovers of interrupted builds: no temporary files, locks, plans, or second versions. */
export async function expectNoLeftovers(database: string): Promise<void> {
  const names = await namesIn(database);
  expect(names.filter((name) => /\.tmp|\.lock|\.holder|_pending\//.test(name))).toEqual([]);
  for (const table of names.filter((name) => /^[^/]+\.lance$/.test(name))) {
    const bucket = table.replace(/\.lance$/, '');
    expect(existsSync(join(database, '_catalog', `${bucket}.json`)), `${bucket} is entered`).toBe(true);
    const path = join(database, '_catalog', `${bucket}.json`);
    const { files } = parseCatalogEntry(await readFile(path, 'utf8'), bucket, path);
    const own = (await readdir(join(database, table), { recursive: true, withFileTypes: true }))
      .filter((file) => file.isFile())
      .map((file) => join(file.parentPath, file.name).slice(join(database, table).length + 1));
    expect(own.sort()).toEqual(files.map((file) => file.path).sort());
  }
}
