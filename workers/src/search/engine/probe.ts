import type { OpenBucket } from '../../bucket/open-bucket.ts';
import { type Probes, rankPartitions } from '../../bucket/rank-partitions.ts';
import { storedRows } from '../../database/catalog/catalog-entry.ts';
import type { Partitions } from '../../database/partitions.ts';
import type { SearchStrategy } from '../plan/strategies.ts';
import type { QuerySet } from '../queries/queries.ts';
import type { ScoredSpan } from './block-schedule.ts';
import type { ScoreThreads } from './score-table.ts';

/**
 * Returns the partitions that any query probes as spans of the table, with those queries. A query whose partitions have fewer than k
 * rows probes all partitions.
 * @param k rows to k for a query, at most those of the table
 * @param liveFirstRows where the partitions would begin without deleted rows
 */
export function probedSpans(
  probes: Probes,
  { firstRows, centroids }: Partitions,
  k: number,
  liveFirstRows = firstRows,
): ScoredSpan[] {
  const partitionCount = firstRows.length - 1;
  const all = Int32Array.from({ length: partitionCount }, (_, partition) => partition);
  const queryCount = probes.partitions.length / probes.nprobes;
  const partitionsOf = (query: number) => {
    const probed = probes.partitions.subarray(query * probes.nprobes, (query + 1) * probes.nprobes);
    return probed.reduce((rows, partition) => rows + liveFirstRows[partition + 1]! - liveFirstRows[partition]!, 0) < k
      ? all
      : probed;
  };
  const starts = new Int32Array(partitionCount + 1);
  for (let query = 0; query < queryCount; query++)
    for (const partition of partitionsOf(query)) starts[partition + 1]!++;
  for (let i = 0; i < partitionCount; i++) starts[i + 1]! += starts[i]!;
  const next = starts.slice();
  const queries = new Int32Array(starts[partitionCount]!);
  for (let query = 0; query < queryCount; query++)
    for (const partition of partitionsOf(query)) queries[next[partition]!++] = query;
  const spans: ScoredSpan[] = [];
  for (let partition = 0; partition < partitionCount; partition++) {
    const probed = queries.subarray(starts[partition]!, starts[partition + 1]!);
    const [first, end] = [firstRows[partition]!, firstRows[partition + 1]!];
    if (probed.length === 0 || end === first) continue;
    const { vectors, dimension } = centroids;
    const centre = vectors.subarray(partition * dimension, (partition + 1) * dimension);
    spans.push({ first, end, chosen: { queries: probed, centre } });
  }
  return spans;
}

/**
 * Returns the spans of the table that a strategy compares with queries.
 * @param nprobes partitions that a query of `scan` probes, if there are enough
 * @param k rows to find for a query
 * @param threads one of which ranks the partitions; without, this one does
 */
export async function spansToScore(
  bucket: OpenBucket,
  { count, vectors }: Pick<QuerySet, 'count' | 'vectors'>,
  strategy: Exclude<SearchStrategy, 'ann'>,
  nprobes: number,
  k: number,
  threads?: ScoreThreads,
): Promise<ScoredSpan[]> {
  if (strategy === 'exact') return [{ first: 0, end: storedRows(bucket.entry) }];
  const partitions = await bucket.partitions();
  const { centroids } = partitions;
  const { metric } = bucket.entry;
  const request = { queries: { count, vectors }, centroids, metric, nprobes: Math.min(nprobes, centroids.count) };
  const probes = threads
    ? await threads.threads[0]!.call('rankPartitions', request)
    : await rankPartitions(request.queries, partitions, metric, request.nprobes);
  return probedSpans(probes, partitions, k, bucket.deleted?.withoutDeleted(partitions.firstRows));
}
