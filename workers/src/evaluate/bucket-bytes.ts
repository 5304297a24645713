import type { OpenBucket } from '../bucket/open-bucket.ts';
import { type CatalogEntry, storedRows } from '../database/catalog/catalog-entry.ts';
import { spansToScore } from '../search/engine/probe.ts';
import type { SearchPlan } from '../search/plan/make-plan.ts';
import type { QuerySet } from '../search/queries/queries.ts';
import { COMPONENT_BYTES } from '../vectors/vector-type.ts';

/** Returns the bytes that a search fetches of a bucket on S3 before it begins: see `fetchTable`. */
export function bytesFetched(entry: CatalogEntry, { strategy, refineFactor }: SearchPlan): number {
  const { files, fragments, partitions } = entry;
  const kept = new Set(fragments?.map(({ columns }) => columns));
  const needed = files.filter(
    ({ path }) =>
      (path.startsWith('data/') && !kept.has(path)) ||
      /^_(versions|deletions)\//.test(path) ||
      (strategy === 'ann' && path.startsWith('_indices/')),
  );
  const order = strategy === 'scan' ? (partitions?.bytes ?? 0) : 0;
  const withoutVectors = strategy === 'ann' && refineFactor === 0 && fragments !== undefined;
  const vectors = withoutVectors ? storedRows(entry) * vectorBytes(entry) : 0;
  return needed.reduce((sum, { bytes }) => sum + bytes, order) - vectors;
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
