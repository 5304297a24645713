import { partitionOf } from '../base/bytes/partition-of.ts';
import { GraphBuilder } from '../onnx/graph-builder.ts';
import { createProductSession, runInto, Tensor } from '../onnx/product-session.ts';
import type { Metric } from '../vectors/metric.ts';
import { encodeRows, quantizeResiduals, type RabitCodes, RESIDUAL_ZERO } from './rabitq.ts';
import { quantizeMatrix, rotate } from './rotation.ts';

/** Maximum rows of one call. */
export const ENCODED_ROWS = 512;

/** The partitions of the rows, and the rotation: all threads share them. */
export interface EncodedPartitions {
  metric: Metric;
  dimension: number;
  /** [partitions, D], rounded as the index stores them. */
  centroids: Float32Array;
  /** First row of each partition, then the row count. */
  firstRows: Float64Array;
  /** The bits that define the rotation. */
  signs: Uint8Array;
  /** The rotation, [D, D]. */
  rotation: Float32Array;
}

/** Encodes rows of a table in the order of its partitions, for an IVF_RQ index. */
export class RowEncoder {
  readonly #partitions: EncodedPartitions;
  readonly #session: Awaited<ReturnType<typeof createProductSession>>;
  readonly #residuals: Uint8Array;
  readonly #squares = new Float64Array(ENCODED_ROWS);
  readonly #rotated: Int32Array;
  #centroid: { partition: number; rotated: Float32Array } | undefined;

  private constructor(partitions: EncodedPartitions, session: Awaited<ReturnType<typeof createProductSession>>) {
    this.#partitions = partitions;
    this.#session = session;
    this.#residuals = new Uint8Array(ENCODED_ROWS * partitions.dimension);
    this.#rotated = new Int32Array(ENCODED_ROWS * partitions.dimension);
  }

  static async create(partitions: EncodedPartitions): Promise<RowEncoder> {
    return new RowEncoder(partitions, await createProductSession(rotationGraph(partitions), 1));
  }

  /**
   * Encodes consecutive rows.
   * @param vectors [rows, D], at most ENCODED_ROWS
   * @param first position of the first in the table
   * @param into codes and factors of the rows, from position `at` on
   */
  async encode(vectors: Float32Array, first: number, into: RabitCodes, at: number): Promise<void> {
    const { metric, dimension, centroids } = this.#partitions;
    const rows = vectors.length / dimension;
    const parts = this.#partsOf(first, rows);
    for (const { partition, begin, end } of parts)
      quantizeResiduals(
        vectors.subarray(begin * dimension, end * dimension),
        centroids.subarray(partition * dimension, (partition + 1) * dimension),
        metric === 'cosine',
        this.#residuals.subarray(begin * dimension, end * dimension),
        this.#squares.subarray(begin, end),
      );
    const shape = [rows, dimension];
    const rotated = this.#rotated.subarray(0, rows * dimension);
    const feeds = { residuals: new Tensor('uint8', this.#residuals.subarray(0, rows * dimension), shape) };
    await runInto(this.#session, feeds, { rotated: new Tensor('int32', rotated, shape) });
    for (const { partition, begin, end } of parts)
      encodeRows(
        rotated.subarray(begin * dimension, end * dimension),
        this.#squares.subarray(begin, end),
        this.#rotatedCentroid(partition),
        metric,
        into,
        at + begin,
      );
  }

  close(): Promise<void> {
    return this.#session.release();
  }

  /** Divides rows by partition: rows [begin, end) of those from `first` on. */
  #partsOf(first: number, rows: number) {
    const { firstRows } = this.#partitions;
    const parts: Array<{ partition: number; begin: number; end: number }> = [];
    let partition = partitionOf(first, firstRows);
    for (let begin = 0; begin < rows; ) {
      while (firstRows[partition + 1]! <= first + begin) partition++;
      const end = Math.min(rows, firstRows[partition + 1]! - first);
      parts.push({ partition, begin, end });
      begin = end;
    }
    return parts;
  }

  #rotatedCentroid(partition: number): Float32Array {
    if (this.#centroid?.partition !== partition) {
      const { centroids, dimension, signs } = this.#partitions;
      // A copy: the centroids are shared.
      const rotated = new Float32Array(centroids.subarray(partition * dimension, (partition + 1) * dimension));
      rotate(rotated, signs);
      this.#centroid = { partition, rotated };
    }
    return this.#centroid.rotated;
  }
}

/** Builds a graph that multiplies residuals by the rotation in 8-bit integers, several times faster than in float32. */
function rotationGraph({ dimension, rotation }: EncodedPartitions) {
  const graph = new GraphBuilder();
  const residuals = graph.input('residuals', 'uint8', ['r', dimension]);
  const codes = quantizeMatrix(rotation);
  const matrix = graph.initializer({
    name: 'rotation',
    type: 'int8',
    shape: [dimension, dimension],
    data: new Uint8Array(codes.buffer),
  });
  const zero = graph.initializer({ name: 'zero', type: 'uint8', shape: [], data: Uint8Array.of(RESIDUAL_ZERO) });
  graph.output('rotated', graph.op('MatMulInteger', [residuals, matrix, zero]), 'int32', ['r', dimension]);
  return graph.model();
}
