import type { Progress } from '../../app/progress.ts';
import { partitionOf } from '../../base/bytes/partition-of.ts';
import { columnBytes } from '../../base/bytes/utf8-column.ts';
import type { OpenBucket } from '../../bucket/open-bucket.ts';
import { rankPartitions } from '../../bucket/rank-partitions.ts';
import { lookupIds } from '../../lance/lookup-ids.ts';
import { type Estimate, estimateRecall, fewestProbes, probesForRecall } from '../../vectors/recall.ts';
import { searchAnn } from '../engine/ann.ts';
import type { NearestRows } from '../engine/nearest.ts';
import type { AnnAnswer } from '../engine/scan-vectors.ts';
import { scoreTable } from '../engine/score-table.ts';
import type { QueryFiles, QuerySet } from '../queries/queries.ts';

/** Queries on which recall is measured: the 95% interval of 200 is about +-0.02 at recall 0.95, k = 10. */
const MOST_SAMPLED = 200;
/** Where k is large, fewer queries tell as much, and more would not fit the memory: so many true neighbours in all. */
const MOST_SAMPLED_HITS = 1_000_000;
const LEAST_SAMPLED = 20;

/** Queries of a sample, for k neighbours each. */
export function sampledQueries(k: number): number {
  return Math.max(LEAST_SAMPLED, Math.min(MOST_SAMPLED, Math.floor(MOST_SAMPLED_HITS / k)));
}

/** Where all partitions are not enough, more candidates are tried, up to so many a neighbour. */
const LARGEST_REFINE_FACTOR = 160;

export interface Tuned {
  nprobes: number;
  refineFactor: number;
  recall: Estimate;
}

type Tune = (
  bucket: OpenBucket,
  queries: QueryFiles,
  k: number,
  target: number,
  refineFactor: number,
  progress: Progress,
) => Promise<Tuned>;

/**
 * Finds the fewest probes of a scan for a recall. One exact pass for a sample of the queries tells in which partitions
 * their true neighbours are; nothing needs to be tried.
 */
export const tuneScan: Tune = async (bucket, queries, k, target, refineFactor, progress) => {
  const { entry } = bucket;
  const partitions = await bucket.partitions();
  const sample = await queries.sample(sampledQueries(k));
  const truth = await exactAnswers(bucket, sample, k, progress);
  const count = partitions.centroids.count;
  const { partitions: ranked } = await rankPartitions(sample, partitions, entry.metric, count);
  const firstOfFragment = fragmentStarts(bucket);
  const ranks = Array.from({ length: truth.queryCount }, (_, query) => {
    const order = ranked.subarray(query * count, (query + 1) * count);
    const rankOf = new Int32Array(count);
    for (const [rank, partition] of order.entries()) rankOf[partition] = rank;
    return Array.from(
      truth.kept(query).rows,
      (row) => rankOf[partitionOf(firstOfFragment(row), partitions.firstRows)]!,
    );
  });
  const { nprobes, recalls } = probesForRecall(ranks, target, count);
  return { nprobes, refineFactor, recall: estimateRecall(recalls) };
};

/** Tries the index with more or fewer probes, then with more candidates, on a sample of the queries. */
export const tuneAnn: Tune = async (bucket, queries, k, target, refineFactor, progress) => {
  const { entry, table } = bucket;
  const sample = await queries.sample(sampledQueries(k));
  const truth = await exactAnswers(bucket, sample, k, progress);
  const all = Float64Array.from(
    Array.from({ length: truth.queryCount }, (_, query) => [...truth.kept(query).rows]).flat(),
  );
  const { ids, position } = await lookupIds(table, all);
  const wanted = Array.from(
    { length: truth.queryCount },
    (_, query) =>
      new Set(
        Array.from(truth.kept(query).rows, (row) => Buffer.from(columnBytes(ids, position(row))).toString('latin1')),
      ),
  );
  const partitions = entry.index.partitions;
  const measure = async (nprobes: number, refineFactor: number) => {
    const options = { ...entry, partitions, k: Math.min(k, entry.rows), nprobes, refineFactor };
    const answers = await searchAnn(bucket, sample.vectors, 0, sample.count, options, { add() {}, stop() {} });
    return estimateRecall(answers.map((answer, query) => shareFound(answer, wanted[query]!)));
  };
  let { nprobes, recall } = await fewestProbes((probes) => measure(probes, refineFactor), target, partitions);
  let factor = refineFactor;
  // What is left to try where even all partitions are not enough.
  while (recall.mean < target && factor < LARGEST_REFINE_FACTOR) {
    factor = Math.max(1, factor * 2);
    recall = await measure(nprobes, factor);
  }
  return { nprobes, refineFactor: factor, recall };
};

/** Which share of the wanted ids, as latin1 of their bytes, an answer has. */
function shareFound({ ids, distances }: AnnAnswer, wanted: ReadonlySet<string>): number {
  let found = 0;
  for (let row = 0; row < distances.length; row++)
    if (wanted.has(Buffer.from(columnBytes(ids, row)).toString('latin1'))) found++;
  return wanted.size === 0 ? 1 : found / wanted.size;
}

function exactAnswers(bucket: OpenBucket, sample: QuerySet, k: number, progress: Progress): Promise<NearestRows> {
  const { rows } = bucket.entry;
  return scoreTable(bucket, sample, [{ first: 0, end: rows }], Math.min(k, rows), progress);
}

/** Turns LanceDB's row ids (fragment * 2^32 + offset) into positions in the table. */
function fragmentStarts({ entry }: OpenBucket): (row: number) => number {
  const starts = [0];
  for (const { rows } of entry.fragments ?? []) starts.push(starts.at(-1)! + rows);
  return (row) => starts[Math.floor(row / 2 ** 32)]! + (row % 2 ** 32);
}
