import type { Metric } from './metric.ts';

/** The first row that cannot be searched, and why. */
export interface BadVector {
  row: number;
  /** Position in the row, where one value is to blame. */
  component?: number;
  value?: number;
}

/**
 * Finds the first row with a NaN or infinite component or, under cosine, without any direction (all zero).
 * One pass: a row's sum of squares is not finite or zero exactly then (squares of float32 cannot overflow a double).
 * @param vectors rows * dimension components
 */
export function findBadVector(
  vectors: Float32Array,
  rows: number,
  dimension: number,
  metric: Metric,
): BadVector | undefined {
  for (let row = 0, at = 0; row < rows; row++) {
    let sum = 0;
    for (const end = at + dimension; at < end; at++) sum += vectors[at]! * vectors[at]!;
    if (sum > 0 && sum < Number.POSITIVE_INFINITY) continue;
    const components = vectors.subarray(row * dimension, (row + 1) * dimension);
    const component = components.findIndex((value) => !Number.isFinite(value));
    if (component >= 0) return { row, component, value: components[component]! };
    if (metric === 'cosine' && sum === 0) return { row };
  }
  return undefined;
}

/** Says what is wrong with a row. @param firstRow row of the file at which the checked rows begin */
export function describeBadVector({ row, component, value }: BadVector, firstRow: number, id: string): string {
  const where = `row ${firstRow + row} (id ${JSON.stringify(id)})`;
  return component === undefined
    ? `${where} is all zero, which has no cosine distance. Remove the row, or build with --metric l2`
    : `${where} has ${value} at component ${component}. Vectors must be finite; remove or mend the row`;
}
