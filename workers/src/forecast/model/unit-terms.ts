/** What a bucket's fragments, runs, partitions and files cost, apart from its rows: docs/scale.md. Pure. */

export interface Cost {
  cpuSeconds: number;
  seconds: number;
  peakMemoryBytes: number;
}

/** The stages of a bucket, with its rows divided into a number of units. */
export interface UnitsAt {
  /** Also the number of runs that ingest sorts. */
  fragments: number;
  partitions: number;
  /** Files of the table with its index. */
  files: number;
  catalogEntryBytes: number;
  stages: Record<string, Cost>;
}

export interface UnitMeasurements {
  rows: number;
  dimension: number;
  /** Searched by each search. */
  queries: number;
  /** The units of a bucket of this size; fragments of 200 million rows; their partitions too. */
  few: UnitsAt;
  manyFragments: UnitsAt;
  manyPartitions: UnitsAt;
}

/** What the units of a large bucket add to a stage. */
export interface UnitTerm {
  stage: string;
  fragments: { cpuSeconds: number; seconds: number };
  partitions: { cpuSeconds: number; seconds: number };
}

/** Returns what units add: the difference between many and few, which cancels the cost of rows. No difference is below 0. */
export function unitTerms({ few, manyFragments, manyPartitions }: UnitMeasurements): UnitTerm[] {
  const difference = (more: Cost, less: Cost) => ({
    cpuSeconds: Math.max(0, more.cpuSeconds - less.cpuSeconds),
    seconds: Math.max(0, more.seconds - less.seconds),
  });
  return Object.entries(few.stages).map(([stage, base]) => {
    const [fragments, all] = [manyFragments.stages[stage]!, manyPartitions.stages[stage]!];
    return { stage, fragments: difference(fragments, base), partitions: difference(all, fragments) };
  });
}

/** Returns the CPU-seconds that units add to a stage of a bucket; their numbers grow with the root of its rows. */
export function unitCpuSeconds(terms: readonly UnitTerm[], stage: string, rows: number, measuredFor: number): number {
  const term = terms.find((one) => one.stage === stage);
  if (!term) return 0;
  // Ingest's partitions are trained and assigned: the formula has both already.
  const partitions = stage === 'ingest' ? 0 : term.partitions.cpuSeconds;
  return (term.fragments.cpuSeconds + partitions) * Math.sqrt(rows / measuredFor);
}
