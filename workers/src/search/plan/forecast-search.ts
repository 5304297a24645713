import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import type { SearchRates } from '../../forecast/model/search-rates.ts';
import { COMPONENT_BYTES, type VectorType } from '../../vectors/vector-type.ts';
import { type CostEstimate, estimateCosts, preferredStrategy } from './cost.ts';
import { queriesPerTask } from './query-ranges.ts';
import { sampleSize } from './sample-size.ts';
import { DEFAULT_REFINE_FACTOR, defaultNprobes, possibleStrategies, type StrategyRequest } from './strategies.ts';
import { strategiesBeforeFetch, typicalRates } from './strategies-before-fetch.ts';

/** A bucket of which only sizes are known. */
export interface SizedBucket {
  rows: number;
  dimension: number;
  vectorType: VectorType;
  index: 'ivf-rq' | 'ivf-pq' | 'none';
  /** Of the order; 0 for none. */
  partitions: number;
  dataBytes: number;
  indexBytes: number;
}

export interface ForecastOptions {
  cores: number;
  /** Products and distances of all cores; typical ones where absent. */
  rates?: SearchRates | undefined;
  readBytesPerSecond: number;
  /** Whether each task fetches the bucket, and queries are divided among tasks. */
  isRemote: boolean;
  isDivided: boolean;
}

/**
 * Forecasts the search of a bucket by the cost model of `auto`, as far as it is known before anything is read.
 * @param request k: rows to find; nprobes: also where a recall is requested, because no query can be tried
 */
export function forecastSearch(
  request: StrategyRequest,
  bucket: SizedBucket,
  queryCount: number,
  options: ForecastOptions,
) {
  const entry = entryOf(bucket);
  const { cores, isRemote, isDivided } = options;
  const probesOf = (partitions: number) =>
    Math.min(request.nprobes ?? defaultNprobes(partitions), Math.max(1, partitions));
  const perTask = isDivided ? queriesPerTask(request, [entry]) : queryCount;
  const queries = Math.min(queryCount, Math.max(1, perTask));
  const probedShare = probesOf(entry.index.partitions) / Math.max(1, entry.index.partitions);
  const typical = typicalRates(
    bucket.dimension,
    { probedBytes: probedShare * bucket.indexBytes, filteredRows: 0 },
    cores,
  );
  const rates = { ...typical, ...options.rates, readBytesPerSecond: options.readBytesPerSecond };
  const { strategies } = possibleStrategies(request, entry);
  const early = isRemote && strategiesBeforeFetch({ ...request, groundTruth: false }, entry, queries, cores);
  const remaining = early || strategies;
  const work = {
    queryCount: queries,
    k: request.k,
    nprobes: probesOf(entry.partitions?.count ?? 1),
    queriesInMemory: request.queriesInMemory,
  };
  const costs = estimateCosts(entry, work, rates);
  const possible = costs.filter(({ strategy }) => remaining.includes(strategy));
  const strategy = possible.length > 0 ? preferredStrategy(possible) : 'exact';
  const sampled = { ...work, queryCount: Math.min(sampleSize(request.k), queries) };
  const truth = estimateCosts(entry, sampled, rates).find((estimate) => estimate.strategy === 'exact')!.seconds;
  const more = truthSeconds(request, strategy, costs, truth);
  const vectorBytes = bucket.rows * bucket.dimension * COMPONENT_BYTES[bucket.vectorType];
  const refines = (request.refineFactor ?? DEFAULT_REFINE_FACTOR) > 0;
  return {
    strategy,
    estimates: costs
      .filter((one) => strategies.includes(one.strategy))
      .map((one) => ({
        strategy: one.strategy,
        seconds: one.seconds + (one.strategy === strategy ? more : 0),
        // A core computes while its bytes are read by the kernel.
        cpuSeconds: (one.computeSeconds + (one.strategy === strategy ? more : 0)) * cores,
      })),
    queriesPerTask: queries,
    fetchedBytes:
      strategy === 'ann'
        ? bucket.indexBytes + (refines ? bucket.dataBytes : bucket.dataBytes - vectorBytes)
        : bucket.dataBytes,
    readBytes: strategy === 'ann' ? bucket.indexBytes : vectorBytes,
  };
}

/** Seconds of exact searches of the sample: to choose probes, and as ground truth where it costs little or is asked for. */
function truthSeconds(
  { targetRecall, search }: StrategyRequest,
  strategy: string,
  costs: readonly CostEstimate[],
  truth: number,
): number {
  if (strategy === 'exact') return 0;
  if (targetRecall !== undefined) return 2 * truth;
  const chosen = costs.find((estimate) => estimate.strategy === strategy)!;
  return search === 'auto' && truth < TRUTH_SHARE * chosen.seconds ? truth : 0;
}

/** Share of a search that the pipeline spends on the ground truth: SEARCH_BUCKET. */
const TRUTH_SHARE = 0.1;

function entryOf({ rows, dimension, vectorType, index, partitions, dataBytes, indexBytes }: SizedBucket) {
  const indexPartitions = index === 'none' ? 0 : partitions || Math.floor(Math.sqrt(rows));
  const checksum = 'crc64nvme:0000000000000000';
  return {
    ...{ rows, dimension, vectorType },
    index: { kind: index, metric: 'cosine' as const, partitions: indexPartitions, parameters: {} },
    ...(partitions > 0 && { partitions: { count: partitions } as NonNullable<CatalogEntry['partitions']> }),
    files: [
      { path: 'data/vectors', bytes: dataBytes, checksum },
      { path: '_indices/codes', bytes: indexBytes, checksum },
    ],
  };
}

/** The options of `plan` that concern the search. */
export type SearchOptions = Pick<StrategyRequest, 'k' | 'search' | 'nprobes' | 'refineFactor' | 'targetRecall'>;

/** Returns a function that forecasts the search of a bucket by a task, as the options ask. */
export function searchForecaster(asked: SearchOptions) {
  return (bucket: SizedBucket, queries: number, options: ForecastOptions & { probedShare: number | undefined }) => {
    const { probedShare } = options;
    const nprobes = probedShare === undefined ? asked.nprobes : Math.max(1, Math.ceil(probedShare * bucket.partitions));
    return forecastSearch({ ...asked, nprobes }, bucket, queries, options);
  };
}
