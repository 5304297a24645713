import { Worker } from 'node:worker_threads';
import { DataError, TransientError, UserError } from '../base/errors.ts';
import type { Failure, ShardAnswer, ShardRequest, ShardThreadData } from './shard-worker.ts';

type Answered = Exclude<ShardAnswer, { failure: Failure }>;

/** How often the thread's progress is looked at. */
const LOOK_MS = 500;
/** CPU time in which the library must read another part of the file, and more of it for each byte of a chunk that it unpacks. */
const STALL_SECONDS = 3;
const UNPACKED_BYTES_PER_SECOND = 20e6;

/** A request that is not answered yet. */
interface Waiting extends PromiseWithResolvers<Answered> {
  /** What the file is called, and what is read of it. */
  what: string;
  path: string;
  stallSeconds: number;
}

/**
 * The thread in which the library runs. In a damaged file it can loop for ever: here it keeps nobody from handling a signal,
 * and is ended when it uses CPU time without reading anything new.
 */
class ShardThread {
  readonly #progress = new Int32Array(new SharedArrayBuffer(4));
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** The progress that was last seen, and the thread's CPU time then. */
  #seen = { progress: -1, cpuSeconds: 0 };
  #failure: Error | undefined;

  constructor() {
    const workerData: ShardThreadData = { progress: this.#progress };
    this.#worker = new Worker(new URL('./shard-worker.ts', import.meta.url), { workerData });
    this.#worker.on('message', (answer: ShardAnswer) => this.#receive(answer));
    this.#worker.on('error', (error) => this.#fail(error as Error));
    this.#worker.on('exit', () => this.#fail(new Error('the thread that reads HDF5 has ended')));
    this.#worker.unref();
  }

  /** Whether it can be asked. */
  get isUsable(): boolean {
    return this.#failure === undefined;
  }

  ask(request: ShardRequest, about: { path: string; what: string; mostChunkBytes: number }): Promise<Answered> {
    if (this.#failure) return Promise.reject(this.#failure);
    const stallSeconds = stallLimit() + about.mostChunkBytes / UNPACKED_BYTES_PER_SECOND;
    const waiting = { ...Promise.withResolvers<Answered>(), ...about, stallSeconds };
    if (this.#waiting.push(waiting) === 1) this.#watch();
    const transfer = 'vectors' in request && request.vectors ? [request.vectors] : [];
    this.#worker.postMessage(request, transfer);
    return waiting.promise;
  }

  #watch(): void {
    // A thread that nobody waits for does not keep the process alive.
    this.#worker.ref();
    this.#seen = { progress: -1, cpuSeconds: 0 };
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    const usage = await this.#worker.cpuUsage().catch(() => undefined);
    const [first] = this.#waiting;
    if (!usage || !first) return;
    const progress = Atomics.load(this.#progress, 0);
    const cpuSeconds = (usage.user + usage.system) / 1e6;
    if (progress !== this.#seen.progress) this.#seen = { progress, cpuSeconds };
    else if (cpuSeconds - this.#seen.cpuSeconds > first.stallSeconds) {
      this.#fail(
        new DataError(
          `${first.path}: HDF5 did not come back from reading ${first.what}; the file is damaged. ` +
            'Make it again, or see how much of it other programs can read (h5dump, h5py).',
        ),
      );
      await this.#worker.terminate();
    }
  }

  #receive(answer: ShardAnswer): void {
    this.#seen.progress = -1;
    const waiting = this.#waiting.shift();
    if (this.#waiting.length === 0) {
      this.#worker.unref();
      clearInterval(this.#timer);
    }
    if (!('failure' in answer)) {
      waiting?.resolve(answer);
      return;
    }
    const error = errorOf(answer.failure, waiting?.path);
    waiting?.reject(error);
    if (!answer.failure.isFatal) return;
    this.#fail(error);
    void this.#worker.terminate();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    clearInterval(this.#timer);
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#failure);
  }
}

/** For tests: seconds of CPU time. */
function stallLimit(): number {
  return Number(process.env.LANCEFLOW_STALL_SECONDS ?? STALL_SECONDS);
}

function errorOf({ message, exitCode, code }: Failure, path: string | undefined): Error {
  if (exitCode === 65) return new DataError(message);
  if (exitCode === 75) return new TransientError(message);
  if (exitCode !== undefined) return new UserError(exitCode, message);
  return Object.assign(new Error(message), { code, path });
}

let current: ShardThread | undefined;

/** The process's thread for reading shards; a new one where the last one was lost in a damaged file. */
export function shardThread(): ShardThread {
  if (!current?.isUsable) current = new ShardThread();
  return current;
}
