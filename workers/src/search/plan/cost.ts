import * as z from 'zod/mini';
import { AMOUNT, choice } from '../../base/text/document.ts';
import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import { COMPONENT_BYTES } from '../../vectors/vector-type.ts';
import { BLOCK_ROWS, FEW_QUERIES } from '../engine/memory.ts';
import { WAYS, type Way } from './choose.ts';

/** What this machine does; measured, see search/plan/calibrate.ts. Seconds are of all cores together. */
export interface MachineRates {
  /** Operations a second when more than FEW_QUERIES are compared with a block, two a component: products of codes. */
  flopsPerSecond: number;
  /** Seconds that a row then takes by itself: it is turned into codes. */
  rowSeconds: number;
  /** Seconds that a query takes by itself in each block of a scan: it is turned into codes for it. */
  queryBlockSeconds: number;
  /** Operations a second with up to FEW_QUERIES: products of float32. */
  fewFlopsPerSecond: number;
  /** Seconds that a row then takes by itself. */
  fewRowSeconds: number;
  /** Seconds of a true distance. */
  distanceSeconds: number;
  /** Bytes a second of reading the table. */
  readBytesPerSecond: number;
  /** Queries a second that the index answers, several in flight; undefined without an index. */
  annQueriesPerSecond: number | undefined;
}

/** Seconds that one way of searching a bucket is expected to take. */
export type CostEstimate = z.infer<typeof COST_ESTIMATE>;
export const COST_ESTIMATE = z.object({
  way: choice(WAYS),
  readSeconds: AMOUNT,
  computeSeconds: AMOUNT,
  seconds: AMOUNT,
});

/** Seconds of opening a table, starting threads and the like, whatever the way. */
const FIXED_SECONDS = 0.25;
/** Seconds of keeping a row that was near enough so far, and of writing a hit: one core does it. */
const OFFER_SECONDS = 2e-7;
const HIT_SECONDS = 1e-6;
/** Seconds of reading and checking a query, a component. */
const COMPONENT_SECONDS = 1e-8;

type Bucket = Pick<CatalogEntry, 'rows' | 'dimension' | 'vectorType' | 'index' | 'partitions'>;

/**
 * Rows whose true distance to a query is computed, where its neighbours are spread over so many blocks: the k nearest
 * of the first, then fewer and fewer. Twice as many as if limits were known at once and codes lost nothing.
 */
function looks(k: number, blocks: number): number {
  return k * (2 + 2 * Math.log(Math.max(1, blocks)));
}

/** Estimates each way that the bucket allows, quickest first. @param nprobes partitions a query looks into */
export function estimateCosts(
  bucket: Bucket,
  { queryCount, k, nprobes }: { queryCount: number; k: number; nprobes: number },
  rates: MachineRates,
): CostEstimate[] {
  const { rows, dimension, vectorType, partitions } = bucket;
  const rowBytes = dimension * COMPONENT_BYTES[vectorType];
  const found = Math.min(k, rows);
  const ownSeconds = queryCount * (found * HIT_SECONDS + dimension * COMPONENT_SECONDS);
  const estimates: CostEstimate[] = [];
  const add = (way: Way, readBytes: number, computeSeconds: number) => {
    const readSeconds = readBytes / rates.readBytesPerSecond;
    // The cores that read are those that compute.
    const seconds = FIXED_SECONDS + readSeconds + computeSeconds;
    estimates.push({ way, readSeconds, computeSeconds, seconds });
  };
  /** Of comparing rows with so many queries each. */
  const compareSeconds = (compared: number, queries: number) => {
    const few = queries <= FEW_QUERIES;
    const flopSeconds = (2 * dimension) / (few ? rates.fewFlopsPerSecond : rates.flopsPerSecond);
    return compared * ((few ? rates.fewRowSeconds : rates.rowSeconds) + queries * flopSeconds);
  };
  /** Of rows that a query is compared with, and the blocks that they lie in. */
  const lookSeconds = (blocks: number, compared: number) =>
    queryCount * Math.min(compared, looks(found, blocks)) * (rates.distanceSeconds + OFFER_SECONDS);
  const blocks = Math.ceil(rows / BLOCK_ROWS);
  add('exact', rows * rowBytes, compareSeconds(rows, queryCount) + lookSeconds(blocks, rows) + ownSeconds);
  if (partitions) {
    const probed = Math.min(nprobes, partitions.count);
    const partitionRows = rows / partitions.count;
    // The chance that no query looks into a partition, if queries were spread evenly.
    const untouched = (1 - probed / partitions.count) ** queryCount;
    const touchedRows = (1 - untouched) * rows;
    const probedBlocks = probed * Math.ceil(partitionRows / BLOCK_ROWS);
    const queriesOfRow = (queryCount * probed * partitionRows) / touchedRows;
    const centroidSeconds = (queryCount * partitions.count * 2 * dimension) / rates.fewFlopsPerSecond;
    add(
      'scan',
      touchedRows * rowBytes,
      centroidSeconds +
        compareSeconds(touchedRows, queriesOfRow) +
        (queriesOfRow > FEW_QUERIES ? queryCount * probedBlocks * rates.queryBlockSeconds : 0) +
        lookSeconds(probedBlocks, probed * partitionRows) +
        ownSeconds,
    );
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
