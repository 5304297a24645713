import { describe, expect, it } from 'vitest';
import type { AssignPlan } from '../../../workers/src/ingest/assign/assign-plan.ts';
import { type AssignerOptions, createAssigner } from '../../../workers/src/ingest/assign/assigner.ts';
import { planLike, prepareAssigner } from '../../../workers/src/ingest/assign/prepare-assigner.ts';
import { METRICS, type Metric } from '../../../workers/src/vectors/metric.ts';
import { clusteredRows } from '../../support/clustered-rows.ts';
import { KINDS, kindOfRows, rowOf } from '../../support/kinds-of-rows.ts';

const [ROWS, COUNT] = [300, 40];
/** A row count from which planning is worth its cost. */
const MANY_ROWS = 1e9;

/** Squared distance of a row to a centroid over that to its nearest, in double precision. */
function excess(metric: Metric, row: Float32Array, centroids: Float32Array, own: number): number {
  const length = metric === 'l2' ? 1 : Math.sqrt(row.reduce((sum, x) => sum + x * x, 0));
  const distances = Array.from({ length: centroids.length / row.length }, (_, c) =>
    rowOf(centroids, c, row.length).reduce((sum, x, i) => sum + (x - row[i]! / length) ** 2, 0),
  );
  return distances[own]! / Math.min(...distances);
}

async function assign(
  plan: AssignPlan,
  vectors: Float32Array,
  options: AssignerOptions & { blockRows?: number } = {},
): Promise<{ nearest: Int32Array; work: number }> {
  const rows = vectors.length / plan.dimension;
  const blockRows = options.blockRows ?? rows;
  const nearest = new Int32Array(rows);
  const assigner = await createAssigner(plan, options);
  for (let first = 0; first < rows; first += blockRows) {
    const block = vectors.subarray(first * plan.dimension, (first + blockRows) * plan.dimension);
    await assigner.assign(block, block.length / plan.dimension, nearest.subarray(first, first + blockRows));
  }
  await assigner.close();
  return { nearest, work: assigner.work };
}

describe('createAssigner', () => {
  const cases = METRICS.flatMap((metric) =>
    [...KINDS, 'outliers' as const]
      // Differences in the fourth digit of a spike are beyond codes of 8 bits.
      .filter((kind) => kind !== 'spikes')
      .map((kind) => [metric, kind] as const),
  );

  it.each(cases)(
    'gives each row the nearest centroid, or nearly, whatever the other rows: %s, %s',
    async (metric, kind) => {
      for (const dimension of [16, 75]) {
        const unit = metric !== 'l2';
        const isPlanned = ['alike', 'lengths', 'outliers'].includes(kind);
        const base = kind === 'outliers' ? 'normal' : kind;
        const vectors = kindOfRows(base, 1, ROWS, dimension);
        const centroids = kindOfRows(base, 2, COUNT, dimension, unit);
        if (kind === 'outliers') {
          vectors.subarray(0, dimension).forEach((x, i) => {
            vectors[i] = x * 1e6;
          });
          vectors[9 * dimension + 3] = 1e9;
          // One of the centroids is far, as under l2 that of a far row is.
          if (!unit) for (let i = 0; i < dimension; i++) centroids[5 * dimension + i]! *= 1e5;
        }
        for (const rows of isPlanned && dimension === 75 ? [ROWS, MANY_ROWS] : [ROWS]) {
          const plan = await prepareAssigner({ count: COUNT, dimension, vectors: centroids }, metric, {
            rows,
            trial: vectors,
          });
          const { nearest } = await assign(plan, vectors);
          const ratios = Array.from(nearest, (own, row) =>
            excess(metric, rowOf(vectors, row, dimension), centroids, own),
          );
          expect(ratios.filter((ratio) => ratio <= 1).length / ROWS).toBeGreaterThan(0.9);
          expect(Math.max(...ratios)).toBeLessThan(1.5);
        }
      }
    },
  );
});

