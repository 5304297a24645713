import { stat } from 'node:fs/promises';
import { COMPONENT_BYTES, type ShardAttributes, type ShardHeader, type VectorType } from '../../core/shard.ts';
import type { Utf8Column } from '../../core/utf8-column.ts';
import { DataError, UserError } from '../../errors.ts';
import h5wasm, { type H5Dataset, type H5File, type H5Module } from './h5wasm.ts';
import { type IdLayout, idReader } from './id-reader.ts';
import { failedRead, hdf5, withBuffer } from './library.ts';
import { checkSuperblock } from './superblock.ts';

const CLASS_FLOAT = 1;
const CLASS_STRING = 3;
/** Filters that h5wasm has: deflate, shuffle, fletcher32, scaleoffset. Others give garbage without an error. */
const READABLE_FILTERS = new Set([1, 2, 3, 6]);

/** An open shard: HDF5 with `embedding` [N, D] and `id` [N]. Reads row ranges; holds no rows itself. */
export interface ShardReader extends ShardHeader {
  /** Size of the file. */
  fileBytes: number;
  /**
   * Reads the vectors of rows [start, start + count) as they are stored (see `vectorType`, little-endian).
   * @param into at least count * dimension * COMPONENT_BYTES[vectorType] bytes
   */
  readVectors(start: number, count: number, into: Uint8Array): void;
  /** Reads the ids of rows [start, start + count). */
  readIds(start: number, count: number): Utf8Column;
  close(): void;
}

/**
 * Opens a shard and checks its shape and types.
 * @throws DataError where the file is missing, is not HDF5, is truncated, or is not a shard
 */
export async function openShard(path: string): Promise<ShardReader> {
  const { size: fileBytes } = await statFile(path);
  await checkSuperblock(path);
  const module = await hdf5();
  const file = guarded(path, () => new h5wasm.File(path, 'r'));
  if (file.file_id < 0n) throw new DataError(`${path}: HDF5 cannot open this file; it is damaged.`);
  try {
    const header = guarded(path, () => readHeader(path, file));
    const readIds = idReader(module, file, header);
    return {
      ...header,
      fileBytes,
      readVectors: (start, count, into) => guarded(path, () => readVectors(module, file, header, start, count, into)),
      readIds: (start, count) => guarded(path, () => readIds(start, count)),
      close: () => close(file),
    };
  } catch (error) {
    close(file);
    throw error;
  }
}

async function statFile(path: string) {
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') throw new DataError(`${path}: no such file.`);
    throw error;
  });
  if (!info.isFile()) throw new DataError(`${path}: not a file.`);
  return info;
}

/** In a damaged file the library can run out of its memory's bounds; everything else it reports. */
function guarded<T>(path: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new DataError(`${path}: HDF5 cannot read this file; it is damaged.`, { cause: error });
  }
}

function close(file: H5File): void {
  try {
    file.close();
  } catch {
    // Only after damage that was reported already.
  }
}

function readHeader(path: string, file: H5File): ShardHeader & IdLayout {
  const embedding = findDataset(path, file, 'embedding');
  const id = findDataset(path, file, 'id');
  const [rows, dimension] = checkShape(path, 'embedding', embedding, 2) as [number, number];
  const [idRows] = checkShape(path, 'id', id, 1) as [number];
  if (idRows !== rows)
    throw new DataError(`${path}: "embedding" has ${rows} rows and "id" has ${idRows}; they must be of one length.`);
  if (dimension === 0) throw new DataError(`${path}: "embedding" has vectors of no components.`);
  const { type, vlen, size, strpad } = id.metadata;
  if (type !== CLASS_STRING) throw new DataError(`${path}: "id" must be strings (h5py: dtype=h5py.string_dtype()).`);
  return {
    path,
    rows,
    dimension,
    vectorType: vectorTypeOf(path, embedding),
    attributes: readAttributes(embedding),
    idsHaveVariableLength: vlen,
    idBytes: size,
    idPad: strpad ?? 0,
  };
}

function findDataset(path: string, file: H5File, name: string): H5Dataset {
  if (!file.keys().includes(name))
    throw new DataError(`${path}: no dataset "${name}". A shard has "embedding" [N, D] and "id" [N].`);
  const dataset = file.get(name);
  if (dataset?.type !== 'Dataset') throw new DataError(`${path}: "${name}" is not a dataset.`);
  const unreadable = dataset.filters.find((filter) => !READABLE_FILTERS.has(filter.id));
  if (unreadable)
    throw new DataError(
      `${path}: "${name}" is compressed with ${unreadable.name || `filter ${unreadable.id}`}, which cannot be read here. ` +
        `Write it again with gzip or without compression (h5repack -f GZIP=4).`,
    );
  return dataset;
}

function checkShape(path: string, name: string, dataset: H5Dataset, rank: number): number[] {
  const { shape } = dataset.metadata;
  if (shape?.length !== rank)
    throw new DataError(`${path}: "${name}" must have ${rank} dimension(s), not [${shape?.join(', ') ?? 'scalar'}].`);
  return shape;
}

function vectorTypeOf(path: string, embedding: H5Dataset): VectorType {
  const { type, size, littleEndian } = embedding.metadata;
  if (type === CLASS_FLOAT && size === 4) return 'float32';
  if (type === CLASS_FLOAT && size === 2) return 'float16';
  const found = type === CLASS_FLOAT ? `float${size * 8}` : type === 0 ? `int${size * 8}` : 'another type';
  const order = littleEndian ? '' : ' (big-endian)';
  throw new DataError(
    `${path}: "embedding" is ${found}${order}; it must be float32 or float16 (numpy: array.astype("float32")).`,
  );
}

function readAttributes(dataset: H5Dataset): ShardAttributes {
  const attributes: ShardAttributes = {};
  for (const [name, { value }] of Object.entries(dataset.attrs)) {
    if (typeof value === 'string' || typeof value === 'number') attributes[name] = value;
    else if (typeof value === 'bigint') attributes[name] = Number(value);
  }
  return attributes;
}

function readVectors(
  module: H5Module,
  file: H5File,
  header: ShardHeader,
  start: number,
  count: number,
  into: Uint8Array,
) {
  const byteLength = count * header.dimension * COMPONENT_BYTES[header.vectorType];
  if (byteLength === 0) return;
  withBuffer(module, byteLength, (address) => {
    const extent = [BigInt(count), BigInt(header.dimension)];
    const status = module.get_dataset_data(
      file.file_id,
      'embedding',
      extent,
      [BigInt(start), 0n],
      [1n, 1n],
      BigInt(address),
    );
    if (status < 0) throw failedRead(header.path, 'embedding', start, count);
    into.set(module.HEAPU8.subarray(address, address + byteLength));
  });
}
