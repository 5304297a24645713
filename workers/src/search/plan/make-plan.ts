import * as z from 'zod/mini';
import type { CommandContext } from '../../app/command.ts';
import { COUNT, choice, SIZE } from '../../base/text/document.ts';
import type { OpenBucket } from '../../bucket/open-bucket.ts';
import { ESTIMATE, type Estimate, formatEstimate } from '../../vectors/recall.ts';
import { searchAnn } from '../engine/ann.ts';
import type { QueryFiles } from '../queries/queries.ts';
import { measureRates } from './calibrate.ts';
import { DEFAULT_REFINE_FACTOR, defaultNprobes, possibleWays, type SearchRequest, WAYS } from './choose.ts';
import { COST_ESTIMATE, estimateCosts, formatCosts } from './cost.ts';
import { tuneAnn, tuneScan } from './tune.ts';

/** Queries with which the index is timed, the first of which only load it. */
const TIMED_QUERIES = 20;
const WARM_UP_QUERIES = 4;
const MOST_WARM_GAIN = 10;

/** How a bucket will be searched, and why. */
export type SearchPlan = z.infer<typeof SEARCH_PLAN>;
export const SEARCH_PLAN = z.object({
  way: choice(WAYS),
  nprobes: SIZE,
  refineFactor: COUNT,
  /** Recall that was measured on a sample of the queries, where one was asked for. */
  recall: z.optional(ESTIMATE),
  /** What each way was expected to take, where LanceFlow chose. */
  estimates: z.optional(z.array(COST_ESTIMATE)),
});

/** Decides how to search a bucket: what was asked for, or the quickest of what answers it. */
export async function planSearch(
  bucket: OpenBucket,
  queries: QueryFiles,
  request: SearchRequest,
  { log, progress }: CommandContext,
): Promise<SearchPlan> {
  const { entry } = bucket;
  const { ways, notes } = possibleWays(request, entry);
  for (const note of notes) log(`${entry.bucket}: ${note}.`);
  const partitionCount = ways.includes('scan') ? entry.partitions!.count : entry.index.partitions;
  const refineFactor = request.refineFactor ?? DEFAULT_REFINE_FACTOR;
  let nprobes = Math.min(request.nprobes ?? defaultNprobes(partitionCount), Math.max(1, partitionCount));
  let tuned: { nprobes: number; refineFactor: number; recall: Estimate } | undefined;

  if (request.targetRecall !== undefined && request.nprobes === undefined && ways.some((way) => way !== 'exact')) {
    const bar = progress(`measuring recall on ${entry.bucket}`, entry.rows, 'vectors');
    const tune = ways.includes('scan') ? tuneScan : tuneAnn;
    tuned = await tune(bucket, queries, request.k, request.targetRecall, refineFactor, bar).finally(() => bar.stop());
    nprobes = tuned.nprobes;
    log(`${entry.bucket}: ${nprobes} of ${partitionCount} partitions give recall ${formatEstimate(tuned.recall)}.`);
  }
  const settings = { nprobes, refineFactor: tuned?.refineFactor ?? refineFactor };
  const recall = tuned ? { recall: tuned.recall } : {};
  if (ways.length === 1) return { way: ways[0]!, ...settings, ...recall };

  const rates = await measureRates(bucket);
  const work = { queryCount: queries.count, k: request.k, nprobes };
  if (ways.includes('ann')) {
    const [other] = estimateCosts(entry, work, rates).filter(({ way }) => ways.includes(way));
    rates.annQueriesPerSecond = await timeAnn(bucket, queries, request.k, settings, other!.seconds);
  }
  const estimates = estimateCosts(entry, work, rates).filter(({ way }) => ways.includes(way));
  log(
    `${entry.bucket}: expected for ${queries.count} queries, ${nprobes} of ${partitionCount} partitions:\n${formatCosts(estimates)}`,
  );
  const { way } = estimates[0]!;
  return { way, ...settings, ...(way === 'exact' ? {} : recall), estimates };
}

/**
 * Queries a second of the index; those of the first few where they show that it will not be the quickest. Measuring must not
 * take longer than it can save.
 * @param otherSeconds what the quickest of the other ways is expected to take
 */
async function timeAnn(
  bucket: OpenBucket,
  queries: QueryFiles,
  k: number,
  settings: { nprobes: number; refineFactor: number },
  otherSeconds: number,
): Promise<number> {
  const { entry } = bucket;
  const options = { ...entry, partitions: entry.index.partitions, k: Math.min(k, entry.rows), ...settings };
  const wanted = Math.max(WARM_UP_QUERIES, Math.min(TIMED_QUERIES, Math.floor(queries.count / 10)));
  const { vectors, count } = await queries.sample(wanted);
  const rateOf = async (first: number, asked: number) => {
    const startedMs = performance.now();
    await searchAnn(bucket, vectors, first, asked, options, { add() {}, stop() {} });
    return asked / ((performance.now() - startedMs) / 1000);
  };
  const first = Math.min(WARM_UP_QUERIES, count);
  const cold = await rateOf(0, first);
  // The first queries also load the index; a later one is not that much quicker.
  if (count === first || queries.count / (cold * MOST_WARM_GAIN) > otherSeconds) return cold;
  return rateOf(first, count - first);
}
