import type { Metric } from '../../../vectors/metric.ts';
import { ROW_NUMBERS } from './kernels.ts';

/**
 * Bounds from products of 8-bit codes. With x and q of a row and a query minus a common vector m (rows of unit length for cosine),
 * the nearest rows of every metric have the largest scores x.q + alpha(x):
 *
 *   cosine, dot   1 - distance - m.(q + m) = x.q + x.m
 *   l2            (|q|^2 - distance) / 2   = x.q - |x|^2 / 2
 *
 * With the rounding errors dx and dq of the codes, |x.q - codes| <= |x| |dq| + |dx| (|q| + |dq|); these lengths are computed with the
 * codes. Bounds are divided by the query's scale, so that a query's part is three numbers; |dq| over the scale is nearly the same for
 * all queries, and the largest is taken.
 */
export interface FilterSpace {
  metric: Metric;
  dimension: number;
  /** Length of m. */
  meanLength: number;
  /** The largest |dq| / scale of the queries. */
  queryLoss: number;
}

const UNIT_ROUNDOFF = 2 ** -24;
/** Scales between which no square overflows, or loses bits near zero. Pairs of others are never pruned. */
const LEAST_SCALE = 1e-17;
const LARGEST_SCALE = 1e15;

/** Returns an upper bound of the error of float32 sums of this many terms, relative to the sum of their sizes. */
function sumError(dimension: number): number {
  return UNIT_ROUNDOFF * (dimension / 4 + 64);
}

const usable = (scale: number, ...numbers: number[]) =>
  scale > LEAST_SCALE && scale < LARGEST_SCALE && numbers.every(Number.isFinite);

/** Bounds of queries, computed once. */
export interface QueryBounds {
  /** 1 / scale; 0 where codes do not bound this query. */
  inverseScales: Float32Array;
  /** (|q| + |dq|) / scale. */
  lengths: Float32Array;
  /** The largest |dq| / scale. */
  queryLoss: number;
}

/** Bounds queries. @param numbers of the kernel `quantize`: [queries, ROW_NUMBERS] */
export function boundQueries(numbers: Float32Array, dimension: number): QueryBounds {
  const count = numbers.length / ROW_NUMBERS;
  const inverseScales = new Float32Array(count);
  const lengths = new Float32Array(count);
  const error = sumError(dimension);
  let queryLoss = 0;
  for (let query = 0; query < count; query++) {
    const at = query * ROW_NUMBERS;
    const [scale, length, lost] = [numbers[at]!, numbers[at + 1]!, numbers[at + 2]!];
    if (!usable(scale, length, lost)) continue;
    const loss = lost * (1 + 2 * error) + error * length;
    inverseScales[query] = 1 / scale;
    lengths[query] = (length * (1 + 4 * error) + loss) / scale;
    queryLoss = Math.max(queryLoss, loss / scale);
  }
  return { inverseScales, lengths, queryLoss: queryLoss * (1 + error) };
}

/**
 * Bounds rows for the kernel `select`.
 * @param numbers of the kernel `quantize` @param terms [rows, 4] @param certain lower bounds of alpha(x): [rows]
 */
export function boundRows(
  { metric, dimension, meanLength, queryLoss }: FilterSpace,
  numbers: Float32Array,
  rows: number,
  terms: Float32Array,
  certain: Float32Array,
): void {
  const error = sumError(dimension);
  const unit = metric === 'cosine' ? 1 : 0;
  for (let row = 0; row < rows; row++) {
    const at = row * ROW_NUMBERS;
    const [scale, length, lost, withMean] = [numbers[at]!, numbers[at + 1]!, numbers[at + 2]!, numbers[at + 3]!];
    const alpha = metric === 'l2' ? (-length * length) / 2 : withMean;
    const slack = error * (2 * (metric === 'l2' ? length * length : (length + unit) * meanLength) + Math.abs(alpha));
    const sure = usable(scale, length, lost, alpha, slack);
    terms[at] = scale;
    terms[at + 1] = lost * (1 + 2 * error) + error * (2 * length + unit);
    terms[at + 2] = sure ? alpha + slack : Number.POSITIVE_INFINITY;
    terms[at + 3] = queryLoss * (length * (1 + 2 * error) + error * unit);
    certain[row] = sure ? alpha - slack : Number.NEGATIVE_INFINITY;
  }
}

