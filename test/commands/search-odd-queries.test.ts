import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../workers/src/base/random.ts';
import { lengthOf } from '../../workers/src/vectors/kmeans.ts';
import { METRICS, type Metric } from '../../workers/src/vectors/metric.ts';
import { VECTOR_TYPES } from '../../workers/src/vectors/vector-type.ts';
import { bruteForce } from '../support/database.ts';
import type { Hit } from '../support/hits.ts';
import { rowOf } from '../support/kinds-of-rows.ts';
import { temporaryFolder } from '../support/run.ts';
import { buildWithQueries, type SearchData, searchHere, textOf } from '../support/search.ts';
import { type Rows, writeShard } from '../support/shards.ts';
import { trueDistance } from '../support/true-distance.ts';

const [ROWS, EACH, DIMENSION, FAMILIES] = [2000, 40, 32, 50];
const ANN = ['--search', 'ann', '--nprobes', '12'];

/** Kinds of queries: how each changes a query that float16 can represent. */
const KINDS: Record<string, (value: number, component: number) => number> = {
  ordinary: (value) => value,
  copy: (value) => value * 1e6,
  long: (value) => value * 1e6,
  overflowing: (value) => value * 5e4,
  short: (value) => value * 1e-9,
  subnormal: (value) => value * 3e-7,
  huge: (value, component) => (component === 5 ? 3e6 : value),
};

/** Makes float16 rows and queries in families. Queries of all kinds are equal up to the change of their kind. */
function makeData(length: number) {
  const random = seededRandom(43);
  const normal = () => length * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const centres = Float64Array.from({ length: FAMILIES * DIMENSION }, normal);
  const make = (count: number) =>
    Float64Array.from({ length: count }, () => Math.floor(random() * FAMILIES) * DIMENSION).reduce(
      (all, family, i) => {
        for (let j = 0; j < DIMENSION; j++) all[i * DIMENSION + j] = centres[family + j]! + 0.5 * normal();
        return all;
      },
      new Float64Array(count * DIMENSION),
    );
  const rows = Float32Array.from(new Float16Array(make(ROWS)));
  const own = make(EACH);
  const kinds = Object.entries(KINDS);
  const queries: Rows = {
    dimension: DIMENSION,
    ids: kinds.flatMap(([kind]) => Array.from({ length: EACH }, (_, i) => `${kind}${i}`)),
    vectors: Float32Array.from(kinds.flatMap(([, change]) => Array.from(own, (x, i) => change(x, i % DIMENSION)))),
  };
  const ids = Array.from({ length: ROWS }, (_, i) => `p${i}`);
  return { rows: { dimension: DIMENSION, ids, vectors: rows }, queries };
}

const ofKind = (hits: Hit[], kind: string) => hits.filter(({ query }) => query.replace(/\d+$/, '') === kind);

/** Computes recall; a hit that is as near as the tenth within float32 precision is as good. */
function recallOf(hits: Hit[], groundTruth: Hit[], metric: Metric, { rows, queries }: SearchData): number {
  const wanted = new Set(textOf(groundTruth));
  const farthest = new Map(groundTruth.map(({ query, distance }) => [query, Math.fround(distance)]));
  const right = hits.filter(
    ({ query, target }) =>
      wanted.has(`${query} ${target}`) ||
      trueDistance(metric, rowNamed(queries, query), rowNamed(rows, target)) <= farthest.get(query)!,
  );
  return right.length / groundTruth.length;
}

