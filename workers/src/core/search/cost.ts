import type { CatalogEntry } from '../catalog.ts';
import { COMPONENT_BYTES } from '../shard.ts';

/** What this machine does; measured, see io/search/calibrate.ts. */
export interface MachineRates {
  /** Operations a second of all cores together when many queries are compared with a block, two a component. */
  flopsPerSecond: number;
  /** Seconds of all cores together that a row takes by itself: it is turned into codes. */
  rowSeconds: number;
  /** Bytes a second of reading the table. */
  readBytesPerSecond: number;
  /** Queries a second that the index answers, several in flight; undefined without an index. */
  annQueriesPerSecond: number | undefined;
}

export type Way = 'ann' | 'scan' | 'exact';

/** Seconds that one way of searching a bucket is expected to take. */
export interface CostEstimate {
  way: Way;
  readSeconds: number;
  computeSeconds: number;
  /** Reading and computing overlap. */
  seconds: number;
}

/** Seconds of opening a table and the like, whatever the way. */
const FIXED_SECONDS = 0.1;
/** Seconds a query and block of collecting what a product gave. */
const COLLECT_SECONDS = 2e-7;
const BLOCK_ROWS = 1024;

type Bucket = Pick<CatalogEntry, 'rows' | 'dimension' | 'vectorType' | 'index' | 'partitions'>;

/** Estimates each way that the bucket allows, quickest first. @param nprobes partitions a query looks into */
export function estimateCosts(
  bucket: Bucket,
  queryCount: number,
  nprobes: number,
  rates: MachineRates,
): CostEstimate[] {
  const { rows, dimension, vectorType, partitions } = bucket;
  const rowBytes = dimension * COMPONENT_BYTES[vectorType];
  const estimates: CostEstimate[] = [];
  const add = (way: Way, readBytes: number, computeSeconds: number) => {
    const readSeconds = readBytes / rates.readBytesPerSecond;
    estimates.push({
      way,
      readSeconds,
      computeSeconds,
      seconds: FIXED_SECONDS + Math.max(readSeconds, computeSeconds),
    });
  };
  const pairFlops = 2 * dimension;
  const blocks = Math.ceil(rows / BLOCK_ROWS);
  add(
    'exact',
    rows * rowBytes,
    (queryCount * rows * pairFlops) / rates.flopsPerSecond +
      rows * rates.rowSeconds +
      queryCount * blocks * COLLECT_SECONDS,
  );
  if (partitions) {
    const probed = Math.min(nprobes, partitions.count);
    // The chance that no query looks into a partition, if queries were spread evenly.
    const untouched = (1 - probed / partitions.count) ** queryCount;
    const pairs = queryCount * probed * (rows / partitions.count);
    const ranking = (queryCount * partitions.count * pairFlops) / rates.flopsPerSecond;
    const touchedRows = (1 - untouched) * rows;
    const scoring =
      (pairs * pairFlops) / rates.flopsPerSecond +
      touchedRows * rates.rowSeconds +
      queryCount * probed * COLLECT_SECONDS;
    add('scan', touchedRows * rowBytes, ranking + scoring);
  }
  if (bucket.index.kind !== 'none' && rates.annQueriesPerSecond !== undefined)
    add('ann', 0, queryCount / rates.annQueriesPerSecond);
  return estimates.sort((a, b) => a.seconds - b.seconds);
}

/** The estimates as a table for people. */
export function formatCosts(estimates: readonly CostEstimate[]): string {
  const lines = estimates.map(
    ({ way, readSeconds, computeSeconds, seconds }, i) =>
      `  ${way.padEnd(7)}${readSeconds.toFixed(2).padStart(10)}${computeSeconds.toFixed(2).padStart(10)}${seconds.toFixed(2).padStart(10)}${i === 0 ? '  <- chosen' : ''}`,
  );
  return ['  way      reading   compute     total  (seconds)', ...lines].join('\n');
}