describe.each(METRICS)('an assigner of many centroids, %s', (metric) => {
  const [dimension, count] = [96, 2000];
  const rows = clusteredRows(dimension, 60);
  const vectors = rows(3, 9000);
  const centroids = { count, dimension, vectors: rows(1, count, metric !== 'l2') };
  const trial = rows(2, 4096);

  it('compares rows with the centroids of few groups, and finds the nearest of nearly all, or one as near', async () => {
    const plan = await prepareAssigner(centroids, metric, { rows: MANY_ROWS, trial });
    expect(plan.groups).toBeDefined();
    const { nearest, work } = await assign(plan, vectors);
    const flat = await prepareAssigner(centroids, metric, { rows: 1, trial });
    const all = await assign(flat, vectors);
    expect(work).toBeLessThan(all.work * 0.8);
    expect(nearest.filter((own, row) => own === all.nearest[row]).length / 9000).toBeGreaterThan(0.95);
    const ratios = Array.from(nearest.subarray(0, 300), (own, row) =>
      excess(metric, rowOf(vectors, row, dimension), centroids.vectors, own),
    );
    expect(ratios.filter((ratio) => ratio < 1.05).length).toBeGreaterThan(0.97 * 300);
  });

  it('compares rows with other centroids in the same way, without a trial', async () => {
    for (const planned of [1, MANY_ROWS]) {
      const plan = await prepareAssigner(centroids, metric, { rows: planned, trial });
      const other = { ...centroids, vectors: rows(4, count, metric !== 'l2') };
      const like = await planLike(plan, other, metric);
      expect([like.short?.width, like.short?.kept]).toEqual([plan.short?.width, plan.short?.kept]);
      expect([like.firstBlocks.length, like.groups === undefined]).toEqual([
        plan.firstBlocks.length,
        plan.groups === undefined,
      ]);
      const all = await assign(await prepareAssigner(other, metric, { rows: 1, trial }), vectors);
      const { nearest, work } = await assign(like, vectors);
      expect(work).toBeLessThanOrEqual(all.work);
      expect(nearest.filter((own, row) => own === all.nearest[row]).length / 9000).toBeGreaterThan(0.9);
    }
  });

  it('gives a row the same centroid whatever rows, blocks, threads and instances there are', async () => {
    for (const planned of [1, MANY_ROWS]) {
      const plan = await prepareAssigner(centroids, metric, { rows: planned, trial });
      const { nearest } = await assign(plan, vectors);
      expect(await prepareAssigner(centroids, metric, { rows: planned, trial })).toEqual(plan);
      // Another thread gets a plan like this one.
      const posted = structuredClone(plan);
      expect(posted.columns.codes.buffer).toBeInstanceOf(SharedArrayBuffer);
      for (const options of [
        { threads: 1, blockRows: 700 },
        { threads: 2, blockRows: 8193 },
      ]) {
        const other = await assign(posted, vectors, options);
        expect(Buffer.compare(Buffer.from(other.nearest.buffer), Buffer.from(nearest.buffer))).toBe(0);
      }
      const long = vectors.slice(0, 50 * dimension);
      for (let i = 0; i < dimension; i++) long[i]! *= 1e6;
      const alone = await assign(plan, long.subarray(dimension), { blockRows: 1 });
      const beside = await assign(plan, long);
      expect([...alone.nearest]).toEqual([...nearest.subarray(1, 50)]);
      expect([...beside.nearest.subarray(1)]).toEqual([...nearest.subarray(1, 50)]);
    }
  });
});

it('finds candidates by short codes where rows differ in few directions and have no clusters', async () => {
  const [dimension, count, directions] = [512, 3000, 24];
  const turn = kindOfRows('normal', 5, directions, dimension);
  const rows = (seed: number, n: number) => {
    const latent = kindOfRows('normal', seed, n, directions);
    const made = new Float32Array(n * dimension);
    for (let row = 0; row < n; row++)
      for (let direction = 0; direction < directions; direction++) {
        const weight = latent[row * directions + direction]!;
        for (let i = 0; i < dimension; i++) made[row * dimension + i]! += weight * turn[direction * dimension + i]!;
      }
    return made;
  };
  const centroids = { count, dimension, vectors: rows(1, count) };
  const plan = await prepareAssigner(centroids, 'l2', { rows: MANY_ROWS, trial: rows(2, 2048) });
  expect(plan.short).toBeDefined();
  const vectors = rows(3, 700);
  const { nearest } = await assign(plan, vectors);
  const ratios = Array.from(nearest.subarray(0, 100), (own, row) =>
    excess('l2', rowOf(vectors, row, dimension), centroids.vectors, own),
  );
  expect(ratios.filter((ratio) => ratio < 1.01).length).toBeGreaterThan(0.98 * 100);
  expect((await assign(structuredClone(plan), vectors, { threads: 1, blockRows: 33 })).nearest).toEqual(nearest);
});

it('compares with all centroids where groups would miss the nearest', async () => {
  const [dimension, count] = [200, 1000];
  const trial = kindOfRows('normal', 2, 1000, dimension);
  const centroids = { count, dimension, vectors: kindOfRows('normal', 1, count, dimension, true) };
  const plan = await prepareAssigner(centroids, 'cosine', { rows: MANY_ROWS, trial });
  expect(plan.groups).toBeUndefined();
});
