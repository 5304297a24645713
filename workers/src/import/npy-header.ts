import type { FileHandle } from 'node:fs/promises';
import * as messages from './import-messages.ts';

/** Of an array of numbers, numpy writes 128 bytes. */
const MAX_HEADER_BYTES = 2 ** 16;

/** What a .npy file says about its array. */
export interface NpyHeader {
  /** The type as numpy writes it, such as <f4; empty for a structure. */
  descr: string;
  /** Letter of the type, such as f, and its length in bytes, or in characters for U. */
  kind: string;
  length: number;
  isBigEndian: boolean;
  /** Whether columns are stored one after another. */
  isByColumns: boolean;
  shape: number[];
  /** Position of the first element. */
  dataAt: number;
}

/**
 * Reads the header of a file that begins as a .npy file. Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 * @throws DataError
 */
export async function readNpyHeader(file: FileHandle, path: string): Promise<NpyHeader> {
  const start = Buffer.alloc(12);
  const { bytesRead } = await file.read(start, 0, start.length, 0);
  if (bytesRead < start.length) throw messages.badNpy(path, 'it is too short');
  const version = start[6]!;
  if (version < 1 || version > 3) throw messages.badNpy(path, `version ${version} of the format is unknown`);
  const headerAt = version === 1 ? 10 : 12;
  const headerBytes = version === 1 ? start.readUInt16LE(8) : start.readUInt32LE(8);
  if (headerBytes > MAX_HEADER_BYTES) throw messages.badNpy(path, 'its header is too long');
  const bytes = Buffer.alloc(headerBytes);
  if ((await file.read(bytes, 0, headerBytes, headerAt)).bytesRead < headerBytes)
    throw messages.badNpy(path, 'its header is incomplete');
  const text = bytes.toString('latin1');
  const descr = /'descr':\s*'([^']*)'/.exec(text)?.[1] ?? '';
  const order = /'fortran_order':\s*(True|False)/.exec(text)?.[1];
  const sizes = /'shape':\s*\(([\d\s,]*)\)/.exec(text)?.[1];
  if (order === undefined || sizes === undefined) throw messages.badNpy(path, 'its header is damaged');
  const [, byteOrder, kind = '', length = '0'] = /^([<>|=])([a-zA-Z])(\d+)$/.exec(descr) ?? [];
  return {
    ...{ descr, kind, length: Number(length), isBigEndian: byteOrder === '>', isByColumns: order === 'True' },
    shape: sizes.split(',').flatMap((size) => (size.trim() === '' ? [] : [Number(size)])),
    dataAt: headerAt + headerBytes,
  };
}

/** @throws DataError if the file has fewer bytes than its header says */
export async function requireWhole(file: FileHandle, path: string, expectedBytes: number): Promise<void> {
  const { size } = await file.stat();
  if (size < expectedBytes) throw messages.shortNpy(path, size, expectedBytes);
}

/** Reads elements of a .npy file. @throws DataError if the file ends before */
export async function readElements(
  file: FileHandle,
  path: string,
  position: number,
  byteLength: number,
): Promise<Buffer> {
  const stored = Buffer.alloc(byteLength);
  for (let done = 0; done < byteLength; ) {
    const { bytesRead } = await file.read(stored, done, byteLength - done, position + done);
    if (bytesRead === 0) throw messages.shortNpy(path, position + done, position + byteLength);
    done += bytesRead;
  }
  return stored;
}

/** Changes the byte order of numbers, in place. */
export function swapBytes(stored: Buffer, numberBytes: number): void {
  if (numberBytes === 2) stored.swap16();
  else if (numberBytes === 4) stored.swap32();
  else if (numberBytes === 8) stored.swap64();
}
