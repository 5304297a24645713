import { concatenateColumns, type Utf8Column } from '../../base/bytes/utf8-column.ts';
import { sortByPartition } from '../../vectors/partition-sort.ts';
import { COMPONENT_BYTES, type VectorType } from '../../vectors/vector-type.ts';
import type { Run, RunFiles } from './run-files.ts';
import { type Components, convertVectors, newComponents } from './vector-buffers.ts';

const PIECE_BYTES = 4 * 2 ** 20;
/** A cell of more bytes is copied by a call, which costs more than the bytes of a usual id. */
const VIEWED_BYTES = 64;

/** What the threads that write runs share: the next free place in the files, and the rows of each partition. */
export interface SharedRuns {
  /** [runs, bytes of each column's cells] */
  next: BigInt64Array<SharedArrayBuffer>;
  partitionRows: Uint32Array<SharedArrayBuffer>;
}

/** Of no runs. @param columns with the one of the ids */
export function shareRuns(partitions: number, columns: number): SharedRuns {
  return {
    next: new BigInt64Array(new SharedArrayBuffer(8 * (1 + columns))),
    partitionRows: new Uint32Array(new SharedArrayBuffer(4 * partitions)),
  };
}

/** Sorts rows that are in memory by partition, and writes them as runs. Rows of a partition keep their order. */
export class RunWriter {
  readonly #files: RunFiles;
  readonly #shared: SharedRuns;
  readonly #dimension: number;
  readonly #vectorType: VectorType;
  #piece: Components | undefined;
  #stored: Components | undefined;

  /** @param vectorType of the table */
  constructor(files: RunFiles, shared: SharedRuns, dimension: number, vectorType: VectorType) {
    this.#files = files;
    this.#shared = shared;
    this.#dimension = dimension;
    this.#vectorType = vectorType;
  }

  /**
   * Writes a run.
   * @param firstRow its position in the bucket
   * @param vectors [rows, dimension] of either type
   * @param columns of each column, its cells in blocks
   * @param partitions the partition of each row
   */
  write(firstRow: number, vectors: Components, columns: readonly Utf8Column[][], partitions: Int32Array): Run {
    const rows = partitions.length;
    const { order, counts } = sortByPartition(partitions, this.#shared.partitionRows.length);
    this.#writeVectors(firstRow, vectors, order);
    const cellsAt = columns.map((blocks, i) => this.#writeCells(i, firstRow, blocks, order));
    const slot = Number(Atomics.add(this.#shared.next, 0, 1n));
    const starts = new Uint32Array(counts.length + 1);
    for (const [partition, count] of counts.entries()) {
      starts[partition + 1] = starts[partition]! + count;
      if (count > 0) Atomics.add(this.#shared.partitionRows, partition, count);
    }
    this.#files.write('starts', starts, 4 * starts.length * slot);
    return { firstRow, rows, cellsAt, slot };
  }

  /** @returns where they begin in the file */
  #writeCells(column: number, firstRow: number, blocks: readonly Utf8Column[], order: Int32Array): number {
    const { ends, bytes } = sortCells(concatenateColumns(blocks), order);
    const at = Number(Atomics.add(this.#shared.next, 1 + column, BigInt(bytes.length)));
    this.#files.write(`cells-${column}`, bytes, at);
    this.#files.write(`ends-${column}`, ends, 4 * firstRow);
    return at;
  }

  /** In pieces, so that a run is not in memory twice. */
  #writeVectors(firstRow: number, vectors: Components, order: Int32Array): void {
    const dimension = this.#dimension;
    const rowBytes = dimension * COMPONENT_BYTES[this.#vectorType];
    const pieceRows = Math.max(1, Math.floor(PIECE_BYTES / rowBytes));
    const isStored = vectors instanceof Uint16Array === (this.#vectorType === 'float16');
    this.#piece ??= newComponents(vectors instanceof Uint16Array ? 'float16' : 'float32', pieceRows * dimension);
    if (!isStored) this.#stored ??= newComponents(this.#vectorType, pieceRows * dimension);
    for (let at = 0; at < order.length; at += pieceRows) {
      const rows = Math.min(pieceRows, order.length - at);
      for (let i = 0; i < rows; i++) {
        const row = order[at + i]!;
        this.#piece.set(vectors.subarray(row * dimension, (row + 1) * dimension), i * dimension);
      }
      const piece = this.#piece.subarray(0, rows * dimension);
      const stored = isStored ? piece : convertVectors(piece, this.#stored!.subarray(0, piece.length));
      this.#files.write('vectors', stored, (firstRow + at) * rowBytes);
    }
  }
}

/** Cells in a new order, and where each ends. */
function sortCells({ offsets, bytes }: Utf8Column, order: Int32Array): { ends: Uint32Array; bytes: Uint8Array } {
  const sorted = new Uint8Array(bytes.length);
  // Copies without creating a view, which costs as much as the bytes of a usual text.
  const from = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ends = new Uint32Array(order.length);
  let at = 0;
  for (let i = 0; i < order.length; i++) {
    const [start, end] = [offsets[order[i]!]!, offsets[order[i]! + 1]!];
    if (end - start > VIEWED_BYTES) from.copy(sorted, at, start, end);
    else for (let byte = 0; byte < end - start; byte++) sorted[at + byte] = bytes[start + byte]!;
    at += end - start;
    ends[i] = at;
  }
  return { ends, bytes: sorted };
}
