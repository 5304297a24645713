import { decodeQueries, encodeQueries, type QueryVectors } from '../../hits/queries-file.ts';
import type { AskQueries } from '../../search/in-place/ask-queries.ts';
import { type AskEvent, MOST_QUERY_BYTES } from './ask-event.ts';
import { LAMBDA_MESSAGES } from './lambda-messages.ts';
import { ExpiredQueriesError, WrongQueriesError, WrongQuestionError } from './question-errors.ts';
import type { ResultsBucket } from './results-bucket.ts';

const PARQUET = 'application/vnd.apache.parquet';

/** Decodes the vectors of an event. @throws WrongQuestionError if their number is wrong */
export function vectorsOf({ ids, dimension, values, attributes }: NonNullable<AskEvent['vectors']>): QueryVectors {
  const bytes = Buffer.from(values, 'base64');
  if (bytes.length !== 4 * ids.length * dimension)
    throw new WrongQuestionError(LAMBDA_MESSAGES.wrongLength(bytes.length / 4, ids.length, dimension));
  const vectors = new Float32Array(ids.length * dimension);
  for (let at = 0; at < vectors.length; at++) vectors[at] = bytes.readFloatLE(4 * at);
  return { ids, dimension, vectors, attributes };
}

/** Encodes vectors for an event. */
export function eventVectors({ ids, dimension, vectors, attributes }: QueryVectors): NonNullable<AskEvent['vectors']> {
  const bytes = Buffer.alloc(4 * vectors.length);
  for (const [at, value] of vectors.entries()) bytes.writeFloatLE(value, 4 * at);
  return { ids: [...ids], dimension, values: bytes.toString('base64'), attributes };
}

/** Stores queries under a key, unless they are there. */
export async function storeQueries(results: ResultsBucket, key: string, queries: QueryVectors): Promise<void> {
  await results.create(key, encodeQueries(queries), PARQUET);
}

/** Reads stored queries. @throws ExpiredQueriesError, WrongQuestionError if they are too large, WrongQueriesError if they are damaged */
export async function readQueries(results: ResultsBucket, key: string): Promise<AskQueries> {
  const uri = results.uri(key);
  const file = await results.read(key, MOST_QUERY_BYTES);
  if (file === undefined) throw new ExpiredQueriesError(LAMBDA_MESSAGES.noQueries(uri));
  const queries = decodeQueries(file, (problem) => new WrongQueriesError(LAMBDA_MESSAGES.wrongQueries(uri, problem)));
  return { source: 'the question', ...queries };
}
