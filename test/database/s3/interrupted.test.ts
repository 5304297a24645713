import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { CreateMultipartUploadCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { DataError } from '../../../workers/src/base/errors.ts';
import { openUploads } from '../../../workers/src/s3/transfer/open-uploads.ts';
import { runHere } from '../../support/command.ts';
import { buildDatabase } from '../../support/database.ts';
import { ROOT, temporaryFolder } from '../../support/run.ts';
import { missingServer, useS3, withFaultProxy } from '../../support/s3.ts';
import { at, objectsOf } from '../../support/s3-database.ts';
import { withSearchedRows } from '../../support/searched-rows.ts';
import { sliceRows, writeShard } from '../../support/shards.ts';

const BUCKET = ['--bucket', 'bucket_00001'];

describe.skipIf(missingServer('moto'))('a build on S3 that is', () => {
  const held = withFaultProxy('moto');
  const searched = withSearchedRows();

  /** Kills a command before its n-th request that changes an object. @returns the number of such requests */
  async function killAtChange(argv: string[], change: number): Promise<number> {
    let changes = 0;
    const child = spawn(join(ROOT, 'bin/lanceflow'), argv, {
      env: { ...process.env, ...held.proxy.env },
      stdio: 'ignore',
    });
    held.proxy.rule = ({ method }) => {
      if (method === 'GET' || method === 'HEAD' || ++changes < change) return undefined;
      child.kill('SIGKILL');
      return { noAnswer: true };
    };
    await once(child, 'exit');
    held.proxy.rule = () => undefined;
    return changes;
  }

  it.each([
    [3, 2],
    [6, 5],
    [9, 8],
    [12, 10],
  ])(
    'killed before change %i of ingest and change %i of index goes on to the same end',
    async (inIngest, inIndex) => {
      useS3(held.server.env);
      const database = `s3://lance/killed-${inIngest}`;
      const s3 = await at(`killed-${inIngest}`);
      const plan = join(await temporaryFolder(), 'plan.json');
      await runHere(['pack-buckets', '--input', searched.shard, '--database', database, '--output', plan]);
      const ingest = ['ingest-bucket', '--plan', plan, ...BUCKET, '--database', database, '--work', searched.folder];
      const index = ['index-bucket', ...BUCKET, '--database', database, '--work', searched.folder];
      // Requests in flight at the kill do not arrive.
      expect(await killAtChange(ingest, inIngest)).toBeGreaterThanOrEqual(inIngest);
      expect((await objectsOf(s3)).has('_catalog/bucket_00001.json')).toBe(false);
      await runHere(ingest);
      expect(await killAtChange(index, inIndex)).toBeGreaterThanOrEqual(inIndex);
      await runHere(index);
      expect(await runHere(['verify', '--database', database])).toMatchObject({ rows: 1500, orphans: [] });
      const names = [...(await objectsOf(s3)).keys()];
      expect(names.filter((name) => name.startsWith('_pending/'))).toEqual([]);
      // No file has a second version.
      expect(names.filter((name) => name.endsWith('.manifest'))).toHaveLength(1);
      expect(names.filter((name) => name.startsWith('_partitions/'))).toHaveLength(1);
      expect((await searched.search(database)).equals(searched.expected)).toBe(true);
    },
    120_000,
  );

  it('running publishes data, then the manifest, then the catalog entry; the published version stays searchable', async () => {
    useS3(held.server.env);
    const database = 's3://lance/building';
    await buildDatabase(await temporaryFolder(), [searched.shard], { database });
    const other = await writeShard(join(searched.folder, 'second.h5'), sliceRows(searched.rows, 0, 1400));
    const plan = join(searched.folder, 'second.json');
    await runHere(['pack-buckets', '--input', other, '--database', database, '--output', plan]);
    const second = ['--bucket', 'bucket_00002', '--database', database, '--work', searched.folder];
    const lanceflow = join(ROOT, 'bin/lanceflow');
    const env = { ...process.env, ...held.proxy.env };
    held.proxy.seen.length = 0;

    // It is stopped when only its data are published.
    const waits = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    held.proxy.rule = ({ method, url }) => {
      if (method !== 'PUT' || !url.includes('/_transactions/')) return undefined;
      waits.resolve();
      return { after: released.promise };
    };
    const ingest = spawn(lanceflow, ['ingest-bucket', '--plan', plan, ...second], { env, stdio: 'ignore' });
    const ended = once(ingest, 'exit');
    await waits.promise;
    expect((await searched.search(database)).equals(searched.expected)).toBe(true);
    expect(await runHere(['catalog', '--database', database])).toMatchObject({ buckets: 1 });
    expect(ingest.exitCode).toBe(null);
    released.resolve();
    expect(await ended).toEqual([0, null]);
    held.proxy.rule = () => undefined;
    const index = spawn(lanceflow, ['index-bucket', ...second], { env, stdio: 'ignore' });
    expect(await once(index, 'exit')).toEqual([0, null]);

    const kinds = held.proxy.seen
      .filter(({ method, url }) => method === 'PUT' && !url.includes('uploadId'))
      .map(({ url }) => /\/(data|_indices|_partitions|_transactions|_versions|_catalog)\//.exec(url)?.[1])
      .filter((kind) => kind !== undefined);
    expect(kinds.filter((kind, i) => kind !== kinds[i - 1])).toEqual([
      ...['data', '_partitions', '_transactions', '_versions'],
      ...['_indices', '_versions', '_catalog'],
    ]);
    expect(await runHere(['catalog', '--database', database])).toMatchObject({ buckets: 2 });
  });

  it('abandoned leaves uploads that verify reports and the next build removes', async () => {
    useS3(held.server.env);
    const database = 's3://lance/uploads';
    const s3 = await at('uploads');
    await buildDatabase(await temporaryFolder(), [searched.shard], { database });
    const Key = s3.key('bucket_00001.lance/data/x.lance');
    await s3.client.send(new CreateMultipartUploadCommand({ Bucket: 'lance', Key }));
    const { orphans } = await runHere(['verify', '--database', database]);
    expect(orphans).toEqual([expect.stringMatching(/bucket_00001\.lance\/data\/x\.lance is an unfinished upload/)]);
    expect(await runHere(['index-bucket', ...BUCKET, '--database', database])).toMatchObject({ alreadyDone: true });
    for await (const upload of openUploads(s3, '')) expect(upload).toBeUndefined();
  });

  it('denied writing stops with a clear error, and the database stays searchable', async () => {
    useS3(held.server.env);
    const database = 's3://lance/readonly';
    const { buckets } = await buildDatabase(await temporaryFolder(), [searched.shard], { database });
    expect(buckets).toEqual(['bucket_00001']);
    useS3(held.proxy.env);
    const { closeS3 } = await import('../../../workers/src/s3/client.ts');
    await closeS3();
    held.proxy.rule = ({ method }) =>
      method === 'GET' || method === 'HEAD' ? undefined : { status: 403, code: 'AccessDenied' };
    expect((await searched.search(database)).equals(searched.expected)).toBe(true);
    const other = await writeShard(join(searched.folder, 'other.h5'), sliceRows(searched.rows, 0, 400));
    const plan = join(searched.folder, 'other.json');
    for (const argv of [
      ['pack-buckets', '--input', other, '--database', database, '--output', plan],
      ['index-bucket', ...BUCKET, '--database', database, '--index', 'ivf-pq'],
    ]) {
      const failed = runHere(argv);
      await expect(failed).rejects.toThrow(DataError);
      await expect(failed).rejects.toThrow(/access denied/);
    }
  });
});
