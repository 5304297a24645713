import type { CommandContext } from '../app/command.ts';
import type { OpenBucket } from '../bucket/open-bucket.ts';
import { createHits } from '../hits/parquet/hits-writer.ts';
import { selectHits } from '../hits/parquet/join-hits.ts';
import { scoreTable } from './engine/score-table.ts';
import { type HitFilter, HitSink } from './hit-sink.ts';
import type { Way } from './plan/choose.ts';
import { sampledQueries } from './plan/tune.ts';
import type { QueryFiles } from './queries/queries.ts';
import { writeNearest } from './search-block.ts';

/**
 * Writes the true hits of sampled queries, which are the same in every bucket: merged like the hits, they tell the recall of
 * the merged answer. Other queries than those that the search was tuned on, where there are enough.
 * @param find rows to find for a query
 * @param files temporary names; `hits` is written already
 * @param metadata of the file
 */
export async function writeTruth(
  bucket: OpenBucket,
  queries: QueryFiles,
  way: Way,
  find: number,
  filter: HitFilter,
  files: { hits: string; truth: string },
  metadata: Record<string, string>,
  { progress }: CommandContext,
): Promise<void> {
  const { entry } = bucket;
  const wanted = sampledQueries(filter.k);
  const sample = await queries.measured(wanted, wanted);
  if (way === 'exact') {
    const ids = Array.from({ length: sample.count }, (_, query) => Buffer.from(sample.id(query)).toString('latin1'));
    await selectHits(files.hits, files.truth, metadata, new Set(ids));
    return;
  }
  const writer = await createHits(files.truth, metadata);
  try {
    const sink = new HitSink(writer, entry.bucket, filter);
    if (sample.count > 0) {
      const bar = progress(`measuring recall on ${entry.bucket}`, entry.rows, 'vectors');
      const spans = [{ first: 0, end: entry.rows }];
      const nearest = await scoreTable(bucket, sample, spans, find, bar).finally(() => bar.stop());
      const own = Int32Array.from({ length: sample.count }, (_, query) => query);
      await writeNearest(bucket, sample, own, nearest, sink);
    }
    await sink.flush();
    await writer.finish();
  } catch (error) {
    await writer.abandon();
    throw error;
  }
}
