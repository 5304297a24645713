import { isUtf8 } from 'node:buffer';
import { DataError } from '../base/errors.ts';
import { type HitColumns, hitRows, type NeighbourColumns } from '../hits/columns.ts';
import { P_VALUE } from '../hits/evalues.ts';
import { OrderError } from '../hits/merge.ts';
import { readHits } from '../hits/parquet/hits-reader.ts';
import { MERGE_MESSAGES } from './merge-messages.ts';
import { isSorted, sortHits } from './sort-hits.ts';
import { mergeStreams } from './streams.ts';

/** Task to find the files that are not sorted, and to sort them into `folder`. */
export interface SortTask {
  paths: string[];
  folder: string;
  label: string;
}

/** Task to merge sorted files. */
export interface MergeTask {
  paths: string[];
  k: number;
  /** Whether the files have p-values, which are kept. */
  hasPValues: boolean;
}

/** The sorted files that replace an input, by its path, without the inputs that were already sorted. */
export type SortedInputs = Record<string, string[]>;

export async function sortInputs({ paths, folder, label }: SortTask): Promise<SortedInputs> {
  const sorted: SortedInputs = {};
  for (const [i, path] of paths.entries())
    if (!(await isSorted(path))) sorted[path] = await sortHits(path, folder, `${label}.${i}`);
  return sorted;
}

/**
 * Merges sorted files into neighbours.
 * @param onRows called with the count of hits that were read since its last call
 * @throws DataError for a file whose rows are out of order, or whose ids are not text
 */
export async function* mergeSorted(
  { paths, k, hasPValues }: MergeTask,
  onRows: (rows: number) => void,
): AsyncGenerator<NeighbourColumns> {
  try {
    const streams = paths.map((path) => counted(readHits(path, hasPValues), onRows));
    for await (const batch of mergeStreams(streams, k, hasPValues ? [P_VALUE] : [])) {
      requireText(batch, paths);
      yield batch;
    }
  } catch (error) {
    if (!(error instanceof OrderError)) throw error;
    throw new DataError(MERGE_MESSAGES.outOfOrder(paths[error.input]!, error.row), { cause: error });
  }
}

/** Checks that ids are text. They are checked only after merging, when the fewest remain. */
function requireText({ queryIds, targetIds, buckets }: NeighbourColumns, paths: readonly string[]) {
  if ([queryIds, targetIds, buckets].every(({ bytes }) => isUtf8(bytes))) return;
  throw new DataError(MERGE_MESSAGES.idIsNotText(paths));
}

async function* counted(hits: AsyncGenerator<HitColumns>, onRows: (rows: number) => void): AsyncGenerator<HitColumns> {
  for await (const batch of hits) {
    onRows(hitRows(batch));
    yield batch;
  }
}
