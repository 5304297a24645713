import { columnBytes, columnFrom, columnText, type Utf8Column } from '../../base/bytes/utf8-column.ts';
import { DataError } from '../../base/errors.ts';
import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import { compareIds, sortedIdOrder } from '../../hits/rank.ts';
import { modelIdentity, type ShardAttributes } from '../../shard/shard.ts';
import { normalizeRows } from '../../vectors/kmeans.ts';
import { describeBadVector, findBadVector } from '../../vectors/vector-check.ts';
import type { QuerySet } from '../queries/queries.ts';
import { SEARCH_MESSAGES } from '../search-messages.ts';
import { IN_PLACE_MESSAGES } from './in-place-messages.ts';
import type { ReadCounts } from './reads/counted-tables.ts';

/** Queries in memory, as they were embedded or read. */
export interface AskQueries {
  /** Where they come from, for messages: a file, an id, "the sequence". */
  source: string;
  ids: readonly string[];
  dimension: number;
  /** [ids, D]; not changed by a search. */
  vectors: Float32Array;
  /** Of the model that embedded them; empty where it is unknown. */
  attributes: ShardAttributes;
  /** What finding them in the database read from S3. */
  lookup?: ReadCounts;
}

/** Returns the order of the queries' ids. @throws DataError without queries, or for a duplicated id */
export function requireDistinctIds({ source, ids: texts }: AskQueries): { ids: Utf8Column; order: Int32Array } {
  if (texts.length === 0) throw new DataError(IN_PLACE_MESSAGES.noQueries);
  const ids = columnFrom(texts);
  const order = sortedIdOrder(ids);
  for (let i = 1; i < order.length; i++)
    if (compareIds(ids, order[i - 1]!, order[i]!) === 0)
      throw new DataError(SEARCH_MESSAGES.duplicateQueryId([source], columnText(ids, order[i]!)));
  return { ids, order };
}

/**
 * Returns the queries as a search of a bucket needs them: in the order of their ids' bytes, of unit length under cosine.
 * @throws DataError for another dimension or model, vectors that cannot be searched, or a duplicated id
 */
export function querySetFor(queries: AskQueries, entry: CatalogEntry): QuerySet {
  const { source, dimension, attributes } = queries;
  const { bucket, metric } = entry;
  const { ids, order } = requireDistinctIds(queries);
  if (dimension !== entry.dimension)
    throw new DataError(SEARCH_MESSAGES.otherDimension(source, dimension, bucket, entry.dimension));
  const [model, bucketModel] = [modelIdentity(attributes), modelIdentity(entry.model)];
  if (model !== undefined && bucketModel !== undefined && model !== bucketModel)
    throw new DataError(SEARCH_MESSAGES.otherModel(source, model, bucket, bucketModel));
  const bad = findBadVector(queries.vectors, queries.ids.length, dimension, metric);
  if (bad)
    throw new DataError(IN_PLACE_MESSAGES.badVector(source, describeBadVector(bad, 0, columnBytes(ids, bad.row))));
  const vectors = new Float32Array(new SharedArrayBuffer(4 * order.length * dimension));
  for (const [place, row] of order.entries())
    vectors.set(queries.vectors.subarray(row * dimension, (row + 1) * dimension), place * dimension);
  if (metric === 'cosine') normalizeRows(vectors, dimension);
  return { count: order.length, id: (query) => columnBytes(ids, order[query]!), vectors };
}
