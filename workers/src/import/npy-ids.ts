import { isUtf8 } from 'node:buffer';
import { open } from 'node:fs/promises';
import { MAX_ID_BYTES } from '../base/limits.ts';
import * as messages from './import-messages.ts';
import { type NpyHeader, readElements, readNpyHeader, requireWhole, swapBytes } from './npy-header.ts';
import type { IdFile } from './vector-source.ts';

const READ_BYTES = 2 ** 20;
const CODE_POINT_BYTES = 4;

/** Opens a .npy file of ids: texts (U), bytes in UTF-8 (S), or integers, whose decimal text is the id. @throws DataError */
export async function readNpyIds(path: string): Promise<IdFile> {
  await using file = await open(path, 'r');
  const header = await readNpyHeader(file, path);
  const { shape, descr, dataAt } = header;
  if (shape.length !== 1) throw messages.wrongIdShape(path, shape);
  const elementBytes = header.kind === 'U' ? CODE_POINT_BYTES * header.length : header.length;
  const isInteger = /^[iu]$/.test(header.kind) && [1, 2, 4, 8].includes(header.length);
  if ((!isInteger && !/^[US]$/.test(header.kind)) || elementBytes === 0) throw messages.wrongIdType(path, descr);
  if (elementBytes > CODE_POINT_BYTES * MAX_ID_BYTES) throw messages.wrongIdType(path, descr);
  await requireWhole(file, path, dataAt + shape[0]! * elementBytes);
  return {
    ids: () => idsOf(path, header, elementBytes),
    notes: isInteger ? [messages.numericIdsNote(path, descr)] : [],
  };
}

async function* idsOf(path: string, header: NpyHeader, elementBytes: number): AsyncGenerator<string> {
  await using file = await open(path, 'r');
  const [rows = 0] = header.shape;
  const read = readerOf(path, header);
  const most = Math.max(1, Math.floor(READ_BYTES / elementBytes));
  for (let start = 0; start < rows; start += most) {
    const count = Math.min(most, rows - start);
    const stored = await readElements(file, path, header.dataAt + start * elementBytes, count * elementBytes);
    if (header.isBigEndian) swapBytes(stored, header.kind === 'U' ? CODE_POINT_BYTES : header.length);
    for (let row = 0; row < count; row++)
      yield read(stored.subarray(row * elementBytes, (row + 1) * elementBytes), start + row);
  }
}

/** Returns a reader of one element, little-endian. */
function readerOf(path: string, { kind, length }: NpyHeader): (element: Buffer, row: number) => string {
  if (kind === 'U') return textOfCodePoints;
  if (kind === 'S')
    return (element, row) => {
      const end = element.findLastIndex((byte) => byte !== 0) + 1;
      if (!isUtf8(element.subarray(0, end))) throw messages.npyIdNotUtf8(path, row);
      return element.toString('utf8', 0, end);
    };
  if (length === 8) return (element) => `${kind === 'i' ? element.readBigInt64LE() : element.readBigUInt64LE()}`;
  return (element) => `${kind === 'i' ? element.readIntLE(0, length) : element.readUIntLE(0, length)}`;
}

/** Reads a text of UCS-4, which numpy fills up with NULs. */
function textOfCodePoints(element: Buffer): string {
  let text = '';
  for (let at = 0; at < element.length; at += CODE_POINT_BYTES) {
    const codePoint = element.readUInt32LE(at);
    if (codePoint === 0) break;
    text += codePoint <= 0x10ffff ? String.fromCodePoint(codePoint) : '\ufffd';
  }
  return text;
}
