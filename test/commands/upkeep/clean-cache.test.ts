import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { chooseRemoved, type KeptEntry } from '../../../workers/src/embed/kept/kept-entry.ts';
import { lanceflow, temporaryFolder } from '../../support/run.ts';
import { missingServer, withS3Server } from '../../support/s3.ts';

const DAY_S = 24 * 60 * 60;
const EMBEDDER = 'e'.repeat(32);
const REPORT = JSON.stringify({ model: 'ESM-2-320x6' });

/** The list of an entry's files. @param at prefix of their paths */
const listOf = (at: string, shardBytes: number) =>
  JSON.stringify({
    version: 1,
    shard: { path: `${at}a.h5`, bytes: shardBytes },
    description: { path: `${at}a.description`, bytes: 2 },
    report: { path: `${at}a.json`, bytes: REPORT.length },
  });

async function entry(root: string, key: string, shardBytes: number, days: number): Promise<void> {
  const folder = join(root, EMBEDDER, key.repeat(32));
  await mkdir(folder, { recursive: true });
  const files = { 'a.h5': 'x'.repeat(shardBytes), 'a.description': '{}', 'a.json': REPORT };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  await writeFile(join(folder, 'entry.json'), listOf('', shardBytes));
  const usedS = Date.now() / 1000 - days * DAY_S;
  await utimes(join(folder, 'entry.json'), usedS, usedS);
}

describe('clean-cache', () => {
  test('lists what was not used, and removes it only with --remove', async () => {
    const root = join(await temporaryFolder(), 'embeddings');
    await entry(root, 'a', 1000, 40);
    await entry(root, 'b', 2000, 20);
    await entry(root, 'c', 3000, 1);
    // Of a run that was killed two days ago, and of one that works now.
    for (const [name, days] of [
      ['.f.1.tmp', 2],
      ['.f.2.tmp', 0],
    ] as const) {
      await mkdir(join(root, EMBEDDER, name));
      await utimes(join(root, EMBEDDER, name), Date.now() / 1000 - days * DAY_S, Date.now() / 1000 - days * DAY_S);
    }
    await writeFile(join(root, 'notes.txt'), 'mine');
    const clean = (...args: string[]) => lanceflow(['clean-cache', '--embedding-cache', root, ...args]);
    const names = async () =>
      (await readdir(join(root, EMBEDDER))).map((name) => (name.startsWith('.') ? name : name[0]));

    const listed = await clean();
    expect(listed.stdout).toMatch(/1\.0 kB +ESM-2-320x6 +a\.h5/);
    expect(listed.stderr).toContain('1 of 3 entries');
    expect(await names()).toHaveLength(5);

    const week = await clean('--older-than', '7', '--json');
    expect(JSON.parse(week.stdout)).toMatchObject({ rows: 2, entries: 3, leftovers: 1, removed: false });

    expect((await clean('--most', '3200B', '--remove')).code).toBe(0);
    expect((await names()).sort()).toEqual(['.f.2.tmp', 'c']);
    expect(await readdir(root)).toContain('notes.txt');
  });

  test('refuses wrong values, and a folder that does not exist', async () => {
    const root = await temporaryFolder();
    const run = (...args: string[]) => lanceflow(['clean-cache', '--embedding-cache', ...args]);
    expect(await run(join(root, 'no'))).toMatchObject({ code: 65, stderr: expect.stringContaining('no such folder') });
    expect(await run(root, '--most', 'much')).toMatchObject({ code: 64, stderr: expect.stringContaining('--most') });
    expect(await run(root, '--older-than', '-1')).toMatchObject({ code: 64 });
    expect(await run(root)).toMatchObject({ code: 0, stderr: expect.stringContaining('0 of 0 entries') });
  });
});

describe.skipIf(missingServer('moto'))('clean-cache on S3', () => {
  const held = withS3Server('moto');

  test('removes an entry, and the objects in the work folder that it names', async () => {
    const { endpoint, env: settings } = held.server;
    const env = { ...process.env, ...settings };
    const headers = { authorization: 'AWS test-key:unsigned' };
    const put = (key: string, body: string) => fetch(`${endpoint}/lance/${key}`, { method: 'PUT', body, headers });
    const key = `work/embeddings/${EMBEDDER}/${'a'.repeat(32)}/entry.json`;
    await put(key, listOf('s3://lance/work/aa/bb/', 1000));
    for (const [name, text] of [
      ['a.h5', 'x'],
      ['a.description', '{}'],
      ['a.json', REPORT],
    ] as const)
      await put(`work/aa/bb/${name}`, text);
    await put('work/aa/bb/.command.log', 'log');
    const clean = (...args: string[]) =>
      lanceflow(['clean-cache', '--embedding-cache', 's3://lance/work/embeddings', '--older-than', '0', ...args], {
        env,
      });
    const status = async (path: string) => (await fetch(`${endpoint}/lance/${path}`, { headers })).status;

    const listed = await clean();
    expect(listed.stdout).toContain('ESM-2-320x6');
    expect(await status(key)).toBe(200);
    expect((await clean('--remove')).code).toBe(0);
    for (const path of [key, 'work/aa/bb/a.h5', 'work/aa/bb/a.json']) expect(await status(path), path).toBe(404);
    expect(await status('work/aa/bb/.command.log')).toBe(200);
  });
});

test('the longest unused entries go first, and what is kept fits the size', () => {
  const entries = Array.from(
    { length: 20 },
    (_, i): KeptEntry => ({
      ...{ path: `e/${i}`, bytes: 1 + ((i * 7) % 5), usedMs: (i * 13) % 20 },
      files: { version: 1, shard: FILE, description: FILE, report: FILE },
    }),
  );
  for (const since of [0, 5, 30])
    for (const most of [0, 7, 30, Number.POSITIVE_INFINITY]) {
      const removed = chooseRemoved(entries, since, most);
      const left = entries.filter((each) => !removed.includes(each));
      expect(left.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(most);
      for (const { usedMs } of left) expect(usedMs).toBeGreaterThanOrEqual(since);
      const newest = Math.max(-1, ...removed.map(({ usedMs }) => usedMs));
      for (const { usedMs } of left) expect(usedMs).toBeGreaterThan(newest);
    }
  const damaged = { ...entries[0]!, files: undefined, usedMs: 99 };
  expect(chooseRemoved([damaged], 0, Number.POSITIVE_INFINITY)).toEqual([damaged]);
});

const FILE = { path: 'a', bytes: 1 };
