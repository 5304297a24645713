import type { OpenBucket } from '../bucket/open-bucket.ts';
import { type CatalogEntry, storedRows } from '../database/catalog/catalog-entry.ts';
import { planFetch } from '../database/node/plan-fetch.ts';
import { spansToScore } from '../search/engine/probe.ts';
import type { SearchPlan } from '../search/plan/make-plan.ts';
import { neededParts } from '../search/plan/needed-parts.ts';
import type { QuerySet } from '../search/queries/queries.ts';
import { COMPONENT_BYTES } from '../vectors/vector-type.ts';

/** Returns the bytes that a search fetches of a bucket on S3 before it begins. @param k rows to find for a query */
export function bytesFetched(entry: CatalogEntry, { strategy, nprobes, refineFactor }: SearchPlan, k: number): number {
  const request = { k, search: strategy, nprobes, refineFactor, targetRecall: undefined, groundTruth: false };
  return planFetch(entry, neededParts(request, entry)).bytes;
}

/** Bytes of one vector. */
const vectorBytes = ({ dimension, vectorType }: CatalogEntry) => dimension * COMPONENT_BYTES[vectorType];

/**
 * Computes the bytes of vectors and of the index that a search reads, each once, however many queries need them: the vectors of all
 * rows, or of the probed partitions; the index of the probed partitions, and the vectors of the candidates.
 * @param k rows to find for a query
 */
export async function bytesRead(
  bucket: OpenBucket,
  queries: Pick<QuerySet, 'count' | 'vectors'>,
  { strategy, nprobes, refineFactor }: SearchPlan,
  k: number,
): Promise<number> {
  const { entry } = bucket;
  const rows = storedRows(entry);
  const rowBytes = vectorBytes(entry);
  if (strategy === 'exact') return rows * rowBytes;
  const probedRows = await rowsOfPartitions(bucket, queries, nprobes, k);
  if (strategy === 'scan') return probedRows * rowBytes;
  const indexBytes = entry.files
    .filter(({ path }) => path.startsWith('_indices/'))
    .reduce((sum, { bytes }) => sum + bytes, 0);
  const candidates = Math.min(rows, queries.count * Math.min(rows, k * refineFactor));
  return Math.round((indexBytes * probedRows) / Math.max(1, rows)) + candidates * rowBytes;
}

/** Counts the rows of the partitions that any query probes; estimates them for an index with partitions of its own. */
async function rowsOfPartitions(
  bucket: OpenBucket,
  queries: Pick<QuerySet, 'count' | 'vectors'>,
  nprobes: number,
  k: number,
): Promise<number> {
  const { entry } = bucket;
  if (entry.partitions) {
    const spans = await spansToScore(bucket, queries, 'scan', nprobes, k);
    return spans.reduce((sum, { first, end }) => sum + end - first, 0);
  }
  const share = Math.min(1, nprobes / Math.max(1, entry.index.partitions));
  return Math.round(storedRows(entry) * (1 - (1 - share) ** queries.count));
}
