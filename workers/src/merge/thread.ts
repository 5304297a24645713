import { Worker } from 'node:worker_threads';
import { UserError } from '../base/errors.ts';
import { type HitColumns, hitsOf } from '../hits/columns.ts';
import type { MergeTask, SortedInputs } from './task.ts';
import type { WorkerMessage } from './worker.ts';

/**
 * Runs a task in a thread of its own.
 * @param onRows told of the hits read since the last call
 * @returns the batches of a `stream` task; its return value are the files of a `sort` task.
 *   Ending the iteration early ends the thread.
 */
export async function* runInThread(
  task: MergeTask,
  onRows: (rows: number) => void,
): AsyncGenerator<HitColumns, SortedInputs, void> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: task });
  const messages: (WorkerMessage | Error)[] = [];
  let onMessage = () => {};
  const receive = (message: WorkerMessage | Error) => {
    if (!(message instanceof Error) && message.kind === 'rows') return onRows(message.rows);
    messages.push(message);
    onMessage();
  };
  worker.on('message', receive);
  worker.on('error', receive);
  worker.on('exit', (code) => receive(new Error(`a merging thread ended with ${code}`)));
  try {
    for (;;) {
      const message = messages.shift();
      if (message === undefined) {
        await new Promise<void>((resolve) => {
          onMessage = resolve;
        });
        continue;
      }
      if (message instanceof Error) throw message;
      if (message.kind === 'done') return message.made;
      if (message.kind === 'failed') throw toError(message);
      if (message.kind === 'batch') {
        worker.postMessage('next');
        yield hitsOf(message.hits);
      }
    }
  } finally {
    await worker.terminate();
  }
}

function toError({ exitCode, message }: { exitCode: number | undefined; message: string }): Error {
  return exitCode === undefined ? new Error(message) : new UserError(exitCode, message);
}

/** Runs tasks that hand over no batches, `threads` at a time, and gives their results in their order. */
export async function runTasks(
  tasks: readonly MergeTask[],
  threads: number,
  onRows: (rows: number) => void,
): Promise<SortedInputs[]> {
  const results: SortedInputs[] = [];
  let next = 0;
  const workOff = async () => {
    while (next < tasks.length) {
      const at = next++;
      const run = runInThread(tasks[at]!, onRows);
      try {
        let step = await run.next();
        while (!step.done) step = await run.next();
        results[at] = step.value;
      } catch (error) {
        next = tasks.length; // nobody waits for the rest
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(threads, tasks.length) }, workOff));
  return results;
}
