import { existsSync } from 'node:fs';
import { cp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../workers/src/base/random.ts';
import { METRICS, type Metric } from '../../workers/src/vectors/metric.ts';
import { runHere, type Spoken } from '../support/command.ts';
import { bruteForce, buildDatabase, readHitRows } from '../support/database.ts';
import { sortedHits } from '../support/hits.ts';
import { sharedFolder, temporaryFolder } from '../support/run.ts';
import {
  buildWithQueries,
  expectSameHits,
  QUICK_INDEX,
  type SearchData,
  searchHere,
  textOf,
} from '../support/search.ts';
import { type Rows, randomRows, sliceRows, writeShard } from '../support/shards.ts';

interface Shape {
  seed: number;
  rowCount: number;
  queryCount: number;
  dimension: number;
  metric: Metric;
}

const shape: fc.Arbitrary<Shape> = fc.record({
  seed: fc.nat(1e6),
  rowCount: fc.oneof({ arbitrary: fc.integer({ min: 1, max: 600 }), weight: 4 }, fc.constantFrom(1, 255, 256, 257)),
  queryCount: fc.integer({ min: 1, max: 12 }),
  dimension: fc.oneof({ arbitrary: fc.integer({ min: 1, max: 100 }), weight: 4 }, fc.constantFrom(1, 8, 16, 64)),
  metric: fc.constantFrom(...METRICS),
});

/**
 * Creates rows with many ties for which float32 is exact: small whole numbers for l2 and dot; for cosine, copies of random directions with
 * one, two or four times the length. Ids are not sorted.
 */
function tiedData({ seed, rowCount, queryCount, dimension, metric }: Shape): SearchData {
  const random = seededRandom(seed);
  const integer = (most: number) => Math.floor(random() * (most + 1));
  const base = randomRows(seed + 1, Math.max(1, Math.ceil(rowCount / 4)), dimension);
  const draw = (): number[] => {
    if (metric !== 'cosine') return Array.from({ length: dimension }, () => integer(4) - 2);
    const from = integer(base.ids.length - 1) * dimension;
    const scale = 2 ** integer(2);
    return [...base.vectors.subarray(from, from + dimension)].map((x) => x * scale);
  };
  const make = (count: number, prefix: string): Rows => ({
    dimension,
    ids: Array.from({ length: count }, (_, i) => `${prefix}${(i * 7919) % 104_729}`),
    vectors: Float32Array.from(Array.from({ length: count }, draw).flat()),
  });
  return { rows: make(rowCount, 'p'), queries: make(queryCount, 'q') };
}

describe('search-bucket --search exact', () => {
  it('finds what brute force finds, ties by the smallest ids', async () => {
    await fc.assert(
      fc.asyncProperty(shape, fc.integer({ min: 1, max: 700 }), async (drawn, k) => {
        const folder = await temporaryFolder();
        const data = tiedData(drawn);
        const { database, queries } = await buildWithQueries(folder, data, drawn.metric);
        for (const count of [k, Math.max(1, Math.floor(k / 50)), 1]) {
          const { hits } = await searchHere(folder, database, queries, ['--k', `${count}`, '--search', 'exact']);
          const expected = bruteForce(data.queries, data.rows, drawn.metric, count, 'bucket_00001');
          expectSameHits(hits, expected, drawn.metric === 'cosine' ? 1e-6 : 0);
        }
      }),
      { numRuns: 12 },
    );
  });

  it.each(METRICS)('computes %s distances of real vectors as numpy does', async (metric) => {
    const folder = await temporaryFolder();
    const data = { rows: randomRows(1, 2500, 48), queries: randomRows(2, 100, 48, 'q') };
    const { database, queries } = await buildWithQueries(folder, data, metric);
    const { hits, result } = await searchHere(folder, database, queries, ['--k', '7', '--search', 'exact']);
    expectSameHits(hits, bruteForce(data.queries, data.rows, metric, 7, 'bucket_00001'), 5e-5);
    // The report shows it beside the distances of the hits.
    const entry = JSON.parse(await readFile(join(database, '_catalog', 'bucket_00001.json'), 'utf8'));
    expect(result.background).toEqual(entry.nullDistances.histogram);
  });
});

describe('search-bucket --truth-share', () => {
  it('writes the ground truth of exact, and removes an earlier one where its cost is unknown or too high', async () => {
    const folder = await temporaryFolder();
    const data = { rows: randomRows(1, 1500, 16), queries: randomRows(2, 30, 16, 'q') };
    const { database, queries } = await buildWithQueries(folder, data, 'l2');
    const truth = join(folder, 'truth.parquet');
    const search = (mode: string) =>
      searchHere(folder, database, queries, ['--k', '5', '--search', mode, '--truth', truth, '--truth-share', '0.1']);
    const { hits } = await search('exact');
    expect(await readHitRows(truth)).toEqual(hits);
    await search('scan');
    expect(existsSync(truth)).toBe(false);
    // In a second, `auto` compares all of these rows, although a scan may be quicker.
    const { result } = await search('auto');
    expect(result.mode).toBe('exact');
    expect(await readHitRows(truth)).toEqual(hits);
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

describe('a search of the same rows in other buckets', () => {
  let folder = '';
  const rows = randomRows(4, 3000, 40);
  const queries = randomRows(5, 60, 40, 'q');
  beforeAll(async () => {
    folder = await sharedFolder();
    // Copies, longer and shorter vectors of one direction, and neighbours that differ in the last digits of float32.
    const random = seededRandom(9);
    for (let row = 600; row < 3000; row++) {
      const from = Math.floor(random() * 600) * 40;
      const scale = [1, 1, 3, 0.7, 1e-3][row % 5]!;
      for (let c = 0; c < 40; c++) {
        const noise = row % 7 === 0 ? 1 + (random() - 0.5) * 1e-7 : 1;
        rows.vectors[row * 40 + c] = rows.vectors[from + c]! * scale * noise;
      }
      rows.ids[row] = `x${(row * 7919) % 104_729}`;
    }
    // Queries that are rows, with distances near zero.
    queries.vectors.set(rows.vectors.subarray(0, 30 * 40));
    await writeShard(join(folder, 'q.h5'), queries);
  });

  it.each(METRICS)('finds the same neighbours by %s, bit for bit', async (metric) => {
    const answers: string[] = [];
    for (const [name, sizes, options] of [
      ['one', [3000], []],
      ['three', [1100, 1000, 900], []],
      ['many', [1, 255, 256, 257, 1031, 1200], ['--order', 'none']],
    ] as const) {
      const own = join(folder, `${metric}-${name}`);
      const shards: string[] = [];
      let start = 0;
      for (const [i, size] of sizes.entries()) {
        shards.push(await writeShard(join(own, `${i}.h5`), sliceRows(rows, start, start + size)));
        start += size;
      }
      const bucketSize = Math.max(...sizes);
      const ingest = ['--metric', metric, ...options];
      const { database, buckets } = await buildDatabase(own, shards, { bucketSize, ingest, index: QUICK_INDEX });
      const files: string[] = [];
      for (const bucket of buckets) {
        await searchHere(own, database, join(folder, 'q.h5'), ['--k', '9', '--search', 'exact'], bucket);
        files.push(join(own, `${bucket}.parquet`));
      }
      const csv = join(own, 'neighbours.csv');
      const outputs = ['--output', join(own, 'neighbours.parquet'), '--csv', csv];
      await runHere(['merge-hits', '--input', ...files, '--k', '9', ...outputs]);
      // All columns but the bucket and the E-value, which follows from its sample.
      answers.push((await readFile(csv, 'utf8')).replace(/,[^,\n]*,[^,\n]*$/gm, ''));
    }
    expect(answers[0]!.split('\n').length).toBe(60 * 9 + 2);
    for (const answer of answers) expect(answer).toBe(answers[0]);
  });
});

describe('search-bucket', () => {
  let folder = '';
  const data = { rows: randomRows(11, 2000, 32), queries: randomRows(12, 40, 32, 'q') };
  const databases = new Map<string, string>();
  let queries = '';
  beforeAll(async () => {
    folder = await sharedFolder();
    for (const index of ['ivf-pq', 'ivf-rq'] as const) {
      const own = join(folder, index);
      const shards = [await writeShard(join(own, 'rows.h5'), data.rows)];
      databases.set(index, (await buildDatabase(own, shards, { index: ['--index', index] })).database);
    }
    queries = await writeShard(join(folder, 'queries.h5'), data.queries);
  });
  const pq = () => databases.get('ivf-pq')!;

  it.each(['ivf-pq', 'ivf-rq'])(
    'finds with %s what exact finds, if it probes and rescores everything',
    async (index) => {
      const database = databases.get(index)!;
      const exact = await searchHere(folder, database, queries, ['--k', '10', '--search', 'exact']);
      const ann = await searchHere(folder, database, queries, [
        ...['--k', '10', '--search', 'ann', '--nprobes', '1000', '--refine-factor', '200'],
      ]);
      expectSameHits(ann.hits, exact.hits, 1e-6);
      expect(ann.result).toMatchObject({ rows: 400, queries: 40 });
    },
  );

  it('writes the bytes of exact if scan probes all partitions', async () => {
    const exact = await searchHere(folder, pq(), queries, ['--k', '10', '--search', 'exact']);
    const scan = await searchHere(folder, pq(), queries, ['--k', '10', '--search', 'scan', '--nprobes', '1000']);
    expect(scan.hits).toEqual(exact.hits);
  });

  it('finds more with more partitions', async () => {
    const exact = await searchHere(folder, pq(), queries, ['--k', '10', '--search', 'exact']);
    const groundTruth = new Set(textOf(exact.hits));
    let last = 0;
    for (const nprobes of [1, 8, 44]) {
      const { hits } = await searchHere(folder, pq(), queries, ['--search', 'scan', '--nprobes', `${nprobes}`]);
      const found = textOf(hits).filter((text) => groundTruth.has(text)).length;
      expect(found).toBeGreaterThanOrEqual(last);
      last = found;
    }
    expect(last).toBe(400);
  });

  it.each(['auto', 'ann', 'scan', 'exact'])('%s returns all rows if k is larger than the bucket', async (mode) => {
    const { hits } = await searchHere(folder, pq(), queries, ['--k', '100000', '--search', mode]);
    expect(hits).toEqual(sortedHits(hits));
    const groundTruth = bruteForce(data.queries, data.rows, 'cosine', 100_000, 'bucket_00001');
    const distances = new Map(groundTruth.map(({ query, target, distance }) => [`${query} ${target}`, distance]));
    expect(hits.length).toBe(groundTruth.length);
    for (const { query, target, distance } of hits) {
      expect(Math.abs(distances.get(`${query} ${target}`)! - distance)).toBeLessThan(1e-6);
      distances.delete(`${query} ${target}`);
    }
    expect(distances.size).toBe(0);
  });

  it.each(['ann', 'scan'])('%s returns k hits if the probed partitions have fewer rows', async (mode) => {
    const options = ['--k', '700', '--search', mode, '--nprobes', '1'];
    const { hits } = await searchHere(folder, pq(), queries, options);
    expect(hits.length).toBe(700 * 40);
    if (mode === 'scan')
      expectSameHits(hits, (await searchHere(folder, pq(), queries, ['--k', '700', '--search', 'exact'])).hits, 0);
  });

  it('writes the same bytes for any memory and size of query blocks', async () => {
    const roomy = await searchHere(folder, pq(), queries, ['--search', 'exact']);
    const least = await searchHere(folder, pq(), queries, ['--search', 'exact', '--memory', '1kB']).catch(
      ({ message }) => message,
    );
    expect(least).toMatch(/--memory 1.0 kB is too small .* the least is \d+ MB/);
    const megabytes = Number(/least is (\d+) MB/.exec(least as string)![1]);
    const tight = await searchHere(folder, pq(), queries, ['--search', 'exact', '--memory', `${megabytes}MB`]);
    expect(tight.bytes.equals(roomy.bytes)).toBe(true);
    await expect(
      searchHere(folder, pq(), queries, ['--search', 'exact', '--memory', `${megabytes - 1}MB`]),
    ).rejects.toThrow(/too small/);
  });

  it('omits a query’s own id and distant hits, and still returns k', async () => {
    const own = await writeShard(join(folder, 'own.h5'), sliceRows(data.rows, 0, 50));
    for (const mode of ['exact', 'scan', 'ann']) {
      const all = ['--search', mode, '--nprobes', '1000', '--refine-factor', '200'];
      const plain = await searchHere(folder, pq(), own, ['--k', '6', ...all]);
      const without = await searchHere(folder, pq(), own, ['--k', '5', '--exclude-self', ...all]);
      expect(without.hits).toEqual(plain.hits.filter(({ query, target }) => query !== target));
      const limit = plain.hits[20]!.distance;
      const near = await searchHere(folder, pq(), own, ['--k', '6', '--max-distance', `${limit}`, ...all]);
      expect(near.hits).toEqual(plain.hits.filter(({ distance }) => distance <= limit));
    }
  });

  it('chooses nprobes for a recall, and reports the measured one', async () => {
    for (const [mode, database] of [
      ['scan', pq()],
      ['ann', databases.get('ivf-rq')!],
    ] as const) {
      const { result, hits } = await searchHere(folder, database, queries, [
        '--search',
        mode,
        '--target-recall',
        '0.9',
      ]);
      expect(result).toMatchObject({ mode, recall: { queries: 40 } });
      const groundTruth = new Set(textOf((await searchHere(folder, database, queries, ['--search', 'exact'])).hits));
      const recall = textOf(hits).filter((text) => groundTruth.has(text)).length / groundTruth.size;
      expect(recall).toBeGreaterThan(0.85);
      const less = await searchHere(folder, database, queries, ['--search', mode, '--target-recall', '0.2']);
      expect(less.result.nprobes).toBeLessThan(Math.min(8, result.nprobes as number));
    }
  });

  it('writes the same bytes again, and for queries in any order and number of files', async () => {
    const one = await searchHere(folder, pq(), queries, ['--search', 'exact']);
    expect((await searchHere(folder, pq(), queries, ['--search', 'exact'])).bytes.equals(one.bytes)).toBe(true);
    const reversed = [...data.queries.ids.keys()].reverse();
    const shuffled = {
      dimension: 32,
      ids: reversed.map((i) => data.queries.ids[i]!),
      vectors: Float32Array.from(reversed.flatMap((i) => [...data.queries.vectors.subarray(i * 32, i * 32 + 32)])),
    };
    await writeShard(join(folder, 'b1.h5'), sliceRows(shuffled, 0, 7));
    await writeShard(join(folder, 'b2.h5'), sliceRows(shuffled, 7, 40));
    const output = join(folder, 'both.parquet');
    const files = ['--queries', join(folder, 'b1.h5'), join(folder, 'b2.h5')];
    await runHere([
      'search-bucket',
      '--bucket',
      'bucket_00001',
      '--database',
      pq(),
      ...files,
      '--output',
      output,
      '--search',
      'exact',
    ]);
    expect(await readHitRows(output)).toEqual(one.hits);
    expect((await readFile(output)).equals(one.bytes)).toBe(true);
  });

  it('finds the same hits for a query alone and among others', async () => {
    const among = await searchHere(folder, pq(), queries, ['--search', 'exact']);
    const alone = await writeShard(join(folder, 'alone.h5'), sliceRows(data.queries, 3, 4));
    const { hits } = await searchHere(folder, pq(), alone, ['--search', 'exact']);
    expect(hits).toEqual(among.hits.filter(({ query }) => query === 'q3'));
  });

  it('searches a table without its partition file by the other strategies, and logs it', async () => {
    const copy = join(folder, 'no-partitions');
    await cp(pq(), copy, { recursive: true });
    await rm(join(copy, '_partitions'), { recursive: true });
    const exact = await searchHere(folder, pq(), queries, ['--search', 'exact']);
    const ann = await searchHere(folder, pq(), queries, ['--search', 'ann']);
    for (const mode of ['exact', 'scan', 'ann', 'auto']) {
      const spoken: Spoken = { lines: [] };
      const { result, bytes } = await searchHere(folder, copy, queries, ['--search', mode], 'bucket_00001', spoken);
      expect(spoken.lines[0]).toMatch(/_partitions\/bucket_00001-\w+\.arrow is missing, so it cannot be scanned/);
      expect(result.mode).toMatch(mode === 'ann' ? /^ann$/ : mode === 'auto' ? /^(ann|exact)$/ : /^exact$/);
      expect(bytes.equals((result.mode === 'ann' ? ann : exact).bytes)).toBe(true);
    }
  });

  it('accepts any refine factor: more candidates than rows are all rows', async () => {
    const exact = await searchHere(folder, pq(), queries, ['--search', 'exact']);
    const all = ['--search', 'ann', '--nprobes', '1000', '--refine-factor', '1000000000000'];
    expectSameHits((await searchHere(folder, pq(), queries, all)).hits, exact.hits, 1e-6);
  });
});
