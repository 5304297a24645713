import { availableParallelism } from 'node:os';
import * as ort from 'onnxruntime-node';
import type { Metric } from '../../core/metric.ts';
import { encodeModel } from '../../core/onnx/model.ts';
import { BLOCK_ROW_MULTIPLE, distanceGraph, nearestGraph } from '../../core/search/score-graph.ts';

/** A block of a table's rows, filled up to a multiple of BLOCK_ROW_MULTIPLE. */
export interface RowBlock {
  /** Rows that count. */
  rows: number;
  /** [filled, D] */
  vectors: Float32Array;
  /** [filled]: 0, and +inf for the rows that fill up. */
  penalty: Float32Array;
}

/** Nearest rows of a block, by query: [queries, count], ascending. */
export interface BlockNearest {
  count: number;
  distances: Float32Array;
  positions: Int32Array;
  /** Square of the longest row's length; 1 for cosine, whose rows are scaled. */
  longestSquare: number;
}

/** Scores queries against blocks of rows by matrix products. */
export interface Scorer {
  /** @param queries [m, D], unit length for cosine @param limit rows to give a query */
  nearest(queries: Float32Array, block: RowBlock, limit: number): Promise<BlockNearest>;
  /** All distances of one query: [filled]. */
  distances(query: Float32Array, block: RowBlock): Promise<Float32Array>;
  close(): Promise<void>;
}

export async function createScorer(dimension: number, metric: Metric): Promise<Scorer> {
  const options = { enableMemPattern: false, logSeverityLevel: 3, intraOpNumThreads: availableParallelism() } as const;
  const nearest = await ort.InferenceSession.create(encodeModel(nearestGraph(dimension, metric)), options);
  const all = await ort.InferenceSession.create(encodeModel(distanceGraph(dimension, metric)), options);
  const feeds = (queries: Float32Array, block: RowBlock) => ({
    queries: new ort.Tensor('float32', queries, [queries.length / dimension, dimension]),
    rows: new ort.Tensor('float32', block.vectors, [block.penalty.length, dimension]),
    penalty: new ort.Tensor('float32', block.penalty, [block.penalty.length]),
  });
  return {
    async nearest(queries, block, limit) {
      const count = Math.min(limit, block.penalty.length);
      const { distances, positions, longest } = await nearest.run({
        ...feeds(queries, block),
        limit: new ort.Tensor('int64', BigInt64Array.of(BigInt(count)), [1]),
      });
      return {
        count,
        distances: distances!.data as Float32Array,
        positions: positions!.data as Int32Array,
        longestSquare: longest ? (longest.data as Float32Array)[0]! : 1,
      };
    },
    async distances(query, block) {
      const { distances } = await all.run(feeds(query, block));
      return distances!.data as Float32Array;
    },
    async close() {
      await Promise.all([nearest.release(), all.release()]);
    },
  };
}

/** Room for a block of up to `rows` rows. */
export function allocateBlock(rows: number, dimension: number): RowBlock {
  const filled = Math.ceil(rows / BLOCK_ROW_MULTIPLE) * BLOCK_ROW_MULTIPLE;
  return { rows: 0, vectors: new Float32Array(filled * dimension), penalty: new Float32Array(filled) };
}

/** Declares how many rows of a block count; the others are copies of the first (a zero row would have no cosine). */
export function sealBlock(block: RowBlock, rows: number, dimension: number): RowBlock {
  const filled = Math.ceil(rows / BLOCK_ROW_MULTIPLE) * BLOCK_ROW_MULTIPLE;
  const vectors = block.vectors.subarray(0, filled * dimension);
  for (let row = rows; row < filled; row++) vectors.copyWithin(row * dimension, 0, dimension);
  const penalty = block.penalty.subarray(0, filled);
  penalty.fill(0, 0, rows).fill(Number.POSITIVE_INFINITY, rows);
  return { rows, vectors, penalty };
}
