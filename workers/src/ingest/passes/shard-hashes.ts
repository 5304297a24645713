import { ThreadPool } from '../../base/threads/thread-pool.ts';
import type { PlanSource } from '../../database/catalog/bucket-plan.ts';
import { otherRows } from '../ingest-messages.ts';
import { isWhole } from '../source-rows.ts';
import { isAll, type Unit } from '../units.ts';
import type { HashThread } from './hash-thread.ts';
import type { HashedBlock } from './run-reader.ts';

/** Reading threads for each thread that hashes: SHA-256 takes a fraction of the time that assigning and writing the same bytes takes. */
const THREADS_PER_HASH = 8;

/** The blocks of one shard. They are hashed in the order of their rows, and arrive in any order. */
interface Sequence {
  nextRow: number;
  waiting: Map<number, () => void>;
}

/** Checks the content hashes of shards that are longer than a unit, so that several threads read them. Owns the threads that hash. */
export class ShardHashes {
  readonly #dimension: number;
  /** The sources that are hashed here, by their position in the bucket. */
  readonly #sources: ReadonlyMap<number, PlanSource>;
  readonly #pool: ThreadPool<HashThread>;
  readonly #sequences = new Map<number, Sequence>();

  /** @param threads that read the units */
  constructor(units: readonly Unit[], dimension: number, threads: number) {
    this.#dimension = dimension;
    const divided = units.flatMap(({ ranges }) => ranges).filter((range) => isWhole(range.source) && !isAll(range));
    this.#sources = new Map(divided.map(({ index, source }) => [index, source]));
    const count = Math.min(Math.ceil(threads / THREADS_PER_HASH), this.#sources.size);
    this.#pool = new ThreadPool(new URL('./hash-thread.ts', import.meta.url), { name: 'shard hashes', count });
  }

  /**
   * Hashes a block of a shard.
   * @returns when it is hashed: its memory can be used again
   * @throws DataError where the last block shows that the shard is not the one that was planned
   */
  async add(block: HashedBlock): Promise<void> {
    const { source, start, rows } = block;
    const sequence = this.#sequences.get(source) ?? { nextRow: 0, waiting: new Map() };
    this.#sequences.set(source, sequence);
    if (start > sequence.nextRow) await new Promise<void>((resolve) => sequence.waiting.set(start, resolve));
    // Calls of a thread keep their order, so the next block need not wait for this one.
    const thread = this.#pool.threads[source % this.#pool.threads.length]!;
    const transfer = [block.ids, ...block.kept].flatMap(({ offsets, bytes }) => [
      offsets.buffer,
      bytes.buffer,
    ]) as ArrayBuffer[];
    const added = thread.call('add', block, { transfer });
    sequence.nextRow = start + rows;
    sequence.waiting.get(sequence.nextRow)?.();
    await added;
    const planned = this.#sources.get(source)!;
    if (start + rows < planned.rows) return;
    this.#sequences.delete(source);
    const { vectorType, columns = [] } = planned;
    const found = await thread.call('digest', { source, vectorType, dimension: this.#dimension, columns });
    if (found !== planned.contentHash) throw otherRows(planned);
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  terminate(reason?: Error): Promise<void> {
    return this.#pool.terminate(reason);
  }
}
