import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../workers/src/base/random.ts';
import { METRICS } from '../../workers/src/vectors/metric.ts';
import { rewriteEntry } from '../support/catalog.ts';
import { bruteForce, buildDatabase } from '../support/database.ts';
import { sharedFolder, temporaryFolder } from '../support/run.ts';
import { buildWithQueries, expectSameHits, searchHere, textOf } from '../support/search.ts';
import { type Rows, randomRows, sliceRows, writeShard } from '../support/shards.ts';

describe('search-bucket on unusual rows', () => {
  let folder = '';
  const data = { rows: randomRows(11, 2000, 32), queries: randomRows(12, 40, 32, 'q') };
  let queries = '';
  beforeAll(async () => {
    folder = await sharedFolder();
    queries = await writeShard(join(folder, 'queries.h5'), data.queries);
  });

  it.each(METRICS)('is exact for %s where rows are nearly equal and far from the origin', async (metric) => {
    const folder = await temporaryFolder();
    const rows = randomRows(3, 2000, 32);
    // Clusters of rows that differ in the fourth digit, around a common point.
    rows.vectors.forEach((x, i) => {
      rows.vectors[i] = 10 + x * 0.01;
    });
    const queries = { ...sliceRows(rows, 0, 50), ids: rows.ids.slice(0, 50).map((id) => `q${id}`) };
    const { database, queries: path } = await buildWithQueries(folder, { rows, queries }, metric);
    const { hits } = await searchHere(folder, database, path, ['--k', '5', '--search', 'exact']);
    const expected = bruteForce(queries, rows, metric, 5, 'bucket_00001');
    expect(textOf(hits)).toEqual(textOf(expected));
  });

  it('finds equal rows, with which most partitions are empty', async () => {
    const one = sliceRows(data.rows, 0, 1);
    const ids = Array.from({ length: 600 }, (_, i) => `p${String(i).padStart(3, '0')}`);
    const alike: Rows = { ...one, ids, vectors: Float32Array.from(ids.flatMap(() => [...one.vectors])) };
    for (const index of ['ivf-pq', 'ivf-rq']) {
      const own = join(folder, `alike-${index}`);
      const { database } = await buildDatabase(own, [await writeShard(join(own, 'rows.h5'), alike)], {
        index: ['--index', index],
      });
      const expected = bruteForce(data.queries, alike, 'cosine', 5, 'bucket_00001');
      for (const mode of ['auto', 'ann', 'scan', 'exact']) {
        const { hits } = await searchHere(own, database, queries, ['--k', '5', '--search', mode]);
        expect(hits.length).toBe(5 * 40);
        for (const [i, { distance }] of hits.entries())
          expect(Math.abs(distance - expected[i]!.distance)).toBeLessThan(1e-6);
        if (mode === 'scan' || mode === 'exact') expectSameHits(hits, expected, 1e-6);
      }
    }
  });

  it.each([
    [1, 'float32'],
    [2, 'float32'],
    [2, 'float16'],
    [4, 'float16'],
    [8, 'float16'],
  ])('finds rows of %i components in %s, which LanceDB writes in chunks', async (dimension, vectorType) => {
    const random = seededRandom(dimension);
    const make = (count: number, prefix: string): Rows => ({
      dimension,
      ids: Array.from({ length: count }, (_, i) => `${prefix}${i}`),
      vectors: Float32Array.from({ length: count * dimension }, () => Math.floor(random() * 3)),
    });
    const few = { rows: make(5000, 'p'), queries: make(20, 'q') };
    const own = join(folder, `short-${dimension}-${vectorType}`);
    const { database, queries } = await buildWithQueries(own, few, 'l2', ['--vector-type', vectorType]);
    const expected = bruteForce(few.queries, few.rows, 'l2', 8, 'bucket_00001');
    for (const mode of ['exact', 'scan']) {
      const { hits } = await searchHere(own, database, queries, ['--k', '8', '--search', mode, '--nprobes', '1000']);
      expect(hits).toEqual(expected);
    }
  });

  it('searches the stored values of float16 tables', async () => {
    const own = join(folder, 'half');
    const { database } = await buildWithQueries(own, data, 'cosine', ['--vector-type', 'float16']);
    const half = { ...data.rows, vectors: Float32Array.from(new Float16Array(data.rows.vectors)) };
    const expected = bruteForce(data.queries, half, 'cosine', 10, 'bucket_00001');
    expectSameHits((await searchHere(own, database, queries, ['--search', 'exact'])).hits, expected, 1e-6);
    // Without fragments in the catalog entry, rows are read through LanceDB.
    await rewriteEntry(database, 'bucket_00001', ({ fragments: _, ...entry }) => entry);
    expectSameHits((await searchHere(own, database, queries, ['--search', 'exact'])).hits, expected, 1e-6);
    const all = ['--search', 'scan', '--nprobes', '1000'];
    expectSameHits((await searchHere(own, database, queries, all)).hits, expected, 1e-6);
  });
});
