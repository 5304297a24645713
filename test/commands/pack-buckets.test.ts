import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { BucketPlan } from '../../workers/src/database/catalog/bucket-plan.ts';
import { runHere } from '../support/command.ts';
import { buildDatabase, namesIn } from '../support/database.ts';
import { expectRefusal, expectRefusalHere } from '../support/refusal.ts';
import { lanceflow, lanceflowJson, missingPython, sharedFolder, temporaryFolder } from '../support/run.ts';
import { h5py, randomRows, sliceRows, writeParts, writeShard } from '../support/shards.ts';
import { readTable } from '../support/table.ts';

const readPlan = async (path: string) => JSON.parse(await readFile(path, 'utf8')) as BucketPlan;

async function pack(folder: string, shards: readonly string[], ...options: string[]): Promise<BucketPlan> {
  const plan = join(folder, 'plan.json');
  await runHere(['pack-buckets', '--input', ...shards, '--output', plan, ...options]);
  return readPlan(plan);
}

/** Lists the rows of each shard content that a plan puts into each bucket. */
const layout = (plan: BucketPlan) =>
  plan.buckets.map(({ bucket, sources }) => [bucket, sources.map(({ path, start, end }) => [path, start, end])]);

describe('pack-buckets', () => {
  let folder = '';
  let shards: string[] = [];
  const all = randomRows(1, 1000, 8);
  const cut = [0, 400, 700, 900, 990, 1000];
  beforeAll(async () => {
    folder = await sharedFolder();
    const sizes = cut.slice(1).map((end, i) => end - cut[i]!);
    shards = await writeParts(folder, all, sizes, { model: 'm' });
  });

  it('plans every row once, and reports hashes, fill, spread and bound', async () => {
    const output = join(folder, 'report.json');
    const report = await lanceflowJson([
      'pack-buckets',
      '--input',
      ...shards,
      '--bucket-size',
      '500',
      '--output',
      output,
    ]);
    const plan = await readPlan(output);
    expect(plan).toMatchObject({ version: 1, dimension: 8, model: 'm', bucketSize: 500, rows: 1000, held: [] });
    expect(plan.quality).toEqual({ bucketCount: 2, lowerBound: 2, fill: { min: 1, mean: 1, max: 1 }, spreadRows: 0 });
    expect(plan.buckets.map(({ bucket, rows }) => [bucket, rows])).toEqual([
      ['bucket_00001', 500],
      ['bucket_00002', 500],
    ]);
    for (const { sources } of plan.buckets)
      for (const { path, contentHash, start, end, rows, vectorType } of sources) {
        expect({ start, vectorType }).toEqual({ start: 0, vectorType: 'float32' });
        expect([end, rows]).toEqual([rows, cut[shards.indexOf(path) + 1]! - cut[shards.indexOf(path)]!]);
        expect(contentHash).toMatch(/^[0-9a-f]{64}$/);
      }
    expect(report).toMatchObject({ command: 'pack-buckets', rows: 1000, buckets: 2, shards: 5, heldShards: 0 });
    for (const field of ['seconds', 'cpuSeconds', 'bytes', 'peakMemoryBytes']) expect(report[field]).toBeGreaterThan(0);
    const { stderr, stdout } = await lanceflow(['pack-buckets', '--input', ...shards, '--output', output]);
    expect(stdout).toBe('');
    expect(stderr).toBe(
      'pack-buckets: 1000 vectors of 5 shards in 1 bucket (no packing has fewer than 1), filled 0.0% on average, 0.0% at least\n',
    );
  });

  it('divides a shard that is larger than a bucket', async () => {
    const plan = await pack(folder, [shards[0]!], '--bucket-size', '150');
    expect(layout(plan).map(([, sources]) => sources)).toEqual([
      [[shards[0], 0, 150]],
      [[shards[0], 150, 300]],
      [[shards[0], 300, 400]],
    ]);
  });

  it('makes the same plan again in any folder', async () => {
    const first = await pack(folder, shards, '--bucket-size', '300');
    const text = await readFile(join(folder, 'plan.json'), 'utf8');
    expect(await pack(folder, shards, '--bucket-size', '300')).toEqual(first);
    expect(await readFile(join(folder, 'plan.json'), 'utf8')).toBe(text);
  });

  it('accepts shard names with characters that are special in a shell', async () => {
    const own = await temporaryFolder();
    const names = [
      "'; touch pwned #.h5",
      '$(touch pwned).h5',
      'a b\tc.h5',
      'ü漢😀.h5',
      '-rf.h5',
      '%2e%2e.h5',
      '*.h5',
      'a\nb.h5',
    ];
    const paths = await Promise.all(names.map((name, i) => writeShard(join(own, name), randomRows(i, 5, 4, `x${i}-`))));
    const { code } = await lanceflow(['pack-buckets', '--input', ...paths, '--output', join(own, '$(x)', 'plan.json')]);
    expect(code).toBe(0);
    const plan = await readPlan(join(own, '$(x)', 'plan.json'));
    expect(plan.buckets[0]!.sources.map(({ path }) => path)).toEqual(paths);
    expect(await namesIn(own, ...names)).toEqual(['$(x)', '$(x)/plan.json']);
  });

  it.skipIf(missingPython())('identifies a shard by its content in any HDF5 layout', async () => {
    const own = await temporaryFolder();
    await h5py(
      own,
      `
X = rng.standard_normal((100, 6)).astype('f4'); ids = [f'id{i}' for i in range(100)]
shard('plain.h5', X, ids)
shard('gzip.h5', X, ids, compression='gzip', chunks=(7, 3), shuffle=True)
shard('latest.h5', X, ids, file=dict(libver='latest', userblock_size=1024))
shard('big-endian.h5', X.astype('>f4'), ids)
shard('fixed.h5', X, np.array([i.encode() for i in ids]), id_type=None)
shard('other.h5', X, ids[::-1])
`,
    );
    const hashes = await Promise.all(
      ['plain', 'gzip', 'latest', 'big-endian', 'fixed', 'other'].map(async (name, i) => {
        const output = join(own, `${i}.json`);
        await runHere(['pack-buckets', '--input', join(own, `${name}.h5`), '--output', output]);
        return (await readPlan(output)).buckets[0]!.sources[0]!.contentHash;
      }),
    );
    expect(new Set(hashes.slice(0, 5)).size).toBe(1);
    expect(hashes[5]).not.toBe(hashes[0]);
  });

  describe('with --database', () => {
    it('skips rows that the database has, and numbers new buckets after its last one', async () => {
      const own = await temporaryFolder();
      const { database } = await buildDatabase(own, shards.slice(0, 2), { bucketSize: 500 });
      const again = await pack(own, shards.slice(0, 2), '--database', database, '--bucket-size', '500');
      expect(again).toMatchObject({
        rows: 0,
        buckets: [],
        held: [{ bucket: 'bucket_00001' }, { bucket: 'bucket_00002' }],
      });
      const more = await pack(own, shards, '--database', database, '--bucket-size', '500');
      expect(more.held.map(({ path }) => path)).toEqual(shards.slice(0, 2));
      expect(layout(more)).toEqual([
        ['bucket_00003', shards.slice(2).map((path, i) => [path, 0, cut[i + 3]! - cut[i + 2]!])],
      ]);
    });

    it('plans the rest of a shard if the database has a part of it', async () => {
      const own = await temporaryFolder();
      const database = join(own, 'db');
      const plan = join(own, 'plan.json');
      const options = ['--database', database, '--bucket-size', '150'];
      await pack(own, [shards[0]!], ...options);
      const where = ['--bucket', 'bucket_00002', '--database', database];
      await runHere(['ingest-bucket', '--plan', plan, ...where]);
      await runHere(['index-bucket', ...where]);
      const rest = await pack(own, [shards[0]!], ...options);
      expect(layout(rest)).toEqual([
        ['bucket_00001', [[shards[0], 0, 150]]],
        ['bucket_00003', [[shards[0], 300, 400]]],
      ]);
    });

    it('keeps the bucket names of an interrupted build that is planned again', async () => {
      const own = await temporaryFolder();
      const options = ['--database', join(own, 'db'), '--bucket-size', '500'];
      const first = await pack(own, shards, ...options);
      expect(await pack(own, shards, ...options)).toEqual(first);
    });

    it('reserves other bucket names for builds of other shards, and supersedes a build of the same shards', async () => {
      const own = await temporaryFolder();
      const database = join(own, 'db');
      const options = ['--database', database, '--bucket-size', '500'];
      await pack(own, shards.slice(0, 2), ...options);
      await runHere([
        'ingest-bucket',
        '--plan',
        join(own, 'plan.json'),
        '--bucket',
        'bucket_00001',
        '--database',
        database,
      ]);
      expect((await pack(own, shards.slice(3), ...options)).buckets.map(({ bucket }) => bucket)).toEqual([
        'bucket_00003',
      ]);
      // Another packing of the first shards supersedes their plan and tables.
      const other = await pack(own, shards.slice(0, 2), '--database', database, '--bucket-size', '1000');
      expect(other.buckets.map(({ bucket }) => bucket)).toEqual(['bucket_00004']);
      expect(await namesIn(database)).toEqual(['_pending', '_pending/bucket_00003.json', '_pending/bucket_00004.json']);
    });

    describe('and --check-ids', () => {
      it('refuses an id that the database has, naming both places, and skips rows that it has', async () => {
        const own = await temporaryFolder();
        const { database } = await buildDatabase(own, shards.slice(0, 2));
        const mixed = await writeShard(join(own, 'mixed.h5'), {
          ...randomRows(9, 3, 8),
          ids: ['new 1', 'p555', 'new 2'],
        });
        const argv = ['pack-buckets', '--input', mixed, '--output', join(own, 'out.json'), '--database', database];
        const table = await readTable(database, 'bucket_00001');
        const row = table.rows.ids.indexOf('p555');
        await expectRefusal(
          [...argv, '--check-ids'],
          65,
          new RegExp(`mixed\\.h5: row 1: the id "p555" is also the id of row ${row} of bucket_00001 in .*/db`),
        );
        // Without the option it becomes a bucket, as documented. A later build does not check these duplicated ids.
        await runHere(argv);
        for (const command of [['ingest-bucket', '--plan', join(own, 'out.json')], ['index-bucket']])
          await runHere([...command, '--bucket', 'bucket_00002', '--database', database]);
        const plan = await pack(own, shards, '--database', database, '--check-ids');
        expect(plan.held).toHaveLength(2);
        expect(plan.rows).toBe(300);
      });

      it('checks only the rows that the database does not have', async () => {
        const own = await temporaryFolder();
        const options = ['--database', join(own, 'db'), '--bucket-size', '150', '--check-ids'];
        await pack(own, [shards[0]!], ...options);
        const where = ['--bucket', 'bucket_00002', '--database', join(own, 'db')];
        await runHere(['ingest-bucket', '--plan', join(own, 'plan.json'), ...where]);
        await runHere(['index-bucket', ...where]);
        expect((await pack(own, [shards[0]!], ...options)).rows).toBe(250);
        const copy = await writeShard(join(own, 'copy.h5'), sliceRows(all, 140, 160), { model: 'm' });
        await expectRefusalHere(
          ['pack-buckets', '--input', copy, '--output', join(own, 'out.json'), ...options],
          65,
          /copy\.h5: row 10: the id "p150" is also the id of row \d+ of bucket_00002/,
        );
      });

      it('needs a database', () =>
        expectRefusalHere(
          ['pack-buckets', '--input', shards[0]!, '--output', join(folder, 'x.json'), '--check-ids'],
          64,
          /--check-ids needs --database/,
        ));
    });

    it('discards the plan of a shard that was fixed later', async () => {
      const own = await temporaryFolder();
      const options = ['--database', join(own, 'db')];
      const bad = randomRows(5, 10, 4);
      const shard = await writeShard(join(own, 'bad.h5'), { ...bad, vectors: bad.vectors.with(3, Number.NaN) });
      await pack(own, [shard], ...options);
      await expectRefusalHere(
        ['ingest-bucket', '--plan', join(own, 'plan.json'), '--bucket', 'bucket_00001', ...options],
        65,
        /NaN/,
      );
      await writeShard(shard, bad);
      await buildDatabase(own, [shard]);
      expect(await namesIn(join(own, 'db', '_pending'))).toEqual([]);
    });

    it('lets only one of two builds enter rows that both planned at once', async () => {
      const own = await temporaryFolder();
      const database = join(own, 'db');
      const [first, second] = [join(own, 'first.json'), join(own, 'second.json')];
      const planned = async (inputs: string[], output: string) => {
        await runHere(['pack-buckets', '--input', ...inputs, '--database', database, '--output', output]);
        return (await readPlan(output)).buckets[0]!.bucket;
      };
      // As if both had been planned before either reserved its names: the first's record comes back.
      const one = await planned(shards.slice(3), first);
      const record = await readFile(join(database, '_pending', `${one}.json`), 'utf8');
      const other = await planned([shards[4]!, shards[2]!], second);
      await writeFile(join(database, '_pending', `${one}.json`), record);
      const ingest = (plan: string, bucket: string) =>
        runHere(['ingest-bucket', '--plan', plan, '--bucket', bucket, '--database', database]);
      const index = (bucket: string) => ['index-bucket', '--bucket', bucket, '--database', database];
      await ingest(first, one);
      await ingest(second, other);
      await runHere(index(one));
      await expectRefusalHere(
        index(other),
        65,
        /meanwhile, another build has put rows of bucket_00002 into bucket_00001\./,
      );
      expect(await namesIn(join(database, '_catalog'))).toEqual([`${one}.json`]);
      await expect(ingest(second, other)).rejects.toThrow(/another build has put rows of/);
      // Run again, the second build adds the missing rows, and leaves no file.
      await buildDatabase(own, [shards[4]!, shards[2]!]);
      const rows = await Promise.all(
        ['bucket_00001', 'bucket_00002'].map(async (name) => (await readTable(database, name)).rows.ids.length),
      );
      expect(rows).toEqual([100, 200]);
      expect(await namesIn(join(database, '_pending'))).toEqual([]);
    });

    it('reserves different bucket names for many concurrent builds', async () => {
      const own = await temporaryFolder();
      const parts = await Promise.all(
        Array.from({ length: 8 }, (_, i) => writeShard(join(own, `p${i}.h5`), randomRows(i, 10, 4, `r${i}-`))),
      );
      const names = await Promise.all(
        parts.map(async (shard, i) => {
          const output = join(own, `${i}.json`);
          const options = ['--database', join(own, 'db'), '--bucket-size', '3', '--output', output];
          const { code } = await lanceflow(['pack-buckets', '--input', shard, ...options]);
          expect(code).toBe(0);
          return (await readPlan(output)).buckets.map(({ bucket }) => bucket);
        }),
      );
      expect(new Set(names.flat()).size).toBe(8 * 4);
    });
  });

  it('plans all rows for shards and buckets of any size', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(sizes, fc.integer({ min: 1, max: 60 }), async (rows, bucketSize) => {
        const own = await temporaryFolder();
        const parts = await Promise.all(
          rows.map((count, i) => writeShard(join(own, `${i}.h5`), randomRows(i, count, 2, `r${i}-`))),
        );
        const plan = await pack(own, parts, '--bucket-size', `${bucketSize}`);
        expect(plan.rows).toBe(rows.reduce((sum, count) => sum + count, 0));
        for (const bucket of plan.buckets) expect(bucket.rows).toBeLessThanOrEqual(bucketSize);
      }),
      { numRuns: 12 },
    );
  });
});
