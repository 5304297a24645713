import { columnCopy, type Utf8Column } from '../base/bytes/utf8-column.ts';
import { MAX_DIMENSION, MAX_ID_BYTES } from '../base/limits.ts';
import { COMPONENT_BYTES } from '../vectors/vector-type.ts';
import { readAttributes } from './attributes.ts';
import type { Keep } from './columns/keep.ts';
import { openKeptDatasets, readKept } from './columns/kept-datasets.ts';
import { idCheck } from './columns/text-checks.ts';
import { type ReadColumn, type TextLayout, textReader } from './columns/text-reader.ts';
import {
  chunkBytesOf,
  type DatasetHeader,
  readDatasetHeader,
  requireAllRows,
  requireReadableFilters,
} from './hdf5/dataset-check.ts';
import { UNDEFINED_ADDRESS } from './hdf5/file-bytes.ts';
import { CLASS_FLOAT, nameFloatType } from './hdf5/float-type.ts';
import type { H5Module } from './hdf5/h5wasm.ts';
import { type OpenFile, OpenFiles } from './hdf5/locate.ts';
import { findMessage, MESSAGE, type Message } from './hdf5/object-header.ts';
import { type DatasetNames, findLayout } from './layouts/find-layout.ts';
import { convertedNote, squareNote, transposedNote } from './layouts/layout-messages.ts';
import { isConverted, isNumberType, type NumberType, storedVectorType } from './layouts/number-type.ts';
import type { ProteinTable } from './layouts/protein-table.ts';
import { vectorReader } from './layouts/vector-reader.ts';
import type { ShardHeader } from './shard.ts';
import * as messages from './shard-messages.ts';

const CLASS_INTEGER = 0;
const CLASS_STRING = 3;

/** A shard that is open in the thread that reads it. */
export interface ShardFile {
  header: ShardHeader;
  /** Reads the vectors of rows [start, start + count) as stored, little-endian. */
  readVectors(start: number, count: number, into: Uint8Array): void;
  readIds: ReadColumn;
  /** Reads the kept columns: of each at least one row, and fewer than asked if they reach `maxBytes`. */
  readKept(start: number, count: number, maxBytes: number): Utf8Column[];
  /** Bytes of a vector. */
  rowBytes: number;
  /** Decompressed bytes of the largest chunk of ids and kept columns. */
  idChunkBytes: number;
  /** Decompressed bytes of the largest chunk of all datasets. */
  maxChunkBytes: number;
  /** What the user should know about the file. Reading vectors can add to it. */
  notes: string[];
  close(): void;
}

/**
 * Opens a shard, or another file of vectors (see layouts/find-layout.ts), and checks its shape, its types, and that no rows are missing.
 * @throws DataError if it is not HDF5, is truncated, is not a shard, or rows were never written
 */
export function openShardFile(module: H5Module, path: string, named: DatasetNames = {}, keep: Keep = []): ShardFile {
  const files = new OpenFiles(module);
  try {
    const notes: string[] = [];
    const onNote = (note: string) => void notes.push(note);
    const layout = findLayout(module, files, path, named, onNote);
    if (layout.note !== undefined) onNote(layout.note);
    const file =
      layout.kind === 'pair'
        ? openPair(module, files, path, layout, keep, onNote)
        : openProteins(module, files.open(path), layout.proteins, onNote);
    const { dimension, vectorType } = file.header;
    return {
      ...file,
      notes,
      rowBytes: dimension * COMPONENT_BYTES[vectorType],
      close: () => files.close(),
    };
  } catch (error) {
    files.close();
    throw error;
  }
}

type OpenedFile = Omit<ShardFile, 'rowBytes' | 'notes' | 'close'>;
type OnNote = (note: string) => void;

/** Opens a file with a dataset for each protein. */
function openProteins(module: H5Module, open: OpenFile, proteins: ProteinTable, onNote: OnNote): OpenedFile {
  const { path } = open;
  const { rows, dimension, type, ids } = proteins;
  const attributes = readAttributes(module, { in: open, path: '/' }, undefined);
  if (isConverted(type)) onNote(convertedNote(path, type));
  const check = idCheck(path);
  return {
    header: { path, rows, dimension, vectorType: storedVectorType(type), attributes, columns: [] },
    readKept: () => [],
    ...{ idChunkBytes: 0, maxChunkBytes: 0 },
    readVectors: proteins.readVectors,
    readIds(start, count, maxBytes) {
      let end = start + 1;
      while (end < start + count && ids.offsets[end]! - ids.offsets[start]! < maxBytes) end++;
      // Copied, because the caller transfers it to another thread.
      const own = columnCopy(ids, start, end);
      check(own, start);
      return own;
    },
  };
}

