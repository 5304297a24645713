import { columnBytes, type Utf8Column } from '../../core/utf8-column.ts';
import type { HitsWriter } from '../parquet/hits-writer.ts';

/** Hits are looked up and written this many at a time. */
export const HITS_PER_BATCH = 200_000;

/** Collects hits into batches for the writer. */
export class HitSink {
  hits = 0;
  readonly #writer: HitsWriter;
  readonly #queryIds: Utf8Column;
  readonly #bucket: string;
  #queries: Uint8Array[] = [];
  #targets: Uint8Array[] = [];
  #distances: number[] = [];

  constructor(writer: HitsWriter, queryIds: Utf8Column, bucket: string) {
    this.#writer = writer;
    this.#queryIds = queryIds;
    this.#bucket = bucket;
  }

  add(query: number, targetId: Uint8Array, distance: number): void {
    this.#queries.push(columnBytes(this.#queryIds, query));
    this.#targets.push(targetId);
    this.#distances.push(distance);
    this.hits++;
  }

  async flushWhenFull(): Promise<void> {
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
