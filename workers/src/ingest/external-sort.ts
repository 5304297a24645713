import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Utf8Column } from '../base/bytes/utf8-column.ts';
import { partitionWindows, sortByPartition } from '../vectors/partition-sort.ts';

const PIECE_BYTES = 8 * 2 ** 20;

/** Rows in the order of their partitions. */
export interface SortedRows {
  vectors: Float32Array;
  ids: Utf8Column;
}

/** A run: rows that were in memory together, sorted by partition, somewhere in the scratch files. */
interface Run {
  /** Next row and id byte to read, counted over all runs. */
  nextRow: number;
  nextIdByte: number;
}

/** Descriptors of the scratch files. Synchronous calls: a merge makes many small reads, and LanceDB works meanwhile. */
interface RunFiles {
  vectors: number;
  idBytes: number;
  idLengths: number;
  counts: number;
}

/**
 * Sorts rows by partition outside of memory. Runs are sorted in memory and written one after another; reading back,
 * a window of partitions at a time takes one piece of each run. Each row is written once and read once. Rows of a
 * partition keep the order in which they came.
 */
export class PartitionSorter {
  readonly #files: RunFiles;
  readonly #dimension: number;
  readonly #partitionCount: number;
  readonly #pieceRows: number;
  readonly #runs: Run[] = [];
  readonly partitionRows: Float64Array;
  readonly #gathered = new Room();
  readonly #read = new Room();
  #rows = 0;
  #idBytes = 0;

