import type { Progress } from '../../app/progress.ts';
import { partitionOf } from '../../base/bytes/partition-of.ts';
import { columnBytes } from '../../base/bytes/utf8-column.ts';
import type { OpenBucket } from '../../bucket/open-bucket.ts';
import { rankPartitions } from '../../bucket/rank-partitions.ts';
import { storedRows } from '../../database/catalog/catalog-entry.ts';
import { FRAGMENT_ROWS } from '../../lance/format/file-format.ts';
import { lookupIds } from '../../lance/ids/lookup-ids.ts';
import { estimateRecall, fewestProbes, probesForRecall } from '../../vectors/recall.ts';
import { searchAnn } from '../engine/ann.ts';
import type { NearestRows } from '../engine/nearest.ts';
import type { AnnAnswer } from '../engine/scan-vectors.ts';
import { scoreTable } from '../engine/score-table.ts';
import type { QueryFiles, QuerySet } from '../queries/queries.ts';
import type { TunedSettings } from './choose-plan.ts';
import { sampleSize } from './sample-size.ts';

/** Largest refine factor that is tried where probing all partitions is not enough. */
const LARGEST_REFINE_FACTOR = 160;

type Tune = (
  bucket: OpenBucket,
  queries: QueryFiles,
  k: number,
  targetRecall: number,
  refineFactor: number,
  progress: Progress,
) => Promise<TunedSettings>;

/**
 * Finds the fewest probes with which a scan reaches a recall. One exact pass for a sample of the queries shows in which partitions
 * their true neighbours are; no scan has to be tried.
 */
export const tuneScan: Tune = async (bucket, queries, k, targetRecall, refineFactor, progress) => {
  const { entry } = bucket;
  const partitions = await bucket.partitions();
  const sample = await queries.tuningSample(sampleSize(k));
  const groundTruth = await searchExactly(bucket, sample, k, progress);
  const partitionCount = partitions.centroids.count;
  const { partitions: ranked } = await rankPartitions(sample, partitions, entry.metric, partitionCount);
  const positionOf = tablePositions(bucket);
  const neighbourRanks = Array.from({ length: groundTruth.queryCount }, (_, query) => {
    const rankOf = new Int32Array(partitionCount);
    const nearestFirst = ranked.subarray(query * partitionCount, (query + 1) * partitionCount);
    for (const [rank, partition] of nearestFirst.entries()) rankOf[partition] = rank;
    const { rows } = groundTruth.kept(query);
    return Array.from(rows, (row) => rankOf[partitionOf(positionOf(row), partitions.firstRows)]!);
  });
  const { nprobes, recalls } = probesForRecall(neighbourRanks, targetRecall, partitionCount);
  return { nprobes, refineFactor, recall: estimateRecall(recalls) };
};

/** Searches a sample of the queries by the index, with more and fewer probes, then with more candidates. */
export const tuneAnn: Tune = async (bucket, queries, k, targetRecall, firstRefineFactor, progress) => {
  const { entry } = bucket;
  const sample = await queries.tuningSample(sampleSize(k));
  const trueIds = await idsOf(bucket, await searchExactly(bucket, sample, k, progress));
  const partitions = entry.index.partitions;
  const measureRecall = async (nprobes: number, refineFactor: number) => {
    const options = { ...entry, partitions, k: Math.min(k, entry.rows), nprobes, refineFactor };
    const answers = await searchAnn(bucket, sample.vectors, 0, sample.count, options, { add() {}, stop() {} });
    return estimateRecall(answers.map((answer, query) => shareFound(answer, trueIds[query]!)));
  };
  let refineFactor = firstRefineFactor;
  const tried = await fewestProbes((nprobes) => measureRecall(nprobes, refineFactor), targetRecall, partitions);
  const { nprobes } = tried;
  let { recall } = tried;
  while (recall.mean < targetRecall && refineFactor < LARGEST_REFINE_FACTOR) {
    refineFactor = Math.max(1, refineFactor * 2);
    recall = await measureRecall(nprobes, refineFactor);
  }
  return { nprobes, refineFactor, recall };
};

/** Returns the ids of each query's nearest rows, as latin1 of their bytes. */
async function idsOf({ table }: OpenBucket, nearest: NearestRows): Promise<ReadonlySet<string>[]> {
  const rowsOf = Array.from({ length: nearest.queryCount }, (_, query) => Array.from(nearest.kept(query).rows));
  const { ids, position } = await lookupIds(table, Float64Array.from(rowsOf.flat()));
  const idOf = (row: number) => Buffer.from(columnBytes(ids, position(row))).toString('latin1');
  return rowsOf.map((rows) => new Set(rows.map(idOf)));
}

/** Returns the share of the wanted ids, as latin1 of their bytes, that an answer has. */
function shareFound({ ids, distances }: AnnAnswer, wanted: ReadonlySet<string>): number {
  let found = 0;
  for (let row = 0; row < distances.length; row++)
    if (wanted.has(Buffer.from(columnBytes(ids, row)).toString('latin1'))) found++;
  return wanted.size === 0 ? 1 : found / wanted.size;
}

function searchExactly(bucket: OpenBucket, sample: QuerySet, k: number, progress: Progress): Promise<NearestRows> {
  const { entry } = bucket;
  return scoreTable(bucket, sample, [{ first: 0, end: storedRows(entry) }], Math.min(k, entry.rows), progress);
}

/** Returns a function that turns LanceDB's row ids (fragment * 2^32 + offset) into positions in the table. */
function tablePositions({ entry }: OpenBucket): (row: number) => number {
  const fragmentStarts = [0];
  for (const { rows } of entry.fragments ?? []) fragmentStarts.push(fragmentStarts.at(-1)! + rows);
  return (row) => fragmentStarts[Math.floor(row / FRAGMENT_ROWS)]! + (row % FRAGMENT_ROWS);
}
