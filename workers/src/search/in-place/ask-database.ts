import { mapConcurrently } from '../../base/concurrency/map-concurrently.ts';
import { DataError, TransientError, toUserError, UsageError, UserError, userErrorOf } from '../../base/errors.ts';
import { type CatalogEntry, withoutReplaced } from '../../database/catalog/catalog-entry.ts';
import type { Database } from '../../database/database.ts';
import { noBuckets } from '../../database/database-messages.ts';
import { hasPValues } from '../output/hit-sink.ts';
import { askBucket } from './ask-bucket.ts';
import { type AskQueries, requireDistinctIds } from './ask-queries.ts';
import { type AskSettings, requireAnswerFits } from './ask-settings.ts';
import type { BucketAnswer } from './bucket-answer.ts';
import { IN_PLACE_MESSAGES } from './in-place-messages.ts';
import { AnswerMerge } from './merge-answers.ts';
import { openWarmBucket } from './warm-buckets.ts';

/** Which buckets are asked, and how. */
export interface AskOptions {
  /** Names, sorted. Default: all. */
  buckets?: readonly string[] | undefined;
  /** Buckets that are searched at once. */
  concurrency: number;
  /** Time of each bucket. */
  timeoutMs: number;
  /** Answers without the buckets that fail. */
  allowPartial: boolean;
  /** Whether neighbours get LanceDB's row ids, to read kept columns. */
  hasRowIds?: boolean | undefined;
}

/** A bucket without an answer. */
export interface FailedBucket {
  bucket: string;
  error: UserError;
}

/** The answers of all buckets. */
export interface DatabaseAnswer {
  /** In the order of the names, without their hits. */
  answers: Omit<BucketAnswer, 'hits'>[];
  /** The hits of all. */
  merge: AnswerMerge;
  /** Empty, unless partial answers are allowed. */
  failed: FailedBucket[];
}

/**
 * Asks the buckets of a database, several at once, each where it lies.
 * @throws DataError for queries that no bucket can answer; UserError of the first bucket that fails, whose message names it, with
 *   `allowPartial` only where all fail
 */
export async function ask(
  database: Database,
  queries: AskQueries,
  settings: AskSettings,
  options: AskOptions,
): Promise<DatabaseAnswer> {
  const { buckets, concurrency, timeoutMs, allowPartial, hasRowIds } = options;
  requireAnswerFits(settings, queries.ids.length);
  requireDistinctIds(queries);
  const names = buckets ?? (await allBuckets(database));
  const failed: FailedBucket[] = [];
  const metrics = new Map<string, string>();
  const merge = new AnswerMerge(settings.k, { hasRowIds });
  // Rows of merged buckets are in two buckets until the entries of the old ones are removed. Hits are merged as they come, so where those of
  // an old bucket came before the answer of the new one, the current buckets are asked again.
  const answered: (Omit<BucketAnswer, 'hits'> & Pick<CatalogEntry, 'replaces'>)[] = [];
  let merged = 0;
  const found = await mapConcurrently(names, Math.min(concurrency, names.length), async (name, _, stopped) => {
    try {
      const signal = AbortSignal.any([stopped, AbortSignal.timeout(timeoutMs)]);
      using bucket = await openWarmBucket(database, name, signal);
      requireOneMetric(metrics, name, bucket.entry.metric);
      const { hits, ...rest } = await askBucket(bucket, queries, settings, signal, hasRowIds);
      const answer = { ...rest, replaces: bucket.entry.replaces };
      answered.push(answer);
      if (withoutReplaced(answered).includes(answer)) {
        merge.add(name, hits, answer.rows);
        merged++;
      }
      return answer;
    } catch (thrown) {
      const error = errorOf(database.uri, name, thrown, timeoutMs);
      if (!allowPartial || !(error instanceof UserError) || error instanceof UsageError) throw error;
      failed.push({ bucket: name, error });
      return undefined;
    }
  });
  const current = withoutReplaced(answered);
  if (merged > current.length) {
    const replaced = answered.filter((answer) => !current.includes(answer)).map(({ bucket }) => bucket);
    const others = names.filter((name) => !replaced.includes(name));
    return ask(database, queries, settings, { ...options, buckets: others });
  }
  const answers = found.flatMap((answer) => {
    if (!answer || !current.includes(answer)) return [];
    const { replaces: _, ...others } = answer;
    return [others];
  });
  const [first] = failed;
  if (answers.length === 0 && first) {
    const message = IN_PLACE_MESSAGES.allFailed(failed.length, first.error.message);
    throw failed.length === 1 ? first.error : userErrorOf(first.error.exitCode, message, { cause: first.error });
  }
  return { answers, merge, failed: failed.sort((a, b) => (a.bucket < b.bucket ? -1 : 1)) };
}

/** Returns the names of the buckets to ask, sorted. @throws DataError for a bucket that the database does not have */
export async function bucketsToAsk(database: Database, wanted: readonly string[] | undefined): Promise<string[]> {
  return chooseBuckets(database.uri, await allBuckets(database), wanted);
}

/** Returns the names of all buckets, sorted. @throws DataError if there is none */
export async function allBuckets(database: Database): Promise<string[]> {
  await database.requireExists();
  const names = await database.entryNames();
  if (names.length === 0) throw new DataError(noBuckets(database.uri));
  return names;
}

/** Returns the wanted ones of all names, sorted. @throws DataError for a bucket that the database does not have */
export function chooseBuckets(uri: string, names: string[], wanted: readonly string[] | undefined): string[] {
  if (wanted === undefined) return names;
  const unknown = wanted.filter((name) => !names.includes(name));
  if (unknown.length > 0) throw new DataError(IN_PLACE_MESSAGES.unknownBuckets(uri, unknown, names));
  return [...new Set(wanted)].sort();
}

/** Checks, before buckets are searched, that their hits will have the p-values that a largest E-value needs. @throws DataError that names the others */
export function requirePValues(
  uri: string,
  entries: readonly CatalogEntry[],
  { maxEvalue, refineFactor }: AskSettings,
): void {
  if (maxEvalue === undefined) return;
  const without = entries.filter((entry) => !hasPValues(entry, refineFactor)).map(({ bucket }) => bucket);
  if (without.length > 0) throw new DataError(IN_PLACE_MESSAGES.withoutPValues(uri, without));
}

function requireOneMetric(metrics: Map<string, string>, bucket: string, metric: string): void {
  for (const [other, otherMetric] of metrics)
    if (otherMetric !== metric) throw new UsageError(IN_PLACE_MESSAGES.twoMetrics(bucket, metric, other, otherMetric));
  metrics.set(bucket, metric);
}

/** Returns the error of a bucket, with a message that names it. */
function errorOf(uri: string, bucket: string, thrown: unknown, timeoutMs: number): unknown {
  if (thrown instanceof DOMException && thrown.name === 'TimeoutError')
    return new TransientError(IN_PLACE_MESSAGES.timeout(uri, bucket, timeoutMs / 1000));
  const error = toUserError(thrown);
  return error instanceof UserError
    ? userErrorOf(error.exitCode, IN_PLACE_MESSAGES.failed(bucket, error.message), { cause: error })
    : error;
}