  /** @param scratch folder for the runs: as much space as the rows need */
  constructor(scratch: string, dimension: number, partitionCount: number) {
    const make = (name: string) => openSync(join(scratch, name), 'w+');
    this.#files = {
      vectors: make('runs.f32'),
      idBytes: make('runs.ids'),
      idLengths: make('runs.lengths'),
      counts: make('runs.counts'),
    };
    this.#dimension = dimension;
    this.#partitionCount = partitionCount;
    this.#pieceRows = Math.max(1, Math.floor(PIECE_BYTES / (dimension * 4)));
    this.partitionRows = new Float64Array(partitionCount);
  }

  /** Writes a run. @param partitions the partition of each row */
  add(vectors: Float32Array, ids: Utf8Column, partitions: Int32Array): void {
    const { order, counts } = sortByPartition(partitions, this.#partitionCount);
    this.#runs.push({ nextRow: this.#rows, nextIdByte: this.#idBytes });
    writeAll(this.#files.counts, counts, (this.#runs.length - 1) * this.#partitionCount * 4);
    // In pieces, so that a run is not in memory twice.
    for (let at = 0; at < order.length; at += this.#pieceRows)
      this.#write(gather(vectors, ids, order.subarray(at, at + this.#pieceRows), this.#dimension, this.#gathered));
    for (let partition = 0; partition < counts.length; partition++)
      this.partitionRows[partition]! += counts[partition]!;
  }

  #write({ vectors, ids }: SortedRows): void {
    const rows = ids.offsets.length - 1;
    const lengths = Uint32Array.from({ length: rows }, (_, i) => ids.offsets[i + 1]! - ids.offsets[i]!);
    writeAll(this.#files.vectors, vectors, this.#rows * this.#dimension * 4);
    writeAll(this.#files.idLengths, lengths, this.#rows * 4);
    writeAll(this.#files.idBytes, ids.bytes, this.#idBytes);
    this.#rows += rows;
    this.#idBytes += ids.bytes.length;
  }

  /** All rows by partition, in pieces of about `windowRows`, each valid until the next; can be read once. */
  *sorted(windowRows: number): Generator<SortedRows> {
    for (const [first, end] of partitionWindows(this.partitionRows, windowRows)) {
      const rows = this.partitionRows.subarray(first, end).reduce((sum, n) => sum + n, 0);
      if (rows === 0) continue;
      if (rows > windowRows) yield* this.#splitPartition(first, windowRows);
      else yield this.#readWindow(first, end, rows);
    }
  }

  close(): void {
    for (const file of Object.values(this.#files)) closeSync(file);
  }

  #readWindow(first: number, end: number, rows: number): SortedRows {
    const partitions = new Int32Array(rows);
    const vectors = this.#read.take(rows * this.#dimension);
    const offsets = new Int32Array(rows + 1);
    const texts: Uint8Array[] = [];
    let at = 0;
    for (const [index, run] of this.#runs.entries()) {
      const counts = this.#counts(index, first, end);
      const count = counts.reduce((sum, n) => sum + n, 0);
      if (count === 0) continue;
      const { ids } = this.#readRun(run, count, vectors.subarray(at * this.#dimension, (at + count) * this.#dimension));
      for (let i = 0; i < count; i++) offsets[at + i + 1] = offsets[at]! + ids.offsets[i + 1]!;
      texts.push(ids.bytes);
      for (const [i, own] of counts.entries()) {
        partitions.fill(i, at, at + own);
        at += own;
      }
    }
    const { order } = sortByPartition(partitions, end - first);
    return gather(vectors, { offsets, bytes: Buffer.concat(texts) }, order, this.#dimension, this.#gathered);
  }

  /** One partition larger than a window: its rows need no sorting, only reading run by run. */
  *#splitPartition(partition: number, windowRows: number): Generator<SortedRows> {
    for (const [index, run] of this.#runs.entries()) {
      const [count] = this.#counts(index, partition, partition + 1);
      for (let left = count!; left > 0; left -= Math.min(left, windowRows))
        yield this.#readRun(run, Math.min(left, windowRows));
    }
  }

  #counts(run: number, first: number, end: number): Uint32Array {
    const counts = new Uint32Array(end - first);
    readAll(this.#files.counts, counts, (run * this.#partitionCount + first) * 4);
    return counts;
  }

  /** Reads the next rows of a run. */
  #readRun(run: Run, count: number, vectors = this.#read.take(count * this.#dimension)): SortedRows {
    const lengths = new Uint32Array(count);
    readAll(this.#files.vectors, vectors, run.nextRow * this.#dimension * 4);
    readAll(this.#files.idLengths, lengths, run.nextRow * 4);
    const offsets = new Int32Array(count + 1);
    for (let i = 0; i < count; i++) offsets[i + 1] = offsets[i]! + lengths[i]!;
    const bytes = new Uint8Array(offsets[count]!);
    readAll(this.#files.idBytes, bytes, run.nextIdByte);
    run.nextRow += count;
    run.nextIdByte += bytes.length;
    return { vectors, ids: { offsets, bytes } };
  }
}

/** A buffer that is used again: allocating megabytes for every piece costs more than filling them. */
class Room {
  #buffer = new Float32Array(0);

  /** A view of `length` numbers, valid until the next is taken. */
  take(length: number): Float32Array {
    if (this.#buffer.length < length) this.#buffer = new Float32Array(length);
    return this.#buffer.subarray(0, length);
  }
}

/** Rows in a new order. */
function gather(vectors: Float32Array, ids: Utf8Column, order: Int32Array, dimension: number, room: Room): SortedRows {
  const sorted = room.take(order.length * dimension);
  const offsets = new Int32Array(order.length + 1);
  for (let i = 0; i < order.length; i++) {
    const row = order[i]!;
    sorted.set(vectors.subarray(row * dimension, (row + 1) * dimension), i * dimension);
    offsets[i + 1] = offsets[i]! + ids.offsets[row + 1]! - ids.offsets[row]!;
  }
  const bytes = new Uint8Array(offsets[order.length]!);
  for (let i = 0; i < order.length; i++) {
    const row = order[i]!;
    bytes.set(ids.bytes.subarray(ids.offsets[row]!, ids.offsets[row + 1]!), offsets[i]!);
  }
  return { vectors: sorted, ids: { offsets, bytes } };
}

type Numbers = Float32Array | Uint32Array | Uint8Array;

function writeAll(file: number, data: Numbers, position: number): void {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, bytes.length - at, position + at);
}

function readAll(file: number, into: Numbers, position: number): void {
  const bytes = new Uint8Array(into.buffer, into.byteOffset, into.byteLength);
  for (let at = 0; at < bytes.length; ) {
    const bytesRead = readSync(file, bytes, at, bytes.length - at, position + at);
    if (bytesRead === 0) throw new Error('a run of the external sort ended early');
    at += bytesRead;
  }
}
