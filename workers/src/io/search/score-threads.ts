import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { FoundRows, SharedSearch } from './block-scorer.ts';
import type { ScoreAnswer, ScoreRequest, ScoreThreadData } from './score-worker.ts';

type TakeFound = (found: FoundRows) => Promise<void>;

/** Threads that score blocks: ONNX Runtime keeps its caller waiting, so each has a session of its own. */
export interface ScoreThreads {
  /**
   * @param vectors [rows, D] in shared memory @param queries positions of those to compare with; all where not given
   * @param take called with the rows found, in parts
   */
  score(vectors: Float32Array, queries: Int32Array | undefined, take: TakeFound): Promise<void>;
  close(): Promise<void>;
}

/** @param scratches one a thread */
export function startScoreThreads(shared: SharedSearch, scratches: readonly number[]): ScoreThreads {
  const threads = scratches.map((scratch) => new ScoreThread({ shared, scratch }));
  return {
    score(vectors, queries, take) {
      const idlest = threads.reduce((a, b) => (b.waiting < a.waiting ? b : a));
      return idlest.score({ vectors, queries }, take);
    },
    async close() {
      await Promise.all(threads.map((thread) => thread.close()));
    },
  };
}

class ScoreThread {
  readonly #worker: Worker;
  readonly #pending: Array<PromiseWithResolvers<void> & { take: TakeFound }> = [];
  readonly #exit: Promise<unknown>;
  #failure: Error | undefined;

  constructor(data: ScoreThreadData) {
    this.#worker = new Worker(new URL('./score-worker.ts', import.meta.url), { workerData: data });
    this.#exit = once(this.#worker, 'exit');
    this.#exit.catch(() => {}); // an error is reported below
    this.#worker.on('message', (answer: ScoreAnswer) => this.#receive(answer));
    this.#worker.on('error', (error) => this.#fail(error as Error));
    this.#worker.on('exit', (code) => this.#fail(new Error(`a scoring thread ended with ${code}`)));
  }

  /** Blocks that it has not answered. */
  get waiting(): number {
    return this.#pending.length;
  }

  score(request: ScoreRequest, take: TakeFound): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    const pending = Promise.withResolvers<void>();
    this.#pending.push({ ...pending, take });
    this.#worker.postMessage(request);
    return pending.promise;
  }

  #receive(answer: ScoreAnswer): void {
    if (answer.kind === 'done') this.#pending.shift()?.resolve();
    else if (answer.kind === 'failed') this.#pending.shift()?.reject(answer.error);
    else
      this.#pending[0]!.take(answer.found).then(
        () => this.#worker.postMessage('taken' satisfies ScoreRequest),
        (error: unknown) => this.#fail(error as Error),
      );
  }

  async close(): Promise<void> {
    if (this.#failure) await this.#worker.terminate();
    else this.#worker.postMessage('end' satisfies ScoreRequest);
    await this.#exit.catch(() => {});
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const pending of this.#pending.splice(0)) pending.reject(this.#failure);
  }
}
