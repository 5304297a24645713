import { rankHits } from '../../core/search/hit-order.ts';
import { columnBytes, type Utf8Column } from '../../core/utf8-column.ts';
import type { HitsWriter } from '../parquet/hits-writer.ts';

/** Hits are looked up and written this many at a time. */
export const HITS_PER_BATCH = 200_000;

/** Which of the nearest rows are hits. */
export interface HitFilter {
  k: number;
  /** Leave out a query's own id. */
  excludeSelf: boolean;
  maxDistance: number;
}

/** Rows to find for a query, so that k are left when its own is taken out. */
export function rowsToFind({ k, excludeSelf }: HitFilter): number {
  return excludeSelf ? k + 1 : k;
}

/** Ranks what was found for each query and collects the hits into batches for the writer. */
export class HitSink {
  hits = 0;
  readonly #writer: HitsWriter;
  readonly #bucket: string;
  readonly #filter: HitFilter;
  #queries: Uint8Array[] = [];
  #targets: Uint8Array[] = [];
  #distances: number[] = [];

  constructor(writer: HitsWriter, bucket: string, filter: HitFilter) {
    this.#writer = writer;
    this.#bucket = bucket;
    this.#filter = filter;
  }

  /** Adds what was found for a query; queries come in the order of their ids. @param targets positions in `ids` */
  async add(
    queryId: Uint8Array,
    targets: readonly number[],
    distances: ArrayLike<number>,
    ids: Utf8Column,
  ): Promise<void> {
    const { k, excludeSelf, maxDistance } = this.#filter;
    const ranked = rankHits(targets, distances, ids, rowsToFind(this.#filter));
    let left = k;
    for (let i = 0; i < ranked.targets.length && left > 0 && ranked.distances[i]! <= maxDistance; i++) {
      const target = columnBytes(ids, ranked.targets[i]!);
      if (excludeSelf && Buffer.compare(target, queryId) === 0) continue;
      this.#queries.push(queryId);
      this.#targets.push(target);
      this.#distances.push(ranked.distances[i]!);
      this.hits++;
      left--;
    }
    if (this.#distances.length >= HITS_PER_BATCH) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#distances.length === 0) return;
    const batch = {
      queryIds: columnOf(this.#queries),
      targetIds: columnOf(this.#targets),
      distances: Float32Array.from(this.#distances),
      bucket: this.#bucket,
    };
    this.#queries = [];
    this.#targets = [];
    this.#distances = [];
    await this.#writer.append(batch);
  }
}

function columnOf(texts: readonly Uint8Array[]): Utf8Column {
  const offsets = new Int32Array(texts.length + 1);
  for (const [i, text] of texts.entries()) offsets[i + 1] = offsets[i]! + text.length;
  return { offsets, bytes: Buffer.concat(texts) };
}
