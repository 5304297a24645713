import { existsSync, statSync } from 'node:fs';
import { DataError, UserError } from '../../base/errors.ts';
import { MAX_CHUNK_BYTES } from '../../base/limits.ts';
import { type ChunkGrid, findMissingRows } from './chunk-index.ts';
import { BadStructure, UNDEFINED_ADDRESS } from './file-bytes.ts';
import { type FloatType, parseFloatType } from './float-type.ts';
import type { H5Metadata, H5Module } from './h5wasm.ts';
import { findBeside, type Located, type OpenFiles } from './locate.ts';
import { findMessage, MESSAGE, type Message, readObjectHeader } from './object-header.ts';
import { parseExternalFiles, parseShape, parseStorage, type Storage } from './storage.ts';
import { type Box, findUncovered, type Mapping, readMappings } from './virtual-layout.ts';

const MOST_VIRTUAL_DEPTH = 4;
/** Sources that a message names. */
const MOST_NAMED = 3;

/** What the structures of a file say of a dataset. */
export interface DatasetHeader {
  name: string;
  located: Located;
  messages: readonly Message[];
  /** Undefined where it does not hold floating-point numbers. */
  floatType: FloatType | undefined;
  shape: number[];
  most: number[];
  elementBytes: number;
  storage: Storage;
}

/**
 * Reads a dataset's header.
 * @param metadata what the library says of it
 * @throws DataError where both do not agree
 */
export function readDatasetHeader(
  module: H5Module,
  name: string,
  located: Located,
  metadata: H5Metadata,
): DatasetHeader {
  const { path, file, structures } = located.in;
  return guardStructures(path, name, () => {
    const reference = module.create_object_reference(file.file_id, located.path);
    const address = reference.reduceRight((sum, byte) => sum * 256 + byte, 0);
    const messages = readObjectHeader(structures, address);
    const need = (type: number) => {
      const fields = findMessage(structures, messages, type);
      if (!fields) throw new BadStructure('a message of its header is missing');
      return fields;
    };
    const { shape, most } = parseShape(need(MESSAGE.dataspace));
    if (shape.join() !== (metadata.shape ?? []).join()) throw new BadStructure('its shape cannot be told');
    return {
      name,
      located,
      messages,
      floatType: parseFloatType(need(MESSAGE.datatype)),
      shape,
      most,
      // Of text of variable length the library tells the size of a pointer in memory.
      elementBytes: metadata.vlen ? 8 + structures.addressBytes : metadata.size,
      storage: parseStorage(need(MESSAGE.layout)),
    };
  });
}

/**
 * Checks that every row of a dataset is in a file. The library gives the fill value for those that are not, without an error.
 * @throws DataError naming the rows and, where it is another one, the file that should have them
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
      if (storage.address === UNDEFINED_ADDRESS) throw neverWritten(path, name, 0, rows);
      if ((storage.bytes ?? bytes) < bytes) throw new BadStructure('it has less bytes than its shape needs');
      if (storage.address + bytes > structures.byteLength)
        throw new BadStructure('its rows lie beyond the end of the file');
    } else if (storage.kind === 'compact') {
      if (storage.bytes < bytes) throw new BadStructure('it has less bytes than its shape needs');
    } else if (storage.kind === 'chunked') requireChunks(header, storage);
    else requireSources(module, files, header, readMappings(structures, storage.heap, storage.object), depth);
  });
}

function requireChunks(header: DatasetHeader, storage: Storage & { kind: 'chunked' }): void {
  const { name, located, shape, most } = header;
  const { path, structures } = located.in;
  const chunk = storage.chunk.slice(0, -1);
  if (chunk.length !== shape.length) throw new BadStructure('its chunks are of another rank');
  const chunkBytes = chunkBytesOf(header);
  if (chunkBytes > MAX_CHUNK_BYTES)
    throw new DataError(
      `${path}: "${name}" has chunks of ${chunkBytes} bytes; at most ${MAX_CHUNK_BYTES} can be read. ` +
        `Write it again in smaller ones: h5repack -l ${name}:CHUNK=${chunk.map((size) => Math.min(size, 1024)).join('x')}`,
    );
  const isFiltered = header.messages.some(({ type }) => type === MESSAGE.filters);
  const grid: ChunkGrid = { shape, most, chunk, chunkBytes: isFiltered ? 1 : chunkBytes };
  const missing = findMissingRows(structures, storage.index, grid);
  if (missing) throw neverWritten(path, name, missing.start, missing.end);
}

/** Bytes of a chunk as it is in memory; 0 where there are none. */
export function chunkBytesOf({ storage, elementBytes }: DatasetHeader): number {
  return storage.kind === 'chunked'
    ? storage.chunk.slice(0, -1).reduce((product, size) => product * size, elementBytes)
    : 0;
}

function neverWritten(path: string, name: string, start: number, end: number): DataError {
  return new DataError(
    `${path}: rows ${start} to ${end - 1} of "${name}" were never written: HDF5 would give its fill value for them. ` +
      `Write them, or cut "embedding" and "id" to the rows that are there (h5py: f["${name}"].resize(${start}, axis=0)).`,
  );
}

