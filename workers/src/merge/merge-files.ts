import { join } from 'node:path';
import type { NeighbourColumns } from '../hits/columns.ts';
import { P_VALUE } from '../hits/evalues.ts';
import { type HitsFile, inspectHits } from '../hits/parquet/hits-reader.ts';
import { MERGE_MESSAGES } from './merge-messages.ts';
import { reduceInThreads, sortInThreads, streamFromThread } from './merge-threads.ts';
import { type MergeInput, planPass } from './passes.ts';
import { mergeStreams, startAll } from './streams.ts';

export interface MergeOptions {
  k: number;
  threads: number;
  /** Whether all files have p-values, which are kept as the extra column. */
  hasPValues: boolean;
  /** Memory for reading, in addition to threads, batches and the writer. */
  memoryBytes: number;
  /** An existing folder for temporary files. */
  scratch: string;
  log(message: string): void;
  /** Called with the count of input hits that were read since the last call. */
  onRows(rows: number): void;
}

/**
 * Merges hits files into neighbours, in memory that grows neither with files, nor with queries, nor with k: threads merge groups of files,
 * and this thread merges their results. If too many files would be open at once, groups are first merged into temporary files.
 * @throws DataError if a file cannot be read
 */
export async function* mergeFiles(
  files: readonly HitsFile[],
  options: MergeOptions,
): AsyncGenerator<NeighbourColumns, void, void> {
  const { k, threads, hasPValues, memoryBytes, scratch } = options;
  let inputs: MergeInput[] = await sortWhereNeeded(files, options);
  let onRows = options.onRows;
  let pass = planPass(inputs, threads, memoryBytes);
  for (let number = 1; !pass.last; number++) {
    const tasks = pass.groups.map((paths, group) => ({
      ...{ paths, k, hasPValues },
      output: join(scratch, `pass${number}.${group}.parquet`),
    }));
    options.log(MERGE_MESSAGES.severalPasses(inputs.length, tasks.length));
    await reduceInThreads(tasks, threads, onRows);
    // Hits of temporary files were counted when they were read from the inputs.
    onRows = () => {};
    inputs = [];
    for (const { output } of tasks) inputs.push(await inspectHits(output));
    pass = planPass(inputs, threads, memoryBytes);
  }
  const streams = pass.groups.map((paths) => streamFromThread({ paths, k, hasPValues }, onRows));
  yield* mergeStreams(startAll(streams), k, hasPValues ? [P_VALUE] : []);
}

/** Checks the order of files that are not marked as sorted, and sorts those that are not sorted. */
async function sortWhereNeeded(files: readonly HitsFile[], options: MergeOptions): Promise<MergeInput[]> {
  const unknown = files.filter(({ ordered, rows }) => !ordered && rows > 0);
  if (unknown.length === 0) return [...files];
  options.log(MERGE_MESSAGES.checkingOrder(unknown.length));
  const tasks = Array.from({ length: Math.min(options.threads, unknown.length) }, (_, thread) => ({
    paths: unknown.filter((_, i) => i % options.threads === thread).map(({ path }) => path),
    folder: options.scratch,
    label: `sorted${thread}`,
  }));
  const sortedFiles = Object.assign({}, ...(await sortInThreads(tasks)));
  const inputs: MergeInput[] = [];
  for (const file of files) {
    const sorted: string[] | undefined = sortedFiles[file.path];
    if (!sorted) inputs.push(file);
    else {
      options.log(MERGE_MESSAGES.sortedFirst(file.path));
      for (const path of sorted) inputs.push(await inspectHits(path));
    }
  }
  return inputs;
}
