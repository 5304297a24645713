import { LANES } from '../../../base/wasm/simd.ts';
import type { Metric } from '../../../vectors/metric.ts';
import { boundQueries, type FilterSpace } from './filter-bounds.ts';
import { type Kernels, ROW_NUMBERS } from './kernels.ts';

/** Queries as 8-bit codes, minus a vector that they share with the rows: see search/engine/filters/filter-bounds.ts. */
export interface CodedQueries extends FilterSpace {
  /** The vector that was subtracted: [D] */
  mean: Float32Array;
  /** [queries + LANES, D] */
  codes: Int8Array;
  inverseScales: Float32Array;
  lengths: Float32Array;
  /** Terms that do not depend on the row: see `leastScore`. */
  bases: Float64Array;
}

/** Buffers for codes, in the kernels' memory. */
export interface CodeBuffers {
  mean: Float32Array;
  codes: Int8Array;
  /** [queries, ROW_NUMBERS] */
  numbers: Float32Array;
  bases: Float64Array;
  /** [D] */
  vector: Float32Array;
}

/** The queries of a search, in the kernels' memory. */
export interface QueryVectors {
  metric: Metric;
  dimension: number;
  /** [queries, D]; unit length for cosine. */
  queries: Float32Array;
}

/** Allocates the buffers for the codes of queries. @param allocate returns the address of bytes */
export function allocateCodeBuffers(
  buffer: ArrayBufferLike,
  allocate: (bytes: number) => number,
  queries: number,
  dimension: number,
): CodeBuffers {
  const floats = (count: number) => new Float32Array(buffer, allocate(4 * count), count);
  const codeBytes = (queries + LANES) * dimension;
  return {
    mean: floats(dimension),
    codes: new Int8Array(buffer, allocate(codeBytes), codeBytes),
    numbers: floats(queries * ROW_NUMBERS),
    bases: new Float64Array(buffer, allocate(8 * queries), queries),
    vector: floats(dimension),
  };
}

/**
 * Quantizes queries.
 * @param largestCode with which products are exact on this processor @param mean [D], copied
 * @param queryOf returns the position of the i-th query to quantize
 */
export function codeQueries(
  kernels: Kernels,
  { metric, dimension, queries }: QueryVectors,
  largestCode: number,
  mean: Float32Array,
  count: number,
  queryOf: (i: number) => number,
  buffers: CodeBuffers,
): CodedQueries {
  buffers.mean.set(mean);
  const [meanAt, vectorAt, codesAt, numbersAt] = [buffers.mean, buffers.vector, buffers.codes, buffers.numbers].map(
    ({ byteOffset }) => byteOffset,
  ) as [number, number, number, number];
  const base = metric === 'l2' ? kernels.squaredDifference : kernels.innerProduct;
  for (let i = 0; i < count; i++) {
    const address = queries.byteOffset + queryOf(i) * dimension * 4;
    const codeAt = codesAt + i * dimension;
    kernels.quantize(
      address,
      1,
      dimension,
      meanAt,
      vectorAt,
      codeAt,
      numbersAt + i * 4 * ROW_NUMBERS,
      0,
      largestCode,
      0,
    );
    buffers.bases[i] = base(address, meanAt, dimension);
  }
  const bounds = boundQueries(buffers.numbers.subarray(0, count * ROW_NUMBERS), dimension);
  const meanLength = Math.sqrt(kernels.innerProduct(meanAt, meanAt, dimension));
  return { metric, dimension, meanLength, mean: buffers.mean, codes: buffers.codes, bases: buffers.bases, ...bounds };
}
