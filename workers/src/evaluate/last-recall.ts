import type { Database } from '../database/database.ts';
import { type Evaluation, type LastRecall, lastRecallOf, parseLastRecall } from './evaluation.ts';

const LAST = '_evaluations/latest.json';

/** Records the recall of an evaluation in the database, for `catalog`. */
export async function recordRecall(database: Database, evaluation: Evaluation): Promise<void> {
  await database.writeFile(LAST, `${JSON.stringify(lastRecallOf(evaluation), null, 2)}\n`);
}

/** Reads the recall that was recorded last; undefined if none was. @throws DataError if the record cannot be read */
export async function readLastRecall(database: Database): Promise<LastRecall | undefined> {
  const text = await database.readFile(LAST);
  return text === undefined ? undefined : parseLastRecall(text, `${database.uri}/${LAST}`);
}
