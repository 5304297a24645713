import { columnBytes, columnFromBytes, type Utf8Column } from '../../base/bytes/utf8-column.ts';
import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import { HITS_ROW_GROUP } from '../../hits/columns.ts';
import type { HitsWriter } from '../../hits/parquet/hits-writer.ts';
import { rankHits } from '../../hits/rank.ts';
import { type HitFilter, searchK } from '../search-request.ts';

/** Ids of hits are looked up this many at a time. */
export const HITS_PER_BATCH = 200_000;

/** The file of hits, and which of the nearest rows are written to it. */
export interface HitsOutput {
  /** A temporary name. */
  path: string;
  metadata: Record<string, string>;
  filter: HitFilter;
  /** Whether the bucket has a null distribution, so that its hits have p-values. */
  hasPValues: boolean;
}

/**
 * Returns whether hits of a bucket get p-values: those built by earlier versions have no null distribution, and a refine factor of 0
 * reports the distances of the codes.
 */
export function hasPValues({ nullDistances }: CatalogEntry, refineFactor: number | undefined): boolean {
  return nullDistances !== undefined && refineFactor !== 0;
}

/** Writes the hits that `search` adds to a sink. */
export async function withHitSink(
  { path, metadata, filter, hasPValues }: HitsOutput,
  bucket: string,
  search: (sink: HitSink) => Promise<void>,
): Promise<{ hits: number; bytes: number }> {
  // It loads the encoder of Parquet, which only threads need in a scan.
  const { createHits } = await import('../../hits/parquet/hits-writer.ts');
  const writer = await createHits(path, metadata, hasPValues);
  try {
    const sink = new HitSink(writer, bucket, filter);
    await search(sink);
    await sink.flush();
    return { hits: sink.hits, bytes: await writer.finish() };
  } catch (error) {
    await writer.abandon();
    throw error;
  }
}

/** Ranks the rows found for each query and collects the hits into batches for the writer. */
export class HitSink {
  hits = 0;
  readonly #writer: HitsWriter;
  readonly #bucket: string;
  readonly #filter: HitFilter;
  #queries: Uint8Array[] = [];
  #targets: Uint8Array[] = [];
  #distances: number[] = [];
  #pValues: number[] = [];
  #rowIds: number[] = [];

  constructor(writer: HitsWriter, bucket: string, filter: HitFilter) {
    this.#writer = writer;
    this.#bucket = bucket;
    this.#filter = filter;
  }

  /**
   * Adds the rows found for a query; queries come in the order of their ids.
   * @param targets positions in `ids` @param pValueOf of the query, where its hits have p-values
   * @param rowIds of `ids`, where hits have row ids
   */
  async add(
    queryId: Uint8Array,
    targets: readonly number[],
    distances: ArrayLike<number>,
    ids: Utf8Column,
    pValueOf?: (distance: number) => number,
    rowIds?: Float64Array,
  ): Promise<void> {
    const { k, excludeSelf, maxDistance } = this.#filter;
    const ranked = rankHits(targets, distances, ids, searchK(this.#filter));
    let left = k;
    for (let i = 0; i < ranked.targets.length && left > 0 && ranked.distances[i]! <= maxDistance; i++) {
      const target = columnBytes(ids, ranked.targets[i]!);
      if (excludeSelf && Buffer.compare(target, queryId) === 0) continue;
      this.#queries.push(queryId);
      this.#targets.push(target);
      this.#distances.push(ranked.distances[i]!);
      if (pValueOf) this.#pValues.push(pValueOf(ranked.distances[i]!));
      if (rowIds) this.#rowIds.push(rowIds[ranked.targets[i]!]!);
      this.hits++;
      left--;
    }
    // Batches of one size, wherever queries begin: the same hits give the same bytes, in however many blocks they came.
    if (this.#distances.length < HITS_ROW_GROUP) return;
    let at = 0;
    for (; at + HITS_ROW_GROUP <= this.#distances.length; at += HITS_ROW_GROUP)
      await this.#write(at, at + HITS_ROW_GROUP);
    this.#queries = this.#queries.slice(at);
    this.#targets = this.#targets.slice(at);
    this.#distances = this.#distances.slice(at);
    this.#pValues = this.#pValues.slice(at);
    this.#rowIds = this.#rowIds.slice(at);
  }

  /** Writes the hits that do not fill a row group. */
  async flush(): Promise<void> {
    if (this.#distances.length > 0) await this.#write(0, this.#distances.length);
    this.#queries = [];
    this.#targets = [];
    this.#distances = [];
    this.#pValues = [];
    this.#rowIds = [];
  }

  #write(from: number, to: number): Promise<void> {
    return this.#writer.append({
      queryIds: columnFromBytes(this.#queries.slice(from, to)),
      targetIds: columnFromBytes(this.#targets.slice(from, to)),
      distances: Float32Array.from(this.#distances.slice(from, to)),
      bucket: this.#bucket,
      ...(this.#pValues.length > 0 && { pValues: Float32Array.from(this.#pValues.slice(from, to)) }),
      ...(this.#rowIds.length > 0 && { rowIds: Float64Array.from(this.#rowIds.slice(from, to)) }),
    });
  }
}
