import { rm } from 'node:fs/promises';
import { columnBytes, columnLength, type Utf8Column } from '../base/bytes/utf8-column.ts';
import type { Column } from '../base/columns/column-type.ts';
import { type BadVector, describeBadVector, findLostInFloat16 } from '../vectors/vector-check.ts';
import type { VectorType } from '../vectors/vector-type.ts';
import { WRITTEN_COLUMNS } from './columns/keep.ts';
import h5wasm, { type H5File, type H5Module } from './hdf5/h5wasm.ts';
import { makeHalfPrecision, OLD_FORMAT } from './hdf5/half-precision.ts';
import { hdf5, withBuffer } from './hdf5/library.ts';
import type { ShardAttributes } from './shard.ts';
import { cannotCreate, cannotWrite, idWithNul, notFloat16 } from './shard-messages.ts';

/** Rows of a chunk of `embedding`: about 1 MB at D = 960. */
const CHUNK_ROWS = 256;
const TEXT_CHUNK_ROWS = 4096;

const ID = { name: 'id', type: 'utf8' } as const;
/** Types of datasets in HDF5. */
const EMPTY = {
  utf8: () => ({ data: [], dtype: 'S' }),
  int64: () => ({ data: new BigInt64Array(0), dtype: '<q' }),
  float64: () => ({ data: new Float64Array(0), dtype: '<d' }),
};

/** Writes a shard block by block: `embedding` float32 or float16 [N, D], `id` and text columns variable-length UTF-8 [N]. */
export interface ShardWriter {
  /** Rows written so far. */
  readonly rows: number;
  /**
   * Appends rows.
   * @param vectors rows * dimension components, row by row
   * @throws DataError if float16 cannot represent a row
   */
  append(vectors: Float32Array, ids: Utf8Column, options?: AppendOptions): void;
  /** Writes the attributes of `embedding` and closes the file. */
  finish(attributes: ShardAttributes): void;
  /** Closes and deletes the file. */
  abandon(): Promise<void>;
}

export interface AppendOptions {
  /** Describes a row that float16 cannot represent, for the message. Default: by row and id. */
  describe?: (bad: BadVector) => string;
  /** Cells of each kept column, none of them null: see base/columns/cells.ts. */
  kept?: readonly Utf8Column[];
}

/** Creates a shard at `path` (a temporary name: see `writeAtomically`). @param columns kept beside vectors and ids */
export async function createShard(
  path: string,
  dimension: number,
  vectorType: VectorType = 'float32',
  columns: readonly Column[] = [],
): Promise<ShardWriter> {
  const module = await hdf5();
  const check = (status: number) => {
    if (status < 0) throw cannotWrite(path);
  };
  let file = openFile(path, 'w', vectorType === 'float16' ? OLD_FORMAT : {});
  createDatasets(file, dimension, columns);
  if (vectorType === 'float16') {
    check(file.close());
    await makeHalfPrecision(path, CHUNK_ROWS, dimension);
    file = openFile(path, 'a', {});
  }
  let rows = 0;
  let open = true;
  const close = () => {
    if (open) check(file.close());
    open = false;
  };
  const stored = (vectors: Float32Array, count: number, describe: (bad: BadVector) => string) =>
    vectorType === 'float32' ? vectors : toFloat16(vectors, count, dimension, describe);
  return {
    get rows() {
      return rows;
    },
    append(vectors, ids, options = {}) {
      const { describe = (bad: BadVector) => describeBadVector(bad, rows, columnBytes(ids, bad.row)), kept = [] } =
        options;
      const count = columnLength(ids);
      if (count === 0) return;
      requireNoNul(ids, rows, path);
      check(module.resize_dataset(file.file_id, 'embedding', [BigInt(rows + count), BigInt(dimension)]));
      check(writeVectors(module, file, stored(vectors, count, describe), rows, count, dimension));
      for (const [i, { name, type }] of [ID, ...columns].entries()) {
        check(module.resize_dataset(file.file_id, name, [BigInt(rows + count)]));
        const write = type === 'utf8' ? writeTexts : writeNumbers;
        check(write(module, file, name, i === 0 ? ids : kept[i - 1]!, rows, count));
      }
      rows += count;
    },
    finish(attributes) {
      const embedding = file.get('embedding');
      for (const [name, value] of Object.entries(attributes)) {
        // The library would write any integer as 32 bits.
        const isWide = typeof value === 'number' && Number.isInteger(value) && value !== (value | 0);
        embedding?.create_attribute(name, value, null, isWide ? '<d' : null);
      }
      const names = columns.map(({ name }) => name).join(',');
      if (names !== '') file.create_attribute(WRITTEN_COLUMNS, names, null, null);
      check(module.flush(file.file_id));
      close();
    },
    async abandon() {
      try {
        close();
      } finally {
        await rm(path, { force: true });
      }
    },
  };
}

