import { closeSync, openSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { writePieces } from '../base/files/write-pieces.ts';
import { serveRequests } from '../base/threads/serve-requests.ts';
import { type FragmentRows, fragmentBlocks, type RowSpan } from '../bucket/fragment-blocks.ts';
import { PartReader, rowBytes } from '../bucket/part-reader.ts';
import type { VectorType } from '../vectors/vector-type.ts';
import { packPartitions } from './pack-codes.ts';
import { allocateCodes } from './rabitq.ts';
import { fillRotation } from './rotation.ts';
import { ENCODED_ROWS, type EncodedPartitions, RowEncoder } from './row-encoder.ts';

/** Start data of each thread. Arrays are in shared memory. */
export interface EncodeThreadData {
  partitions: EncodedPartitions;
  vectorType: VectorType;
  /** The table's data files, in the order of its rows. */
  fragments: ReadonlyArray<{ path: string; rows: number; offset: number }>;
  /** The file of the codes, which must exist. */
  output: string;
}

/** Rows to encode, and their position in each column of the output, in bytes. */
export interface EncodeRequest {
  range: RowSpan;
  positions: readonly number[];
}

const { partitions, vectorType, fragments, output } = workerData as EncodeThreadData;
const { dimension, firstRows, signs, rotation } = partitions;
const reader = new PartReader(dimension, vectorType);
let encoder: RowEncoder | undefined;
let file: number | undefined;
let buffers: ReturnType<typeof allocateBuffers> | undefined;

const methods = {
  /** Computes rows of the rotation. */
  fillRotation(rows: RowSpan): void {
    fillRotation(rotation, signs, rows);
  },

  /** Reads rows, encodes them and writes their part of each column. */
  async encode({ range, positions }: EncodeRequest): Promise<void> {
    encoder ??= await RowEncoder.create(partitions);
    file ??= openSync(output, 'r+');
    const rows = range.end - range.first;
    if (!buffers || buffers.rows < rows) buffers = allocateBuffers(rows);
    const { vectors, rowIds, codes, packed } = buffers;
    let done = 0;
    for (const block of fragmentBlocks([range], fragments, ENCODED_ROWS)) {
      const read = reader.read(block.parts.map(filePart), vectors);
      await encoder.encode(read, range.first + done, codes, done);
      writeRowIds(block.parts, rowIds, done);
      done += block.rows;
    }
    packPartitions(codes.codes, dimension / 8, range, firstRows, packed);
    const columns = [
      bytesOf(rowIds, 2 * rows),
      bytesOf(packed, (rows * dimension) / 8),
      bytesOf(codes.add, rows),
      bytesOf(codes.scale, rows),
    ];
    for (const [i, column] of columns.entries()) writePieces(file, [column], positions[i]!);
  },
};
export type EncodeMethods = typeof methods;

serveRequests(methods, {
  async onClose() {
    await encoder?.close();
    reader.close();
    if (file !== undefined) closeSync(file);
  },
});

function allocateBuffers(rows: number) {
  return {
    rows,
    vectors: new Float32Array(ENCODED_ROWS * dimension),
    rowIds: new Uint32Array(2 * rows),
    codes: allocateCodes(rows, dimension),
    packed: new Uint8Array((rows * dimension) / 8),
  };
}

function filePart({ fragment, offset, rows }: FragmentRows) {
  const { path, offset: start } = fragments[fragment]!;
  return { path, position: start + offset * rowBytes(dimension, vectorType), rows };
}

/** Writes LanceDB's row ids, fragment * 2^32 + position, as pairs of 32-bit words: one BigInt per row would be ten times slower. */
function writeRowIds(parts: readonly FragmentRows[], into: Uint32Array, at: number): void {
  let row = at;
  for (const { fragment, offset, rows } of parts)
    for (let i = 0; i < rows; i++, row++) {
      into[2 * row] = offset + i;
      into[2 * row + 1] = fragment;
    }
}

function bytesOf(values: Uint8Array | Uint32Array | Float32Array, count: number): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, count * values.BYTES_PER_ELEMENT);
}
