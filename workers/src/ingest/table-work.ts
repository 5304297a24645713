import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { mapConcurrently } from '../base/concurrency/map-concurrently.ts';
import { memoryLimit } from '../base/memory-limit.ts';
import { findStats } from '../base/missing-files.ts';
import { type ThreadPool, withThreadPool } from '../base/threads/thread-pool.ts';
import type { PlanBucket } from '../database/catalog/bucket-plan.ts';
import { ID_BYTES } from '../database/catalog/disk-needs.ts';
import { DATA_FOLDER } from '../lance/commit-table.ts';
import type { Metric } from '../vectors/metric.ts';
import { COMPONENT_BYTES, type VectorType } from '../vectors/vector-type.ts';
import type { IngestThread, IngestThreadData } from './passes/ingest-thread.ts';
import type { FileState, RowFormat, UnitRequest } from './passes/run-reader.ts';
import { ShardHashes } from './passes/shard-hashes.ts';
import { keptColumns } from './source-columns.ts';
import { commonType } from './source-rows.ts';
import { threadCount, unitRows, unitsOf } from './units.ts';

const FILES_AT_ONCE = 16;

/** A bucket, the threads that write its table, and where they write it. */
export interface TableWork {
  bucket: PlanBucket;
  rowFormat: RowFormat;
  units: readonly UnitRequest[];
  /** Rows of a unit; the last has what remains. */
  unitRows: number;
  pool: ThreadPool<IngestThread>;
  hashes: ShardHashes;
  scratch: string;
  /** Folder of the table's data files, in the scratch folder. */
  data: string;
  /** Partitions of the order. */
  partitionCount: number;
  /** Whether the rows are copied from other tables, in the order of their partitions. */
  isCopy: boolean;
}

export interface TableOptions {
  dimension: number;
  metric: Metric;
  vectorType: VectorType;
  /** Threads to use at most. */
  threads: number;
  /** Partitions of the order. Default: int(sqrt(rows)), as the article has for its index. */
  partitionCount?: number;
  /** Default: false. */
  isCopy?: boolean;
}

/** Divides a bucket into units, and starts threads that read and write them; they end with `use`. */
export async function withTableWork<T>(
  scratch: string,
  bucket: PlanBucket,
  { dimension, metric, vectorType, threads, isCopy = false, ...options }: TableOptions,
  use: (work: TableWork) => Promise<T>,
): Promise<T> {
  const { partitionCount = Math.floor(Math.sqrt(bucket.rows)) } = options;
  const data = join(scratch, `${bucket.bucket}.lance`, DATA_FOLDER);
  await mkdir(data, { recursive: true });
  const kept = keptColumns(bucket.sources);
  const rowFormat: RowFormat = { dimension, metric, vectorType, readType: commonType(bucket.sources), kept };
  const ofUnit = unitRows(bucket.rows, dimension * COMPONENT_BYTES[vectorType] + ID_BYTES);
  const states = await mapConcurrently(bucket.sources, FILES_AT_ONCE, ({ path }) => stateOf(path));
  const units = Array.from(unitsOf(bucket.sources, ofUnit), (unit): UnitRequest => {
    return { ...unit, files: unit.ranges.map(({ index }) => states[index]!) };
  });
  // It holds rows as they are read, then as they are stored. Kept columns are beside it.
  const unitBytes = ofUnit * dimension * Math.max(COMPONENT_BYTES[rowFormat.readType], COMPONENT_BYTES[vectorType]);
  const count = threadCount(threads, units.length, unitBytes, memoryLimit());
  const workerData: IngestThreadData = { bucket: rowFormat, unitBytes, scratch, data };
  const hashes = new ShardHashes(units, dimension, count);
  const module = new URL('./passes/ingest-thread.ts', import.meta.url);
  try {
    return await withThreadPool<IngestThread, T>(
      module,
      { name: 'ingest', count, workerData: () => workerData, runsNativeCode: true },
      (pool) =>
        use({ bucket, rowFormat, units, unitRows: ofUnit, pool, hashes, scratch, data, partitionCount, isCopy }),
    );
  } finally {
    await hashes.terminate();
  }
}

/** The state of a shard's file. A missing one is told by the thread that opens it. */
async function stateOf(path: string): Promise<FileState> {
  const stats = await findStats(path);
  return [stats?.size ?? 0, stats?.mtimeMs ?? 0];
}
