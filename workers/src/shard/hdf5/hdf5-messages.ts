// Messages about HDF5 files for users: the file and dataset, the problem, and what to do.

import { DataError, TransientError } from '../../base/errors.ts';
import { MAX_CHUNK_BYTES } from '../../base/limits.ts';
import { counted } from '../../base/text/counted.ts';

/** Sources of a virtual dataset that a message names. */
const MAX_NAMED = 3;

export function notHdf5(path: string): DataError {
  return new DataError(
    `${path}: not an HDF5 file. Shards are HDF5 with datasets "embedding" and "id". lanceflow import-vectors writes them from Parquet and .npy.`,
  );
}

export function stillWritten(path: string): DataError {
  return new DataError(
    `${path}: a program is still writing this HDF5 file, or exited without closing it. Wait until it has closed the ` +
      `file; if no program is running, check the rows and clear the mark: h5clear -s ${JSON.stringify(path)}`,
  );
}

export function truncatedFile(path: string, bytes: number, expectedBytes: number): DataError {
  return new DataError(
    `${path}: truncated: it has ${bytes} of ${counted(expectedBytes, 'byte')}. Copy or create the file again.`,
  );
}

export function cannotOpen(path: string): DataError {
  return new DataError(`${path}: HDF5 cannot open this file; it is damaged.`);
}

/** @param problem of a structure @param cause the parser's error */
export function damagedDataset(path: string, name: string, problem: string, cause: unknown): DataError {
  return new DataError(`${path}: "${name}" cannot be read: ${problem}; the file is damaged.`, { cause });
}

/** @param start first row that the library cannot read */
export function failedRead(path: string, name: string, start: number, count: number): DataError {
  return new DataError(
    `${path}: rows ${start} to ${start + count - 1} of "${name}" cannot be read; the file is damaged.`,
  );
}

/** An error for memory that the library could not allocate. */
export class OutOfMemory extends TransientError {
  constructor(byteLength: number) {
    super(`HDF5 cannot allocate ${counted(byteLength, 'byte')}; its memory is limited to 2 GiB. Use smaller shards.`);
  }
}

/** @param start first row of [start, end), which no file has */
export function neverWritten(path: string, name: string, start: number, end: number): DataError {
  return new DataError(
    `${path}: rows ${start} to ${end - 1} of "${name}" were never written: HDF5 would return its fill value for them. ` +
      `Write them, or cut "embedding" and "id" to the existing rows (h5py: f["${name}"].resize(${start}, axis=0)).`,
  );
}

export function chunksTooLarge(path: string, name: string, bytes: number, chunk: readonly number[]): DataError {
  const smaller = chunk.map((size) => Math.min(size, 1024)).join('x');
  return new DataError(
    `${path}: "${name}" has chunks of ${bytes} bytes; at most ${MAX_CHUNK_BYTES} can be read. ` +
      `Write it again in smaller ones: h5repack -l ${name}:CHUNK=${smaller}`,
  );
}

export function unreadableFilter(path: string, name: string, filter: { id: number; name: string }): DataError {
  return new DataError(
    `${path}: "${name}" is compressed with ${filter.name || `filter ${filter.id}`}, which is not supported. ` +
      `Write it again with gzip or without compression (h5repack -f GZIP=4).`,
  );
}

export function externalFileWrong(path: string, name: string, file: string, isMissing: boolean): DataError {
  return new DataError(
    `${path}: "${name}" is stored in ${JSON.stringify(file)}, which ${isMissing ? 'does not exist' : 'is too short'}. ` +
      'Put that file into the current folder, or write a shard that contains its rows itself (h5repack).',
  );
}

// Links

export function linkToItself(path: string, name: string): DataError {
  return new DataError(`${path}: "${name}" is a link to itself.`);
}

export function brokenLink(path: string, name: string, target: string | undefined): DataError {
  return new DataError(
    `${path}: "${name}" is a link to ${JSON.stringify(target)}, which does not exist. ` +
      'Put that file back, or write a shard that contains the rows itself (h5repack, or h5py: f.copy).',
  );
}

// Virtual datasets

export function virtualOfItself(path: string, name: string): DataError {
  return new DataError(`${path}: "${name}" is a virtual dataset of itself.`);
}

export function virtualNotRanges(path: string, name: string): DataError {
  return new DataError(
    `${path}: "${name}" is a virtual dataset whose parts are not ranges of rows. ${writePlainDataset(name)}`,
  );
}

/** @param missing descriptions of the sources that are missing */
export function sourcesMissing(path: string, name: string, missing: readonly string[]): DataError {
  const others = missing.length > MAX_NAMED ? `, and ${missing.length - MAX_NAMED} more sources` : '';
  return new DataError(
    `${path}: ${missing.slice(0, MAX_NAMED).join('; ')}${others}: not found. Put the missing files back. ${writePlainDataset(name)}`,
  );
}

/** @param source description of the source */
export function sourceChanged(path: string, name: string, source: string): DataError {
  return new DataError(`${path}: ${source}, which has other rows now. ${writePlainDataset(name)}`);
}

/** @param start first row of [start, end), which no source of a virtual dataset has */
export function rowsOfNoSource(path: string, name: string, start: number, end: number): DataError {
  return new DataError(
    `${path}: rows ${start} to ${end - 1} of "${name}" come from no file: HDF5 would return its fill value for them. ${writePlainDataset(name)}`,
  );
}

function writePlainDataset(name: string): string {
  return `Or write it as a plain dataset, where its sources exist (h5py: x = f["${name}"][:]; del f["${name}"]; f["${name}"] = x).`;
}
