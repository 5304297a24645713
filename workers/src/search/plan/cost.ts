import * as z from 'zod/mini';
import { AMOUNT, choice } from '../../base/text/document.ts';
import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import type { SearchRates } from '../../forecast/model/search-rates.ts';
import { COMPONENT_BYTES } from '../../vectors/vector-type.ts';
import { BLOCK_ROWS, FEW_QUERIES } from '../engine/memory.ts';
import { queriesPerBlock } from './query-ranges.ts';
import { SEARCH_STRATEGIES, type SearchStrategy } from './strategies.ts';

/** Rates of this machine, as measured by search/plan/calibrate.ts. Up to FEW_QUERIES are few. */
export interface MachineRates extends SearchRates {
  /** Bytes a second of reading the table. */
  readBytesPerSecond: number;
  /** Queries a second that the index answers, several in flight; undefined without an index. */
  annQueriesPerSecond: number | undefined;
}

/** Estimated seconds of one strategy on a bucket; part of the command's JSON report. */
export type CostEstimate = z.infer<typeof COST_ESTIMATE>;
export const COST_ESTIMATE = z.object({
  /** The strategy. */
  strategy: choice(SEARCH_STRATEGIES),
  readSeconds: AMOUNT,
  computeSeconds: AMOUNT,
  seconds: AMOUNT,
});

/** Seconds of opening a table and starting threads, whatever the strategy. */
const FIXED_SECONDS = 0.25;
/** Seconds of one core: of keeping a row that is near enough so far, and of writing a hit. */
const OFFER_SECONDS = 2e-7;
const HIT_SECONDS = 1e-6;
/** `exact` is preferred up to this factor, or this difference, of the shortest estimate. */
const EXACT_FACTOR = 1.5;
export const EXACT_SECONDS = 10;
/** Seconds of reading and checking a query, a component. */
const COMPONENT_SECONDS = 1e-8;

type Bucket = Pick<CatalogEntry, 'rows' | 'dimension' | 'vectorType' | 'index' | 'partitions'>;

/**
 * Estimates the rows that are rescored for a query whose neighbours are spread over a number of blocks: the k nearest of the
 * first, then fewer and fewer. Twice as many as if limits were known at once and codes lost nothing.
 */
function rescoredRows(k: number, blocks: number): number {
  return k * (2 + 2 * Math.log(Math.max(1, blocks)));
}

/** What is searched. */
export interface SearchWork {
  queryCount: number;
  k: number;
  /** Partitions that a query probes. */
  nprobes: number;
  /** Queries that fit the memory together; default: all. */
  queriesInMemory?: number | undefined;
}

/** Estimates each strategy that the bucket allows, quickest first. */
export function estimateCosts(
  bucket: Bucket,
  { queryCount, k, nprobes, queriesInMemory = Number.POSITIVE_INFINITY }: SearchWork,
  rates: MachineRates,
): CostEstimate[] {
  const { rows, dimension, vectorType, partitions } = bucket;
  const rowBytes = dimension * COMPONENT_BYTES[vectorType];
  const hitsPerQuery = Math.min(k, rows);
  const querySeconds = queryCount * (hitsPerQuery * HIT_SECONDS + dimension * COMPONENT_SECONDS);
  const estimates: CostEstimate[] = [];
  const add = (strategy: SearchStrategy, readBytes: number, computeSeconds: number) => {
    const readSeconds = readBytes / rates.readBytesPerSecond;
    // The cores that read are those that compute.
    estimates.push({ strategy, readSeconds, computeSeconds, seconds: FIXED_SECONDS + readSeconds + computeSeconds });
  };
  // Each block of queries reads the rows once more.
  const blocksOf = (strategy: SearchStrategy, probedShare: number) =>
    Math.ceil(queryCount / queriesPerBlock(strategy, probedShare, queriesInMemory));
  const compareSeconds = (comparedRows: number, queriesPerRow: number, queryBlocks: number) => {
    const few = queriesPerRow <= FEW_QUERIES * queryBlocks;
    const productSeconds = (2 * dimension) / (few ? rates.fewFlopsPerSecond : rates.flopsPerSecond);
    const rowSeconds = queryBlocks * (few ? rates.fewRowSeconds : rates.rowSeconds);
    return comparedRows * (rowSeconds + queriesPerRow * productSeconds);
  };
  const rescoreSeconds = (blocks: number, comparedRows: number) =>
    queryCount * Math.min(comparedRows, rescoredRows(hitsPerQuery, blocks)) * (rates.distanceSeconds + OFFER_SECONDS);
  const blocks = Math.ceil(rows / BLOCK_ROWS);
  const exactBlocks = blocksOf('exact', 1);
  const exactSeconds = compareSeconds(rows, queryCount, exactBlocks) + rescoreSeconds(blocks, rows) + querySeconds;
  add('exact', exactBlocks * rows * rowBytes, exactSeconds);
  if (partitions) {
    const probed = Math.min(nprobes, partitions.count);
    const partitionRows = rows / partitions.count;
    // The chance that no query probes a partition, if queries were spread evenly.
    const untouched = (1 - probed / partitions.count) ** queryCount;
    const touchedRows = (1 - untouched) * rows;
    const scanBlocks = blocksOf('scan', probed / partitions.count);
    const probedBlocks = probed * Math.ceil(partitionRows / BLOCK_ROWS);
    const queriesPerRow = (queryCount * probed * partitionRows) / touchedRows;
    const centroidSeconds = (queryCount * partitions.count * 2 * dimension) / rates.fewFlopsPerSecond;
    const isQuantized = queriesPerRow > FEW_QUERIES * scanBlocks;
    const quantizeSeconds = isQuantized ? queryCount * probedBlocks * rates.queryBlockSeconds : 0;
    add(
      'scan',
      scanBlocks * touchedRows * rowBytes,
      centroidSeconds +
        compareSeconds(touchedRows, queriesPerRow, scanBlocks) +
        quantizeSeconds +
        rescoreSeconds(probedBlocks, probed * partitionRows) +
        querySeconds,
    );
  }
  if (bucket.index.kind !== 'none' && rates.annQueriesPerSecond !== undefined)
    add('ann', 0, queryCount / rates.annQueriesPerSecond);
  return estimates.sort((a, b) => a.seconds - b.seconds);
}

/**
 * Chooses the quickest strategy, or `exact` where it takes little longer: nobody notices half as much time again, or EXACT_SECONDS, but
 * missing neighbours matter.
 * @param estimates at least one, quickest first
 */
export function preferredStrategy(
  estimates: ReadonlyArray<Pick<CostEstimate, 'strategy' | 'seconds'>>,
): SearchStrategy {
  const { strategy, seconds } = estimates[0]!;
  const exact = estimates.find((estimate) => estimate.strategy === 'exact');
  return exact && exact.seconds <= Math.max(seconds * EXACT_FACTOR, seconds + EXACT_SECONDS) ? 'exact' : strategy;
}

/** Formats estimates as a table for people. @param chosen the strategy that is marked */
export function formatCosts(estimates: readonly CostEstimate[], chosen: SearchStrategy): string {
  const columns = (...seconds: number[]) => seconds.map((value) => value.toFixed(2).padStart(10)).join('');
  const lines = estimates.map(
    ({ strategy, readSeconds, computeSeconds, seconds }) =>
      `  ${strategy.padEnd(8)}${columns(readSeconds, computeSeconds, seconds)}${strategy === chosen ? '  <- chosen' : ''}`,
  );
  return ['  strategy   reading   compute     total  (seconds)', ...lines].join('\n');
}
