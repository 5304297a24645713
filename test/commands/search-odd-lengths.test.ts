import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../workers/src/base/random.ts';
import { Database } from '../../workers/src/database/database.ts';
import { readPartitions } from '../../workers/src/database/partitions.ts';
import { METRICS, type Metric } from '../../workers/src/vectors/metric.ts';
import { VECTOR_TYPES, type VectorType } from '../../workers/src/vectors/vector-type.ts';
import { bruteForce } from '../support/database.ts';
import { temporaryFolder } from '../support/run.ts';
import { buildWithQueries, searchHere, textOf } from '../support/search.ts';
import type { Rows } from '../support/shards.ts';

const [ROWS, QUERIES, DIMENSION, FAMILIES] = [2000, 120, 32, 50];

/** What happens to a row of usual length, in place. */
type Change = (row: Float64Array, i: number, random: () => number, type: VectorType) => void;

const scale = (row: Float64Array, factor: number) => {
  for (let i = 0; i < row.length; i++) row[i]! *= factor;
};

const MANY_DECADES = 'lengths over many decades';

const CHANGES: Record<string, Change> = {
  'a few long rows': (row, i) => i % 400 === 0 && scale(row, 1000),
  // Slices of the training sample are the same in each build, and all rows of a table this small are in it.
  'one long row': (row, i) => i === 7 && scale(row, 3000),
  'one huge component in a few rows': (row, i) => {
    if (i % 400 === 0) row[5] = 64_504;
  },
  'very short rows': (row, i, _, type) => i % 3 === 0 && scale(row, type === 'float16' ? 1e-4 : 1e-13),
  [MANY_DECADES]: (row, i, random, type) =>
    i % 2 === 0 && scale(row, 10 ** (type === 'float16' ? random() * 7 - 4 : random() * 30 - 14)),
  'all rows short but one': (row, i, _, type) => i !== 7 && scale(row, type === 'float16' ? 1e-3 : 1e-6),
};

/** Those that are tried as float16, too. */
const HALF = ['a few long rows', 'one huge component in a few rows', 'all rows short but one'];

/** Rows and queries in families. */
function makeData(type: VectorType, name: string) {
  const random = seededRandom(41);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const centres = Float64Array.from({ length: FAMILIES * DIMENSION }, normal);
  const make = (count: number, prefix: string, change?: Change): Rows => {
    const vectors = new Float32Array(count * DIMENSION);
    for (let i = 0; i < count; i++) {
      const family = Math.floor(random() * FAMILIES) * DIMENSION;
      const row = Float64Array.from({ length: DIMENSION }, (_, j) => centres[family + j]! + 0.5 * normal());
      change?.(row, i, seededRandom(i), type);
      vectors.set(row, i * DIMENSION);
    }
    const held = type === 'float16' ? Float32Array.from(new Float16Array(vectors)) : vectors;
    return { dimension: DIMENSION, ids: Array.from({ length: count }, (_, i) => `${prefix}${i}`), vectors: held };
  };
  const change = CHANGES[name]!;
  // Queries are short where all rows are.
  const ofQueries = name === 'all rows short but one' ? change : undefined;
  return {
    rows: make(ROWS, 'p', change),
    queries: make(QUERIES, 'q', ofQueries && ((row, i, ...rest) => ofQueries(row, i + 8, ...rest))),
  };
}

/** The recall of a search, and the row count of the largest partition. */
async function search(metric: Metric, type: VectorType, name: string) {
  const folder = await temporaryFolder();
  const data = makeData(type, name);
  const { database, queries } = await buildWithQueries(folder, data, metric, ['--vector-type', type]);
  const groundTruth = bruteForce(data.queries, data.rows, metric, 10, 'bucket_00001');
  const wanted = new Set(textOf(groundTruth));
  const farthest = new Map(groundTruth.map(({ query, distance }) => [query, distance]));
  const recalls: Record<string, number> = {};
  for (const mode of ['scan', 'ann']) {
    const { hits } = await searchHere(folder, database, queries, ['--search', mode, '--nprobes', '12']);
    expect(hits.every(({ distance }) => Number.isFinite(distance))).toBe(true);
    // A hit that is as near as the tenth within float32 precision is as good.
    const right = hits.filter(
      ({ query, target, distance }) =>
        wanted.has(`${query} ${target}`) || distance <= Math.fround(farthest.get(query)!),
    );
    recalls[mode] = right.length / groundTruth.length;
  }
  const opened = await Database.open(database);
  const entry = await opened.requireEntry('bucket_00001');
  const { firstRows } = await readPartitions(opened, entry.partitions!, entry);
  return { recalls, largest: Math.max(...firstRows.subarray(1).map((end, i) => end - firstRows[i]!)) };
}

/** Under dot, lengths over many decades are another question: nearest are the longest rows of all. */
const leastRecall = (metric: Metric, name: string) => (metric === 'dot' && name === MANY_DECADES ? 0.9 : 0.995);

describe('recall@10 of rows of odd lengths', () => {
  const cases = METRICS.flatMap((metric) =>
    Object.keys(CHANGES).flatMap((name) =>
      VECTOR_TYPES.filter((type) => type === 'float32' || HALF.includes(name)).map(
        (type) => [metric, type, name] as const,
      ),
    ),
  );

  it.each(cases)('is that of usual ones, and no partition has most of them: %s, %s, %s', async (metric, type, name) => {
    const { recalls, largest } = await search(metric, type, name);
    for (const recall of Object.values(recalls)) expect(recall).toBeGreaterThanOrEqual(leastRecall(metric, name));
    // Under l2, short rows are near each other.
    if (metric !== 'l2') expect(largest).toBeLessThan((4 * ROWS) / Math.sqrt(ROWS));
  });
});
