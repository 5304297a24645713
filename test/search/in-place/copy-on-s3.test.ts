// @module-tag slow

import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openS3 } from '../../../workers/src/s3/client.ts';
import { uploadFiles } from '../../../workers/src/s3/transfer/upload.ts';
import { closeWarmBuckets } from '../../../workers/src/search/in-place/warm-buckets.ts';
import { runHere } from '../../support/command.ts';
import { buildDatabase } from '../../support/database.ts';
import type { Seen } from '../../support/fault-proxy.ts';
import { finish, ROOT, sharedFolder } from '../../support/run.ts';
import { missingServer, useS3, withFaultProxy } from '../../support/s3.ts';
import { randomRows, sliceRows, writeShard } from '../../support/shards.ts';
import { waitUntil } from '../../support/wait.ts';

const DATABASE = 's3://lance/copied';
const skip = missingServer('moto');
const ROWS = 6000;

const isCodes = ({ url }: Seen) => url.includes('auxiliary.idx');

describe.skipIf(skip)('queries with many candidates on S3', () => {
  const held = withFaultProxy('moto');
  let folder = '';
  let local = '';
  const at = (name: string) => join(folder, name);

  beforeEach(() => useS3({ ...held.proxy.env, LANCEFLOW_S3_STALL_MS: '30000' }));
  afterEach(closeWarmBuckets);
  beforeAll(async () => {
    useS3(held.server.env);
    folder = await sharedFolder();
    const rows = randomRows(3, ROWS, 16);
    const shard = await writeShard(at('a.h5'), rows);
    await writeShard(at('q.h5'), sliceRows(rows, 590, 593));
    ({ database: local } = await buildDatabase(folder, [shard]));
    const entries = await readdir(local, { recursive: true, withFileTypes: true });
    const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
    const s3 = await openS3(DATABASE);
    await uploadFiles(
      s3,
      paths.map((path) => ({ path, key: path.slice(local.length + 1) })),
    );
  });

  it.each([
    ['that are rescored', ['--k', '600', '--nprobes', '5']],
    ['that are not rescored', ['--k', '5200', '--refine-factor', '0', '--exclude-self']],
  ])('have the answer of the table itself, with candidates %s', async (_, options) => {
    const ask = (database: string, output: string) =>
      runHere(['ask', '--input', at('q.h5'), '--database', database, ...options, '--output', at(output)]);
    await ask(local, 'local.csv');
    const report = await ask(DATABASE, 'copied.csv');
    expect(report).toMatchObject({ isEstimated: false });
    expect(await readFile(at('copied.csv'), 'utf8')).toBe(await readFile(at('local.csv'), 'utf8'));
  });

  it.each([
    ['a time limit', 75],
    ['a signal', 143],
  ])('leave no copy after %s, however long S3 stalls', async (kind, code) => {
    // The copy is open when its data file stalls.
    held.proxy.rule = ({ url, headers }) =>
      url.includes('.lance/data/') && headers.range !== 'bytes=0-0' && held.proxy.seen.some(isCodes)
        ? { noAnswer: true }
        : undefined;
    const temporary = at(`tmp-${code}`);
    await mkdir(temporary);
    // LanceDB has folders of its own there.
    const copies = async () => (await readdir(temporary)).filter((name) => name.includes('.asked.'));
    const argv = ['ask', '--input', at('q.h5'), '--database', DATABASE, '--k', '600'];
    const child = spawn(join(ROOT, 'bin/lanceflow'), [...argv, '--timeout', kind === 'a signal' ? '60' : '4'], {
      env: { ...process.env, TMPDIR: temporary },
    });
    const ended = finish(child);
    await waitUntil('a copy is there', async () => (await copies()).length > 0, { during: child });
    if (kind === 'a signal') child.kill('SIGTERM');
    expect((await ended).code).toBe(code);
    expect(await copies()).toEqual([]);
  });
});
