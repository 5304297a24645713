import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { UserError } from '../../base/errors.ts';
import { busyThreads } from '../../base/threads/busy-threads.ts';
import type { VectorType } from '../../vectors/vector-type.ts';
import type { ChosenQueries, FoundRows } from './block-scorer.ts';
import type { SharedSearch } from './filters/shared-queries.ts';
import type { BlockRequest, BlockRows, ScoreAnswer, ScoreRequest, ScoreThreadData } from './score-worker.ts';

type TakeFound = (found: FoundRows) => Promise<void>;

/** Threads that score blocks: ONNX Runtime keeps its caller waiting, so each has a session of its own. */
export interface ScoreThreads {
  readonly count: number;
  /**
   * What they need for `score`.
   * @param vectorType of the rows that they read
   * @param scratches one a thread
   * @param rooms for the rows that a thread reads, [BLOCK_ROWS, D], one a thread
   */
  begin(
    shared: SharedSearch,
    vectorType: VectorType,
    scratches: readonly number[],
    rooms: readonly Float32Array[],
  ): void;
  /**
   * @param chosen the queries to compare with; all where not given
   * @param take called with the rows found, in parts
   */
  score(rows: BlockRows, chosen: ChosenQueries | undefined, take: TakeFound): Promise<void>;
  /** Ends them; those that have ended stay so. */
  close(): Promise<void>;
}

export function startScoreThreads(count: number): ScoreThreads {
  const threads = Array.from({ length: count }, () => new ScoreThread());
  return {
    count,
    begin(shared, vectorType, scratches, rooms) {
      for (const [i, thread] of threads.entries())
        thread.begin({ shared, vectorType, scratch: scratches[i]!, room: rooms[i]! });
    },
    score(rows, chosen, take) {
      const idlest = threads.reduce((a, b) => (b.waiting < a.waiting ? b : a));
      // Of a view, the whole buffer behind it would be sent.
      const own = chosen && { queries: chosen.queries.slice(), centre: chosen.centre.slice() };
      return idlest.score({ rows, chosen: own }, take);
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

  constructor() {
    this.#worker = new Worker(new URL('./score-worker.ts', import.meta.url));
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

  begin(data: ScoreThreadData): void {
    this.#worker.postMessage(data satisfies ScoreRequest);
  }

  score(request: BlockRequest, take: TakeFound): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    const pending = Promise.withResolvers<void>();
    this.#pending.push({ ...pending, take });
    busyThreads.add(this);
    this.#worker.postMessage(request);
    return pending.promise;
  }

  #receive(answer: ScoreAnswer): void {
    if (this.#pending.length === 1 && answer.kind !== 'part') busyThreads.delete(this);
    if (answer.kind === 'failed') this.#pending.shift()?.reject(toError(answer));
    else {
      const pending = this.#pending[0]!;
      const ended = answer.kind === 'done';
      if (ended) this.#pending.shift();
      pending.take(answer.found).then(
        () => (ended ? pending.resolve() : this.#worker.postMessage('taken' satisfies ScoreRequest)),
        (error: unknown) => (ended ? pending.reject(error) : this.#fail(error as Error)),
      );
    }
  }

  async close(): Promise<void> {
    if (this.#failure) await this.#worker.terminate();
    else this.#worker.postMessage('end' satisfies ScoreRequest);
    await this.#exit.catch(() => {}); // told by the blocks that failed
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    busyThreads.delete(this);
    for (const pending of this.#pending.splice(0)) pending.reject(this.#failure);
  }
}

/** Between threads, an error keeps its text but not its class. */
function toError({ error, exitCode }: Extract<ScoreAnswer, { kind: 'failed' }>): unknown {
  return exitCode !== undefined && error instanceof Error
    ? new UserError(exitCode, error.message, { cause: error })
    : error;
}