/** Opens a file with a dataset of vectors and one of ids. */
function openPair(
  module: H5Module,
  files: OpenFiles,
  path: string,
  names: { embedding: string; id: string },
  keep: Keep,
  onNote: OnNote,
): OpenedFile {
  const { header, vectors, ids, idChunkBytes, maxChunkBytes } = readHeader(module, files, path, names, onNote);
  const kept = openKeptDatasets(module, files, files.open(path), names, header.rows, keep);
  return {
    header: { ...header, columns: kept.map(({ column }) => column) },
    idChunkBytes: Math.max(idChunkBytes, ...kept.map(({ chunkBytes }) => chunkBytes)),
    maxChunkBytes: Math.max(maxChunkBytes, ...kept.map(({ chunkBytes }) => chunkBytes)),
    readVectors: vectorReader(module, path, vectors, onNote),
    readIds: textReader(module, ids, idCheck(path)),
    readKept: (start, count, maxBytes) => readKept(kept, start, count, maxBytes),
  };
}

function readHeader(
  module: H5Module,
  files: OpenFiles,
  path: string,
  names: { embedding: string; id: string },
  onNote: OnNote,
) {
  const embedding = findDataset(module, files, path, names.embedding);
  const id = findDataset(module, files, path, names.id);
  const shape = checkShape(path, names.embedding, embedding, 2) as [number, number];
  const [idRows] = checkShape(path, names.id, id, 1) as [number];
  const isTransposed = shape[0] !== idRows && shape[1] === idRows;
  const [rows, dimension] = isTransposed ? [shape[1], shape[0]] : shape;
  if (idRows !== rows) throw messages.rowCountsDiffer(path, names, rows, idRows);
  if (dimension === 0) throw messages.noComponents(path, names.embedding);
  if (dimension > MAX_DIMENSION) throw messages.dimensionTooLarge(path, names.embedding, dimension);
  const numberType = numberTypeOf(path, embedding);
  const vectorType = storedVectorType(numberType);
  const { type, vlen, size, strpad } = id.metadata;
  if (type !== CLASS_STRING) throw messages.idsNotText(path, names.id);
  if (!vlen && size > MAX_ID_BYTES) throw messages.idTypeTooLong(path, names.id, size);
  for (const { header } of [embedding, id]) requireAllRows(module, files, header);
  const attributes = readAttributes(module, embedding.header.located, countAttributes(embedding.header));
  const header: Omit<ShardHeader, 'columns'> = { path, rows, dimension, vectorType, attributes };
  const ids: TextLayout = {
    path,
    name: 'id',
    located: id.header.located,
    hasVariableLength: vlen,
    textBytes: size,
    padding: strpad ?? 0,
  };
  const [vectorChunk, idChunkBytes] = [embedding, id].map((each) => chunkBytesOf(each.header)) as [number, number];
  if (isConverted(numberType)) onNote(convertedNote(path, numberType));
  if (isTransposed) onNote(transposedNote(path, names.embedding, dimension, rows));
  // Shards of LanceFlow name their model.
  if (shape[0] === shape[1] && rows > 1 && attributes.model === undefined)
    onNote(squareNote(path, names.embedding, rows));
  return {
    ...{ header, ids, idChunkBytes },
    vectors: { dataset: embedding.header, rows, dimension, type: numberType, isTransposed },
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
function numberTypeOf(
  path: string,
  { header: { name, floatType }, metadata: { type, size, signed } }: FoundDataset,
): NumberType {
  const integer = type === CLASS_INTEGER ? `${signed ? 'int' : 'uint'}${size * 8}` : 'another type';
  const found = floatType ? nameFloatType(floatType) : integer;
  if ((type === CLASS_FLOAT || type === CLASS_INTEGER) && isNumberType(found)) return found;
  throw messages.wrongVectorType(path, name, found);
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
