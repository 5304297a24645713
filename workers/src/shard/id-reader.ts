import { isUtf8 } from 'node:buffer';
import { columnBytes, columnLength, concatenateColumns, type Utf8Column } from '../base/bytes/utf8-column.ts';
import { MAX_ID_BYTES } from '../base/limits.ts';
import { unpadded } from './hdf5/file-bytes.ts';
import type { H5Module } from './hdf5/h5wasm.ts';
import { failedRead, OutOfMemory } from './hdf5/hdf5-messages.ts';
import { withBuffer } from './hdf5/library.ts';
import type { Located } from './hdf5/locate.ts';
import { idMissing, idNotUtf8, idTooLong } from './shard-messages.ts';

/** Limit of the text that is read at once, if its size is known before: the library's memory never shrinks. */
const READ_BYTES = 32 * 2 ** 20;
/** Row counts of the first read of variable-length ids, whose size is unknown before they are read, and of any later read. */
const FIRST_IDS_PER_READ = 256;
const MAX_IDS_PER_READ = 16_384;

/** How a shard stores its ids. */
export interface IdLayout {
  /** The shard, for messages. */
  path: string;
  located: Located;
  idsHaveVariableLength: boolean;
  /** Bytes of a fixed-length id, or of the pointer to a variable-length one. */
  idBytes: number;
  /** Padding of fixed-length ids: H5T_str_t. */
  idPad: number;
}

/** Reads ids of a shard. */
export type ReadIds = (start: number, count: number, maxBytes: number) => Utf8Column;

/**
 * Returns a reader of the ids of rows [start, start + count). It returns fewer ids, but at least one, if their text reaches `maxBytes`.
 * It throws DataError for damage, and for an id that is not UTF-8, empty, or longer than MAX_ID_BYTES.
 */
export function idReader(module: H5Module, layout: IdLayout): ReadIds {
  const { idsHaveVariableLength, idBytes } = layout;
  const read = idsHaveVariableLength ? variableIds : fixedIds;
  let maxRows = idsHaveVariableLength ? FIRST_IDS_PER_READ : Math.max(1, Math.floor(READ_BYTES / idBytes));
  return (start, count, maxBytes) => {
    const parts: Utf8Column[] = [];
    let byteLength = 0;
    for (let at = 0; at < count && (at === 0 || byteLength < maxBytes); ) {
      const wanted = Math.min(maxRows, count - at);
      const part = read(module, layout, start + at, wanted);
      checkIds(part, layout.path, start + at);
      parts.push(part);
      at += wanted;
      byteLength += part.bytes.length;
      if (idsHaveVariableLength) maxRows = nextRowCount(wanted, part.bytes.length);
    }
    return parts.length === 1 ? parts[0]! : concatenateColumns(parts);
  };
}

/** Returns the row count of the next read if the last read had `rows` ids with `byteLength` bytes. */
function nextRowCount(rows: number, byteLength: number): number {
  const fitting = Math.floor((READ_BYTES * rows) / Math.max(1, byteLength));
  return Math.max(1, Math.min(fitting, rows * 8, MAX_IDS_PER_READ));
}

type ReadIdRows = (module: H5Module, layout: IdLayout, start: number, count: number) => Utf8Column;

/** Reads fixed-length ids. */
const fixedIds: ReadIdRows = (module, layout, start, count) =>
  withBuffer(module, count * layout.idBytes, (address) => {
    readIdBytes(module, layout, start, count, address);
    const heap = module.HEAPU8;
    const rangeOf = (row: number): [number, number] => {
      const from = address + row * layout.idBytes;
      return [from, unpadded(heap, from, from + layout.idBytes, layout.idPad)];
    };
    return gatherIds(count, rangeOf, heap);
  });

/** Reads variable-length ids: the library fills an array of pointers to NUL-terminated strings, which it owns. */
const variableIds: ReadIdRows = (module, layout, start, count) => {
  try {
    return withBuffer(module, count * layout.idBytes, (address) => {
      readIdBytes(module, layout, start, count, address);
      const heap = module.HEAPU8;
      const pointers = new DataView(heap.buffer);
      const rangeOf = (row: number): [number, number] => {
        const from = pointers.getUint32(address + row * layout.idBytes, true);
        return from === 0 ? [0, 0] : [from, heap.indexOf(0, from)];
      };
      try {
        return gatherIds(count, rangeOf, heap);
      } finally {
        const { in: open, path } = layout.located;
        module.reclaim_vlen_memory_count(open.file.file_id, path, '', BigInt(address), [BigInt(count)]);
      }
    });
  } catch (error) {
    if (!(error instanceof OutOfMemory)) throw error;
    throw failedRead(layout.path, 'id', start, count);
  }
};

function readIdBytes(module: H5Module, { path, located }: IdLayout, start: number, count: number, address: number) {
  const { file_id } = located.in.file;
  const to = BigInt(address);
  const status = module.get_dataset_data(file_id, located.path, [BigInt(count)], [BigInt(start)], [1n], to);
  if (status < 0) throw failedRead(path, 'id', start, count);
}

/** Copies the byte range of each row from `heap` into one column. */
function gatherIds(count: number, rangeOf: (row: number) => [number, number], heap: Uint8Array): Utf8Column {
  const offsets = new Int32Array(count + 1);
  const starts = new Uint32Array(count);
  for (let row = 0; row < count; row++) {
    const [from, to] = rangeOf(row);
    starts[row] = from;
    offsets[row + 1] = offsets[row]! + (to - from);
  }
  const bytes = new Uint8Array(offsets[count]!);
  for (let row = 0; row < count; row++) {
    const length = offsets[row + 1]! - offsets[row]!;
    bytes.set(heap.subarray(starts[row]!, starts[row]! + length), offsets[row]!);
  }
  return { offsets, bytes };
}

/** @throws DataError for the first invalid id */
export function checkIds(ids: Utf8Column, path: string, firstRow: number): void {
  for (let row = 0; row < columnLength(ids); row++) {
    const length = ids.offsets[row + 1]! - ids.offsets[row]!;
    if (length > 0 && length <= MAX_ID_BYTES) continue;
    throw length === 0 ? idMissing(path, firstRow + row) : idTooLong(path, firstRow + row, length);
  }
  checkUtf8(ids, path, firstRow);
}

/** Checks all ids at once: if their concatenation is valid and no id begins inside a character, each id is valid. */
function checkUtf8(ids: Utf8Column, path: string, firstRow: number): void {
  const begins = (row: number) => (ids.bytes[ids.offsets[row]!]! & 0xc0) !== 0x80;
  let valid = isUtf8(ids.bytes);
  for (let row = 0; valid && row < columnLength(ids); row++) valid = begins(row);
  if (valid) return;
  for (let row = 0; row < columnLength(ids); row++) {
    const id = columnBytes(ids, row);
    if (isUtf8(id)) continue;
    throw idNotUtf8(path, firstRow + row, Buffer.from(id.subarray(0, 40)).toString('latin1'));
  }
}
