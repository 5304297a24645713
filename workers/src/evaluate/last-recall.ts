import { DataError } from '../base/errors.ts';
import type { Database } from '../database/database.ts';
import { type Evaluation, type LastRecall, lastRecallOf, parseLastRecall } from './evaluation.ts';

const LAST = '_evaluations/latest.json';

/**
 * Records the recall of an evaluation in the database, for `catalog`. Keeps a record of more of the buckets as they are now: chosen buckets
 * say less of the database.
 * @returns whether it was recorded
 */
export async function recordRecall(database: Database, evaluation: Evaluation): Promise<boolean> {
  const last = await readLastRecall(database).catch((error: unknown) => {
    if (!(error instanceof DataError)) throw error;
    return undefined;
  });
  if (last && Object.keys(last.buckets).length > Object.keys(evaluation.buckets).length) {
    const current = await database.mapEntries(({ bucket, fingerprint, replaces }) => ({
      bucket,
      fingerprint,
      replaces,
    }));
    if (unchangedBuckets(current, last) > unchangedBuckets(current, evaluation)) return false;
  }
  await database.writeFile(LAST, `${JSON.stringify(lastRecallOf(evaluation), null, 2)}\n`);
  return true;
}

/** Reads the recall that was recorded last; undefined if none was. @throws DataError if the record cannot be read */
export async function readLastRecall(database: Database): Promise<LastRecall | undefined> {
  const text = await database.readFile(LAST);
  return text === undefined ? undefined : parseLastRecall(text, `${database.uri}/${LAST}`);
}

/** Counts the buckets of a database that are as they were when a recall was measured in them. */
export function unchangedBuckets(
  current: readonly { bucket: string; fingerprint: string }[],
  { buckets }: Pick<LastRecall, 'buckets'>,
): number {
  return current.filter(({ bucket, fingerprint }) => buckets[bucket] === fingerprint).length;
}
