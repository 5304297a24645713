/**
 * Derives hours, bytes and cost of large tables from rates measured on small ones. Pure arithmetic over measurements and
 * assumptions; docs/scale.md explains the formulas.
 */

/** The measurement of one step at one size. */
export interface StepAt {
  rows: number;
  cpuSeconds: number;
  seconds: number;
}

/** What it takes to find a row's partition. */
export interface Assignment {
  kind: string;
  partitions: number;
  /** How rows are compared with centroids. */
  plan: string;
  /** Of one row. */
  cpuSeconds: number;
  /** Of one row that is compared with all centroids. */
  cpuSecondsOfAll: number;
  /** Share of the rows that get the partition that they get when compared with all centroids. */
  agreement: number;
  /** Recall@10 of searches among other rows, the mean over 0.5% to 10% of the partitions. Older results lack it. */
  recall?: number;
  /** The same, where rows are compared with all centroids. */
  recallOfAll?: number;
}

export interface Measurements {
  dimension: number;
  /** Cores of the measured machine. */
  cores: number;
  steps: Record<string, StepAt[]>;
  /** Measured separately, because tables of this size have few partitions. */
  assignment: Assignment[];
  /** Bytes a vector on disk, by kind of table. */
  bytesPerVector: Record<string, number>;
}

/** What a row costs to assign to one of a number of partitions. */
export type AssignmentPoint = Pick<Assignment, 'partitions' | 'cpuSeconds'>;

export interface GrowthTerms {
  fixed: number;
  perRow: number;
  perRowRoot: number;
}

/** cpuSeconds(N) = fixed + perRow N + perRowRoot N^1.5 + assign(N) */
export interface Growth extends GrowthTerms {
  /** CPU-seconds of assigning N rows to sqrt(N) partitions. */
  assign: (rows: number) => number;
}

/**
 * Fits the growth to measurements with the least relative error; no term is negative.
 * @param assign CPU-seconds of assignment where they are measured; otherwise a term in N^1.5 is fitted
 */
export function fitGrowth(points: readonly StepAt[], assign?: (rows: number) => number): Growth {
  const rest = points.map(({ rows, cpuSeconds }) => ({
    rows,
    value: Math.max(0, cpuSeconds - (assign?.(rows) ?? 0)),
    weight: 1 / cpuSeconds,
  }));
  const terms: Array<(rows: number) => number> = [() => 1, (rows) => rows];
  if (!assign) terms.push((rows) => rows ** 1.5);
  let best = { error: Number.POSITIVE_INFINITY, coefficients: terms.map(() => 0) };
  // There are few terms, so every set of non-zero terms is tried.
  for (let choice = 1; choice < 1 << terms.length; choice++) {
    const used = [...terms.keys()].filter((i) => choice & (1 << i));
    const rows = rest.map(({ rows: n, weight }) => used.map((i) => terms[i]!(n) * weight));
    const solved = leastSquares(
      rows,
      rest.map(({ value, weight }) => value * weight),
    );
    if (!solved?.every((x) => x >= 0)) continue;
    const error = rows.reduce((sum, row, i) => {
      const off = row.reduce((s, x, j) => s + x * solved[j]!, 0) - rest[i]!.value * rest[i]!.weight;
      return sum + off * off;
    }, 0);
    if (error < best.error - 1e-12) {
      const coefficients = terms.map((_, i) => (used.includes(i) ? solved[used.indexOf(i)]! : 0));
      best = { error, coefficients };
    }
  }
  const [fixed = 0, perRow = 0, perRowRoot = 0] = best.coefficients;
  return { fixed, perRow, perRowRoot, assign: assign ?? (() => 0) };
}

/** Solves the normal equations by elimination. @returns undefined where the columns depend on each other */
function leastSquares(rows: readonly number[][], values: readonly number[]): number[] | undefined {
  const count = rows[0]!.length;
  if (rows.length < count) return undefined;
  // Columns are scaled to equal size first, because 1 and N^1.5 differ by ten orders of magnitude.
  const scale = Array.from({ length: count }, (_, j) => Math.hypot(...rows.map((row) => row[j]!)));
  const matrix = Array.from({ length: count }, (_, i) => [
    ...Array.from({ length: count }, (__, j) =>
      rows.reduce((sum, row) => sum + (row[i]! * row[j]!) / scale[i]! / scale[j]!, 0),
    ),
    rows.reduce((sum, row, r) => sum + (row[i]! * values[r]!) / scale[i]!, 0),
  ]);
  for (let i = 0; i < count; i++) {
    const pivot = matrix[i]![i]!;
    if (Math.abs(pivot) < 1e-9) return undefined;
    for (let r = 0; r < count; r++) {
      if (r === i) continue;
      const factor = matrix[r]![i]! / pivot;
      for (let c = i; c <= count; c++) matrix[r]![c]! -= factor * matrix[i]![c]!;
    }
  }
  return matrix.map((row, i) => row[count]! / row[i]! / scale[i]!);
}

/** Returns the CPU-seconds of a step on N rows. */
export function cpuSecondsOf({ fixed, perRow, perRowRoot, assign }: Growth, rows: number): number {
  return fixed + perRow * rows + perRowRoot * rows ** 1.5 + assign(rows);
}

/**
 * Returns the CPU-seconds of assigning N rows to sqrt(N) partitions. Between and beyond measured numbers of partitions, the cost
 * of a row is a power of theirs.
 */
export function assignCpuSeconds(measured: readonly AssignmentPoint[], rows: number): number {
  const points = measured.map(({ partitions, cpuSeconds }) => [Math.log(partitions), Math.log(cpuSeconds)] as const);
  const at = Math.log(rows) / 2;
  const next = points.findIndex(([partitions], i) => i > 0 && (at <= partitions || i === points.length - 1));
  const [x0, y0] = points[next - 1]!;
  const [x1, y1] = points[next]!;
  // With fewer partitions than were measured, a row costs no less: most of it does not depend on them.
  return rows * Math.exp(y0 + Math.max(0, (at - x0) / (x1 - x0)) * (y1 - y0));
}

/** Returns the parallel share of a step, from the number of cores that it kept busy (Amdahl's law). */
export function parallelShare({ cpuSeconds, seconds }: StepAt, cores: number): number {
  const share = (1 - seconds / cpuSeconds) / (1 - 1 / cores);
  return Math.min(1, Math.max(0, share));
}

/** Returns the growth of a step: the assignment of ingest is measured separately, that of LanceDB is fitted. */
export function growthOf(measured: Measurements, step: string): Growth {
  const clustered = measured.assignment.filter(({ kind }) => kind === 'clustered');
  const assign = (rows: number) => (step === 'ingest' ? assignCpuSeconds(clustered, rows) : 0);
  return fitGrowth(measured.steps[step]!, step === 'index-pq' ? undefined : assign);
}
