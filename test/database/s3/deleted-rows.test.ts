import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Database } from '../../../workers/src/database/database.ts';
import { closeWarmBuckets } from '../../../workers/src/search/in-place/warm-buckets.ts';
import { runHere } from '../../support/command.ts';
import { bruteForce, buildDatabase } from '../../support/database.ts';
import { sharedFolder } from '../../support/run.ts';
import { missingServer } from '../../support/s3.ts';
import { at, objectsOf, withDatabases } from '../../support/s3-database.ts';
import { expectSameHits, searchHere } from '../../support/search.ts';
import { randomRows, sliceRows, writeShard } from '../../support/shards.ts';

const DATABASE = 's3://lance/deleted';
const BUCKET = 'bucket_00001';

describe.skipIf(missingServer('moto'))('deleted rows of a table on S3', () => {
  withDatabases();
  const rows = randomRows(5, 2000, 32);
  const left = sliceRows(rows, 600, 2000);
  // Half of the queries are deleted rows, the first of the table among them.
  const queries = { ...sliceRows(rows, 590, 620), ids: Array.from({ length: 30 }, (_, i) => `q${i}`) };
  let folder = '';
  let path = '';

  afterEach(closeWarmBuckets);
  beforeAll(async () => {
    folder = await sharedFolder();
    const shard = await writeShard(join(folder, 'a.h5'), rows);
    path = await writeShard(join(folder, 'q.h5'), queries);
    await buildDatabase(folder, [shard], { database: DATABASE });
    const ids = join(folder, 'ids.txt');
    for (const [start, end] of [
      [0, 400],
      [400, 600],
    ]) {
      await writeFile(ids, rows.ids.slice(start, end).join('\n'));
      await runHere(['delete', '--database', DATABASE, '--ids', ids]);
    }
  });

  it.each([
    ['exact', ['--search', 'exact']],
    ['scan', ['--search', 'scan', '--nprobes', '99']],
    ['ann', ['--search', 'ann', '--nprobes', '99', '--refine-factor', '400']],
  ])('are skipped by %s, fetched or streamed', async (_name, options) => {
    const expected = bruteForce(queries, left, 'cosine', 5, BUCKET);
    for (const how of [['--work', join(folder, 'work')], ['--stream']]) {
      const { hits } = await searchHere(folder, DATABASE, path, ['--k', '5', ...options, ...how]);
      expectSameHits(hits, expected, 1e-5);
    }
  });

  it.each([
    ['all rows of the probed partitions', ['--nprobes', '99', '--refine-factor', '400']],
    ['the nearest by their codes', ['--nprobes', '99', '--refine-factor', '40']],
  ])('are skipped in place, where %s are rescored', async (_name, options) => {
    const output = join(folder, 'answer.csv');
    await runHere(['ask', '--input', path, '--database', DATABASE, '--k', '5', ...options, '--output', output]);
    const answer = (await readFile(output, 'utf8')).trim().split(/\r?\n/).slice(1);
    const found = answer.map((line) => line.split(',').slice(0, 3).join(' ')).sort();
    const expected = bruteForce(queries, left, 'cosine', 5, BUCKET).map(
      ({ query, target }, i) => `${query} ${(i % 5) + 1} ${target}`,
    );
    const same = found.filter((line) => expected.includes(line)).length;
    expect(same / expected.length).toBeGreaterThan(options[3] === '400' ? 0.999 : 0.9);
    expect(found).toHaveLength(150);
  });

  it('of two deletions at the same moment are all gone', async () => {
    const database = 's3://lance/two-writers';
    await buildDatabase(folder, [join(folder, 'a.h5')], { database });
    const parts = [
      [0, 350],
      [300, 600],
    ] as const;
    const results = await Promise.all(
      parts.map(async ([start, end], i) => {
        const ids = join(folder, `ids-${i}.txt`);
        await writeFile(ids, rows.ids.slice(start, end).join('\n'));
        return runHere(['delete', '--database', database, '--ids', ids]);
      }),
    );
    // The second one misses what the first has deleted.
    expect(results.reduce((sum, { rows: count }) => sum + count, 0)).toBe(600);
    expect(results.map(({ missing }) => (missing as string[]).length).sort((x, y) => x - y)).toEqual([0, 50]);
    const entry = await (await Database.open(database)).requireEntry(BUCKET);
    expect([entry.rows, entry.deletedRows, entry.revision?.removedRows]).toEqual([1400, 600, 600]);
    const { hits } = await searchHere(folder, database, path, ['--k', '5', '--search', 'exact', '--stream']);
    expectSameHits(hits, bruteForce(queries, left, 'cosine', 5, BUCKET), 1e-5);
    await runHere(['verify', '--database', database]);
  });

  it('of an earlier version of a file are gone, and the bucket that had these alone', async () => {
    const database = 's3://lance/replaced-files';
    const [a, b, c] = ['a', 'b', 'c'].map((name) => join(folder, `replaced-${name}.h5`)) as [string, string, string];
    await writeShard(a, sliceRows(rows, 0, 600));
    await writeShard(b, left);
    await writeShard(c, randomRows(6, 50, 32, 'c'));
    await buildDatabase(folder, [a, b], { database });
    await buildDatabase(folder, [c], { database });
    await writeShard(a, { ...sliceRows(rows, 0, 600), vectors: randomRows(7, 600, 32).vectors });
    await writeShard(c, randomRows(8, 50, 32, 'c'));
    const plan = ['--plan', join(folder, 'replace.json')];
    const inputs = ['--input', a, b, c, '--database', database];
    await runHere(['pack-buckets', ...inputs, '--replace', '--output', plan[1]!]);
    const made = ['--bucket', 'bucket_00003', '--database', database];
    await runHere(['ingest-bucket', ...plan, ...made]);
    await runHere(['index-bucket', ...made]);
    const { buckets } = await runHere(['delete-replaced', ...plan, ...inputs]);
    expect(buckets).toEqual({ [BUCKET]: 600, bucket_00002: 50 });
    const { hits } = await searchHere(folder, database, path, ['--k', '5', '--search', 'exact', '--stream']);
    expectSameHits(hits, bruteForce(queries, left, 'cosine', 5, BUCKET), 1e-5);
    const objects = [...(await objectsOf(await at('replaced-files'))).keys()];
    expect(objects.filter((name) => name.includes('bucket_00002'))).toEqual([]);
    await runHere(['verify', '--database', database]);
  });

  it('have no id in place, and leave nothing of older versions', async () => {
    const ask = (id: string) =>
      runHere(['ask', '--id', id, '--database', DATABASE, '--output', join(folder, 'id.csv')]);
    await expect(ask('p599')).rejects.toThrow(/p599/);
    await ask('p601');
    const { files } = await (await Database.open(DATABASE)).requireEntry(BUCKET);
    const objects = [...(await objectsOf(await at('deleted'))).keys()];
    // Those of this version and of the one before, which a search may still read.
    expect(objects.filter((name) => name.includes('_versions/'))).toHaveLength(2);
    expect(objects.filter((name) => name.endsWith('.bin'))).toHaveLength(2);
    for (const file of files) expect(objects).toContain(`${BUCKET}.lance/${file.path}`);
    expect(objects.filter((name) => name.startsWith('_pending/'))).toEqual([]);
    await runHere(['verify', '--database', DATABASE]);
  });
});
