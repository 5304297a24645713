import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadEmbedder } from '../../../workers/src/embed/load-embedder.ts';
import type { Metric } from '../../../workers/src/vectors/metric.ts';
import { drawNullSample, measureNulls } from '../../../workers/src/vectors/significance/measure-nulls.ts';
import { chanceOfDistance, measureBackgrounds } from '../../../workers/src/vectors/significance/query-chances.ts';
import { ROOT } from '../../support/run.ts';
import { makeProteins } from './proteins.ts';

/** Largest share of queries without relatives whose nearest target may have an E-value of at most 0.01. */
const HONEST = 0.015;
const COUNTS = { targets: 1500, relatives: 60, strangers: 400, shuffled: 400 };
const TINY_MODEL = join(ROOT, 'test/models/checkpoints/esm2');

describe('E-values of distances', () => {
  it.each<[model: string, metric: Metric, familySize: number, leastFound: number]>([
    ['kmer', 'cosine', 10, 0.4],
    ['kmer', 'cosine', 100, 0.4],
    ['kmer', 'l2', 10, 0.4],
    ['kmer', 'dot', 10, 0.15],
    // Random weights find no relatives.
    [TINY_MODEL, 'cosine', 10, 0],
    [TINY_MODEL, 'l2', 10, 0],
  ])('are honest with %s under %s, with families of %i', async (model, metric, familySize, leastFound) => {
    const proteins = makeProteins(COUNTS, familySize);
    const embedder = await loadEmbedder(model);
    const { dimension } = embedder;
    const targets = await embedder.embed(proteins.targets);
    const share = async (sequences: string[]) => {
      const vectors = await embedder.embed(sequences);
      const evalues = await bestEvalues(metric, dimension, targets, vectors);
      return evalues.filter((evalue) => evalue <= 0.01).length / sequences.length;
    };
    const [shuffled, strangers] = [await share(proteins.shuffled), await share(proteins.strangers)];
    expect(Math.max(shuffled, strangers)).toBeLessThanOrEqual(HONEST);
    expect(await share(proteins.relatives)).toBeGreaterThanOrEqual(leastFound);
    await embedder.close();
  });
});

/** Returns the E-value of each query's nearest target, by comparing all. */
async function bestEvalues(
  metric: Metric,
  dimension: number,
  targets: Float32Array,
  queries: Float32Array,
): Promise<number[]> {
  const count = targets.length / dimension;
  const rowsAt = (positions: number[]) =>
    Float32Array.from(positions.flatMap((row) => [...targets.subarray(row * dimension, (row + 1) * dimension)]));
  const sample = drawNullSample(count);
  const nulls = measureNulls(metric, dimension, rowsAt(sample.rows), rowsAt(sample.queries));
  const queryCount = queries.length / dimension;
  const chances = await measureBackgrounds(nulls, metric, queries, dimension, queryCount);
  return Array.from({ length: queryCount }, (_, query) => {
    let best = Number.POSITIVE_INFINITY;
    for (let row = 0; row < count; row++)
      best = Math.min(best, distance(metric, dimension, queries, query * dimension, targets, row * dimension));
    return count * chanceOfDistance(chances, query, best);
  });
}

function distance(metric: Metric, dimension: number, a: Float32Array, atA: number, b: Float32Array, atB: number) {
  let [product, lengthA, lengthB] = [0, 0, 0];
  for (let i = 0; i < dimension; i++) {
    product += a[atA + i]! * b[atB + i]!;
    lengthA += a[atA + i]! ** 2;
    lengthB += b[atB + i]! ** 2;
  }
  if (metric === 'l2') return lengthA + lengthB - 2 * product;
  return 1 - (metric === 'dot' ? product : product / Math.sqrt(lengthA * lengthB));
}
