import { mapConcurrently } from '../concurrency/map-concurrently.ts';
import type { AnswerOf, EventOf, RequestOf, ThreadMethods } from './thread-messages.ts';
import { type CallOptions, type ThreadOptions, WorkerThread } from './worker-thread.ts';

export interface PoolOptions extends Omit<ThreadOptions, 'workerData' | 'onFailure'> {
  count: number;
  /** Returns the data with which a thread starts, by its position. */
  workerData?: (thread: number) => unknown;
  /** Requests sent to a thread at once. Two keep it busy while an answer is handled; with one, the least loaded thread takes each request. */
  requestsPerThread?: number;
}

interface TaskOptions<Event> extends CallOptions<Event> {
  /** Queued tasks start in ascending order of this number, equal ones in the order of the calls. Default: 0. */
  order?: number;
}

interface Task {
  order: number;
  start(thread: number): void;
  reject(reason: Error): void;
}

/**
 * A pool of identical worker threads with one queue of tasks. If one thread fails, the waiting tasks are rejected with its reason, and the
 * other threads are terminated.
 */
export class ThreadPool<M extends ThreadMethods<M>> {
  /** The threads, for requests to a specific one. */
  readonly threads: readonly WorkerThread<M>[];
  readonly #requestsPerThread: number;
  readonly #running: number[];
  readonly #queue: Task[] = [];
  #failure: Error | undefined;

  /** @param module as for `WorkerThread` */
  constructor(module: URL, { count, workerData, requestsPerThread = 1, ...options }: PoolOptions) {
    this.#requestsPerThread = requestsPerThread;
    this.#running = new Array<number>(count).fill(0);
    const onFailure = (reason: Error) => this.#fail(reason);
    this.threads = Array.from(
      { length: count },
      (_, thread) => new WorkerThread<M>(module, { ...options, workerData: workerData?.(thread), onFailure }),
    );
  }

  /** Calls a method in the least loaded thread, as soon as one is free. */
  run<K extends keyof M & string>(
    method: K,
    request: RequestOf<M[K]>,
    { order = 0, ...options }: TaskOptions<EventOf<M[K]>> = {},
  ): Promise<AnswerOf<M[K]>> {
    if (this.#failure) return Promise.reject(this.#failure);
    const { promise, resolve, reject } = Promise.withResolvers<AnswerOf<M[K]>>();
    const start = (thread: number) => {
      this.#running[thread]!++;
      this.threads[thread]!.call(method, request, options)
        .then(resolve, reject)
        .finally(() => {
          this.#running[thread]!--;
          this.#startNext();
        });
    };
    const after = this.#queue.findLastIndex((task) => task.order <= order);
    this.#queue.splice(after + 1, 0, { order, start, reject });
    this.#startNext();
    return promise;
  }

  /**
   * Calls a method for each request, in order. After the first failure, no further calls start.
   * @returns the answers in the order of the requests
   */
  runAll<K extends keyof M & string>(
    method: K,
    requests: Iterable<RequestOf<M[K]>>,
    options: (request: RequestOf<M[K]>) => TaskOptions<EventOf<M[K]>> = () => ({}),
  ): Promise<AnswerOf<M[K]>[]> {
    const concurrency = this.threads.length * this.#requestsPerThread;
    return mapConcurrently(requests, concurrency, (request) => this.run(method, request, options(request)));
  }

  /** Calls a method once in every thread. @param requestOf the request of a thread, by its position */
  async runInEach<K extends keyof M & string>(
    method: K,
    requestOf: (thread: number) => RequestOf<M[K]>,
  ): Promise<AnswerOf<M[K]>[]> {
    return Promise.all(this.threads.map((thread, i) => thread.call(method, requestOf(i))));
  }

  /** Ends the threads when the tasks that they have started are done. @throws the reason if a thread ended before */
  async close(): Promise<void> {
    if (this.#failure) throw this.#failure;
    await Promise.all(this.threads.map((thread) => thread.close()));
  }

  /** Terminates the threads now. @param reason with which unanswered requests are rejected */
  async terminate(reason?: Error): Promise<void> {
    await Promise.all(this.threads.map((thread) => thread.terminate(reason)));
  }

  #startNext(): void {
    while (this.#queue.length > 0) {
      const load = Math.min(...this.#running);
      if (load >= this.#requestsPerThread) return;
      this.#queue.shift()!.start(this.#running.indexOf(load));
    }
  }

  #fail(reason: Error): void {
    if (this.#failure) return;
    this.#failure = reason;
    for (const task of this.#queue.splice(0)) task.reject(reason);
    void this.terminate(reason);
  }
}

/** Runs `use` with a pool of threads, which are closed after success and terminated after a failure. */
export function withThreadPool<M extends ThreadMethods<M>, R>(
  module: URL,
  options: PoolOptions,
  use: (pool: ThreadPool<M>) => Promise<R>,
): Promise<R> {
  return withStartedPool(new ThreadPool<M>(module, options), use);
}

/** Runs `use` with a pool that was started ahead of it, and ends it as `withThreadPool` does. */
export async function withStartedPool<M extends ThreadMethods<M>, R>(
  pool: ThreadPool<M>,
  use: (pool: ThreadPool<M>) => Promise<R>,
): Promise<R> {
  try {
    const result = await use(pool);
    await pool.close();
    return result;
  } catch (error) {
    await pool.terminate(error instanceof Error ? error : undefined);
    throw error;
  }
}