/** LanceDB rounds queries to the type of the table, and sums squares of rows and queries in float32. */
describe('ann', () => {
  const cases = [
    ...METRICS.map((metric) => [metric, 'float16', 1] as const),
    // Queries far shorter than rows.
    ...VECTOR_TYPES.map((type) => ['dot', type, 8000] as const),
    // Rows that have few digits in float16, too.
    ['l2', 'float16', 1e-5] as const,
  ];

  it.each(cases)('answers queries of any length: %s, %s, rows of %d', async (metric, type, length) => {
    const folder = await temporaryFolder();
    const data = makeData(length);
    const { database, queries } = await buildWithQueries(folder, data, metric, ['--vector-type', type]);
    const groundTruth = bruteForce(data.queries, data.rows, metric, 10, 'bucket_00001');
    const spoken = { lines: [] as string[] };
    const { hits, result } = await searchHere(folder, database, queries, ANN, undefined, spoken);
    for (const kind of Object.keys(KINDS)) {
      if (isBeyondFloat32(kind, metric, length)) continue;
      const [own, wanted] = [ofKind(hits, kind), ofKind(groundTruth, kind)];
      expect(recallOf(own, wanted, metric, data), kind).toBeGreaterThanOrEqual(leastRecall(kind, metric));
      for (const hit of own) {
        const [query, row] = [rowNamed(data.queries, hit.query), rowNamed(data.rows, hit.target)];
        const distance = trueDistance(metric, query, row);
        const bound = ROUNDED * scaleOf(metric, query, row, distance);
        expect(Math.abs(hit.distance - distance), hit.query).toBeLessThanOrEqual(bound);
      }
    }
    const nameless = ({ query, ...hit }: Hit) => ({ ...hit, query: query.replace('copy', 'long') });
    expect(ofKind(hits, 'copy').map(nameless)).toEqual(ofKind(hits, 'long'));
    expect(result.warnings).toHaveLength(metric === 'l2' ? 1 : 0);
    if (metric === 'l2') expect(spoken.lines).toEqual([`${(result.warnings as string[])[0]}.`]);

    const vectors = data.queries.vectors.subarray(0, EACH * DIMENSION);
    const ordinary = { ...data.queries, ids: data.queries.ids.slice(0, EACH), vectors };
    const alone = await searchHere(folder, database, await writeShard(join(folder, 'few.h5'), ordinary), ANN);
    expect(ofKind(hits, 'ordinary')).toEqual(alone.hits);
    if (length >= 1) expect(alone.result.warnings).toEqual([]);
  });

  it('compares such queries with all vectors of a table without partitions', async () => {
    const folder = await temporaryFolder();
    const { rows, queries } = makeData(1);
    const few = { ...rows, ids: rows.ids.slice(0, 600), vectors: rows.vectors.slice(0, 600 * DIMENSION) };
    const data = { rows: few, queries };
    const built = await buildWithQueries(folder, data, 'l2', ['--vector-type', 'float16']);
    const { hits, result } = await searchHere(folder, built.database, built.queries, [
      '--search',
      'ann',
      '--nprobes',
      '24',
    ]);
    const groundTruth = bruteForce(queries, few, 'l2', 10, 'bucket_00001');
    expect(recallOf(hits, groundTruth, 'l2', data)).toBeGreaterThanOrEqual(0.995);
    expect(result).toMatchObject({ mode: 'ann', warnings: [expect.stringContaining('compared with all vectors')] });
  });
});

/** What 11 digits of a query lose of a distance, as a share of `scaleOf`. */
const ROUNDED = 2 ** -11;

/** Factor by which the length of a rounded query is multiplied. */
function scaleOf(metric: Metric, query: Float32Array, row: Float32Array, distance: number): number {
  if (metric === 'cosine') return 1;
  // Beside what float32 loses of the result.
  const [length, rest] = [lengthOf(query), Math.abs(distance) * 1e-3];
  return metric === 'dot'
    ? length * lengthOf(row) + rest
    : 2 * length * Math.sqrt(distance) + length ** 2 * ROUNDED + rest;
}

function rowNamed({ ids, vectors, dimension }: Rows, id: string): Float32Array {
  return rowOf(vectors, ids.indexOf(id), dimension);
}

/** If one component dominates, all queries have the same neighbours, and the index's codes lose one of them, also for float32. */
const leastRecall = (kind: string, metric: Metric) => (metric === 'dot' && kind === 'huge' ? 0.89 : 0.995);

/** Rows that float32, in which LanceDB computes, cannot rank: compared with the query's length, all distances are equal. */
function isBeyondFloat32(kind: string, metric: Metric, length: number): boolean {
  return metric === 'l2' && length < 1 && ['copy', 'long', 'overflowing'].includes(kind);
}
