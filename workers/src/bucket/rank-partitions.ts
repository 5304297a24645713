import { createProductSession, Tensor } from '../onnx/product-session.ts';
import type { Centroids } from '../vectors/kmeans.ts';
import type { Metric } from '../vectors/metric.ts';
import { ROW_MULTIPLE, rankGraph } from './rank-graph.ts';

const TILE_QUERIES = 1024;

/** The partitions to probe for each query, nearest centroid first: [queries, nprobes]. */
export interface Probes {
  nprobes: number;
  partitions: Int32Array;
}

/** Ranks the centroids for each query. @param nprobes at most the number of partitions */
export async function rankPartitions(
  { count: queryCount, vectors }: { count: number; vectors: Float32Array },
  { centroids }: { centroids: Centroids },
  metric: Metric,
  nprobes: number,
): Promise<Probes> {
  const { dimension } = centroids;
  const { rows, penalty } = padCentroids(centroids);
  const partitions = new Int32Array(queryCount * nprobes);
  const session = await createProductSession(rankGraph(dimension, metric));
  try {
    for (let first = 0; first < queryCount; first += TILE_QUERIES) {
      const tile = vectors.subarray(first * dimension, (first + TILE_QUERIES) * dimension);
      const { positions } = await session.run({
        queries: new Tensor('float32', tile, [tile.length / dimension, dimension]),
        rows: new Tensor('float32', rows, [penalty.length, dimension]),
        penalty: new Tensor('float32', penalty, [penalty.length]),
        limit: new Tensor('int64', BigInt64Array.of(BigInt(nprobes)), [1]),
      });
      partitions.set(positions!.data as Int32Array, first * nprobes);
    }
  } finally {
    await session.release();
  }
  return { nprobes, partitions };
}

/** Pads the centroids with copies of the first one at infinite distance: a zero row would have no cosine. */
function padCentroids({ count, dimension, vectors }: Centroids): { rows: Float32Array; penalty: Float32Array } {
  const filled = Math.ceil(count / ROW_MULTIPLE) * ROW_MULTIPLE;
  const penalty = new Float32Array(filled).fill(Number.POSITIVE_INFINITY, count);
  const rows = new Float32Array(filled * dimension);
  rows.set(vectors);
  for (let row = count; row < filled; row++) rows.copyWithin(row * dimension, 0, dimension);
  return { rows, penalty };
}
