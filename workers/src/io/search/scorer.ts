import { availableParallelism } from 'node:os';
import * as ort from 'onnxruntime-node';
import type { Metric } from '../../core/metric.ts';
import { encodeModel } from '../../core/onnx/model.ts';
import { BLOCK_ROW_MULTIPLE, distanceGraph, nearestGraph } from '../../core/search/score-graph.ts';

/** Rows [filled, D], filled up to a multiple of BLOCK_ROW_MULTIPLE. */
export interface SealedBlock {
  vectors: Float32Array;
  /** [filled]: 0, and +inf for the rows that fill up. */
  penalty: Float32Array;
}

/** Distances of all rows of a block. */
export interface BlockDistances {
  filled: number;
  /** [queries, filled] */
  distances: Float32Array;
  /** Square of the longest row's length; 1 for cosine, whose rows are scaled. */
  longestSquare: number;
}

/** Compares queries with blocks of rows by float32 matrix products. */
export interface Scorer {
  /** Positions of the nearest rows: [queries, limit]. @param queries [m, D], unit length for cosine */
  nearest(queries: Float32Array, block: SealedBlock, limit: number): Promise<Int32Array>;
  /** @param queries [m, D], unit length for cosine */
  distances(queries: Float32Array, block: SealedBlock): Promise<BlockDistances>;
  close(): Promise<void>;
}

export function createScorer(dimension: number, metric: Metric, threads: number = availableParallelism()): Scorer {
  const options = { enableMemPattern: false, logSeverityLevel: 3, intraOpNumThreads: threads } as const;
  // Callers need one of the two.
  const sessions = new Map<typeof nearestGraph, Promise<ort.InferenceSession>>();
  const sessionOf = (graph: typeof nearestGraph) => {
    const session = sessions.get(graph) ?? ort.InferenceSession.create(encodeModel(graph(dimension, metric)), options);
    sessions.set(graph, session);
    return session;
  };
  const feeds = (queries: Float32Array, block: SealedBlock) => ({
    queries: new ort.Tensor('float32', queries, [queries.length / dimension, dimension]),
    rows: new ort.Tensor('float32', block.vectors, [block.penalty.length, dimension]),
    penalty: new ort.Tensor('float32', block.penalty, [block.penalty.length]),
  });
  return {
    async nearest(queries, block, limit) {
      const session = await sessionOf(nearestGraph);
      const { positions } = await session.run({
        ...feeds(queries, block),
        limit: new ort.Tensor('int64', BigInt64Array.of(BigInt(limit)), [1]),
      });
      return positions!.data as Int32Array;
    },
    async distances(queries, block) {
      const session = await sessionOf(distanceGraph);
      const { distances, longest } = await session.run(feeds(queries, block));
      return {
        filled: block.penalty.length,
        distances: distances!.data as Float32Array,
        longestSquare: longest ? (longest.data as Float32Array)[0]! : 1,
      };
    },
    async close() {
      for (const session of sessions.values()) await (await session).release();
    },
  };
}

/** Fills rows [rows, D] up; what fills is a copy of the first (a zero row would have no cosine). */
export function sealBlock(rowVectors: Float32Array, dimension: number): SealedBlock {
  const rows = rowVectors.length / dimension;
  const filled = Math.ceil(rows / BLOCK_ROW_MULTIPLE) * BLOCK_ROW_MULTIPLE;
  const penalty = new Float32Array(filled).fill(Number.POSITIVE_INFINITY, rows);
  if (filled === rows) return { vectors: rowVectors, penalty };
  const vectors = new Float32Array(filled * dimension);
  vectors.set(rowVectors);
  for (let row = rows; row < filled; row++) vectors.copyWithin(row * dimension, 0, dimension);
  return { vectors, penalty };
}
