import { appendFileSync, closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { KEY_BYTES, KeyIndex } from '../base/bytes/key-index.ts';
import { murmur3 } from '../base/bytes/murmur3.ts';
import { columnBytes, columnLength, type Utf8Column } from '../base/bytes/utf8-column.ts';
import { fillFromFile } from '../base/files/fill-from-file.ts';
import { hitRows, type NeighbourColumns, textBytes, textsOf } from '../hits/columns.ts';
import { createTextBuilder, type TextBuilder } from '../hits/text-builder.ts';

/** Rows of a bucket, and bytes of all buckets, that are in memory before they are written. */
const BLOCK_ROWS = 512;
const MOST_BYTES = 32 * 2 ** 20;

/** Target ids of a bucket that are looked up together: they bound the memory, wherever the ids come from. */
export interface GroupLimits {
  ids: number;
  rows: number;
}
const GROUP_LIMITS: GroupLimits = { ids: 2 ** 20, rows: 2 ** 22 };

/** Targets of consecutive neighbours of a bucket, each id once. */
export interface TargetGroup {
  /** Position of the first neighbour among those of the bucket. */
  first: number;
  /** Number of an id by its hash (murmur3, 128 bits). */
  numbers: KeyIndex;
  /** For each neighbour, the number of its target. */
  targets: Int32Array;
}

/** The target ids of neighbours, in files by bucket, in the order of the neighbours. */
export class TargetLists {
  readonly #folder: string;
  /** By the name of the bucket as latin1 of its bytes. */
  readonly #buckets = new Map<string, { file: string; rows: number; unwritten: TextBuilder; unwrittenRows: number }>();
  #bytes = 0;

  /** @param folder existing, for the files */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Returns the row count of each bucket, by its name, in the order of the names. */
  get rows(): Map<string, number> {
    const rows = [...this.#buckets].map(([name, list]) => [bucketName(name), list.rows] as const);
    return new Map(rows.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  add(batch: NeighbourColumns): void {
    const buckets = textsOf(batch.buckets);
    const { bytes, offsets } = batch.targetIds;
    for (let row = 0; row < hitRows(batch); row++) {
      const list = this.#list(Buffer.from(textBytes(buckets, row)).toString('latin1'));
      const [start, end] = [offsets[row]!, offsets[row + 1]!];
      list.unwritten.push(bytes, start, end);
      list.rows++;
      this.#bytes += end - start;
      if (++list.unwrittenRows === BLOCK_ROWS) this.#write(list);
    }
    if (this.#bytes > MOST_BYTES) this.finish();
  }

  /** Writes what is still in memory. */
  finish(): void {
    for (const list of this.#buckets.values()) this.#write(list);
    this.#bytes = 0;
  }

  /** Reads the ids of a bucket, block by block. */
  *read(bucket: string): Generator<Utf8Column> {
    const list = this.#buckets.get(Buffer.from(bucket).toString('latin1'));
    if (!list) return;
    const file = openSync(list.file, 'r');
    try {
      for (let at = 0; ; ) {
        const head = new Int32Array(2);
        if (!fillFromFile(file, new Uint8Array(head.buffer), at)) return;
        const [rows, byteLength] = head as unknown as [number, number];
        const offsets = new Int32Array(rows + 1);
        const bytes = new Uint8Array(byteLength);
        fillFromFile(file, new Uint8Array(offsets.buffer), at + head.byteLength);
        fillFromFile(file, bytes, at + head.byteLength + offsets.byteLength);
        yield { offsets, bytes };
        at += head.byteLength + offsets.byteLength + byteLength;
      }
    } finally {
      closeSync(file);
    }
  }

  /** Divides the neighbours of a bucket into groups. */
  *groups(bucket: string, limits = GROUP_LIMITS): Generator<TargetGroup> {
    const key = new Uint32Array(KEY_BYTES / 4);
    let numbers = new KeyIndex(limits.ids);
    let targets: number[] = [];
    let first = 0;
    for (const ids of this.read(bucket))
      for (let row = 0; row < columnLength(ids); row++) {
        if (numbers.isFull || targets.length === limits.rows) {
          yield { first, numbers, targets: Int32Array.from(targets) };
          first += targets.length;
          numbers = new KeyIndex(limits.ids);
          targets = [];
        }
        murmur3(ids.bytes, ids.offsets[row]!, ids.offsets[row + 1]!, key, 0);
        const known = numbers.get(key, 0);
        targets.push(known ?? numbers.size);
        if (known === undefined) numbers.add(key, 0, numbers.size);
      }
    if (targets.length > 0) yield { first, numbers, targets: Int32Array.from(targets) };
  }

  /** Reads the target ids of some of a bucket's neighbours, in one pass. @param positions among the neighbours of the bucket, ascending */
  *idsAt(bucket: string, positions: readonly number[]): Generator<Uint8Array> {
    let [first, next] = [0, 0];
    for (const ids of this.read(bucket)) {
      const end = first + columnLength(ids);
      for (; next < positions.length && positions[next]! < end; next++)
        yield columnBytes(ids, positions[next]! - first);
      if (next === positions.length) return;
      first = end;
    }
  }

  #list(name: string) {
    const known = this.#buckets.get(name);
    if (known) return known;
    const file = join(this.#folder, `targets.${this.#buckets.size}`);
    const list = { file, rows: 0, unwritten: createTextBuilder(BLOCK_ROWS), unwrittenRows: 0 };
    this.#buckets.set(name, list);
    return list;
  }

  #write(list: { file: string; unwritten: TextBuilder; unwrittenRows: number }): void {
    if (list.unwrittenRows === 0) return;
    const { offsets, bytes } = list.unwritten.take();
    const head = Int32Array.of(list.unwrittenRows, bytes.length);
    appendFileSync(list.file, Buffer.concat([bytesOf(head), bytesOf(offsets), bytes]));
    list.unwrittenRows = 0;
  }
}

function bucketName(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString();
}

function bytesOf({ buffer, byteOffset, byteLength }: Int32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
