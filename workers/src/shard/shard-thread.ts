import { numberVariable } from '../app/environment.ts';
import type { AnswerOf, RequestOf } from '../base/threads/thread-messages.ts';
import { WorkerThread } from '../base/threads/worker-thread.ts';
import { libraryStalled } from './shard-messages.ts';
import type { ShardMethods, ShardThreadData } from './shard-worker.ts';

const CHECK_INTERVAL_MS = 500;
/** CPU time within which the library must read another part of the file; each byte of a chunk to decompress adds to it. */
const STALL_SECONDS = 3;
const DECOMPRESSED_BYTES_PER_SECOND = 20e6;

/** The file and part that a request reads, for the message if the request never ends. */
export interface ShardRead {
  path: string;
  what: string;
  /** Bytes of the largest chunk, decompressed. */
  maxChunkBytes: number;
}

/**
 * The thread in which the HDF5 library runs. The library can loop forever in a damaged file. In a thread, this blocks no signal handler,
 * and the thread is terminated when it uses CPU time without reading anything new.
 */
class ShardThread {
  readonly #progress = new Int32Array(new SharedArrayBuffer(4));
  readonly #thread: WorkerThread<ShardMethods>;
  /** Unanswered requests; the thread handles the first. */
  readonly #reads: ShardRead[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** The last known progress, and the thread's CPU time at that moment. */
  #seen = { progress: -1, cpuSeconds: 0 };
  /** Shorter in tests. */
  readonly #stallSeconds = numberVariable('LANCEFLOW_STALL_SECONDS', STALL_SECONDS, { least: 0.01, decimals: true });

  /** @throws UsageError if LANCEFLOW_STALL_SECONDS is wrong */
  constructor() {
    const workerData: ShardThreadData = { progress: this.#progress };
    this.#thread = new WorkerThread(new URL('./shard-worker.ts', import.meta.url), { name: 'hdf5', workerData });
  }

  get isUsable(): boolean {
    return this.#thread.failure === undefined;
  }

  /** Calls a method of shard-worker.ts. @throws DataError if the file is damaged */
  async call<K extends keyof ShardMethods>(
    method: K,
    request: RequestOf<ShardMethods[K]>,
    read: ShardRead,
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<AnswerOf<ShardMethods[K]>> {
    if (this.#reads.push(read) === 1) this.#watch();
    try {
      return await this.#thread.call(method, request, { transfer });
    } finally {
      this.#reads.splice(this.#reads.indexOf(read), 1);
      this.#seen.progress = -1;
      if (this.#reads.length === 0) clearInterval(this.#timer);
    }
  }

  #watch(): void {
    this.#seen = { progress: -1, cpuSeconds: 0 };
    this.#timer = setInterval(() => void this.#check(), CHECK_INTERVAL_MS);
    this.#timer.unref();
  }

  async #check(): Promise<void> {
    const usage = await this.#thread.cpuUsage().catch(() => undefined);
    const [read] = this.#reads;
    if (!usage || !read) return;
    const progress = Atomics.load(this.#progress, 0);
    const cpuSeconds = (usage.user + usage.system) / 1e6;
    const stallSeconds = this.#stallSeconds + read.maxChunkBytes / DECOMPRESSED_BYTES_PER_SECOND;
    if (progress !== this.#seen.progress) this.#seen = { progress, cpuSeconds };
    else if (cpuSeconds - this.#seen.cpuSeconds > stallSeconds)
      await this.#thread.terminate(libraryStalled(read.path, read.what));
  }
}

let current: ShardThread | undefined;

/** Returns the process's thread for reading shards; a new one if a damaged file made the last one unusable. */
export function shardThread(): ShardThread {
  if (!current?.isUsable) current = new ShardThread();
  return current;
}
