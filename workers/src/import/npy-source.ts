import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { columnFrom } from '../base/bytes/utf8-column.ts';
import { MAX_DIMENSION, MAX_ID_BYTES } from '../base/limits.ts';
import { findStats } from '../base/missing-files.ts';
import { checkIds } from '../shard/id-reader.ts';
import { convertedNote, transposedNote } from '../shard/layouts/layout-messages.ts';
import {
  convertToFloat32,
  isConverted,
  isNumberType,
  NUMBER_BYTES,
  type NumberType,
  storedVectorType,
} from '../shard/layouts/number-type.ts';
import { idTooLong } from '../shard/shard-messages.ts';
import * as messages from './import-messages.ts';
import { BLOCK_BYTES, type SourceBlock, type VectorSource } from './vector-source.ts';

export const NPY_SIGNATURE = Buffer.from('\x93NUMPY', 'latin1');
/** Of an array of numbers, numpy writes 128 bytes. */
const MAX_HEADER_BYTES = 2 ** 16;

interface NpyHeader {
  type: NumberType;
  isBigEndian: boolean;
  /** Whether columns are stored one after another. */
  isByColumns: boolean;
  shape: [number, number];
  /** Position of the first number. */
  dataAt: number;
}

/** Returns the path of the ids of a .npy file: the same name with .txt. */
export function idFileOf(path: string): string {
  return path.replace(/\.npy$/i, '.txt');
}

/**
 * Opens a .npy file and the file of its ids: text, one id a line. A matrix (D, N) is read by columns if there are N ids.
 * @throws DataError if either is not what it must be
 */
