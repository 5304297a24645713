import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { markReserved } from '../../workers/src/database/node/disk-marks.ts';
import { runHere } from '../support/command.ts';
import { expectNoLeftovers } from '../support/crash.ts';
import { buildDatabase, namesIn } from '../support/database.ts';
import { mountDisk } from '../support/mount-disk.ts';
import { expectRefusal } from '../support/refusal.ts';
import { lanceflow, ROOT, run, sharedFolder, tellSkipped } from '../support/run.ts';
import { randomRows, sliceRows, writeShard } from '../support/shards.ts';

const BUCKET = ['--bucket', 'bucket_00001'];

/** A file system that is mounted may grow. */
const resize = (folder: string, size: string) => run('mount', ['-o', `remount,size=${size}`, folder]);

describe('a full disk', () => {
  let folder = '';
  let disk = '';
  let mounted = false;
  const rows = randomRows(1, 4000, 64);

  beforeAll(async () => {
    folder = await sharedFolder();
    disk = join(folder, 'disk');
    await mkdir(disk);
    mounted = await mountDisk(disk, '200k');
    if (!mounted) tellSkipped('a full disk cannot be tried: mounting one needs root', 'a disk to mount (as root)');
    await writeShard(join(folder, 's.h5'), rows);
    await writeShard(join(folder, 'q.h5'), sliceRows(rows, 0, 2000));
  });
  afterAll(async () => {
    if (mounted) await run('umount', [disk]);
  });

  /** Expects exit code 75, a message, and no new file on the disk. */
  async function full(argv: string[]): Promise<void> {
    const before = await namesIn(disk);
    await expectRefusal(
      argv,
      75,
      /(disk is full|too little disk space: .* are needed, and .* are free).*run the same command again/i,
    );
    expect(await namesIn(disk)).toEqual(before);
  }

  it('makes each command exit with 75 and leave no unfinished file; the same command succeeds with enough space', async ({
    skip,
  }) => {
    if (!mounted) return skip();
    const [database, plan, hits] = [join(disk, 'db'), join(disk, 'plan.json'), join(disk, 'hits.parquet')];
    await runHere(['pack-buckets', '--input', join(folder, 's.h5'), '--database', database, '--output', plan]);

    const ingest = ['ingest-bucket', '--plan', plan, ...BUCKET, '--database', database];
    for (const size of ['200k', '600k', '900k']) {
      await resize(disk, size);
      await full(ingest);
      await full([...ingest, '--order', 'none']);
    }
    await resize(disk, '8m');
    expect(await lanceflow(ingest)).toMatchObject({ code: 0 });

    // Space for the table, and hardly anything else.
    const used = Number((await run('du', ['-sk', disk])).stdout.split('\t')[0]);
    const index = ['index-bucket', ...BUCKET, '--database', database];
    for (const spaceKb of [8, 60]) {
      await resize(disk, `${used + spaceKb}k`);
      await full(index);
    }
    expect(existsSync(join(database, '_catalog', 'bucket_00001.json'))).toBe(false);
    await resize(disk, '8m');
    expect(await lanceflow(index)).toMatchObject({ code: 0 });

    const search = ['search-bucket', ...BUCKET, '--database', database, '--queries', join(folder, 'q.h5')];
    const options = ['--k', '20', '--search', 'exact', '--output', hits];
    const filled = Number((await run('du', ['-sk', disk])).stdout.split('\t')[0]);
    await resize(disk, `${filled + 40}k`);
    await full([...search, ...options]);
    await resize(disk, '16m');
    expect(await lanceflow([...search, ...options])).toMatchObject({ code: 0 });
    await expectNoLeftovers(database);

    // Another process has reserved the free space: nothing starts, in the database's folder or in one for tasks of this node.
    await rm(database, { recursive: true });
    for (const work of [[], ['--work', join(disk, 'work')]]) {
      const root = work[1] ? join(work[1], 'lanceflow-cache') : join(database, '_pending');
      await resize(disk, work[1] ? '280m' : '16m');
      const reserved = await markReserved(root, join(disk, 'elsewhere'), (work[1] ? 275 : 15) * 2 ** 20);
      await expectRefusal(
        [...ingest, ...work],
        75,
        /2\.\d MB are needed, and .* are free, of which other tasks have reserved/,
      );
      await reserved.release();
      expect(await lanceflow([...ingest, ...work])).toMatchObject({ code: 0 });
      await rm(database, { recursive: true });
    }

    const calm = await buildDatabase(join(folder, 'calm'), [join(folder, 's.h5')]);
    const other = join(folder, 'hits.parquet');
    const same = ['search-bucket', ...BUCKET, '--database', calm.database, '--queries', join(folder, 'q.h5')];
    await runHere([...same, '--k', '20', '--search', 'exact', '--output', other]);
    expect((await readFile(hits)).equals(await readFile(other))).toBe(true);
    for (const name of await readdir(disk)) await rm(join(disk, name), { recursive: true });
  });

  it.for([
    ['ingest', 'runs.'],
    ['ingest', '.unnamed'],
    ['index', 'auxiliary.idx'],
  ])('that fills while several threads of %s write (%s) does so too', async ([thread, at], { skip }) => {
    if (!mounted) return skip();
    await resize(disk, '16m');
    const [database, plan, filler] = ['db', 'plan.json', 'filler'].map((name) => join(disk, name)) as [
      string,
      string,
      string,
    ];
    await runHere(['pack-buckets', '--input', join(folder, 's.h5'), '--database', database, '--output', plan]);
    const ingest = ['ingest-bucket', '--plan', plan, ...BUCKET, '--database', database, '--threads', '3'];
    const index = ['index-bucket', ...BUCKET, '--database', database, '--threads', '3'];
    const small = { ...process.env, LANCEFLOW_UNIT_BYTES: '4096' };
    if (thread === 'index') expect(await lanceflow(ingest, { env: small })).toMatchObject({ code: 0 });
    const command = thread === 'index' ? index : ingest;
    const before = await namesIn(disk);
    const NODE_OPTIONS = `--import ${join(ROOT, 'test/faults/die-in-thread.mjs')}`;
    const env = { ...small, NODE_OPTIONS, DIE_IN: thread, DIE_BY: 'full', DIE_AT: at, DIE_FILL: filler };
    const { code, stderr } = await lanceflow(command, { env });
    expect({ code, stderr }).toEqual({
      code: 75,
      stderr: expect.stringMatching(/disk is full.*run the same command again/i),
    });
    expect(await namesIn(disk, 'filler')).toEqual(before);
    await rm(filler);
    expect(await lanceflow(command, { env: small })).toMatchObject({ code: 0 });
    // As processes of their own: this one would keep files of the disk open.
    if (thread === 'ingest') expect(await lanceflow(index)).toMatchObject({ code: 0 });
    await expectNoLeftovers(database);
    for (const name of await readdir(disk)) await rm(join(disk, name), { recursive: true });
  });
});
