import { withThreadPool } from '../base/threads/thread-pool.ts';
import { WorkerThread } from '../base/threads/worker-thread.ts';
import { type HitColumns, hitsOf } from '../hits/columns.ts';
import type { MergeTask, SortedInputs, SortTask } from './merge-tasks.ts';
import type { MergeEvent, MergeMethods } from './merge-worker.ts';

const MODULE = new URL('./merge-worker.ts', import.meta.url);
const NAME = 'merge';

/** Runs sort tasks, each in a thread. */
export function sortInThreads(tasks: readonly SortTask[]): Promise<SortedInputs[]> {
  return withThreadPool<MergeMethods, SortedInputs[]>(MODULE, { name: NAME, count: tasks.length }, (pool) =>
    pool.runAll('sort', tasks),
  );
}

/** Merges each group of sorted files into one file. @param onRows called with the count of hits read since its last call */
export async function reduceInThreads(
  tasks: readonly (MergeTask & { output: string })[],
  threads: number,
  onRows: (rows: number) => void,
): Promise<void> {
  const onEvent = (event: MergeEvent) => {
    if ('rows' in event) onRows(event.rows);
  };
  const count = Math.min(threads, tasks.length);
  await withThreadPool<MergeMethods, unknown>(MODULE, { name: NAME, count }, (pool) =>
    pool.runAll('reduce', tasks, () => ({ onEvent })),
  );
}

/**
 * Merges sorted files in a separate thread, a few batches ahead of the caller. Ending the iteration early terminates the thread.
 * @param onRows called with the count of hits read since its last call
 */
export async function* streamFromThread(
  task: MergeTask,
  onRows: (rows: number) => void,
): AsyncGenerator<HitColumns, void, void> {
  const thread = new WorkerThread<MergeMethods>(MODULE, { name: NAME });
  const arrived: { hits: HitColumns; onTaken: () => void }[] = [];
  let wake = () => {};
  let isDone = false;
  const onEvent = (event: MergeEvent) => {
    if ('rows' in event) return onRows(event.rows);
    return new Promise<void>((onTaken) => {
      arrived.push({ hits: hitsOf(event.hits), onTaken });
      wake();
    });
  };
  const done = thread.call('stream', task, { onEvent }).finally(() => {
    isDone = true;
    wake();
  });
  done.catch(() => {}); // awaited below
  try {
    for (;;) {
      const batch = arrived.shift();
      if (batch) {
        batch.onTaken();
        yield batch.hits;
      } else if (isDone) return await done;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  } finally {
    await thread.terminate();
  }
}