export async function openNpy(path: string, idPath: string): Promise<VectorSource> {
  if (!(await findStats(idPath))?.isFile()) throw messages.noIdFile(path, idPath);
  const file = await open(path, 'r');
  try {
    const header = await readHeader(file, path);
    const idRows = await countLines(idPath);
    const { shape, type } = header;
    const isTransposed = shape[0] !== idRows && shape[1] === idRows;
    const [rows, dimension] = isTransposed ? [shape[1], shape[0]] : shape;
    if (rows === 0) throw messages.noRows(path);
    if (rows !== idRows) throw messages.idCountDiffers(path, idPath, rows, idRows, false);
    if (dimension === 0 || dimension > MAX_DIMENSION) throw messages.wrongNpyShape(path, shape);
    const layout = { ...header, isByColumns: header.isByColumns !== isTransposed, shape: [rows, dimension] as const };
    const notes = isConverted(type) ? [convertedNote(path, type)] : [];
    if (isTransposed) notes.push(transposedNote(path, 'the matrix', dimension, rows));
    return {
      ...{ rows, dimension, notes, attributes: {}, vectorType: storedVectorType(type) },
      blocks: () => readBlocks(file, layout, path, idPath),
      [Symbol.asyncDispose]: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html */
async function readHeader(file: FileHandle, path: string): Promise<NpyHeader> {
  const start = Buffer.alloc(12);
  const { bytesRead } = await file.read(start, 0, start.length, 0);
  if (bytesRead < start.length || !start.subarray(0, 6).equals(NPY_SIGNATURE))
    throw messages.badNpy(path, 'it is too short');
  const version = start[6]!;
  if (version < 1 || version > 3) throw messages.badNpy(path, `version ${version} of the format is unknown`);
  const headerAt = version === 1 ? 10 : 12;
  const headerBytes = version === 1 ? start.readUInt16LE(8) : start.readUInt32LE(8);
  if (headerBytes > MAX_HEADER_BYTES) throw messages.badNpy(path, 'its header is too long');
  const bytes = Buffer.alloc(headerBytes);
  if ((await file.read(bytes, 0, headerBytes, headerAt)).bytesRead < headerBytes)
    throw messages.badNpy(path, 'its header is incomplete');
  const text = bytes.toString('latin1');
  const descr = /'descr':\s*'([^']*)'/.exec(text)?.[1];
  const order = /'fortran_order':\s*(True|False)/.exec(text)?.[1];
  const sizes = /'shape':\s*\(([\d\s,]*)\)/.exec(text)?.[1];
  if (order === undefined || sizes === undefined) throw messages.badNpy(path, 'its header is damaged');
  const shape = sizes.split(',').flatMap((size) => (size.trim() === '' ? [] : [Number(size)]));
  const [, byteOrder, kind = '', byteLength] = /^([<>|=])([fiu])(\d+)$/.exec(descr ?? '') ?? [];
  const type = `${{ f: 'float', i: 'int', u: 'uint' }[kind]}${8 * Number(byteLength)}`;
  if (!isNumberType(type)) throw messages.wrongNpyType(path, descr ?? 'a structure');
  if (shape.length !== 2) throw messages.wrongNpyShape(path, shape);
  const dataAt = headerAt + headerBytes;
  const expectedBytes = dataAt + shape[0]! * shape[1]! * NUMBER_BYTES[type];
  const { size } = await file.stat();
  if (size < expectedBytes) throw messages.shortNpy(path, size, expectedBytes);
  return {
    ...{ type, dataAt, isBigEndian: byteOrder === '>', isByColumns: order === 'True' },
    shape: shape as [number, number],
  };
}

async function countLines(path: string): Promise<number> {
  let lines = 0;
  for await (const _ of linesOf(path)) lines++;
  return lines;
}

/** Reads the lines of a text in UTF-8, without empty ones at its end. @throws DataError */
async function* linesOf(path: string): AsyncGenerator<string> {
  let empty = 0;
  let lines = 0;
  for await (const line of allLinesOf(path)) {
    if (line.length > MAX_ID_BYTES) throw idTooLong(path, lines, line.length);
    lines++;
    if (line === '') {
      empty++;
      continue;
    }
    for (; empty > 0; empty--) yield '';
    yield line;
  }
}

async function* allLinesOf(path: string): AsyncGenerator<string> {
  // It removes a byte order mark.
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decode = (bytes?: Buffer) => {
    try {
      return decoder.decode(bytes, { stream: bytes !== undefined });
    } catch {
      throw messages.idFileNotUtf8(path);
    }
  };
  let rest = '';
  for await (const piece of createReadStream(path)) {
    // A carriage return at the end may be followed by a newline in the next piece.
    const lines = (rest + decode(piece as Buffer)).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop()!;
    yield* lines;
    // Longer than any id: the caller refuses it.
    if (rest.length > MAX_ID_BYTES) yield rest;
  }
  yield (rest + decode()).replace(/\r$/, '');
}

type Layout = Omit<NpyHeader, 'shape'> & { shape: readonly [rows: number, dimension: number] };

async function* readBlocks(
  file: FileHandle,
  layout: Layout,
  path: string,
  idPath: string,
): AsyncGenerator<SourceBlock> {
  const [rows, dimension] = layout.shape;
  const blockRows = Math.max(1, Math.floor(BLOCK_BYTES / (4 * dimension)));
  const lines = linesOf(idPath);
  for (let start = 0; start < rows; start += blockRows) {
    const count = Math.min(blockRows, rows - start);
    const texts: string[] = [];
    while (texts.length < count) {
      const { value, done } = await lines.next();
      if (done) throw messages.idCountDiffers(path, idPath, rows, start + texts.length, false);
      texts.push(value);
    }
    const ids = columnFrom(texts);
    checkIds(ids, idPath, start);
    yield { ids, vectors: await readRows(file, layout, path, start, count) };
  }
}

async function readRows(
  file: FileHandle,
  layout: Layout,
  path: string,
  start: number,
  count: number,
): Promise<Float32Array> {
  const { type, dataAt, isByColumns } = layout;
  const [rows, dimension] = layout.shape;
  const bytes = NUMBER_BYTES[type];
  const read = async (firstElement: number, elements: number) => {
    const stored = Buffer.alloc(elements * bytes);
    const position = dataAt + firstElement * bytes;
    for (let done = 0; done < stored.length; ) {
      const { bytesRead } = await file.read(stored, done, stored.length - done, position + done);
      if (bytesRead === 0) throw messages.shortNpy(path, position + done, dataAt + rows * dimension * bytes);
      done += bytesRead;
    }
    if (layout.isBigEndian && bytes > 1)
      ({ 2: () => stored.swap16(), 4: () => stored.swap32(), 8: () => stored.swap64() })[bytes]!();
    const numbers = new Float32Array(elements);
    convertToFloat32(stored, type, numbers);
    return numbers;
  };
  if (!isByColumns) return read(start * dimension, count * dimension);
  const vectors = new Float32Array(count * dimension);
  for (let component = 0; component < dimension; component++) {
    const column = await read(component * rows + start, count);
    for (let row = 0; row < count; row++) vectors[row * dimension + component] = column[row]!;
  }
  return vectors;
}
