import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataError } from '../../../base/errors.ts';
import { withScratch } from '../../../base/files/scratch.ts';
import { Database } from '../../../database/database.ts';
import { askBucket } from '../../../search/in-place/ask-bucket.ts';
import type { ReadCost } from '../../../search/in-place/bucket-answer.ts';
import { openWarmBucket } from '../../../search/in-place/warm-buckets.ts';
import { type CallUsage, type PartSummary, SEARCH_EVENT } from '../ask-event.ts';
import { type Call, defineHandler, variable } from '../define-handler.ts';
import { readQueries } from '../event-queries.ts';
import { LAMBDA_MESSAGES } from '../lambda-messages.ts';
import { encodePart, readPartSummary } from '../part-file.ts';
import { AskAgainError } from '../question-errors.ts';
import { resultKeys } from '../result-keys.ts';

const PARQUET = 'application/vnd.apache.parquet';

/**
 * Searches one bucket where it lies. The hits go to S3, whatever their size; the output is their summary. A repeated call returns the
 * answer of the first one. Table, index and partitions stay open between calls.
 */
export const handler = defineHandler(
  'search-bucket',
  SEARCH_EVENT,
  ({ execution, bucket }) => ({ execution, bucket: bucket.name }),
  async ({ execution, bucket: { name, fingerprint }, queries, settings }, call) => {
    const key = resultKeys.part(execution, name);
    const known = await findPart(call, key, name);
    if (known) return known;
    const database = await Database.open(variable('LANCEFLOW_DATABASE'));
    const reading = readQueries(call.results, queries.key);
    reading.catch(() => {}); // awaited below
    using bucket = await openWarmBucket(database, name, call.signal);
    if (bucket.entry.fingerprint !== fingerprint) throw new AskAgainError(LAMBDA_MESSAGES.rebuilt(name));
    const asked = await reading;
    const { hits, rows, strategy, nprobes, refineFactor, cost } = await askBucket(bucket, asked, settings, call.signal);
    Object.assign(call.phases, cost.milliseconds);
    const { isEstimated } = cost;
    const usage = withEstimate(call.usage(), cost);
    const found = { rows, hits: hits.distances.length, strategy, nprobes, refineFactor };
    const summary = { bucket: name, fingerprint, ...found, isEstimated, usage };
    if (await call.results.create(key, await encodePart(summary, hits), PARQUET)) return summary;
    return (await findPart(call, key, name)) ?? summary;
  },
);

/** Adds the requests of LanceDB, which are estimated, to those that were counted. */
function withEstimate(counted: CallUsage, { requests, bytes }: ReadCost): CallUsage {
  return { ...counted, requests: Math.max(counted.requests, requests), bytes: Math.max(counted.bytes, bytes) };
}

/** Reads the summary of an answer that an earlier call has stored. */
async function findPart({ results }: Call, key: string, bucket: string): Promise<PartSummary | undefined> {
  const file = await results.read(key);
  if (file === undefined) return undefined;
  return withScratch(tmpdir(), 'lanceflow-part', async (folder) => {
    // The decoder reads files.
    const path = join(folder, 'part.parquet');
    await writeFile(path, file);
    return readPartSummary(path, () => new DataError(LAMBDA_MESSAGES.wrongPart(bucket, results.uri(key))));
  });
}
