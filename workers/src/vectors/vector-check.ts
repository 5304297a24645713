import { quoteId } from '../base/text/quote.ts';
import type { Metric } from './metric.ts';

/**
 * Lengths whose squares float32 represents at full precision. Distances are computed in float32, here and in LanceDB: beyond these
 * limits they overflow or become 0 / 0.
 */
const LONGEST = 1e18;
const SHORTEST_DIRECTION = 1e-15;

/** A row that cannot be searched, and the reason. */
export interface BadVector {
  row: number;
  /** Position in the row, if one component is the cause. */
  component?: number;
  value?: number;
  /** Euclidean length, if that is the cause. */
  length?: number;
  /** Set if float16 cannot represent the row, but float32 can. */
  inFloat16?: true;
}

/**
 * Finds the first row that has a NaN or infinite component, is too long for float32 arithmetic or, under cosine, too short to have
 * a direction. The sum of squares reveals all of these, because squares of float32 cannot overflow a double.
 * @param vectors rows * dimension components
 */
export function findBadVector(
  vectors: Float32Array,
  rows: number,
  dimension: number,
  metric: Metric,
): BadVector | undefined {
  const least = metric === 'cosine' ? SHORTEST_DIRECTION ** 2 : 0;
  for (let row = 0, at = 0; row < rows; row++) {
    const end = at + dimension;
    // Four independent sums, because each addition has latency.
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (; at + 3 < end; at += 4) {
      s0 += vectors[at]! * vectors[at]!;
      s1 += vectors[at + 1]! * vectors[at + 1]!;
      s2 += vectors[at + 2]! * vectors[at + 2]!;
      s3 += vectors[at + 3]! * vectors[at + 3]!;
    }
    for (; at < end; at++) s0 += vectors[at]! * vectors[at]!;
    const sum = s0 + s1 + s2 + s3;
    if (sum >= least && sum <= LONGEST ** 2) continue;
    const components = vectors.subarray(row * dimension, (row + 1) * dimension);
    const component = components.findIndex((value) => !Number.isFinite(value));
    if (component >= 0) return { row, component, value: components[component]! };
    return sum === 0 ? { row } : { row, length: Math.sqrt(sum) };
  }
  return undefined;
}

/**
 * Finds the first vector that no metric can compare: not finite, or too long for float32 arithmetic. Zero vectors are allowed,
 * because the metric is not known yet.
 * @param vectors rows * dimension components
 */
export function findBadEmbedding(vectors: Float32Array, rows: number, dimension: number): BadVector | undefined {
  return findBadVector(vectors, rows, dimension, 'dot');
}

/** Half of the smallest float16, which rounds to zero, and the first number that rounds to infinity. */
const LOST_IN_FLOAT16 = 2 ** -25;
const INFINITE_IN_FLOAT16 = 65_520;

/** Finds the first row that float16 cannot represent: a value becomes infinite or, under cosine, all values become zero. */
export function findLostInFloat16(
  vectors: Float32Array,
  rows: number,
  dimension: number,
  metric: Metric,
): BadVector | undefined {
  for (let row = 0, at = 0; row < rows; row++) {
    let largest = 0;
    for (const end = at + dimension; at < end; at++) largest = Math.max(largest, Math.abs(vectors[at]!));
    if (largest >= INFINITE_IN_FLOAT16) {
      const components = vectors.subarray(row * dimension, (row + 1) * dimension);
      const component = components.findIndex((value) => Math.abs(value) >= INFINITE_IN_FLOAT16);
      return { row, component, value: components[component]!, inFloat16: true };
    }
    if (metric === 'cosine' && largest <= LOST_IN_FLOAT16) return { row, inFloat16: true };
  }
  return undefined;
}

/**
 * Describes the fault of a row of a shard.
 * @param firstRow row of the file where the checked rows begin
 * @param id UTF-8
 */
export function describeBadVector(bad: BadVector, firstRow: number, id: Uint8Array): string {
  const what = `row ${firstRow + bad.row} (id ${quoteId(id)}) ${describeFault(bad)}`;
  if (bad.inFloat16) return `${what}. Scale the vectors, or build with --vector-type float32`;
  if (bad.component !== undefined) return `${what}. Vectors must be finite; remove or fix the row`;
  if (bad.length !== undefined)
    return `${what}. Scale the vectors: lengths from ${SHORTEST_DIRECTION} to ${LONGEST.toExponential()} can be searched`;
  return `${what}, which has no cosine distance. Remove the row, or build with --metric l2`;
}

/**
 * Describes the fault of an embedded vector.
 * @param where file, record and id of its sequence
 * @param precision of the model, if it has several
 */
export function describeBadEmbedding(bad: BadVector, where: string, precision?: unknown): string {
  const what = `${where}: the vector of this sequence ${describeFault(bad)}`;
  if (bad.inFloat16) return `${what}. Use --vector-type float32`;
  const other = precision === 'int8' ? 'try --precision float32' : "try the model authors' own code on this sequence";
  return `${what}. Vectors must be finite: the model's weights are damaged, or it overflows. Copy the model again, or ${other}`;
}

function describeFault({ component, value, length, inFloat16 }: BadVector): string {
  if (component !== undefined)
    return `has ${value} at component ${component}${inFloat16 ? ', which is infinite in float16' : ''}`;
  if (length !== undefined)
    return `has length ${length.toExponential(2)}, too ${length > 1 ? 'long' : 'short'} for distances in float32`;
  return `is all zero${inFloat16 ? ' in float16' : ''}`;
}
