import { untilAborted } from '../../base/concurrency/until-aborted.ts';
import { selectBucket } from '../filter/select-rows.ts';
import { HitSink, hasPValues } from '../output/hit-sink.ts';
import { keepHits } from '../output/keep-hits.ts';
import { choosePlan } from '../plan/choose-plan.ts';
import { searchIntoSink } from '../search-block.ts';
import { searchK } from '../search-request.ts';
import { type AskQueries, querySetFor } from './ask-queries.ts';
import { type AskSettings, requireAnswerFits } from './ask-settings.ts';
import type { BucketAnswer } from './bucket-answer.ts';
import type { WarmBucket } from './warm-buckets.ts';

const SILENT = { progress: () => ({ add() {}, stop() {} }), log() {}, warn() {} };

/**
 * Searches a bucket where it lies. The hits are those that search-bucket finds by `ann` with the same settings.
 * @param bucket of `openWarmBucket`
 * @param hasRowIds whether hits get LanceDB's row ids, to read kept columns
 * @throws UserError for queries that do not fit the bucket, and faults of the storage; the signal's reason
 */
export async function askBucket(
  bucket: WarmBucket,
  queries: AskQueries,
  settings: AskSettings,
  signal?: AbortSignal,
  hasRowIds = false,
): Promise<BucketAnswer> {
  signal?.throwIfAborted();
  requireAnswerFits(settings, queries.ids.length);
  const { entry } = bucket;
  const querySet = querySetFor(queries, entry);
  const filter = { ...settings, maxDistance: settings.maxDistance ?? Number.POSITIVE_INFINITY };
  const { where } = settings;
  const searched = where === undefined ? bucket : await bucket.use(() => selectBucket(bucket, where));
  const k = Math.min(searchK(filter), Math.max(1, searched.entry.rows));
  const request = {
    where,
    search: 'ann' as const,
    k,
    nprobes: settings.nprobes,
    refineFactor: settings.refineFactor,
    targetRecall: undefined,
  };
  const { plan } = choosePlan(request, searched.entry, querySet.count, {});
  const startedMs = performance.now();
  const before = readSoFar(bucket);
  const isJudged = hasPValues(entry, settings.refineFactor);
  const found = keepHits(isJudged, hasRowIds);
  const sink = new HitSink(found.writer, entry.bucket, filter);
  await untilAborted(
    bucket.use(() => searchIntoSink(searched, querySet, plan, k, sink, SILENT, { hasPValues: isJudged, hasRowIds })),
    signal,
  );
  await sink.flush();
  const after = readSoFar(bucket);
  return {
    bucket: entry.bucket,
    fingerprint: entry.fingerprint,
    rows: searched.entry.rows,
    strategy: plan.strategy,
    nprobes: plan.nprobes,
    refineFactor: plan.refineFactor,
    hits: found.hits(),
    cost: {
      requests: bucket.opened.requests + after.requests - before.requests,
      bytes: bucket.opened.bytes + after.bytes - before.bytes,
      milliseconds: {
        open: bucket.opened.milliseconds,
        search: performance.now() - startedMs,
        ...(after.rescoring > before.rescoring && {
          centroids: after.centroids - before.centroids,
          codes: after.codes - before.codes,
          rescoring: after.rescoring - before.rescoring,
        }),
      },
      isEstimated: after.estimated > before.estimated,
    },
  };
}

/** Returns what was read so far; nothing of a database in a folder. */
function readSoFar({ reads, counts }: WarmBucket) {
  const estimated = reads?.estimatedRequests ?? 0;
  return { ...counts, centroids: 0, codes: 0, rescoring: 0, ...reads?.milliseconds, estimated };
}
