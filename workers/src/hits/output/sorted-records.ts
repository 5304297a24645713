import { appendFileSync, closeSync, openSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { KEY_BYTES, KeyIndex } from '../../base/bytes/key-index.ts';
import { murmur3 } from '../../base/bytes/murmur3.ts';
import { popHeap, pushHeap, sinkHeap } from '../heap.ts';

/** Records, and their bytes, that are sorted in memory. */
export interface RunLimits {
  records: number;
  bytes: number;
}
const RUN_LIMITS: RunLimits = { records: 2 ** 16, bytes: 32 * 2 ** 20 };
const HEAD_BYTES = 16;
const READ_BYTES = 64 * 1024;
const EMPTY = new Uint8Array(0);

export interface SortedRecord {
  readonly id: Uint8Array;
  bytes: Uint8Array;
  /** Of the content. */
  checksum: number;
  /** Whether records of this id, those that are not empty, have several checksums. */
  isAmbiguous: boolean;
}

/**
 * Sorts any number of records by the bytes of their ids, in constant memory. Of several with one id, the first that was added counts that is
 * not empty; an empty one, where there is no other.
 */
export class SortedRecords {
  readonly #folder: string;
  readonly #limits: RunLimits;
  readonly #key = new Uint32Array(KEY_BYTES / 4);
  readonly #runs: string[] = [];
  #known: KeyIndex;
  #records: SortedRecord[] = [];
  #bytes = 0;

  /** @param folder existing, for sorted runs that do not fit into memory */
  constructor(folder: string, limits = RUN_LIMITS) {
    this.#folder = folder;
    this.#limits = limits;
    this.#known = new KeyIndex(limits.records);
  }

  /**
   * Adds a record unless its id is known to be there.
   * @param checksum of the content; undefined: the record is empty
   * @param record creates its bytes
   */
  add(id: Uint8Array, checksum: number | undefined, record: () => Uint8Array): void {
    murmur3(id, 0, id.length, this.#key, 0);
    const known = this.#known.get(this.#key, 0);
    if (known !== undefined) {
      const one = this.#records[known]!;
      if (checksum === undefined) return;
      if (one.bytes.length > 0) {
        one.isAmbiguous ||= one.checksum !== checksum;
        return;
      }
      one.bytes = record();
      one.checksum = checksum;
      this.#bytes += one.bytes.length;
      return;
    }
    if (this.#known.isFull || this.#bytes > this.#limits.bytes) this.#writeRun();
    this.#known.add(this.#key, 0, this.#records.length);
    const bytes = checksum === undefined ? EMPTY : record();
    const one = { id: id.slice(), bytes, checksum: checksum ?? 0, isAmbiguous: false };
    this.#records.push(one);
    this.#bytes += one.id.length + one.bytes.length;
  }

  /** Returns all records in the order of their ids; no record may be added afterwards. */
  *sorted(): Generator<SortedRecord> {
    if (this.#runs.length === 0) {
      yield* this.#records.sort(byId);
      return;
    }
    this.#writeRun();
    const heap: Cursor[] = [];
    for (const [run, path] of this.#runs.entries()) {
      const records = readRun(path);
      const { value } = records.next();
      if (value) pushHeap(heap, { run, records, record: value }, inOrder);
    }
    let last: SortedRecord | undefined;
    while (heap.length > 0) {
      const cursor = heap[0]!;
      const { record } = cursor;
      if (last !== undefined && byId(last, record) === 0) {
        if (last.bytes.length === 0) last = record;
        else if (record.bytes.length > 0) last.isAmbiguous ||= record.isAmbiguous || record.checksum !== last.checksum;
      } else {
        if (last !== undefined) yield last;
        last = record;
      }
      const { value } = cursor.records.next();
      if (value) {
        cursor.record = value;
        sinkHeap(heap, inOrder);
      } else popHeap(heap, inOrder);
    }
    if (last !== undefined) yield last;
    for (const path of this.#runs) rmSync(path);
  }

  #writeRun(): void {
    const path = join(this.#folder, `run.${this.#runs.length}`);
    const heads = new DataView(new ArrayBuffer(HEAD_BYTES));
    let pieces: Uint8Array[] = [];
    for (const [i, { id, bytes, checksum, isAmbiguous }] of this.#records.sort(byId).entries()) {
      heads.setUint32(0, id.length);
      heads.setUint32(4, bytes.length);
      heads.setUint32(8, checksum);
      heads.setUint32(12, isAmbiguous ? 1 : 0);
      pieces.push(new Uint8Array(heads.buffer.slice(0)), id, bytes);
      if (i % 1024 < 1023 && i < this.#records.length - 1) continue;
      appendFileSync(path, Buffer.concat(pieces));
      pieces = [];
    }
    this.#runs.push(path);
    this.#records = [];
    this.#bytes = 0;
    this.#known = new KeyIndex(this.#limits.records);
  }
}

interface Cursor {
  run: number;
  records: Generator<SortedRecord, undefined>;
  record: SortedRecord;
}

function byId(a: SortedRecord, b: SortedRecord): number {
  return Buffer.compare(a.id, b.id);
}

/** Of records with one id, that of the earlier run comes first. */
function inOrder(a: Cursor, b: Cursor): number {
  return byId(a.record, b.record) || a.run - b.run;
}

function* readRun(path: string): Generator<SortedRecord, undefined> {
  const file = openSync(path, 'r');
  try {
    let block: Buffer = Buffer.alloc(0);
    /** Reads on until the block has `wanted` bytes. @returns false at the end of the file */
    const fill = (wanted: number) => {
      while (block.length < wanted) {
        const more = Buffer.alloc(Math.max(READ_BYTES, wanted - block.length));
        const read = readSync(file, more);
        if (read === 0) return false;
        block = Buffer.concat([block, more.subarray(0, read)]);
      }
      return true;
    };
    while (fill(HEAD_BYTES)) {
      const [idLength, length] = [block.readUint32BE(0), block.readUint32BE(4)];
      fill(HEAD_BYTES + idLength + length);
      const start = HEAD_BYTES + idLength;
      yield {
        id: block.subarray(HEAD_BYTES, start),
        bytes: block.subarray(start, start + length),
        checksum: block.readUInt32BE(8),
        isAmbiguous: block.readUInt32BE(12) === 1,
      };
      block = block.subarray(start + length);
    }
    return undefined;
  } finally {
    closeSync(file);
  }
}