function openFile(path: string, mode: 'w' | 'a', options: object): H5File {
  const file = new h5wasm.File(path, mode, options);
  if (file.file_id < 0n) throw cannotCreate(path);
  return file;
}

function createDatasets(file: H5File, dimension: number, columns: readonly Column[]): void {
  file.create_dataset({
    name: 'embedding',
    data: new Float32Array(0),
    dtype: '<f',
    shape: [0, dimension],
    maxshape: [null, dimension],
    chunks: [CHUNK_ROWS, dimension],
  });
  for (const { name, type } of [ID, ...columns])
    file.create_dataset({ name, ...EMPTY[type](), shape: [0], maxshape: [null], chunks: [TEXT_CHUNK_ROWS] });
}

function toFloat16(
  vectors: Float32Array,
  rows: number,
  dimension: number,
  describe: (bad: BadVector) => string,
): Float16Array {
  const bad = findLostInFloat16(vectors, rows, dimension, 'cosine');
  if (bad) throw notFloat16(describe(bad));
  return new Float16Array(vectors);
}

/** HDF5 ends a variable-length string at its first NUL, so two ids could become equal. */
function requireNoNul(ids: Utf8Column, firstRow: number, path: string): void {
  const at = ids.bytes.indexOf(0);
  if (at < 0) return;
  const row = ids.offsets.findIndex((offset) => offset > at) - 1;
  throw idWithNul(path, firstRow + row);
}

function writeVectors(
  module: H5Module,
  file: H5File,
  vectors: Float32Array | Float16Array,
  start: number,
  count: number,
  dimension: number,
) {
  const bytes = new Uint8Array(vectors.buffer, vectors.byteOffset, count * dimension * vectors.BYTES_PER_ELEMENT);
  return withBuffer(module, bytes.length, (address) => {
    module.HEAPU8.set(bytes, address);
    const extent = [BigInt(count), BigInt(dimension)];
    return module.set_dataset_data(file.file_id, 'embedding', extent, [BigInt(start), 0n], [1n, 1n], BigInt(address));
  });
}

/** Writes cells of numbers, which are the bytes of the dataset. */
function writeNumbers(
  module: H5Module,
  file: H5File,
  name: string,
  { bytes }: Utf8Column,
  start: number,
  count: number,
): number {
  return withBuffer(module, bytes.length, (address) => {
    module.HEAPU8.set(bytes, address);
    return module.set_dataset_data(file.file_id, name, [BigInt(count)], [BigInt(start)], [1n], BigInt(address));
  });
}

/** Writes texts as an array of pointers: the slice writer of h5wasm refuses variable-length strings. */
function writeTexts(
  module: H5Module,
  file: H5File,
  name: string,
  texts: Utf8Column,
  start: number,
  count: number,
): number {
  const textBytes = texts.bytes.length + count;
  return withBuffer(module, count * 4 + textBytes, (address) => {
    const heap = module.HEAPU8;
    const pointers = new DataView(heap.buffer, address, count * 4);
    let at = address + count * 4;
    for (let row = 0; row < count; row++) {
      const text = texts.bytes.subarray(texts.offsets[row]!, texts.offsets[row + 1]!);
      pointers.setUint32(row * 4, at, true);
      heap.set(text, at);
      heap[at + text.length] = 0;
      at += text.length + 1;
    }
    return module.set_dataset_data(file.file_id, name, [BigInt(count)], [BigInt(start)], [1n], BigInt(address));
  });
}
