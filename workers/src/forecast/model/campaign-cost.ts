/** Derives what a campaign of many queries costs from rates measured on one bucket (bench/results/search.json). Pure; see docs/scale.md. */

import type { Machine } from './model-machine.ts';
import { computingSeconds, type Division } from './speed-up.ts';

/** A rate that was measured on the small bucket. */
export interface SearchRate {
  system: string;
  queries: number;
  k: number;
  /** Probed partitions; 0 where all rows are compared. */
  nprobes: number;
  recall: number;
  queriesPerSecond: { median: number };
}

/** The bucket that was searched, on all cores of its machine. */
export interface SearchedBucket {
  rows: number;
  cores: number;
  lines: readonly SearchRate[];
}

export interface Campaign {
  queries: number;
  k: number;
  recall: number;
  /** Of the database. */
  rows: number;
  bucketRows: number;
}

/** Core-seconds of a query in one bucket: fixed + perRow x the rows that it is compared with. */
export interface QueryCost {
  fixed: number;
  perRow: number;
  /** Share of the partitions to probe for the recall. */
  probedShare: number;
}

/**
 * Fits the cost of a query to rates with several numbers of probes, at the largest query count.
 * @param systems the quickest of these counts at each number of probes
 * @returns undefined where they were not measured with this k
 */
export function queryCost(
  { rows, cores, lines }: SearchedBucket,
  systems: readonly string[],
  { k, recall }: Pick<Campaign, 'k' | 'recall'>,
): QueryCost | undefined {
  const own = lines.filter((line) => systems.includes(line.system) && line.k === k);
  const queries = Math.max(...own.map((line) => line.queries));
  const quickest = new Map<number, SearchRate>();
  for (const line of own.filter((one) => one.queries === queries)) {
    const best = quickest.get(line.nprobes);
    if (!best || line.queriesPerSecond.median > best.queriesPerSecond.median) quickest.set(line.nprobes, line);
  }
  const partitions = Math.floor(Math.sqrt(rows));
  const points = [...quickest.values()]
    .map(({ nprobes, queriesPerSecond, recall: found }) => ({
      share: nprobes === 0 ? 1 : nprobes / partitions,
      seconds: cores / queriesPerSecond.median,
      recall: found,
    }))
    .sort((a, b) => a.share - b.share);
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last) return undefined;
  if (first === last) return { fixed: 0, perRow: first.seconds / (first.share * rows), probedShare: first.share };
  const perRow = Math.max(0, (last.seconds - first.seconds) / ((last.share - first.share) * rows));
  const fixed = Math.max(0, first.seconds - perRow * first.share * rows);
  return { fixed, perRow, probedShare: shareFor(points, recall) };
}

/** Interpolates the share to probe, within what was measured. */
function shareFor(points: readonly { share: number; recall: number }[], recall: number): number {
  const above = points.findIndex((point) => point.recall >= recall);
  if (above <= 0) return points.at(above)!.share;
  const [low, high] = [points[above - 1]!, points[above]!];
  return low.share + ((recall - low.recall) / (high.recall - low.recall)) * (high.share - low.share);
}

/** How a strategy reads. */
export interface Reading {
  /** Bytes fetched of each row. */
  fetchedBytesPerRow: number;
  /** Bytes read of each row, a block of queries. */
  scannedBytesPerRow: number;
  /** Queries that share a pass over the table. */
  blockQueries: number;
  /** Bytes read for each query and bucket besides. */
  bytesPerQuery: number;
}

export interface CampaignEstimate {
  computingHours: number;
  diskHours: number;
  fetchHours: number;
  machineHours: number;
  fetchedBytes: number;
  dollars: number;
}

/**
 * Estimates a campaign that fetches each bucket once, then searches it with all queries, on machines of one kind. Reading and
 * computing overlap; fetching does not.
 */
export function estimateCampaign(
  { queries, rows, bucketRows }: Campaign,
  { fixed, perRow, probedShare }: QueryCost,
  reading: Reading,
  division: Division,
  machine: Machine,
): CampaignEstimate {
  const buckets = rows / bucketRows;
  const coreSeconds = queries * buckets * (fixed + perRow * probedShare * bucketRows);
  const passes = Math.ceil(queries / reading.blockQueries);
  const readBytes = passes * reading.scannedBytesPerRow * rows + queries * buckets * reading.bytesPerQuery;
  const fetchedBytes = reading.fetchedBytesPerRow * rows;
  const computingHours = computingSeconds(coreSeconds, division, machine.cores) / 3600;
  const diskHours = readBytes / machine.diskBytesPerSecond / 3600;
  // What is fetched is written to the disks, which may be slower than the network.
  const fetchHours = fetchedBytes / Math.min(machine.networkBytesPerSecond, machine.diskBytesPerSecond) / 3600;
  const machineHours = fetchHours + Math.max(computingHours, diskHours);
  const dollars = machineHours * machine.dollarsPerHour;
  return { computingHours, diskHours, fetchHours, machineHours, fetchedBytes, dollars };
}
