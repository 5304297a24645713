import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { runHere } from '../support/command.ts';
import { namesIn } from '../support/database.ts';
import { expectRefusal, expectRefusalHere } from '../support/refusal.ts';
import { lanceflowJson, missingPython, sharedFolder, temporaryFolder } from '../support/run.ts';
import { h5py, type Rows, randomRows, sliceRows, writeShard } from '../support/shards.ts';
import { readTable } from '../support/table.ts';

/** Plans shards for a database in `folder`/db. @returns arguments of ingest-bucket for the first bucket */
async function plan(folder: string, shards: readonly string[], ...options: string[]) {
  const [output, database] = [join(folder, 'plan.json'), join(folder, 'db')];
  await runHere(['pack-buckets', '--input', ...shards, '--output', output, '--database', database, ...options]);
  return { database, argv: ['ingest-bucket', '--plan', output, '--bucket', 'bucket_00001', '--database', database] };
}

/** Returns the rows by id, as a table must have them. */
function byId({ dimension, ids, vectors }: Rows): Map<string, number[]> {
  return new Map(ids.map((id, i) => [id, [...vectors.subarray(i * dimension, (i + 1) * dimension)]]));
}

describe('ingest-bucket', () => {
  const ODD = [
    '.',
    ' ',
    '"',
    "'; rm -rf x",
    "'; DROP TABLE t; --",
    'a,b',
    'a\r\nb',
    '漢字',
    '😀',
    '$(touch x)',
    '../x',
  ];
  const odd = { ...randomRows(3, 24, 16), ids: [...ODD, ...ODD.map((id, i) => `${i}${id}${'x'.repeat(10_000)}`)] };

  it.each(['partition', 'none'])('writes all rows of all shards, --order %s', async (order) => {
    const folder = await temporaryFolder();
    const rows = randomRows(1, 2500, 12);
    const shards = [
      await writeShard(join(folder, 'a.h5'), sliceRows(rows, 0, 1)),
      await writeShard(join(folder, 'b.h5'), sliceRows(rows, 1, 1300), { model: 'm', model_hash: 'h' }),
      await writeShard(join(folder, 'c.h5'), sliceRows(rows, 1300, 2500)),
    ];
    const { argv, database } = await plan(folder, shards);
    const report = await lanceflowJson([...argv, '--order', order]);
    expect(report).toMatchObject({ command: 'ingest-bucket', rows: 2500, bucket: 'bucket_00001', alreadyDone: false });
    for (const field of ['seconds', 'cpuSeconds', 'bytes', 'peakMemoryBytes']) expect(report[field]).toBeGreaterThan(0);
    const table = await readTable(database, 'bucket_00001');
    expect(table.schema).toEqual('embedding FixedSizeList[12]<Float32>, id Utf8');
    expect(byId(table.rows)).toEqual(byId(rows));
    if (order === 'none') expect(table.rows.ids).toEqual(rows.ids);
    const record = JSON.parse(await readFile(join(database, '_pending', 'bucket_00001.json'), 'utf8'));
    expect(record).toMatchObject({
      state: 'ingested',
      metric: 'cosine',
      table: { rows: 2500, dimension: 12, model: { model: 'm', model_hash: 'h' }, dataBytes: report.bytes },
    });
    // The bucket is not part of the database before it is indexed.
    expect(existsSync(join(database, '_catalog'))).toBe(false);
  });

  it('keeps any ids, and accepts any names of shards', async () => {
    const folder = await temporaryFolder();
    const shards = [await writeShard(join(folder, "$(touch x)'; rm -rf y; é.h5"), odd)];
    const { argv, database } = await plan(folder, shards);
    await runHere(argv);
    expect(byId((await readTable(database, 'bucket_00001')).rows)).toEqual(byId(odd));
  });

  it('accepts a database at any path', async () => {
    const folder = await temporaryFolder();
    const rows = randomRows(4, 10, 4);
    const shards = [await writeShard(join(folder, 's.h5'), rows)];
    for (const name of [
      "'; rm -rf x",
      '$(touch x)',
      'a b',
      'ü漢😀',
      '%20',
      'a#b',
      'a?b=c',
      'db',
      '~',
      '-x',
      'a:b',
      '[x]',
      '{x}',
      '*',
    ]) {
      const database = join(folder, name);
      const output = join(folder, 'plan.json');
      await runHere(['pack-buckets', '--input', ...shards, '--output', output, '--database', database]);
      await runHere(['ingest-bucket', '--plan', output, '--bucket', 'bucket_00001', '--database', database]);
      expect(existsSync(join(database, 'bucket_00001.lance', 'data')), name).toBe(true);
      expect(byId((await readTable(database, 'bucket_00001')).rows)).toEqual(byId(rows));
    }
    expect(existsSync(join(folder, 'x'))).toBe(false);
  });

  it('finds shards that were moved, by --shards', async () => {
    const folder = await temporaryFolder();
    const rows = randomRows(5, 20, 4);
    const shard = await writeShard(join(folder, 'here.h5'), rows);
    const { argv, database } = await plan(folder, [shard]);
    await copyFile(shard, join(folder, 'there.h5'));
    await rm(shard);
    await expectRefusal(argv, 65, /here\.h5: no such file/);
    await expectRefusal([...argv, '--shards', shard, shard], 64, /--shards names 2 files, but bucket_00001 has 1/);
    await runHere([...argv, '--shards', join(folder, 'there.h5')]);
    expect((await readTable(database, 'bucket_00001')).rows.ids.length).toBe(20);
  });

  it('ingests a bucket once, and again after a change of its inputs', async () => {
    const folder = await temporaryFolder();
    const { argv, database } = await plan(folder, [await writeShard(join(folder, 's.h5'), randomRows(6, 30, 4))]);
    expect(await runHere(argv)).toMatchObject({ alreadyDone: false });
    const before = await namesIn(join(database, 'bucket_00001.lance'));
    expect(await runHere(argv)).toMatchObject({ alreadyDone: true, rows: 30 });
    expect(await namesIn(join(database, 'bucket_00001.lance'))).toEqual(before);
    expect(await runHere([...argv, '--metric', 'l2'])).toMatchObject({ alreadyDone: false, rows: 30 });
    await rm(join(database, 'bucket_00001.lance'), { recursive: true });
    expect(await runHere([...argv, '--metric', 'l2'])).toMatchObject({ alreadyDone: false, rows: 30 });
    expect((await readTable(database, 'bucket_00001')).rows.ids.length).toBe(30);
  });

  it('builds in another folder, on another file system too, and leaves no file there', async () => {
    const folder = await temporaryFolder();
    const rows = randomRows(7, 2000, 8);
    const { argv, database } = await plan(folder, [await writeShard(join(folder, 's.h5'), rows)]);
    const other = existsSync('/dev/shm') ? '/dev/shm' : folder;
    const work = join(other, `lanceflow-test-${process.pid}`);
    await runHere([...argv, '--work', work]);
    expect(await namesIn(work)).toEqual([]);
    await rm(work, { recursive: true });
    expect(byId((await readTable(database, 'bucket_00001')).rows)).toEqual(byId(rows));
  });

  it('writes the ingest record to --output', async () => {
    const folder = await temporaryFolder();
    const { argv, database } = await plan(folder, [await writeShard(join(folder, 's.h5'), randomRows(8, 5, 4))]);
    await runHere([...argv, '--output', join(folder, 'out', 'record.json')]);
    const record = await readFile(join(folder, 'out', 'record.json'), 'utf8');
    expect(record).toBe(await readFile(join(database, '_pending', 'bucket_00001.json'), 'utf8'));
  });

  describe('refuses', () => {
    let folder = '';
    beforeAll(async () => {
      folder = await sharedFolder();
    });

    const AS_PROCESS = new Set(['nan', 'cut', 'badplan', 'changed']);

    /** Plans rows, damages the shard or the plan, and expects a refusal that leaves no file. */
    async function refused(
      name: string,
      rows: Rows,
      spoil: (shard: string, plan: string) => Promise<unknown>,
      options: string[],
      code: number,
      ...matches: RegExp[]
    ) {
      const own = join(folder, name);
      const shard = await writeShard(join(own, 's.h5'), rows);
      const { argv, database } = await plan(own, [shard]);
      await spoil(shard, join(own, 'plan.json'));
      const before = await namesIn(database);
      // One case of each kind runs in a new process.
      const expecting = AS_PROCESS.has(name) ? expectRefusal : expectRefusalHere;
      await expecting([...argv, ...options], code, ...matches);
      expect(await namesIn(database)).toEqual(before);
    }
    const keep = async () => {};
    const rows = randomRows(9, 1500, 8);
    const withValue = (row: number, component: number, value: number): Rows => {
      const vectors = rows.vectors.slice();
      vectors[row * 8 + component] = value;
      return { ...rows, vectors };
    };
    const scaled = (row: number, scale: number): Rows => ({
      ...rows,
      vectors: rows.vectors.map((x, i) => (Math.floor(i / 8) === row ? x * scale : x)),
    });

    it('a NaN, with file, row, id and component', () =>
      refused(
        'nan',
        withValue(1234, 5, Number.NaN),
        keep,
        [],
        65,
        /s\.h5: row 1234 \(id "p1234"\) has NaN at component 5.*fix/,
      ));
    it('infinity', () =>
      refused('inf', withValue(0, 0, Number.NEGATIVE_INFINITY), keep, ['--metric', 'l2'], 65, /row 0 .*has -Infinity/));
    it('a row of zeros under cosine', () =>
      refused('zero', scaled(7, 0), keep, [], 65, /row 7 \(id "p7"\) is all zero.*--metric l2/));
    it('a row too long for float32', () =>
      refused('long', scaled(7, 1e25), keep, ['--metric', 'l2'], 65, /row 7 .*has length .*e\+25.*Scale/));
    it('a row too short for a direction', () =>
      refused('short', scaled(1499, 1e-25), keep, [], 65, /row 1499 .*has length .*e-25/));
    it('a value that float16 cannot hold', () =>
      refused('half', withValue(3, 2, 1e6), keep, ['--vector-type', 'float16'], 65, /row 3 \(id "p3"\).*float16/));
    it('a row that float16 makes all zero', () =>
      refused('half0', scaled(3, 1e-9), keep, ['--vector-type', 'float16'], 65, /row 3 .*float16/));

    it('a shard that lost rows since it was planned', () =>
      refused(
        'fewer',
        rows,
        (shard) => writeShard(shard, sliceRows(rows, 0, 1400)),
        [],
        65,
        /s\.h5: 1400 rows; the plan says 1500.*plan again/,
      ));
    it('a shard that gained rows', () =>
      refused(
        'more',
        rows,
        (shard) => writeShard(shard, randomRows(1, 1501, 8)),
        [],
        65,
        /s\.h5: 1501 rows; the plan says 1500/,
      ));
    it('a shard of another dimension', () =>
      refused(
        'dimension',
        rows,
        (shard) => writeShard(shard, randomRows(1, 1500, 9)),
        [],
        65,
        /9 components; the plan says 8/,
      ));
    it('a shard with other vectors than planned', () =>
      refused(
        'changed',
        rows,
        (shard) => writeShard(shard, withValue(3, 3, 7)),
        [],
        65,
        /s\.h5: .*changed since it was planned.*plan again/,
      ));
    it('a shard with other ids than planned', () =>
      refused(
        'renamed',
        rows,
        (shard) => writeShard(shard, { ...rows, ids: rows.ids.toReversed() }),
        [],
        65,
        /s\.h5: .*changed since it was planned/,
      ));
    it('a missing shard', () => refused('gone', rows, (shard) => rm(shard), [], 65, /s\.h5: no such file/));
    it('a truncated shard', () =>
      refused(
        'cut',
        rows,
        async (shard) => writeFile(shard, (await readFile(shard)).subarray(0, 30_000)),
        [],
        65,
        /s\.h5: truncated/,
      ));

    it('a missing plan', () => refused('noplan', rows, (_, path) => rm(path), [], 65, /plan\.json/));
    it('a damaged plan', () =>
      refused(
        'badplan',
        rows,
        async (_, path) => writeFile(path, (await readFile(path, 'utf8')).slice(0, -20)),
        [],
        65,
        /plan\.json: not a bucket plan/,
      ));
    it('a plan whose bucket leaves the folder', () =>
      refused(
        'evilplan',
        rows,
        async (_, path) => writeFile(path, (await readFile(path, 'utf8')).replace('bucket_00001', '../evil')),
        [],
        65,
        /plan\.json: not a bucket plan/,
      ));
    it('a plan that is a folder', () =>
      refused(
        'dirplan',
        rows,
        async (_, path) => {
          await rm(path);
          await mkdir(path);
        },
        [],
        65,
        /Expected a file|plan\.json/,
      ));

    it.each<[string, string[], RegExp]>([
      [
        'a bucket that is not in the plan',
        ['--bucket', 'bucket_00009'],
        /no bucket "bucket_00009" in this plan; it has: bucket_00001/,
      ],
    ])('%s', async (_, [option, value], match) => {
      const own = join(folder, 'nobucket');
      const { argv } = await plan(own, [await writeShard(join(own, 's.h5'), randomRows(1, 3, 4))]);
      const other = argv.map((argument, i) => (argv[i - 1] === option ? value! : argument));
      await expectRefusal(other, 65, match);
    });

    it.each(["'; rm -rf x", '$(touch x)', '../x', 'a/b', '..', ''])('the bucket name %j', async (name) => {
      await expectRefusalHere(
        ['ingest-bucket', '--plan', 'p.json', '--bucket', name, '--database', join(folder, 'never')],
        64,
      );
      expect(existsSync(join(folder, 'never'))).toBe(false);
    });

    it('a database whose path has control characters', async () => {
      const argv = ['ingest-bucket', '--plan', 'p.json', '--bucket', 'b', '--database', join(folder, 'a\nb')];
      await expectRefusal(argv, 64, /control characters/);
    });

    it('a metric that does not exist', async () => {
      const argv = ['ingest-bucket', '--plan', 'p', '--bucket', 'b', '--database', 'd', '--metric', 'hamming'];
      await expectRefusal(argv, 64, /metric.*hamming.*cosine/s);
    });

    it('a bucket that exists with other shards', async () => {
      const own = join(folder, 'taken');
      const { argv, database } = await plan(own, [await writeShard(join(own, 's.h5'), randomRows(1, 3, 4))]);
      await runHere(argv);
      await runHere(['index-bucket', '--bucket', 'bucket_00001', '--database', database]);
      const output = join(own, 'other.json');
      const shard = await writeShard(join(own, 't.h5'), randomRows(2, 3, 4));
      await runHere(['pack-buckets', '--input', shard, '--output', output]);
      const before = await stat(join(database, '_catalog', 'bucket_00001.json'));
      const other = ['ingest-bucket', '--plan', output, '--bucket', 'bucket_00001', '--database', database];
      await expectRefusal(other, 65, /bucket_00001 is there already, with other shards.*--database/);
      expect((await stat(join(database, '_catalog', 'bucket_00001.json'))).mtimeMs).toBe(before.mtimeMs);
    });

    it.skipIf(missingPython())('a chunk that was damaged after planning', async () => {
      const own = join(folder, 'chunk');
      await mkdir(own, { recursive: true });
      await h5py(
        own,
        `shard('s.h5', rng.standard_normal((1500, 8)).astype('f4'), compression='gzip', chunks=(500, 8), fletcher32=True)`,
      );
      const { argv, database } = await plan(own, [join(own, 's.h5')]);
      const bytes = await readFile(join(own, 's.h5'));
      const chunk = bytes.indexOf(Buffer.from([0x78, 0x5e]));
      expect(chunk).toBeGreaterThan(0);
      bytes.fill(0x55, chunk + 20, chunk + 60);
      await writeFile(join(own, 's.h5'), bytes);
      const before = await namesIn(database);
      await expectRefusal(argv, 65, /s\.h5: .*(damaged|changed)/);
      expect(await namesIn(database)).toEqual(before);
    });
  });
});
