import { isUtf8 } from 'node:buffer';
import { DataError } from '../base/errors.ts';
import { type HitColumns, hitRows, type NeighbourColumns } from '../hits/columns.ts';
import { readHits } from '../hits/parquet/hits-reader.ts';
import { writeHits } from '../hits/parquet/hits-writer.ts';
import { OrderError } from './merge.ts';
import { MERGE_MESSAGES } from './merge-messages.ts';
import { isSorted, sortHits } from './sort-hits.ts';
import { mergeStreams } from './streams.ts';

/** Work of one thread. */
export type MergeTask =
  /** Find the files that are not sorted, and sort them into `folder`. */
  | { kind: 'sort'; paths: string[]; folder: string; label: string }
  /** Merge sorted files into one file. */
  | { kind: 'reduce'; paths: string[]; k: number; output: string }
  /** Merge sorted files and emit the batches. */
  | { kind: 'stream'; paths: string[]; k: number };

export interface TaskHooks {
  /** Called with the count of hits that were read since the last call. */
  onRows(rows: number): void;
  /** Takes a batch of a `stream` task; resolves when the next may come. */
  onBatch(hits: NeighbourColumns): Promise<void>;
}

/** Result of a `sort` task: the sorted files that replace an input, by its path; inputs that were sorted are not there. */
export type SortedInputs = Record<string, string[]>;

/** Runs a task. @returns the result of a `sort` task; empty for others */
export async function runTask(task: MergeTask, hooks: TaskHooks): Promise<SortedInputs> {
  if (task.kind === 'sort') return sortInputs(task.paths, task.folder, task.label);
  const merged = mergeFiles(task.paths, task.k, hooks.onRows);
  if (task.kind === 'reduce') await writeHits(task.output, merged);
  else for await (const hits of merged) await hooks.onBatch(hits);
  return {};
}

async function sortInputs(paths: readonly string[], folder: string, label: string): Promise<SortedInputs> {
  const sorted: SortedInputs = {};
  for (const [i, path] of paths.entries())
    if (!(await isSorted(path))) sorted[path] = await sortHits(path, folder, `${label}.${i}`);
  return sorted;
}

async function* mergeFiles(
  paths: readonly string[],
  k: number,
  onRows: (rows: number) => void,
): AsyncGenerator<NeighbourColumns> {
  try {
    const streams = paths.map((path) => counted(readHits(path), onRows));
    for await (const batch of mergeStreams(streams, k)) {
      requireText(batch, paths);
      yield batch;
    }
  } catch (error) {
    if (!(error instanceof OrderError)) throw error;
    throw new DataError(MERGE_MESSAGES.outOfOrder(paths[error.input]!, error.row), { cause: error });
  }
}

/** Checks ids after merging, where the fewest are left: until then they are bytes. */
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
