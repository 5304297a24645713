import { Semaphore } from '../base/concurrency/semaphore.ts';
import { serveRequests } from '../base/threads/serve-requests.ts';
import type { ThreadContext } from '../base/threads/thread-messages.ts';
import { type NeighbourColumns, neighbourBuffers } from '../hits/columns.ts';
import { writeHits } from '../hits/parquet/hits-writer.ts';
import { type MergeTask, mergeSorted, sortInputs } from './merge-tasks.ts';

/** An event of a task: the count of hits that it has read, or a batch of a stream. */
export type MergeEvent = { rows: number } | { hits: NeighbourColumns };
type Context = ThreadContext<MergeEvent>;

/** Batches that a thread prepares while its owner merges an earlier one. */
const BATCHES_AHEAD = 4;
/** Hits between two reports of progress. */
const ROWS_STEP = 100_000;

const methods = {
  sort: sortInputs,

  /** Merges sorted files into one file. */
  async reduce({ output, ...task }: MergeTask & { output: string }, context: Context): Promise<void> {
    const progress = startProgress(context);
    await writeHits(output, mergeSorted(task, progress.add), {}, task.hasPValues);
    progress.flush();
  },

  /** Merges sorted files and emits the batches. */
  async stream(task: MergeTask, context: Context): Promise<void> {
    const progress = startProgress(context);
    const ahead = new Semaphore(BATCHES_AHEAD);
    for await (const hits of mergeSorted(task, progress.add)) {
      await ahead.acquire();
      context.emit({ hits }, neighbourBuffers(hits)).then(
        () => ahead.release(),
        () => ahead.release(),
      );
    }
    progress.flush();
  },
};

export type MergeMethods = typeof methods;

serveRequests(methods);

function startProgress({ emit }: Context) {
  let unreported = 0;
  const flush = () => {
    if (unreported > 0) void emit({ rows: unreported });
    unreported = 0;
  };
  return {
    add(rows: number) {
      unreported += rows;
      if (unreported >= ROWS_STEP) flush();
    },
    flush,
  };
}