/** Returns whether products with a vector of this squared length neither overflow nor lose bits near zero. */
export function usableSquare(square: number): boolean {
  return square > LEAST_SCALE ** 2 && square < LARGEST_SCALE ** 2;
}

/**
 * Bounds rows whose products with the queries are float32: m is zero, and the loss is the rounding of float32 sums, at most D times
 * the roundoff of |x| |q|. Scores of cosine are over |x|.
 * @param squares of the rows' lengths, in float32
 */
export function boundFloatRows(
  metric: Metric,
  dimension: number,
  squares: Float32Array,
  rows: number,
  terms: Float32Array,
  certain: Float32Array,
): void {
  const error = UNIT_ROUNDOFF * (dimension + 64);
  for (let row = 0; row < rows; row++) {
    const square = squares[row]!;
    const inverse = metric === 'cosine' ? 1 / Math.sqrt(square) : 1;
    const length = metric === 'cosine' ? 1 : Math.sqrt(square);
    const alpha = metric === 'l2' ? -square / 2 : 0;
    const slack = metric === 'l2' ? error * square : 0;
    const sure = usableSquare(square);
    const at = row * 4;
    terms[at] = inverse;
    // Twice: the length's own error, and cosine's division by it.
    terms[at + 1] = 2 * error * length;
    terms[at + 2] = sure ? alpha + slack : Number.POSITIVE_INFINITY;
    terms[at + 3] = 0;
    certain[row] = sure ? alpha - slack : Number.NEGATIVE_INFINITY;
  }
}

/**
 * Bounds rows so that they are pruned for every query that has a limit, and count as the farthest of a block for the others.
 * @param excluded positions of the rows @param terms of all rows @param certain of all rows
 */
export function excludeRows(terms: Float32Array, certain: Float32Array, excluded: readonly number[]): void {
  for (const row of excluded) {
    terms.fill(0, 4 * row, 4 * row + 3);
    terms[4 * row + 3] = Number.NEGATIVE_INFINITY;
    certain[row] = Number.NEGATIVE_INFINITY;
  }
}

/**
 * Returns the least score, over the query's scale, of rows not farther than `limit`.
 * @param base m.(q + m) or |q|^2, in double precision @param scale of the terms of `base`, whose error is a tiny share of it
 */
export function leastScore(metric: Metric, limit: number, base: number, scale: number, inverseScale: number): number {
  if (inverseScale === 0 || limit === Number.POSITIVE_INFINITY) return Number.NEGATIVE_INFINITY;
  const slack = 16 * UNIT_ROUNDOFF * (1 + Math.abs(limit)) + 1e-12 * scale;
  const least =
    metric === 'l2' ? (base - limit) / 2 - 16 * UNIT_ROUNDOFF * (base + Math.abs(limit)) : 1 - limit - base - slack;
  const scaled = least * inverseScale;
  return scaled - 16 * UNIT_ROUNDOFF * Math.abs(scaled);
}

/**
 * Returns the difference of scores, over the query's scale, below which two rows may have one distance, rounded to float32: all rows
 * of one distance must survive. The rounding of the scores themselves is not included.
 * @param base as for `leastScore`
 */
export function sameDistance(metric: Metric, base: number, inverseScale: number): number {
  return 16 * UNIT_ROUNDOFF * (metric === 'l2' ? base : 1 + Math.abs(base)) * inverseScale;
}

/**
 * Returns the k-th largest of numbers (none is NaN), and reorders them.
 * @returns -inf where there are fewer
 */
export function kthLargest(values: Float32Array, k: number): number {
  if (values.length < k) return Number.NEGATIVE_INFINITY;
  let low = 0;
  let high = values.length - 1;
  const wanted = k - 1;
  while (low < high) {
    const pivot = values[(low + high) >> 1]!;
    let i = low;
    let j = high;
    while (i <= j) {
      while (values[i]! > pivot) i++;
      while (values[j]! < pivot) j--;
      if (i > j) break;
      const swapped = values[i]!;
      values[i++] = values[j]!;
      values[j--] = swapped;
    }
    if (wanted <= j) high = j;
    else if (wanted >= i) low = i;
    else break;
  }
  return values[wanted]!;
}
