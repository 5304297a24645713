import { availableParallelism } from 'node:os';
import { usageMemory } from '../../app/usage.ts';
import { Semaphore } from '../../base/concurrency/semaphore.ts';
import type { AnswerOf, RequestOf } from '../../base/threads/thread-messages.ts';
import { withThreadPool } from '../../base/threads/thread-pool.ts';
import type { S3Bucket } from '../client.ts';
import { type TransferTasks, transferTasks } from './transfer-tasks.ts';
import type { TransferThread } from './transfer-worker.ts';

/** Fewer bytes are transferred without threads. */
const LEAST_BYTES_FOR_THREADS = 64 * 2 ** 20;
/** A thread loads the SDK (0.3 CPU-seconds), which takes as long as sending this many bytes. */
const BYTES_PER_THREAD = 256 * 2 ** 20;
const MOST_THREADS = 16;
/** Two send 0.9 GB a second (docs/adr/0012), about as much as a build writes. */
const MOST_BACKGROUND_THREADS = 2;
const TASKS_PER_THREAD = 8;
const TASKS_WITHOUT_THREADS = 16;

type Run = <K extends keyof TransferTasks>(
  task: K,
  request: RequestOf<TransferTasks[K]>,
) => Promise<AnswerOf<TransferTasks[K]>>;

/** Runs tasks of a transfer. The first failure stops them all. */
export interface Transfers {
  /** 0 where tasks run in this thread. */
  readonly threads: number;
  /** Tasks that run at once; others wait. */
  readonly concurrency: number;
  /** Aborted when the tasks are stopped, with the reason. */
  readonly signal: AbortSignal;
  /** Stops all tasks, as a failure of one does. */
  stop(reason: unknown): void;
  run: Run;
}

interface TransferOptions {
  /** To be transferred in all. */
  bytes: number;
  /** Stops the tasks. Its reason is thrown. */
  signal?: AbortSignal | undefined;
  threads?: number | undefined;
}

/** Returns how many threads transfer these bytes: 0 where there is little to do. */
export function transferThreads(bytes: number, cores: number = availableParallelism()): number {
  return bytes < LEAST_BYTES_FOR_THREADS ? 0 : Math.min(cores, MOST_THREADS, Math.ceil(bytes / BYTES_PER_THREAD));
}

/** Returns how many threads transfer these bytes beside other work, which needs the cores and the memory too. */
export function backgroundThreads(bytes: number, cores: number = availableParallelism()): number {
  return Math.min(MOST_BACKGROUND_THREADS, Math.ceil(transferThreads(bytes, cores) / 2));
}

/** Runs `use` with what transfers files to and from a location: threads, which end with it, or this thread where there is little to do. */
export async function withTransfers<R>(
  s3: S3Bucket,
  { bytes, signal, threads = transferThreads(bytes) }: TransferOptions,
  use: (transfers: Transfers) => Promise<R>,
): Promise<R> {
  signal?.throwIfAborted();
  try {
    if (threads === 0) {
      const tasks = transferTasks(s3);
      const run = runHere(tasks);
      return await useStoppable({ threads, concurrency: TASKS_WITHOUT_THREADS, run }, () => tasks.stop(), signal, use);
    }
    const thread: TransferThread = { uri: s3.uri, usage: usageMemory(), concurrency: TASKS_PER_THREAD };
    const options = { name: 's3', count: threads, requestsPerThread: TASKS_PER_THREAD, workerData: () => thread };
    const module = new URL('./transfer-worker.ts', import.meta.url);
    return await withThreadPool<TransferTasks, R>(module, options, (pool) => {
      // A thread that has ended is stopped.
      const stop = () => void pool.runInEach('stop', () => undefined).catch(() => {});
      const run: Run = (task, request) => pool.run(task, request);
      return useStoppable({ threads, concurrency: threads * TASKS_PER_THREAD, run }, stop, signal, use);
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** Returns a function that runs tasks in this thread. */
function runHere(tasks: TransferTasks): Run {
  const slots = new Semaphore(TASKS_WITHOUT_THREADS);
  type AnyTask = (request: unknown) => unknown;
  const run = async (task: string, request: unknown) => {
    await slots.acquire();
    try {
      return await (tasks as unknown as Record<string, AnyTask>)[task]!(request);
    } finally {
      slots.release();
    }
  };
  return run as Run;
}

/** @throws the first failure of a task: others may reach `use` earlier, which are only of tasks that were stopped */
async function useStoppable<R>(
  { run, ...sizes }: Pick<Transfers, 'threads' | 'concurrency' | 'run'>,
  stopTasks: () => void,
  signal: AbortSignal | undefined,
  use: (transfers: Transfers) => Promise<R>,
): Promise<R> {
  const stopped = new AbortController();
  const stop = (reason: unknown) => {
    if (stopped.signal.aborted) return;
    stopped.abort(reason);
    stopTasks();
  };
  const fail = (error: unknown): never => {
    stop(error);
    throw error;
  };
  const lose = () => stop(signal?.reason);
  signal?.addEventListener('abort', lose, { once: true });
  try {
    return await use({
      ...sizes,
      signal: stopped.signal,
      stop,
      run: (task, request) => run(task, request).catch(fail),
    });
  } catch (error) {
    throw stopped.signal.aborted ? stopped.signal.reason : error;
  } finally {
    signal?.removeEventListener('abort', lose);
  }
}
