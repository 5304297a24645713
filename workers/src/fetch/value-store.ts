import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fillFromFile } from '../base/files/fill-from-file.ts';

/** Offset and byte count of a record. */
const PLACE_NUMBERS = 2;
const PLACE_BYTES = 8 * PLACE_NUMBERS;
/** Places of a bucket that are read at a time. */
const PLACES_AHEAD = 1024;

/**
 * Records of targets, and for each neighbour of a bucket the place of its target's record, in two files. Records are written once, in any
 * order; places in the order of the neighbours, which is the order in which they are read.
 */
export class ValueStore {
  readonly #records: number;
  readonly #places: number;
  #recordBytes = 0;
  readonly #segments = new Map<string, Segment>();
  #buffer = new Uint8Array(64 * 1024);

  /** @param folder existing, for the files @param rows neighbours of each bucket that has values */
  constructor(folder: string, rows: ReadonlyMap<string, number>) {
    this.#records = openSync(join(folder, 'records'), 'w+');
    this.#places = openSync(join(folder, 'places'), 'w+');
    let first = 0;
    for (const [bucket, count] of rows) {
      this.#segments.set(bucket, { at: first, written: first, end: first + count, ahead: EMPTY, next: 0 });
      first += count;
    }
  }

  /** Appends records. @returns the offset of the first */
  addRecords(bytes: Uint8Array): number {
    const offset = this.#recordBytes;
    writeAll(this.#records, bytes, offset);
    this.#recordBytes += bytes.length;
    return offset;
  }

  /** Appends the places of a bucket's next neighbours: offset and byte count of each record. */
  addPlaces(bucket: string, places: Float64Array): void {
    const segment = this.#segments.get(bucket)!;
    writeAll(
      this.#places,
      new Uint8Array(places.buffer, places.byteOffset, places.byteLength),
      segment.written * PLACE_BYTES,
    );
    segment.written += places.length / PLACE_NUMBERS;
  }

  /** Reads the record of a bucket's next neighbour. @returns undefined for a bucket without values; valid until the next call */
  next(bucket: string): Uint8Array | undefined {
    const segment = this.#segments.get(bucket);
    if (!segment) return undefined;
    if (segment.next === segment.ahead.length) this.#readPlaces(segment);
    const offset = segment.ahead[segment.next++]!;
    const length = segment.ahead[segment.next++]!;
    if (this.#buffer.length < length) this.#buffer = new Uint8Array(2 * length);
    const record = this.#buffer.subarray(0, length);
    readAll(this.#records, record, offset);
    return record;
  }

  [Symbol.dispose](): void {
    closeSync(this.#records);
    closeSync(this.#places);
  }

  #readPlaces(segment: Segment): void {
    const count = Math.min(PLACES_AHEAD, segment.end - segment.at);
    if (count <= 0) throw new RangeError('more neighbours than places');
    const ahead = new Float64Array(count * PLACE_NUMBERS);
    readAll(this.#places, new Uint8Array(ahead.buffer), segment.at * PLACE_BYTES);
    segment.ahead = ahead;
    segment.next = 0;
    segment.at += count;
  }
}

/** The places of a bucket: those from `at` on are still to be read. */
interface Segment {
  at: number;
  written: number;
  end: number;
  ahead: Float64Array;
  next: number;
}

const EMPTY = new Float64Array(0);

function writeAll(file: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done, bytes.length - done, position + done);
}

function readAll(file: number, into: Uint8Array, position: number): void {
  if (!fillFromFile(file, into, position)) throw new Error(`a scratch file ends before byte ${position + into.length}`);
}
