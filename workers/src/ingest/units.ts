import { numberVariable } from '../app/environment.ts';
import type { PlanSource } from '../database/catalog/bucket-plan.ts';

/** Units of small buckets: each is a fragment of the table. */
const LEAST_UNIT_BYTES = 16 * 2 ** 20;
/**
 * Bytes that a fragment gathers from a run at once, as a share of the least unit: 256 KiB. An NVMe disk
 * reads blocks of this size at random places as fast as in sequence.
 */
const GATHERED_SHARE = 1 / 64;
const MOST_UNIT_BYTES = 2 ** 30;
/**
 * Units for which starting a thread pays: it compiles its code anew, and has a reader of HDF5 of its own, for 0.3 to 0.6 CPU-seconds.
 * With fewer, threads would also be idle while others do their last.
 */
const UNITS_PER_THREAD = 18;
/** Memory of a thread besides its unit: two JavaScript heaps, the HDF5 library, the assigner, blocks. */
const THREAD_BYTES = 96 * 2 ** 20;
/** Memory of the process besides its threads. */
const PROCESS_BYTES = 500 * 2 ** 20;
/** Share of the available memory that all of it may take. */
const MEMORY_SHARE = 0.9;

/**
 * Returns the row count of a unit: of a run of the sort, and of a fragment of the table. Units grow with the square root of the bucket,
 * so that a fragment gathers the same number of bytes from each run. They depend on the bucket alone, because the table must not
 * depend on the machine.
 * @param rows of the bucket
 * @param rowBytes of a row in the table
 * @throws UsageError if LANCEFLOW_UNIT_BYTES is wrong
 */
export function unitRows(rows: number, rowBytes: number): number {
  const least = leastUnitBytes();
  const bytes = Math.sqrt(GATHERED_SHARE * least * rows * rowBytes);
  return Math.max(1, Math.floor(Math.min(MOST_UNIT_BYTES, Math.max(least, bytes)) / rowBytes));
}

/** Consecutive rows of one source. */
export interface SourceRange {
  source: PlanSource;
  /** Position of the source in the bucket. */
  index: number;
  /** Rows [start, end) of its shard. */
  start: number;
  end: number;
}

/** Whether a range is all of its source. */
export function isAll({ source, start, end }: SourceRange): boolean {
  return start === source.start && end === source.end;
}

/** Consecutive rows of a bucket that a thread holds in memory together. */
export interface Unit {
  /** Position in the bucket, of the unit among all and of its first row. */
  number: number;
  firstRow: number;
  ranges: SourceRange[];
}

/** Divides the rows of a bucket, in the order of its sources, into units of `rows` rows; the last has what remains. */
export function* unitsOf(sources: readonly PlanSource[], rows: number): Generator<Unit> {
  let unit: Unit = { number: 0, firstRow: 0, ranges: [] };
  let free = rows;
  for (const [index, source] of sources.entries())
    for (let start = source.start; start < source.end; ) {
      const end = Math.min(source.end, start + free);
      unit.ranges.push({ source, index, start, end });
      free -= end - start;
      start = end;
      if (free > 0) continue;
      yield unit;
      unit = { number: unit.number + 1, firstRow: unit.firstRow + rows, ranges: [] };
      free = rows;
    }
  if (unit.ranges.length > 0) yield unit;
}

/**
 * Returns the number of threads that ingest a bucket: as many as requested, as long as they have work and memory.
 * @param asked the requested threads, at least 1
 * @param unitBytes of a unit in memory
 * @param memoryBytes that this process may use
 */
export function threadCount(asked: number, units: number, unitBytes: number, memoryBytes: number): number {
  const withWork = Math.ceil(units / UNITS_PER_THREAD);
  const withMemory = Math.floor((memoryBytes * MEMORY_SHARE - PROCESS_BYTES) / (unitBytes + THREAD_BYTES));
  return Math.max(1, Math.min(asked, withWork, withMemory));
}

/** Smaller in tests and benchmarks: a small bucket then has as many units as a large one. @throws UsageError if it is no byte count */
function leastUnitBytes(): number {
  return numberVariable('LANCEFLOW_UNIT_BYTES', LEAST_UNIT_BYTES, { least: 1, most: MOST_UNIT_BYTES });
}
