import { type CatalogEntry, storedRows } from '../../database/catalog/catalog-entry.ts';
import { COMPONENT_BYTES } from '../../vectors/vector-type.ts';
import { estimateCosts, type MachineRates, preferredStrategy } from './cost.ts';
import {
  DEFAULT_REFINE_FACTOR,
  defaultNprobes,
  possibleStrategies,
  type SearchStrategy,
  type StrategyRequest,
} from './strategies.ts';

/** Typical rates of a core, and of a node's network and disk: nothing can be measured yet (docs/search-benchmark.md). */
const FLOPS_PER_CORE = 1e11;
const ROW_SECONDS_PER_COMPONENT = 1e-9;
const FEW_ROW_SECONDS_PER_COMPONENT = 2e-10;
const QUERY_BLOCK_SECONDS_PER_COMPONENT = 2e-9;
const DISTANCE_SECONDS_PER_COMPONENT = 3e-10;
const INDEX_BYTES_PER_CORE = 4e8;
const QUERY_SECONDS = 2e-3;
/** Of a core, to evaluate a condition on one number (docs/benchmarks.md#filters). */
const FILTERED_ROW_SECONDS = 2e-8;
const READ_BYTES_PER_SECOND = 2e9;
const FETCH_BYTES_PER_SECOND = 1e9;

type Bucket = Pick<
  CatalogEntry,
  'rows' | 'deletedRows' | 'dimension' | 'vectorType' | 'index' | 'partitions' | 'files' | 'fragments'
>;

/**
 * Decides between the index and the other strategies for a table that must be fetched first. It uses the catalog alone: nothing
 * is fetched that the search does not need, and the decision is the same after a kill.
 * @returns the strategies that remain; undefined where there is no choice
 */
export function strategiesBeforeFetch(
  request: StrategyRequest & { groundTruth: boolean },
  bucket: Bucket,
  queryCount: number,
  cores: number,
): SearchStrategy[] | undefined {
  const { strategies } = possibleStrategies(request, bucket);
  // Recall is measured against an exact search, which needs the vectors in any case.
  if (!strategies.includes('ann') || strategies.length === 1 || request.targetRecall !== undefined) return undefined;
  // Kept columns are fetched for a filter of the index alone: rows of other strategies are selected in place.
  const kept = new Set(bucket.fragments?.map(({ columns }) => columns));
  const bytesOf = (isWanted: (path: string) => boolean) =>
    bucket.files.reduce((sum, { path, bytes }) => sum + (isWanted(path) ? bytes : 0), 0);
  const dataBytes = bytesOf((path) => path.startsWith('data/') && !kept.has(path));
  const indexBytes = bytesOf((path) => path.startsWith('_indices/'));
  const filters = request.where !== undefined;
  const columnBytes = filters ? bytesOf((path) => kept.has(path)) : 0;
  const idBytes = Math.max(0, dataBytes - storedRows(bucket) * bucket.dimension * COMPONENT_BYTES[bucket.vectorType]);
  const needsVectors = request.groundTruth || (request.refineFactor ?? DEFAULT_REFINE_FACTOR) > 0;
  const annBytes = indexBytes + columnBytes + (needsVectors ? dataBytes : idBytes);

  const probesOf = (partitions: number) => Math.min(request.nprobes ?? defaultNprobes(partitions), partitions);
  const probedShare = probesOf(bucket.index.partitions) / Math.max(1, bucket.index.partitions);
  const filteredRows = filters ? storedRows(bucket) : 0;
  const rates = typicalRates(bucket.dimension, { probedBytes: probedShare * indexBytes, filteredRows }, cores);
  const work = { queryCount, k: request.k, nprobes: probesOf(bucket.partitions?.count ?? 1) };
  const estimates = estimateCosts(bucket, work, rates)
    .filter(({ strategy }) => strategies.includes(strategy))
    .map(({ strategy, seconds }) => ({
      strategy,
      seconds: seconds + (strategy === 'ann' ? annBytes : dataBytes) / FETCH_BYTES_PER_SECOND,
    }))
    .sort((a, b) => a.seconds - b.seconds);
  // The others read the same files, so the choice between them waits until rates are measured.
  return preferredStrategy(estimates) === 'ann' ? ['ann'] : strategies.filter((strategy) => strategy !== 'ann');
}

/** Returns the rates of a usual machine. @param probedBytes bytes of the index that a query reads @param filteredRows rows for which it evaluates a filter */
export function typicalRates(
  dimension: number,
  { probedBytes, filteredRows }: { probedBytes: number; filteredRows: number },
  cores: number,
): MachineRates {
  const querySeconds = QUERY_SECONDS + probedBytes / INDEX_BYTES_PER_CORE + filteredRows * FILTERED_ROW_SECONDS;
  return {
    flopsPerSecond: cores * FLOPS_PER_CORE,
    rowSeconds: (dimension * ROW_SECONDS_PER_COMPONENT) / cores,
    fewFlopsPerSecond: cores * FLOPS_PER_CORE,
    fewRowSeconds: (dimension * FEW_ROW_SECONDS_PER_COMPONENT) / cores,
    queryBlockSeconds: (dimension * QUERY_BLOCK_SECONDS_PER_COMPONENT) / cores,
    distanceSeconds: (dimension * DISTANCE_SECONDS_PER_COMPONENT) / cores,
    readBytesPerSecond: READ_BYTES_PER_SECOND,
    annQueriesPerSecond: cores / querySeconds,
  };
}
