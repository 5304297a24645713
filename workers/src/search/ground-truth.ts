import type { CommandContext } from '../app/command.ts';
import type { OpenBucket } from '../bucket/open-bucket.ts';
import { storedRows } from '../database/catalog/catalog-entry.ts';
import { scoreTable } from './engine/score-table.ts';
import { withHitSink } from './output/hit-sink.ts';
import { sampleSize } from './plan/sample-size.ts';
import type { SearchStrategy } from './plan/strategies.ts';
import type { QueryFiles, QuerySet } from './queries/queries.ts';
import { writeNearest } from './search-block.ts';
import type { HitFilter } from './search-request.ts';

interface EvaluatedSearch {
  bucket: OpenBucket;
  queries: QueryFiles;
  request: HitFilter;
  /** Rows to find for a query. */
  k: number;
  metadata: Record<string, string>;
  context: CommandContext;
}

/**
 * Writes the ground truth: the exact hits of an evaluation sample of the queries, which is the same in every bucket. Merged like
 * the hits, it tells the recall of the merged answer. Where there are enough queries, the search was not tuned on these.
 * @param outputs temporary names; `hits` is written already
 */
export async function writeGroundTruth(
  search: EvaluatedSearch,
  strategy: SearchStrategy,
  { hits, groundTruth }: { hits: string; groundTruth: string | undefined },
): Promise<void> {
  if (groundTruth === undefined) return;
  const size = sampleSize(search.request.k);
  const sample = await search.queries.evaluationSample(size, size);
  if (strategy !== 'exact') return searchExactly(search, sample, groundTruth);
  const { selectHits } = await import('../hits/parquet/join-hits.ts');
  await selectHits(hits, groundTruth, search.metadata, idsOf(sample));
}

async function searchExactly(search: EvaluatedSearch, sample: QuerySet, path: string): Promise<void> {
  const { bucket, request, k, metadata, context } = search;
  const { bucket: name } = bucket.entry;
  const rows = storedRows(bucket.entry);
  await withHitSink({ path, metadata, filter: request, hasPValues: false }, name, async (sink) => {
    if (sample.count === 0) return;
    const bar = context.progress(`measuring recall on ${name}`, rows, 'vectors');
    const nearest = await scoreTable(bucket, sample, [{ first: 0, end: rows }], k, bar).finally(() => bar.stop());
    const ownVectors = Int32Array.from({ length: sample.count }, (_, query) => query);
    await writeNearest(bucket, { queries: sample, vectorOf: ownVectors, nearest }, sink);
  });
}

/** Ids as latin1 of their bytes. */
function idsOf({ count, id }: QuerySet): Set<string> {
  return new Set(Array.from({ length: count }, (_, query) => Buffer.from(id(query)).toString('latin1')));
}
