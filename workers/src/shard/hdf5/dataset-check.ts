import { existsSync, statSync } from 'node:fs';
import { UserError } from '../../base/errors.ts';
import { MAX_CHUNK_BYTES } from '../../base/limits.ts';
import { type ChunkGrid, findMissingRows } from './chunk-index.ts';
import { BadStructure, UNDEFINED_ADDRESS } from './file-bytes.ts';
import { type FloatType, parseFloatType } from './float-type.ts';
import type { H5Metadata, H5Module } from './h5wasm.ts';
import * as hdf5Messages from './hdf5-messages.ts';
import { findBeside, type Located, type OpenFile, type OpenFiles } from './locate.ts';
import { findMessage, MESSAGE, type Message, readObjectHeader } from './object-header.ts';
import { parseExternalFiles, parseShape, parseStorage, type Storage } from './storage.ts';
import { type Box, findUncovered, type Mapping, readMappings } from './virtual-layout.ts';

const MAX_VIRTUAL_DEPTH = 4;

/** A dataset as the structures of its file describe it. */
export interface DatasetHeader {
  name: string;
  located: Located;
  messages: readonly Message[];
  /** Undefined unless it contains floating-point numbers. */
  floatType: FloatType | undefined;
  shape: number[];
  maxShape: number[];
  elementBytes: number;
  storage: Storage;
}

/** Returns the address of the header of an object. @throws what the library throws where there is none */
export function headerAddress(module: H5Module, { file }: OpenFile, path: string): number {
  return module.create_object_reference(file.file_id, path).reduceRight((sum, byte) => sum * 256 + byte, 0);
}

/**
 * Reads a dataset's header.
 * @param metadata metadata that the library reports
 * @throws DataError if the header contradicts them
 */
export function readDatasetHeader(
  module: H5Module,
  name: string,
  located: Located,
  metadata: H5Metadata,
): DatasetHeader {
  const { path, structures } = located.in;
  return guardStructures(path, name, () => {
    const messages = readObjectHeader(structures, headerAddress(module, located.in, located.path));
    const requireMessage = (type: number) => {
      const fields = findMessage(structures, messages, type);
      if (!fields) throw new BadStructure('a message of its header is missing');
      return fields;
    };
    const { shape, maxShape } = parseShape(requireMessage(MESSAGE.dataspace));
    if (shape.join() !== (metadata.shape ?? []).join()) throw new BadStructure('its shape is contradictory');
    return {
      name,
      located,
      messages,
      floatType: parseFloatType(requireMessage(MESSAGE.datatype)),
      shape,
      maxShape,
      // For variable-length text, the library returns the size of a pointer in memory.
      elementBytes: metadata.vlen ? 8 + structures.addressBytes : metadata.size,
      storage: parseStorage(requireMessage(MESSAGE.layout)),
    };
  });
}

/**
 * Checks that every row of a dataset is stored. The library returns the fill value for missing rows, without an error.
 * @throws DataError that names the rows and, if it is another one, the file that should have them
 */
export function requireAllRows(module: H5Module, files: OpenFiles, header: DatasetHeader, depth = 0): void {
  const { name, located, storage, shape, elementBytes } = header;
  const { path, structures } = located.in;
  const [rows = 1] = shape;
  const elements = shape.reduce((product, size) => product * size, 1);
  if (elements === 0) return;
  guardStructures(path, name, () => {
    const bytes = elements * elementBytes;
    const isExternal = header.messages.some(({ type }) => type === MESSAGE.externalFiles);
    if (storage.kind === 'contiguous' && isExternal) requireExternalFiles(header, bytes);
    else if (storage.kind === 'contiguous') {
      if (storage.address === UNDEFINED_ADDRESS) throw hdf5Messages.neverWritten(path, name, 0, rows);
      if ((storage.bytes ?? bytes) < bytes) throw new BadStructure('it has fewer bytes than its shape needs');
      if (storage.address + bytes > structures.byteLength)
        throw new BadStructure('its rows lie beyond the end of the file');
    } else if (storage.kind === 'compact') {
      if (storage.bytes < bytes) throw new BadStructure('it has fewer bytes than its shape needs');
    } else if (storage.kind === 'chunked') requireChunks(header, storage);
    else requireSources(module, files, header, readMappings(structures, storage.heap, storage.object), depth);
  });
}

function requireChunks(header: DatasetHeader, storage: Storage & { kind: 'chunked' }): void {
  const { name, located, shape, maxShape } = header;
  const { path, structures } = located.in;
  const chunk = storage.chunk.slice(0, -1);
  if (chunk.length !== shape.length) throw new BadStructure('its chunks have another rank');
  const chunkBytes = chunkBytesOf(header);
  if (chunkBytes > MAX_CHUNK_BYTES) throw hdf5Messages.chunksTooLarge(path, name, chunkBytes, chunk);
  const isFiltered = header.messages.some(({ type }) => type === MESSAGE.filters);
  const grid: ChunkGrid = { shape, maxShape, chunk, chunkBytes: isFiltered ? 1 : chunkBytes };
  const missing = findMissingRows(structures, storage.index, grid);
  if (missing) throw hdf5Messages.neverWritten(path, name, missing.start, missing.end);
}

