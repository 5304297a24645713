import { MAX_DIMENSION, MAX_ID_BYTES } from '../base/limits.ts';
import { COMPONENT_BYTES, type VectorType } from '../vectors/vector-type.ts';
import { readAttributes } from './attributes.ts';
import {
  chunkBytesOf,
  type DatasetHeader,
  guardStructures,
  readDatasetHeader,
  requireAllRows,
  requireReadableFilters,
} from './hdf5/dataset-check.ts';
import { UNDEFINED_ADDRESS } from './hdf5/file-bytes.ts';
import { nameFloatType } from './hdf5/float-type.ts';
import type { H5Module } from './hdf5/h5wasm.ts';
import { failedRead, OutOfMemory } from './hdf5/hdf5-messages.ts';
import { withBuffer } from './hdf5/library.ts';
import { OpenFiles } from './hdf5/locate.ts';
import { findMessage, MESSAGE, type Message } from './hdf5/object-header.ts';
import { type IdLayout, idReader, type ReadIds } from './id-reader.ts';
import type { ShardHeader } from './shard.ts';
import * as messages from './shard-messages.ts';

const CLASS_FLOAT = 1;
const CLASS_STRING = 3;

/** A shard that is open in the thread that reads it. */
export interface ShardFile {
  header: ShardHeader;
  /** Reads the vectors of rows [start, start + count) as stored, little-endian. */
  readVectors(start: number, count: number, into: Uint8Array): void;
  readIds: ReadIds;
  /** Bytes of a vector. */
  rowBytes: number;
  /** Decompressed bytes of a chunk of ids. */
  idChunkBytes: number;
  /** Decompressed bytes of the largest chunk of both datasets. */
  maxChunkBytes: number;
  close(): void;
}

/**
 * Opens a shard and checks its shape, its types, and that no rows are missing.
 * @throws DataError if it is not HDF5, is truncated, is not a shard, or rows were never written
 */
export function openShardFile(module: H5Module, path: string): ShardFile {
  const files = new OpenFiles(module);
  try {
    const { header, vectors, ids, idChunkBytes, maxChunkBytes } = readHeader(module, files, path);
    return {
      header,
      idChunkBytes,
      maxChunkBytes,
      readVectors: vectorReader(module, header, vectors),
      readIds: idReader(module, ids),
      rowBytes: header.dimension * COMPONENT_BYTES[header.vectorType],
      close: () => files.close(),
    };
  } catch (error) {
    files.close();
    throw error;
  }
}

function readHeader(module: H5Module, files: OpenFiles, path: string) {
  const embedding = findDataset(module, files, path, 'embedding');
  const id = findDataset(module, files, path, 'id');
  const [rows, dimension] = checkShape(path, 'embedding', embedding, 2) as [number, number];
  const [idRows] = checkShape(path, 'id', id, 1) as [number];
  if (idRows !== rows) throw messages.rowCountsDiffer(path, rows, idRows);
  if (dimension === 0) throw messages.noComponents(path);
  if (dimension > MAX_DIMENSION) throw messages.dimensionTooLarge(path, dimension);
  const vectorType = vectorTypeOf(path, embedding);
  const { type, vlen, size, strpad } = id.metadata;
  if (type !== CLASS_STRING) throw messages.idsNotText(path);
  if (!vlen && size > MAX_ID_BYTES) throw messages.idTypeTooLong(path, size);
  for (const { header } of [embedding, id]) requireAllRows(module, files, header);
  const attributes = readAttributes(module, embedding.header.located, countAttributes(embedding.header));
  const header: ShardHeader = { path, rows, dimension, vectorType, attributes };
  const ids: IdLayout = {
    path,
    located: id.header.located,
    idsHaveVariableLength: vlen,
    idBytes: size,
    idPad: strpad ?? 0,
  };
  const [vectorChunk, idChunkBytes] = [embedding, id].map((each) => chunkBytesOf(each.header)) as [number, number];
  return {
    header,
    vectors: embedding.header,
    ids,
    idChunkBytes,
    maxChunkBytes: Math.max(vectorChunk, idChunkBytes),
  };
}

interface FoundDataset {
  header: DatasetHeader;
  metadata: ReturnType<H5Module['get_dataset_metadata']>;
}

function findDataset(module: H5Module, files: OpenFiles, path: string, name: string): FoundDataset {
  const located = files.locate(files.open(path), name);
  if (!located) throw messages.missingDataset(path, name);
  const { file_id } = located.in.file;
  if (module.get_type(file_id, located.path) !== module.H5G_DATASET) throw messages.notADataset(path, name);
  requireReadableFilters(path, name, module.get_dataset_filters(file_id, located.path));
  const metadata = module.get_dataset_metadata(file_id, located.path);
  return { header: readDatasetHeader(module, name, located, metadata), metadata };
}

function checkShape(path: string, name: string, { metadata: { shape } }: FoundDataset, rank: number): number[] {
  if (shape?.length !== rank) throw messages.wrongRank(path, name, rank, shape);
  return shape;
}

/** Compares the whole type, because bfloat16 has the size of float16. */
function vectorTypeOf(path: string, { header: { floatType }, metadata: { type, size } }: FoundDataset): VectorType {
  const name = floatType ? nameFloatType(floatType) : type === 0 ? `int${size * 8}` : 'another type';
  if (type === CLASS_FLOAT && Object.hasOwn(COMPONENT_BYTES, name)) return name as VectorType;
  throw messages.wrongVectorType(path, name);
}

/** Counts the attributes in an object header. @returns undefined if they are stored elsewhere */
function countAttributes({ messages, located }: DatasetHeader): number | undefined {
  const { structures } = located.in;
  const info = findMessage(structures, messages as Message[], MESSAGE.attributeInfo);
  if (info) {
    info.skip(1);
    if (info.uint(1) & 1) info.skip(2);
    if (info.address() !== UNDEFINED_ADDRESS) return undefined;
  }
  return messages.filter(({ type }) => type === MESSAGE.attribute).length;
}

/** Returns a reader of vectors: directly from the file if they are contiguous and little-endian, otherwise through the library. */
function vectorReader(module: H5Module, shard: ShardHeader, dataset: DatasetHeader): ShardFile['readVectors'] {
  const { path, dimension, vectorType } = shard;
  const { located, storage, floatType } = dataset;
  const rowBytes = dimension * COMPONENT_BYTES[vectorType];
  const isExternal = dataset.messages.some(({ type }) => type === MESSAGE.externalFiles);
  if (storage.kind === 'contiguous' && !isExternal && floatType?.byteOrder === 'little')
    return (start, count, into) =>
      guardStructures(path, 'embedding', () =>
        located.in.structures.readInto(storage.address + start * rowBytes, into.subarray(0, count * rowBytes)),
      );
  return (start, count, into) => {
    const byteLength = count * rowBytes;
    try {
      withBuffer(module, byteLength, (address) => {
        const extent = [BigInt(count), BigInt(dimension)];
        const offset = [BigInt(start), 0n];
        const { file_id } = located.in.file;
        const status = module.get_dataset_data(file_id, located.path, extent, offset, [1n, 1n], BigInt(address));
        if (status < 0) throw failedRead(path, 'embedding', start, count);
        into.set(module.HEAPU8.subarray(address, address + byteLength));
      });
    } catch (error) {
      if (!(error instanceof OutOfMemory)) throw error;
      throw failedRead(path, 'embedding', start, count);
    }
  };
}
