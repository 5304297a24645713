import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openS3 } from '../../workers/src/s3/client.ts';
import { listFolder } from '../../workers/src/s3/objects.ts';
import { openUploads } from '../../workers/src/s3/transfer/open-uploads.ts';
import { runHere } from '../support/command.ts';
import { lanceflow, ROOT, sharedFolder } from '../support/run.ts';
import { missingServer, useS3, withS3Server } from '../support/s3.ts';
import { randomRows, writeShard } from '../support/shards.ts';

const DIE = join(ROOT, 'test/faults/die-in-thread.mjs');
const BUCKET = 'bucket_00001';

describe.skipIf(missingServer('versitygw'))('a thread that transfers files and dies', () => {
  const held = withS3Server('versitygw');
  /** Enough bytes for threads: 68 MB. */
  const [rows, dimension] = [16_600, 1024];
  let folder = '';
  beforeAll(async () => {
    folder = await sharedFolder();
    await writeShard(join(folder, 's.h5'), randomRows(1, rows, dimension));
    await writeShard(join(folder, 'q.h5'), randomRows(2, 5, dimension));
  });

  it.each([
    ['memory', { code: 75, signal: null }, /The thread "s3" ran out of memory\. Use fewer threads/],
    ['exit', { code: 1, signal: null }, /The thread "s3" exited with code 3 before its work was done/],
    ['crash', { code: null, signal: 'SIGSEGV' }, /^/],
  ])('by %s, ends a build and a search, half of which nobody finds', async (by, end, reason) => {
    useS3(held.server.env);
    const database = `s3://lance/${by}`;
    const work = join(folder, by);
    const [plan, hits] = [join(folder, `${by}.json`), join(folder, `${by}.parquet`)];
    await mkdir(work);
    await runHere(['pack-buckets', '--input', join(folder, 's.h5'), '--database', database, '--output', plan]);
    const options = { NODE_OPTIONS: `--max-old-space-size=96 --import ${DIE}`, DIE_IN: 's3', DIE_BY: by };
    const dies = async (command: string[], at: string) => {
      const died = await lanceflow(command, { env: { ...process.env, ...options, DIE_AT: at } });
      expect(died).toMatchObject(end);
      expect(died.stderr).toMatch(reason);
    };

    const bucket = ['--bucket', BUCKET, '--database', database, '--work', work];
    const ingest = ['ingest-bucket', '--plan', plan, ...bucket];
    await dies(ingest, '.lance');
    const s3 = await openS3(database);
    if (by !== 'crash') expect(await Array.fromAsync(openUploads(s3, ''))).toEqual([]);
    expect(await listFolder(s3, '_catalog')).toEqual([]);
    expect(await listFolder(s3, `${BUCKET}.lance/_versions`)).toEqual([]);
    await runHere(ingest);
    await runHere(['index-bucket', ...bucket]);
    expect(await Array.fromAsync(openUploads(s3, ''))).toEqual([]);
    expect(await listFolder(s3, '_pending')).toEqual([]);

    const search = ['search-bucket', ...bucket, '--queries', join(folder, 'q.h5'), '--search', 'exact', '--k', '3'];
    await dies([...search, '--output', hits], '.lance');
    expect((await readdir(folder)).filter((name) => name.includes(`${by}.parquet`))).toEqual([]);
    expect((await runHere([...search, '--output', hits])).rows).toBe(15);
  });
});