function requireExternalFiles({ name, located, messages }: DatasetHeader, bytes: number): void {
  const { path, structures } = located.in;
  const fields = findMessage(structures, messages, MESSAGE.externalFiles);
  let left = bytes;
  for (const file of fields ? parseExternalFiles(structures, fields) : []) {
    const own = Math.min(left, file.bytes);
    // The library looks in the folder that the command was started in.
    const there = existsSync(file.name) ? statSync(file.name).size : undefined;
    if (there === undefined || there < file.offset + own)
      throw new DataError(
        `${path}: "${name}" is stored in ${JSON.stringify(file.name)}, which ${there === undefined ? 'is not there' : 'is too short'}. ` +
          'Put that file into the folder that the command is started in, or write a shard that holds its rows itself (h5repack).',
      );
    left -= own;
  }
  if (left > 0) throw new BadStructure('its external files are too short');
}

/** Checks that the sources of a virtual dataset are there, have all their rows, and make up all of it. */
function requireSources(
  module: H5Module,
  files: OpenFiles,
  header: DatasetHeader,
  mappings: readonly Mapping[],
  depth: number,
): void {
  const { name, located, shape } = header;
  const { path } = located.in;
  if (depth >= MOST_VIRTUAL_DEPTH) throw new DataError(`${path}: "${name}" is a virtual dataset of itself.`);
  const whole: Box = { start: shape.map(() => 0), size: shape };
  const plain = mappings.map(({ virtual }) => (virtual === 'all' ? whole : virtual));
  if (plain.includes(undefined) || mappings.some(({ file, dataset }) => `${file}${dataset}`.includes('%')))
    throw new DataError(
      `${path}: "${name}" is a virtual dataset whose parts are no ranges of rows. ${WRITE_PLAIN(name)}`,
    );
  const boxes = plain as Box[];
  const sources = mappings.map((mapping) => findSource(files, located, mapping));
  const described = mappings.map(({ file, dataset }, i) => {
    const { start, size } = boxes[i]!;
    const range = `rows ${start[0]} to ${start[0]! + size[0]! - 1}`;
    return `${range} of "${name}" come from "${dataset}" in ${JSON.stringify(file)}`;
  });
  const absent = described.filter((_, i) => sources[i] === undefined);
  if (absent.length > 0) {
    const others = absent.length > MOST_NAMED ? `, and ${absent.length - MOST_NAMED} more sources` : '';
    throw new DataError(
      `${path}: ${absent.slice(0, MOST_NAMED).join('; ')}${others}: not there. Put back what is missing. ${WRITE_PLAIN(name)}`,
    );
  }
  for (const [i, mapping] of mappings.entries()) {
    const source = sources[i]!;
    const { file } = source.in;
    const metadata = module.get_dataset_metadata(file.file_id, source.path);
    const own = readDatasetHeader(module, mapping.dataset, source, metadata);
    if (!isInside(mapping.source, own.shape, boxes[i]!))
      throw new DataError(`${path}: ${described[i]}, which has other rows now. ${WRITE_PLAIN(name)}`);
    requireReadableFilters(source.in.path, mapping.dataset, module.get_dataset_filters(file.file_id, source.path));
    requireAllRows(module, files, own, depth + 1);
  }
  const gap = findUncovered(shape, boxes);
  if (gap)
    throw new DataError(
      `${path}: rows ${gap.start} to ${gap.end - 1} of "${name}" come from no file: HDF5 would give its fill value for them. ${WRITE_PLAIN(name)}`,
    );
}

/** Whether a source has all elements of its selection, and as many as they fill. */
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

const WRITE_PLAIN = (name: string) =>
  `Or write it as a plain dataset, where its sources are (h5py: x = f["${name}"][:]; del f["${name}"]; f["${name}"] = x).`;

function findSource(files: OpenFiles, located: Located, { file, dataset }: Mapping): Located | undefined {
  if (file === '.') return files.locate(located.in, dataset);
  const there = findBeside(located.in.path, file);
  return there === undefined ? undefined : files.locate(files.open(there), dataset);
}

/** Filters that h5wasm has: deflate, shuffle, fletcher32, scaleoffset. Others give garbage without an error. */
const READABLE_FILTERS = new Set([1, 2, 3, 6]);

/** @throws DataError naming the first filter that cannot be read */
export function requireReadableFilters(
  path: string,
  name: string,
  filters: readonly { id: number; name: string }[],
): void {
  const unreadable = filters.find((filter) => !READABLE_FILTERS.has(filter.id));
  if (unreadable)
    throw new DataError(
      `${path}: "${name}" is compressed with ${unreadable.name || `filter ${unreadable.id}`}, which cannot be read here. ` +
        `Write it again with gzip or without compression (h5repack -f GZIP=4).`,
    );
}

/** Turns what a parser cannot make out into an error for the user. @throws DataError */
export function guardStructures<T>(path: string, name: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    if (error instanceof UserError || !(error instanceof BadStructure)) throw error;
    throw new DataError(`${path}: "${name}" cannot be read: ${error.message}; the file is damaged.`, { cause: error });
  }
}
