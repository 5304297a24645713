import type { Utf8Column } from '../../base/bytes/utf8-column.ts';
import { columnSlice, concatenateColumns } from '../../base/bytes/utf8-column.ts';
import type { OpenBucket } from '../../bucket/open-bucket.ts';
import { lookupIds } from '../../lance/ids/lookup-ids.ts';
import { spansToScore } from './probe.ts';
import { scoreTable } from './score-table.ts';

/** Nearest rows of one query, by the index or by a scan. */
export interface AnnAnswer {
  ids: Utf8Column;
  distances: Float32Array;
  /** LanceDB's row ids; undefined where they were not asked for. */
  rowIds?: Float64Array | undefined;
  /** Set where the query does not fit the type of the vectors, so it was scanned. */
  isScanned?: true;
}

/**
 * Searches a few vectors by `scan`, or by `exact` where the table has no partitions.
 * @param vectors of D components each @param k rows to find for each, at most those of the table
 * @returns their answers, with true distances; all rows at the distance of the k-th are among them
 */
export async function scanVectors(
  bucket: OpenBucket,
  vectors: readonly Float32Array[],
  k: number,
  nprobes: number,
): Promise<AnnAnswer[]> {
  const { dimension, partitions } = bucket.entry;
  const queries = {
    count: vectors.length,
    vectors: new Float32Array(vectors.length * dimension),
  };
  for (const [i, vector] of vectors.entries()) queries.vectors.set(vector, i * dimension);
  const spans = await spansToScore(bucket, queries, partitions ? 'scan' : 'exact', nprobes, k);
  const nearest = await scoreTable(bucket, queries, spans, k, { add() {}, stop() {} });
  const found = vectors.map((_, query) => {
    const { distances, rows, ties } = nearest.kept(query);
    const limit = nearest.limit(query);
    return { rows: [...rows, ...ties], distances: Float32Array.from([...distances, ...ties.map(() => limit)]) };
  });
  const { ids, position } = await lookupIds(bucket.table, Float64Array.from(found.flatMap(({ rows }) => rows)));
  const idOf = (row: number) => columnSlice(ids, position(row), position(row) + 1);
  return found.map(({ rows, distances }) => ({
    ids: concatenateColumns(rows.map(idOf)),
    distances,
    rowIds: Float64Array.from(rows),
    isScanned: true as const,
  }));
}
