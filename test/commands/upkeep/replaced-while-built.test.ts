import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { DataError } from '../../../workers/src/base/errors.ts';
import { withBucketLock } from '../../../workers/src/database/bucket-lock.ts';
import { Database } from '../../../workers/src/database/database.ts';
import { recordOf } from '../../../workers/src/database/record-of.ts';
import { readIntent } from '../../../workers/src/database/revision/intent.ts';
import { runHere } from '../../support/command.ts';
import { buildDatabase } from '../../support/database.ts';
import { sharedFolder } from '../../support/run.ts';
import { randomRows, sliceRows, writeShard } from '../../support/shards.ts';

const BUCKET = 'bucket_00001';

describe('a bucket that is replaced while a build of it waits', () => {
  let folder = '';
  let plan = '';
  /** Before and after merge-buckets. */
  let [before, after] = ['', ''];

  beforeAll(async () => {
    folder = await sharedFolder();
    const rows = randomRows(1, 600, 16);
    for (const [i, end] of [300, 600].entries()) {
      const shard = await writeShard(join(folder, `${i}.h5`), sliceRows(rows, end - 300, end));
      ({ database: before } = await buildDatabase(folder, [shard]));
      if (i === 0) await cp(join(folder, 'plan.json'), join(folder, 'first.json'));
    }
    plan = join(folder, 'first.json');
    after = join(folder, 'merged');
    await cp(before, after, { recursive: true });
    await runHere(['merge-buckets', '--database', after]);
  });

  async function copyOf(database: string, name: string): Promise<string> {
    await cp(database, join(folder, name), { recursive: true });
    return join(folder, name);
  }

  const builds: [string, string[]][] = [
    ['ingest-bucket', ['--plan', 'first', '--vector-type', 'float16']],
    ['index-bucket', ['--index', 'ivf-pq']],
  ];

  it.each(builds)('is not built again by %s, which would count its rows twice', async (name, options) => {
    const database = await copyOf(before, name);
    const argv = [name, '--bucket', BUCKET, '--database', database, ...options.map((o) => (o === 'first' ? plan : o))];
    const opened = await Database.open(database);
    // The merged bucket is entered while its lock is held; the entry of the old one is removed after the lock is released.
    const waiting = await withBucketLock(opened, BUCKET, async () => {
      const building = runHere(argv).catch((error: unknown) => error);
      for (const part of ['bucket_00003.lance', '_catalog'])
        await cp(join(after, part), join(database, part), { recursive: true });
      return { building };
    });
    const error = await waiting.building;
    expect(error).toBeInstanceOf(DataError);
    expect((error as Error).message).toContain(`${BUCKET} was replaced: its rows are in bucket_00003`);
    expect((await opened.entries()).map(({ bucket, rows }) => [bucket, rows])).toEqual([['bucket_00003', 600]]);
    // Also once the old entry is removed.
    await runHere(['compact', '--database', database]);
    await expect(runHere(argv)).rejects.toThrow(/bucket_00003/);
    expect(await readdir(join(database, '_catalog'))).toEqual(['bucket_00003.json']);
    await runHere(['verify', '--database', database]);
  });

  it('is not entered again from the record of a build that was killed after it wrote the entry', async () => {
    const opened = await Database.open(await copyOf(before, 'recorded'));
    await opened.writePending(recordOf(await opened.requireEntry(BUCKET)));
    await runHere(['merge-buckets', '--database', opened.uri]);
    expect(await opened.pending()).toEqual([]);
    await expect(runHere(['index-bucket', '--bucket', BUCKET, '--database', opened.uri])).rejects.toThrow(
      `${BUCKET} was replaced: its rows are in bucket_00003`,
    );
  });

  it('is named with the bucket that has its rows', async () => {
    await expect(runHere(['compact', '--database', after, '--bucket', BUCKET])).rejects.toThrow(/are in bucket_00003/);
  });

  it('has no announced deletion where the announcement is removed before it is read', async () => {
    const opened = await Database.open(await copyOf(before, 'announced'));
    const announcement = `_pending/${BUCKET}.revision`;
    await opened.createFile(announcement, '{}');
    const read = async (path: string) => {
      if (path === announcement) await opened.removeFiles([path]);
      return opened.tables.read(path);
    };
    expect(await readIntent({ size: opened.tables.size, read }, BUCKET)).toBeUndefined();
  });
});
