/** The agreement of int8 embeddings with float32 ones. */
export interface EmbeddingAgreement {
  meanCosine: number;
  minCosine: number;
  /** Mean fraction of nearest neighbours in the sample that agree; undefined for small samples. */
  neighbourOverlap: number | undefined;
}

/**
 * Compares two sets of vectors of the same sequences.
 * @param exact rows * dimension components
 * @param fast rows * dimension components
 * @param neighbours count of nearest neighbours to compare
 */
export function compareEmbeddings(
  exact: Float32Array,
  fast: Float32Array,
  dimension: number,
  neighbours = 10,
): EmbeddingAgreement {
  const a = normalizedRows(exact, dimension);
  const b = normalizedRows(fast, dimension);
  const cosines = a.map((row, i) => dot(row, b[i]!));
  const overlaps = a.length > neighbours ? a.map((_, i) => overlapOf(a, b, i, neighbours)) : [];
  return {
    meanCosine: mean(cosines),
    minCosine: Math.min(...cosines),
    neighbourOverlap: overlaps.length > 0 ? mean(overlaps) : undefined,
  };
}

function overlapOf(a: Float64Array[], b: Float64Array[], row: number, count: number): number {
  const others = nearest(b, row, count);
  return nearest(a, row, count).filter((i) => others.includes(i)).length / count;
}

function nearest(rows: Float64Array[], row: number, count: number): number[] {
  const scores = rows.map((other) => dot(rows[row]!, other));
  const order = rows.map((_, i) => i).filter((i) => i !== row);
  return order.sort((i, j) => scores[j]! - scores[i]! || i - j).slice(0, count);
}

function normalizedRows(vectors: Float32Array, dimension: number): Float64Array[] {
  return Array.from({ length: vectors.length / dimension }, (_, i) => {
    const row = Float64Array.from(vectors.subarray(i * dimension, (i + 1) * dimension));
    const length = Math.sqrt(dot(row, row));
    return row.map((value) => value / length);
  });
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
