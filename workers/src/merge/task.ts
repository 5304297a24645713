import { isUtf8 } from 'node:buffer';
import { DataError } from '../base/errors.ts';
import { type HitColumns, hitRows, type NeighbourColumns } from '../hits/columns.ts';
import { readHits } from '../hits/parquet/hits-reader.ts';
import { writeHits } from '../hits/parquet/hits-writer.ts';
import { OrderError } from './merge.ts';
import { isSorted, sortHits } from './sort-hits.ts';
import { mergeStreams } from './streams.ts';

/** Work for one thread. */
export type MergeTask =
  /** Find the files that are not sorted, and sort them into `folder`. */
  | { kind: 'sort'; paths: string[]; folder: string; label: string }
  /** Merge sorted files into one file. */
  | { kind: 'reduce'; paths: string[]; k: number; output: string }
  /** Merge sorted files and hand the batches over. */
  | { kind: 'stream'; paths: string[]; k: number };

export interface TaskHooks {
  /** Hits read since the last call. */
  onRows(rows: number): void;
  /** Takes a batch of a `stream` task; resolves when there is room for the next. */
  onBatch(hits: NeighbourColumns): Promise<void>;
}

/** For a `sort` task: the sorted files that stand for an input, where it was not sorted itself. */
export type SortedInputs = Record<string, string[]>;

/** Runs a task. @returns the files a `sort` task made */
export async function runTask(task: MergeTask, hooks: TaskHooks): Promise<SortedInputs> {
  if (task.kind === 'sort') return sortInputs(task.paths, task.folder, task.label);
  const merged = mergeFiles(task.paths, task.k, hooks.onRows);
  if (task.kind === 'reduce') await writeHits(task.output, merged);
  else for await (const hits of merged) await hooks.onBatch(hits);
  return {};
}

async function sortInputs(paths: readonly string[], folder: string, label: string): Promise<SortedInputs> {
  const made: SortedInputs = {};
  for (const [i, path] of paths.entries())
    if (!(await isSorted(path))) made[path] = await sortHits(path, folder, `${label}.${i}`);
  return made;
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
    const path = paths[error.input]!;
    throw new DataError(
      `${path}: row ${error.row} is out of order, though the file says that it is sorted. Search this bucket again.`,
      { cause: error },
    );
  }
}

/** Ids travel as bytes: whether they are text is looked at where the fewest are left. */
function requireText({ queryIds, targetIds, buckets }: NeighbourColumns, paths: readonly string[]) {
  if ([queryIds, targetIds, buckets].every(({ bytes }) => isUtf8(bytes))) return;
  const [first, ...rest] = paths;
  const among = rest.length === 0 ? first : `one of ${first} and ${rest.length} more`;
  throw new DataError(`${among}: an id is not UTF-8 text: the file is damaged. Search its bucket again.`);
}

async function* counted(hits: AsyncGenerator<HitColumns>, onRows: (rows: number) => void): AsyncGenerator<HitColumns> {
  for await (const batch of hits) {
    onRows(hitRows(batch));
    yield batch;
  }
}
