import type { CommandContext } from '../../app/command.ts';
import type { OpenBucket } from '../../bucket/open-bucket.ts';
import { searchAnn } from '../engine/ann.ts';
import type { QueryFiles } from '../queries/queries.ts';
import { measureRates } from './calibrate.ts';
import {
  chooseSettings,
  estimateStrategies,
  needsRates,
  needsTuning,
  type SearchMeasurements,
  type TunedSettings,
} from './choose-plan.ts';
import { EXACT_SECONDS, type MachineRates } from './cost.ts';
import { possibleStrategies, type StrategyRequest } from './strategies.ts';
import { tuneAnn, tuneScan } from './tune.ts';

/** Queries with which the index is timed; the first of them only load it. */
const TIMED_QUERIES = 20;
const WARM_UP_QUERIES = 4;
/** A loaded index is at most this many times faster than one that is being loaded. */
const MOST_WARM_GAIN = 10;

/** Takes the measurements that the choice of a plan depends on; none if only one strategy is possible. */
export async function measureSearch(
  bucket: OpenBucket,
  queries: QueryFiles,
  request: StrategyRequest,
  progress: CommandContext['progress'],
): Promise<SearchMeasurements> {
  const tuned = await tune(bucket, queries, request, progress);
  if (!needsRates(request, bucket.entry)) return { tuned };
  const rates = await measureRates(bucket);
  if (!possibleStrategies(request, bucket.entry).strategies.includes('ann')) return { tuned, rates };
  // Then `exact` is taken, however quick the index is.
  const exact = estimateStrategies(request, bucket.entry, queries.count, { tuned, rates }).find(
    ({ strategy }) => strategy === 'exact',
  );
  if (exact && exact.seconds <= EXACT_SECONDS) return { tuned, rates };
  const annQueriesPerSecond = await timeAnn(bucket, queries, request, { tuned, rates });
  return { tuned, rates: { ...rates, annQueriesPerSecond } };
}

async function tune(
  bucket: OpenBucket,
  queries: QueryFiles,
  request: StrategyRequest,
  progress: CommandContext['progress'],
): Promise<TunedSettings | undefined> {
  const { entry } = bucket;
  if (!needsTuning(request, entry)) return undefined;
  const { refineFactor } = chooseSettings(request, entry);
  const bar = progress(`measuring recall on ${entry.bucket}`, entry.rows, 'vectors');
  const tuneStrategy = possibleStrategies(request, entry).strategies.includes('scan') ? tuneScan : tuneAnn;
  return tuneStrategy(bucket, queries, request.k, request.targetRecall!, refineFactor, bar).finally(() => bar.stop());
}

/**
 * Measures the queries a second of the index, by the first few alone where they show that another strategy is quicker: measuring
 * must not take longer than it can save.
 */
async function timeAnn(
  bucket: OpenBucket,
  queries: QueryFiles,
  request: StrategyRequest,
  measurements: SearchMeasurements & { rates: MachineRates },
): Promise<number> {
  const { entry } = bucket;
  const [quickestOther] = estimateStrategies(request, entry, queries.count, measurements);
  const { nprobes, refineFactor } = chooseSettings(request, entry, measurements.tuned);
  const k = Math.min(request.k, entry.rows);
  const options = { ...entry, partitions: entry.index.partitions, k, nprobes, refineFactor };
  const sampleSize = Math.max(WARM_UP_QUERIES, Math.min(TIMED_QUERIES, Math.floor(queries.count / 10)));
  const { vectors, count } = await queries.tuningSample(sampleSize);
  const measureRate = async (first: number, queryCount: number) => {
    const startedMs = performance.now();
    await searchAnn(bucket, vectors, first, queryCount, options, { add() {}, stop() {} });
    return queryCount / ((performance.now() - startedMs) / 1000);
  };
  const warmUp = Math.min(WARM_UP_QUERIES, count);
  const coldRate = await measureRate(0, warmUp);
  const isSlower = queries.count / (coldRate * MOST_WARM_GAIN) > quickestOther!.seconds;
  return count === warmUp || isSlower ? coldRate : measureRate(warmUp, count - warmUp);
}