/** Returns the decompressed bytes of a chunk, or 0 for a dataset without chunks. */
export function chunkBytesOf({ storage, elementBytes }: DatasetHeader): number {
  return storage.kind === 'chunked'
    ? storage.chunk.slice(0, -1).reduce((product, size) => product * size, elementBytes)
    : 0;
}

function requireExternalFiles({ name, located, messages }: DatasetHeader, bytes: number): void {
  const { path, structures } = located.in;
  const fields = findMessage(structures, messages, MESSAGE.externalFiles);
  let left = bytes;
  for (const file of fields ? parseExternalFiles(structures, fields) : []) {
    const own = Math.min(left, file.bytes);
    // The library resolves the name in the working directory.
    const found = existsSync(file.name) ? statSync(file.name).size : undefined;
    if (found === undefined || found < file.offset + own)
      throw hdf5Messages.externalFileWrong(path, name, file.name, found === undefined);
    left -= own;
  }
  if (left > 0) throw new BadStructure('its external files are too short');
}

/** Checks that the sources of a virtual dataset exist, have all their rows, and cover it. */
function requireSources(
  module: H5Module,
  files: OpenFiles,
  header: DatasetHeader,
  mappings: readonly Mapping[],
  depth: number,
): void {
  const { name, located, shape } = header;
  const { path } = located.in;
  if (depth >= MAX_VIRTUAL_DEPTH) throw hdf5Messages.virtualOfItself(path, name);
  const whole: Box = { start: shape.map(() => 0), size: shape };
  const plain = mappings.map(({ virtual }) => (virtual === 'all' ? whole : virtual));
  if (plain.includes(undefined) || mappings.some(({ file, dataset }) => `${file}${dataset}`.includes('%')))
    throw hdf5Messages.virtualNotRanges(path, name);
  const boxes = plain as Box[];
  const sources = mappings.map((mapping) => findSource(files, located, mapping));
  const described = mappings.map(({ file, dataset }, i) => {
    const { start, size } = boxes[i]!;
    const range = `rows ${start[0]} to ${start[0]! + size[0]! - 1}`;
    return `${range} of "${name}" come from "${dataset}" in ${JSON.stringify(file)}`;
  });
  const absent = described.filter((_, i) => sources[i] === undefined);
  if (absent.length > 0) throw hdf5Messages.sourcesMissing(path, name, absent);
  for (const [i, mapping] of mappings.entries()) {
    const source = sources[i]!;
    const { file } = source.in;
    const metadata = module.get_dataset_metadata(file.file_id, source.path);
    const own = readDatasetHeader(module, mapping.dataset, source, metadata);
    if (!isInside(mapping.source, own.shape, boxes[i]!)) throw hdf5Messages.sourceChanged(path, name, described[i]!);
    requireReadableFilters(source.in.path, mapping.dataset, module.get_dataset_filters(file.file_id, source.path));
    requireAllRows(module, files, own, depth + 1);
  }
  const gap = findUncovered(shape, boxes);
  if (gap) throw hdf5Messages.rowsOfNoSource(path, name, gap.start, gap.end);
}

/** Returns whether a source has all elements of its selection, and whether the selection has the size of the box that it fills. */
function isInside(selection: Mapping['source'], shape: readonly number[], filled: Box): boolean {
  const box = selection === 'all' ? { start: shape.map(() => 0), size: [...shape] } : selection;
  const elements = (size: readonly number[]) => size.reduce((product, each) => product * each, 1);
  return (
    box !== undefined &&
    box.start.length === shape.length &&
    box.start.every((start, dimension) => start + box.size[dimension]! <= shape[dimension]!) &&
    elements(box.size) === elements(filled.size)
  );
}

function findSource(files: OpenFiles, located: Located, { file, dataset }: Mapping): Located | undefined {
  if (file === '.') return files.locate(located.in, dataset);
  const sourcePath = findBeside(located.in.path, file);
  return sourcePath === undefined ? undefined : files.locate(files.open(sourcePath), dataset);
}

/** Filters that h5wasm implements: deflate, shuffle, fletcher32, scaleoffset. For others it returns garbage without an error. */
const READABLE_FILTERS = new Set([1, 2, 3, 6]);

/** Checks that h5wasm implements all filters. @throws DataError that names the first unsupported one */
export function requireReadableFilters(
  path: string,
  name: string,
  filters: readonly { id: number; name: string }[],
): void {
  const unreadable = filters.find((filter) => !READABLE_FILTERS.has(filter.id));
  if (unreadable) throw hdf5Messages.unreadableFilter(path, name, unreadable);
}

/** Runs `use` and turns a parser's error into one for the user. @throws DataError */
export function guardStructures<T>(path: string, name: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    if (error instanceof UserError || !(error instanceof BadStructure)) throw error;
    throw hdf5Messages.damagedDataset(path, name, error.message, error);
  }
}
